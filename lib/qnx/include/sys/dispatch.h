/* SPDX-License-Identifier: MIT */
/*
 * Names, dispatching and thread pools (QNX <sys/dispatch.h>)
 *
 * A program may define THREAD_POOL_PARAM_T and THREAD_POOL_HANDLE_T before it includes this.
 */
#pragma GCC system_header
#ifndef __STPLR_QNX_SYS_DISPATCH_H
#define __STPLR_QNX_SYS_DISPATCH_H

#include <sys/iomsg.h>
#include <sys/neutrino.h>

__BEGIN_DECLS

typedef struct _dispatch dispatch_t;

/* Names */

typedef struct _name_attach {
	dispatch_t *dpp;
	int chid;
	int mntid;
	int zero[2];
} name_attach_t;

#define NAME_FLAG_DETACH_SAVEDPP 0x00000001
/* Known on all nodes, of which there is one. */
#define NAME_FLAG_ATTACH_GLOBAL 0x00000002
/* Not QNX's: whoever opens the name sends _IO_CONNECT first, as where QNX's gns runs. */
#define NAME_FLAG_ATTACH_CONNECT 0x00010000

extern name_attach_t *name_attach(dispatch_t *__dpp, const char *__path, unsigned __flags);
extern int name_detach(name_attach_t *__attach, unsigned __flags);
extern int name_open(const char *__name, int __flags);
extern int name_close(int __coid);

/* Dispatching */

typedef union _resmgr_iomsgs {
	uint16_t type;
	struct _pulse pulse;
	struct _io_connect connect;
	io_read_t read;
	io_write_t write;
	io_close_t close;
	io_stat_t stat;
	io_notify_t notify;
	io_devctl_t devctl;
	io_pathconf_t pathconf;
	io_lseek_t lseek;
	io_chmod_t chmod;
	io_chown_t chown;
	io_utime_t utime;
	io_openfd_t openfd;
	io_fdinfo_t fdinfo;
	io_lock_t lock;
	io_space_t space;
	io_shutdown_t shutdown;
	io_mmap_t mmap;
	io_msg_t msg;
	io_dup_t dup;
	io_sync_t sync;
	io_power_t power;
} resmgr_iomsgs_t;
typedef resmgr_iomsgs_t message_iomsgs_t;

typedef struct _message_context {
	int rcvid; /* 0: a pulse */
	struct _msg_info info;
	resmgr_iomsgs_t *msg; /* msg_max_size bytes */
	dispatch_t *dpp;
	union {
		int fd;
		int id; /* of a resource manager's path: resmgr_attach() */
	};
	unsigned msg_max_size;
	int status;
	unsigned offset; /* where in the message that begins which is handled */
	unsigned size;
	iov_t iov[1]; /* resmgr_attr_t.nparts_max of them */
} message_context_t;
typedef message_context_t resmgr_context_t;

typedef union _dispatch_context {
	message_context_t message_context;
	resmgr_context_t resmgr_context;
} dispatch_context_t;

typedef struct _message_attr {
	unsigned flags;
	unsigned nparts_max;
	unsigned msg_max_size;
} message_attr_t;

#define MSG_FLAG_CROSS_ENDIAN 0x00000001
#define MSG_FLAG_DEFAULT_FUNC 0x00000002
#define MSG_FLAG_ALLOC_PULSE 0x00000004
#define MSG_FLAG_SIDE_CHANNEL _NTO_SIDE_CHANNEL

typedef int (*message_handler_t)(message_context_t *__ctp, int __code, unsigned __flags,
				 void *__handle);

extern dispatch_t *dispatch_create(void);
extern dispatch_t *dispatch_create_channel(int __chid, unsigned __flags);
extern int dispatch_destroy(dispatch_t *__dpp);
extern dispatch_context_t *dispatch_context_alloc(dispatch_t *__dpp);
extern void dispatch_context_free(dispatch_context_t *__ctp);
extern dispatch_context_t *dispatch_block(dispatch_context_t *__ctp);
extern void dispatch_unblock(dispatch_context_t *__ctp);
extern int dispatch_handler(dispatch_context_t *__ctp);
extern int dispatch_timeout(dispatch_t *__dpp, struct timespec *__time);

extern int message_attach(dispatch_t *__dpp, message_attr_t *__attr, int __low, int __high,
			  int (*__func)(message_context_t *__ctp, int __code, unsigned __flags,
					void *__handle),
			  void *__handle);
extern int message_detach(dispatch_t *__dpp, int __low, int __high, int __flags);
extern int message_connect(dispatch_t *__dpp, int __flags);
extern int pulse_attach(dispatch_t *__dpp, int __flags, int __code,
			int (*__func)(message_context_t *__ctp, int __code, unsigned __flags,
				      void *__handle),
			void *__handle);
extern int pulse_detach(dispatch_t *__dpp, int __code, int __flags);

/* Thread pools */

#ifndef THREAD_POOL_PARAM_T
#define THREAD_POOL_PARAM_T void
#endif
#ifndef THREAD_POOL_HANDLE_T
#define THREAD_POOL_HANDLE_T dispatch_t
#endif

typedef struct _thread_pool thread_pool_t;

typedef struct _thread_pool_attr {
	THREAD_POOL_HANDLE_T *handle;
	THREAD_POOL_PARAM_T *(*block_func)(THREAD_POOL_PARAM_T *__ctp);
	void (*unblock_func)(THREAD_POOL_PARAM_T *__ctp);
	int (*handler_func)(THREAD_POOL_PARAM_T *__ctp);
	THREAD_POOL_PARAM_T *(*context_alloc)(THREAD_POOL_HANDLE_T *__handle);
	void (*context_free)(THREAD_POOL_PARAM_T *__ctp);
	pthread_attr_t *attr;
	unsigned short lo_water;  /* fewest threads that wait */
	unsigned short increment; /* threads made at once */
	unsigned short hi_water;  /* most threads that wait */
	unsigned short maximum;   /* threads in all */
	unsigned reserved[8];
} thread_pool_attr_t;

#define POOL_FLAG_EXIT_SELF 0x00000001
#define POOL_FLAG_USE_SELF 0x00000002
#define POOL_FLAG_RESERVED 0xf0000000

#define THREAD_POOL_CONTROL_LO_WATER 0x00000001
#define THREAD_POOL_CONTROL_INCREMENT 0x00000002
#define THREAD_POOL_CONTROL_HI_WATER 0x00000004
#define THREAD_POOL_CONTROL_MAXIMUM 0x00000008
#define THREAD_POOL_CONTROL_NONBLOCK 0x80000000

extern thread_pool_t *thread_pool_create(thread_pool_attr_t *__attr, unsigned __flags);
extern int thread_pool_start(void *__pool);
extern int thread_pool_destroy(thread_pool_t *__pool);
extern int thread_pool_limits(thread_pool_t *__pool, int __lo_water, int __hi_water, int __maximum,
			      int __increment, unsigned __flags);
extern int thread_pool_control(thread_pool_t *__pool, thread_pool_attr_t *__attr, uint16_t __lower,
			       uint16_t __upper, unsigned __flags);

__END_DECLS
#endif
