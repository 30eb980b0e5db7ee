// SPDX-License-Identifier: GPL-2.0
/* A channel's workers: the threads that receive on it, and how they come to work at a priority. */

#include <linux/cred.h>
#include <linux/hash.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "base/quota.h"
#include "core/device.h"
#include "core/message.h"
#include "core/process.h"
#include "core/worker.h"

/* Threads that receive on one channel, beyond which further ones keep their priority. */
#define STPLR_WORKERS_MAX 1024

static u32 stplr_pid_key(const struct pid *pid)
{
	return hash_ptr(pid, 32);
}

/* Stands for the thread that was not seen yet, and for one that nobody raises. */
struct stplr_worker stplr_nobody = { .priority = INT_MAX };

struct stplr_worker *stplr_worker_find(struct stplr_channel *channel, const struct pid *pid)
{
	struct stplr_worker *worker;

	lockdep_assert_held(&channel->lock);
	if (channel->last_worker->pid == pid)
		return channel->last_worker;
	hash_for_each_possible(channel->workers, worker, node, stplr_pid_key(pid)) {
		if (worker->pid == pid)
			return worker;
	}
	return NULL;
}

/* Charged to the channel's user, also for its thread, which outlives none of its workers. */
#define STPLR_WORKER_BYTES (sizeof(struct stplr_worker) + sizeof(struct stplr_thread))

static void stplr_worker_free(struct stplr_channel *channel, struct stplr_worker *worker)
{
	stplr_process_put(worker->process);
	stplr_thread_put(worker->thread);
	kfree(worker);
	stplr_uncharge_memory(channel->user, STPLR_WORKER_BYTES);
}

static struct stplr_worker *stplr_worker_alloc(struct stplr_channel *channel)
{
	struct stplr_worker *worker;

	if (stplr_charge_memory(channel->user, STPLR_WORKER_BYTES))
		return NULL;
	worker = kzalloc(sizeof(*worker), GFP_KERNEL_ACCOUNT);
	if (!worker)
		goto uncharge;
	worker->process = stplr_process_get(channel->device);
	if (IS_ERR(worker->process))
		goto free_worker;
	WRITE_ONCE(worker->process->serves, true);
	worker->thread = stplr_thread_get();
	if (!worker->thread)
		goto put_process;
	worker->pid = worker->thread->pid;
	return worker;

put_process:
	stplr_process_put(worker->process);
free_worker:
	kfree(worker);
uncharge:
	stplr_uncharge_memory(channel->user, STPLR_WORKER_BYTES);
	return NULL;
}

/* Moves those whose threads are dead from the bucket that this one goes to. */
static void stplr_workers_prune(struct stplr_channel *channel, u32 key, struct hlist_head *dead)
{
	struct stplr_worker *worker;
	struct hlist_node *next;

	lockdep_assert_held(&channel->lock);
	hash_for_each_possible_safe(channel->workers, worker, next, node, key) {
		if (pid_has_task(worker->pid, PIDTYPE_PID))
			continue;
		if (channel->last_worker == worker)
			channel->last_worker = &stplr_nobody;
		hash_del(&worker->node);
		hlist_add_head(&worker->node, dead);
		channel->nr_workers--;
	}
}

/* Makes the calling thread a worker; NULL if it cannot be. The lock is released meanwhile. */
static struct stplr_worker *stplr_worker_join(struct stplr_channel *channel)
	__must_hold(&channel->lock)
{
	u32 key = stplr_pid_key(task_pid(current));
	struct stplr_worker *worker, *old;
	struct hlist_node *next;
	HLIST_HEAD(dead);

	stplr_workers_prune(channel, key, &dead);
	if (channel->nr_workers >= STPLR_WORKERS_MAX) {
		worker = NULL;
	} else {
		spin_unlock(&channel->lock);
		worker = stplr_worker_alloc(channel);
		spin_lock(&channel->lock);
	}
	if (worker) {
		hash_add(channel->workers, &worker->node, key);
		channel->nr_workers++;
	}
	if (!hlist_empty(&dead)) {
		spin_unlock(&channel->lock);
		hlist_for_each_entry_safe(old, next, &dead, node)
			stplr_worker_free(channel, old);
		spin_lock(&channel->lock);
	}
	return worker;
}

/*
 * Notes what the calling thread is worth by itself, which is what it runs at while nothing is lent
 * to it.
 */
