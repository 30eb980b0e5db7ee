// SPDX-License-Identifier: GPL-2.0
/* The client's calls: a message is prepared, queued, and waited for. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/wait.h>
#include <uapi/linux/stplr.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/params.h"
#include "base/priority.h"
#include "base/quota.h"
#include "base/uninitialized.h"
#include "base/wake.h"
#include "call/send.h"
#include "call/serve.h"
#include "core/connection.h"
#include "core/device.h"
#include "core/life.h"
#include "core/messages.h"
#include "core/process.h"
#include "core/raise.h"
#include "core/receiver.h"
#include "core/room.h"
#include "core/shares.h"
#include "core/thread.h"
#include "core/wait.h"
#include "core/worker.h"
#include "memory/buffer.h"
#include "memory/sides.h"
#include "trace.h"

/* Queues the message, whose priority is there; the receiver that takes it, or NULL. */
static struct task_struct *stplr_send_enqueue(struct stplr_message *message)
{
	struct stplr_channel *channel = message->connection->channel;

	message->entry.seq = ++channel->last_seq;
	message->since = jiffies;
	trace_stplr_send(message);
	WRITE_ONCE(message->state, STPLR_QUEUED);
	stplr_message_enqueue(channel, message);
	return stplr_receiver_pop(channel);
}

/* Wakes the receiver, whose reference is put, as a channel asks that wakes here. */
static noinline void stplr_send_wake_here(struct stplr_message *message,
					  struct task_struct *receiver, unsigned int spin_us)
{
	/* one that waits for this processor is not looked for */
	if (stplr_rouse_here(receiver))
		spin_us = 0;
	stplr_channel_wake_pollers(message->connection->channel);
	if (spin_us)
		stplr_client_spin(message, receiver, spin_us);
	else
		put_task_struct(receiver);
}

/*
 * Queues a message that its client waits for, and wakes a receiver; or message->poll without one.
 * Looks for the end for @spin_us at most, if that is not 0.
 */
static __always_inline int stplr_send_queue(struct stplr_message *message, unsigned int spin_us)
{
	struct stplr_connection *connection = message->connection;
	struct stplr_channel *channel = connection->channel;
	struct task_struct *receiver, *server = NULL;
	int err;

	spin_lock(&channel->lock);
	err = stplr_connection_refused(connection);
	if (!err && message->poll && hlist_empty(&channel->receivers))
		err = message->poll;
	if (unlikely(err)) {
		spin_unlock(&channel->lock);
		return err;
	}
	if (unlikely(message->sender))
		stplr_message_worth(message, message->sender);
	receiver = stplr_send_enqueue(message);
	if (!receiver && unlikely(!hlist_empty(&channel->coming)))
		receiver = stplr_receiver_asleep(channel, true);
	if (spin_us && !receiver)
		server = stplr_worker_last(channel);
	/* before it is woken, or a thread in between would run first */
	stplr_unlock_and_settle(channel);
	if (stplr_channel_wakes_here(channel) && receiver) {
		stplr_send_wake_here(message, receiver, spin_us);
		return 0;
	}
	if (!spin_us) {
		stplr_wake(receiver);
		stplr_channel_wake_pollers(channel);
		return 0;
	}
	stplr_rouse(receiver);
	stplr_channel_wake_pollers(channel);
	stplr_client_spin(message, receiver ?: server, spin_us);
	return 0;
}

/* Queues a message that nobody waits for, if there is room; it may be gone then. */
static int stplr_send_try_queued(struct stplr_channel *channel, void *arg,
				 struct task_struct **receiver)
{
	struct stplr_message *message = arg;
	struct stplr_connection *connection = message->connection;
	int err = stplr_connection_refused(connection);

	if (err)
		return err;
	if (connection->nr_queued >= READ_ONCE(stplr_connection_queued))
		return STPLR_NO_ROOM_HERE;
	if (!stplr_share_allows(connection->share, READ_ONCE(stplr_channel_queued),
				channel->nr_queued, connection->share->nr_queued))
		return STPLR_NO_ROOM;
	connection->nr_queued++;
	stplr_share_queued(channel, connection->share, 1);
	*receiver = stplr_send_enqueue(message) ?: stplr_receiver_asleep(channel, true);
	return 0;
}

