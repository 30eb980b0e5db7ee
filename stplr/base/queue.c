// SPDX-License-Identifier: GPL-2.0
/*
 * Queues of messages and of pulses: by priority, then first in first out.
 *
 * The first entry stands outside, and nothing else is there as long as the server keeps up. The
 * others are in levels, one for each priority present: the level's oldest entry is in a tree of at
 * most 141, the rest on its list. So what an entry costs does not depend on how many there are.
 *
 * The channel's lock guards its queues.
 */

#include "base/queue.h"

static bool stplr_entry_before(const struct stplr_entry *a, const struct stplr_entry *b)
{
	return a->priority != b->priority ? a->priority > b->priority : a->seq < b->seq;
}

static struct stplr_entry *stplr_entry_of(struct rb_node *node)
{
	return rb_entry_safe(node, struct stplr_entry, node);
}

/* Is it the oldest of its level? */
static bool stplr_entry_leads(const struct stplr_entry *entry)
{
	return !RB_EMPTY_NODE(&entry->node);
}

/* Puts @entry into the level that @head leads: at its end, or where its age says. */
static void stplr_level_add(struct stplr_queue *queue, struct stplr_entry *head,
			    struct stplr_entry *entry)
{
	struct stplr_entry *after;

	if (entry->seq < head->seq) {
		list_add_tail(&entry->level, &head->level);
		rb_replace_node_cached(&head->node, &entry->node, &queue->levels);
		RB_CLEAR_NODE(&head->node);
		return;
	}
	/* one that has its old place again passes those that came since */
	after = list_prev_entry(head, level);
	while (after->seq > entry->seq)
		after = list_prev_entry(after, level);
	list_add(&entry->level, &after->level);
	RB_CLEAR_NODE(&entry->node);
}

static void stplr_levels_add(struct stplr_queue *queue, struct stplr_entry *entry)
{
	struct rb_node **link = &queue->levels.rb_root.rb_node, *parent = NULL;
	bool leftmost = true;

	queue->nr_more++;
	while (*link) {
		struct stplr_entry *head = stplr_entry_of(*link);

		if (head->priority == entry->priority) {
			stplr_level_add(queue, head, entry);
			return;
		}
		parent = *link;
		if (entry->priority > head->priority) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			leftmost = false;
		}
	}
	INIT_LIST_HEAD(&entry->level);
	rb_link_node(&entry->node, parent, link);
	rb_insert_color_cached(&entry->node, &queue->levels, leftmost);
}

static void stplr_levels_del(struct stplr_queue *queue, struct stplr_entry *entry)
{
	queue->nr_more--;
	if (stplr_entry_leads(entry)) {
		if (list_empty(&entry->level)) {
			rb_erase_cached(&entry->node, &queue->levels);
		} else {
			struct stplr_entry *next = list_next_entry(entry, level);

			rb_replace_node_cached(&entry->node, &next->node, &queue->levels);
		}
	}
	list_del(&entry->level);
}

/* With a first entry that is not before @entry, or none: the rest of stplr_queue_add(). */
void stplr_queue_add_slow(struct stplr_queue *queue, struct stplr_entry *entry)
{
	if (stplr_entry_before(entry, queue->first))
		swap(entry, queue->first);
	stplr_levels_add(queue, entry);
}

void stplr_queue_del_slow(struct stplr_queue *queue, struct stplr_entry *entry)
{
	if (entry == queue->first) {
		entry = stplr_entry_of(rb_first_cached(&queue->levels));
		queue->first = entry;
	}
	stplr_levels_del(queue, entry);
}

/* The one after @entry; NULL after the last. */
struct stplr_entry *stplr_queue_next(const struct stplr_queue *queue, struct stplr_entry *entry)
{
	struct stplr_entry *next;

	if (entry == queue->first)
		return stplr_entry_of(rb_first_cached(&queue->levels));
	next = list_next_entry(entry, level);
	/* round the level to its head: on to the next level */
	return stplr_entry_leads(next) ? stplr_entry_of(rb_next(&next->node)) : next;
}

/* Is the first entry of @a to be received before the first of @b? Both have one. */
bool stplr_queue_before(const struct stplr_queue *a, const struct stplr_queue *b)
{
	return stplr_entry_before(a->first, b->first);
}
