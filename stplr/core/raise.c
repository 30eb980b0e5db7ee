// SPDX-License-Identifier: GPL-2.0
/*
 * Priority inheritance: a thread that keeps a real-time client waiting runs at that one's priority.
 *
 * What a thread runs at is the highest of its own priority and its *loans*. There are two kinds:
 *
 *  - a message lends to the thread that has received it, until it ends, whoever ends it;
 *  - a queue lends what its first message would, to the threads that are to take that: those that
 *    were woken and are on their way, or, if there are none, all workers that are busy. A worker is
 *    a thread that has received on the channel; it is busy unless it waits there.
 *
 * A message lends as long as its client waits for it, up to what the channel's creator could take
 * itself or, with STPLR_CONNECT_LEND, as much as there is. A client that is itself a worker waits
 * at what it is lent, and so a loan goes on from one thread to the next. What it is worth does not
 * depend on what happened before: stplr_message_lend() and stplr_queue_lend() compute it from what
 * there is, stplr_thread_settle() carries it out. They are called
 *
 *	for a message	when it is taken, given back, parked, resumed, or ends
 *	for a queue	before the lock is released under which it, or who waits for it, changed
 *	for both	when a thread is raised or lowered that is blocked on them: stplr_follow()
 *
 * Each under channel->lock; workers whose thread is to be told go on channel->changed, and who has
 * put them there empties that list once the lock is released. Without real-time clients nothing of
 * this is looked at: channel->lending is 0.
 *
 * Bounds: of a queue, STPLR_LOOK_FIRST messages are looked at, and STPLR_SHARES_MAX busy workers
 * are lent to. A loan goes through STPLR_CHAIN_MAX clients: each counts one to its depth, and so
 * threads that wait for each other in a circle do not keep a loan going that nobody gives any more.
 * Who changes loans settles STPLR_SETTLE_MAX threads, and leaves the rest, if there is one, to a
 * kernel thread. Followed are a raised thread's messages, and those of processes that serve on the
 * device, over connections that their own process made.
 *
 * Lending is sched_setattr(): it sleeps, so that threads in a call do it, with no spinlock held. A
 * thread in SCHED_OTHER, _BATCH or _IDLE is put into SCHED_FIFO. SCHED_DEADLINE is neither lent nor
 * overridden. A child that is forked meanwhile starts in SCHED_OTHER with nice 0
 * (SCHED_FLAG_RESET_ON_FORK).
 */

#include <linux/sched/task.h>
#include <linux/workqueue.h>

#include "base/late.h"
#include "core/connection.h"
#include "core/messages.h"
#include "core/object.h"
#include "core/raise.h"
#include "core/receiver.h"

/* Messages of a queue that are looked at for the first that lends. */
#define STPLR_LOOK_FIRST 16

/* Threads that a queue lends to. */
#define STPLR_SHARES_MAX 32

/* Threads that are settled at once. */
#define STPLR_SETTLE_MAX 64

/* What loans are worth */

/* What the message lends to who has it, or is to take it. */
static int stplr_message_value(const struct stplr_message *message)
{
	const struct stplr_connection *connection = message->connection;
	const struct stplr_channel *channel = connection->channel;
	int level = message->entry.priority - STPLR_PRIORITY_RT;

	/* A real-time thread in a group that has no real-time budget would never run. */
	if (IS_ENABLED(CONFIG_RT_GROUP_SCHED) || channel->flags & STPLR_CHANNEL_FIXED_PRIORITY)
		return 0;
	if (!message->client || channel->dead || level >= MAX_RT_PRIO)
		return 0;
	return stplr_loan_value(connection->lends ? level : min(level, channel->lent_max),
				message->depth);
}

void stplr_loan_change(struct stplr_channel *channel, struct stplr_worker *worker,
		       struct stplr_loan *loan, int value)
{
	lockdep_assert_held(&channel->lock);
	if (loan->value == value)
		return;
	if (stplr_thread_lend(worker->thread, loan, value) && list_empty(&worker->changed)) {
		list_add_tail(&worker->changed, &channel->changed);
		channel->lending++;
	}
}

