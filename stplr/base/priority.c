// SPDX-License-Identifier: GPL-2.0
/* How a thread is scheduled, as a priority and back. */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/sched/rt.h>
#include <linux/sched/signal.h>
#include <uapi/linux/sched/types.h>

#include "base/compat.h"
#include "base/priority.h"

void stplr_sched_get(const struct task_struct *task, struct stplr_sched *sched)
{
	sched->policy = task->policy;
	sched->nice = task_nice(task);
	sched->rt_priority = task->rt_priority;
	sched->reset_on_fork = task->sched_reset_on_fork;
	sched->slice = stplr_task_slice(task);
}

int stplr_sched_set(struct task_struct *task, const struct stplr_sched *sched)
{
	struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = sched->policy,
		.sched_flags = sched->reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0,
		.sched_nice = sched->nice,
		.sched_priority = stplr_sched_rt(sched) ? sched->rt_priority : 0,
		.sched_runtime = stplr_sched_rt(sched) ? 0 : sched->slice,
	};
	int err = sched_setattr_nocheck(task, &attr);

	/* which sched_setattr() leaves alone where it does not count */
	if (!err && sched->policy == SCHED_IDLE)
		set_user_nice(task, sched->nice);
	return err;
}

/* What a message must be worth more than to raise such a thread; INT_MAX: none is. */
int stplr_sched_priority(const struct stplr_sched *sched)
{
	switch (sched->policy) {
	case SCHED_IDLE:
		return STPLR_PRIORITY_NONE;
	case SCHED_NORMAL:
	case SCHED_BATCH:
		return MAX_NICE - sched->nice;
	case SCHED_FIFO:
	case SCHED_RR:
		return STPLR_PRIORITY_RT + sched->rt_priority;
	default:
		return INT_MAX;
	}
}

int stplr_task_priority(const struct task_struct *task)
{
	struct stplr_sched sched;

	stplr_sched_get(task, &sched);
	return stplr_sched_priority(&sched);
}

/* How a thread that is by itself @base is scheduled at a higher @priority. */
struct stplr_sched stplr_sched_at(const struct stplr_sched *base, int priority)
{
	struct stplr_sched sched = *base;

	sched.reset_on_fork = true;
	if (priority > STPLR_PRIORITY_RT) {
		if (!stplr_sched_rt(base))
			sched.policy = SCHED_FIFO;
		sched.rt_priority = priority - STPLR_PRIORITY_RT;
	} else {
		if (base->policy == SCHED_IDLE)
			sched.policy = SCHED_NORMAL;
		sched.nice = MAX_NICE - priority;
	}
	return sched;
}

/* The highest priority that the calling thread could take by itself. */
int stplr_priority_allowed(void)
{
	unsigned long rt = rlimit(RLIMIT_RTPRIO), nice = rlimit(RLIMIT_NICE);

	if (ns_capable_noaudit(&init_user_ns, CAP_SYS_NICE))
		return STPLR_PRIORITY_MAX;
	if (rt)
		return STPLR_PRIORITY_RT + min_t(unsigned long, rt, MAX_RT_PRIO - 1);
	return (int)min_t(unsigned long, nice, NICE_WIDTH) - 1;
}
