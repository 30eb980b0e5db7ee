// SPDX-License-Identifier: GPL-2.0
/*
 * A client's calls on a channel that kernel code serves: its operation runs in the calling thread,
 * between two looks at the channel, with no lock held and the caller's memory at hand. What it
 * keeps for a later answer becomes a message like others, received already, for which the calling
 * thread waits as for any.
 */

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/sched/signal.h>
#include <uapi/linux/stplr.h>

#include "base/counters.h"
#include "base/params.h"
#include "base/priority.h"
#include "base/quota.h"
#include "base/uninitialized.h"
#include "call/reply.h"
#include "call/serve.h"
#include "core/client.h"
#include "core/connection.h"
#include "core/device.h"
#include "core/life.h"
#include "core/messages.h"
#include "core/patience.h"
#include "core/raise.h"
#include "core/room.h"
#include "core/server.h"
#include "core/serving.h"
#include "core/shares.h"
#include "memory/buffer.h"
#include "memory/sides.h"
#include "trace.h"

/* Goes in, and before it waits for room if there is none; stplr_serving_end() follows. */
static int stplr_serving_begin(struct stplr_serving *serving, s64 deadline, clockid_t clock)
{
	struct stplr_connection *connection = serving->connection;
	struct stplr_channel *channel = connection->channel;
	int err;

	spin_lock(&channel->lock);
	err = stplr_serving_try(channel, serving, NULL);
	spin_unlock(&channel->lock);
	if (unlikely(err == STPLR_NO_ROOM))
		err = stplr_room_enter(channel, connection, stplr_serving_try, serving, deadline,
				       clock);
	return err;
}

/* What an operation has returned, as a client may see it. */
static int stplr_serve_result(int result)
{
	if (likely(result >= -STPLR_ERROR_MAX))
		return result;
	if (result == -ERESTARTSYS)
		return signal_pending(current) ? result : -EINTR;
	WARN_ONCE(1, "stplr: a receive operation returned %d\n", result);
	return -EIO;
}

/* Has the operation take the message; its result. */
static int stplr_serve_request(struct stplr_serving *serving, u32 kind, u32 flags,
			       const struct stplr_user_buffer *from,
			       const struct stplr_user_buffer *to, s64 deadline, clockid_t clock)
{
	struct stplr_connection *connection = serving->connection;
	struct stplr_server *server = connection->channel->server;
	int result;

	if (unlikely(from->len > min(server->message_max, READ_ONCE(stplr_message_max))))
		return -EMSGSIZE;
	serving->request.server = server;
	serving->request.kind = kind;
	serving->request.flags = flags;
	serving->request.coid = connection->coid;
	serving->request.priority = stplr_priority_of(current);
	serving->request.len = from->len;
	serving->request.room = to->len;
	serving->task = current;
	serving->from = from;
	serving->to = to;
	serving->end = 0;
	serving->total = 0;
	serving->message = NULL;
	serving->kept = false;
	result = stplr_serving_begin(serving, deadline, clock);
	if (unlikely(result))
		return result;

	/* from now on it stays */
	serving->request.client = &connection->client->attachment.attached;
	result = server->ops->receive(&serving->request);
	if (unlikely(serving->kept))
		result = 0;
	else
		result = stplr_serve_result(result);
	trace_stplr_serve(serving, result);
	stplr_serving_end(serving);
	return result;
}

/*
 * Has kernel code take a message: NULL, and @args has what it answered; or what it has kept, to be
 * waited for; or an error, also of what it has @received.
 */
struct stplr_message *stplr_serve(struct stplr_connection *connection, u32 kind, bool nonblock,
				  struct stplr_msg_send *args,
				  const struct stplr_user_buffer *room, bool *received)
{
	s64 deadline = nonblock ? STPLR_DEADLINE_POLL : args->send_deadline;
	struct stplr_user_buffer from STPLR_UNINITIALIZED;
	struct stplr_serving serving STPLR_UNINITIALIZED;
	int result;

	serving.connection = connection;
	serving.impatient = args->flags & STPLR_SEND_PARK;
	serving.seq = 0;
	result = stplr_user_buffer_import(&from, &args->send, args->flags & STPLR_SEND_VECTOR,
					  args->flags & STPLR_SEND_REGISTERED,
					  &connection->buffers, false);
	if (unlikely(result))
		return ERR_PTR(result);
	result = stplr_serve_request(&serving, kind, 0, &from, room, deadline, args->clock);
	stplr_user_buffer_free(&from);
	if (unlikely(result < 0)) {
		*received = serving.seq;
		stplr_count_failed_send(&connection->channel->device->counts, result);
		return ERR_PTR(result);
	}
	if (unlikely(serving.kept))
		return serving.message;
	args->token = 0;
	args->status = kind == STPLR_KIND_SEND_RECEIVE ? result : 0;
	args->reply_len = serving.end;
	args->reply_total = serving.total;
	return NULL;
}

/* The same for kernel code that sends. */
struct stplr_message *stplr_serve_kernel(struct stplr_connection *connection,
					 const struct stplr_user_buffer *from,
					 const struct stplr_user_buffer *room, s64 deadline,
					 struct stplr_answer *answer)
{
	struct stplr_serving serving = { .connection = connection };
	int result;

