/* SPDX-License-Identifier: MIT */
/*
 * What QNX's kernel calls for mutexes, semaphores and condition variables work on (QNX <sync.h>): a
 * mutex, semaphore or condition variable of the C library's, which may be given to them as well.
 */
#pragma GCC system_header
#ifndef __STPLR_QNX_SYNC_H
#define __STPLR_QNX_SYNC_H

#include <pthread.h>
#include <semaphore.h>

union _sync {
	pthread_mutex_t __mutex;
	pthread_cond_t __condvar;
	sem_t __semaphore;
};
typedef union _sync sync_t;

struct _sync_attr {
	int __protocol; /* of a mutex: PTHREAD_PRIO_INHERIT, _NONE or _PROTECT */
	int __flags;
	int __prioceiling; /* of one that protects */
	int __clockid;     /* of a condition variable */
	int __reserved[4];
};
typedef struct _sync_attr sync_attr_t;

#endif
