// SPDX-License-Identifier: GPL-2.0
/*
 * How channels and connections are made, and what goes with the last reference to one. In a file of
 * their own, since the workers, pools and processes that they let go of know them.
 */

#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/init_task.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "base/late.h"
#include "base/params.h"
#include "base/quota.h"
#include "core/channel.h"
#include "core/connection.h"
#include "core/device.h"
#include "core/object.h"
#include "core/patience.h"
#include "core/pool.h"
#include "core/process.h"
#include "core/shares.h"
#include "core/worker.h"
#include "memory/registered.h"

/*
 * Channels count while they live, not while a client keeps what is left of them; accepted ones do
 * not count, for each belongs to a connection, which is its client's.
 */
static int stplr_channel_charge(struct stplr_channel *channel)
{
	return channel->peer.listener ?
		       0 :
		       stplr_charge(&channel->user->channels, READ_ONCE(stplr_user_channels));
}

void stplr_channel_uncharge(struct stplr_channel *channel)
{
	if (!channel->peer.listener)
		stplr_uncharge(&channel->user->channels);
}

/*
 * Puts the channel into device->channels, whole but for its chid. There it stays until it is freed.
 */
int stplr_channel_list(struct stplr_channel *channel)
{
	int err = xa_alloc(&channel->device->channels, &channel->id, channel, XA_LIMIT(1, INT_MAX),
			   GFP_KERNEL_ACCOUNT);

	if (err)
		channel->id = 0; /* not listed, though it may say so */
	return err;
}

static void stplr_channel_unlist(struct stplr_channel *channel)
{
	struct stplr_device *device = channel->device;

	if (!channel->id)
		return;
	mutex_lock(&device->registry);
	xa_erase(&device->channels, channel->id);
	stplr_totals_add(&device->totals, channel);
	mutex_unlock(&device->registry);
}

static void stplr_channel_free(struct kref *ref)
{
	struct stplr_channel *channel = container_of(ref, struct stplr_channel, ref);

	WARN_ON(channel->messages.first || channel->pulses.first ||
		channel->received || !RB_EMPTY_ROOT(&channel->received_more) ||
		!list_empty(&channel->finished) || !list_empty(&channel->backlog) ||
		!RB_EMPTY_ROOT(&channel->crowd.rb_root) || !list_empty(&channel->full) ||
		!list_empty(&channel->watches) || !xa_empty(&channel->clients) ||
		!xa_empty(&channel->shares));
	stplr_channel_unlist(channel);
	stplr_workers_free(channel);
	put_pid(channel->peer.pid);
	put_pid(channel->left);
	if (channel->peer.listener)
		stplr_channel_put(channel->peer.listener);
	stplr_pool_free(channel->pool);
	stplr_process_put(channel->creator);
	put_cred(channel->cred);
	if (!channel->dead)
		stplr_channel_uncharge(channel);
	stplr_user_put(channel->user);
	kfree(channel->server);
	kfree(channel);
}

void stplr_channel_put(struct stplr_channel *channel)
{
	kref_put(&channel->ref, stplr_channel_free);
}

/* What an accepted channel has from its listening one. */
#define STPLR_CHANNEL_INHERITED                                                                    \
	(STPLR_CHANNEL_UNBLOCK | STPLR_CHANNEL_FIXED_PRIORITY | STPLR_CHANNEL_WAKE_HERE)

/* A channel of the calling process, or one that @parent hands out, or @kernel code's. */
struct stplr_channel *stplr_channel_alloc(struct stplr_device *device,
					  struct stplr_channel *parent, bool kernel)
{
	struct stplr_channel *channel;
	int err;

	channel = kzalloc(sizeof(*channel), GFP_KERNEL_ACCOUNT);
	if (!channel)
		return ERR_PTR(-ENOMEM);
	kref_init(&channel->ref);
	channel->device = device;
	spin_lock_init(&channel->lock);
	channel->messages.more = RB_ROOT_CACHED;
	channel->pulses.more = RB_ROOT_CACHED;
	xa_init_flags(&channel->clients, XA_FLAGS_ACCOUNT);
	xa_init_flags(&channel->shares, XA_FLAGS_ACCOUNT);
	INIT_HLIST_HEAD(&channel->receivers);
	INIT_HLIST_HEAD(&channel->pulse_receivers);
	INIT_HLIST_HEAD(&channel->coming);
	INIT_LIST_HEAD(&channel->watches);
	channel->spin_us = parent ? parent->spin_us : STPLR_SPIN_DEFAULT;
	stplr_workers_init(channel, parent);
	channel->received_more = RB_ROOT;
	INIT_LIST_HEAD(&channel->polled);
	stplr_buffers_init(&channel->buffers);
	INIT_LIST_HEAD(&channel->finished);
	INIT_LIST_HEAD(&channel->backlog);
	INIT_LIST_HEAD(&channel->peer.waiting);
	init_waitqueue_head(&channel->readable);
	init_waitqueue_head(&channel->hangup);
	channel->crowd = RB_ROOT_CACHED;
	INIT_LIST_HEAD(&channel->full);

