// SPDX-License-Identifier: GPL-2.0
/* A client connects to a channel, and leaves it. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/poll.h>
#include <linux/user_namespace.h>
#include <linux/wait.h>
#include <uapi/linux/stplr.h>

#include "base/params.h"
#include "call/attach.h"
#include "call/event.h"
#include "core/backlog.h"
#include "core/channel.h"
#include "core/client.h"
#include "core/connection.h"
#include "core/device.h"
#include "core/end.h"
#include "core/life.h"
#include "core/name.h"
#include "core/object.h"
#include "core/patience.h"
#include "core/process.h"
#include "core/room.h"
#include "core/server.h"
#include "core/shares.h"
#include "core/watch.h"
#include "memory/registered.h"
#include "trace.h"

/*
 * Gives the connection its channel: the one attached to, or, if that listens, one that it has for
 * itself.
 */
static int stplr_connection_join(struct stplr_connection *connection,
				 struct stplr_channel *channel)
{
	int err;

	if (channel->flags & STPLR_CHANNEL_LISTEN) {
		channel = stplr_backlog_join(channel, connection);
		if (IS_ERR(channel))
			return PTR_ERR(channel);
	} else {
		kref_get(&channel->ref);
		err = stplr_client_join(connection, channel);
		if (err) {
			stplr_channel_put(channel);
			return err;
		}
	}
	connection->channel = channel;
	err = stplr_share_join(connection);
	if (err) {
		stplr_client_leave(connection, channel);
		connection->channel = NULL;
		stplr_channel_put(channel);
	}
	return err;
}

/* The channel that the caller asks for, with a reference. */
static struct stplr_channel *stplr_attach_find(struct stplr_device *device,
					       const struct stplr_connect_attach *args,
					       const char *name)
{
	if (!args->name_len)
		return stplr_chid_find(device, args->pid, args->chid);
	if (stplr_name_check(name, args->name_len))
		return ERR_PTR(-EINVAL);
	return stplr_name_wait(device, name, false, args->deadline, args->clock);
}

/* Anybody's is expected without @expected. */
static bool stplr_attach_expected(const struct stplr_channel *channel, const kuid_t *expected)
{
	return !expected || uid_eq(channel->cred->euid, *expected);
}

/*
 * A connection to the channel, if it is of the user @expected, of the calling process or, without
 * @args, of kernel code.
 */
static struct stplr_connection *stplr_attach_to(struct stplr_channel *channel,
						const struct stplr_connect_attach *args,
						const kuid_t *expected)
{
	struct pid *caller = args ? task_tgid(current) : NULL;
	struct stplr_connection *connection;
	int err;

	if (channel->flags & STPLR_CHANNEL_PRIVATE && channel->creator->pid != caller)
		return ERR_PTR(-EACCES);
	if (!stplr_attach_expected(channel, expected))
		return ERR_PTR(-EPERM);
	connection = stplr_connection_alloc(channel->device, !args);
	if (IS_ERR(connection))
		return connection;
	connection->spin_us = args && args->flags & STPLR_CONNECT_SPIN ? args->spin_us :
									 channel->spin_us;
	connection->lends = args && args->flags & STPLR_CONNECT_LEND;
	err = stplr_connection_join(connection, channel);
	if (err) {
		stplr_connection_free(connection);
		return ERR_PTR(err);
	}
	return connection;
}

/*
 * A connection of the calling process, by @name or by what @args says, which its server does not
 * see yet, and that holds nothing others wait for: stplr_attach_enter() or stplr_attach_undo()
 * follows, or the close of its last descriptor.
 */
struct stplr_connection *stplr_attach(struct stplr_device *device,
				      const struct stplr_connect_attach *args, const char *name)
{
	struct stplr_channel *channel = stplr_attach_find(device, args, name);
	kuid_t uid = make_kuid(current_user_ns(), args->uid);
	struct stplr_connection *connection;

	if (IS_ERR(channel))
		return ERR_CAST(channel);
	connection = stplr_attach_to(channel, args, args->flags & STPLR_CONNECT_UID ? &uid : NULL);
	stplr_channel_put(channel);
	return connection;
}

