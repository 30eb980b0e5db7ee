// SPDX-License-Identifier: GPL-2.0
/*
 * Listening channels. Connecting to one makes a channel for that connection alone, which waits in
 * the listener's backlog, with whatever the client sends already, until the server accepts it.
 * From then on it is a channel like others, except that it knows its client and ends its receives
 * once that has closed.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cred.h>
#include <linux/file.h>
#include <linux/pid_namespace.h>
#include <linux/poll.h>
#include <linux/user_namespace.h>

#include "stplr.h"

/* One of a listener's children, with the backlog's reference to it; its place stays reserved. */
static struct stplr_channel *stplr_backlog_pop(struct stplr_channel *listener)
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

static void stplr_backlog_unreserve(struct stplr_channel *listener)
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
static int stplr_backlog_add(struct stplr_channel *listener, struct stplr_channel *child,
			     bool first)
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

/* Nobody will accept any more: the clients of what waits learn it. */
void stplr_backlog_end(struct stplr_channel *listener)
{
	struct stplr_channel *child;

	for (;;) {
		spin_lock(&listener->lock);
		child = stplr_backlog_pop(listener);
		spin_unlock(&listener->lock);
		if (!child)
			return;
		stplr_backlog_unreserve(listener);
		stplr_channel_destroy(child);
		stplr_channel_put(child);
		cond_resched();
	}
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
		if (unseen) {
			list_del_init(&channel->peer.waiting);
			listener->nr_backlog--;
		}
		spin_unlock(&listener->lock);
	}
	if (unseen) {
		wake_up_interruptible(&listener->room);
		stplr_channel_destroy(channel);
		stplr_channel_put(channel);
		return;
	}
	stplr_channel_wake_receivers(channel);
	wake_up_interruptible_poll(&channel->readable, EPOLLIN | EPOLLHUP);
}

static int stplr_accept_tell(const struct stplr_peer *peer, const struct stplr_channel_accept *args,
			     struct stplr_channel_accept __user *uargs)
{
	struct stplr_channel_accept answer = *args;

	answer.pid = pid_nr_ns(peer->pid, task_active_pid_ns(current));
	answer.uid = from_kuid_munged(current_user_ns(), peer->uid);
	answer.gid = from_kgid_munged(current_user_ns(), peer->gid);
	answer.scoid = peer->scoid;
	answer.coid = peer->coid;
	return copy_to_user(uargs, &answer, sizeof(answer)) ? -EFAULT : 0;
}

static int stplr_accept(struct stplr_channel *listener, bool nonblock,
			const struct stplr_channel_accept *args,
			struct stplr_channel_accept __user *uargs, struct file **file)
{
	s64 deadline = nonblock ? STPLR_DEADLINE_POLL : args->deadline;
	struct stplr_channel *child;
	int err;

	spin_lock(&listener->lock);
	err = stplr_receiver_wait(listener, false, deadline, args->clock);
	child = err ? NULL : stplr_backlog_pop(listener);
	spin_unlock(&listener->lock);
	if (err == -EINTR)
		stplr_receive_leave(listener);
	if (err)
		return err;

	err = stplr_accept_tell(&child->peer, args, uargs);
	if (!err) {
		err = stplr_channel_file(child, args->flags & STPLR_ACCEPT_NONBLOCK, file);
		/* told of a connection that it does not get: as if never told */
		if (err && copy_to_user(uargs, args, sizeof(*args)))
			err = -EFAULT;
	}
	if (!err) {
		stplr_backlog_unreserve(listener);
		return 0;
	}

	/*
	 * The connection is not lost for this: it takes its place again, unless the listener has
	 * ended.
	 */
	if (stplr_backlog_add(listener, child, true)) {
		stplr_backlog_unreserve(listener);
		stplr_channel_destroy(child);
	} else if (READ_ONCE(child->peer.closed)) {
		stplr_peer_closed(child);
	}
	stplr_channel_put(child);
	return err;
}

long stplr_accept_ioctl(struct stplr_channel *channel, bool nonblock, void __user *arg,
			unsigned int size)
{
	struct stplr_channel_accept __user *uargs = arg;
	struct stplr_channel_accept args;
	struct file *file;
	int fd, err;

	err = stplr_args_get(&args, sizeof(args), uargs, size);
	if (err)
		return err;
	if (!(channel->flags & STPLR_CHANNEL_LISTEN) || args.flags & ~STPLR_ACCEPT_NONBLOCK ||
	    args.reserved || !stplr_deadline_valid(args.deadline, args.clock))
		return -EINVAL;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	err = stplr_accept(channel, nonblock, &args, uargs, &file);
	stplr_dbg(2, "accept on channel %d: %d\n", channel->chid, err ?: fd);
	if (err) {
		put_unused_fd(fd);
		return err;
	}
	fd_install(fd, file);
	return fd;
}
