/* SPDX-License-Identifier: GPL-2.0 */
/* Threads that receive, on whatever channels: what they are lent. */
#ifndef STPLR_CORE_THREAD_H
#define STPLR_CORE_THREAD_H

#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/rtmutex.h>
#include <linux/sched.h>
#include <linux/sched/prio.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "base/priority.h"
#include "core/loan.h"

struct stplr_message;
struct stplr_user;

/**
 * struct stplr_thread - a thread that receives, on whatever channels
 * @node: in stplr_threads
 * @rcu: it is looked up without a lock
 * @ref: one for each of its workers, and whoever looks it up
 * @task: itself; holds a reference
 * @payer: who is charged for that and this: the user of the channel where it received first
 * @mutex: taken to change how it is scheduled; guards the next five
 * @raised: it runs with @lent
 * @allowed: the real-time priority that it could have taken by itself when it was raised
 * @slack: its timers' slack then
 * @base: what to go back to
 * @lent: what was set
 * @depth: of a message that it sends; changed under @mutex
 * @done: the loan that was carried out last; likewise
 * @lock: guards what follows; taken under a channel's lock
 * @itself: it has no loans, and is not raised
 * @loans: the best first
 * @wanted: the value of the first; read without the lock, too
 * @blocked: the message that it waits for as a client, or NULL
 */
struct stplr_thread {
	struct rhash_head node;
	struct rcu_head rcu;
	refcount_t ref;
	struct task_struct *task;
	struct stplr_user *payer;

	struct rt_mutex mutex;
	bool raised;
	int allowed;
	u64 slack;
	struct stplr_sched base;
	struct stplr_sched lent;
	unsigned int depth;
	int done;

	spinlock_t lock; /* guards what follows */
	bool itself;
	struct rb_root_cached loans;
	int wanted;
	struct stplr_message *blocked;
};

int stplr_threads_init(void);
void stplr_threads_exit(void);
struct stplr_thread *stplr_thread_find(struct task_struct *task);
struct stplr_thread *stplr_thread_get(struct stplr_user *payer);
void stplr_thread_put(struct stplr_thread *thread);
bool stplr_thread_lend(struct stplr_thread *thread, struct stplr_loan *loan, int value);
bool stplr_thread_settle(struct stplr_thread *thread);

#endif /* STPLR_CORE_THREAD_H */
