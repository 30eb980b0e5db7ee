/* SPDX-License-Identifier: GPL-2.0 */
/* Deadlines, and sleeping until one has passed. */
#ifndef STPLR_BASE_CLOCK_H
#define STPLR_BASE_CLOCK_H

#include <linux/compiler.h>
#include <linux/sched.h>
#include <linux/time.h>
#include <linux/types.h>

#include <uapi/linux/stplr.h>

/* A clock that is known, and a deadline that can be. */
static inline bool stplr_deadline_valid(s64 deadline, u32 clock)
{
	return deadline >= STPLR_DEADLINE_NONE &&
	       (clock == CLOCK_MONOTONIC || clock == CLOCK_REALTIME || clock == CLOCK_BOOTTIME);
}

bool stplr_deadline_over(s64 deadline, clockid_t clock);

/* Has it passed already? A poll has, by definition. */
static inline bool stplr_deadline_passed(s64 deadline, clockid_t clock)
{
	return unlikely(deadline != STPLR_DEADLINE_NONE) && stplr_deadline_over(deadline, clock);
}

/* Is it so far away that the next @us microseconds do not matter to it? */
static inline bool stplr_deadline_beyond(s64 deadline, clockid_t clock, unsigned int us)
{
	return likely(deadline == STPLR_DEADLINE_NONE) ||
	       !stplr_deadline_over(deadline - (s64)us * NSEC_PER_USEC, clock);
}

s64 stplr_deadline_kernel(s64 deadline);
bool stplr_sleep_until(s64 deadline, clockid_t clock);

/* Sleeps in the state set before; true once the deadline has passed. */
static inline bool stplr_sleep(s64 deadline, clockid_t clock)
{
	if (unlikely(deadline != STPLR_DEADLINE_NONE))
		return stplr_sleep_until(deadline, clock);
	schedule();
	return false;
}

#endif /* STPLR_BASE_CLOCK_H */
