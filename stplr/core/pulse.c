// SPDX-License-Identifier: GPL-2.0
/*
 * Pulses: a code and a value, queued beside the messages, for which nobody waits.
 *
 * Those that clients send are of the channel's pool, which is made once; sending allocates nothing,
 * so that kernel code can send in any context. Notices (notice.c) are part of the object of which
 * they speak, and so need no place in a pool.
 */

#include <linux/err.h>
#include <linux/sched.h>

#include "base/wake.h"
#include "core/channel.h"
#include "core/connection.h"
#include "core/object.h"
#include "core/pool.h"
#include "core/pulse.h"
#include "core/receiver.h"
#include "trace.h"

/* Queues a pulse; ESRCH: nothing is received any more. */
int stplr_pulse_queue(struct stplr_channel *channel, struct stplr_pulse_entry *pulse)
{
	lockdep_assert_held(&channel->lock);
	if (unlikely(channel->dead || channel->shutdown))
		return -ESRCH;
	pulse->entry.seq = ++channel->last_seq;
	pulse->queued = true;
	channel->nr_pulses++;
	trace_stplr_pulse(channel, pulse, false);
	stplr_queue_add(&channel->pulses, &pulse->entry);
	return 0;
}

void stplr_pulse_dequeue(struct stplr_channel *channel, struct stplr_pulse_entry *pulse)
{
	lockdep_assert_held(&channel->lock);
	stplr_queue_del(&channel->pulses, &pulse->entry);
	pulse->queued = false;
}

/* Gives one of the pool's back; in any context in which channel->lock may be held. */
void stplr_pulse_free(struct stplr_channel *channel, struct stplr_pulse_entry *pulse)
{
	struct stplr_connection *connection = pulse->connection;

	stplr_pool_give(channel->pool, connection->share, pulse);
	stplr_connection_put_late(connection);
}

/* Queues a pulse, of the connection's if one is given, and wakes who may receive it. */
int stplr_pulse_deliver(struct stplr_channel *channel, const struct stplr_connection *connection,
			struct stplr_pulse_entry *pulse)
{
	struct task_struct *receiver = NULL;
	int err = 0;

	spin_lock(&channel->lock);
	/* under the lock: nothing of a client's follows the notice that it is gone */
	if (connection && connection->detached)
		err = -EBADF;
	if (!err)
		err = stplr_pulse_queue(channel, pulse);
	if (!err)
		receiver = stplr_pulse_receiver(channel);
	spin_unlock(&channel->lock);
	if (err)
		return err;
	stplr_wake(receiver);
	stplr_channel_wake_pollers(channel);
	return 0;
}

/*
 * What is sent in any context, see <linux/stplr_kernel.h>. There channel->lock may be held by
 * whom it interrupted. So the pulse is left to an irq_work, which queues it if it gets the lock,
 * and otherwise leaves it to a worker. On PREEMPT_RT an irq_work is a thread, and may wait.
 */

/* Queues a batch of what has come; called with the lock, left without. True if there is more. */
static bool stplr_incoming_take(struct stplr_pool *pool)
	__releases(&pool->channel->lock)
{
	struct stplr_wake_batch batch = { .count = 0 };
	struct stplr_channel *channel = pool->channel;
	unsigned int n;
	bool more;

	lockdep_assert_held(&channel->lock);
	if (!pool->taken)
		pool->taken = llist_reverse_order(llist_del_all(&pool->incoming));
	for (n = 0; pool->taken && n < STPLR_WAKE_BATCH; n++) {
		struct stplr_pulse_entry *pulse;

		pulse = llist_entry(pool->taken, struct stplr_pulse_entry, incoming);
		pool->taken = pool->taken->next;
		if (pulse->connection->detached || stplr_pulse_queue(channel, pulse))
			stplr_pulse_free(channel, pulse);
		else
			stplr_wake_add(&batch, stplr_pulse_receiver(channel));
	}
	more = pool->taken || !llist_empty(&pool->incoming);
	spin_unlock(&channel->lock);

	stplr_wake_all(&batch);
	stplr_channel_wake_pollers(channel);
	return more;
}

static void stplr_pool_work(struct work_struct *work)
{
	struct stplr_pool *pool = container_of(work, struct stplr_pool, work);

	do {
		cond_resched();
		spin_lock(&pool->channel->lock);
	} while (stplr_incoming_take(pool));
}

static void stplr_pool_irq_work(struct irq_work *irq_work)
{
	struct stplr_pool *pool = container_of(irq_work, struct stplr_pool, irq_work);
	bool locked = true;

	/* without SMP there is no lock to be found taken by whom this interrupts */
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		spin_lock(&pool->channel->lock);
	else
		locked = IS_ENABLED(CONFIG_SMP) && spin_trylock(&pool->channel->lock);
	if (!locked || stplr_incoming_take(pool))
		queue_work(system_highpri_wq, &pool->work);
}

/* Makes the channel's pool, unless it has one; @payer is charged for it. */
int stplr_pool_make(struct stplr_channel *channel, unsigned int size, struct stplr_user *payer)
{
	struct stplr_pool *pool;

	if (READ_ONCE(channel->pool))
		return 0;
	pool = stplr_pool_new(size, payer);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	pool->channel = channel;
	init_irq_work(&pool->irq_work, stplr_pool_irq_work);
	INIT_WORK(&pool->work, stplr_pool_work);

	/* pairs with stplr_pulse_post(): who sees the pool sees all of it */
	if (cmpxchg(&channel->pool, NULL, pool))
		stplr_pool_free(pool);
	return 0;
}
