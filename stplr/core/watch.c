// SPDX-License-Identifier: GPL-2.0
/* Connections whose owners are told of the end of their channels. */

#include <linux/list.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "base/late.h"
#include "base/wake.h"
#include "core/channel.h"
#include "core/connection.h"
#include "core/object.h"
#include "core/pulse.h"
#include "core/receiver.h"
#include "core/watch.h"

static void stplr_watch_free(struct kref *ref)
{
	struct stplr_watch *watch = container_of(ref, struct stplr_watch, ref);

	if (watch->target)
		stplr_channel_put(watch->target);
	kfree(watch);
}

void stplr_watch_put(struct stplr_watch *watch)
{
	kref_put(&watch->ref, stplr_watch_free);
}

/* The watch's channel has ended. */
void stplr_watch_fire(struct stplr_watch *watch)
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
void stplr_watch_end(struct stplr_watch *watch)
{
	bool queued;

	/* the work of one that is on no list any more is not queued any more */
	if (watch->work) {
		stplr_watch_put(watch);
		return;
	}
	spin_lock(&watch->target->lock);
	watch->cancelled = true;
	queued = watch->pulse.queued;
	if (queued)
		stplr_pulse_dequeue(watch->target, &watch->pulse);
	spin_unlock(&watch->target->lock);
	if (queued)
		stplr_watch_put(watch);
	stplr_watch_put(watch);
}

/* Takes the connection's watch, with its reference, or NULL. */
struct stplr_watch *stplr_watch_take(struct stplr_connection *connection)
{
	struct stplr_watch *watch = connection->watch;

	lockdep_assert_held(&connection->channel->lock);
	if (watch)
		list_del_init(&watch->link);
	connection->watch = NULL;
	return watch;
}

/*
 * Has kernel code, whose connection it is, told of the end of the channel, by @work; ENOMEM. Once
 * stplr_connection_unwatch() has returned the work is not queued any more.
 */
int stplr_watch_kernel(struct stplr_connection *connection, struct work_struct *work)
{
	struct stplr_channel *channel = connection->channel;
	struct stplr_watch *watch = kzalloc(sizeof(*watch), GFP_KERNEL);

	if (!watch)
		return -ENOMEM;
	kref_init(&watch->ref);
	INIT_LIST_HEAD(&watch->link);
	watch->work = work;
	spin_lock(&channel->lock);
	connection->watch = watch;
	if (channel->dead)
		stplr_queue_late(work);
	else
		list_add_tail(&watch->link, &channel->watches);
	spin_unlock(&channel->lock);
	return 0;
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
			if (watch->work)
				stplr_queue_late(watch->work);
		}
		spin_unlock(&channel->lock);
		if (watch) {
			if (!watch->work)
				stplr_watch_fire(watch);
			stplr_watch_put(watch);
		}
		cond_resched();
	} while (watch);
}