/* A message that nothing has happened to yet. */
static __always_inline void stplr_send_init(struct stplr_message *message, u32 kind, bool impatient)
{
	message->kind = kind;
	message->entry.priority = stplr_priority_of(current);
	message->poll = 0;
	message->sides.leaving = false;
	message->received = false;
	message->impatient = impatient;
	message->overdue = false;
	message->unblocking = 0;
	message->drain = false;
	message->abandoned = false;
	message->result = 0;
	message->status = 0;
	message->rcvid = 0;
}

/* Reads the message to be sent; its reply goes to @room. */
static int stplr_send_prepare(struct stplr_message *message, u32 kind,
			      const struct stplr_msg_send *args,
			      const struct stplr_user_buffer *room)
{
	struct stplr_user_buffer from STPLR_UNINITIALIZED;
	int err;

	stplr_send_init(message, kind, args->flags & STPLR_SEND_PARK);
	message->uid = current_euid();
	message->gid = current_egid();
	err = stplr_user_buffer_import(&from, &args->send, args->flags & STPLR_SEND_VECTOR,
				       args->flags & STPLR_SEND_REGISTERED,
				       &message->connection->buffers, false);
	if (err)
		return err;
	err = -EMSGSIZE;
	if (from.len <= READ_ONCE(stplr_message_max))
		err = stplr_send_side_prepare(&message->sides, &from);
	stplr_user_buffer_free(&from);
	return err ?: stplr_reply_side_prepare(&message->sides, room,
					       READ_ONCE(message->connection->reply_hint));
}

/* May the calling thread, of that priority, be raised or lowered while it waits? */
static bool stplr_send_followed(const struct stplr_connection *connection, int priority)
{
	return priority > STPLR_PRIORITY_RT || READ_ONCE(connection->process->serves);
}

/* Prepares a message that the calling thread waits for, and queues it. */
static struct stplr_message *stplr_send_start(struct stplr_connection *connection, u32 kind,
					      bool nonblock, struct stplr_msg_send *args,
					      const struct stplr_user_buffer *room,
					      struct stplr_thread **self)
{
	struct stplr_message *message;
	int err;

	message = stplr_message_claim(connection);
	if (IS_ERR(message))
		return message;
	message->client = current;
	err = stplr_send_prepare(message, kind, args, room);

	/* Not to wait, or not any more: only a receiver that is there already will do. */
	if (nonblock || args->send_deadline == STPLR_DEADLINE_POLL)
		message->poll = -EAGAIN;
	else if (stplr_deadline_passed(args->send_deadline, args->clock))
		message->poll = -ETIMEDOUT;
	if (unlikely(message->poll))
		args->send_deadline = STPLR_DEADLINE_NONE;
	message->wake_on_receive = args->reply_deadline != args->send_deadline &&
				   args->reply_deadline != STPLR_DEADLINE_NONE;

	if (!err && unlikely(stplr_send_followed(connection, message->entry.priority)))
		*self = stplr_sender_blocks(message);
	if (!err)
		err = stplr_send_queue(message,
				       stplr_client_spin_us(connection, args->send_deadline,
							    args->reply_deadline, args->clock));
	if (unlikely(err)) {
		if (*self)
			stplr_sender_put(message, *self, false);
		stplr_message_free(message);
		stplr_count_failed_send(&connection->channel->device->counts, err);
		return ERR_PTR(err);
	}
	return message;
}

/* Follows the lengths of the replies: up at once, down by a quarter a call. */
static void stplr_send_learn(struct stplr_connection *connection, size_t total)
{
	size_t hint = READ_ONCE(connection->reply_hint);

	hint = max(total, hint - hint / 4);
	if (hint != connection->reply_hint)
		WRITE_ONCE(connection->reply_hint, hint);
}

/*
 * Waits for the end of a message that was sent, and takes its result. The message is gone after, or
 * parked: then it is the connection's, and another thread's if it guesses the token; or abandoned.
 */
static int stplr_send_finish(struct stplr_message *message, struct stplr_msg_send *args,
			     const struct stplr_user_buffer *room, struct stplr_thread *self,
			     struct stplr_sent *sent)
{
	struct stplr_connection *connection = message->connection;
	bool left = false;
	int err;

