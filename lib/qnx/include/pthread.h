/* SPDX-License-Identifier: MIT */
/*
 * The system's <pthread.h>. Threads that it makes are told of when they die, see ChannelCreate();
 * their ids may go to NULL; and a thread that asks for its own priority gets the one that a client
 * has lent it, too.
 */
#pragma GCC system_header
/* the system's declaration forbids NULL */
#define pthread_create stplr_qnx_system_pthread_create
#include_next <pthread.h>
#undef pthread_create

#ifndef __STPLR_QNX_PTHREAD_H
#define __STPLR_QNX_PTHREAD_H
#include <features.h>

__BEGIN_DECLS
#ifndef __REDIRECT_NTHNL
#define __REDIRECT_NTHNL __REDIRECT_NTH
#endif
extern int __REDIRECT_NTHNL(pthread_create,
			    (pthread_t *__restrict __id, const pthread_attr_t *__restrict __attr,
			     void *(*__start)(void *), void *__restrict __arg),
			    stplr_qnx_pthread_create);
extern int __REDIRECT_NTH(pthread_getschedparam,
			  (pthread_t __id, int *__restrict __policy,
			   struct sched_param *__restrict __param),
			  stplr_qnx_pthread_getschedparam);
__END_DECLS
#endif