/*
 * The same for kernel code, of a channel that it has found, and whose reference is taken over;
 * INVALID_UID expects anybody.
 */
struct stplr_connection *stplr_attach_kernel(struct stplr_channel *channel, kuid_t expected)
{
	struct stplr_connection *connection =
		stplr_attach_to(channel, NULL, uid_valid(expected) ? &expected : NULL);

	stplr_channel_put(channel);
	return connection;
}

/*
 * From here on the server may see the connection. If that listens, waits for room in its backlog:
 * ESRCH, EAGAIN, ETIMEDOUT, ERESTARTSYS; kernel code may refuse it: ESRCH, EBUSY, EINTR, or another
 * error. The close of the last descriptor does the rest then.
 */
int stplr_attach_enter(struct stplr_connection *connection, s64 deadline, clockid_t clock)
{
	struct stplr_server *server = connection->channel->server;
	int err = server ? stplr_server_attach(server, &connection->client->attachment) : 0;

	if (err)
		return err;
	stplr_client_announce(connection);
	stplr_connection_list(connection);
	return stplr_backlog_enter(connection, deadline, clock);
}

/* It does not come about, and never had a descriptor. */
void stplr_attach_undo(struct stplr_connection *connection)
{
	struct stplr_channel *channel = connection->channel;

	stplr_client_leave(connection, channel);
	stplr_peer_closed(channel);
	stplr_connection_put(connection);
}

/* No call over it begins any more; the last that runs in kernel code, if any does, has it leave. */
static void stplr_attach_leave(struct stplr_connection *connection)
{
	struct stplr_channel *channel = connection->channel;
	bool running;

	spin_lock(&channel->lock);
	running = connection->nr_running;
	spin_unlock(&channel->lock);
	if (!running)
		stplr_client_leave(connection, channel);
}

/* Ends the connection for all who have it. */
int stplr_detach(struct stplr_connection *connection)
{
	struct stplr_channel *channel = connection->channel;
	bool detached;

	spin_lock(&channel->lock);
	detached = connection->detached;
	connection->detached = true;
	spin_unlock(&channel->lock);
	if (detached)
		return -EBADF;

	trace_stplr_death(STPLR_DEATH_DETACH, channel, connection->coid);
	stplr_connection_end_messages(connection);
	wake_up_interruptible_poll(&connection->hangup, EPOLLHUP | EPOLLERR);
	stplr_room_end_here(connection);
	/* what kernel code had kept of it took places */
	if (channel->server)
		stplr_room_made(channel);
	stplr_events_end(channel->device, &connection->events);
	stplr_connection_unwatch(connection);
	stplr_attach_leave(connection);
	stplr_peer_closed(channel);
	stplr_dbg(2, "connection %u detached\n", connection->coid);
	return 0;
}

/* Nothing comes over it any more, by an event either. */
static void stplr_attach_stop(struct stplr_connection *connection)
{
	struct stplr_channel *channel = connection->channel;

	spin_lock(&channel->lock);
	connection->detached = true;
	spin_unlock(&channel->lock);
}

/* The last descriptor is closed: no thread is in a call, but messages may be parked. */
void stplr_attach_end(struct stplr_connection *connection)
{
	if (connection->channel->server)
		stplr_attach_stop(connection);
	stplr_parked_drop(connection, NULL);
	stplr_patience_end(&connection->own);
	stplr_events_end(connection->channel->device, &connection->events);
	stplr_connection_unwatch(connection);
	stplr_buffers_end(&connection->buffers);
	trace_stplr_death(STPLR_DEATH_CONNECTION, connection->channel, connection->coid);
	stplr_dbg(2, "connection %u ended\n", connection->coid);
	stplr_attach_leave(connection);
	stplr_peer_closed(connection->channel);
	stplr_connection_put(connection);
}
