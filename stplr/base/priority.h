/* SPDX-License-Identifier: GPL-2.0 */
/* A thread's priority, and how the scheduler is told of it. */
#ifndef STPLR_BASE_PRIORITY_H
#define STPLR_BASE_PRIORITY_H

#include <linux/sched.h>
#include <linux/sched/prio.h>

/* The highest priority a thread can have; see struct stplr_msg_info. */
#define STPLR_PRIORITY_MAX 140

/* Priorities are those of struct stplr_msg_info: 0 to 39 nice, 41 to 139 real-time. */
#define STPLR_PRIORITY_NONE (-1)
#define STPLR_PRIORITY_RT 40
#define STPLR_LENT_MAX (STPLR_PRIORITY_RT + MAX_RT_PRIO - 1)

/* A thread's priority, as in struct stplr_msg_info. */
static inline int stplr_priority_of(const struct task_struct *task)
{
	return MAX_PRIO - 1 - task->prio;
}

/**
 * struct stplr_sched - how a thread is scheduled
 * @policy: SCHED_*
 * @nice: nice value, also while it does not count
 * @rt_priority: of SCHED_FIFO and SCHED_RR
 * @reset_on_fork: its children start without it
 * @slice: how long it runs at a time, or 0; see stplr_task_slice()
 */
struct stplr_sched {
	int policy;
	int nice;
	int rt_priority;
	bool reset_on_fork;
	u64 slice;
};

static inline bool stplr_sched_rt(const struct stplr_sched *sched)
{
	return sched->policy == SCHED_FIFO || sched->policy == SCHED_RR;
}

void stplr_sched_get(const struct task_struct *task, struct stplr_sched *sched);
int stplr_sched_set(struct task_struct *task, const struct stplr_sched *sched);
int stplr_sched_priority(const struct stplr_sched *sched);
struct stplr_sched stplr_sched_at(const struct stplr_sched *base, int priority);
int stplr_task_priority(const struct task_struct *task);
int stplr_priority_allowed(void);

#endif /* STPLR_BASE_PRIORITY_H */
