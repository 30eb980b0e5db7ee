// SPDX-License-Identifier: GPL-2.0
/*
 * Notices: pulses by which the module tells a server, or a client, of what befell the other.
 *
 * Each is part of the object of which it speaks, so it needs no place in a pool and cannot be lost:
 * that a client wants to be unblocked is part of its message, that a client has disconnected part
 * of struct stplr_client, and that a connection's channel has ended part of a watch.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

#include "stplr.h"

/* A client that wants to be unblocked */

/*
 * The client wants to be unblocked: tells the server, once. While a reply is being copied there is
 * nothing to tell, unless that comes to nothing. Who is to be woken, or NULL.
 */
struct task_struct *stplr_unblock_request(struct stplr_message *message)
{
	struct stplr_connection *connection = message->connection;
	struct stplr_channel *channel = connection->channel;
	struct stplr_pulse_entry *pulse = &message->unblock;

	lockdep_assert_held(&channel->lock);
	message->unblocking |= STPLR_UNBLOCK_WANTED;
	if (message->unblocking & STPLR_UNBLOCK_TOLD || message->state != STPLR_RECEIVED)
		return NULL;
	message->unblocking |= STPLR_UNBLOCK_TOLD;
	pulse->origin = STPLR_NOTICE_UNBLOCK;
	pulse->entry.priority = message->entry.priority;
	pulse->code = STPLR_PULSE_UNBLOCK;
	pulse->value = message->rcvid;
	pulse->scoid = connection->process->scoid;
	pulse->coid = connection->coid;
	pulse->cookie = READ_ONCE(connection->cookie);
	if (stplr_pulse_queue(channel, pulse))
		return NULL;
	return stplr_pulse_receiver(channel);
}

/* The message ends: what was not received of it is not worth telling any more. */
void stplr_unblock_forget(struct stplr_message *message)
{
	if (message->unblock.queued)
		stplr_pulse_dequeue(message->connection->channel, &message->unblock);
}

/* A client that is told of the end of its server's channel */

static void stplr_watch_free(struct kref *ref)
{
	struct stplr_watch *watch = container_of(ref, struct stplr_watch, ref);

	stplr_channel_put(watch->target);
	kfree(watch);
}

/* The watch's channel has ended. */
static void stplr_watch_fire(struct stplr_watch *watch)
{
	struct stplr_channel *target = watch->target;
	struct task_struct *receiver = NULL;
	bool queued = false;

	spin_lock(&target->lock);
	if (!watch->cancelled && !stplr_pulse_queue(target, &watch->pulse)) {
		kref_get(&watch->ref); /* the queue's */
		receiver = stplr_pulse_receiver(target);
		queued = true;
	}
	spin_unlock(&target->lock);
	if (queued) {
		stplr_wake(receiver);
		stplr_channel_wake_pollers(target);
	}
}

/* The connection is not watched any more, and a pulse that was not received is taken back. */
static void stplr_watch_end(struct stplr_watch *watch)
{
	bool queued;

	spin_lock(&watch->target->lock);
	watch->cancelled = true;
	queued = watch->pulse.queued;
	if (queued)
		stplr_pulse_dequeue(watch->target, &watch->pulse);
	spin_unlock(&watch->target->lock);
	if (queued)
		kref_put(&watch->ref, stplr_watch_free);
	kref_put(&watch->ref, stplr_watch_free);
}

/* Takes the connection's watch, with its reference, or NULL. */
static struct stplr_watch *stplr_watch_take(struct stplr_connection *connection)
{
	struct stplr_watch *watch = connection->watch;

	lockdep_assert_held(&connection->channel->lock);
	if (watch)
		list_del_init(&watch->link);
	connection->watch = NULL;
	return watch;
}

void stplr_connection_unwatch(struct stplr_connection *connection)
{
	struct stplr_watch *watch;

	spin_lock(&connection->channel->lock);
	watch = stplr_watch_take(connection);
	spin_unlock(&connection->channel->lock);
	if (watch)
		stplr_watch_end(watch);
}

