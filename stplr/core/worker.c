// SPDX-License-Identifier: GPL-2.0
/* A channel's workers: the threads that receive on it. */

#include <linux/err.h>
#include <linux/hash.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "base/quota.h"
#include "core/device.h"
#include "core/process.h"
#include "core/worker.h"

/* Threads that receive on one channel, beyond which further ones keep their priority. */
#define STPLR_WORKERS_MAX 1024

struct stplr_worker stplr_nobody;

static u32 stplr_worker_key(const struct task_struct *task)
{
	return hash_ptr(task, 32);
}

static struct stplr_worker *stplr_worker_find(struct stplr_channel *channel)
{
	struct stplr_worker *worker;

	lockdep_assert_held(&channel->lock);
	hash_for_each_possible(channel->workers, worker, node, stplr_worker_key(current)) {
		if (worker->task == current)
			return worker;
	}
	return NULL;
}

static void stplr_worker_free(struct stplr_channel *channel, struct stplr_worker *worker)
{
	WARN_ON(worker->nr_held || worker->share.value || !list_empty(&worker->changed));
	stplr_process_put(worker->process);
	stplr_thread_put(worker->thread);
	kfree(worker);
	stplr_uncharge_memory(channel->user, sizeof(*worker));
}

static struct stplr_worker *stplr_worker_alloc(struct stplr_channel *channel)
{
	struct stplr_worker *worker;

	if (stplr_charge_memory(channel->user, sizeof(*worker)))
		return NULL;
	worker = kzalloc(sizeof(*worker), GFP_KERNEL_ACCOUNT);
	if (!worker)
		goto uncharge;
	worker->process = stplr_process_get(channel->device);
	if (IS_ERR(worker->process))
		goto free_worker;
	WRITE_ONCE(worker->process->serves, true);
	worker->thread = stplr_thread_get(channel->user);
	if (!worker->thread)
		goto put_process;
	worker->task = current;
	INIT_LIST_HEAD(&worker->changed);
	return worker;

put_process:
	stplr_process_put(worker->process);
free_worker:
	kfree(worker);
uncharge:
	stplr_uncharge_memory(channel->user, sizeof(*worker));
	return NULL;
}

/* Moves those whose threads are dead from the bucket that this one goes to. */
static void stplr_workers_prune(struct stplr_channel *channel, u32 key, struct hlist_head *dead)
{
	struct stplr_worker *worker;
	struct hlist_node *next;

	lockdep_assert_held(&channel->lock);
	hash_for_each_possible_safe(channel->workers, worker, next, node, key) {
		if (pid_alive(worker->task) || worker->nr_held || worker->share.value ||
		    !list_empty(&worker->changed))
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
	u32 key = stplr_worker_key(current);
	struct stplr_worker *worker, *old;
	struct hlist_node *next;
	HLIST_HEAD(dead);

	stplr_workers_prune(channel, key, &dead);
	if (channel->nr_workers >= STPLR_WORKERS_MAX) {
		worker = NULL;
	} else {
		channel->nr_workers++;
		spin_unlock(&channel->lock);
		worker = stplr_worker_alloc(channel);
		spin_lock(&channel->lock);
		if (worker)
			hash_add(channel->workers, &worker->node, key);
		else
			channel->nr_workers--;
	}
	if (!hlist_empty(&dead)) {
		spin_unlock(&channel->lock);
		hlist_for_each_entry_safe(old, next, &dead, node)
			stplr_worker_free(channel, old);
		spin_lock(&channel->lock);
	}
	return worker;
}

/* The calling thread receives, and is not the one that received last. */
struct stplr_worker *stplr_worker_enter_slow(struct stplr_channel *channel)
{
	struct stplr_worker *worker = stplr_worker_find(channel);

	if (unlikely(!worker))
		worker = stplr_worker_join(channel);
	if (unlikely(!worker))
		return &stplr_nobody;
	worker->absent = false;
	channel->last_worker = worker;
	return worker;
}

/* The thread that received last, with a reference, or NULL. */
struct task_struct *stplr_worker_last(struct stplr_channel *channel)
{
	struct task_struct *task = channel->last_worker->task;

	lockdep_assert_held(&channel->lock);
	return task ? get_task_struct(task) : NULL;
}

/* The process has closed the channel: its threads may never receive again. */
void stplr_workers_absent(struct stplr_channel *channel, const struct pid *tgid)
{
	struct stplr_worker *worker;
	int bucket;

	lockdep_assert_held(&channel->lock);
	channel->last_worker = &stplr_nobody;
	hash_for_each(channel->workers, bucket, worker, node) {
		if (worker->process->pid == tgid)
			worker->absent = true;
	}
}

void stplr_workers_init(struct stplr_channel *channel, const struct stplr_channel *parent)
{
	channel->lent_max = parent ? parent->lent_max : 0;
	channel->last_worker = &stplr_nobody;
	INIT_LIST_HEAD(&channel->changed);
	INIT_LIST_HEAD(&channel->left_link);
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
