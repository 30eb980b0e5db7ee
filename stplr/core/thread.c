// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that receive: how the scheduler treats them, while they are raised and else.
 *
 * What a thread is lent is set by sched_setattr(), which sleeps, by whoever raises it, and put back
 * by the thread itself. Its rt_mutex makes each of that one step. Everybody first notes what is to
 * be, under the thread's spinlock, and then does, with the mutex, what is noted by then: a thread
 * that has received meanwhile has cleared a sender's note.
 *
 * Who has the mutex may be of a low priority, and not run for long. A real-time thread waits for
 * it, and passes its priority on. All others leave what they have noted to who has it.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/rcupdate.h>
#include <linux/rhashtable.h>
#include <linux/sched/rt.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "base/params.h"
#include "core/thread.h"
#include "trace.h"

atomic_t stplr_nr_marked = ATOMIC_INIT(0);

static const struct rhashtable_params stplr_threads_params = {
	.key_len = sizeof(struct pid *),
	.key_offset = offsetof(struct stplr_thread, pid),
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

/* The thread, with a reference; or NULL. */
struct stplr_thread *stplr_thread_find(const struct pid *pid)
{
	struct stplr_thread *thread;

	rcu_read_lock();
	thread = rhashtable_lookup(&stplr_threads, &pid, stplr_threads_params);
	if (thread && !refcount_inc_not_zero(&thread->ref))
		thread = NULL;
	rcu_read_unlock();
	return thread;
}

/* The calling thread, which alone makes itself. */
struct stplr_thread *stplr_thread_get(void)
{
	struct pid *pid = task_pid(current);
	struct stplr_thread *thread;

	thread = stplr_thread_find(pid);
	if (thread)
		return thread;
	thread = kzalloc(sizeof(*thread), GFP_KERNEL_ACCOUNT);
	if (!thread)
		return NULL;
	refcount_set(&thread->ref, 1);
	thread->pid = get_pid(pid);
	rt_mutex_init(&thread->mutex);
	thread->task = current;
	thread->own = INT_MAX;
	spin_lock_init(&thread->lock);
	thread->wanted = STPLR_PRIORITY_NONE;
	/* fails, too, while the one before is being taken out: the next receive tries again */
	if (rhashtable_lookup_insert_fast(&stplr_threads, &thread->node, stplr_threads_params)) {
		put_pid(pid);
		kfree(thread);
		return NULL;
	}
	return thread;
}

static void stplr_thread_set_marked(struct stplr_thread *thread, bool marked)
{
	lockdep_assert_held(&thread->lock);
	if (marked != thread->marked)
		atomic_add(marked ? 1 : -1, &stplr_nr_marked);
	WRITE_ONCE(thread->marked, marked);
}

void stplr_thread_put(struct stplr_thread *thread)
{
	if (!refcount_dec_and_test(&thread->ref))
		return;
	rhashtable_remove_fast(&stplr_threads, &thread->node, stplr_threads_params);
	if (thread->marked)
		atomic_dec(&stplr_nr_marked);
	put_pid(thread->pid);
	kfree_rcu(thread, rcu);
}

/*
 * What its owner has changed since the thread was raised is its own: a policy, real-time priority
 * or reset-on-fork flag that is not the one we set ends the loan, a nice value stays when the loan
 * ends.
 */
static void stplr_thread_review(struct stplr_thread *thread, const struct task_struct *task)
{
	const struct stplr_sched *lent = &thread->lent;
	struct stplr_sched now;

	stplr_sched_get(task, &now);
	if (!thread->raised || thread->task != task || now.policy != lent->policy ||
	    now.reset_on_fork != lent->reset_on_fork ||
	    (stplr_sched_rt(lent) && now.rt_priority != lent->rt_priority)) {
		thread->task = task;
		thread->raised = false;
		thread->base = now;
	} else if (now.nice != lent->nice) {
		thread->base.nice = now.nice;
	}
}

/* Has the thread run at @priority, or at its own if that is higher; with the mutex. */
static void stplr_thread_set(struct stplr_thread *thread, struct task_struct *task, int priority)
{
	struct stplr_sched sched;
	int own;

	stplr_thread_review(thread, task);
	own = stplr_sched_priority(&thread->base);
	if (priority <= own) {
		if (thread->raised) {
			/* refused only if it was read while its owner changed it */
			if (stplr_sched_set(task, &thread->base)) {
				thread->base.policy = SCHED_NORMAL;
				stplr_sched_set(task, &thread->base);
			}
			trace_stplr_priority(task, thread->level, own);
		}
		thread->raised = false;
		WRITE_ONCE(thread->own, INT_MAX);
		return;
	}
	sched = stplr_sched_at(&thread->base, priority);
	if (thread->raised && priority == thread->level)
		return;
	/* first, for who sees it raised must not take that for its own */
	WRITE_ONCE(thread->own, own);
	smp_wmb(); /* pairs with stplr_raise_add() */
	if (stplr_sched_set(task, &sched)) {
		if (!thread->raised)
			WRITE_ONCE(thread->own, INT_MAX);
		return;
	}
	trace_stplr_priority(task, thread->raised ? thread->level : own, priority);
	/* a real-time thread keeps the nice value it has */
	sched.nice = task_nice(task);
	thread->lent = sched;
	thread->level = priority;
	thread->raised = true;
	stplr_dbg(3, "thread %d raised from %d to %d\n", task_pid_nr(task), own, priority);
}

/* Does what was noted, with the mutex; the priority that the thread runs at, if it was anything. */
static int stplr_thread_update(struct stplr_thread *thread)
{
	int wanted, at, reached = STPLR_PRIORITY_NONE;
	struct task_struct *task = NULL;
	bool noted, settle;

	spin_lock(&thread->lock);
	noted = thread->noted;
	WRITE_ONCE(thread->noted, false);
	settle = thread->settling;
	at = thread->at;
	wanted = thread->wanted;
	spin_unlock(&thread->lock);

	if (noted) {
		task = get_pid_task(thread->pid, PIDTYPE_PID);
		/* one that executes a program has its process's pid by now */
		if (!task && thread->task == current)
			task = get_task_struct(current);
	}
	if (task) {
		stplr_thread_review(thread, task);
		if (!settle)
			at = thread->raised ? thread->level : STPLR_PRIORITY_NONE;
		stplr_thread_set(thread, task, max(wanted, at));
		reached = min(stplr_task_priority(task), STPLR_PRIORITY_MAX);
		put_task_struct(task);
	} else if (noted) {
		thread->raised = false; /* it is dead */
	}

	spin_lock(&thread->lock);
	if (!thread->noted) {
		/* pairs with stplr_raise_add(): after what it runs at */
		smp_store_release(&thread->settling, false);
		stplr_thread_set_marked(thread,
					thread->raised || thread->wanted != STPLR_PRIORITY_NONE);
	}
	spin_unlock(&thread->lock);
	return reached;
}

/* Something was noted: either we get the mutex, or who has it sees the note. */
static bool stplr_thread_lock(struct stplr_thread *thread)
{
	if (rt_task(current)) {
		rt_mutex_lock(&thread->mutex);
		return true;
	}
	smp_mb(); /* pairs with stplr_thread_unlock() */
	return rt_mutex_trylock(&thread->mutex);
}

/* Carries out what was left meanwhile; the highest priority that came of it. */
static int stplr_thread_unlock(struct stplr_thread *thread)
{
	int reached = STPLR_PRIORITY_NONE;

	for (;;) {
		rt_mutex_unlock(&thread->mutex);
		smp_mb(); /* pairs with stplr_thread_lock() */
		if (!READ_ONCE(thread->noted) || !rt_mutex_trylock(&thread->mutex))
			return reached;
		reached = max(reached, stplr_thread_update(thread));
	}
}

/* Notes that the thread is wanted at @priority, until it receives next; for the @raiser. */
void stplr_thread_want(struct stplr_thread *thread, int priority,
		       const struct stplr_channel *raiser)
{
	spin_lock(&thread->lock);
	thread->wanted = max(thread->wanted, priority);
	thread->raiser = raiser;
	WRITE_ONCE(thread->noted, true);
	stplr_thread_set_marked(thread, true);
	spin_unlock(&thread->lock);
}

/*
 * Does what was noted, or leaves it to who has the mutex; @left may be NULL. The priority that the
 * thread runs at, or is about to: whoever it waits for is worth that, too. STPLR_PRIORITY_NONE: it
 * has received meanwhile.
 */
int stplr_thread_do(struct stplr_thread *thread, bool *left)
{
	int reached = STPLR_PRIORITY_NONE;
	bool locked = stplr_thread_lock(thread);

	if (left)
		*left = !locked;
	if (locked) {
		reached = stplr_thread_update(thread);
		reached = max(reached, stplr_thread_unlock(thread));
	}
	/* somebody else has done it, or will */
	if (reached == STPLR_PRIORITY_NONE) {
		spin_lock(&thread->lock);
		reached = thread->wanted;
		spin_unlock(&thread->lock);
	}
	return reached;
}

static void stplr_thread_note_at(struct stplr_thread *thread, int priority)
{
	lockdep_assert_held(&thread->lock);
	thread->wanted = STPLR_PRIORITY_NONE;
	thread->at = priority;
	WRITE_ONCE(thread->settling, true);
	WRITE_ONCE(thread->noted, true);
}

/*
 * Notes that the thread runs at @priority from now on, whatever was wanted before; for the channel
 * @raiser. stplr_thread_do() follows, once no lock is held.
 */
void stplr_thread_note(struct stplr_thread *thread, int priority,
		       const struct stplr_channel *raiser)
{
	spin_lock(&thread->lock);
	stplr_thread_note_at(thread, priority);
	if (priority != STPLR_PRIORITY_NONE) {
		thread->raiser = raiser;
		stplr_thread_set_marked(thread, true);
	}
	spin_unlock(&thread->lock);
}

/*
 * Notes that the thread goes back to its own priority, if it was this channel that raised it last:
 * it may never receive again. True if so, and stplr_thread_do() follows.
 */
bool stplr_thread_note_end(struct stplr_thread *thread, const struct stplr_channel *raiser)
{
	bool raised;

	spin_lock(&thread->lock);
	raised = thread->marked && thread->raiser == raiser;
	if (raised) {
		thread->raiser = NULL;
		stplr_thread_note_at(thread, STPLR_PRIORITY_NONE);
	}
	spin_unlock(&thread->lock);
	return raised;
}
