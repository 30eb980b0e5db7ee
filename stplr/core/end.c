// SPDX-License-Identifier: GPL-2.0
/*
 * What ends, and whom that wakes: a channel, a server's process, an accepted channel's client, a
 * connection's messages. Above all that it ends.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fdtable.h>
#include <linux/list.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "base/params.h"
#include "base/wake.h"
#include "core/backlog.h"
#include "core/channel.h"
#include "core/connection.h"
#include "core/end.h"
#include "core/life.h"
#include "core/messages.h"
#include "core/name.h"
#include "core/notice.h"
#include "core/object.h"
#include "core/pulse.h"
#include "core/raise.h"
#include "core/receiver.h"
#include "core/room.h"
#include "core/watch.h"
#include "trace.h"

/* After a batch of what was to be done under the lock, to clients that wait. */
static void stplr_unlock_and_wake_all(struct stplr_channel *channel, struct stplr_wake_batch *batch)
	__releases(&channel->lock)
{
	bool changed = stplr_loans_changed(channel);

	spin_unlock(&channel->lock);
	stplr_wake_all(batch);
	if (changed)
		stplr_settle(channel);
	cond_resched();
}

/* The same, also to messages that nobody waits for: more may be left if it was full. */
static bool stplr_channel_batch(struct stplr_channel *channel, struct stplr_wake_batch *batch,
				unsigned int done)
	__releases(&channel->lock)
{
	bool finished = !list_empty(&channel->finished);

	stplr_unlock_and_wake_all(channel, batch);
	if (finished)
		stplr_channel_reap(channel, NULL);
	return done == STPLR_WAKE_BATCH;
}

/* Ends the queued messages, with ESRCH: no more come. */
static void stplr_channel_end_queued(struct stplr_channel *channel)
{
	struct stplr_wake_batch batch = { .count = 0 };
	struct stplr_entry *first;
	unsigned int done;

	do {
		done = 0;
		spin_lock(&channel->lock);
		while (done < STPLR_WAKE_BATCH && (first = channel->messages.first)) {
			stplr_wake_add(&batch,
				       stplr_message_end(stplr_entry_message(first), -ESRCH));
			done++;
		}
	} while (stplr_channel_batch(channel, &batch, done));
}

/*
 * Tells senders that rely on a waiting thread, where no thread comes for them: of those the last,
 * with the error that such a sender gets.
 */
void stplr_channel_refuse_polled(struct stplr_channel *channel)
{
	struct stplr_wake_batch batch = { .count = 0 };
	struct stplr_message *message;
	unsigned int done;

	do {
		done = 0;
		spin_lock(&channel->lock);
		while (done < STPLR_WAKE_BATCH && stplr_polled_in_vain(channel)) {
			message = list_last_entry(&channel->polled, struct stplr_message,
						  polled_link);
			stplr_wake_add(&batch, stplr_message_end(message, message->poll));
			done++;
		}
	} while (stplr_channel_batch(channel, &batch, done));
}

/*
 * Ends with ESRCH the messages that @tgid has received and nobody else can answer, or all received
 * ones. What is received meanwhile sees to itself: it finds the channel dead, or left.
 */
static void stplr_channel_end_received(struct stplr_channel *channel, const struct pid *tgid)
{
	struct stplr_wake_batch batch = { .count = 0 };
	struct stplr_message *message;
	unsigned int seen;
	s32 rcvid = 0;

	do {
		seen = 0;
		spin_lock(&channel->lock);
		while (seen < STPLR_WAKE_BATCH &&
		       (message = stplr_received_next(channel, rcvid))) {
			rcvid = message->rcvid;
			seen++;
			if (tgid && message->receiver != tgid &&
			    pid_has_task(message->receiver, PIDTYPE_TGID))
				continue;
			stplr_wake_add(&batch, stplr_message_end(message, -ESRCH));
		}
	} while (stplr_channel_batch(channel, &batch, seen));
}

