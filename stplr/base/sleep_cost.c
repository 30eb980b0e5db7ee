// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs here that two threads on two processors wait for each other asleep, measured once,
 * when the module is loaded: to look for longer than that, before sleeping, would be a bad bargain.
 */

#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sort.h>

#include "base/sleep_cost.h"

/* The one in the middle counts: others run, too. */
#define STPLR_SLEEP_ROUNDS 31

unsigned int stplr_sleep_us;
module_param_named(sleep_us, stplr_sleep_us, uint, 0444);
MODULE_PARM_DESC(sleep_us,
		 "microseconds that two sleeps and wake-ups took when the module was loaded; 0: one processor");

/* Two threads that wait for each other; @over is set before the last ping. */
struct stplr_echo {
	struct completion ping;
	struct completion pong;
	bool over;
};

static int stplr_echo_thread(void *data)
{
	struct stplr_echo *echo = data;

	for (;;) {
		wait_for_completion(&echo->ping);
		if (echo->over)
			break;
		complete(&echo->pong);
	}
	/* its code and its stack's owner stay until then */
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static u64 stplr_echo_round(struct stplr_echo *echo)
{
	u64 begin = ktime_get_ns();

	complete(&echo->ping);
	wait_for_completion(&echo->pong);
	return ktime_get_ns() - begin;
}

static int stplr_ns_compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/*
 * Measures it, between two of the processors that the calling thread may use; ENOMEM, or EINTR: it
 * is killed.
 */
int stplr_sleep_cost_measure(void)
{
	unsigned int here = raw_smp_processor_id(), there, i;
	u64 ns[STPLR_SLEEP_ROUNDS];
	struct task_struct *other;
	struct stplr_echo echo;

	/* 0 is for who has but one; what the loader says does not count */
	stplr_sleep_us = 0;
	for_each_cpu_and(there, current->cpus_ptr, cpu_online_mask) {
		if (there != here)
			break;
	}
	if (there >= nr_cpu_ids)
		return 0;

	init_completion(&echo.ping);
	init_completion(&echo.pong);
	echo.over = false;
	other = kthread_create(stplr_echo_thread, &echo, "stplr-echo");
	if (IS_ERR(other))
		return PTR_ERR(other);
	kthread_bind(other, there);
	wake_up_process(other);
	for (i = 0; i < ARRAY_SIZE(ns); i++)
		ns[i] = stplr_echo_round(&echo);
	echo.over = true;
	complete(&echo.ping);
	kthread_stop(other);

	sort(ns, ARRAY_SIZE(ns), sizeof(ns[0]), stplr_ns_compare, NULL);
	stplr_sleep_us = DIV_ROUND_UP_ULL(ns[ARRAY_SIZE(ns) / 2], NSEC_PER_USEC);
	return 0;
}
