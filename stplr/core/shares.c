// SPDX-License-Identifier: GPL-2.0
/*
 * What each user has of a channel's places: its queue's, and its pulses'. Many users share a
 * channel; none of them is to take what the others need, however many connections it makes.
 *
 * A share lives as long as one of its user's connections, and so as long as anything that was sent
 * over one: whoever connects anew finds what it has there still.
 */

#include <linux/slab.h>
#include <linux/xarray.h>

#include "base/quota.h"
#include "core/channel.h"
#include "core/connection.h"
#include "core/device.h"
#include "core/shares.h"

static bool stplr_share_join_known(struct stplr_connection *connection,
				   struct stplr_channel *channel, u32 uid)
{
	struct stplr_share *share;

	lockdep_assert_held(&channel->device->registry);
	share = xa_load(&channel->shares, uid);
	if (!share)
		return false;
	share->nr_connections++;
	connection->share = share;
	return true;
}

/* The connection is one more of its user's to its channel. */
int stplr_share_join(struct stplr_connection *connection)
{
	struct stplr_channel *channel = connection->channel;
	struct stplr_device *device = channel->device;
	u32 uid = __kuid_val(connection->user->uid);
	struct stplr_share *fresh;
	bool known;
	int err;

	mutex_lock(&device->registry);
	known = stplr_share_join_known(connection, channel, uid);
	mutex_unlock(&device->registry);
	if (known)
		return 0;

	/* without the mutex, for memory may take its time */
	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	if (!fresh)
		return -ENOMEM;
	fresh->uid = uid;
	fresh->stranger = connection->user != channel->user;
	fresh->bounded = fresh->stranger && !channel->peer.listener;
	RB_CLEAR_NODE(&fresh->waiting);
	INIT_LIST_HEAD(&fresh->crowd);
	err = xa_reserve(&channel->shares, uid, GFP_KERNEL_ACCOUNT);
	if (err)
		goto free_fresh;

	mutex_lock(&device->registry);
	known = stplr_share_join_known(connection, channel, uid);
	if (!known) {
		/* needs memory only if another thread has come and gone meanwhile */
		err = xa_err(xa_store(&channel->shares, uid, fresh, GFP_KERNEL_ACCOUNT));
		if (!err)
			stplr_share_join_known(connection, channel, uid);
	}
	mutex_unlock(&device->registry);
	if (!known && !err)
		return 0;
	if (err)
		xa_release(&channel->shares, uid);

free_fresh:
	kfree(fresh);
	return err;
}

/* The connection, with all that was sent over it, is gone. */
void stplr_share_leave(struct stplr_connection *connection)
{
	struct stplr_channel *channel = connection->channel;
	struct stplr_share *share = connection->share;
	struct stplr_device *device;
	bool last;

	if (!share)
		return;
	device = channel->device;
	mutex_lock(&device->registry);
	last = !--share->nr_connections;
	if (last)
		xa_erase(&channel->shares, share->uid);
	mutex_unlock(&device->registry);
	if (!last)
		return;
	WARN_ON(share->nr_queued || share->nr_pulses || !list_empty(&share->crowd));
	kfree(share);
}

/*
 * The line before a channel: first its own user, who may have more of it, then who has least there;
 * of equals who came first. So if the first finds no room, nobody does.
 */
static bool stplr_share_before(const struct stplr_share *share, const struct stplr_share *other)
{
	if (share->stranger != other->stranger)
		return other->stranger;
	return share->nr_queued < other->nr_queued;
}

static bool stplr_share_less(struct rb_node *node, const struct rb_node *other)
{
	return stplr_share_before(rb_entry(node, struct stplr_share, waiting),
				  rb_entry(other, struct stplr_share, waiting));
}

/* The first in the line, or NULL. */
struct stplr_share *stplr_share_next(const struct stplr_channel *channel)
{
	struct rb_node *first = rb_first_cached(&channel->crowd);

	lockdep_assert_held(&channel->lock);
	return first ? rb_entry(first, struct stplr_share, waiting) : NULL;
}

/* It goes behind its equals, if it stands in the line. */
void stplr_share_sort(struct stplr_channel *channel, struct stplr_share *share)
{
	lockdep_assert_held(&channel->lock);
	if (RB_EMPTY_NODE(&share->waiting))
		return;
	rb_erase_cached(&share->waiting, &channel->crowd);
	rb_add_cached(&share->waiting, &channel->crowd, stplr_share_less);
}

/* The user has one message more in the channel's queue, or one less. */
void stplr_share_queued(struct stplr_channel *channel, struct stplr_share *share, int change)
{
	lockdep_assert_held(&channel->lock);
	channel->nr_queued += change;
	share->nr_queued += change;
	stplr_share_sort(channel, share);
}

/* Threads wait over the connection. */
void stplr_share_line_up(struct stplr_channel *channel, struct stplr_connection *connection)
{
	struct stplr_share *share = connection->share;

	lockdep_assert_held(&channel->lock);
	list_add_tail(&connection->crowded, &share->crowd);
	if (RB_EMPTY_NODE(&share->waiting))
		rb_add_cached(&share->waiting, &channel->crowd, stplr_share_less);
}

/* None do any more, or not in the line. */
void stplr_share_step_out(struct stplr_channel *channel, struct stplr_connection *connection)
{
	struct stplr_share *share = connection->share;

	lockdep_assert_held(&channel->lock);
	list_del_init(&connection->crowded);
	if (!list_empty(&share->crowd) || RB_EMPTY_NODE(&share->waiting))
		return;
	rb_erase_cached(&share->waiting, &channel->crowd);
	RB_CLEAR_NODE(&share->waiting);
}
