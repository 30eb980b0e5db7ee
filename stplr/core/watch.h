/* SPDX-License-Identifier: GPL-2.0 */
/* A client that is told of the end of its server's channel. */
#ifndef STPLR_CORE_WATCH_H
#define STPLR_CORE_WATCH_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/types.h>

#include "core/pool.h"

struct stplr_channel;
struct stplr_connection;
struct work_struct;

/**
 * struct stplr_watch - a connection whose owner is told of the end of its channel
 * @ref: the connection, the queue that @pulse is in, and who holds it for a moment
 * @link: in channel->watches, under that channel's lock
 * @work: kernel code's owner: what is to be done then, queued under that lock; the rest but @ref
 *	means nothing. Or NULL
 * @target: the channel to tell; holds a reference
 * @cancelled: no longer to be told; under @target's lock, as is @pulse
 * @pulse: the notice
 */
struct stplr_watch {
	struct kref ref;
	struct list_head link;
	struct work_struct *work;
	struct stplr_channel *target;
	bool cancelled;
	struct stplr_pulse_entry pulse;
};

int stplr_watch_kernel(struct stplr_connection *connection, struct work_struct *work);
void stplr_watch_put(struct stplr_watch *watch);
void stplr_watch_fire(struct stplr_watch *watch);
void stplr_watch_end(struct stplr_watch *watch);
struct stplr_watch *stplr_watch_take(struct stplr_connection *connection);
void stplr_connection_unwatch(struct stplr_connection *connection);
void stplr_channel_end_watches(struct stplr_channel *channel);

#endif /* STPLR_CORE_WATCH_H */