/* The channel has ended: tells who watches. */
void stplr_channel_end_watches(struct stplr_channel *channel)
{
	struct stplr_watch *watch;

	do {
		spin_lock(&channel->lock);
		watch = list_first_entry_or_null(&channel->watches, struct stplr_watch, link);
		if (watch) {
			list_del_init(&watch->link);
			kref_get(&watch->ref);
		}
		spin_unlock(&channel->lock);
		if (watch) {
			stplr_watch_fire(watch);
			kref_put(&watch->ref, stplr_watch_free);
		}
		cond_resched();
	} while (watch);
}

static struct stplr_watch *stplr_watch_new(const struct stplr_connection *connection,
					   const struct stplr_connect_notify *args)
{
	struct stplr_watch *watch;
	struct stplr_channel *target;

	target = stplr_channel_fdget(args->channel);
	if (IS_ERR(target))
		return ERR_CAST(target);
	watch = ERR_PTR(-EINVAL);
	if (target->device != connection->channel->device || target->flags & STPLR_CHANNEL_LISTEN)
		goto put_target;
	watch = kzalloc(sizeof(*watch), GFP_KERNEL_ACCOUNT);
	if (!watch) {
		watch = ERR_PTR(-ENOMEM);
		goto put_target;
	}
	kref_init(&watch->ref);
	watch->target = target;
	watch->pulse.origin = STPLR_NOTICE_DEATH;
	watch->pulse.entry.priority = args->priority == STPLR_PRIORITY_OWN ?
					      stplr_priority_of(current) :
					      args->priority;
	watch->pulse.code = STPLR_PULSE_CONNECTION_DEATH;
	watch->pulse.value = args->value;
	watch->pulse.scoid = connection->process->scoid;
	watch->pulse.coid = connection->coid;
	return watch;

put_target:
	stplr_channel_put(target);
	return watch;
}

long stplr_notify_ioctl(struct stplr_connection *connection, const void __user *arg,
			unsigned int size)
{
	struct stplr_channel *channel = connection->channel;
	struct stplr_watch *watch = NULL, *old;
	struct stplr_connect_notify args;
	bool dead = false, detached;
	int err;

	err = stplr_args_get(&args, sizeof(args), arg, size);
	if (err)
		return err;
	if (args.priority < STPLR_PRIORITY_OWN || args.priority > STPLR_PRIORITY_MAX ||
	    args.channel < -1 || args.flags || args.reserved)
		return -EINVAL;
	if (args.channel < 0 && (args.priority || args.value))
		return -EINVAL;
	if (args.channel >= 0) {
		watch = stplr_watch_new(connection, &args);
		if (IS_ERR(watch))
			return PTR_ERR(watch);
	}

	spin_lock(&channel->lock);
	detached = connection->detached;
	old = stplr_watch_take(connection);
	if (watch && !detached) {
		dead = channel->dead;
		INIT_LIST_HEAD(&watch->link);
		if (!dead)
			list_add_tail(&watch->link, &channel->watches);
		connection->watch = watch;
		if (dead)
			kref_get(&watch->ref);
	}
	spin_unlock(&channel->lock);

	if (old)
		stplr_watch_end(old);
	if (dead) {
		stplr_watch_fire(watch);
		kref_put(&watch->ref, stplr_watch_free);
	}
	if (watch && detached)
		kref_put(&watch->ref, stplr_watch_free);
	return detached ? -EBADF : 0;
}

/* A notice that was received, or is not to be any more. */
void stplr_notice_release(struct stplr_pulse_entry *pulse, enum stplr_pulse_origin origin)
{
	switch (origin) {
	case STPLR_NOTICE_DISCONNECT:
		stplr_client_free(container_of(pulse, struct stplr_client, disconnect));
		break;
	case STPLR_NOTICE_DEATH:
		kref_put(&container_of(pulse, struct stplr_watch, pulse)->ref, stplr_watch_free);
		break;
	default: /* a message's, which may be gone */
		break;
	}
}
