// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that receive: what they are lent, and how the scheduler is told of it.
 *
 * A thread's loans are in a tree; the first of them is what it is wanted at. That changes under
 * spinlocks. stplr_thread_settle() carries it out, which sleeps: it compares what is wanted with
 * what is set, whoever calls it and however often. What the thread is by itself is kept as long as
 * it is raised. What its owner sets meanwhile takes that one's place, if the thread could have set
 * it without the loan. What it sets at the very moment when a loan begins or ends may be lost.
 *
 * It holds the task, for a struct pid may be another thread's after execve(2).
 *
 * Who has the mutex may be of a low priority, and not run for long. A real-time thread waits for
 * it, and passes its priority on. All others leave what is to be done to who has it.
 */

#include <linux/rcupdate.h>
#include <linux/rhashtable.h>
#include <linux/sched/rt.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "base/quota.h"
#include "core/thread.h"
#include "trace.h"

static const struct rhashtable_params stplr_threads_params = {
	.key_len = sizeof(struct task_struct *),
	.key_offset = offsetof(struct stplr_thread, task),
	.head_offset = offsetof(struct stplr_thread, node),
	.automatic_shrinking = true,
};

static struct rhashtable stplr_threads;

int stplr_threads_init(void)
{
	return rhashtable_init(&stplr_threads, &stplr_threads_params);
}

void stplr_threads_exit(void)
{
	rhashtable_destroy(&stplr_threads);
}

/* The thread, with a reference; NULL if it receives nowhere. */
struct stplr_thread *stplr_thread_find(struct task_struct *task)
{
	struct stplr_thread *thread;

	rcu_read_lock();
	thread = rhashtable_lookup(&stplr_threads, &task, stplr_threads_params);
	if (thread && !refcount_inc_not_zero(&thread->ref))
		thread = NULL;
	rcu_read_unlock();
	return thread;
}

/* A task is not small, and stays as long as this. */
#define STPLR_THREAD_BYTES (sizeof(struct stplr_thread) + sizeof(struct task_struct))

static void stplr_thread_free(struct stplr_thread *thread)
{
	put_task_struct(thread->task);
	stplr_uncharge_memory(thread->payer, STPLR_THREAD_BYTES);
	stplr_user_put(thread->payer);
	kfree_rcu(thread, rcu);
}

/* The calling thread, which alone makes itself; @payer is charged for it then. */
struct stplr_thread *stplr_thread_get(struct stplr_user *payer)
{
	struct stplr_thread *thread;

	thread = stplr_thread_find(current);
	if (thread)
		return thread;
	if (stplr_charge_memory(payer, STPLR_THREAD_BYTES))
		return NULL;
	thread = kzalloc(sizeof(*thread), GFP_KERNEL_ACCOUNT);
	if (!thread) {
		stplr_uncharge_memory(payer, STPLR_THREAD_BYTES);
		return NULL;
	}
	thread->payer = stplr_user_hold(payer);
	refcount_set(&thread->ref, 1);
	thread->task = get_task_struct(current);
	rt_mutex_init(&thread->mutex);
	spin_lock_init(&thread->lock);
	thread->itself = true;
	thread->loans = RB_ROOT_CACHED;
	/* fails, too, while the one before is being taken out: the next receive tries again */
	if (rhashtable_lookup_insert_fast(&stplr_threads, &thread->node, stplr_threads_params)) {
		stplr_thread_free(thread);
		return NULL;
	}
	return thread;
}

void stplr_thread_put(struct stplr_thread *thread)
{
	if (!refcount_dec_and_test(&thread->ref))
		return;
	WARN_ON(thread->wanted);
	rhashtable_remove_fast(&stplr_threads, &thread->node, stplr_threads_params);
	stplr_thread_free(thread);
}

static bool stplr_loan_before(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct stplr_loan, node)->value >
	       rb_entry(b, struct stplr_loan, node)->value;
}

/*
 * The loan is worth @value now; nothing, if that is no more than what the thread has by itself.
 * True if that changes what the thread is wanted at.
 */
