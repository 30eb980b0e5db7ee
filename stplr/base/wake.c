// SPDX-License-Identifier: GPL-2.0
/* How threads are woken, one or several, once the lock is released. */

#include <linux/sched/rt.h>
#include <linux/sched/task.h>

#include "base/compat.h"
#include "base/wake.h"
#include "trace.h"

/*
 * The rest of stplr_rouse(): wakes a thread if it sleeps. One that runs looks at what it waits for
 * before it does: it has set its state then, and either sees what the caller has changed, or is
 * seen here.
 */
void stplr_rouse_task(struct task_struct *task)
{
	trace_stplr_wake(task);
	/* with sleeping locks a thread may be seen to run that is about to sleep on */
	if (!IS_ENABLED(CONFIG_PREEMPT_RT)) {
		smp_mb(); /* pairs with set_current_state() */
		if (task_is_running(task))
			return;
	}
	wake_up_process(task);
}

/* The rest of stplr_wake(). */
void stplr_wake_task(struct task_struct *task)
{
	stplr_rouse_task(task);
	put_task_struct(task);
}

/*
 * Wakes the client of a server's thread that has nothing else to do, and lets it run first, while
 * this thread is still runnable. What the client does then may be just what this thread would have
 * slept for: in a ping-pong on one processor that saves a sleep and a wake-up each round, 2,300 of
 * 11,400 instructions (6.1, icount). If it does not, this thread comes back once and sleeps.
 */
void stplr_hand_over(struct task_struct *client)
{
	if (!client)
		return;
	stplr_rouse_task(client);
	if (need_resched())
		cond_resched();
	else if (STPLR_YIELD_TO && task_cpu(client) == raw_smp_processor_id() && !rt_task(current))
		yield_to(client, true);
	put_task_struct(client);
}

/* Notes a thread to be woken after unlocking; NULL is nobody. */
void stplr_wake_add(struct stplr_wake_batch *batch, struct task_struct *task)
{
	if (task)
		batch->tasks[batch->count++] = task;
}

void stplr_wake_all(struct stplr_wake_batch *batch)
{
	while (batch->count)
		stplr_wake(batch->tasks[--batch->count]);
}
