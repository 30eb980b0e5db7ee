// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel code as a client: a link to a name, which is up while somebody serves there.
 *
 * Who calls or posts finds the line under RCU. To take it down it is hidden first, from who comes
 * then; a grace period later nobody posts any more, what was posted and what waits is ended, and
 * once nobody uses the line it is freed.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uio.h>

#include <linux/stplr_kernel.h>
#include <uapi/linux/stplr.h>

#include "base/clock.h"
#include "base/late.h"
#include "base/params.h"
#include "base/priority.h"
#include "call/attach.h"
#include "call/send.h"
#include "call/serve.h"
#include "core/channel.h"
#include "core/connection.h"
#include "core/device.h"
#include "core/line.h"
#include "core/link.h"
#include "core/name.h"
#include "core/slot.h"
#include "core/watch.h"
#include "memory/buffer.h"
#include "peer/link.h"
#include "trace.h"

/* After that long a name that is there and could not be connected to is tried again. */
#define STPLR_LINK_RETRY HZ

static bool stplr_link_follows(const struct stplr_link *link)
{
	return link->ops && link->ops->changed;
}

/* Up and down; by one thread at a time, see struct stplr_link. */

/* The link comes up, with a channel whose reference is taken over. */
static int stplr_link_up(struct stplr_link *link, struct stplr_channel *channel, s64 deadline)
{
	struct stplr_connection *connection;
	struct stplr_line *line;
	int err;

	connection = stplr_attach_kernel(channel, link->uid);
	if (IS_ERR(connection))
		return PTR_ERR(connection);
	err = link->posts && connection->channel->direct ? -EOPNOTSUPP : 0;
	if (err)
		goto undo_attach;
	err = -ENOMEM;
	line = stplr_line_new(link, connection);
	if (!line)
		goto undo_attach;
	stplr_line_init(line);
	err = stplr_attach_enter(connection, deadline, CLOCK_MONOTONIC);
	if (!err && stplr_link_follows(link))
		err = stplr_watch_kernel(connection, &link->work.work);
	if (err) {
		stplr_line_free(line);
		stplr_attach_end(connection);
		return err;
	}
	rcu_assign_pointer(link->line, line);
	return 0;

undo_attach:
	stplr_attach_undo(connection);
	return err;
}

/* It goes down, whoever uses it: all posts have ended when this returns, and no call runs. */
static void stplr_link_down(struct stplr_link *link, struct stplr_line *line)
{
	RCU_INIT_POINTER(link->line, NULL);
	synchronize_rcu();
	stplr_line_flush(line);
	/* before the server is told that its client is gone */
	stplr_line_cancel(line);
	stplr_detach(line->connection);
	stplr_line_release(line);
	wait_for_completion(&line->unused);
	stplr_attach_end(line->connection);
	stplr_line_free(line);
}

/* Only who may change it asks. */
static struct stplr_line *stplr_link_line(struct stplr_link *link)
{
	return rcu_dereference_protected(link->line, true);
}

static void stplr_link_free(struct stplr_link *link)
{
	struct stplr_device *device = link->device;

	mutex_lock(&device->registry);
	xa_erase(&device->links, link->id);
	mutex_unlock(&device->registry);
	kfree(link);
}

/* Tells the driver; false: it has closed the link, which is gone. */
static bool stplr_link_tell(struct stplr_link *link, int how)
{
	if (how == link->error)
		return true;
	link->error = how;
	WRITE_ONCE(link->teller, current);
	link->ops->changed(link, how);
	WRITE_ONCE(link->teller, NULL);
	if (!link->orphan)
		return true;
	stplr_link_free(link);
	return false;
}

/* Has the module a link, on whatever device? */
static bool stplr_module_has_link(const struct module *module)
{
	struct stplr_device *device;
	struct stplr_link *link;
	unsigned int index;
	unsigned long id;
	bool has = false;

	for (index = 0; !has && index < STPLR_DEVICES_MAX; index++) {
		device = stplr_device_find(index);
		if (!device)
			continue;
		mutex_lock(&device->registry);
		xa_for_each(&device->links, id, link)
			has |= link->owner == module;
		mutex_unlock(&device->registry);
	}
	return has;
}

/*
 * A module has exited, and its code is about to go. It has closed its links; but where a changed
 * operation has done so, that may not have returned yet, and nobody else waits for it.
 */
static int stplr_link_module_event(struct notifier_block *block, unsigned long state, void *module)
{
	if (state == MODULE_STATE_GOING && stplr_module_has_link(module))
		stplr_late_flush();
	return NOTIFY_OK;
}

