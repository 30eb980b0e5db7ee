/* SPDX-License-Identifier: GPL-2.0 */
/* A thread's priority, and how the scheduler is told of it. */
#ifndef STPLR_BASE_PRIORITY_H
#define STPLR_BASE_PRIORITY_H

#include <linux/sched.h>
#include <linux/sched/prio.h>

/* The highest priority a thread can have; see struct stplr_msg_info. */
#define STPLR_PRIORITY_MAX 140

/* Priorities are those of struct stplr_msg_info: 0 to 39 nice, 41 to 139 real-time. */
#define STPLR_PRIORITY_RT 40

/* A thread's priority, as in struct stplr_msg_info. */
static inline int stplr_priority_of(const struct task_struct *task)
{
	return MAX_PRIO - 1 - task->prio;
}

/**
 * struct stplr_sched - how a thread is scheduled, as far as a loan changes that
 * @policy: SCHED_*
 * @rt_priority: of SCHED_FIFO and SCHED_RR, else 0
 * @reset_on_fork: its children start without it
 */
struct stplr_sched {
	int policy;
	int rt_priority;
	bool reset_on_fork;
};

static inline bool stplr_sched_rt(const struct stplr_sched *sched)
{
	return sched->policy == SCHED_FIFO || sched->policy == SCHED_RR;
}

void stplr_sched_get(const struct task_struct *task, struct stplr_sched *sched);
int stplr_sched_set(struct task_struct *task, const struct stplr_sched *sched);
bool stplr_sched_same(const struct stplr_sched *a, const struct stplr_sched *b);
int stplr_sched_level(const struct stplr_sched *sched);
struct stplr_sched stplr_sched_at(const struct stplr_sched *base, int level);
int stplr_level_allowed(struct task_struct *task, const struct stplr_sched *base);
int stplr_priority_allowed(void);

#endif /* STPLR_BASE_PRIORITY_H */
