// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs here that a thread is woken, measured once, when the module is loaded: to look for
 * longer than what a round of two such threads takes, before sleeping, would be a bad bargain.
 */

#include <linux/hrtimer.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sort.h>

#include "base/sleep_cost.h"

/* The one in the middle counts: others run, too. */
#define STPLR_SLEEPS 31

/* Long enough for a processor to go idle. */
#define STPLR_SLEEP_US 50

unsigned int stplr_sleep_us;
module_param_named(sleep_us, stplr_sleep_us, uint, 0444);
MODULE_PARM_DESC(sleep_us, "microseconds that two wake-ups took when the module was loaded");

/* How much later than asked for, in ns, the calling thread runs again after a sleep. */
static s64 stplr_sleep_late(void)
{
	ktime_t until = ktime_add_us(ktime_get(), STPLR_SLEEP_US);

	set_current_state(TASK_KILLABLE);
	schedule_hrtimeout_range(&until, 0, HRTIMER_MODE_ABS);
	return ktime_to_ns(ktime_sub(ktime_get(), until));
}

static int stplr_ns_compare(const void *a, const void *b)
{
	s64 x = *(const s64 *)a, y = *(const s64 *)b;

	return x < y ? -1 : x > y;
}

/* Takes some two milliseconds; less, for nothing, if the calling thread is killed. */
void stplr_sleep_cost_measure(void)
{
	s64 ns[STPLR_SLEEPS];
	unsigned int i;

	for (i = 0; i < STPLR_SLEEPS; i++)
		ns[i] = stplr_sleep_late();
	sort(ns, STPLR_SLEEPS, sizeof(ns[0]), stplr_ns_compare, NULL);
	/* there and back; whatever the loader said */
	stplr_sleep_us = clamp_t(s64, 2 * ns[STPLR_SLEEPS / 2] / NSEC_PER_USEC, 1, USEC_PER_SEC);
}
