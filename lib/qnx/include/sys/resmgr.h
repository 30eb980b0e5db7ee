/* SPDX-License-Identifier: MIT */
/*
 * Resource managers: programs that are files to others (QNX <sys/resmgr.h>)
 *
 * A program may define RESMGR_HANDLE_T and RESMGR_OCB_T before it includes this; unless it does
 * they are <sys/iofunc.h>'s attributes and open files.
 *
 * A handler returns EOK, an error's number, or what one of the macros below says. The call's
 * result, as for example how many bytes were read, is in the context's status.
 */
#pragma GCC system_header
#ifndef __STPLR_QNX_SYS_RESMGR_H
#define __STPLR_QNX_SYS_RESMGR_H

#include <fcntl.h>
#include <limits.h>
#include <sys/dispatch.h>
#include <sys/iomsg.h>
#include <sys/stat.h>

#ifndef IOFUNC_ATTR_T
#define IOFUNC_ATTR_T struct _iofunc_attr
#endif
#ifndef IOFUNC_OCB_T
#define IOFUNC_OCB_T struct _iofunc_ocb
#endif
#ifndef RESMGR_HANDLE_T
#define RESMGR_HANDLE_T IOFUNC_ATTR_T
#endif
#ifndef RESMGR_OCB_T
#define RESMGR_OCB_T IOFUNC_OCB_T
#endif

__BEGIN_DECLS

struct _iofunc_attr;
struct _iofunc_ocb;

/* What a handler returns */

#define _RESMGR_NOREPLY INT_MIN       /* it has replied, or will */
#define _RESMGR_DEFAULT (INT_MIN + 1) /* it does not know: ENOSYS */
#define _RESMGR_ERRNO(__error) (__error)
#define _RESMGR_NPARTS(__parts) (-(__parts)) /* so many parts of the iov are the reply */
#define _RESMGR_PTR(__ctp, __address, __len)                                                       \
	(SETIOV((__ctp)->iov + 0, (__address), (__len)), _RESMGR_NPARTS(1))
#define _RESMGR_STATUS(__ctp, __status) ((__ctp)->status = (__status))

#define _IO_SET_CONNECT_RET(__ctp, __result) ((__ctp)->status = (__result))
#define _IO_SET_READ_NBYTES(__ctp, __nbytes) ((__ctp)->status = (int)(__nbytes))
#define _IO_SET_WRITE_NBYTES(__ctp, __nbytes) ((__ctp)->status = (int)(__nbytes))
#define _IO_SET_PATHCONF_VALUE(__ctp, __value) ((__ctp)->status = (__value))
#define _IO_SET_FDINFO_LEN(__ctp, __len) ((__ctp)->status = (int)(__len))
#define _IO_READ_GET_NBYTES(__msg) ((__msg)->i.nbytes)
#define _IO_WRITE_GET_NBYTES(__msg) ((__msg)->i.nbytes)

/* Handlers */

typedef struct _resmgr_connect_funcs {
	unsigned nfuncs;
	int (*open)(resmgr_context_t *__ctp, io_open_t *__msg, RESMGR_HANDLE_T *__handle,
		    void *__extra);
	int (*unlink)(resmgr_context_t *__ctp, io_unlink_t *__msg, RESMGR_HANDLE_T *__handle,
		      void *__reserved);
	int (*rename)(resmgr_context_t *__ctp, io_rename_t *__msg, RESMGR_HANDLE_T *__handle,
		      io_rename_extra_t *__extra);
	int (*mknod)(resmgr_context_t *__ctp, io_mknod_t *__msg, RESMGR_HANDLE_T *__handle,
		     void *__reserved);
	int (*readlink)(resmgr_context_t *__ctp, io_readlink_t *__msg, RESMGR_HANDLE_T *__handle,
			void *__reserved);
	int (*link)(resmgr_context_t *__ctp, io_link_t *__msg, RESMGR_HANDLE_T *__handle,
		    io_link_extra_t *__extra);
	int (*unblock)(resmgr_context_t *__ctp, io_pulse_t *__msg, RESMGR_HANDLE_T *__handle,
		       void *__reserved);
	int (*mount)(resmgr_context_t *__ctp, io_mount_t *__msg, RESMGR_HANDLE_T *__handle,
		     io_mount_extra_t *__extra); /* never called */
} resmgr_connect_funcs_t;
#define _RESMGR_CONNECT_NFUNCS 8

