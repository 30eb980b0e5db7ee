/* SPDX-License-Identifier: MIT */
/* The types of the messages that the system's own servers take (QNX <sys/iomsg.h>) */
#pragma GCC system_header
#ifndef __STPLR_QNX_SYS_IOMSG_H
#define __STPLR_QNX_SYS_IOMSG_H

#include <stdint.h>
#include <sys/neutrino.h>

/* Types up to _IO_MAX are the system's; programs take theirs from _IO_MAX + 1 on. */
#define _IO_BASE 0x100
#define _IO_CONNECT _IO_BASE
#define _IO_READ (_IO_BASE + 1)
#define _IO_WRITE (_IO_BASE + 2)
#define _IO_CLOSE (_IO_BASE + 3)
#define _IO_STAT (_IO_BASE + 4)
#define _IO_DEVCTL (_IO_BASE + 6)
#define _IO_MSG (_IO_BASE + 19)
#define _IO_MAX (_IO_BASE + 255)

/* struct _io_connect.subtype */
enum _io_connect_subtypes {
	_IO_CONNECT_COMBINE,
	_IO_CONNECT_COMBINE_CLOSE,
	_IO_CONNECT_OPEN,
	_IO_CONNECT_UNLINK,
	_IO_CONNECT_RENAME,
	_IO_CONNECT_MKNOD,
	_IO_CONNECT_READLINK,
	_IO_CONNECT_LINK,
	_IO_CONNECT_RSVD_UNBLOCK,
	_IO_CONNECT_MOUNT
};

/* What name_open() sends: a server answers it with EOK. */
struct _io_connect {
	uint16_t type;    /* _IO_CONNECT */
	uint16_t subtype; /* _IO_CONNECT_OPEN */
	uint32_t file_type;
	uint16_t reply_max;
	uint16_t entry_max;
	uint32_t key;
	uint32_t handle;
	uint32_t ioflag;
	uint32_t mode;
	uint16_t sflag;
	uint16_t access;
	uint16_t zero;
	uint16_t path_len; /* with the terminator */
	uint8_t eflag;
	uint8_t extra_type;
	uint16_t extra_len;
	char path[1];
};

struct _io_connect_entry {
	uint16_t type;
	uint16_t reserved;
};

/* How a message of type _IO_MSG begins: for servers that tell their own by mgrid and subtype. */
struct _io_msg {
	uint16_t type;
	uint16_t combine_len;
	uint16_t mgrid;
	uint16_t subtype;
};
typedef union {
	struct _io_msg i;
} io_msg_t;

/* How a message of type _IO_DEVCTL begins, and its reply; the data follows. */
struct _io_devctl {
	uint16_t type;
	uint16_t combine_len;
	int32_t dcmd;
	uint32_t nbytes;
	int32_t zero;
};
struct _io_devctl_reply {
	uint32_t zero;
	int32_t ret_val;
	uint32_t nbytes;
	int32_t zero2;
};
typedef union {
	struct _io_devctl i;
	struct _io_devctl_reply o;
} io_devctl_t;
#define _DEVCTL_DATA(__msg) ((void *)(sizeof(__msg) + (char *)&(__msg)))

/* ioflag */
#define _IO_FLAG_RD 0x1
#define _IO_FLAG_WR 0x2
#define _IO_FLAG_MASK 0x3

#endif
