// SPDX-License-Identifier: GPL-2.0
/*
 * Listening channels. Connecting to one makes a channel for that connection alone, which waits in
 * the listener's backlog, with whatever the client sends already, until the server accepts it.
 * From then on it is a channel like others, except that it knows its client and ends its receives
 * once that has closed.
 */

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/sched.h>

#include "base/quota.h"
#include "base/wake.h"
#include "core/backlog.h"
#include "core/channel.h"
#include "core/client.h"
#include "core/connection.h"
#include "core/object.h"
#include "core/process.h"
#include "core/receiver.h"
#include "core/room.h"

/*
 * Takes a place in the backlog from a channel. Unless the listener has ended stplr_room_made()
 * follows.
 */
void stplr_backlog_del(struct stplr_channel *child)
{
	struct stplr_channel *listener = child->peer.listener;

	lockdep_assert_held(&listener->lock);
	list_del_init(&child->peer.waiting);
	listener->nr_backlog--;
}

/* The first of a listener's children, with the backlog's reference to it; its place is free. */
struct stplr_channel *stplr_backlog_pop(struct stplr_channel *listener)
{
	struct stplr_channel *child;

	lockdep_assert_held(&listener->lock);
	child = list_first_entry_or_null(&listener->backlog, struct stplr_channel, peer.waiting);
	if (child)
		stplr_backlog_del(child);
	return child;
}

/* Puts the channel after another; the backlog takes a reference. Who is to be woken, or NULL. */
static struct task_struct *stplr_backlog_insert(struct stplr_channel *listener,
						struct stplr_channel *child,
						struct list_head *after)
{
	lockdep_assert_held(&listener->lock);
	list_add(&child->peer.waiting, after);
	listener->nr_backlog++;
	kref_get(&child->ref);
	return stplr_receiver_pop(listener) ?: stplr_receiver_asleep(listener, true);
}

/* Puts the channel at the end of the backlog, if there is room; or ESRCH. */
static int stplr_backlog_try_add(struct stplr_channel *listener, void *child,
				 struct task_struct **receiver)
{
	if (listener->dead || listener->shutdown)
		return -ESRCH;
	if (listener->nr_backlog >= listener->backlog_max)
		return STPLR_NO_ROOM;
	*receiver = stplr_backlog_insert(listener, child, listener->backlog.prev);
	return 0;
}

/* The channel could not be accepted after all: it is the first again, however many have come. */
int stplr_backlog_put_back(struct stplr_channel *listener, struct stplr_channel *child)
{
	struct task_struct *receiver;

	spin_lock(&listener->lock);
	if (listener->dead || listener->shutdown) {
		spin_unlock(&listener->lock);
		return -ESRCH;
	}
	receiver = stplr_backlog_insert(listener, child, &listener->backlog);
	spin_unlock(&listener->lock);

	stplr_wake(receiver);
	stplr_channel_wake_pollers(listener);
	return 0;
}

/*
 * A channel for one connection to @listener, with a reference; it is not in the backlog yet.
 * EDQUOT, ENOMEM.
 */
struct stplr_channel *stplr_backlog_join(struct stplr_channel *listener,
					 struct stplr_connection *connection)
{
	const struct stplr_process *process = connection->process;
	struct stplr_channel *child;
	int err;

	child = stplr_channel_alloc(listener->device, listener, false);
	if (IS_ERR(child))
		return child;
	child->peer.pid = get_pid(process->pid);
	child->peer.uid = connection->user->uid;
	child->peer.gid = stplr_connection_kernel(connection) ? GLOBAL_ROOT_GID : current_egid();
	child->peer.scoid = process->scoid;
	child->peer.coid = connection->coid;

	err = stplr_channel_list(child);
	if (!err)
		err = stplr_client_join(connection, child);
	if (err) {
		stplr_channel_put(child);
		return ERR_PTR(err);
	}
	return child;
}

/*
 * From now on the connection's channel, if it is one of a listener's, may be accepted; or ESRCH,
 * EAGAIN, ETIMEDOUT, ERESTARTSYS.
 */
int stplr_backlog_enter(struct stplr_connection *connection, s64 deadline, clockid_t clock)
{
	struct stplr_channel *child = connection->channel;
	struct stplr_channel *listener = child->peer.listener;

	if (!listener)
		return 0;
	return stplr_room_enter(listener, connection, stplr_backlog_try_add, child, deadline,
				clock);
}
