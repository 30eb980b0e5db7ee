/* SPDX-License-Identifier: GPL-2.0 */
/* One timer, on every kernel. */
#ifndef STPLR_TESTS_TIMER_H
#define STPLR_TESTS_TIMER_H

#include <linux/hrtimer.h>
#include <linux/version.h>

/* 6.13: by one call; the older pair is gone since 6.15 */
static inline void timer_init(struct hrtimer *timer,
			      enum hrtimer_restart (*expired)(struct hrtimer *),
			      enum hrtimer_mode mode)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
	hrtimer_init(timer, CLOCK_MONOTONIC, mode);
	timer->function = expired;
#else
	hrtimer_setup(timer, expired, CLOCK_MONOTONIC, mode);
#endif
}

#endif /* STPLR_TESTS_TIMER_H */
