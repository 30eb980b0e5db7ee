// SPDX-License-Identifier: GPL-2.0
/* Deadlines, by the clocks that the calling thread sees, and sleeping until one has passed. */

#include <linux/hrtimer.h>
#include <linux/nsproxy.h>
#include <linux/overflow.h>
#include <linux/sched/rt.h>
#include <linux/time_namespace.h>
#include <linux/timekeeping.h>

#include "base/clock.h"

/* A deadline of the calling thread, whose time namespace may have clocks of its own. */
static s64 stplr_deadline_host(s64 deadline, clockid_t clock)
{
#ifdef CONFIG_TIME_NS
	const struct timens_offsets *offsets;
	s64 offset = 0, host;

	/* a thread that exits, and closes files, has none any more */
	if (!current->nsproxy)
		return deadline;
	offsets = &current->nsproxy->time_ns->offsets;
	if (clock == CLOCK_MONOTONIC)
		offset = timespec64_to_ns(&offsets->monotonic);
	else if (clock == CLOCK_BOOTTIME)
		offset = timespec64_to_ns(&offsets->boottime);
	if (check_sub_overflow(deadline, offset, &host))
		return S64_MAX;
	return max_t(s64, host, 0);
#else
	return deadline;
#endif
}

/*
 * The same the other way round: one of the host's CLOCK_MONOTONIC, which is what kernel code sees,
 * as if the calling thread had said so.
 */
s64 stplr_deadline_kernel(s64 deadline)
{
#ifdef CONFIG_TIME_NS
	s64 offset, own;

	if (deadline == STPLR_DEADLINE_NONE || deadline == STPLR_DEADLINE_POLL || !current->nsproxy)
		return deadline;
	offset = timespec64_to_ns(&current->nsproxy->time_ns->offsets.monotonic);
	if (check_add_overflow(deadline, offset, &own))
		return S64_MAX;
	/* long over, but none of those two */
	return max_t(s64, own, 1);
#else
	return deadline;
#endif
}

/* The rest of stplr_deadline_passed(). */
bool stplr_deadline_over(s64 deadline, clockid_t clock)
{
	ktime_t now;

	switch (clock) {
	case CLOCK_REALTIME:
		now = ktime_get_real();
		break;
	case CLOCK_BOOTTIME:
		now = ktime_get_boottime();
		break;
	default:
		now = ktime_get();
		break;
	}
	return stplr_deadline_host(deadline, clock) <= ktime_to_ns(now);
}

/* The rest of stplr_sleep(). */
bool stplr_sleep_until(s64 deadline, clockid_t clock)
{
	ktime_t expires = ns_to_ktime(stplr_deadline_host(deadline, clock));

	return !schedule_hrtimeout_range_clock(&expires,
					       rt_task(current) ? 0 : current->timer_slack_ns,
					       HRTIMER_MODE_ABS, clock);
}
