/* SPDX-License-Identifier: GPL-2.0 */
/* A pulse, and a channel's pool of them. */
#ifndef STPLR_CORE_POOL_H
#define STPLR_CORE_POOL_H

#include <linux/irq_work.h>
#include <linux/llist.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "base/queue.h"

struct stplr_channel;
struct stplr_connection;
struct stplr_share;
struct stplr_user;

enum stplr_pulse_origin {
	STPLR_PULSE_POOL,	 /* of the channel's pool */
	STPLR_NOTICE_UNBLOCK,	 /* of a message */
	STPLR_NOTICE_DISCONNECT, /* of a client */
	STPLR_NOTICE_DEATH,	 /* of a watch */
};

/**
 * struct stplr_pulse_entry - a pulse, queued or in the pool
 * @entry: in channel->pulses while @queued
 * @origin: to what it belongs
 * @queued: under channel->lock
 * @kernel: a driver sent it
 * @code: what the receiver gets, as is the rest
 * @scoid: of the sender's process
 * @coid: of the connection
 * @connection: over which it was sent: it holds a reference, unless it is a notice
 * @value: the sender's
 * @cookie: the connection's, as it was when it was sent
 * @free: the next one in pool->free
 * @incoming: in pool->incoming or pool->taken
 */
struct stplr_pulse_entry {
	struct stplr_entry entry;
	enum stplr_pulse_origin origin : 8;
	bool queued;
	bool kernel;
	s8 code;
	u32 scoid;
	u32 coid;
	struct stplr_connection *connection;
	u64 value;
	u64 cookie;
	union {
		struct stplr_pulse_entry *free;
		struct llist_node incoming;
	};
};

/**
 * struct stplr_pool - the pulses that may be queued on a channel, beside notices
 * @lock: raw, for it is taken in any context; guards the next four
 * @free: those that were used before
 * @nr_fresh: the first so many of @pulses were never used
 * @nr_used: in use
 * @nr_refused: how often none was left
 * @size: in all
 * @channel: whose it is
 * @payer: who is charged for it: the client whose pulse was the first, or the channel's user
 * @incoming: sent by kernel code, not queued yet; youngest first
 * @taken: the older part of those, oldest first; under channel->lock
 * @irq_work: queues @incoming
 * @work: likewise, where @irq_work could not
 * @pulses: themselves
 */
struct stplr_pool {
	raw_spinlock_t lock;
	struct stplr_pulse_entry *free;
	unsigned int nr_fresh;
	unsigned int nr_used;
	u64 nr_refused;
	unsigned int size;
	struct stplr_channel *channel;
	struct stplr_user *payer;
	struct llist_head incoming;
	struct llist_node *taken;
	struct irq_work irq_work;
	struct work_struct work;
	struct stplr_pulse_entry pulses[];
};

struct stplr_pulse_entry *stplr_pool_take(struct stplr_pool *pool, struct stplr_share *share,
					  bool kernel);
void stplr_pool_give(struct stplr_pool *pool, struct stplr_share *share,
		     struct stplr_pulse_entry *pulse);
struct stplr_pool *stplr_pool_new(unsigned int size, struct stplr_user *payer);
void stplr_pool_free(struct stplr_pool *pool);

#endif /* STPLR_CORE_POOL_H */
