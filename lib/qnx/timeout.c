// SPDX-License-Identifier: MIT
/*
 * TimerTimeout(): a time limit for the thread's next message call
 *
 * It runs from the moment it is set. It is the thread's own, and the next call takes it.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/neutrino.h>
#include <time.h>

#include "fork.h"
#include "result.h"
#include "stplr.h"
#include "timeout.h"
#include "verbose.h"

/* A deadline that has passed: the call ends with ETIMEDOUT, unless it need not wait. */
#define PASSED 1

#define STATES (_NTO_TIMEOUT_SEND | _NTO_TIMEOUT_RECEIVE | _NTO_TIMEOUT_REPLY)
#define OTHER_STATES                                                                               \
	(_NTO_TIMEOUT_SIGSUSPEND | _NTO_TIMEOUT_SIGWAITINFO | _NTO_TIMEOUT_NANOSLEEP |             \
	 _NTO_TIMEOUT_MUTEX | _NTO_TIMEOUT_CONDVAR | _NTO_TIMEOUT_JOIN | _NTO_TIMEOUT_INTR |       \
	 _NTO_TIMEOUT_SEM)

static __thread struct timeout pending __attribute__((tls_model("initial-exec")));

static uint64_t now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return timespec2nsec(&time);
}

static int64_t sum(uint64_t a, uint64_t b)
{
	return a > INT64_MAX || b > INT64_MAX - a ? INT64_MAX : (int64_t)(a + b);
}

bool timeout_take(struct timeout *timeout)
{
	if (!pending.armed)
		return false;
	*timeout = pending;
	pending.armed = false;
	return true;
}

void timeout_clear(void)
{
	pending.armed = false;
}

/* What was left of the limit that this one replaces. */
static uint64_t left(void)
{
	int64_t deadline = STPLR_DEADLINE_NONE;
	uint64_t time;

	if (!pending.armed)
		return 0;
	if (pending.send != STPLR_DEADLINE_NONE)
		deadline = pending.send;
	else if (pending.receive != STPLR_DEADLINE_NONE)
		deadline = pending.receive;
	else
		deadline = pending.reply;
	time = now(pending.clock);
	return deadline > 0 && (uint64_t)deadline > time ? (uint64_t)deadline - time : 0;
}

int TimerTimeout_r(clockid_t clock, int flags, const struct sigevent *notify, const uint64_t *time,
		   uint64_t *old)
{
	bool absolute = flags & TIMER_ABSTIME;
	struct timeout timeout = {
		.armed = true,
		.send = STPLR_DEADLINE_NONE,
		.receive = STPLR_DEADLINE_NONE,
		.reply = STPLR_DEADLINE_NONE,
		.notify = {.sigev_notify = SIGEV_UNBLOCK},
	};
	int64_t deadline;

	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)
		return -EINVAL;
	if (flags & OTHER_STATES)
		return REFUSED("TimerTimeout() is for messages only; the C library's calls have "
			       "forms that take a time");
	flags &= ~TIMER_ABSTIME;
	if (flags & ~STATES)
		return -EINVAL;
	if (notify && SIGEV_GET_TYPE(notify) > SIGEV_SEM)
		return -EINVAL;
	if (old)
		*old = left();
	pending.armed = false;
	if (!flags)
		return 0;

	/* setting the clock does not move a relative limit */
	if (!absolute && clock == CLOCK_REALTIME)
		clock = CLOCK_MONOTONIC;
	if (!time || !*time)
		deadline = PASSED;
	else
		deadline = absolute ? sum(*time, 0) : sum(now(clock), *time);
	timeout.clock = clock;
	if (flags & _NTO_TIMEOUT_SEND)
		timeout.send = deadline;
	if (flags & _NTO_TIMEOUT_RECEIVE)
		timeout.receive = deadline;
	if (flags & _NTO_TIMEOUT_REPLY)
		timeout.reply = deadline;
	if (notify)
		timeout.notify = *notify;
	pending = timeout;
	return 0;
}

int TimerTimeout(clockid_t clock, int flags, const struct sigevent *notify, const uint64_t *time,
		 uint64_t *old)
{
	return outcome(TimerTimeout_r(clock, flags, notify, time, old));
}

int timer_timeout_r(clockid_t clock, int flags, const struct sigevent *notify,
		    const struct timespec *time, struct timespec *old)
{
	uint64_t ns = 0, old_ns = 0;
	int ret;

	if (time) {
		if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= 1000000000)
			return -EINVAL;
		ns = timespec2nsec(time);
	}
	ret = TimerTimeout_r(clock, flags, notify, time ? &ns : NULL, old ? &old_ns : NULL);
	if (!ret && old)
		nsec2timespec(old, old_ns);
	return ret;
}

int timer_timeout(clockid_t clock, int flags, const struct sigevent *notify,
		  const struct timespec *time, struct timespec *old)
{
	return outcome(timer_timeout_r(clock, flags, notify, time, old));
}

__attribute__((constructor)) static void prepare(void)
{
	fork_take_part(FORK_TIMEOUT, NULL, timeout_clear);
}
