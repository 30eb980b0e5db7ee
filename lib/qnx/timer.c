// SPDX-License-Identifier: MIT
/*
 * timer_create() and its siblings, with QNX's events
 *
 * A timer that ends in a signal is one of the system's. Any other is a timer's descriptor that the
 * library's thread watches: each time it expires is one event, and one that finds a full queue is
 * sent as soon as there is room.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/neutrino.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "coid.h"
#include "device.h"
#include "fork.h"
#include "perform.h"
#include "priority.h"
#include "result.h"
#include "service.h"
#include "stplr.h"
#include "timer.h"

extern int real_timer_create(clockid_t clock, void *event, timer_t *timer) __asm__("timer_create");
extern int real_timer_delete(timer_t timer) __asm__("timer_delete");
extern int real_timer_settime(timer_t timer, int flags, const struct itimerspec *value,
			      struct itimerspec *old) __asm__("timer_settime");
extern int real_timer_gettime(timer_t timer, struct itimerspec *value) __asm__("timer_gettime");
extern int real_timer_getoverrun(timer_t timer) __asm__("timer_getoverrun");
extern int real_mq_notify(mqd_t queue, const void *event) __asm__("mq_notify");

/* The C library's values of sigev_notify. */
#define SYSTEM_SIGNAL 0
#define SYSTEM_NONE 1
#define SYSTEM_THREAD 2

struct timer {
	bool used;
	int fd; /* -1: the system's */
	timer_t system;
	struct sigevent event;
};

/* Guarded by service_lock, as what its thread does with them. */
static struct timer *timers;
static unsigned nr_timers;

/* Numbers begin with 1. */
static struct timer *timer_of(timer_t id)
{
	uintptr_t number = (uintptr_t)id;

	return number && number <= nr_timers && timers[number - 1].used ? &timers[number - 1]
									: NULL;
}

/* What the C library takes for the event; false: it has nothing like it. */
static bool system_event(const struct sigevent *event, struct sigevent *made, bool threads)
{
	*made = *event;
	switch (SIGEV_GET_TYPE(event)) {
	case SIGEV_NONE:
		made->sigev_notify = SYSTEM_NONE;
		return true;
	case SIGEV_SIGNAL:
		made->sigev_notify = SYSTEM_SIGNAL;
		return true;
	case SIGEV_THREAD:
		made->sigev_notify = SYSTEM_THREAD;
		return threads;
	}
	return false;
}

/* Where the descriptor has been used again since, there is nothing to read, or it is right. */
static void timer_expired(unsigned number)
{
	struct timer *timer = number < nr_timers ? &timers[number] : NULL;
	uint64_t times;

	if (timer && timer->used && timer->fd >= 0 &&
	    read(timer->fd, &times, sizeof(times)) == sizeof(times))
		service_perform(&timer->event, (unsigned long)times);
}

/* Why such a pulse could never be sent, or 0. */
static int pulse_refused(const struct sigevent *event)
{
	struct stplr_connect_info info;

	if (stplr_connect_info(coid_fd(event->sigev_coid), &info))
		return -EINVAL;
	/* the kernel's codes are for the process's own channels */
	return pulse_code(event) < 0 && info.pid != getpid() ? -EINVAL : 0;
}

static int make(clockid_t clock, const struct sigevent *event, struct timer *timer, unsigned number)
{
	struct sigevent made;
	int type, ret;

	if (!event)
		return result_of(real_timer_create(clock, NULL, &timer->system));
	if (system_event(event, &made, false))
		return result_of(real_timer_create(clock, &made, &timer->system));

	type = SIGEV_GET_TYPE(event);
	if (type != SIGEV_PULSE && type != SIGEV_SIGNAL_CODE && type != SIGEV_SIGNAL_THREAD &&
	    type != SIGEV_THREAD && type != SIGEV_SEM)
		return -EINVAL;
	if (type == SIGEV_PULSE) {
		ret = pulse_refused(event);
		if (ret)
			return ret;
	}
	timer->event = *event;
	if (type == SIGEV_PULSE && event->sigev_priority == SIGEV_PULSE_PRIO_INHERIT)
		timer->event.sigev_priority = (short)priority_from_kernel(priority_own());
	if (type == SIGEV_SIGNAL_THREAD && !event->__sigev_thread)
		timer->event.__sigev_thread = (int)syscall(SYS_gettid);
	timer->fd = timerfd_create(clock, TFD_CLOEXEC | TFD_NONBLOCK);
	if (timer->fd < 0)
		return -errno;
	ret = service_watch_timer(timer->fd, timer_expired, number);
	if (ret)
		close(timer->fd);
	return ret;
}