	err = -ENOMEM;
	channel->user = stplr_user_get(parent ? parent->user->uid :
				       kernel ? GLOBAL_ROOT_UID :
						current_euid());
	if (!channel->user)
		goto free_channel;
	channel->peer.listener = parent;
	err = stplr_channel_charge(channel);
	if (err)
		goto put_user;
	channel->creator = parent ? stplr_process_hold(parent->creator) :
			   kernel ? stplr_process_get_of(device, NULL) :
				    stplr_process_get(device);
	if (IS_ERR(channel->creator)) {
		err = PTR_ERR(channel->creator);
		goto uncharge;
	}
	channel->cred = parent ? get_cred(parent->cred) :
			kernel ? prepare_kernel_cred(&init_task) :
				 get_current_cred();
	err = -ENOMEM;
	if (!channel->cred)
		goto put_process;
	if (parent) {
		kref_get(&parent->ref);
		channel->flags = parent->flags & STPLR_CHANNEL_INHERITED;
	}
	return channel;

put_process:
	stplr_process_put(channel->creator);
uncharge:
	stplr_channel_uncharge(channel);
put_user:
	stplr_user_put(channel->user);
free_channel:
	kfree(channel);
	return ERR_PTR(err);
}

static struct kmem_cache *stplr_connection_cache;

int stplr_connection_cache_init(void)
{
	stplr_connection_cache = kmem_cache_create("stplr_connection",
						   sizeof(struct stplr_connection), 0,
						   SLAB_ACCOUNT | SLAB_HWCACHE_ALIGN, NULL);
	return stplr_connection_cache ? 0 : -ENOMEM;
}

void stplr_connection_cache_exit(void)
{
	kmem_cache_destroy(stplr_connection_cache);
}

static void stplr_connection_unlist(struct stplr_device *device, u32 coid)
{
	mutex_lock(&device->registry);
	xa_erase(&device->connections, coid);
	mutex_unlock(&device->registry);
}

/* One that does not count any more. */
static void stplr_connection_dispose(struct stplr_connection *connection)
{
	WARN_ON(connection->busy || !list_empty(&connection->messages));
	stplr_connection_unlist(connection->process->device, connection->coid);
	stplr_share_leave(connection);
	stplr_process_put(connection->process);
	stplr_user_put(connection->user);
	kmem_cache_free(stplr_connection_cache, connection);
}

/* One that has no channel, or not any more. */
void stplr_connection_free(struct stplr_connection *connection)
{
	stplr_uncharge(&connection->user->connections);
	stplr_connection_dispose(connection);
}

static void stplr_connection_release(struct kref *ref)
{
	struct stplr_connection *connection = container_of(ref, struct stplr_connection, ref);
	struct stplr_channel *channel = connection->channel;

	stplr_connection_free(connection);
	stplr_channel_put(channel);
}

void stplr_connection_put(struct stplr_connection *connection)
{
	kref_put(&connection->ref, stplr_connection_release);
}

static void stplr_connection_late(struct work_struct *work)
{
	struct stplr_connection *connection = container_of(work, struct stplr_connection, late);
	struct stplr_channel *channel = connection->channel;

	stplr_connection_dispose(connection);
	stplr_channel_put(channel);
}

static void stplr_connection_release_late(struct kref *ref)
{
	struct stplr_connection *connection = container_of(ref, struct stplr_connection, ref);

	/* its user may have another at once */
	stplr_uncharge(&connection->user->connections);
	INIT_WORK(&connection->late, stplr_connection_late);
	stplr_queue_late(&connection->late);
}

/* The same, for who must not wait for the registry: a server that receives, or answers. */
void stplr_connection_put_late(struct stplr_connection *connection)
{
	kref_put(&connection->ref, stplr_connection_release_late);
}

/* A connection of the calling process, or @kernel code's, with its id, that has no channel yet. */
struct stplr_connection *stplr_connection_alloc(struct stplr_device *device, bool kernel)
{
	struct stplr_connection *connection;
	int err;

	connection = kmem_cache_zalloc(stplr_connection_cache, GFP_KERNEL);
	if (!connection)
		return ERR_PTR(-ENOMEM);
	kref_init(&connection->ref);
	connection->reply_hint = STPLR_WINDOW_MIN;
	INIT_LIST_HEAD(&connection->messages);
	INIT_LIST_HEAD(&connection->crowd);
	INIT_LIST_HEAD(&connection->crowded);
	connection->parked = RB_ROOT;
	connection->parkers = RB_ROOT;
	INIT_LIST_HEAD(&connection->events.events);
	stplr_buffers_init(&connection->buffers);
	init_waitqueue_head(&connection->hangup);
	connection->own.connection = connection;
	stplr_patience_init(&connection->own);

	err = -ENOMEM;
	connection->user = stplr_user_get(kernel ? GLOBAL_ROOT_UID : current_euid());
	if (!connection->user)
		goto free_connection;
	connection->own.sides.user = connection->user;
	err = stplr_charge(&connection->user->connections, READ_ONCE(stplr_user_connections));
	if (err)
		goto put_user;
	connection->process = kernel ? stplr_process_get_of(device, NULL) :
				       stplr_process_get(device);
	if (IS_ERR(connection->process)) {
		err = PTR_ERR(connection->process);
		goto uncharge;
	}
	/* only a place: found there once its descriptor is handed out */
	err = xa_alloc_cyclic(&device->connections, &connection->coid, NULL, STPLR_IDS,
			      &device->last_coid, GFP_KERNEL_ACCOUNT);
	if (err < 0)
		goto put_process;
	return connection;

put_process:
	stplr_process_put(connection->process);
uncharge:
	stplr_uncharge(&connection->user->connections);
put_user:
	stplr_user_put(connection->user);
free_connection:
	kmem_cache_free(stplr_connection_cache, connection);
	return ERR_PTR(err);
}

/* From now on it can be found by its id, whose place is there: cannot fail. */
void stplr_connection_list(struct stplr_connection *connection)
{
	xa_store(&connection->process->device->connections, connection->coid, connection,
		 GFP_KERNEL_ACCOUNT);
}
