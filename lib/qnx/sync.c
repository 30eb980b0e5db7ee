// SPDX-License-Identifier: MIT
/*
 * Mutexes, semaphores and condition variables by the kernel calls of QNX: they are the C library's
 *
 * A mutex tells who locks it twice or unlocks another's, as QNX's does.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/neutrino.h>

#include "result.h"

static int make_mutex(sync_t *sync, const struct _sync_attr *attr)
{
	int protocol = attr ? attr->__protocol : PTHREAD_PRIO_INHERIT, error;
	pthread_mutexattr_t made;

	error = pthread_mutexattr_init(&made);
	if (error)
		return -error;
	pthread_mutexattr_settype(&made, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutexattr_setpshared(&made, PTHREAD_PROCESS_SHARED);
	error = pthread_mutexattr_setprotocol(&made, protocol);
	if (!error && protocol == PTHREAD_PRIO_PROTECT)
		error = pthread_mutexattr_setprioceiling(&made, attr->__prioceiling);
	if (!error)
		error = pthread_mutex_init(&sync->__mutex, &made);
	pthread_mutexattr_destroy(&made);
	return -error;
}

static int make_condvar(sync_t *sync, const struct _sync_attr *attr)
{
	pthread_condattr_t made;
	int error;

	error = pthread_condattr_init(&made);
	if (error)
		return -error;
	pthread_condattr_setpshared(&made, PTHREAD_PROCESS_SHARED);
	if (attr)
		error = pthread_condattr_setclock(&made, attr->__clockid);
	if (!error)
		error = pthread_cond_init(&sync->__condvar, &made);
	pthread_condattr_destroy(&made);
	return -error;
}

int SyncTypeCreate_r(unsigned type, sync_t *sync, const struct _sync_attr *attr)
{
	int saved = errno, ret = -EINVAL;

	if (!sync)
		return -EFAULT;
	switch (type) {
	case _NTO_SYNC_MUTEX_FREE:
		return make_mutex(sync, attr);
	case _NTO_SYNC_COND:
		return make_condvar(sync, attr);
	case _NTO_SYNC_SEM:
		ret = result_of(sem_init(&sync->__semaphore, 1, 0));
		errno = saved;
	}
	return ret;
}

/* The C library keeps nothing of them elsewhere. */
int SyncDestroy_r(sync_t *sync)
{
	return sync ? 0 : -EFAULT;
}

int SyncMutexLock_r(sync_t *mutex)
{
	return -pthread_mutex_lock(&mutex->__mutex);
}

int SyncMutexUnlock_r(sync_t *mutex)
{
	return -pthread_mutex_unlock(&mutex->__mutex);
}

int SyncMutexEvent_r(sync_t *mutex, const struct sigevent *event)
{
	(void)mutex;
	(void)event;
	return -ENOSYS;
}

int SyncMutexRevive_r(sync_t *mutex)
{
	(void)mutex;
	return -ENOSYS;
}

int SyncCondvarWait_r(sync_t *condvar, sync_t *mutex)
{
	return -pthread_cond_wait(&condvar->__condvar, &mutex->__mutex);
}

int SyncCondvarSignal_r(sync_t *condvar, int all)
{
	return all ? -pthread_cond_broadcast(&condvar->__condvar)
		   : -pthread_cond_signal(&condvar->__condvar);
}

int SyncSemPost_r(sync_t *semaphore)
{
	int saved = errno, ret = result_of(sem_post(&semaphore->__semaphore));

	errno = saved;
	return ret;
}

int SyncSemWait_r(sync_t *semaphore, int poll)
{
	sem_t *sem = &semaphore->__semaphore;
	int saved = errno, ret = result_of(poll ? sem_trywait(sem) : sem_wait(sem));

	errno = saved;
	return ret;
}

int SyncTypeCreate(unsigned type, sync_t *sync, const struct _sync_attr *attr)
{
	return outcome(SyncTypeCreate_r(type, sync, attr));
}

int SyncDestroy(sync_t *sync)
{
	return outcome(SyncDestroy_r(sync));
}

int SyncMutexLock(sync_t *mutex)
{
	return outcome(SyncMutexLock_r(mutex));
}

int SyncMutexUnlock(sync_t *mutex)
{
	return outcome(SyncMutexUnlock_r(mutex));
}

int SyncMutexEvent(sync_t *mutex, const struct sigevent *event)
{
	return outcome(SyncMutexEvent_r(mutex, event));
}

int SyncMutexRevive(sync_t *mutex)
{
	return outcome(SyncMutexRevive_r(mutex));
}

int SyncCondvarWait(sync_t *condvar, sync_t *mutex)
{
	return outcome(SyncCondvarWait_r(condvar, mutex));
}

int SyncCondvarSignal(sync_t *condvar, int all)
{
	return outcome(SyncCondvarSignal_r(condvar, all));
}

int SyncSemPost(sync_t *semaphore)
{
	return outcome(SyncSemPost_r(semaphore));
}

int SyncSemWait(sync_t *semaphore, int poll)
{
	return outcome(SyncSemWait_r(semaphore, poll));
}
