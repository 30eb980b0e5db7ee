// SPDX-License-Identifier: GPL-2.0
/*
 * What kernel code posts. A slot is a message with room for its bytes and for the answer's, made
 * before: to post takes one in any context, and it is free again once its driver was told what
 * became of it, in the thread that answers or ends it.
 */

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <linux/stplr_kernel.h>
#include <uapi/linux/stplr.h>

#include "core/connection.h"
#include "core/link.h"
#include "core/slot.h"
#include "trace.h"

/* Bytes of a slot in its message, and of those the ones before its answer's room. */
static size_t stplr_slot_sent(const struct stplr_link *link)
{
	return ALIGN(link->post_max, 8);
}

static bool stplr_slot_sends_inline(const struct stplr_link *link)
{
	return link->post_max <= STPLR_INLINE_MAX;
}

static bool stplr_slot_is_answered_inline(const struct stplr_link *link)
{
	return stplr_slot_sends_inline(link) &&
	       stplr_slot_sent(link) + link->reply_max <= STPLR_INLINE_MAX;
}

static size_t stplr_slot_bytes(const struct stplr_link *link)
{
	size_t bytes = sizeof(struct stplr_slot);

	if (!stplr_slot_sends_inline(link))
		bytes = size_add(bytes, stplr_slot_sent(link));
	if (!stplr_slot_is_answered_inline(link))
		bytes = size_add(bytes, ALIGN(link->reply_max, 8));
	return bytes;
}

static void stplr_slot_init(struct stplr_slot *slot, struct stplr_line *line)
{
	const struct stplr_link *link = line->link;
	struct stplr_message *message = &slot->message;
	u8 *data = message->sides.data, *reply = slot->bytes;

	slot->line = line;
	message->connection = line->connection;
	message->queued = true;
	message->posted = true;
	message->kind = link->ops && link->ops->posted ? STPLR_KIND_SEND_RECEIVE : STPLR_KIND_SEND;
	message->uid = GLOBAL_ROOT_UID;
	message->gid = GLOBAL_ROOT_GID;
	message->sides.user = line->connection->user;
	message->sides.kept = true;
	message->sides.send.copy = stplr_slot_sends_inline(link) ? data : slot->bytes;
	if (stplr_slot_is_answered_inline(link))
		reply = data + stplr_slot_sent(link);
	else if (!stplr_slot_sends_inline(link))
		reply += stplr_slot_sent(link);
	slot->reply.iov_base = reply;
	slot->reply.iov_len = link->reply_max;
	INIT_LIST_HEAD(&message->sides.reply.chunks);
}

/* A line whose slots are all free, over a connection, which it does not refer to by itself. */
struct stplr_line *stplr_line_new(struct stplr_link *link, struct stplr_connection *connection)
{
	struct stplr_line *line;
	unsigned int i;

	line = kzalloc(sizeof(*line), GFP_KERNEL);
	if (!line)
		return NULL;
	line->link = link;
	line->connection = connection;
	refcount_set(&line->users, 1);
	init_completion(&line->unused);
	raw_spin_lock_init(&line->lock);
	init_llist_head(&line->incoming);
	line->stride = ALIGN(stplr_slot_bytes(link), 8);
	if (!link->posts)
		return line;
	line->slots = kvcalloc(link->posts, line->stride, GFP_KERNEL | __GFP_NOWARN);
	if (!line->slots) {
		kfree(line);
		return NULL;
	}
	for (i = link->posts; i--;) {
		struct stplr_slot *slot = stplr_line_slot(line, i);

		stplr_slot_init(slot, line);
		slot->free = line->free;
		line->free = slot;
	}
	return line;
}

void stplr_line_free(struct stplr_line *line)
{
	WARN_ON(line->nr_used || line->taken || !llist_empty(&line->incoming));
	kvfree(line->slots);
	kfree(line);
}

/* One that nobody uses, or NULL; in any context. It keeps the line until it is done. */
struct stplr_slot *stplr_slot_take(struct stplr_line *line)
{
	struct stplr_slot *slot;
	unsigned long flags;

	raw_spin_lock_irqsave(&line->lock, flags);
	slot = line->free;
	if (slot) {
		line->free = slot->free;
		WRITE_ONCE(line->nr_used, line->nr_used + 1);
	}
	raw_spin_unlock_irqrestore(&line->lock, flags);
	if (slot)
		stplr_line_hold(line);
	return slot;
}

static void stplr_slot_give(struct stplr_slot *slot)
{
	struct stplr_line *line = slot->line;
	unsigned long flags;

	raw_spin_lock_irqsave(&line->lock, flags);
	slot->free = line->free;
	line->free = slot;
	WRITE_ONCE(line->nr_used, line->nr_used - 1);
	raw_spin_unlock_irqrestore(&line->lock, flags);
	stplr_line_release(line);
}

/* Makes a message of what is posted, of a length that is allowed. */
void stplr_slot_fill(struct stplr_slot *slot, int priority, const void *from, size_t len)
{
	struct stplr_message *message = &slot->message;
	struct stplr_send_side *send = &message->sides.send;
	struct stplr_reply_side *reply = &message->sides.reply;

	message->entry.priority = priority;
	message->received = false;
	message->drain = false;
	message->result = 0;
	message->status = 0;
	message->rcvid = 0;
	message->sides.leaving = false;
	send->len = len;
	send->consumed = 0;
	memcpy(send->copy, from, len);
	/* the answer goes to its place by every way, so that none needs a chunk */
	reply->room = slot->reply.iov_len;
	reply->window.len = slot->reply.iov_len;
	reply->window.pages = NULL;
	reply->window.kernel = &slot->reply;
	reply->written = 0;
	reply->len = 0;
	reply->total = 0;
}

/* It has ended: its driver is told, and the slot is free. No lock is held. */
void stplr_slot_done(struct stplr_message *message)
{
	struct stplr_slot *slot = stplr_message_slot(message);
	struct stplr_link *link = slot->line->link;
	int result = message->result == STPLR_WITHDRAWN ? -ECANCELED : message->result;

	stplr_message_drop_receiver(message);
	if (result)
		atomic64_inc(&link->failed);
	trace_stplr_posted(message, result);
	if (link->ops && link->ops->posted) {
		const struct stplr_posted posted = {
			.cookie = slot->cookie,
			.error = result,
			.status = result ? 0 : message->status,
			.reply = slot->reply.iov_base,
			.reply_len = result ? 0 : message->sides.reply.len,
			.reply_total = result ? 0 : message->sides.reply.total,
		};

		link->ops->posted(link, &posted);
	}
	stplr_slot_give(slot);
}
