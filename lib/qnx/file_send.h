/* SPDX-License-Identifier: MIT */
/* MsgSend() to what is no connection, but perhaps a file that a program serves */
#ifndef STPLR_QNX_FILE_SEND_H
#define STPLR_QNX_FILE_SEND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/neutrino.h>

/* Whether the descriptor is of what a program may serve; other files know other commands. */
bool file_may_be_served(int fd);
/* 0 and the status, or an errno: EBADF, if it is none. A thread may be cancelled in it, or not. */
int file_send(int fd, const iov_t *siov, size_t sparts, const iov_t *riov, size_t rparts,
	      bool cancel, long *status);

#endif