typedef struct _resmgr_io_funcs {
	unsigned nfuncs;
	int (*read)(resmgr_context_t *__ctp, io_read_t *__msg, RESMGR_OCB_T *__ocb);
	int (*write)(resmgr_context_t *__ctp, io_write_t *__msg, RESMGR_OCB_T *__ocb);
	int (*close_ocb)(resmgr_context_t *__ctp, void *__reserved, RESMGR_OCB_T *__ocb);
	int (*stat)(resmgr_context_t *__ctp, io_stat_t *__msg, RESMGR_OCB_T *__ocb);
	int (*notify)(resmgr_context_t *__ctp, io_notify_t *__msg, RESMGR_OCB_T *__ocb);
	int (*devctl)(resmgr_context_t *__ctp, io_devctl_t *__msg, RESMGR_OCB_T *__ocb);
	int (*unblock)(resmgr_context_t *__ctp, io_pulse_t *__msg, RESMGR_OCB_T *__ocb);
	int (*pathconf)(resmgr_context_t *__ctp, io_pathconf_t *__msg, RESMGR_OCB_T *__ocb);
	int (*lseek)(resmgr_context_t *__ctp, io_lseek_t *__msg, RESMGR_OCB_T *__ocb);
	int (*chmod)(resmgr_context_t *__ctp, io_chmod_t *__msg, RESMGR_OCB_T *__ocb);
	int (*chown)(resmgr_context_t *__ctp, io_chown_t *__msg, RESMGR_OCB_T *__ocb);
	int (*utime)(resmgr_context_t *__ctp, io_utime_t *__msg, RESMGR_OCB_T *__ocb);
	int (*openfd)(resmgr_context_t *__ctp, io_openfd_t *__msg, RESMGR_OCB_T *__ocb);
	int (*fdinfo)(resmgr_context_t *__ctp, io_fdinfo_t *__msg, RESMGR_OCB_T *__ocb);
	int (*lock)(resmgr_context_t *__ctp, io_lock_t *__msg, RESMGR_OCB_T *__ocb);
	int (*space)(resmgr_context_t *__ctp, io_space_t *__msg, RESMGR_OCB_T *__ocb);
	int (*shutdown)(resmgr_context_t *__ctp, io_shutdown_t *__msg, RESMGR_OCB_T *__ocb);
	int (*mmap)(resmgr_context_t *__ctp, io_mmap_t *__msg, RESMGR_OCB_T *__ocb);
	int (*msg)(resmgr_context_t *__ctp, io_msg_t *__msg, RESMGR_OCB_T *__ocb);
	int (*umount)(resmgr_context_t *__ctp, void *__msg, RESMGR_OCB_T *__ocb);
	int (*dup)(resmgr_context_t *__ctp, io_dup_t *__msg, RESMGR_OCB_T *__ocb);
	int (*close_dup)(resmgr_context_t *__ctp, io_close_t *__msg, RESMGR_OCB_T *__ocb);
	int (*lock_ocb)(resmgr_context_t *__ctp, void *__reserved, RESMGR_OCB_T *__ocb);
	int (*unlock_ocb)(resmgr_context_t *__ctp, void *__reserved, RESMGR_OCB_T *__ocb);
	int (*sync)(resmgr_context_t *__ctp, io_sync_t *__msg, RESMGR_OCB_T *__ocb);
	int (*power)(resmgr_context_t *__ctp, io_power_t *__msg, RESMGR_OCB_T *__ocb);
} resmgr_io_funcs_t;
#define _RESMGR_IO_NFUNCS 26

/* Attaching */

