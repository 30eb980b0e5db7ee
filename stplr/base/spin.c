// SPDX-License-Identifier: GPL-2.0
/*
 * Whether a thread that waits looks before it sleeps, and for how long.
 *
 * It looks if there is another processor from which what it waits for can come, nothing else
 * wants this one, and looking has paid lately: each look in vain doubles how many waits do without
 * one, up to 255, and each that was not halves it. So who waits for long burns one look in 256
 * waits, and who waits once, one. It burns what is its own: with a second runnable thread on this
 * processor, a signal, or a freezer a look ends at once.
 *
 * A thread of a real-time priority that looks keeps its processor from others of lower ones, which
 * the scheduler would move there if it slept. So it looks only where that is asked for, by a
 * channel or connection. What SCHED_DEADLINE grants is never spent on it, nor is a workqueue's
 * turn: what is queued behind a worker is no runnable thread, and waits until that sleeps.
 */

#include <linux/minmax.h>
#include <linux/sched/deadline.h>
#include <linux/sched/rt.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>

#include "base/compat.h"
#include "base/params.h"
#include "base/sleep_cost.h"
#include "base/spin.h"

/* 2 to the power of this, less 1, are the waits without a look after as many looks in vain. */
#define STPLR_SPIN_MISSES_MAX 8

/*
 * For how many microseconds to look at most, where a channel or connection says @own. If that is
 * nothing, no longer than to sleep and be woken takes.
 */
unsigned int stplr_spin_length(int own)
{
	unsigned int us = READ_ONCE(stplr_spin_us);

	if (!us || own != STPLR_SPIN_DEFAULT)
		return us ? own : 0;
	return rt_task(current) ? 0 : min(us, stplr_sleep_us);
}

/* Nothing else is to be done here. */
bool stplr_spin_alone(void)
{
	/* a thread that a lazily preemptible kernel would run later is seen by its number only */
	return !need_resched() && single_task_running() && !signal_pending(current);
}

/* Is this wait one with a look of up to @us? */
bool stplr_spin_due(struct stplr_spin *spin, unsigned int us)
{
	u8 rest = READ_ONCE(spin->rest);

	if (!us || dl_task(current) || current->flags & PF_WQ_WORKER)
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

/* May @peer, if it is known, bring something soon? */
bool stplr_spin_worth(const struct task_struct *peer)
{
	return !peer || (stplr_task_awake(peer) && !stplr_vcpu_is_preempted(task_cpu(peer)));
}

void stplr_spin_learn(struct stplr_spin *spin, bool hit)
{
	u8 misses = READ_ONCE(spin->misses);

	if (hit && !misses)
		return;
	misses = hit ? misses - 1 : min(misses + 1, STPLR_SPIN_MISSES_MAX);
	WRITE_ONCE(spin->misses, misses);
	WRITE_ONCE(spin->rest, (1 << misses) - 1);
}
