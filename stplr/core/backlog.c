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
#include <linux/wait.h>

#include "base/wake.h"
#include "core/backlog.h"
#include "core/channel.h"
#include "core/client.h"
#include "core/connection.h"
#include "core/object.h"
#include "core/process.h"
#include "core/receiver.h"
#include "core/wait.h"

/* One of a listener's children, with the backlog's reference to it; its place stays reserved. */
struct stplr_channel *stplr_backlog_pop(struct stplr_channel *listener)
{
	struct stplr_channel *child;

	lockdep_assert_held(&listener->lock);
	child = list_first_entry_or_null(&listener->backlog, struct stplr_channel, peer.waiting);
	if (child)
		list_del_init(&child->peer.waiting);
	return child;
}

/* Takes a place in the backlog, for a channel that is still to be made. */
static int stplr_backlog_reserve(struct stplr_channel *listener, void *unused)
{
	int err = 0;

	spin_lock(&listener->lock);
	if (listener->dead || listener->shutdown)
		err = -ESRCH;
	else if (listener->nr_backlog >= listener->backlog_max)
		err = -ENOSPC;
	else
		listener->nr_backlog++;
	spin_unlock(&listener->lock);
	return err;
}

void stplr_backlog_unreserve(struct stplr_channel *listener)
{
	spin_lock(&listener->lock);
	listener->nr_backlog--;
	spin_unlock(&listener->lock);
	wake_up_interruptible(&listener->room);
}

/*
 * Puts a channel on a reserved place, at the end or, if it could not be accepted after all, at the
 * beginning; the backlog takes a reference.
 */
int stplr_backlog_add(struct stplr_channel *listener, struct stplr_channel *child, bool first)
{
	struct task_struct *receiver;

	spin_lock(&listener->lock);
	if (listener->dead || listener->shutdown) {
		spin_unlock(&listener->lock);
		return -ESRCH;
	}
	if (first)
		list_add(&child->peer.waiting, &listener->backlog);
	else
		list_add_tail(&child->peer.waiting, &listener->backlog);
	kref_get(&child->ref);
	receiver = stplr_receiver_pop(listener) ?: stplr_receiver_asleep(listener, true);
	spin_unlock(&listener->lock);

	stplr_wake(receiver);
	stplr_channel_wake_pollers(listener);
	return 0;
}

/*
 * A channel for one connection to @listener, with a reference, and a place reserved in the backlog:
 * either stplr_backlog_enter() or stplr_backlog_forgo() follows.
 * ESRCH, EAGAIN, ETIMEDOUT, ERESTARTSYS, EDQUOT, ENOMEM.
 */
struct stplr_channel *stplr_backlog_join(struct stplr_channel *listener,
					 struct stplr_connection *connection, s64 deadline,
					 clockid_t clock)
{
	const struct stplr_process *process = connection->process;
	struct stplr_channel *child;
	int err;

	err = stplr_room_wait(listener, stplr_backlog_reserve, NULL, deadline, clock);
	if (err)
		return ERR_PTR(err);
	child = stplr_channel_alloc(listener->device, listener);
	if (IS_ERR(child)) {
		stplr_backlog_unreserve(listener);
		return child;
	}
	child->peer.pid = get_pid(process->pid);
	child->peer.uid = current_euid();
	child->peer.gid = current_egid();
	child->peer.scoid = process->scoid;
	child->peer.coid = connection->coid;

	err = stplr_channel_list(child);
	if (err)
		goto put_child;
	err = stplr_client_join(connection, child);
	if (err)
		goto put_child;
	return child;

put_child:
	stplr_backlog_unreserve(listener);
	stplr_channel_put(child);
	return ERR_PTR(err);
}

/* From now on the channel, if it is one of a listener's, may be accepted; or ESRCH. */
int stplr_backlog_enter(struct stplr_channel *child)
{
	struct stplr_channel *listener = child->peer.listener;

	return listener ? stplr_backlog_add(listener, child, false) : 0;
}

/* Its connection did not come about. */
void stplr_backlog_forgo(struct stplr_channel *child)
{
	if (child->peer.listener)
		stplr_backlog_unreserve(child->peer.listener);
}