typedef struct _resmgr_attr {
	unsigned flags;        /* RESMGR_FLAG_* */
	unsigned nparts_max;   /* of a context's iov */
	unsigned msg_max_size; /* of a context's msg: more of a message is for resmgr_msgread() */
	/* with RESMGR_FLAG_ATTACH_OTHERFUNC: for messages that are neither files' nor attached */
	int (*other_func)(resmgr_context_t *__ctp, void *__msg);
	unsigned reserved[4];
} resmgr_attr_t;
#define RESMGR_FLAG_ATTACH_LOCAL 0x00000001 /* taken, and changes nothing */
#define RESMGR_FLAG_ATTACH_OTHERFUNC 0x00000002
#define RESMGR_FLAG_CROSS_ENDIAN 0x00000004
#define RESMGR_FLAG_NO_DEFAULT_FUNC 0x00000008

#define _RESMGR_FLAG_BEFORE 0x0001 /* these two: there is one manager of a path */
#define _RESMGR_FLAG_AFTER 0x0002
#define _RESMGR_FLAG_OPAQUE 0x0004
#define _RESMGR_FLAG_FTYPEONLY 0x0008
#define _RESMGR_FLAG_FTYPEALL 0x0010
#define _RESMGR_FLAG_SELF 0x0020
#define _RESMGR_FLAG_DIR 0x0100 /* what lies below the path is this manager's, too */

/* A number for resmgr_detach(), or -1 and errno. An empty path, or none: only the number. */
extern int resmgr_attach(dispatch_t *__dpp, resmgr_attr_t *__attr, const char *__path,
			 enum _file_type __type, unsigned __flags,
			 const resmgr_connect_funcs_t *__connect, const resmgr_io_funcs_t *__io,
			 RESMGR_HANDLE_T *__handle);
/* Whoever has the file open gets ENODEV from now on. */
#define _RESMGR_DETACH_ALL 0x0000
#define _RESMGR_DETACH_PATHNAME 0x0001
extern int resmgr_detach(dispatch_t *__dpp, int __id, unsigned __flags);

/* For open handlers: what is handled opens this file, with those functions, or the path's. */
extern int resmgr_open_bind(resmgr_context_t *__ctp, RESMGR_OCB_T *__ocb,
			    const resmgr_io_funcs_t *__io);
extern int resmgr_unbind(const void *__ctp);

/* The message's bytes, and its reply's, from the place on where what is handled begins. */
extern int resmgr_msgread(resmgr_context_t *__ctp, void *__msg, size_t __bytes, size_t __offset);
extern int resmgr_msgreadv(resmgr_context_t *__ctp, iov_t *__iov, int __parts, size_t __offset);
extern int resmgr_msgwrite(resmgr_context_t *__ctp, const void *__msg, size_t __bytes,
			   size_t __offset);
extern int resmgr_msgwritev(resmgr_context_t *__ctp, const iov_t *__iov, int __parts,
			    size_t __offset);
/* The same, from the context's msg where it is there. */
extern int resmgr_msgget(resmgr_context_t *__ctp, void *__msg, size_t __bytes, size_t __offset);
extern int resmgr_msggetv(resmgr_context_t *__ctp, iov_t *__iov, int __parts, size_t __offset);
extern int resmgr_msgreply(resmgr_context_t *__ctp, const void *__msg, size_t __bytes);
extern int resmgr_msgreplyv(resmgr_context_t *__ctp, iov_t *__iov, int __parts);
/* dispatch_handler()'s answer to a handler's result. */
extern int _resmgr_handler(resmgr_context_t *__ctp);

/* Calls that dispatch_*() has replaced */
extern resmgr_context_t *resmgr_context_alloc(dispatch_t *__dpp);
extern void resmgr_context_free(resmgr_context_t *__ctp);
extern resmgr_context_t *resmgr_block(resmgr_context_t *__ctp);
extern void resmgr_unblock(resmgr_context_t *__ctp);
extern int resmgr_handler(resmgr_context_t *__ctp);

/*
 * The path that was attached by that number, from the root; a folder's ends in a slash. Its length
 * with the terminator; or -1 and errno: EINVAL, there is no such path, ERANGE, it is longer.
 */
#define _RESMGR_PATHNAME_LOCALPATH 0x0001 /* there are no others */
extern int resmgr_pathname(int __id, unsigned __flags, char *__path, int __maxbuf);

/* A number for struct stat's st_dev. */
extern int resmgr_devino(int __id, dev_t *__dev, ino_t *__inode);

__END_DECLS
#endif
