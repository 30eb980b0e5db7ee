// SPDX-License-Identifier: GPL-2.0
/*
 * Priority inheritance: while a thread works on a message it runs at the higher of its own and the
 * sender's priority.
 *
 * A thread that receives on a channel is one of the channel's *workers*, until it dies. One that
 * does not wait there is taken to be busy for the channel. It is raised
 *
 *  - by a sender whose message it is woken for, before it is woken;
 *  - by a sender that finds no thread waiting: all busy ones of a lower priority are;
 *  - by itself, if it has taken a message that is worth more than it, and nobody raised it;
 *
 * and it lowers itself when it takes the next message, to what that one is worth, or waits for one.
 * If its channel ends, or its process closes the channel, it is lowered by whoever does that. A
 * thread that answers and never receives again stays raised until then, as in QNX.
 *
 * A raised thread may itself be a client, blocked on another channel. Then its message there moves
 * up, and the thread that works on it, or those that are busy, are raised too, and so on: up to
 * STPLR_RAISE_MAX threads for one message, one lock at a time. Followed are threads of processes
 * that serve on the device, over connections that their own process made on this device: not those
 * inherited by fork(2) or SCM_RIGHTS.
 *
 * Lending is the scheduler's sched_setattr(): a worker in SCHED_OTHER, _BATCH or _IDLE is put into
 * SCHED_FIFO for a message that a real-time thread sent, else its nice value changes.
 * SCHED_DEADLINE is neither lent nor overridden. It sleeps, so threads in a call do it, with no
 * spinlock held. A child forked meanwhile does not inherit what was lent, as far as Linux can do
 * that: it starts in SCHED_OTHER with nice 0 (SCHED_FLAG_RESET_ON_FORK), unless the thread was lent
 * no more than a positive nice value.
 */

#include <linux/rcupdate.h>
#include <linux/xarray.h>

#include "base/priority.h"
#include "core/connection.h"
#include "core/device.h"
#include "core/messages.h"
#include "core/object.h"
#include "core/process.h"
#include "core/raise.h"
#include "core/receiver.h"
#include "core/worker.h"

/* Threads that one message raises, those of its chain included. */
#define STPLR_RAISE_MAX 32

/**
 * struct stplr_raise - threads to be raised once no lock is held
 * @count: how many
 * @threads: with a reference each
 */
struct stplr_raise {
	unsigned int count;
	struct stplr_thread *threads[STPLR_RAISE_MAX];
};

static bool stplr_worker_waits(struct stplr_channel *channel, const struct stplr_worker *worker)
{
	struct stplr_receiver *receiver;

	lockdep_assert_held(&channel->lock);
	hlist_for_each_entry(receiver, &channel->receivers, link) {
		if (task_pid(receiver->task) == worker->pid)
			return true;
	}
	hlist_for_each_entry(receiver, &channel->pulse_receivers, link) {
		if (task_pid(receiver->task) == worker->pid)
			return true;
	}
	return false;
}

/* Notes a worker to be raised, if it is worth less than @priority; what it is worth by itself. */
static int stplr_raise_add(struct stplr_raise *raise, struct stplr_channel *channel,
			   struct stplr_worker *worker, int priority)
{
	struct stplr_thread *thread = worker->thread;
	struct task_struct *task;
	bool settling;
	unsigned int i;
	int present;

	lockdep_assert_held(&channel->lock);
	/* pairs with stplr_thread_update(): first that it settles, then what it runs at */
	settling = smp_load_acquire(&thread->settling);
	rcu_read_lock();
	task = pid_task(worker->pid, PIDTYPE_PID);
	present = task ? stplr_task_priority(task) : INT_MAX;
	rcu_read_unlock();
	smp_rmb(); /* pairs with stplr_thread_set(): what it is raised to, then its own */
	if (present >= priority && !settling)
		goto out;
	if (channel->dead || stplr_worker_waits(channel, worker))
		goto out;
	for (i = 0; i < raise->count; i++) {
		if (raise->threads[i] == thread)
			goto out;
	}
	if (raise->count == STPLR_RAISE_MAX)
		goto out;

