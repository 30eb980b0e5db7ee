/* SPDX-License-Identifier: MIT */
/* The system's <pthread.h>; threads that it makes are told of when they die, see ChannelCreate().
 */
#pragma GCC system_header
#include_next <pthread.h>

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
__END_DECLS
#endif
