// SPDX-License-Identifier: GPL-2.0
/* A client wants to be told of the end of its server's channel. */

#include <linux/err.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <uapi/linux/stplr.h>

#include "base/priority.h"
#include "call/notify.h"
#include "core/channel.h"
#include "core/connection.h"
#include "core/object.h"
#include "core/process.h"
#include "core/watch.h"

/* Takes over the reference to @target. */
static struct stplr_watch *stplr_watch_new(const struct stplr_connection *connection,
					   struct stplr_channel *target,
					   const struct stplr_connect_notify *args)
{
	struct stplr_watch *watch;

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

/*
 * Has @target, whose reference is taken over, told of the end of the connection's channel, in place
 * of what was before; NULL: nobody.
 */
int stplr_notify(struct stplr_connection *connection, struct stplr_channel *target,
		 const struct stplr_connect_notify *args)
{
	struct stplr_channel *channel = connection->channel;
	struct stplr_watch *watch = NULL, *old;
	bool dead = false, detached;

	if (target) {
		watch = stplr_watch_new(connection, target, args);
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
		stplr_watch_put(watch);
	}
	if (watch && detached)
		stplr_watch_put(watch);
	return detached ? -EBADF : 0;
}