int timer_create(clockid_t clock, struct sigevent *restrict event, timer_t *restrict id)
{
	struct timer timer = {.used = true, .fd = -1}, *grown;
	unsigned number;
	int ret = 0;

	device_get(); /* before the lock */
	pthread_mutex_lock(&service_lock);
	for (number = 0; number < nr_timers && timers[number].used; number++)
		;
	if (number == nr_timers) {
		grown = realloc(timers, (nr_timers * 2 + 8) * sizeof(*grown));
		if (grown) {
			memset(grown + nr_timers, 0, (nr_timers + 8) * sizeof(*grown));
			nr_timers = nr_timers * 2 + 8;
			timers = grown;
		} else {
			ret = -EAGAIN;
		}
	}
	if (!ret)
		ret = make(clock, event, &timer, number);
	if (!ret) {
		timers[number] = timer;
		*id = (timer_t)(uintptr_t)(number + 1);
	}
	pthread_mutex_unlock(&service_lock);
	return outcome(ret);
}

/* One that the thread no longer watches: with its lock it cannot expire after this. */
int timer_delete(timer_t id)
{
	struct timer *timer;
	int ret = -EINVAL;

	pthread_mutex_lock(&service_lock);
	timer = timer_of(id);
	if (timer) {
		timer_expired((unsigned)(timer - timers)); /* what was before this */
		ret = timer->fd >= 0 ? result_of(close(timer->fd))
				     : result_of(real_timer_delete(timer->system));
		timer->used = false;
	}
	pthread_mutex_unlock(&service_lock);
	return outcome(ret);
}

int timer_settime(timer_t id, int flags, const struct itimerspec *restrict value,
		  struct itimerspec *restrict old)
{
	struct timer *timer;
	int ret = -EINVAL;

	pthread_mutex_lock(&service_lock);
	timer = timer_of(id);
	if (timer && timer->fd >= 0) {
		timer_expired((unsigned)(timer - timers)); /* setting it would forget what was */
		ret = result_of(timerfd_settime(
			timer->fd, flags & TIMER_ABSTIME ? TFD_TIMER_ABSTIME : 0, value, old));
	} else if (timer) {
		ret = result_of(real_timer_settime(timer->system, flags, value, old));
	}
	pthread_mutex_unlock(&service_lock);
	return outcome(ret);
}

int timer_gettime(timer_t id, struct itimerspec *value)
{
	struct timer *timer;
	int ret = -EINVAL;

	pthread_mutex_lock(&service_lock);
	timer = timer_of(id);
	if (timer)
		ret = result_of(timer->fd >= 0 ? timerfd_gettime(timer->fd, value)
					       : real_timer_gettime(timer->system, value));
	pthread_mutex_unlock(&service_lock);
	return outcome(ret);
}

/* Each time that a timer of the library's expires is told. */
int timer_getoverrun(timer_t id)
{
	struct timer *timer;
	int ret = -EINVAL;

	pthread_mutex_lock(&service_lock);
	timer = timer_of(id);
	if (timer)
		ret = timer->fd >= 0 ? 0 : result_of(real_timer_getoverrun(timer->system));
	pthread_mutex_unlock(&service_lock);
	return outcome(ret);
}

int timer_start(const struct timeout *timeout, int64_t deadline, timer_t *timer)
{
	struct itimerspec when = {.it_interval = {0, 0}};
	struct sigevent notify = timeout->notify;

	nsec2timespec(&when.it_value, (uint64_t)deadline);
	if (timer_create(timeout->clock, &notify, timer))
		return -errno;
	if (timer_settime(*timer, TIMER_ABSTIME, &when, NULL)) {
		int error = errno;

		timer_delete(*timer);
		return -error;
	}
	return 0;
}

void timer_end(timer_t timer)
{
	int error = errno;

	timer_delete(timer);
	errno = error;
}

int mq_notify(mqd_t queue, const struct sigevent *event)
{
	struct sigevent made;

	if (!event)
		return real_mq_notify(queue, NULL);
	if (!system_event(event, &made, true))
		return outcome(-ENOSYS);
	return real_mq_notify(queue, &made);
}

/* In a child: timers are not inherited. */
static void forget(void)
{
	unsigned number;

	for (number = 0; number < nr_timers; number++) {
		if (timers[number].used && timers[number].fd >= 0)
			close(timers[number].fd);
		timers[number].used = false;
	}
}

__attribute__((constructor)) static void prepare(void)
{
	fork_take_part(FORK_TIMERS, NULL, forget);
}
