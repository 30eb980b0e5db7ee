// SPDX-License-Identifier: GPL-2.0
/*
 * How posts get into their channel's queue, and how all of them end.
 *
 * Who posts may hold any lock, in any context, and only puts its slot on a list without locks. What
 * is there is taken to the channel's queue a batch at a time: by the poster, if it is a task with
 * interrupts enabled, and elsewhere by an irq_work, as soon as they are, so that what is posted
 * without them costs one wake-up. Either tries for the channel's lock, which is not taken with
 * interrupts disabled, and leaves the rest to a worker.
 */

#include <linux/errno.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "base/wake.h"
#include "core/channel.h"
#include "core/connection.h"
#include "core/life.h"
#include "core/line.h"
#include "core/link.h"
#include "core/messages.h"
#include "core/raise.h"
#include "core/receiver.h"
#include "core/slot.h"
#include "trace.h"

/* How many are queued under the lock at once. */
#define STPLR_LINE_BATCH 64

/* Queues one, or ends it, as nothing is received any more; did it? */
static bool stplr_slot_queue(struct stplr_channel *channel, struct stplr_slot *slot)
{
	struct stplr_message *message = &slot->message;

	lockdep_assert_held(&channel->lock);
	if (unlikely(channel->dead || channel->shutdown)) {
		message->result = -ESRCH;
		list_add_tail(&message->link, &channel->finished);
		return false;
	}
	message->entry.seq = ++channel->last_seq;
	message->since = jiffies;
	trace_stplr_send(message);
	WRITE_ONCE(message->state, STPLR_QUEUED);
	stplr_message_enqueue(channel, message);
	return true;
}

/*
 * Queues what was posted, a batch of it, and wakes receivers; called with the lock, and left
 * without. True: there is more to be done, where it may take its time.
 */
static bool stplr_line_queue(struct stplr_line *line)
	__releases(&line->connection->channel->lock)
{
	struct stplr_channel *channel = line->connection->channel;
	struct stplr_wake_batch batch = { .count = 0 };
	unsigned int n, queued = 0;
	bool more, ended = false;

	lockdep_assert_held(&channel->lock);
	if (!line->taken)
		line->taken = llist_reverse_order(llist_del_all(&line->incoming));
	for (n = 0; line->taken && n < STPLR_LINE_BATCH && batch.count < STPLR_WAKE_BATCH; n++) {
		struct stplr_slot *slot = llist_entry(line->taken, struct stplr_slot, incoming);

		line->taken = line->taken->next;
		if (!stplr_slot_queue(channel, slot)) {
			ended = true;
			continue;
		}
		queued++;
		stplr_wake_add(&batch, stplr_receiver_pop(channel));
	}
	if (queued && !batch.count)
		stplr_wake_add(&batch, stplr_receiver_asleep(channel, true));
	more = ended || line->taken || !llist_empty(&line->incoming);
	spin_unlock(&channel->lock);

	stplr_wake_all(&batch);
	if (queued)
		stplr_channel_wake_pollers(channel);
	return more;
}

/* The same with all, in a thread. */
static void stplr_line_queue_all(struct stplr_line *line)
{
	struct stplr_channel *channel = line->connection->channel;
	bool more;

	do {
		cond_resched();
		spin_lock(&channel->lock);
		more = stplr_line_queue(line);
		/* what has ended here, or where it could not be told of */
		stplr_channel_reap(channel, line);
	} while (more);
}

static void stplr_line_work(struct work_struct *work)
{
	stplr_line_queue_all(container_of(work, struct stplr_line, work));
}

/* Queues what can be queued at once. */
static void stplr_line_try_queue(struct stplr_line *line)
{
	struct stplr_channel *channel = line->connection->channel;
	bool locked = true;

	/* without SMP there is no lock to be found taken by whom this interrupts */
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		spin_lock(&channel->lock);
	else
		locked = IS_ENABLED(CONFIG_SMP) && spin_trylock(&channel->lock);
	if (!locked || stplr_line_queue(line))
		queue_work(system_highpri_wq, &line->work);
}

static void stplr_line_irq_work(struct irq_work *irq_work)
{
	stplr_line_try_queue(container_of(irq_work, struct stplr_line, irq_work));
}

void stplr_line_init(struct stplr_line *line)
{
	init_irq_work(&line->irq_work, stplr_line_irq_work);
	INIT_WORK(&line->work, stplr_line_work);
}

/* A slot that is filled is to be queued, in the order of these calls, by stplr_line_kick(). */
void stplr_line_post(struct stplr_line *line, struct stplr_slot *slot)
{
	llist_add(&slot->incoming, &line->incoming);
}

void stplr_line_kick(struct stplr_line *line)
{
	/*
	 * 250 instructions less than by an interrupt, and still under RCU, which the line's end
	 * waits for. With PREEMPT_RT the lock may sleep, and the poster's may be a raw one.
	 */
	if (!IS_ENABLED(CONFIG_PREEMPT_RT) && in_task() && !irqs_disabled())
		stplr_line_try_queue(line);
	else
		irq_work_queue(&line->irq_work);
}

/* Nobody posts any more: what was posted is queued when this returns. */
void stplr_line_flush(struct stplr_line *line)
{
	irq_work_sync(&line->irq_work);
	flush_work(&line->work);
	stplr_line_queue_all(line);
}

/*
 * Ends all of them that are queued or to be answered: one that is being copied as soon as its
 * transfer looks.
 */
void stplr_line_cancel(struct stplr_line *line)
{
	struct stplr_channel *channel = line->connection->channel;
	unsigned int i, posts = line->link->posts;
	int result;

	for (i = 0; i < posts;) {
		unsigned int n;

		spin_lock(&channel->lock);
		result = channel->dead ? -ESRCH : STPLR_WITHDRAWN;
		for (n = 0; i < posts && n < STPLR_LINE_BATCH; n++, i++) {
			struct stplr_message *message = &stplr_line_slot(line, i)->message;

			if (message->state == STPLR_DONE)
				continue;
			WRITE_ONCE(message->sides.leaving, true);
			stplr_message_end(message, result);
		}
		stplr_unlock_and_settle(channel);
		/* nobody waits for them, but their driver is told */
		stplr_channel_reap(channel, line);
		cond_resched();
	}
}
