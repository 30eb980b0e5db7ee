/* SPDX-License-Identifier: MIT */
/*
 * What most resource managers have in common: a file's attributes, open files, and handlers that do
 * with them what POSIX says (QNX <sys/iofunc.h>)
 *
 * A program that needs more in these structures puts the one here at the beginning of its own, and
 * defines IOFUNC_ATTR_T, IOFUNC_OCB_T or IOFUNC_MOUNT_T before it includes this. The calls take the
 * ones here.
 */
#pragma GCC system_header
#ifndef __STPLR_QNX_SYS_IOFUNC_H
#define __STPLR_QNX_SYS_IOFUNC_H

#ifndef IOFUNC_ATTR_T
#define IOFUNC_ATTR_T struct _iofunc_attr
#endif
#ifndef IOFUNC_OCB_T
#define IOFUNC_OCB_T struct _iofunc_ocb
#endif
#ifndef IOFUNC_MOUNT_T
#define IOFUNC_MOUNT_T struct _iofunc_mount
#endif

#include <dirent.h>
#include <fcntl.h>
#include <sys/dispatch.h>
#include <sys/iomsg.h>
#include <sys/resmgr.h>
#include <sys/stat.h>
#include <time.h>

__BEGIN_DECLS

/* How open files are made and freed. */
typedef struct _iofunc_funcs {
	unsigned nfuncs;
	IOFUNC_OCB_T *(*ocb_calloc)(resmgr_context_t *__ctp, IOFUNC_ATTR_T *__attr);
	void (*ocb_free)(IOFUNC_OCB_T *__ocb);
} iofunc_funcs_t;
#define _IOFUNC_NFUNCS 2

/* What several files have in common */
typedef struct _iofunc_mount {
	uint32_t flags;
	uint32_t conf; /* IOFUNC_PC_* */
	dev_t dev;     /* 0: resmgr_devino() chooses */
	int32_t blocksize;
	iofunc_funcs_t *funcs;
	uint32_t reserved[4];
} iofunc_mount_t;
#define IOFUNC_PC_CHOWN_RESTRICTED 0x0001 /* only root gives a file away */
#define IOFUNC_PC_NO_TRUNC 0x0002
#define IOFUNC_PC_SYNC_IO 0x0004
#define IOFUNC_PC_LINK_DIR 0x0008
#define IOFUNC_PC_ACL 0x0010

/* A file. iofunc_attr_lock() guards it. */
typedef struct _iofunc_attr {
	IOFUNC_MOUNT_T *mount;
	uint32_t flags; /* IOFUNC_ATTR_* */
	int32_t lock_tid;
	uint16_t lock_count;
	uint16_t count;          /* open files */
	uint16_t rcount, wcount; /* those that read, that write */
	uint16_t rlocks, wlocks;
	struct _iofunc_mmap_list *mmap_list;
	struct _iofunc_lock_list *lock_list;
	void *list;
	uint32_t list_size;
	off_t nbytes;
	ino_t inode;
	uid_t uid;
	gid_t gid;
	time_t mtime;
	time_t atime;
	time_t ctime;
	mode_t mode;
	nlink_t nlink;
	dev_t rdev;
} iofunc_attr_t;
#define IOFUNC_ATTR_ATIME 0x0001 /* these times are to be set to now, when they are asked for */
#define IOFUNC_ATTR_MTIME 0x0002
#define IOFUNC_ATTR_CTIME 0x0004
#define IOFUNC_ATTR_DIRTY_NLINK 0x0008
#define IOFUNC_ATTR_DIRTY_MODE 0x0010
#define IOFUNC_ATTR_DIRTY_OWNER 0x0020
#define IOFUNC_ATTR_DIRTY_RDEV 0x0040
#define IOFUNC_ATTR_DIRTY_SIZE 0x0080
#define IOFUNC_ATTR_DIRTY_TIME 0x0100
#define IOFUNC_ATTR_DIRTY_MASK 0x01f8
#define IOFUNC_ATTR_NO_STATVFS 0x0200
#define IOFUNC_ATTR_PRIVATE 0xffff0000 /* the program's */