	err = stplr_client_wait(message, args, &sent->token, &left);
	if (unlikely(self))
		stplr_sender_put(message, self, left);
	if (unlikely(left))
		return err;
	if (!err)
		err = message->result;
	trace_stplr_done(message, err);
	if (!err) {
		args->token = 0;
		args->status = message->status;
		args->reply_len = message->sides.reply.len;
		args->reply_total = message->sides.reply.total;
		stplr_send_learn(connection, message->sides.reply.total);
		err = stplr_reply_side_fetch(&message->sides, room);
	}
	if (unlikely(err))
		sent->received = message->received;
	stplr_message_free(message);
	if (unlikely(err))
		stplr_count_failed_send(&connection->channel->device->counts, err);
	return err;
}

/* There are parked messages: one to go on waiting for, or one to be dropped for the next. */
static void stplr_send_parked(struct stplr_connection *connection, struct stplr_msg_send *args)
{
	if (!args->token) {
		stplr_parked_drop(connection, task_pid(current));
	} else if (args->flags & STPLR_REPLY_REGISTERED) {
		/* the room is the message's already, whatever became of its index */
		args->flags &= ~STPLR_REPLY_REGISTERED;
		args->reply.len = 0;
	}
}

/* Sends a message of which the kernel keeps a copy: STPLR_SEND_QUEUED. */
int stplr_send_queued(struct stplr_connection *connection, bool nonblock,
		      struct stplr_msg_send *args)
{
	s64 deadline = nonblock ? STPLR_DEADLINE_POLL : args->send_deadline;
	struct stplr_user_buffer no_room;
	struct stplr_message *message;
	int err;

	if (unlikely(READ_ONCE(connection->nr_parked)))
		stplr_send_parked(connection, args);
	if (connection->channel->direct)
		return stplr_serve_queued(connection, nonblock, args);
	message = stplr_message_alloc_queued(connection);
	if (IS_ERR(message))
		return PTR_ERR(message);
	stplr_user_buffer_none(&no_room);
	err = stplr_send_prepare(message, STPLR_KIND_SEND, args, &no_room);
	if (!err)
		err = stplr_room_enter(connection->channel, connection, stplr_send_try_queued,
				       message, deadline, args->clock);
	if (err) {
		stplr_count_failed_send(&connection->channel->device->counts, err);
		stplr_message_free(message);
	}
	return err;
}

/*
 * Sends a message and waits for its end: with @args->token, for that of one that was parked. On
 * success @args has what the server answered.
 */
int stplr_send(struct stplr_connection *connection, u32 kind, bool nonblock,
	       struct stplr_msg_send *args, struct stplr_sent *sent)
{
	struct stplr_user_buffer room STPLR_UNINITIALIZED;
	struct stplr_thread *self = NULL;
	struct stplr_message *message;
	int err;

	if (unlikely(READ_ONCE(connection->nr_parked)))
		stplr_send_parked(connection, args);
	/* A one-way message that was received in part is waited for as long as for its receipt. */
	if (kind == STPLR_KIND_SEND)
		args->reply_deadline = args->send_deadline;
	err = stplr_user_buffer_import(&room, &args->reply, args->flags & STPLR_REPLY_VECTOR,
				       args->flags & STPLR_REPLY_REGISTERED, &connection->buffers,
				       true);
	if (err)
		return err;

	if (unlikely(args->token)) {
		sent->resumed = true;
		message = stplr_parked_claim(connection, args->token, kind);
		if (message) {
			self = stplr_message_resumed(message);
			/* its moment is over: this only asks for the answer */
			WRITE_ONCE(message->overdue, args->flags & STPLR_SEND_PARK);
		} else {
			message = ERR_PTR(-ENOENT);
		}
	} else if (unlikely(connection->channel->direct)) {
		message = stplr_serve(connection, kind, nonblock, args, &room, &sent->received);
		if (!message)
			goto answered;
	} else {
		message = stplr_send_start(connection, kind, nonblock, args, &room, &self);
	}

