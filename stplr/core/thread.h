/* SPDX-License-Identifier: GPL-2.0 */
/* Threads that receive, on whatever channels: what they are lent. */
#ifndef STPLR_CORE_THREAD_H
#define STPLR_CORE_THREAD_H

#include <linux/atomic.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/rtmutex.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "base/priority.h"

struct pid;
struct stplr_channel;
struct stplr_device;

/**
 * struct stplr_thread - a thread that receives, on whatever channels
 * @node: in stplr_threads
 * @rcu: it is looked up without a lock
 * @ref: one for each of its workers, and whoever looks it up
 * @pid: the thread; holds a reference
 * @mutex: taken to change how it is scheduled; guards the next six
 * @task: the task it was then; only compared, for by execve(2) another thread may get the pid
 * @raised: it runs with @lent
 * @level: the priority lent
 * @own: its own priority while it is raised, else INT_MAX; read without the mutex, as a hint
 * @base: what to go back to
 * @lent: what was set
 * @lock: guards what follows; taken under a channel's lock
 * @noted: there is something to be done that nobody has begun; read without the lock, too
 * @settling: it is about to run at @at: what it runs at does not count
 * @at: a priority, or STPLR_PRIORITY_NONE for its own
 * @wanted: to be raised to this, unless it receives before; or STPLR_PRIORITY_NONE
 * @marked: raised, or about to be; counted in stplr_nr_marked
 * @raiser: the channel by which it was marked last; only compared
 * @device: where it sent last, if its process serves there
 * @coid: over which connection; it may be through, and the connection gone
 */
struct stplr_thread {
	struct rhash_head node;
	struct rcu_head rcu;
	refcount_t ref;
	struct pid *pid;

	struct rt_mutex mutex;
	const struct task_struct *task;
	bool raised;
	int level;
	int own;
	struct stplr_sched base;
	struct stplr_sched lent;

	spinlock_t lock; /* guards what follows */
	bool noted;
	bool settling;
	int at;
	int wanted;
	bool marked;
	const struct stplr_channel *raiser;
	struct stplr_device *device;
	u32 coid;
};

extern atomic_t stplr_nr_marked;

int stplr_threads_init(void);
void stplr_threads_exit(void);
struct stplr_thread *stplr_thread_find(const struct pid *pid);
struct stplr_thread *stplr_thread_get(void);
void stplr_thread_put(struct stplr_thread *thread);
void stplr_thread_want(struct stplr_thread *thread, int priority,
		       const struct stplr_channel *raiser);
int stplr_thread_do(struct stplr_thread *thread, bool *left);
void stplr_thread_note(struct stplr_thread *thread, int priority,
		       const struct stplr_channel *raiser);
bool stplr_thread_note_end(struct stplr_thread *thread, const struct stplr_channel *raiser);

#endif /* STPLR_CORE_THREAD_H */
