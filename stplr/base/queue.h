/* SPDX-License-Identifier: GPL-2.0 */
/* Messages or pulses in the order in which they are received. */
#ifndef STPLR_BASE_QUEUE_H
#define STPLR_BASE_QUEUE_H

#include <linux/compiler.h>
#include <linux/rbtree.h>
#include <linux/types.h>

/**
 * struct stplr_entry - what is in a queue; under channel->lock
 * @priority: the higher comes first
 * @seq: its age
 * @node: in queue->more, unless it is the first
 */
struct stplr_entry {
	int priority;
	u64 seq;
	struct rb_node node;
};

/**
 * struct stplr_queue - entries in order; under channel->lock
 * @first: to be received next, or NULL
 * @more: those after it
 * @nr_more: how many are after it
 */
struct stplr_queue {
	struct stplr_entry *first;
	struct rb_root_cached more;
	unsigned int nr_more;
};

static inline unsigned int stplr_queue_len(const struct stplr_queue *queue)
{
	return queue->first ? 1 + queue->nr_more : 0;
}

void stplr_queue_add_slow(struct stplr_queue *queue, struct stplr_entry *entry);
void stplr_queue_del_slow(struct stplr_queue *queue, struct stplr_entry *entry);
struct stplr_entry *stplr_queue_next(const struct stplr_queue *queue,
				     const struct stplr_entry *entry);
bool stplr_queue_before(const struct stplr_queue *a, const struct stplr_queue *b);

static inline void stplr_queue_add(struct stplr_queue *queue, struct stplr_entry *entry)
{
	if (likely(!queue->first))
		queue->first = entry;
	else
		stplr_queue_add_slow(queue, entry);
}

static inline void stplr_queue_del(struct stplr_queue *queue, struct stplr_entry *entry)
{
	if (likely(entry == queue->first && RB_EMPTY_ROOT(&queue->more.rb_root)))
		queue->first = NULL;
	else
		stplr_queue_del_slow(queue, entry);
}

#endif /* STPLR_BASE_QUEUE_H */
