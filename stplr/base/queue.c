// SPDX-License-Identifier: GPL-2.0
/*
 * Queues of messages and of pulses: by priority, then first in first out.
 *
 * The first entry stands outside, and nothing else is there as long as the server keeps up. The
 * others are in a tree: whatever comes, goes, or takes its old place again, there is no walk that
 * grows with their number.
 *
 * The channel's lock guards its queues.
 */

#include "base/queue.h"

static bool stplr_entry_before(const struct stplr_entry *a, const struct stplr_entry *b)
{
	return a->priority != b->priority ? a->priority > b->priority : a->seq < b->seq;
}

static bool stplr_node_before(struct rb_node *a, const struct rb_node *b)
{
	return stplr_entry_before(rb_entry(a, struct stplr_entry, node),
				  rb_entry(b, struct stplr_entry, node));
}

/* With a first entry: the rest of stplr_queue_add(). */
void stplr_queue_add_slow(struct stplr_queue *queue, struct stplr_entry *entry)
{
	if (stplr_entry_before(entry, queue->first))
		swap(entry, queue->first);
	rb_add_cached(&entry->node, &queue->more, stplr_node_before);
	queue->nr_more++;
}

void stplr_queue_del_slow(struct stplr_queue *queue, struct stplr_entry *entry)
{
	if (entry == queue->first) {
		entry = rb_entry(rb_first_cached(&queue->more), struct stplr_entry, node);
		queue->first = entry;
	}
	rb_erase_cached(&entry->node, &queue->more);
	queue->nr_more--;
}

/* The one after @entry; NULL after the last. */
struct stplr_entry *stplr_queue_next(const struct stplr_queue *queue,
				     const struct stplr_entry *entry)
{
	struct rb_node *next = entry == queue->first ? rb_first_cached(&queue->more) :
						       rb_next(&entry->node);

	return rb_entry_safe(next, struct stplr_entry, node);
}

/* Is the first entry of @a to be received before the first of @b? Both have one. */
bool stplr_queue_before(const struct stplr_queue *a, const struct stplr_queue *b)
{
	return stplr_entry_before(a->first, b->first);
}
