/* SPDX-License-Identifier: GPL-2.0 */
/* What thread.c, worker.c and priority.c share; see the latter for what it is about. */
#ifndef STPLR_PRIORITY_H
#define STPLR_PRIORITY_H

#include <linux/hash.h>
#include <linux/rhashtable.h>
#include <linux/rtmutex.h>

#include "stplr.h"

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

/* thread.c */

struct stplr_thread *stplr_thread_find(const struct pid *pid);
struct stplr_thread *stplr_thread_get(void);
void stplr_thread_put(struct stplr_thread *thread);
void stplr_thread_want(struct stplr_thread *thread, int priority,
		       const struct stplr_channel *raiser);
int stplr_thread_do(struct stplr_thread *thread, bool *left);
void stplr_thread_note(struct stplr_thread *thread, int priority,
		       const struct stplr_channel *raiser);
bool stplr_thread_note_end(struct stplr_thread *thread, const struct stplr_channel *raiser);

/* priority.c */

void stplr_raise_from(struct stplr_thread *thread, int priority);

/* worker.c */

struct stplr_worker *stplr_worker_find(struct stplr_channel *channel, const struct pid *pid);

static inline u32 stplr_pid_key(const struct pid *pid)
{
	return hash_ptr(pid, 32);
}

/* What the channel passes on of a message's priority. */
static inline int stplr_lent(const struct stplr_channel *channel, int priority)
{
	return priority > STPLR_LENT_MAX ? STPLR_PRIORITY_NONE :
					       min(priority, channel->boost_max);
}

#endif /* STPLR_PRIORITY_H */
