/* SPDX-License-Identifier: GPL-2.0 */
/* What one user has in a channel. */
#ifndef STPLR_CORE_SHARE_H
#define STPLR_CORE_SHARE_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>

/**
 * struct stplr_share - what one user has in a channel, and waits for there
 * @uid: who; its place in channel->shares
 * @bounded: it is not the channel's own user, nor the only one who can have anything there
 * @stranger: it is not the channel's own user
 * @nr_connections: how many refer to it; under device->registry
 * @nr_queued: messages sent with STPLR_SEND_QUEUED that were not freed yet; under channel->lock
 * @nr_pulses: pulses of the pool that are in use; under pool->lock
 * @waiting: in channel->crowd while @crowd is not empty; under the lock of the channel in whose
 *	line it stands, which is the listening one for a connection that is to be accepted
 * @crowd: connections over which threads wait for room there; under the same lock
 */
struct stplr_share {
	u32 uid;
	bool bounded;
	bool stranger;
	unsigned int nr_connections;
	unsigned int nr_queued;
	unsigned int nr_pulses;
	struct rb_node waiting;
	struct list_head crowd;
};

/*
 * May a user who has @own of @bound places, of which @used are taken, take one more? The last
 * eighth is left for the channel's own user. Of the rest each may have as many as it leaves free
 * for others: one alone half of them, two a third each. However many come, the next finds room, if
 * less and less of it.
 */
static inline bool stplr_share_allows(const struct stplr_share *share, unsigned int bound,
				      unsigned int used, unsigned int own)
{
	if (share->stranger)
		bound -= bound / 8;
	return used < bound && (!share->bounded || own < bound - used);
}

#endif /* STPLR_CORE_SHARE_H */