static void stplr_channel_wake_receivers(struct stplr_channel *channel)
{
	struct stplr_wake_batch batch = { .count = 0 };
	struct task_struct *receiver;
	unsigned int done;

	do {
		done = 0;
		spin_lock(&channel->lock);
		while (done < STPLR_WAKE_BATCH &&
		       (receiver = stplr_pulse_receiver_pop(channel))) {
			stplr_wake_add(&batch, receiver);
			done++;
		}
	} while (stplr_channel_batch(channel, &batch, done));
}

/* Nothing is received any more: drops what is queued. */
static void stplr_pulses_end(struct stplr_channel *channel)
{
	enum stplr_pulse_origin origin = STPLR_PULSE_POOL;
	struct stplr_pulse_entry *pulse;

	do {
		spin_lock(&channel->lock);
		pulse = stplr_pulse_first(channel);
		if (pulse) {
			origin = pulse->origin;
			stplr_pulse_dequeue(channel, pulse);
		}
		spin_unlock(&channel->lock);
		if (pulse)
			stplr_pulse_release(channel, pulse, origin);
		cond_resched();
	} while (pulse);
}

static void stplr_backlog_end(struct stplr_channel *listener);

/* Whoever waits for the channel looks again. */
static void stplr_channel_wake_everyone(struct stplr_channel *channel)
{
	stplr_channel_wake_receivers(channel);
	wake_up_interruptible_poll(&channel->readable, EPOLLHUP | EPOLLERR);
	wake_up_interruptible_poll(&channel->hangup, EPOLLHUP | EPOLLERR);
	stplr_room_end(channel);
	stplr_backlog_end(channel);
}

/*
 * Ends the channel: it cannot be found, nothing new comes, whoever waits for it is woken. ESRCH if
 * it has ended.
 */
int stplr_channel_destroy(struct stplr_channel *channel)
{
	bool dead;

	stplr_name_unregister(channel);

	spin_lock(&channel->lock);
	dead = channel->dead;
	channel->dead = true;
	spin_unlock(&channel->lock);
	if (dead)
		return -ESRCH;

	trace_stplr_death(STPLR_DEATH_CHANNEL, channel, 0);
	stplr_channel_end_queued(channel);
	stplr_pulses_end(channel);
	stplr_channel_end_watches(channel);
	stplr_channel_end_received(channel, NULL);
	stplr_channel_wake_everyone(channel);
	stplr_channel_uncharge(channel);
	stplr_dbg(2, "channel %d ended\n", channel->chid);
	return 0;
}

/* Nobody will accept any more: the clients of what waits learn it. */
static void stplr_backlog_end(struct stplr_channel *listener)
{
	struct stplr_channel *child;

	for (;;) {
		spin_lock(&listener->lock);
		child = stplr_backlog_pop(listener);
		spin_unlock(&listener->lock);
		if (!child)
			return;
		stplr_channel_destroy(child);
		stplr_channel_put(child);
		cond_resched();
	}
}

/* Nothing is received any more, and so nothing is sent; what was received can be answered. */
int stplr_channel_shutdown(struct stplr_channel *channel)
{
	bool dead;

	spin_lock(&channel->lock);
	dead = channel->dead;
	channel->shutdown = true;
	spin_unlock(&channel->lock);
	if (dead)
		return -ESRCH;

	trace_stplr_death(STPLR_DEATH_SHUTDOWN, channel, 0);
	stplr_channel_end_queued(channel);
	stplr_pulses_end(channel);
	stplr_channel_wake_everyone(channel);
	stplr_dbg(2, "channel %d shut down\n", channel->chid);
	return 0;
}

/*
 * The client of an accepted channel has closed: what it has queued is still received, then EPIPE.
 * If the channel still waits to be accepted and nothing is queued, nobody will miss it.
 */
void stplr_peer_closed(struct stplr_channel *channel)
{
	struct stplr_channel *listener = channel->peer.listener;
	bool unseen = false;

	if (!listener)
		return;
	spin_lock(&channel->lock);
	channel->peer.closed = true;
	if (!channel->nr_queued && !channel->pulses.first)
		unseen = true;
	spin_unlock(&channel->lock);

	if (unseen) {
		spin_lock(&listener->lock);
		unseen = !list_empty(&channel->peer.waiting);
		if (unseen)
			stplr_backlog_del(channel);
		spin_unlock(&listener->lock);
	}
	if (unseen) {
		stplr_room_made(listener);
		stplr_channel_destroy(channel);
		stplr_channel_put(channel);
		return;
	}
	stplr_channel_wake_receivers(channel);
	wake_up_interruptible_poll(&channel->readable, EPOLLIN | EPOLLHUP);
}

