/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A channel's messages: those to be received, and those to be answered. All under channel->lock;
 * here, and not in a file of their own, since a round trip takes each of these steps once.
 */
#ifndef STPLR_CORE_MESSAGES_H
#define STPLR_CORE_MESSAGES_H

#include <linux/limits.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "base/priority.h"
#include "core/channel.h"
#include "core/message.h"

static inline void stplr_message_enqueue(struct stplr_channel *channel,
					 struct stplr_message *message)
{
	lockdep_assert_held(&channel->lock);
	if (unlikely(message->poll)) {
		list_add_tail(&message->polled_link, &channel->polled);
		channel->nr_polled++;
	}
	if (unlikely(message->entry.priority > STPLR_PRIORITY_RT))
		channel->lending++;
	stplr_queue_add(&channel->messages, &message->entry);
}

static inline void stplr_message_dequeue(struct stplr_channel *channel,
					 struct stplr_message *message)
{
	lockdep_assert_held(&channel->lock);
	if (unlikely(message->poll)) {
		list_del(&message->polled_link);
		channel->nr_polled--;
	}
	if (unlikely(message->entry.priority > STPLR_PRIORITY_RT))
		channel->lending--;
	stplr_queue_del(&channel->messages, &message->entry);
}

/*
 * Is there more to be received than what threads come for that were woken? Without the lock: as it
 * was a moment ago.
 */
static inline bool stplr_channel_has_more(const struct stplr_channel *channel)
{
	if (READ_ONCE(channel->messages.first) &&
	    READ_ONCE(channel->messages.nr_more) >= READ_ONCE(channel->nr_coming))
		return true;
	return READ_ONCE(channel->pulses.first);
}

/* Is there a sender that relies on a thread, with none on its way? It is to be told. */
static inline bool stplr_polled_in_vain(const struct stplr_channel *channel)
{
	lockdep_assert_held(&channel->lock);
	return unlikely(channel->nr_polled > channel->nr_coming);
}

struct stplr_message *stplr_received_lookup_more(struct stplr_channel *channel, s32 rcvid);
void stplr_received_add_more(struct stplr_channel *channel, struct stplr_message *message);
struct stplr_message *stplr_received_next(struct stplr_channel *channel, s32 rcvid);

static inline struct stplr_message *stplr_received_lookup(struct stplr_channel *channel,
							  s32 rcvid)
{
	struct stplr_message *message = channel->received;

	lockdep_assert_held(&channel->lock);
	if (likely(message && message->rcvid == rcvid))
		return message;
	return likely(RB_EMPTY_ROOT(&channel->received_more)) ?
		       NULL :
		       stplr_received_lookup_more(channel, rcvid);
}

/* 1 to 2^31-1, round and round; one that is still to be answered is left out. */
static inline s32 stplr_rcvid_next(struct stplr_channel *channel)
{
	lockdep_assert_held(&channel->lock);
	do {
		if (unlikely(channel->last_rcvid == S32_MAX)) {
			channel->last_rcvid = 0;
			channel->rcvid_rounds++;
		}
		channel->last_rcvid++;
	} while (unlikely(stplr_received_lookup(channel, channel->last_rcvid)));
	return channel->last_rcvid;
}

static inline void stplr_received_add(struct stplr_channel *channel, struct stplr_message *message)
{
	lockdep_assert_held(&channel->lock);
	if (likely(!channel->received))
		channel->received = message;
	else
		stplr_received_add_more(channel, message);
}

static inline void stplr_received_del(struct stplr_channel *channel, struct stplr_message *message)
{
	lockdep_assert_held(&channel->lock);
	if (likely(channel->received == message))
		channel->received = NULL;
	else
		rb_erase(&message->received_node, &channel->received_more);
}

/* The message with this rcvid, if that process received it; NULL: kernel code. */
static inline struct stplr_message *
stplr_received_find(struct stplr_channel *channel, const struct pid *receiver, s32 rcvid)
{
	struct stplr_message *message = stplr_received_lookup(channel, rcvid);

	return message && message->receiver == receiver ? message : NULL;
}

#endif /* STPLR_CORE_MESSAGES_H */