/* An open file */
typedef struct _iofunc_ocb {
	IOFUNC_ATTR_T *attr;
	int32_t ioflag; /* as in struct _io_connect */
	off_t offset;
	uint16_t sflag;
	uint16_t flags; /* IOFUNC_OCB_* */
	void *reserved;
} iofunc_ocb_t;
#define IOFUNC_OCB_PRIVILEGED 0x0001
#define IOFUNC_OCB_MMAP 0x0002
#define IOFUNC_OCB_RESERVED 0x0ff0
#define IOFUNC_OCB_PRIVATE 0xf000 /* the program's */

/* As the mode of iofunc_attr_init(), for files that are not plain. */
#define S_IFNAM 0050000

/* Whoever waits for a condition of a file: an array, one each for input, output and out of band */
typedef struct _iofunc_notify {
	int cnt; /* fewest bytes that anybody waits for; INT_MAX: nobody waits */
	struct _iofunc_notify_event *list;
} iofunc_notify_t;
#define IOFUNC_NOTIFY_INPUT 0
#define IOFUNC_NOTIFY_OUTPUT 1
#define IOFUNC_NOTIFY_OBAND 2
#define IOFUNC_NOTIFY_INIT(__notify)                                                               \
	((void)(((__notify)[0].cnt = (__notify)[1].cnt = (__notify)[2].cnt = INT_MAX),             \
		((__notify)[0].list = (__notify)[1].list = (__notify)[2].list = NULL)))
#define IOFUNC_NOTIFY_INPUT_CHECK(__notify, __count, __strict)                                     \
	((__strict) ? (__notify)[0].cnt == (__count) : (__notify)[0].cnt <= (__count))
#define IOFUNC_NOTIFY_OUTPUT_CHECK(__notify, __count, __strict)                                    \
	((__strict) ? (__notify)[1].cnt == (__count) : (__notify)[1].cnt <= (__count))
#define IOFUNC_NOTIFY_OBAND_CHECK(__notify, __count, __strict)                                     \
	((__strict) ? (__notify)[2].cnt == (__count) : (__notify)[2].cnt <= (__count))

/* Tables with a default handler where there is one, of as many functions as are asked for */
extern void iofunc_func_init(unsigned __nconnect, resmgr_connect_funcs_t *__connect, unsigned __nio,
			     resmgr_io_funcs_t *__io);

/* Attributes */

/* Owner and times are the client's and now, or without one dattr's, or the process's. */
extern void iofunc_attr_init(iofunc_attr_t *__attr, mode_t __mode, iofunc_attr_t *__dattr,
			     struct _client_info *__info);
/* A thread may lock as often as it unlocks. EOK, or an error's number. */
extern int iofunc_attr_lock(iofunc_attr_t *__attr);
extern int iofunc_attr_trylock(iofunc_attr_t *__attr);
extern int iofunc_attr_unlock(iofunc_attr_t *__attr);
extern int iofunc_time_update(iofunc_attr_t *__attr);

/* Who asks, and what they may: EOK, or an error's number. */

extern int iofunc_client_info(resmgr_context_t *__ctp, int __ioflag, struct _client_info *__info);
extern int iofunc_client_info_ext(resmgr_context_t *__ctp, int __ioflag,
				  struct _client_info **__info, int __flags);
extern int iofunc_client_info_ext_free(struct _client_info **__info);
/* checkmode: S_IREAD, S_IWRITE and S_IEXEC are wanted; S_ISUID: who owns it, or root. */
extern int iofunc_check_access(resmgr_context_t *__ctp, const iofunc_attr_t *__attr,
			       mode_t __checkmode, const struct _client_info *__info);
extern int iofunc_read_verify(resmgr_context_t *__ctp, io_read_t *__msg, iofunc_ocb_t *__ocb,
			      int *__nonblock);
extern int iofunc_write_verify(resmgr_context_t *__ctp, io_write_t *__msg, iofunc_ocb_t *__ocb,
			       int *__nonblock);
