/* SPDX-License-Identifier: GPL-2.0 */
/* Threads that wait to receive. */
#ifndef STPLR_CORE_RECEIVER_H
#define STPLR_CORE_RECEIVER_H

#include <linux/list.h>
#include <linux/types.h>

struct stplr_channel;
struct task_struct;

/**
 * struct stplr_receiver - a thread that waits for a message or pulse
 * @link: in channel->receivers or ->pulse_receivers; whoever wakes the thread moves it to ->coming
 * @task: the thread
 * @coming: it was moved there; written under channel->lock, and looked at without
 * @for_message: it comes for a message, and counts in channel->nr_coming
 * @since: when it began to wait, in jiffies
 */
struct stplr_receiver {
	struct hlist_node link;
	struct task_struct *task;
	bool coming;
	bool for_message;
	unsigned long since;
};

struct task_struct *stplr_receiver_pop(struct stplr_channel *channel);
struct task_struct *stplr_pulse_receiver_pop(struct stplr_channel *channel);
struct task_struct *stplr_receiver_asleep(struct stplr_channel *channel, bool for_message);
struct task_struct *stplr_pulse_receiver(struct stplr_channel *channel);

#endif /* STPLR_CORE_RECEIVER_H */
