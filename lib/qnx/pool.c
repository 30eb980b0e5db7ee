// SPDX-License-Identifier: MIT
/*
 * Thread pools: as many threads wait as are wanted, and more are made while others work
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/dispatch.h>

#include "result.h"

struct context {
	THREAD_POOL_PARAM_T *ctp;
	struct context *next;
};

struct _thread_pool {
	thread_pool_attr_t attr;
	unsigned flags;
	pthread_mutex_t lock; /* guards what follows, and the bounds in attr */
	pthread_cond_t ended; /* a thread has left */
	unsigned threads, waiting;
	bool destroyed;
	struct context *contexts; /* of all threads */
};

static bool bounds_valid(unsigned lo, unsigned hi, unsigned max, unsigned increment)
{
	return max && increment && lo <= hi && hi <= max;
}

thread_pool_t *thread_pool_create(thread_pool_attr_t *attr, unsigned flags)
{
	thread_pool_t *pool;

	if (!attr || !attr->block_func || !attr->handler_func || !attr->context_alloc ||
	    flags & ~(unsigned)(POOL_FLAG_EXIT_SELF | POOL_FLAG_USE_SELF | POOL_FLAG_RESERVED) ||
	    !bounds_valid(attr->lo_water, attr->hi_water, attr->maximum, attr->increment)) {
		errno = EINVAL;
		return NULL;
	}
	pool = calloc(1, sizeof(*pool));
	if (!pool) {
		errno = ENOMEM;
		return NULL;
	}
	pool->attr = *attr;
	pool->flags = flags;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->ended, NULL);
	return pool;
}

static void *work(void *argument);

/* With the lock: makes threads until enough wait, or there are as many as may be. */
static int fill(thread_pool_t *pool)
{
	unsigned wanted = pool->attr.increment;
	pthread_attr_t attr;
	pthread_t thread;
	int error = 0;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	while (!error && !pool->destroyed && pool->threads < pool->attr.maximum &&
	       (wanted || pool->waiting < pool->attr.lo_water)) {
		pool->threads++;
		pool->waiting++; /* it will */
		error = pthread_create(&thread, pool->attr.attr ? pool->attr.attr : &attr, work,
				       pool);
		if (error) {
			pool->threads--;
			pool->waiting--;
		} else if (pool->attr.attr) {
			pthread_detach(thread);
		}
		if (wanted)
			wanted--;
	}
	pthread_attr_destroy(&attr);
	return error;
}

static bool enter(thread_pool_t *pool, struct context *context)
{
	context->ctp = pool->attr.context_alloc(pool->attr.handle);
	if (!context->ctp)
		return false;
	context->next = pool->contexts;
	pool->contexts = context;
	return true;
}

static void leave(thread_pool_t *pool, struct context *context)
{
	struct context **link = &pool->contexts;

	while (*link != context)
		link = &(*link)->next;
	*link = context->next;
	if (pool->attr.context_free)
		pool->attr.context_free(context->ctp);
}

