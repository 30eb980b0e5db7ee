/* SPDX-License-Identifier: GPL-2.0 */
/* A channel's workers: the threads that receive on it. */
#ifndef STPLR_CORE_WORKER_H
#define STPLR_CORE_WORKER_H

#include <linux/list.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "base/spin.h"
#include "core/channel.h"
#include "core/loan.h"
#include "core/thread.h"

struct pid;
struct stplr_process;
struct stplr_receiver;

/**
 * struct stplr_worker - a thread that receives on a channel; under channel->lock
 * @node: in channel->workers
 * @task: the thread; only compared
 * @thread: the same on whatever channels, or NULL; holds a reference
 * @process: its process, which serves as long as it has workers; holds a reference
 * @receiver: while it waits, or was woken and has not looked yet
 * @nr_held: messages that it has received and that have not ended; it stays as long
 * @absent: its process has closed the channel: it is back when it receives again
 * @spin: of its looks for something to receive; its own
 * @share: what the queue lends it
 * @changed: in channel->changed: what its thread is wanted at has changed
 */
struct stplr_worker {
	struct hlist_node node;
	struct task_struct *task;
	struct stplr_thread *thread;
	struct stplr_process *process;
	struct stplr_receiver *receiver;
	unsigned int nr_held;
	bool absent;
	struct stplr_spin spin;
	struct stplr_loan share;
	struct list_head changed;
};

/* Stands for threads that cannot be workers; what is noted of it means nothing. */
extern struct stplr_worker stplr_nobody;

struct stplr_worker *stplr_worker_enter_slow(struct stplr_channel *channel);
struct task_struct *stplr_worker_last(struct stplr_channel *channel);
void stplr_workers_absent(struct stplr_channel *channel, const struct pid *tgid);
void stplr_workers_init(struct stplr_channel *channel, const struct stplr_channel *parent);
void stplr_workers_free(struct stplr_channel *channel);

/*
 * The calling thread receives; called and left with the lock, which may be released meanwhile. The
 * worker is good as long as the thread lives.
 */
static inline struct stplr_worker *stplr_worker_enter(struct stplr_channel *channel)
{
	struct stplr_worker *worker = channel->last_worker;

	lockdep_assert_held(&channel->lock);
	if (likely(worker->task == current))
		return worker;
	return stplr_worker_enter_slow(channel);
}

#endif /* STPLR_CORE_WORKER_H */
