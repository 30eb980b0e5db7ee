// SPDX-License-Identifier: GPL-2.0
/* The pulses that may be queued on a channel, made once: sending allocates nothing. */

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "base/quota.h"
#include "core/pool.h"
#include "core/share.h"

static size_t stplr_pool_bytes(unsigned int size)
{
	struct stplr_pool *pool;

	return struct_size(pool, pulses, size);
}

/*
 * One that nobody uses, for a user who has that share, or for kernel code, which is no stranger to
 * anybody; NULL, which is counted: there is none.
 */
struct stplr_pulse_entry *stplr_pool_take(struct stplr_pool *pool, struct stplr_share *share,
					  bool kernel)
{
	struct stplr_pulse_entry *pulse = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->lock, flags);
	if (!kernel &&
	    !stplr_share_allows(share, pool->size, pool->nr_used, share->nr_pulses)) {
		pool->nr_refused++;
	} else if (pool->free) {
		pulse = pool->free;
		pool->free = pulse->free;
	} else if (pool->nr_fresh) {
		pulse = &pool->pulses[--pool->nr_fresh];
	} else {
		pool->nr_refused++;
	}
	if (pulse) {
		pool->nr_used++;
		share->nr_pulses++;
	}
	raw_spin_unlock_irqrestore(&pool->lock, flags);
	return pulse;
}

void stplr_pool_give(struct stplr_pool *pool, struct stplr_share *share,
		     struct stplr_pulse_entry *pulse)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->lock, flags);
	pulse->free = pool->free;
	pool->free = pulse;
	pool->nr_used--;
	share->nr_pulses--;
	raw_spin_unlock_irqrestore(&pool->lock, flags);
}

/* A pool of so many pulses; @payer is charged for it. Its user says what queues what comes in. */
struct stplr_pool *stplr_pool_new(unsigned int size, struct stplr_user *payer)
{
	struct stplr_pool *pool;
	int err;

	err = stplr_charge_memory(payer, stplr_pool_bytes(size));
	if (err)
		return ERR_PTR(err);
	pool = kvzalloc(stplr_pool_bytes(size), GFP_KERNEL_ACCOUNT);
	if (!pool) {
		stplr_uncharge_memory(payer, stplr_pool_bytes(size));
		return ERR_PTR(-ENOMEM);
	}
	pool->payer = stplr_user_hold(payer);
	raw_spin_lock_init(&pool->lock);
	pool->size = size;
	pool->nr_fresh = size;
	init_llist_head(&pool->incoming);
	return pool;
}

void stplr_pool_free(struct stplr_pool *pool)
{
	if (!pool)
		return;
	WARN_ON(pool->nr_used);
	stplr_uncharge_memory(pool->payer, stplr_pool_bytes(pool->size));
	stplr_user_put(pool->payer);
	kvfree(pool);
}