/* A thread of the pool, which counts as waiting when it begins. */
static void *work(void *argument)
{
	thread_pool_t *pool = argument;
	THREAD_POOL_PARAM_T *ctp;
	struct context context;
	bool entered, gone = false;

	pthread_mutex_lock(&pool->lock);
	entered = enter(pool, &context);
	while (entered && !gone && !pool->destroyed) {
		pthread_mutex_unlock(&pool->lock);
		errno = 0;
		ctp = pool->attr.block_func(context.ctp);
		gone = !ctp && (errno == ESRCH || errno == EBADF); /* the channel */

		pthread_mutex_lock(&pool->lock);
		pool->waiting--;
		if (pool->waiting < pool->attr.lo_water && ctp)
			fill(pool);
		if (ctp) {
			pthread_mutex_unlock(&pool->lock);
			context.ctp = ctp;
			pool->attr.handler_func(ctp);
			pthread_mutex_lock(&pool->lock);
		}
		pool->waiting++;
		if (pool->waiting > pool->attr.hi_water)
			break;
	}
	pool->waiting--;
	pool->threads--;
	if (entered)
		leave(pool, &context);
	pthread_cond_broadcast(&pool->ended);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

int thread_pool_start(void *argument)
{
	thread_pool_t *pool = argument;
	unsigned first;
	int error = 0;

	if (!pool)
		return outcome(-EINVAL);
	pthread_mutex_lock(&pool->lock);
	if (pool->flags & POOL_FLAG_USE_SELF) {
		pool->threads++;
		pool->waiting++;
	}
	first = pool->attr.increment;
	pool->attr.increment = 0; /* as many as are to wait, to begin with */
	error = fill(pool);
	pool->attr.increment = (unsigned short)first;
	pthread_mutex_unlock(&pool->lock);
	if (error && !(pool->flags & POOL_FLAG_USE_SELF)) {
		errno = error;
		return -1;
	}
	if (pool->flags & POOL_FLAG_USE_SELF)
		work(pool);
	if (pool->flags & (POOL_FLAG_USE_SELF | POOL_FLAG_EXIT_SELF))
		pthread_exit(NULL);
	return 0;
}

/* Waits until the threads have gone; those that are blocked are unblocked for it. */
int thread_pool_destroy(thread_pool_t *pool)
{
	struct context *context;
	struct timespec soon;

	if (!pool)
		return outcome(-EINVAL);
	pthread_mutex_lock(&pool->lock);
	pool->destroyed = true;
	while (pool->threads) {
		if (pool->attr.unblock_func)
			for (context = pool->contexts; context; context = context->next)
				pool->attr.unblock_func(context->ctp);
		/* one that was about to block has missed it */
		clock_gettime(CLOCK_REALTIME, &soon);
		nsec2timespec(&soon, timespec2nsec(&soon) + 50000000);
		pthread_cond_timedwait(&pool->ended, &pool->lock, &soon);
	}
	pthread_mutex_unlock(&pool->lock);
	pthread_cond_destroy(&pool->ended);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
	return 0;
}

int thread_pool_limits(thread_pool_t *pool, int lo_water, int hi_water, int maximum, int increment,
		       unsigned flags)
{
	thread_pool_attr_t attr;

	(void)flags;
	if (!pool)
		return outcome(-EINVAL);
	pthread_mutex_lock(&pool->lock);
	attr = pool->attr;
	if (lo_water >= 0)
		attr.lo_water = (unsigned short)lo_water;
	if (hi_water >= 0)
		attr.hi_water = (unsigned short)hi_water;
	if (maximum >= 0)
		attr.maximum = (unsigned short)maximum;
	if (increment >= 0)
		attr.increment = (unsigned short)increment;
	if (!bounds_valid(attr.lo_water, attr.hi_water, attr.maximum, attr.increment)) {
		pthread_mutex_unlock(&pool->lock);
		return outcome(-EINVAL);
	}
	pool->attr = attr;
	pthread_mutex_unlock(&pool->lock);
	return 0;
}

/* Waiting until the pool has between lower and upper threads is left out: it gets there by itself.
 */
int thread_pool_control(thread_pool_t *pool, thread_pool_attr_t *attr, uint16_t lower,
			uint16_t upper, unsigned flags)
{
	(void)lower;
	(void)upper;
	if (!attr)
		return outcome(-EINVAL);
	return thread_pool_limits(pool, flags & THREAD_POOL_CONTROL_LO_WATER ? attr->lo_water : -1,
				  flags & THREAD_POOL_CONTROL_HI_WATER ? attr->hi_water : -1,
				  flags & THREAD_POOL_CONTROL_MAXIMUM ? attr->maximum : -1,
				  flags & THREAD_POOL_CONTROL_INCREMENT ? attr->increment : -1, 0);
}