	refcount_inc(&thread->ref);
	raise->threads[raise->count++] = thread;
	worker->priority = STPLR_PRIORITY_NONE;
	stplr_thread_want(thread, priority, channel);
out:
	return min(present, READ_ONCE(thread->own));
}

/* Notes all workers that are busy and worth less than @priority, and what the lowest is worth. */
static void stplr_raise_busy(struct stplr_raise *raise, struct stplr_channel *channel, int priority)
{
	struct stplr_worker *worker;
	int bucket, own;

	lockdep_assert_held(&channel->lock);
	channel->lowest = INT_MAX;
	hash_for_each(channel->workers, bucket, worker, node) {
		if (worker->absent)
			continue;
		own = stplr_raise_add(raise, channel, worker, priority);
		if (own < channel->boost_max)
			channel->lowest = min(channel->lowest, own);
	}
}

/* The message that the thread is blocked on, over the connection; or NULL. */
static struct stplr_message *stplr_blocked_message(struct stplr_connection *connection,
						   const struct pid *pid)
{
	struct stplr_message *message = &connection->own;

	lockdep_assert_held(&connection->channel->lock);
	if (message->state != STPLR_DONE && message->client && task_pid(message->client) == pid)
		return message;
	list_for_each_entry(message, &connection->messages, link) {
		if (message->state != STPLR_DONE && message->client &&
		    task_pid(message->client) == pid)
			return message;
	}
	return NULL;
}

/* The client of a message is worth more now: so is whoever keeps it waiting. */
static void stplr_raise_message(struct stplr_raise *raise, struct stplr_channel *channel,
				struct stplr_message *message, int priority)
{
	struct stplr_worker *worker;
	int bucket;

	lockdep_assert_held(&channel->lock);
	switch (message->state) {
	case STPLR_QUEUED:
		if (priority > message->entry.priority) {
			stplr_message_dequeue(channel, message);
			message->entry.priority = priority;
			stplr_message_enqueue(channel, message);
		}
		stplr_raise_busy(raise, channel, stplr_lent(channel, priority));
		break;
	case STPLR_RECEIVING:
		message->entry.priority = max(message->entry.priority, priority);
		fallthrough;
	case STPLR_RECEIVED:
	case STPLR_REPLYING:
		hash_for_each(channel->workers, bucket, worker, node) {
			if (worker == message->worker)
				stplr_raise_add(raise, channel, worker,
						stplr_lent(channel, priority));
		}
		break;
	default:
		break;
	}
}

/* A thread runs at @priority now: if it is blocked on another channel, that channel's do, too. */
static void stplr_raise_follow(struct stplr_raise *raise, struct stplr_thread *thread, int priority)
{
	struct stplr_connection *connection;
	struct stplr_message *message;
	struct stplr_device *device;
	u32 coid;

	spin_lock(&thread->lock);
	device = thread->device;
	coid = thread->coid;
	spin_unlock(&thread->lock);
	if (!device)
		return;

	/* it leaves the array, under its lock, before it is freed */
	xa_lock(&device->connections);
	connection = xa_load(&device->connections, coid);
	if (connection && !kref_get_unless_zero(&connection->ref))
		connection = NULL;
	xa_unlock(&device->connections);
	if (!connection)
		return;

	spin_lock(&connection->channel->lock);
	message = stplr_blocked_message(connection, thread->pid);
	if (message)
		stplr_raise_message(raise, connection->channel, message, priority);
	spin_unlock(&connection->channel->lock);
	stplr_connection_put(connection);
}

/* With no lock held: raises what was noted, and what the raised threads wait for. */
static void stplr_raise_all(struct stplr_raise *raise)
{
	unsigned int i;

	for (i = 0; i < raise->count; i++) {
		struct stplr_thread *thread = raise->threads[i];
		int reached = stplr_thread_do(thread, NULL);

		if (reached != STPLR_PRIORITY_NONE)
			stplr_raise_follow(raise, thread, reached);
	}
	while (raise->count)
		stplr_thread_put(raise->threads[--raise->count]);
}

