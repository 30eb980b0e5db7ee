// SPDX-License-Identifier: GPL-2.0
/* Threads that wait to receive: which of them is to be woken. */

#include <linux/sched/task.h>

#include "base/wake.h"
#include "core/channel.h"
#include "core/receiver.h"

/* Moves the thread to those that come. */
static struct stplr_receiver *stplr_receivers_pop(struct stplr_channel *channel,
						  struct hlist_head *receivers)
{
	struct stplr_receiver *receiver;

	receiver = hlist_entry(receivers->first, struct stplr_receiver, link);
	hlist_del(&receiver->link);
	hlist_add_head(&receiver->link, &channel->coming);
	WRITE_ONCE(receiver->coming, true);
	get_task_struct(receiver->task);
	return receiver;
}

/* The receiver that came last, with a reference, to be woken after unlocking; or NULL. */
struct task_struct *stplr_receiver_pop(struct stplr_channel *channel)
{
	struct stplr_receiver *receiver;

	lockdep_assert_held(&channel->lock);
	if (hlist_empty(&channel->receivers))
		return NULL;
	receiver = stplr_receivers_pop(channel, &channel->receivers);
	receiver->for_message = true;
	channel->nr_coming++;
	return receiver->task;
}

/* The same for a pulse: first those that wait for nothing else. */
struct task_struct *stplr_pulse_receiver_pop(struct stplr_channel *channel)
{
	lockdep_assert_held(&channel->lock);
	if (!hlist_empty(&channel->pulse_receivers))
		return stplr_receivers_pop(channel, &channel->pulse_receivers)->task;
	return stplr_receiver_pop(channel);
}

/*
 * There is nobody to pop, but maybe a thread that another has popped and did not wake yet, for it
 * was preempted: who brings something more urgent cannot leave that to it. With a reference, to be
 * woken after unlocking; or NULL.
 */
struct task_struct *stplr_receiver_asleep(struct stplr_channel *channel, bool for_message)
{
	struct stplr_receiver *receiver;
	unsigned int seen = 0;

	lockdep_assert_held(&channel->lock);
	hlist_for_each_entry(receiver, &channel->coming, link) {
		if (receiver->for_message >= for_message && !task_is_running(receiver->task))
			return get_task_struct(receiver->task);
		if (++seen == STPLR_WAKE_BATCH)
			break;
	}
	return NULL;
}

/* A pulse was queued: who is to be woken after unlocking, with a reference, or NULL. */
struct task_struct *stplr_pulse_receiver(struct stplr_channel *channel)
{
	return stplr_pulse_receiver_pop(channel) ?: stplr_receiver_asleep(channel, false);
}