	result = stplr_serve_request(&serving, STPLR_KIND_SEND_RECEIVE, 0, from, room, deadline,
				     CLOCK_MONOTONIC);
	if (result < 0)
		return ERR_PTR(result == -ERESTARTSYS ? -EINTR : result);
	if (serving.kept)
		return serving.message;
	answer->status = result;
	answer->len = serving.end;
	answer->total = serving.total;
	return NULL;
}

/* The same with STPLR_SEND_QUEUED: nobody waits for what is kept. */
int stplr_serve_queued(struct stplr_connection *connection, bool nonblock,
		       struct stplr_msg_send *args)
{
	s64 deadline = nonblock ? STPLR_DEADLINE_POLL : args->send_deadline;
	struct stplr_user_buffer from, no_room;
	struct stplr_serving serving;
	int result;

	serving.connection = connection;
	serving.impatient = false;
	result = stplr_user_buffer_import(&from, &args->send, args->flags & STPLR_SEND_VECTOR,
					  false, &connection->buffers, false);
	if (result)
		return result;
	stplr_user_buffer_none(&no_room);
	result = stplr_serve_request(&serving, STPLR_KIND_SEND, STPLR_REQUEST_QUEUED, &from,
				     &no_room, deadline, args->clock);
	stplr_user_buffer_free(&from);
	if (result < 0)
		stplr_count_failed_send(&connection->channel->device->counts, result);
	return min(result, 0);
}

/* Has kernel code take a pulse; EBADF, ESRCH, EOPNOTSUPP. */
int stplr_serve_pulse(struct stplr_connection *connection, int priority, s8 code, u64 value)
{
	struct stplr_server *server = connection->channel->server;
	struct stplr_serving serving = {
		.request = {
			.server = server,
			.kind = STPLR_KIND_PULSE,
			.coid = connection->coid,
			.priority = priority,
		},
		.task = current,
		.connection = connection,
	};
	int err = stplr_serving_begin(&serving, STPLR_DEADLINE_POLL, CLOCK_MONOTONIC);

	if (err)
		return err;
	/* not before: the driver may be gone */
	serving.request.client = &connection->client->attachment.attached;
	if (server->ops->pulse)
		server->ops->pulse(server, serving.request.client, priority, code, value);
	else
		err = -EOPNOTSUPP;
	trace_stplr_serve(&serving, err);
	stplr_serving_end(&serving);
	return err;
}

/* Keeping */

/* There is no room for one more that nobody waits for. */
static bool stplr_keep_full(const struct stplr_connection *connection)
{
	const struct stplr_channel *channel = connection->channel;

	lockdep_assert_held(&channel->lock);
	return connection->nr_queued >= READ_ONCE(stplr_connection_queued) ||
	       !stplr_share_allows(connection->share, READ_ONCE(stplr_channel_queued),
				   channel->nr_queued, connection->share->nr_queued);
}

/* The message is received; its rcvid, or an error. */
static s32 stplr_keep_commit(struct stplr_serving *serving, struct stplr_message *message)
{
	struct stplr_connection *connection = serving->connection;
	struct stplr_channel *channel = connection->channel;
	s32 result;

	spin_lock(&channel->lock);
	if (channel->dead) {
		result = -ESRCH;
	} else if (connection->detached) {
		result = -EBADF;
	} else if (message->queued && stplr_keep_full(connection)) {
		result = -EAGAIN;
	} else {
		if (message->queued) {
			connection->nr_queued++;
			stplr_share_queued(channel, connection->share, 1);
		}
		serving->message = message;
		serving->kept = true;
		message->entry.seq = serving->seq;
		/* in this order: see core/patience.c */
		WRITE_ONCE(message->since, jiffies);
		message->rcvid = stplr_rcvid_next(channel);
		result = message->rcvid;
		stplr_message_take(message, &channel->server->hands);
		trace_stplr_receive(message);
		WRITE_ONCE(message->received, true);
		WRITE_ONCE(message->state, STPLR_RECEIVED);
		stplr_received_add(channel, message);
		if (unlikely(message->impatient))
			stplr_patience_begin(message);
	}
	spin_unlock(&channel->lock);
	return result;
}

/*
 * Makes a message of a call, in its operation, to be answered later; its rcvid, or EALREADY, ESRCH,
 * EBADF, EAGAIN, EFAULT, EINTR, ENOBUFS, ENOMEM. From here on it may be answered, and gone.
 */
s32 stplr_serving_keep(struct stplr_serving *serving)
{
	bool queued = serving->request.flags & STPLR_REQUEST_QUEUED;
	struct stplr_connection *connection = serving->connection;
	struct stplr_message *message;
	s32 result;

	if (serving->kept)
		return -EALREADY;
	message = queued ? stplr_message_alloc_queued(connection) :
			   stplr_message_alloc(connection);
	if (IS_ERR(message))
		return PTR_ERR(message);
	if (!queued)
		message->client = current;
	message->kind = serving->request.kind;
	message->impatient = serving->impatient;
	message->entry.priority = serving->request.priority;
	if (stplr_connection_kernel(connection)) {
		message->uid = GLOBAL_ROOT_UID;
		message->gid = GLOBAL_ROOT_GID;
	} else {
		message->uid = current_euid();
		message->gid = current_egid();
	}

	result = stplr_send_side_prepare(&message->sides, serving->from);
	if (!result)
		result = stplr_reply_side_prepare(&message->sides, serving->to,
						  READ_ONCE(connection->reply_hint));
	if (!result)
		result = stplr_keep_commit(serving, message);
	if (result < 0)
		stplr_message_free(message);
	return result;
}