#define _IO_DEVCTL_VERIFY_PRIV 0x1
#define _IO_DEVCTL_VERIFY_OCB_READ 0x2
#define _IO_DEVCTL_VERIFY_OCB_WRITE 0x4
#define _IO_DEVCTL_VERIFY_MSG_LEN 0x8
#define _IO_DEVCTL_VERIFY_LEN _IO_DEVCTL_VERIFY_MSG_LEN
extern int iofunc_devctl_verify(resmgr_context_t *__ctp, io_devctl_t *__msg, iofunc_ocb_t *__ocb,
				unsigned __flags);
extern int iofunc_sync_verify(resmgr_context_t *__ctp, io_sync_t *__msg, iofunc_ocb_t *__ocb);
extern int iofunc_space_verify(resmgr_context_t *__ctp, io_space_t *__msg, iofunc_ocb_t *__ocb,
			       int *__nonblock);

/* Opening and closing */

extern int iofunc_open(resmgr_context_t *__ctp, io_open_t *__msg, iofunc_attr_t *__attr,
		       iofunc_attr_t *__dattr, struct _client_info *__info);
extern iofunc_ocb_t *iofunc_ocb_calloc(resmgr_context_t *__ctp, iofunc_attr_t *__attr);
extern void iofunc_ocb_free(iofunc_ocb_t *__ocb);
/* Without an open file one is made, by the mount's function. */
extern int iofunc_ocb_attach(resmgr_context_t *__ctp, io_open_t *__msg, iofunc_ocb_t *__ocb,
			     iofunc_attr_t *__attr, const resmgr_io_funcs_t *__io);
/* What has changed: IOFUNC_ATTR_* */
extern int iofunc_ocb_detach(resmgr_context_t *__ctp, iofunc_ocb_t *__ocb);
extern int iofunc_close_dup(resmgr_context_t *__ctp, io_close_t *__msg, iofunc_ocb_t *__ocb,
			    iofunc_attr_t *__attr);
extern int iofunc_close_ocb(resmgr_context_t *__ctp, iofunc_ocb_t *__ocb, iofunc_attr_t *__attr);
extern int iofunc_link(resmgr_context_t *__ctp, io_link_t *__msg, iofunc_attr_t *__attr,
		       iofunc_attr_t *__dattr, struct _client_info *__info);
extern int iofunc_mknod(resmgr_context_t *__ctp, io_mknod_t *__msg, iofunc_attr_t *__attr,
			iofunc_attr_t *__dattr, struct _client_info *__info);
extern int iofunc_readlink(resmgr_context_t *__ctp, io_readlink_t *__msg, iofunc_attr_t *__attr,
			   struct _client_info *__info);
extern int iofunc_rename(resmgr_context_t *__ctp, io_rename_t *__msg, iofunc_attr_t *__oldattr,
			 iofunc_attr_t *__olddattr, iofunc_attr_t *__newattr,
			 iofunc_attr_t *__newdattr, struct _client_info *__info);
extern int iofunc_unlink(resmgr_context_t *__ctp, io_unlink_t *__msg, iofunc_attr_t *__attr,
			 iofunc_attr_t *__dattr, struct _client_info *__info);

/* What default handlers do, for others that do more */

extern int iofunc_stat(resmgr_context_t *__ctp, iofunc_attr_t *__attr, struct stat *__stat);
extern int iofunc_chmod(resmgr_context_t *__ctp, io_chmod_t *__msg, iofunc_ocb_t *__ocb,
			iofunc_attr_t *__attr);
extern int iofunc_chown(resmgr_context_t *__ctp, io_chown_t *__msg, iofunc_ocb_t *__ocb,
			iofunc_attr_t *__attr);
extern int iofunc_utime(resmgr_context_t *__ctp, io_utime_t *__msg, iofunc_ocb_t *__ocb,
			iofunc_attr_t *__attr);
extern int iofunc_lseek(resmgr_context_t *__ctp, io_lseek_t *__msg, iofunc_ocb_t *__ocb,
			iofunc_attr_t *__attr);
extern int iofunc_devctl(resmgr_context_t *__ctp, io_devctl_t *__msg, iofunc_ocb_t *__ocb,
			 iofunc_attr_t *__attr);
extern int iofunc_pathconf(resmgr_context_t *__ctp, io_pathconf_t *__msg, iofunc_ocb_t *__ocb,
			   iofunc_attr_t *__attr);