	err = PTR_ERR_OR_ZERO(message);
	if (!err)
		err = stplr_send_finish(message, args, &room, self, sent);
answered:
	stplr_user_buffer_free(&room);
	stplr_dbg(3, "%s on connection %u: %d\n",
		  kind == STPLR_KIND_SEND ? "send" : "send and receive", connection->coid, err);
	return err;
}

/* Waits for the end of a message of kernel code's, and takes its result. */
static int stplr_send_kernel_finish(struct stplr_message *message,
				    const struct stplr_user_buffer *room, s64 deadline,
				    struct stplr_answer *answer)
{
	int err;

	/* one that was to be received at once was */
	if (deadline == STPLR_DEADLINE_POLL)
		deadline = STPLR_DEADLINE_NONE;
	err = stplr_client_wait_kernel(message, deadline);
	if (!err)
		err = message->result;
	trace_stplr_done(message, err);
	if (err)
		return err;
	answer->status = message->status;
	answer->len = message->sides.reply.len;
	answer->total = message->sides.reply.total;
	/* it is in place, but where there was no room */
	return stplr_reply_side_fetch(&message->sides, room);
}

/* Prepares a message of kernel code's, and queues it. */
static int stplr_send_start_kernel(struct stplr_message *message,
				   const struct stplr_user_buffer *from,
				   const struct stplr_user_buffer *room, s64 deadline,
				   struct stplr_thread **self)
{
	int err;

	message->client = current;
	stplr_send_init(message, STPLR_KIND_SEND_RECEIVE, false);
	message->uid = GLOBAL_ROOT_UID;
	message->gid = GLOBAL_ROOT_GID;
	message->wake_on_receive = false;
	if (deadline == STPLR_DEADLINE_POLL)
		message->poll = -EAGAIN;
	err = -EMSGSIZE;
	if (from->len <= READ_ONCE(stplr_message_max))
		err = stplr_send_side_prepare(&message->sides, from);
	if (!err)
		err = stplr_reply_side_prepare(&message->sides, room, room->len);
	if (err)
		return err;
	/* whatever process it is of, the thread may serve */
	*self = stplr_sender_blocks(message);
	return stplr_send_queue(message,
				stplr_client_spin_us(message->connection, STPLR_DEADLINE_NONE,
						     deadline, CLOCK_MONOTONIC));
}

/* Sends it to threads that receive. */
static int stplr_send_kernel_wait(struct stplr_connection *connection,
				  const struct stplr_user_buffer *from,
				  const struct stplr_user_buffer *room, s64 deadline,
				  struct stplr_answer *answer)
{
	struct stplr_message *message = stplr_message_claim(connection);
	struct stplr_thread *self = NULL;
	int err;

	if (IS_ERR(message))
		return PTR_ERR(message);
	err = stplr_send_start_kernel(message, from, room, deadline, &self);
	if (!err)
		err = stplr_send_kernel_finish(message, room, deadline, answer);
	if (self)
		stplr_sender_put(message, self, false);
	stplr_message_free(message);
	return err;
}

/*
 * Sends a message of kernel code's, over a connection of its own, and waits for its answer, as long
 * as the thread is not killed.
 */
int stplr_send_kernel(struct stplr_connection *connection, const struct stplr_user_buffer *from,
		      const struct stplr_user_buffer *room, s64 deadline,
		      struct stplr_answer *answer)
{
	struct stplr_message *message;
	int err;

	deadline = stplr_deadline_kernel(deadline);
	if (connection->channel->direct) {
		message = stplr_serve_kernel(connection, from, room, deadline, answer);
		err = PTR_ERR_OR_ZERO(message);
		if (!IS_ERR_OR_NULL(message)) {
			err = stplr_send_kernel_finish(message, room, deadline, answer);
			stplr_message_free(message);
		}
	} else {
		err = stplr_send_kernel_wait(connection, from, room, deadline, answer);
	}
	if (err)
		stplr_count_failed_send(&connection->channel->device->counts, err);
	return err;
}

/* The client could not be told of the token: what was parked is dropped. */
void stplr_send_forget(struct stplr_connection *connection, u64 token, u32 kind)
{
	struct stplr_message *message = stplr_parked_claim(connection, token, kind);

	if (message)
		stplr_message_discard(message);
}
