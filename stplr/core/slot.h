/* SPDX-License-Identifier: GPL-2.0 */
/* What kernel code posts: messages whose places were made before. */
#ifndef STPLR_CORE_SLOT_H
#define STPLR_CORE_SLOT_H

#include <linux/completion.h>
#include <linux/irq_work.h>
#include <linux/llist.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uio.h>
#include <linux/workqueue.h>

#include "core/message.h"

struct stplr_connection;
struct stplr_line;
struct stplr_link;

/**
 * struct stplr_slot - the place of one post
 * @message: what its server gets
 * @line: whose it is
 * @free: the next in line->free
 * @incoming: in line->incoming or line->taken
 * @cookie: the poster's
 * @reply: where its answer goes
 * @bytes: what finds no place in @message
 */
struct stplr_slot {
	struct stplr_message message;
	struct stplr_line *line;
	union {
		struct stplr_slot *free;
		struct llist_node incoming;
	};
	u64 cookie;
	struct kvec reply;
	u8 bytes[] __aligned(8);
};

/**
 * struct stplr_line - what a link has while it is up: a connection, and slots for what it posts
 * @link: whose it is
 * @connection: holds a reference; the only connection of kernel code that has a line
 * @users: calls, slots in use, and the link; the last completes @unused
 * @unused: nobody uses it any more
 * @lock: raw, for it is taken in any context; guards the next two
 * @free: slots
 * @nr_used: how many are in use
 * @incoming: posted, not queued yet; youngest first
 * @taken: the older part of those, oldest first; under the lock of the connection's channel
 * @irq_work: queues them
 * @work: likewise, where @irq_work could not
 * @stride: bytes from one slot to the next
 * @slots: themselves, link->posts of them
 */
struct stplr_line {
	struct stplr_link *link;
	struct stplr_connection *connection;
	refcount_t users;
	struct completion unused;
	raw_spinlock_t lock; /* see above */
	struct stplr_slot *free;
	unsigned int nr_used;
	struct llist_head incoming;
	struct llist_node *taken;
	struct irq_work irq_work;
	struct work_struct work;
	size_t stride;
	void *slots;
};

/* That of a message that was posted. */
static inline struct stplr_slot *stplr_message_slot(const struct stplr_message *message)
{
	return container_of(message, struct stplr_slot, message);
}

static inline struct stplr_slot *stplr_line_slot(const struct stplr_line *line, unsigned int i)
{
	return line->slots + i * line->stride;
}

/* One that the caller keeps, or that RCU does. */
static inline void stplr_line_hold(struct stplr_line *line)
{
	refcount_inc(&line->users);
}

static inline void stplr_line_release(struct stplr_line *line)
{
	if (refcount_dec_and_test(&line->users))
		complete(&line->unused);
}

struct stplr_line *stplr_line_new(struct stplr_link *link, struct stplr_connection *connection);
void stplr_line_free(struct stplr_line *line);
struct stplr_slot *stplr_slot_take(struct stplr_line *line);
void stplr_slot_fill(struct stplr_slot *slot, int priority, const void *from, size_t len);
void stplr_slot_done(struct stplr_message *message);

#endif /* STPLR_CORE_SLOT_H */
