/* SPDX-License-Identifier: MIT */
/*
 * The messages that resource managers take (QNX <sys/iomsg.h>)
 *
 * Those of files come from this library, which makes them of what Linux's programs ask of the file.
 * i is what comes, o what is answered.
 */
#pragma GCC system_header
#ifndef __STPLR_QNX_SYS_IOMSG_H
#define __STPLR_QNX_SYS_IOMSG_H

#include <stdint.h>
#include <sys/ftype.h>
#include <sys/neutrino.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <utime.h>

/* Types up to _IO_MAX are the system's; programs take theirs from _IO_MAX + 1 on. */
#define _IO_BASE 0x100
#define _IO_CONNECT _IO_BASE
#define _IO_READ (_IO_BASE + 1)
#define _IO_WRITE (_IO_BASE + 2)
#define _IO_CLOSE (_IO_BASE + 3) /* the last descriptor */
#define _IO_STAT (_IO_BASE + 4)
#define _IO_NOTIFY (_IO_BASE + 5)
#define _IO_DEVCTL (_IO_BASE + 6)
#define _IO_PATHCONF (_IO_BASE + 8)
#define _IO_LSEEK (_IO_BASE + 9)
#define _IO_CHMOD (_IO_BASE + 10)
#define _IO_CHOWN (_IO_BASE + 11)
#define _IO_UTIME (_IO_BASE + 12)
#define _IO_OPENFD (_IO_BASE + 13)
#define _IO_FDINFO (_IO_BASE + 14)
#define _IO_LOCK (_IO_BASE + 15)
#define _IO_SPACE (_IO_BASE + 16)
#define _IO_SHUTDOWN (_IO_BASE + 17)
#define _IO_MMAP (_IO_BASE + 18)
#define _IO_MSG (_IO_BASE + 19)
#define _IO_DUP (_IO_BASE + 21)
#define _IO_CLOSE_DUP (_IO_BASE + 22) /* one of several descriptors */
#define _IO_SYNC (_IO_BASE + 25)
#define _IO_POWER (_IO_BASE + 26)
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

/* struct _io_connect.extra_type */
enum _io_connect_extra_type {
	_IO_CONNECT_EXTRA_NONE,
	_IO_CONNECT_EXTRA_LINK,
	_IO_CONNECT_EXTRA_SYMLINK,
	_IO_CONNECT_EXTRA_MQUEUE,
	_IO_CONNECT_EXTRA_PHOTON,
	_IO_CONNECT_EXTRA_SOCKET,
	_IO_CONNECT_EXTRA_SEM,
	_IO_CONNECT_EXTRA_RESMGR_LINK,
	_IO_CONNECT_EXTRA_RENAME,
	_IO_CONNECT_EXTRA_MOUNT
};

/* What opens a file, and what name_open() sends: a server answers that with EOK. */
struct _io_connect {
	uint16_t type;    /* _IO_CONNECT */
	uint16_t subtype; /* _IO_CONNECT_* */
	uint32_t file_type;
	uint16_t reply_max;
	uint16_t entry_max;
	uint32_t key;
	uint32_t handle;
	uint32_t ioflag; /* O_*, but the lowest bits are _IO_FLAG_RD and _IO_FLAG_WR */
	uint32_t mode;   /* of what is made */
	uint16_t sflag;
	uint16_t access;
	uint16_t zero;
	uint16_t path_len; /* with the terminator */
	uint8_t eflag;     /* _IO_CONNECT_EFLAG_* */
	uint8_t extra_type;
	uint16_t extra_len;
	char path[1]; /* below what is attached; "" is that itself */
};

#define _IO_CONNECT_EFLAG_DIR 0x01 /* it is to be a folder */
#define _IO_CONNECT_EFLAG_DOT 0x02
#define _IO_CONNECT_EFLAG_DOTDOT 0x04

struct _io_connect_entry {
	uint16_t type;
	uint16_t reserved;
};

/* What a symbolic link says: it follows, path_len bytes. */
struct _io_connect_link_reply {
	uint32_t reserved1;
	uint32_t file_type;
	uint8_t eflag;
	uint8_t reserved2;
	uint16_t chroot_len;
	uint32_t umask;
	uint16_t nentries;
	uint16_t path_len;
};

struct _io_connect_ftype_reply {
	uint16_t status;
	uint16_t reserved;
	uint32_t file_type;
};

typedef union {
	struct _io_connect connect;
	struct _io_connect_link_reply link_reply;
	struct _io_connect_ftype_reply ftype_reply;
} io_open_t, io_unlink_t, io_rename_t, io_mknod_t, io_readlink_t, io_link_t, io_mount_t;

typedef union {
	char path[1]; /* the old name */
} io_rename_extra_t;
typedef union {
	char path[1]; /* what a symbolic link is to say */
	void *ocb;    /* what a link is to be of */
} io_link_extra_t;
typedef union {
	char type[1];
} io_mount_extra_t;

typedef struct _pulse io_pulse_t;

/* xtype: what follows the message's header, and how the bytes are meant */
enum _io_xtypes {
	_IO_XTYPE_NONE,
	_IO_XTYPE_READCOND,
	_IO_XTYPE_MQUEUE,
	_IO_XTYPE_TCPIP,
	_IO_XTYPE_TCPIP_MSG,
	_IO_XTYPE_OFFSET,
	_IO_XTYPE_REGISTRY,
	_IO_XTYPE_READDIR
};
#define _IO_XTYPE_MASK 0x000000ff
#define _IO_XFLAG_DIR_EXTRA_HINT 0x00000100
#define _IO_XFLAG_NONBLOCK 0x00000200
#define _IO_XFLAG_BLOCK 0x00000400

