/* SPDX-License-Identifier: MIT */
/*
 * Events: what a server, a timer or a timeout notifies a client by (QNX <sys/siginfo.h>)
 *
 * An event that one of the initialisers has made may be given to any server that the process has a
 * connection to; MsgRegisterEvent() allows one to a single server.
 */
#pragma GCC system_header
#ifndef __STPLR_QNX_SYS_SIGINFO_H
#define __STPLR_QNX_SYS_SIGINFO_H

#include <signal.h>

__BEGIN_DECLS

/* Beside the type in sigev_notify. */
#define SIGEV_FLAG_UPDATEABLE 0x00010000 /* whoever delivers it may change the value */
#define SIGEV_FLAG_CRITICAL 0x00020000   /* accepted, and means nothing */
#define SIGEV_FLAG_HANDLE 0x00040000     /* registered: MsgRegisterEvent() */
#define __SIGEV_TYPE_MASK 0xffff

#define SIGEV_GET_TYPE(__e) ((__e)->sigev_notify & __SIGEV_TYPE_MASK)
#define SIGEV_MAKE_UPDATEABLE(__e) ((void)((__e)->sigev_notify |= SIGEV_FLAG_UPDATEABLE))
#define SIGEV_CLEAR_UPDATEABLE(__e) ((void)((__e)->sigev_notify &= ~SIGEV_FLAG_UPDATEABLE))
#define SIGEV_MAKE_CRITICAL(__e) ((void)((__e)->sigev_notify |= SIGEV_FLAG_CRITICAL))
#define SIGEV_CLEAR_CRITICAL(__e) ((void)((__e)->sigev_notify &= ~SIGEV_FLAG_CRITICAL))

/* The priority of the thread that makes the event. */
#define SIGEV_PULSE_PRIO_INHERIT (-1)

/* Codes that a program may use for SIGEV_SIGNAL_CODE and _THREAD. */
#define SI_MINAVAIL (-128)
#define SI_MAXAVAIL (-1)

/* Not to be called but by the macros below. They keep errno. */
extern void stplr_qnx_sigevent(struct sigevent *__event, int __type, int __id, int __code,
			       int __priority, long __value);
extern void stplr_qnx_sigevent_thread(struct sigevent *__event, void (*__function)(union sigval),
				      long __value, pthread_attr_t *__attributes);
extern void stplr_qnx_sigevent_semaphore(struct sigevent *__event, void *__semaphore);

#define SIGEV_NONE_INIT(__e) stplr_qnx_sigevent((__e), SIGEV_NONE, 0, 0, 0, 0)
#define SIGEV_UNBLOCK_INIT(__e) stplr_qnx_sigevent((__e), SIGEV_UNBLOCK, 0, 0, 0, 0)
#define SIGEV_INTR_INIT(__e) stplr_qnx_sigevent((__e), SIGEV_INTR, 0, 0, 0, 0)

#define SIGEV_PULSE_INIT(__e, __coid, __priority, __code, __value)                                 \
	stplr_qnx_sigevent((__e), SIGEV_PULSE, (__coid), (__code), (__priority), (long)(__value))
#define SIGEV_PULSE_INT_INIT(__e, __coid, __priority, __code, __value)                             \
	SIGEV_PULSE_INIT(__e, __coid, __priority, __code, (int)(__value))
#define SIGEV_PULSE_PTR_INIT(__e, __coid, __priority, __code, __value)                             \
	SIGEV_PULSE_INIT(__e, __coid, __priority, __code, __value)

#define SIGEV_SIGNAL_INIT(__e, __signo) stplr_qnx_sigevent((__e), SIGEV_SIGNAL, (__signo), 0, 0, 0)
#define SIGEV_SIGNAL_VALUE_INIT(__e, __signo, __value)                                             \
	stplr_qnx_sigevent((__e), SIGEV_SIGNAL, (__signo), 0, 0, (long)(__value))
#define SIGEV_SIGNAL_VALUE_INT_INIT(__e, __signo, __value)                                         \
	SIGEV_SIGNAL_VALUE_INIT(__e, __signo, (int)(__value))
#define SIGEV_SIGNAL_VALUE_PTR_INIT(__e, __signo, __value)                                         \
	SIGEV_SIGNAL_VALUE_INIT(__e, __signo, __value)

#define SIGEV_SIGNAL_CODE_INIT(__e, __signo, __value, __code)                                      \
	stplr_qnx_sigevent((__e), SIGEV_SIGNAL_CODE, (__signo), (__code), 0, (long)(__value))
#define SIGEV_SIGNAL_CODE_INT_INIT(__e, __signo, __value, __code)                                  \
	SIGEV_SIGNAL_CODE_INIT(__e, __signo, (int)(__value), __code)
#define SIGEV_SIGNAL_CODE_PTR_INIT(__e, __signo, __value, __code)                                  \
	SIGEV_SIGNAL_CODE_INIT(__e, __signo, __value, __code)

#define SIGEV_SIGNAL_THREAD_INIT(__e, __signo, __value, __code)                                    \
	stplr_qnx_sigevent((__e), SIGEV_SIGNAL_THREAD, (__signo), (__code), 0, (long)(__value))
#define SIGEV_SIGNAL_THREAD_INT_INIT(__e, __signo, __value, __code)                                \
	SIGEV_SIGNAL_THREAD_INIT(__e, __signo, (int)(__value), __code)
#define SIGEV_SIGNAL_THREAD_PTR_INIT(__e, __signo, __value, __code)                                \
	SIGEV_SIGNAL_THREAD_INIT(__e, __signo, __value, __code)

#define SIGEV_THREAD_INIT(__e, __function, __value, __attributes)                                  \
	stplr_qnx_sigevent_thread((__e), (__function), (long)(__value), (__attributes))
#define SIGEV_SEM_INIT(__e, __semaphore) stplr_qnx_sigevent_semaphore((__e), (__semaphore))

__END_DECLS
#endif