static struct notifier_block stplr_link_modules = {
	.notifier_call = stplr_link_module_event,
};

int stplr_links_init(void)
{
	return register_module_notifier(&stplr_link_modules);
}

void stplr_links_exit(void)
{
	unregister_module_notifier(&stplr_link_modules);
}

/* The name may have come, or the channel have gone. */
static void stplr_link_work(struct work_struct *work)
{
	struct stplr_link *link = container_of(to_delayed_work(work), struct stplr_link, work);
	struct stplr_line *line = stplr_link_line(link);
	struct stplr_channel *channel;
	int err;

	if (READ_ONCE(link->closing))
		return;
	if (line) {
		if (!READ_ONCE(line->connection->channel->dead))
			return;
		stplr_link_down(link, line);
		if (!stplr_link_tell(link, 0))
			return;
	}
	channel = stplr_name_expect(link->device, &link->waiter);
	if (IS_ERR(channel))
		return;
	err = stplr_link_up(link, channel, STPLR_DEADLINE_POLL);
	if (!stplr_link_tell(link, err ?: 1))
		return;
	if (err)
		stplr_queue_late_after(&link->work, STPLR_LINK_RETRY);
}

/* What a driver may ask for. */
static int stplr_link_check(const struct stplr_link_params *params,
			    const struct stplr_link_ops *ops)
{
	size_t max = READ_ONCE(stplr_message_max);

	if (stplr_name_check_kernel(params->name))
		return -EINVAL;
	if (params->flags & ~STPLR_LINK_UID)
		return -EINVAL;
	/* without the flag it is 0, which says nothing */
	if (params->flags & STPLR_LINK_UID ? !uid_valid(params->uid) :
					     !uid_eq(params->uid, GLOBAL_ROOT_UID))
		return -EINVAL;
	if (!(ops && ops->changed) && !stplr_deadline_valid(params->deadline, CLOCK_MONOTONIC))
		return -EINVAL;
	if (params->posts > STPLR_LINK_POSTS_MAX || params->post_max > max ||
	    params->reply_max > max)
		return -EINVAL;
	if (!params->posts && (params->post_max || params->reply_max))
		return -EINVAL;
	return params->reply_max && !(ops && ops->posted) ? -EINVAL : 0;
}

/* Waits for the name, and comes up. */
static int stplr_link_wait(struct stplr_link *link, s64 deadline)
{
	struct stplr_channel *channel;

	deadline = stplr_deadline_kernel(deadline);
	channel = stplr_name_wait(link->device, link->name, true, deadline, CLOCK_MONOTONIC);
	if (IS_ERR(channel))
		return PTR_ERR(channel);
	return stplr_link_up(link, channel, deadline);
}

/**
 * stplr_link_open() - become a client of whoever serves a name
 * @params: whose, and what may be posted; not looked at any more after
 * @ops: what is to be told, there until stplr_link_close() has returned; or NULL
 * @data: for stplr_link_data()
 *
 * Without a changed operation it waits for the name, and the link that is returned is up. When its
 * server has gone it stays so, of no use, to be closed. With such an operation it does not wait:
 * the link comes up, goes down, and comes up again, and the operation, which may run before this
 * returns, is told; it closes the link no sooner.
 *
 * The link does not hold the driver's module, whose exit function closes it.
 *
 * Context: process; sleeps, killably. Return: a link, to be ended by stplr_link_close(); or an
 * ERR_PTR: EINVAL (a bad name, flag, user, deadline, number or size), ENODEV (no such device),
 * ENOMEM; and without a changed operation: ENOENT (no such name, and not waiting), ETIMEDOUT, EINTR
 * (the thread is killed), EPERM (the server is not @params->uid's), EOPNOTSUPP (posts to a driver
 * that serves in the thread that sends), EACCES (the channel is private), EAGAIN (its backlog is
 * full, and not waiting), EBUSY, ESRCH or what the driver says, if it refuses, EDQUOT (root's
 * connections).
 */