struct _xtype_offset {
	off_t offset;
};

struct _io_read {
	uint16_t type;
	uint16_t combine_len;
	int32_t nbytes;
	uint32_t xtype;
	uint32_t zero;
};
typedef union {
	struct _io_read i;
} io_read_t;

/* The bytes follow. */
struct _io_write {
	uint16_t type;
	uint16_t combine_len;
	int32_t nbytes;
	uint32_t xtype;
	uint32_t zero;
};
typedef union {
	struct _io_write i;
} io_write_t;

struct _io_close {
	uint16_t type;
	uint16_t combine_len;
};
typedef union {
	struct _io_close i;
} io_close_t;

struct _io_stat {
	uint16_t type;
	uint16_t combine_len;
	uint32_t zero;
};
typedef union {
	struct _io_stat i;
	struct stat o;
} io_stat_t;

/* What is to be notified of, and what is there: _NOTIFY_COND_*. */
struct _io_notify {
	uint16_t type;
	uint16_t combine_len;
	int32_t action; /* _NOTIFY_ACTION_* */
	int32_t flags;
	struct sigevent event;
};
struct _io_notify_reply {
	uint32_t zero;
	uint32_t flags;
};
typedef union {
	struct _io_notify i;
	struct _io_notify_reply o;
} io_notify_t;
#define _NOTIFY_ACTION_POLL 0
#define _NOTIFY_ACTION_POLLARM 1
#define _NOTIFY_ACTION_TRANARM 2
#define _NOTIFY_ACTION_CONDARM 3
#define _NOTIFY_COND_MASK 0xf0000000
#define _NOTIFY_COND_INPUT 0x10000000
#define _NOTIFY_COND_OUTPUT 0x20000000
#define _NOTIFY_COND_OBAND 0x40000000
#define _NOTIFY_COND_EXTEN 0x80000000

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

struct _io_pathconf {
	uint16_t type;
	uint16_t combine_len;
	int16_t name;
	uint16_t zero;
};
typedef union {
	struct _io_pathconf i;
} io_pathconf_t;

struct _io_lseek {
	uint16_t type;
	uint16_t combine_len;
	int16_t whence;
	uint16_t zero;
	uint64_t offset;
};
typedef union {
	struct _io_lseek i;
	uint64_t o;
} io_lseek_t;

struct _io_chmod {
	uint16_t type;
	uint16_t combine_len;
	mode_t mode;
};
typedef union {
	struct _io_chmod i;
} io_chmod_t;

struct _io_chown {
	uint16_t type;
	uint16_t combine_len;
	gid_t gid; /* -1: it stays */
	uid_t uid;
};
typedef union {
	struct _io_chown i;
} io_chown_t;

struct _io_utime {
	uint16_t type;
	uint16_t combine_len;
	int32_t cur_flag; /* the current time is meant */
	struct utimbuf times;
};
typedef union {
	struct _io_utime i;
} io_utime_t;

struct _io_openfd {
	uint16_t type;
	uint16_t combine_len;
	uint32_t ioflag;
	uint16_t sflag;
	uint16_t reserved1;
	uint32_t key;
};
typedef union {
	struct _io_openfd i;
} io_openfd_t;

struct _io_fdinfo {
	uint16_t type;
	uint16_t combine_len;
	uint32_t flags;
	int32_t path_len;
	uint32_t reserved;
};
typedef union {
	struct _io_fdinfo i;
} io_fdinfo_t;

struct _io_lock {
	uint16_t type;
	uint16_t combine_len;
	uint32_t subtype;
	int32_t nbytes;
};
typedef union {
	struct _io_lock i;
} io_lock_t;

/* F_FREESP64 with len 0: the file ends at start from now on; F_ALLOCSP64: there is to be room. */
struct _io_space {
	uint16_t type;
	uint16_t combine_len;
	uint16_t subtype;
	int16_t whence;
	uint64_t start;
	uint64_t len;
};
typedef union {
	struct _io_space i;
	uint64_t o;
} io_space_t;
#define F_ALLOCSP64 110
#define F_FREESP64 111
#define F_ALLOCSP F_ALLOCSP64
#define F_FREESP F_FREESP64

struct _io_shutdown {
	uint16_t type;
	uint16_t combine_len;
};
typedef union {
	struct _io_shutdown i;
} io_shutdown_t;

struct _io_mmap {
	uint16_t type;
	uint16_t combine_len;
	uint32_t prot;
	uint64_t offset;
};
typedef union {
	struct _io_mmap i;
} io_mmap_t;

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

struct _io_dup {
	uint16_t type;
	uint16_t combine_len;
};
typedef union {
	struct _io_dup i;
} io_dup_t;

struct _io_sync {
	uint16_t type;
	uint16_t combine_len;
	uint32_t flag; /* O_SYNC or O_DSYNC */
};
typedef union {
	struct _io_sync i;
} io_sync_t;

struct _io_power {
	uint16_t type;
	uint16_t combine_len;
	uint16_t subtype;
	uint16_t zero;
};
typedef union {
	struct _io_power i;
} io_power_t;

/* ioflag */
#define _IO_FLAG_RD 0x1
#define _IO_FLAG_WR 0x2
#define _IO_FLAG_MASK 0x3

__BEGIN_DECLS
/*
 * The conditions that are there, or -1 and errno. Unless any is, the calling process is notified
 * once of each; without an event it is not any more. Any descriptor will do that poll(2) takes.
 */
extern int ionotify(int __fd, int __action, int __flags, const struct sigevent *__event);
__END_DECLS
#endif
