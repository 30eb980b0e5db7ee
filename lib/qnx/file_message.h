/* SPDX-License-Identifier: MIT */
/*
 * Messages to files: MsgSend() to a file's descriptor, by ioctl(2)
 *
 * An ioctl's data is this, and then the message; it returns with this, and then the reply. What the
 * server answers is in it, errors too: so an ioctl that fails has not reached one.
 */
#ifndef STPLR_QNX_FILE_MESSAGE_H
#define STPLR_QNX_FILE_MESSAGE_H

#include <linux/stplr.h>
#include <stdint.h>
#include <sys/ioctl.h>

struct file_message {
	uint32_t len;   /* of the message, and then of the reply */
	uint32_t room;  /* for the reply */
	int32_t status; /* the reply's, unless there is an error: an errno */
	int32_t error;
};

/* As many bytes are in an ioctl at most. */
#define FILE_MESSAGE_MAX ((1U << _IOC_SIZEBITS) - 1 - sizeof(struct file_message))
/* The kernel's own commands of that type are fewer. */
#define FILE_MESSAGE_NR 0xff
#define FILE_MESSAGE(bytes)                                                                        \
	_IOC(_IOC_READ | _IOC_WRITE, STPLR_IOC_MAGIC, FILE_MESSAGE_NR,                             \
	     sizeof(struct file_message) + (bytes))

#endif
