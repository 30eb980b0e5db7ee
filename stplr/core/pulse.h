/* SPDX-License-Identifier: GPL-2.0 */
/* Pulses, queued beside the messages. */
#ifndef STPLR_CORE_PULSE_H
#define STPLR_CORE_PULSE_H

#include <linux/types.h>

#include "base/queue.h"
#include "core/channel.h"
#include "core/pool.h"

struct stplr_connection;
struct stplr_user;

int stplr_pulse_queue(struct stplr_channel *channel, struct stplr_pulse_entry *pulse);
void stplr_pulse_dequeue(struct stplr_channel *channel, struct stplr_pulse_entry *pulse);
int stplr_pulse_deliver(struct stplr_channel *channel, const struct stplr_connection *connection,
			struct stplr_pulse_entry *pulse);
void stplr_pulse_free(struct stplr_channel *channel, struct stplr_pulse_entry *pulse);
int stplr_pool_make(struct stplr_channel *channel, unsigned int size, struct stplr_user *payer);

static inline struct stplr_pulse_entry *stplr_pulse_first(const struct stplr_channel *channel)
{
	struct stplr_entry *first = channel->pulses.first;

	return first ? container_of(first, struct stplr_pulse_entry, entry) : NULL;
}

/* With a pulse there: is it to be received next? */
static inline bool stplr_pulse_is_next(const struct stplr_channel *channel, bool pulses_only)
{
	return pulses_only || !channel->messages.first ||
	       stplr_queue_before(&channel->pulses, &channel->messages);
}

#endif /* STPLR_CORE_PULSE_H */
