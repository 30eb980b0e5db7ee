// SPDX-License-Identifier: MIT
/* Clocks and timers by the kernel calls of QNX, and waiting without giving way */
#include <errno.h>
#include <stdint.h>
#include <sys/neutrino.h>
#include <time.h>

#include "result.h"

#define NS_PER_S 1000000000

int ClockTime_r(clockid_t id, const uint64_t *set, uint64_t *before)
{
	struct timespec time;
	int saved = errno, ret = 0;

	if (before && !(ret = result_of(clock_gettime(id, &time))))
		*before = timespec2nsec(&time);
	if (!ret && set) {
		nsec2timespec(&time, *set);
		ret = result_of(clock_settime(id, &time));
	}
	errno = saved;
	return ret;
}

int ClockTime(clockid_t id, const uint64_t *set, uint64_t *before)
{
	return outcome(ClockTime_r(id, set, before));
}

/* The kernel's timers are as fine as its clocks: whatever period is asked for is kept. */
int ClockPeriod_r(clockid_t id, const struct _clockperiod *set, struct _clockperiod *before,
		  int reserved)
{
	struct timespec period;
	int saved = errno, ret;

	if (reserved)
		return -EINVAL;
	ret = result_of(clock_getres(id, &period));
	errno = saved;
	if (ret)
		return ret;
	if (set && set->nsec < timespec2nsec(&period))
		return -EINVAL;
	if (before)
		*before = (struct _clockperiod){.nsec = (unsigned long)timespec2nsec(&period)};
	return 0;
}

int ClockPeriod(clockid_t id, const struct _clockperiod *set, struct _clockperiod *before,
		int reserved)
{
	return outcome(ClockPeriod_r(id, set, before, reserved));
}

/* As the kernel makes the ids of processes' and threads' clocks. */
#define OF_A_THREAD 4
#define TIME_RUN 2

int ClockId_r(pid_t pid, int tid)
{
	clockid_t id = tid ? (clockid_t)(~(unsigned)tid << 3 | OF_A_THREAD | TIME_RUN)
			   : (clockid_t)(~(unsigned)pid << 3 | TIME_RUN);
	struct timespec time;
	int saved = errno, ret;

	ret = result_of(clock_gettime(id, &time));
	errno = saved;
	return ret ? -ESRCH : id;
}

/* Ids are less than 0, too, but even: neither -1 nor -ESRCH. */
int ClockId(pid_t pid, int tid)
{
	int id = ClockId_r(pid, tid);

	return id == -ESRCH ? outcome(id) : id;
}

/* Timers */

static timer_t timer_of(int id)
{
	return (timer_t)(uintptr_t)(unsigned)id;
}

int TimerCreate(clockid_t clock, const struct sigevent *event)
{
	struct sigevent copy;
	timer_t id;

	if (event)
		copy = *event;
	return timer_create(clock, event ? &copy : NULL, &id) ? -1 : (int)(uintptr_t)id;
}

int TimerDestroy(int id)
{
	return timer_delete(timer_of(id));
}

int TimerSettime(int id, int flags, const struct _itimer *value, struct _itimer *before)
{
	struct itimerspec set, old;

	nsec2timespec(&set.it_value, value->nsec);
	nsec2timespec(&set.it_interval, value->interval_nsec);
	if (timer_settime(timer_of(id), flags, &set, &old))
		return -1;
	if (before) {
		before->nsec = timespec2nsec(&old.it_value);
		before->interval_nsec = timespec2nsec(&old.it_interval);
	}
	return 0;
}

/* Spinning: a count is a nanosecond */

int nanospin_calibrate(int disable)
{
	(void)disable;
	return 0;
}

unsigned long nanospin_ns_to_count(unsigned long ns)
{
	return ns;
}

void nanospin_count(unsigned long count)
{
	uint64_t end = ClockCycles() + count;

	while (ClockCycles() < end)
		;
}

int nanospin_ns(unsigned long ns)
{
	nanospin_count(ns);
	return 0;
}

int nanospin(const struct timespec *time)
{
	if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= NS_PER_S)
		return EINVAL;
	nanospin_count((unsigned long)timespec2nsec(time));
	return 0;
}