bool stplr_thread_lend(struct stplr_thread *thread, struct stplr_loan *loan, int value)
{
	struct stplr_sched own;
	struct rb_node *first;
	int before;

	spin_lock(&thread->lock);
	if (thread->itself) {
		stplr_sched_get(thread->task, &own);
		if (stplr_loan_level(value) <= stplr_sched_level(&own))
			value = 0;
	}
	if (loan->value)
		rb_erase_cached(&loan->node, &thread->loans);
	loan->value = value;
	if (value)
		rb_add_cached(&loan->node, &thread->loans, stplr_loan_before);
	before = thread->wanted;
	first = rb_first_cached(&thread->loans);
	WRITE_ONCE(thread->wanted, first ? rb_entry(first, struct stplr_loan, node)->value : 0);
	value = thread->wanted;
	thread->itself &= !value;
	spin_unlock(&thread->lock);
	return value != before;
}

/*
 * What the thread is by itself. What is not as it was lent, its owner has set since; if it could
 * not have done that without the loan, it is as if it had not.
 */
static void stplr_thread_review(struct stplr_thread *thread, const struct stplr_sched *now)
{
	if (thread->raised &&
	    (stplr_sched_same(now, &thread->lent) ||
	     (stplr_sched_rt(now) && now->rt_priority > thread->allowed)))
		return;
	thread->raised = false;
	thread->base = *now;
}

static void stplr_thread_raise(struct stplr_thread *thread, const struct stplr_sched *now,
			       int level)
{
	struct stplr_sched sched = stplr_sched_at(&thread->base, level);
	struct task_struct *task = thread->task;
	u64 slack = task->timer_slack_ns;

	if (stplr_sched_same(now, &sched) || stplr_sched_set(task, &sched))
		return;
	if (!thread->raised) {
		thread->slack = slack;
		thread->allowed = stplr_level_allowed(task, &thread->base);
	}
	thread->lent = sched;
	thread->raised = true;
}

static void stplr_thread_restore(struct stplr_thread *thread)
{
	struct task_struct *task = thread->task;
	bool slack = !task->timer_slack_ns;

	/* refused only if it was read while its owner changed it */
	if (stplr_sched_set(task, &thread->base)) {
		thread->base = (struct stplr_sched){ .policy = SCHED_NORMAL };
		stplr_sched_set(task, &thread->base);
	}
	/* some kernels take it from real-time threads, and give others the default */
	if (slack && !stplr_sched_rt(&thread->base))
		task->timer_slack_ns = thread->slack;
	thread->raised = false;
}

/* Has the thread run as it is wanted; with the mutex. True if that was not carried out before. */
static bool stplr_thread_carry_out(struct stplr_thread *thread)
{
	int value = READ_ONCE(thread->wanted), level = stplr_loan_level(value);
	struct task_struct *task = thread->task;
	int from = stplr_priority_of(task);
	bool fresh = value != thread->done;
	struct stplr_sched now;

	WRITE_ONCE(thread->done, value);
	if (!pid_alive(task))
		return false;
	stplr_sched_get(task, &now);
	stplr_thread_review(thread, &now);
	if (level > stplr_sched_level(&thread->base))
		stplr_thread_raise(thread, &now, level);
	else if (thread->raised)
		stplr_thread_restore(thread);
	WRITE_ONCE(thread->depth, thread->raised ? 1 + stplr_loan_depth(value) : 0);
	spin_lock(&thread->lock);
	thread->itself = !thread->raised && !thread->wanted;
	spin_unlock(&thread->lock);
	if (from != stplr_priority_of(task))
		trace_stplr_priority(task, from, stplr_priority_of(task));
	return fresh;
}

/*
 * What the thread is wanted at has changed: carries that out, or leaves it to who has the mutex.
 * True if the caller has done it: then a message that the thread waits for is worth something else.
 */
bool stplr_thread_settle(struct stplr_thread *thread)
{
	bool fresh = false;

	do {
		smp_mb(); /* either we get the mutex, or who has it sees what is wanted */
		if (rt_task(current))
			rt_mutex_lock(&thread->mutex);
		else if (!rt_mutex_trylock(&thread->mutex))
			break;
		fresh |= stplr_thread_carry_out(thread);
		rt_mutex_unlock(&thread->mutex);
		smp_mb(); /* pairs with the one above */
	} while (READ_ONCE(thread->wanted) != READ_ONCE(thread->done));
	return fresh;
}
