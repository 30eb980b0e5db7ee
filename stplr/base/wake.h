/* SPDX-License-Identifier: GPL-2.0 */
/* How threads are woken. */
#ifndef STPLR_BASE_WAKE_H
#define STPLR_BASE_WAKE_H

#include <linux/sched.h>

/* also how much is done under a lock at once */
#define STPLR_WAKE_BATCH 16

/**
 * struct stplr_wake_batch - threads to wake once the lock is released
 * @count: how many
 * @tasks: with a reference each
 */
struct stplr_wake_batch {
	unsigned int count;
	struct task_struct *tasks[STPLR_WAKE_BATCH];
};

void stplr_rouse_task(struct task_struct *task);
bool stplr_rouse_here(struct task_struct *task);
void stplr_wake_task(struct task_struct *task);

/* Wakes a thread, and keeps its reference; NULL is nobody. */
static inline void stplr_rouse(struct task_struct *task)
{
	if (task)
		stplr_rouse_task(task);
}

/* Wakes a thread and drops its reference; NULL is nobody. */
static inline void stplr_wake(struct task_struct *task)
{
	if (task)
		stplr_wake_task(task);
}

void stplr_hand_over(struct task_struct *client);
void stplr_hand_over_here(struct task_struct *client);
void stplr_wake_add(struct stplr_wake_batch *batch, struct task_struct *task);
void stplr_wake_all(struct stplr_wake_batch *batch);

#endif /* STPLR_BASE_WAKE_H */
