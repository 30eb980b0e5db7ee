// SPDX-License-Identifier: GPL-2.0
/* Calls whose operation runs, on a channel that kernel code serves. */

#include <linux/jiffies.h>
#include <linux/sched.h>
#include <uapi/linux/stplr.h>

#include "core/channel.h"
#include "core/client.h"
#include "core/connection.h"
#include "core/room.h"
#include "core/server.h"
#include "core/serving.h"

/* Lets a call in, if there is room: a stplr_enter_function; or why it is refused. */
int stplr_serving_try(struct stplr_channel *channel, void *arg, struct task_struct **receiver)
{
	struct stplr_server *server = channel->server;
	struct stplr_serving *serving = arg;
	int err;

	err = stplr_connection_refused(serving->connection);
	if (err)
		return err;
	if (unlikely(server->pending_max) && serving->request.kind != STPLR_KIND_PULSE &&
	    server->nr_running + server->hands.nr_held >= server->pending_max)
		return STPLR_NO_ROOM;
	hlist_add_head(&serving->link, &server->running);
	server->nr_running++;
	serving->connection->nr_running++;
	serving->seq = ++channel->last_seq;
	if (serving->request.kind == STPLR_KIND_PULSE)
		channel->nr_pulses++;
	serving->since = jiffies;
	return 0;
}

/*
 * The operation of a call has returned. If that was what the end of the server or of the connection
 * waited for, it goes on.
 */
void stplr_serving_end(struct stplr_serving *serving)
{
	struct stplr_connection *connection = serving->connection;
	struct stplr_channel *channel = connection->channel;
	struct stplr_server *server = channel->server;
	bool idle, left;

	spin_lock(&channel->lock);
	__hlist_del(&serving->link);
	server->nr_running--;
	connection->nr_running--;
	if (!serving->kept && serving->request.kind != STPLR_KIND_PULSE) {
		channel->nr_served++;
		channel->nr_replies += serving->request.kind == STPLR_KIND_SEND_RECEIVE;
	}
	idle = channel->dead && !server->nr_running;
	left = connection->detached && !connection->nr_running;
	spin_unlock(&channel->lock);

	/* the connection keeps both, whatever they wake does */
	if (unlikely(idle))
		wake_up_all(&server->idle);
	if (unlikely(left))
		stplr_client_leave(connection, channel);
	if (unlikely(server->pending_max))
		stplr_room_made(channel);
}

static bool stplr_servings_idle(struct stplr_channel *channel)
{
	bool idle;

	spin_lock(&channel->lock);
	idle = !channel->server->nr_running;
	spin_unlock(&channel->lock);
	return idle;
}

/* Waits for the operations that run on a dead channel. */
void stplr_servings_drain(struct stplr_channel *channel)
{
	wait_event(channel->server->idle, stplr_servings_idle(channel));
}

/* Does the calling thread run an operation of the channel's? */
bool stplr_serving_here(struct stplr_channel *channel)
{
	const struct stplr_serving *serving;
	bool here = false;

	spin_lock(&channel->lock);
	hlist_for_each_entry(serving, &channel->server->running, link) {
		here = serving->task == current;
		if (here)
			break;
	}
	spin_unlock(&channel->lock);
	return here;
}