static void stplr_worker_note(struct stplr_channel *channel, struct stplr_worker *worker)
{
	const struct stplr_thread *thread = worker->thread;
	int own = stplr_task_priority(current);

	smp_rmb(); /* pairs with stplr_thread_set(): what it is raised to, then its own */
	own = min(own, READ_ONCE(thread->own));
	lockdep_assert_held(&channel->lock);
	if (own >= channel->boost_max)
		own = INT_MAX;
	channel->lowest = min(channel->lowest, own);
	if (READ_ONCE(thread->marked)) {
		worker->priority = STPLR_PRIORITY_NONE;
	} else {
		worker->prio = current->normal_prio;
		worker->priority = own;
	}
}

/*
 * The calling thread receives, and is not the one that received last, or not as it was then. Called
 * and left with the lock, which may be released meanwhile.
 */
struct stplr_worker *stplr_worker_enter_slow(struct stplr_channel *channel)
{
	struct stplr_worker *worker = stplr_worker_find(channel, task_pid(current));

	if (unlikely(!worker))
		worker = stplr_worker_join(channel);
	if (unlikely(!worker))
		return &stplr_nobody;
	channel->last_worker = worker;
	worker->absent = false;
	stplr_worker_note(channel, worker);
	return worker;
}

/*
 * The calling thread receives the message, or nothing (NULL). What that is worth and, unless it
 * @waits, what is in the queue for nobody else, is what it runs at from now on, whatever was wanted
 * before. True if that is left to another thread.
 */
static bool stplr_worker_settle(struct stplr_channel *channel, struct stplr_worker *worker,
				const struct stplr_message *message, bool waits)
{
	int priority = STPLR_PRIORITY_NONE;
	bool left;

	spin_lock(&channel->lock);
	if (message)
		priority = stplr_lent(channel, message->entry.priority);
	if (!waits && channel->messages.first && hlist_empty(&channel->receivers))
		priority = max(priority, stplr_lent(channel, channel->messages.first->priority));
	if (channel->dead)
		priority = STPLR_PRIORITY_NONE;
	stplr_thread_note(worker->thread, priority, channel);
	spin_unlock(&channel->lock);

	/* A sender that wants more from here on sees to it. */
	stplr_thread_do(worker->thread, &left);

	spin_lock(&channel->lock);
	stplr_worker_note(channel, worker);
	spin_unlock(&channel->lock);
	return left;
}

/* The calling thread has taken the message from the queue, and is about to copy it. */
void stplr_worker_unlock_and_settle(struct stplr_channel *channel, struct stplr_worker *worker,
				    const struct stplr_message *message)
	__releases(&channel->lock)
{
	spin_unlock(&channel->lock);
	stplr_worker_settle(channel, worker, message, false);
}

/*
 * The calling thread is about to wait on the channel, or else leaves it with nothing, and some
 * thread is raised: if it is the one, it lowers itself. True if the lock was released for that.
 *
 * One that waits finds nothing it could take, but there may be messages that it does not wait for.
 * What is @left to another thread is not done yet.
 */
bool stplr_worker_rest_slow(struct stplr_channel *channel, bool waits, bool *left)
{
	struct stplr_worker *worker = stplr_worker_find(channel, task_pid(current));

	if (!worker || !READ_ONCE(worker->thread->marked))
		return false;
	spin_unlock(&channel->lock);
	*left = stplr_worker_settle(channel, worker, NULL, waits);
	spin_lock(&channel->lock);
	return true;
}

/* A channel's life */

/* How far a channel that the calling process makes may raise its threads. */
static int stplr_boost_max(u32 flags)
{
	if (flags & STPLR_CHANNEL_FIXED_PRIORITY)
		return STPLR_PRIORITY_NONE;
	/* A real-time thread in a group that has no real-time budget would never run. */
	if (IS_ENABLED(CONFIG_RT_GROUP_SCHED))
		return STPLR_PRIORITY_RT - 1;
	if (flags & STPLR_CHANNEL_INHERIT)
		return STPLR_LENT_MAX;
	return min(stplr_priority_allowed(), STPLR_LENT_MAX);
}

/* With the flags there. */
void stplr_workers_limit(struct stplr_channel *channel)
{
	channel->boost_max = stplr_boost_max(channel->flags);
}

/* A channel that @parent hands out raises as far as that one. */
void stplr_workers_init(struct stplr_channel *channel, const struct stplr_channel *parent)
{
	channel->boost_max = parent ? parent->boost_max : STPLR_PRIORITY_NONE;
	channel->lowest = INT_MAX;
	channel->last_worker = &stplr_nobody;
	hash_init(channel->workers);
}

void stplr_workers_free(struct stplr_channel *channel)
{
	struct stplr_worker *worker;
	struct hlist_node *next;
	int bucket;

	hash_for_each_safe(channel->workers, bucket, next, worker, node)
		stplr_worker_free(channel, worker);
}
