// SPDX-License-Identifier: GPL-2.0
/*
 * How threads are woken, one or several, once the lock is released.
 *
 * Who wakes another and then sleeps until that one has done its part may give it the own processor
 * (stplr_rouse_here()), where that is asked for. No other is woken, and both go by one cache; but
 * that they never run at the same time must be no loss, which only who has made the programs knows.
 */

#include <linux/cpumask.h>
#include <linux/sched/prio.h>
#include <linux/sched/rt.h>
#include <linux/sched/task.h>

#include "base/compat.h"
#include "base/spin.h"
#include "base/wake.h"
#include "trace.h"

/*
 * Is a thread to be woken? One that runs looks at what it waits for before it sleeps: it has set
 * its state then, and either sees what the caller has changed, or is seen here.
 */
static __always_inline bool stplr_sleeps(struct task_struct *task)
{
	/* with sleeping locks a thread may be seen to run that is about to sleep on */
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		return true;
	smp_mb(); /* pairs with set_current_state() */
	return !task_is_running(task);
}

/* The rest of stplr_rouse(): wakes a thread if it sleeps. */
void stplr_rouse_task(struct task_struct *task)
{
	trace_stplr_wake(task);
	if (stplr_sleeps(task))
		wake_up_process(task);
}

/* Its priority is no real-time one, nor is it of SCHED_DEADLINE, by itself or by a loan. */
static bool stplr_ordinary(const struct task_struct *task)
{
	return READ_ONCE(task->prio) >= MAX_RT_PRIO;
}

/*
 * Is this processor the thread's, once the calling one sleeps? Nothing else wants it, the thread
 * may run there, and neither is one that is scheduled by other rules than shares, where who runs at
 * which processor is somebody's plan; so is what an isolated processor is for.
 */
static bool stplr_fits_here(const struct task_struct *task)
{
	int cpu = raw_smp_processor_id();

	return stplr_spin_alone() && stplr_ordinary(task) && stplr_ordinary(current) &&
	       cpumask_test_cpu(cpu, task->cpus_ptr) && !stplr_cpu_is_isolated(cpu);
}

/*
 * Wakes a thread, if it sleeps, that the calling one then sleeps for: on this processor, where that
 * fits. True if it waits for this processor now, and so does nothing before the caller sleeps.
 */
bool stplr_rouse_here(struct task_struct *task)
{
	trace_stplr_wake(task);
	if (!stplr_sleeps(task))
		return false;
	if (stplr_fits_here(task))
		stplr_wake_up_here(task);
	else
		wake_up_process(task);
	return task_cpu(task) == raw_smp_processor_id();
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

/* The same where the client gets this processor, as soon as this thread sleeps. */
void stplr_hand_over_here(struct task_struct *client)
{
	if (!client)
		return;
	stplr_rouse_here(client);
	cond_resched();
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