extern int iofunc_sync(resmgr_context_t *__ctp, iofunc_ocb_t *__ocb, int __ioflag);
extern int iofunc_unblock(resmgr_context_t *__ctp, iofunc_attr_t *__attr);

/* Notifying, for select(2), poll(2) and ionotify() */

extern int iofunc_notify(resmgr_context_t *__ctp, io_notify_t *__msg, iofunc_notify_t *__notify,
			 int __trigger, const int *__counts, int *__armed);
extern void iofunc_notify_trigger(iofunc_notify_t *__notify, int __count, int __index);
/* Of the client that is closing; without a context, of all. */
/* The same, but only for the context's client, who closes; NULL: for all. */
extern void iofunc_notify_trigger_strict(resmgr_context_t *__ctp, iofunc_notify_t *__notify,
					 int __count, int __index);
extern void iofunc_notify_remove(resmgr_context_t *__ctp, iofunc_notify_t *__notify);
/* The same, of so many lists. */
extern void iofunc_notify_remove_strict(resmgr_context_t *__ctp, iofunc_notify_t *__notify,
					int __lim);

/* Default handlers */

extern int iofunc_open_default(resmgr_context_t *__ctp, io_open_t *__msg, iofunc_attr_t *__attr,
			       void *__extra);
extern int iofunc_read_default(resmgr_context_t *__ctp, io_read_t *__msg, iofunc_ocb_t *__ocb);
extern int iofunc_write_default(resmgr_context_t *__ctp, io_write_t *__msg, iofunc_ocb_t *__ocb);
extern int iofunc_close_ocb_default(resmgr_context_t *__ctp, void *__reserved, iofunc_ocb_t *__ocb);
extern int iofunc_close_dup_default(resmgr_context_t *__ctp, io_close_t *__msg,
				    iofunc_ocb_t *__ocb);
extern int iofunc_stat_default(resmgr_context_t *__ctp, io_stat_t *__msg, iofunc_ocb_t *__ocb);
extern int iofunc_devctl_default(resmgr_context_t *__ctp, io_devctl_t *__msg, iofunc_ocb_t *__ocb);
extern int iofunc_unblock_default(resmgr_context_t *__ctp, io_pulse_t *__msg, iofunc_ocb_t *__ocb);
extern int iofunc_pathconf_default(resmgr_context_t *__ctp, io_pathconf_t *__msg,
				   iofunc_ocb_t *__ocb);
extern int iofunc_lseek_default(resmgr_context_t *__ctp, io_lseek_t *__msg, iofunc_ocb_t *__ocb);
extern int iofunc_chmod_default(resmgr_context_t *__ctp, io_chmod_t *__msg, iofunc_ocb_t *__ocb);
extern int iofunc_chown_default(resmgr_context_t *__ctp, io_chown_t *__msg, iofunc_ocb_t *__ocb);
extern int iofunc_utime_default(resmgr_context_t *__ctp, io_utime_t *__msg, iofunc_ocb_t *__ocb);
extern int iofunc_sync_default(resmgr_context_t *__ctp, io_sync_t *__msg, iofunc_ocb_t *__ocb);
extern int iofunc_lock_ocb_default(resmgr_context_t *__ctp, void *__reserved, iofunc_ocb_t *__ocb);
extern int iofunc_unlock_ocb_default(resmgr_context_t *__ctp, void *__reserved,
				     iofunc_ocb_t *__ocb);
/* ENOSYS: Linux itself locks, maps and shows its files. */
extern int iofunc_lock_default(resmgr_context_t *__ctp, io_lock_t *__msg, iofunc_ocb_t *__ocb);
extern int iofunc_mmap_default(resmgr_context_t *__ctp, io_mmap_t *__msg, iofunc_ocb_t *__ocb);
extern int iofunc_openfd_default(resmgr_context_t *__ctp, io_openfd_t *__msg, iofunc_ocb_t *__ocb);
extern int iofunc_fdinfo_default(resmgr_context_t *__ctp, io_fdinfo_t *__msg, iofunc_ocb_t *__ocb);

__END_DECLS
#endif
