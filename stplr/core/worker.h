/* SPDX-License-Identifier: GPL-2.0 */
/* A channel's workers: the threads that receive on it, and how they come to work at a priority. */
#ifndef STPLR_CORE_WORKER_H
#define STPLR_CORE_WORKER_H

#include <linux/list.h>
#include <linux/sched.h>
#include <linux/sched/prio.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "base/priority.h"
#include "core/channel.h"
#include "core/thread.h"

struct pid;
struct stplr_message;
struct stplr_process;

/**
 * struct stplr_worker - a thread that receives on a channel; under channel->lock
 * @node: in channel->workers
 * @pid: the thread
 * @thread: the same thread on whatever channels; holds a reference
 * @process: its process, which serves as long as it has workers; holds a reference
 * @prio: its normal_prio when it received last
 * @priority: a message worth more than this raises it: its own, or -1 if it is raised or to be, or
 *	INT_MAX if it cannot be
 * @absent: its process has closed the channel: it is not busy for it
 */
struct stplr_worker {
	struct hlist_node node;
	struct pid *pid;
	struct stplr_thread *thread;
	struct stplr_process *process;
	int prio;
	int priority;
	bool absent;
};

extern struct stplr_worker stplr_nobody;

struct stplr_worker *stplr_worker_find(struct stplr_channel *channel, const struct pid *pid);
struct stplr_worker *stplr_worker_enter_slow(struct stplr_channel *channel);
void stplr_worker_unlock_and_settle(struct stplr_channel *channel, struct stplr_worker *worker,
				    const struct stplr_message *message)
	__releases(&channel->lock);
bool stplr_worker_rest_slow(struct stplr_channel *channel, bool waits, bool *left);
void stplr_workers_limit(struct stplr_channel *channel);
void stplr_workers_init(struct stplr_channel *channel, const struct stplr_channel *parent);
void stplr_workers_free(struct stplr_channel *channel);

/*
 * The calling thread receives; called and left with the lock, which may be released meanwhile. The
 * worker is good as long as the thread lives.
 */
static inline struct stplr_worker *stplr_worker_enter(struct stplr_channel *channel)
{
	struct stplr_worker *worker = channel->last_worker;
	struct task_struct *self = current;

	lockdep_assert_held(&channel->lock);
	if (likely(worker->pid == task_pid(self) && worker->prio == self->normal_prio))
		return worker;
	return stplr_worker_enter_slow(channel);
}

/* Is the calling thread as it should be for such a message? */
static inline bool stplr_worker_settled(const struct stplr_worker *worker, int priority)
{
	return likely(priority <= worker->priority);
}

/* Is there a thread that is raised, or is to be? Who marked the caller did so under its lock. */
static inline bool stplr_marked(void)
{
	/* without volatile, it is one comparison with memory; the lock that is held orders it */
	return unlikely(data_race(stplr_nr_marked.counter));
}

/* The calling thread is about to wait. True if the lock was released; @left: it is not done yet. */
static inline bool stplr_worker_rest(struct stplr_channel *channel, bool *left)
{
	lockdep_assert_held(&channel->lock);
	return stplr_marked() && stplr_worker_rest_slow(channel, true, left);
}

/* The calling thread has received nothing that would lend it anything. */
static inline void stplr_worker_idle(struct stplr_channel *channel)
{
	bool left;

	if (!stplr_marked())
		return;
	spin_lock(&channel->lock);
	stplr_worker_rest_slow(channel, false, &left);
	spin_unlock(&channel->lock);
}

/* A message was queued: is the thread woken for it, or a busy one if there is none, worth less? */
static inline bool stplr_inverted(const struct stplr_channel *channel,
				  const struct task_struct *receiver, int priority)
{
	lockdep_assert_held(&channel->lock);
	if (likely(receiver))
		return unlikely(receiver->normal_prio > MAX_PRIO - 1 - priority ||
				receiver->policy == SCHED_IDLE);
	return unlikely(priority > channel->lowest);
}

/* What the channel passes on of a message's priority. */
static inline int stplr_lent(const struct stplr_channel *channel, int priority)
{
	return priority > STPLR_LENT_MAX ? STPLR_PRIORITY_NONE :
					       min(priority, channel->boost_max);
}

#endif /* STPLR_CORE_WORKER_H */
