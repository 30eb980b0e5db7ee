// SPDX-License-Identifier: GPL-2.0
/*
 * The rest of messages.h: messages that wait for their reply beside another.
 *
 * One of them stands outside, and there is no other where the server answers each before it
 * receives the next. The others are in a tree, by rcvid: however many a server leaves unanswered,
 * and whichever, to find one takes as many steps as their number has digits.
 */

#include <linux/rbtree.h>

#include "core/messages.h"

static struct stplr_message *stplr_received_of(struct rb_node *node)
{
	return rb_entry_safe(node, struct stplr_message, received_node);
}

static bool stplr_received_before(struct rb_node *a, const struct rb_node *b)
{
	const struct stplr_message *other = rb_entry(b, struct stplr_message, received_node);

	return stplr_received_of(a)->rcvid < other->rcvid;
}

void stplr_received_add_more(struct stplr_channel *channel, struct stplr_message *message)
{
	rb_add(&message->received_node, &channel->received_more, stplr_received_before);
}

/* The one in the tree with this rcvid or, if it is not there, the next higher; or NULL. */
static struct stplr_message *stplr_received_from(struct stplr_channel *channel, s32 rcvid)
{
	struct rb_node *node = channel->received_more.rb_node;
	struct stplr_message *found = NULL;

	while (node) {
		struct stplr_message *message = stplr_received_of(node);

		if (message->rcvid >= rcvid)
			found = message;
		node = message->rcvid >= rcvid ? node->rb_left : node->rb_right;
	}
	return found;
}

struct stplr_message *stplr_received_lookup_more(struct stplr_channel *channel, s32 rcvid)
{
	struct stplr_message *message = stplr_received_from(channel, rcvid);

	return message && message->rcvid == rcvid ? message : NULL;
}

/* The one with the lowest rcvid above @rcvid, or NULL. */
struct stplr_message *stplr_received_next(struct stplr_channel *channel, s32 rcvid)
{
	struct stplr_message *message = NULL, *one = channel->received;

	lockdep_assert_held(&channel->lock);
	if (rcvid < S32_MAX)
		message = stplr_received_from(channel, rcvid + 1);
	if (one && one->rcvid > rcvid && (!message || one->rcvid < message->rcvid))
		message = one;
	return message;
}
