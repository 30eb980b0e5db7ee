// SPDX-License-Identifier: GPL-2.0
/* How a thread is scheduled, as far as a loan changes that; and how far it could go by itself. */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/rcupdate.h>
#include <linux/sched/rt.h>
#include <linux/sched/signal.h>
#include <uapi/linux/sched/types.h>

#include "base/compat.h"
#include "base/priority.h"

void stplr_sched_get(const struct task_struct *task, struct stplr_sched *sched)
{
	sched->policy = task->policy;
	sched->rt_priority = task->rt_priority;
	sched->reset_on_fork = task->sched_reset_on_fork;
}

/* What else there is to a thread, its nice value and time slice, stays as its owner has set it. */
int stplr_sched_set(struct task_struct *task, const struct stplr_sched *sched)
{
	struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = sched->policy,
		.sched_flags = sched->reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0,
		.sched_nice = task_nice(task),
		.sched_priority = stplr_sched_rt(sched) ? sched->rt_priority : 0,
		.sched_runtime = stplr_sched_rt(sched) ? 0 : stplr_task_slice(task),
	};

	return sched_setattr_nocheck(task, &attr);
}

bool stplr_sched_same(const struct stplr_sched *a, const struct stplr_sched *b)
{
	return a->policy == b->policy && a->rt_priority == b->rt_priority &&
	       a->reset_on_fork == b->reset_on_fork;
}

/* The real-time priority beyond which a loan raises such a thread; MAX_RT_PRIO: none does. */
int stplr_sched_level(const struct stplr_sched *sched)
{
	switch (sched->policy) {
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE:
		return 0;
	case SCHED_FIFO:
	case SCHED_RR:
		return sched->rt_priority;
	default:
		return MAX_RT_PRIO;
	}
}

/* How a thread that is by itself @base is scheduled at a higher real-time priority. */
struct stplr_sched stplr_sched_at(const struct stplr_sched *base, int level)
{
	return (struct stplr_sched){
		.policy = stplr_sched_rt(base) ? base->policy : SCHED_FIFO,
		.rt_priority = level,
		.reset_on_fork = true,
	};
}

/* The highest real-time priority that a thread, which by itself is @base, could take by itself. */
int stplr_level_allowed(struct task_struct *task, const struct stplr_sched *base)
{
	int limit = min_t(unsigned long, task_rlimit(task, RLIMIT_RTPRIO), MAX_RT_PRIO - 1);
	const struct cred *cred;
	bool may;

	rcu_read_lock();
	cred = __task_cred(task);
	may = cred->user_ns == &init_user_ns && cap_raised(cred->cap_effective, CAP_SYS_NICE);
	rcu_read_unlock();
	if (may)
		return MAX_RT_PRIO - 1;
	return max(limit, stplr_sched_rt(base) ? base->rt_priority : 0);
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