/* The message is in a worker's hands, and lends what it is worth now. */
void stplr_message_lend(struct stplr_message *message)
{
	if (message->worker && message->worker->thread)
		stplr_loan_change(message->connection->channel, message->worker, &message->loan,
				  stplr_message_value(message));
}

static int stplr_queue_value(const struct stplr_channel *channel)
{
	struct stplr_entry *entry = channel->messages.first;
	int value = 0, i;

	for (i = 0; entry && !value && i < STPLR_LOOK_FIRST; i++) {
		value = stplr_message_value(stplr_entry_message(entry));
		entry = stplr_queue_next(&channel->messages, entry);
	}
	return value;
}

/* Is the thread to take the first message? */
static bool stplr_worker_takes(const struct stplr_channel *channel,
			       const struct stplr_worker *worker)
{
	if (worker->receiver)
		return worker->receiver->for_message;
	return !channel->nr_coming && !worker->absent && pid_alive(worker->task);
}

/* Has the queue lend to each worker what it should. */
static void stplr_queue_lend(struct stplr_channel *channel)
{
	int value = stplr_queue_value(channel), share, bucket;
	struct stplr_worker *worker;
	unsigned int nr = 0;

	hash_for_each(channel->workers, bucket, worker, node) {
		share = nr < STPLR_SHARES_MAX && stplr_worker_takes(channel, worker) ? value : 0;
		channel->lending -= !!worker->share.value;
		stplr_loan_change(channel, worker, &worker->share, share);
		channel->lending += !!worker->share.value;
		nr += !!worker->share.value;
	}
}

/* The rest of stplr_loans_changed(). */
bool stplr_loans_changed_slow(struct stplr_channel *channel)
{
	stplr_queue_lend(channel);
	return !list_empty(&channel->changed);
}

/* The process has no descriptor of the channel any more. */
void stplr_workers_leave(struct stplr_channel *channel, const struct pid *tgid)
{
	spin_lock(&channel->lock);
	stplr_workers_absent(channel, tgid);
	stplr_unlock_and_settle(channel);
}

/* Clients that are workers themselves */

/*
 * The calling thread is about to wait for the message. If it is a worker it is returned, with a
 * reference, and found by who raises it.
 */
struct stplr_thread *stplr_sender_blocks(struct stplr_message *message)
{
	struct stplr_thread *thread = stplr_thread_find(current);

	if (!thread)
		return NULL;
	message->sender = thread;
	spin_lock(&thread->lock);
	thread->blocked = message;
	spin_unlock(&thread->lock);
	return thread;
}

/* It does not wait any more; while the message is still its own. */
void stplr_sender_leaves(struct stplr_message *message)
{
	struct stplr_thread *thread = message->sender;

	spin_lock(&thread->lock);
	thread->blocked = NULL;
	spin_unlock(&thread->lock);
	message->sender = NULL;
	message->depth = 0;
}

/* The end of its call; it may have @left the message before. */
void stplr_sender_put(struct stplr_message *message, struct stplr_thread *sender, bool left)
{
	if (!left)
		stplr_sender_leaves(message);
	stplr_thread_put(sender);
}

/*
 * What the message of a thread is worth now. Who raises the thread does so first, and then looks
 * whether it is blocked: either it is by then, or what it was raised to is seen here.
 */
void stplr_message_worth(struct stplr_message *message, const struct stplr_thread *sender)
{
	struct stplr_channel *channel = message->connection->channel;
	int priority = stplr_priority_of(sender->task);

	lockdep_assert_held(&channel->lock);
	message->depth = READ_ONCE(sender->depth);
	if (message->state == STPLR_QUEUED && message->entry.priority != priority) {
		stplr_message_dequeue(channel, message);
		message->entry.priority = priority;
		stplr_message_enqueue(channel, message);
	} else {
		message->entry.priority = priority;
	}
	stplr_message_lend(message);
}

/* The calling thread waits again for a message that it had left to the server. */
struct stplr_thread *stplr_message_resumed(struct stplr_message *message)
{
	struct stplr_channel *channel = message->connection->channel;
	struct stplr_thread *thread = stplr_sender_blocks(message);

	spin_lock(&channel->lock);
	if (thread)
		stplr_message_worth(message, thread);
	else
		stplr_message_lend(message);
	stplr_unlock_and_settle(channel);
	return thread;
}

