/* SPDX-License-Identifier: GPL-2.0 */
/* Servers work at their clients' priority; see raise.c. */
#ifndef STPLR_CORE_RAISE_H
#define STPLR_CORE_RAISE_H

#include <linux/compiler.h>
#include <linux/pid.h>
#include <linux/spinlock.h>

#include "base/priority.h"
#include "core/channel.h"
#include "core/message.h"
#include "core/worker.h"

void stplr_message_lend(struct stplr_message *message);
struct stplr_thread *stplr_sender_blocks(struct stplr_message *message);
void stplr_sender_leaves(struct stplr_message *message);
void stplr_sender_put(struct stplr_message *message, struct stplr_thread *sender, bool left);
void stplr_message_worth(struct stplr_message *message, const struct stplr_thread *sender);
struct stplr_thread *stplr_message_resumed(struct stplr_message *message);
void stplr_loan_change(struct stplr_channel *channel, struct stplr_worker *worker,
		       struct stplr_loan *loan, int value);
bool stplr_loans_changed_slow(struct stplr_channel *channel);
void stplr_settle(struct stplr_channel *channel);
void stplr_workers_leave(struct stplr_channel *channel, const struct pid *tgid);

/* The worker has taken the message. */
static inline void stplr_message_take(struct stplr_message *message, struct stplr_worker *worker)
{
	message->worker = worker;
	worker->nr_held++;
	if (unlikely(message->entry.priority > STPLR_PRIORITY_RT))
		stplr_message_lend(message);
}

/*
 * That process, or NULL for kernel code, has received it. Its worker holds the process for all of
 * its messages, so that each need not be counted.
 */
static inline void stplr_message_set_receiver(struct stplr_message *message, struct pid *receiver)
{
	message->receiver = receiver;
	message->receiver_held = unlikely(!message->worker->process);
	if (unlikely(message->receiver_held))
		get_pid(receiver);
}

/* It is in nobody's hands any more. */
static inline void stplr_message_let_go(struct stplr_channel *channel,
					struct stplr_message *message)
{
	struct stplr_worker *worker = message->worker;

	lockdep_assert_held(&channel->lock);
	if (!worker)
		return;
	worker->nr_held--;
	message->worker = NULL;
	if (unlikely(message->loan.value))
		stplr_loan_change(channel, worker, &message->loan, 0);
}

/*
 * What the lock was held for is through: have loans changed? Then stplr_settle() follows, once it
 * is released.
 */
static inline bool stplr_loans_changed(struct stplr_channel *channel)
{
	lockdep_assert_held(&channel->lock);
	return unlikely(channel->lending) && stplr_loans_changed_slow(channel);
}

static inline void stplr_unlock_and_settle(struct stplr_channel *channel)
	__releases(&channel->lock)
{
	bool changed = stplr_loans_changed(channel);

	spin_unlock(&channel->lock);
	if (changed)
		stplr_settle(channel);
}

#endif /* STPLR_CORE_RAISE_H */