static int stplr_is_file(const void *file, struct file *other, unsigned int fd)
{
	return file == other ? fd + 1 : 0;
}

/*
 * Has the calling process a descriptor of the channel? It is looked for from where it was last seen
 * on, so that to close many is no walk from the first each time.
 */
bool stplr_channel_held(struct stplr_channel *channel)
{
	unsigned int from = READ_ONCE(channel->held_at);
	int found;

	found = iterate_fd(current->files, from, stplr_is_file, channel->file);
	if (!found && from)
		found = iterate_fd(current->files, 0, stplr_is_file, channel->file);
	if (found)
		WRITE_ONCE(channel->held_at, found - 1);
	return found;
}

/* The calling process has closed its last descriptor, and another of its threads may receive. */
void stplr_channel_leave(struct stplr_channel *channel)
{
	struct pid *tgid = get_pid(task_tgid(current)), *old;

	spin_lock(&channel->lock);
	old = channel->left;
	/* others than its threads may share the table, and have lost the channel by this, too */
	if ((old && old != tgid && pid_has_task(old, PIDTYPE_TGID)) ||
	    atomic_read(&current->files->count) > get_nr_threads(current))
		WRITE_ONCE(channel->left_more, true);
	/* pairs with stplr_channel_check_held() */
	smp_store_release(&channel->left, tgid);
	spin_unlock(&channel->lock);
	put_pid(old);
}

/* The process can answer no more: it has no descriptor of the channel any more. */
void stplr_channel_end_process(struct stplr_channel *channel, const struct pid *tgid)
{
	stplr_channel_end_received(channel, tgid);
	stplr_workers_leave(channel, tgid);
}

/* The rest of stplr_channel_check_held(). */
void stplr_channel_check_left(struct stplr_channel *channel)
{
	if (!stplr_channel_held(channel))
		stplr_channel_end_process(channel, task_tgid(current));
}

/* Ends all that its threads wait for, or have parked. */
void stplr_connection_end_messages(struct stplr_connection *connection)
{
	struct stplr_channel *channel = connection->channel;
	struct stplr_wake_batch batch = { .count = 0 };
	struct stplr_message *message;
	LIST_HEAD(left);
	bool more;
	int err;

	/* no more will be queued; one whose owner frees it meanwhile is taken off either list */
	spin_lock(&channel->lock);
	err = channel->dead ? -ESRCH : -EBADF;
	list_splice_init(&connection->messages, &left);
	stplr_wake_add(&batch, stplr_message_end(&connection->own, err));
	stplr_unlock_and_wake_all(channel, &batch);

	do {
		unsigned int done = 0;

		spin_lock(&channel->lock);
		while (done++ < STPLR_WAKE_BATCH && !list_empty(&left)) {
			message = list_first_entry(&left, struct stplr_message, link);
			list_move(&message->link, &connection->messages);
			stplr_wake_add(&batch, stplr_message_end(message, err));
		}
		more = !list_empty(&left);
		stplr_unlock_and_wake_all(channel, &batch);
	} while (more);
}

/*
 * The receiver, which may have been woken for it, leaves what there is to another. Senders that
 * relied on a waiting receiver are told if there is none.
 */
void stplr_receive_leave(struct stplr_channel *channel)
{
	struct task_struct *other, *pulse_other = NULL;
	bool refuse;

	spin_lock(&channel->lock);
	other = stplr_receiver_pop(channel);
	if (channel->pulses.first)
		pulse_other = stplr_pulse_receiver_pop(channel);
	refuse = stplr_polled_in_vain(channel);
	stplr_unlock_and_settle(channel);

	stplr_wake(other);
	stplr_wake(pulse_other);
	if (refuse)
		stplr_channel_refuse_polled(channel);
}
