// SPDX-License-Identifier: GPL-2.0
/*
 * Whether a thread that waits looks before it sleeps, and for how long.
 *
 * It looks if there is another processor from which what it waits for can come, nothing else
 * wants this one, and looking has paid lately: each look in vain doubles how many waits do without
 * one, up to STPLR_SPIN_REST_MAX, and each that was not halves it. So who waits for long burns one
 * look in some 255 waits, and who waits once, one. What it burns is nobody else's: with a second
 * runnable thread on this processor, a signal, or a freezer it ends at once.
 */

#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>

#include "base/spin.h"

/* 2 to the power of this, less 1, are the waits without a look after as many looks in vain. */
#define STPLR_SPIN_MISSES_MAX 8

/* Nothing else is to be done here. */
static bool stplr_spin_alone(void)
{
	/* a thread that a lazily preemptible kernel would run later is seen by its number only */
	return !need_resched() && single_task_running();
}

/* Is this wait one with a look of up to @us? */
bool stplr_spin_due(struct stplr_spin *spin, unsigned int us)
{
	u8 rest = READ_ONCE(spin->rest);

	if (!us)
		return false;
	if (rest) {
		WRITE_ONCE(spin->rest, rest - 1);
		return false;
	}
	return stplr_spin_alone();
}

/* Runs, or was woken and is about to. */
static bool stplr_task_awake(const struct task_struct *task)
{
	unsigned int state = READ_ONCE(task->__state);

	return state == TASK_RUNNING || state == TASK_WAKING;
}

bool stplr_spin_goes_on(const struct task_struct *peer)
{
	return stplr_spin_alone() && !signal_pending(current) &&
	       (!peer || (stplr_task_awake(peer) && !vcpu_is_preempted(task_cpu(peer))));
}

void stplr_spin_learn(struct stplr_spin *spin, bool hit)
{
	u8 misses = READ_ONCE(spin->misses);

	if (hit && !misses)
		return;
	misses = hit ? misses / 2 : min(misses + 1, STPLR_SPIN_MISSES_MAX);
	WRITE_ONCE(spin->misses, misses);
	WRITE_ONCE(spin->rest, (1 << misses) - 1);
}