/* The thread was raised or lowered: so is what it waits for. The channel, if that changes loans. */
static struct stplr_channel *stplr_follow(struct stplr_thread *thread)
{
	struct stplr_connection *connection;
	struct stplr_message *message;
	struct stplr_channel *channel;
	bool blocked;

	spin_lock(&thread->lock);
	message = thread->blocked;
	connection = message ? message->connection : NULL;
	if (connection)
		kref_get(&connection->ref);
	spin_unlock(&thread->lock);
	if (!connection)
		return NULL;

	channel = connection->channel;
	spin_lock(&channel->lock);
	/*
	 * A thread is unblocked before its message goes; from then on that is DONE or withdrawn.
	 * Another message may be at its address by now, of a channel whose lock is not held.
	 */
	spin_lock(&thread->lock);
	blocked = thread->blocked == message && message->connection == connection;
	spin_unlock(&thread->lock);
	if (blocked && message->state != STPLR_DONE)
		stplr_message_worth(message, thread);
	blocked = stplr_loans_changed(channel);
	if (blocked)
		kref_get(&channel->ref);
	spin_unlock(&channel->lock);
	stplr_connection_put_late(connection);
	return blocked ? channel : NULL;
}

/* Carrying it out */

/* A thread that is wanted at something else, with a reference, or NULL; are there @more? */
static struct stplr_thread *stplr_changed_pop(struct stplr_channel *channel, bool *more)
{
	struct stplr_thread *thread = NULL;
	struct stplr_worker *worker;

	spin_lock(&channel->lock);
	worker = list_first_entry_or_null(&channel->changed, struct stplr_worker, changed);
	if (worker) {
		list_del_init(&worker->changed);
		channel->lending--;
		thread = worker->thread;
		refcount_inc(&thread->ref);
	}
	*more = !list_empty(&channel->changed);
	spin_unlock(&channel->lock);
	return thread;
}

/* Channels whose changed threads are left to a kernel thread, with a reference each. */
static LIST_HEAD(stplr_left);
static DEFINE_SPINLOCK(stplr_left_lock);

static void stplr_left_work_fn(struct work_struct *work)
{
	struct stplr_channel *channel;

	for (;;) {
		spin_lock(&stplr_left_lock);
		channel = list_first_entry_or_null(&stplr_left, struct stplr_channel, left_link);
		if (channel)
			list_del_init(&channel->left_link);
		spin_unlock(&stplr_left_lock);
		if (!channel)
			return;
		stplr_settle(channel);
		stplr_channel_put(channel);
		cond_resched();
	}
}

static DECLARE_WORK(stplr_left_work, stplr_left_work_fn);

/* With the caller's reference. */
static void stplr_settle_later(struct stplr_channel *channel)
{
	bool known;

	spin_lock(&stplr_left_lock);
	known = !list_empty(&channel->left_link);
	if (!known)
		list_add_tail(&channel->left_link, &stplr_left);
	spin_unlock(&stplr_left_lock);
	if (known)
		stplr_channel_put(channel);
	else
		stplr_queue_late(&stplr_left_work);
}

/*
 * With no lock held: settles the threads on channel->changed, and those that they wait for, on
 * other channels. Those that are not through are on a stack, of which a chain takes one place.
 */
void stplr_settle(struct stplr_channel *channel)
{
	struct stplr_channel *stack[STPLR_CHAIN_MAX], *next;
	unsigned int depth = 0, settled = 0;
	struct stplr_thread *thread;
	bool more;

	kref_get(&channel->ref);
	stack[depth++] = channel;
	while (depth) {
		channel = stack[--depth];
		next = NULL;
		thread = stplr_changed_pop(channel, &more);
		if (thread) {
			if (stplr_thread_settle(thread))
				next = stplr_follow(thread);
			stplr_thread_put(thread);
		}
		if (more)
			stack[depth++] = channel;
		else
			stplr_channel_put(channel);
		if (next && depth < ARRAY_SIZE(stack))
			stack[depth++] = next;
		else if (next)
			stplr_settle_later(next);
		if (++settled == STPLR_SETTLE_MAX) {
			while (depth)
				stplr_settle_later(stack[--depth]);
		}
	}
}