/* The thread runs at @priority now; with no lock held. */
static void stplr_raise_from(struct stplr_thread *thread, int priority)
{
	struct stplr_raise raise;

	if (priority == STPLR_PRIORITY_NONE)
		return;
	raise.count = 0;
	stplr_raise_follow(&raise, thread, priority);
	stplr_raise_all(&raise);
}

/*
 * A message worth @priority was queued: raises the thread that is to be woken for it, or, if there
 * is none, all that are busy.
 */
void stplr_unlock_and_raise(struct stplr_channel *channel, struct task_struct *receiver,
			    int priority)
	__releases(&channel->lock)
{
	struct stplr_worker *worker;
	struct stplr_raise raise;

	lockdep_assert_held(&channel->lock);
	raise.count = 0;
	priority = stplr_lent(channel, priority);
	if (!receiver) {
		stplr_raise_busy(&raise, channel, priority);
	} else {
		worker = stplr_worker_find(channel, task_pid(receiver));
		if (worker)
			stplr_raise_add(&raise, channel, worker, priority);
	}
	spin_unlock(&channel->lock);
	stplr_raise_all(&raise);
}

/* Who was to take the queue's first message may not: others may have to be raised for it. */
void stplr_raise_again(struct stplr_channel *channel)
{
	spin_lock(&channel->lock);
	if (channel->messages.first && channel->messages.first->priority > channel->lowest)
		stplr_unlock_and_raise(channel, NULL, channel->messages.first->priority);
	else
		spin_unlock(&channel->lock);
}

/*
 * The calling thread, whose process serves on the device, waits again for a message that it had
 * left to the server: meanwhile it may have been raised.
 */
void stplr_raise_resumed(struct stplr_message *message)
{
	struct stplr_channel *channel = message->connection->channel;
	struct stplr_raise raise;

	raise.count = 0;
	spin_lock(&channel->lock);
	stplr_raise_message(&raise, channel, message, stplr_priority_of(current));
	spin_unlock(&channel->lock);
	stplr_raise_all(&raise);
}

/* The calling thread, whose process serves on the device, sends on the connection. */
void stplr_thread_block(const struct stplr_connection *connection)
{
	struct stplr_thread *thread = stplr_thread_find(task_pid(current));

	if (!thread)
		return;
	spin_lock(&thread->lock);
	thread->device = connection->channel->device;
	thread->coid = connection->coid;
	spin_unlock(&thread->lock);
	stplr_thread_put(thread);
}

/* One that the channel has raised, with a reference; of this process, if one is given. */
static struct stplr_thread *stplr_workers_raised(struct stplr_channel *channel,
						 const struct pid *tgid)
{
	struct stplr_worker *worker;
	int bucket;

	lockdep_assert_held(&channel->lock);
	hash_for_each(channel->workers, bucket, worker, node) {
		struct stplr_thread *thread = worker->thread;

		if (tgid && worker->process->pid != tgid)
			continue;
		/* it is back when it receives again */
		worker->absent = true;
		worker->prio = INT_MAX;
		if (stplr_thread_note_end(thread, channel)) {
			refcount_inc(&thread->ref);
			return thread;
		}
	}
	return NULL;
}

/*
 * The channel has ended, or @tgid has closed it: its threads may never receive again, and must not
 * stay raised.
 */
void stplr_workers_lower(struct stplr_channel *channel, const struct pid *tgid)
{
	struct stplr_thread *thread;

	for (;;) {
		spin_lock(&channel->lock);
		thread = stplr_workers_raised(channel, tgid);
		spin_unlock(&channel->lock);
		if (!thread)
			return;
		stplr_raise_from(thread, stplr_thread_do(thread, NULL));
		stplr_thread_put(thread);
		cond_resched();
	}
}