struct stplr_link *stplr_link_open(const struct stplr_link_params *params,
				   const struct stplr_link_ops *ops, void *data)
{
	struct stplr_device *device = stplr_device_find(params->device);
	struct stplr_link *link;
	int err;

	err = stplr_link_check(params, ops);
	if (err)
		return ERR_PTR(err);
	if (!device)
		return ERR_PTR(-ENODEV);
	link = kzalloc(sizeof(*link), GFP_KERNEL);
	if (!link)
		return ERR_PTR(-ENOMEM);
	link->ops = ops;
	link->data = data;
	link->device = device;
	link->owner = params->module;
	strscpy(link->name, params->name, sizeof(link->name));
	strscpy(link->module, params->module ? module_name(params->module) : "vmlinux",
		sizeof(link->module));
	link->uid = params->flags & STPLR_LINK_UID ? params->uid : INVALID_UID;
	link->posts = params->posts;
	link->post_max = params->post_max;
	link->reply_max = params->reply_max;
	link->waiter.name = link->name;
	link->waiter.work = &link->work.work;
	RB_CLEAR_NODE(&link->waiter.node);
	INIT_DELAYED_WORK(&link->work, stplr_link_work);

	err = stplr_link_follows(link) ? 0 : stplr_link_wait(link, params->deadline);
	if (err)
		goto free_link;
	/* found there by who looks on, and nobody else */
	err = xa_alloc(&device->links, &link->id, link, XA_LIMIT(1, INT_MAX), GFP_KERNEL);
	if (err)
		goto down;
	if (stplr_link_follows(link))
		stplr_queue_late(&link->work.work);
	return link;

down:
	if (stplr_link_line(link))
		stplr_link_down(link, stplr_link_line(link));
free_link:
	kfree(link);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(stplr_link_open);

/**
 * stplr_link_data() - what was given to stplr_link_open()
 * @link: the link
 *
 * Context: any.
 */
void *stplr_link_data(const struct stplr_link *link)
{
	return link->data;
}
EXPORT_SYMBOL_GPL(stplr_link_data);

/**
 * stplr_link_close() - the end of a link
 * @link: from stplr_link_open(), or NULL; nobody begins to use it any more
 *
 * Calls that wait end with EBADF, and what was posted and is not answered yet with ECANCELED.
 * Waits for operations that run, and for calls that are in an operation of another driver's. When
 * it returns none does, nor will, and none of the driver's memory is in use; but where the link's
 * own changed operation closes it, that one goes on.
 *
 * Context: process; may sleep; not in a posted operation, nor in another link's changed operation.
 */
void stplr_link_close(struct stplr_link *link)
{
	bool inside;

	if (!link)
		return;
	inside = READ_ONCE(link->teller) == current;
	WRITE_ONCE(link->closing, true);
	/* from here on nobody else changes the line; what queues the work still is in vain */
	if (!inside)
		cancel_delayed_work_sync(&link->work);
	if (stplr_link_follows(link))
		stplr_name_forget(link->device, &link->device->name_waiters, &link->waiter);
	if (stplr_link_line(link))
		stplr_link_down(link, stplr_link_line(link));
	if (inside) {
		cancel_delayed_work(&link->work);
		link->orphan = true;
		return;
	}
	cancel_delayed_work_sync(&link->work);
	stplr_link_free(link);
}
EXPORT_SYMBOL_GPL(stplr_link_close);

/* The line, kept, or NULL. */
static struct stplr_line *stplr_link_use(struct stplr_link *link)
{
	struct stplr_line *line;

	rcu_read_lock();
	line = rcu_dereference(link->line);
	if (line)
		stplr_line_hold(line);
	rcu_read_unlock();
	return line;
}

/* Parts of kernel memory; EINVAL. */
static int stplr_call_import(struct stplr_user_buffer *buffer, const struct kvec *parts,
			     unsigned int nr_parts)
{
	size_t len = 0;
	unsigned int i;

	if (nr_parts > STPLR_CALL_PARTS_MAX)
		return -EINVAL;
	for (i = 0; i < nr_parts; i++) {
		if (parts[i].iov_len > MAX_RW_COUNT - len)
			return -EINVAL;
		len += parts[i].iov_len;
	}
	stplr_user_buffer_kvec(buffer, parts, nr_parts, len);
	return 0;
}

/**
 * stplr_link_call() - send a message, and wait for its answer
 * @link: the link
 * @call: what is sent, and what comes back; its memory is read and written in place, and is the
 *	caller's again when this returns. What is out is written on success only
 *
 * Any number at a time. The server sees the calling thread's priority, and works at it, as for a
 * program that did not ask for more.
 *
 * Context: process; sleeps, killably, with no lock that an operation of the link's, or the server
 * if that is a driver, may want. Return: 0; ENOTCONN: the link is down; ESRCH: the server has died,
 * or ended its channel; EBADF: the link was closed; ETIMEDOUT; EAGAIN: nobody receives, and not
 * waiting; EINTR: the thread is killed; EMSGSIZE: more than the module's parameter message_max, or
 * than a driver that serves takes; EINVAL: a bad deadline, more than STPLR_CALL_PARTS_MAX parts, or
 * 2 GiB in them; EDQUOT (root's messages), ENOMEM; or the server's error, as it chose.
 */
int stplr_link_call(struct stplr_link *link, struct stplr_call *call)
{
	struct stplr_user_buffer from, room;
	struct stplr_answer answer;
	struct stplr_line *line;
	int err;

	if (!stplr_deadline_valid(call->deadline, CLOCK_MONOTONIC))
		return -EINVAL;
	err = stplr_call_import(&from, call->send, call->nr_send);
	if (!err)
		err = stplr_call_import(&room, call->reply, call->nr_reply);
	if (err)
		return err;
	line = stplr_link_use(link);
	if (!line)
		return -ENOTCONN;
	atomic64_inc(&link->calls);
	err = stplr_send_kernel(line->connection, &from, &room, call->deadline, &answer);
	stplr_line_release(line);
	if (err)
		return err;
	call->status = answer.status;
	call->reply_len = answer.len;
	call->reply_total = answer.total;
	return 0;
}
EXPORT_SYMBOL_GPL(stplr_link_call);

/* The same with the line there, under RCU. */
static int stplr_line_try(struct stplr_line *line, int priority, unsigned int flags, u64 cookie,
			  const void *from, size_t len)
{
	struct stplr_channel *channel = line->connection->channel;
	struct stplr_slot *slot;
	int err = -ESRCH;

	if (unlikely(READ_ONCE(channel->dead) || READ_ONCE(channel->shutdown)))
		goto refused;
	slot = stplr_slot_take(line);
	if (unlikely(!slot)) {
		atomic64_inc(&line->link->refused);
		err = -EAGAIN;
		goto refused;
	}
	slot->cookie = cookie;
	stplr_slot_fill(slot, priority, from, len);
	atomic64_inc(&line->link->posted);
	stplr_line_post(line, slot);
	if (!(flags & STPLR_POST_MORE))
		stplr_line_kick(line);
	return 0;

refused:
	/* this is not what those with STPLR_POST_MORE before it are to wait for */
	if (line->slots)
		stplr_line_kick(line);
	return err;
}

/**
 * stplr_link_post() - send a message, and do not wait
 * @link: the link
 * @priority: 0 to 140, as in struct stplr_msg_info
 * @flags: STPLR_POST_MORE
 * @cookie: for the posted operation
 * @from: what is sent; copied
 * @len: bytes
 *
 * Nothing is allocated. What one thread, or one interrupt after the other, posts with the same
 * priority is received in this order. A slot is in use until the server has answered, or, where
 * there is no posted operation, received the message, and that operation has returned.
 *
 * Context: any but NMI, with any lock but those of a scheduler's run queue. Return: 0, and the
 * posted operation will be called; EAGAIN: as many as the link has slots are on their way;
 * ENOTCONN: the link is down; ESRCH: the channel has ended; EMSGSIZE: more than post_max; EINVAL:
 * @priority or @flags.
 */
int stplr_link_post(struct stplr_link *link, int priority, unsigned int flags, u64 cookie,
		    const void *from, size_t len)
{
	struct stplr_line *line;
	int err;

	if (priority < 0 || priority > STPLR_PRIORITY_MAX || flags & ~STPLR_POST_MORE)
		return -EINVAL;
	if (len > link->post_max)
		return -EMSGSIZE;
	rcu_read_lock();
	line = rcu_dereference(link->line);
	err = line ? stplr_line_try(line, priority, flags, cookie, from, len) : -ENOTCONN;
	trace_stplr_post(link, line, cookie, len, err);
	rcu_read_unlock();
	return err;
}
EXPORT_SYMBOL_GPL(stplr_link_post);

/**
 * stplr_link_kick() - send what was posted with STPLR_POST_MORE
 * @link: the link
 *
 * Context: as stplr_link_post().
 */
void stplr_link_kick(struct stplr_link *link)
{
	struct stplr_line *line;

	rcu_read_lock();
	line = rcu_dereference(link->line);
	if (line && line->slots)
		stplr_line_kick(line);
	rcu_read_unlock();
}
EXPORT_SYMBOL_GPL(stplr_link_kick);
