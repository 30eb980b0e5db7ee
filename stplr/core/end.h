/* SPDX-License-Identifier: GPL-2.0 */
/* What ends, and whom that wakes. */
#ifndef STPLR_CORE_END_H
#define STPLR_CORE_END_H

#include <linux/compiler.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/types.h>

#include "core/channel.h"

struct pid;
struct stplr_connection;

void stplr_channel_refuse_polled(struct stplr_channel *channel);
int stplr_channel_destroy(struct stplr_channel *channel);
int stplr_channel_shutdown(struct stplr_channel *channel);
void stplr_peer_closed(struct stplr_channel *channel);
bool stplr_channel_held(struct stplr_channel *channel);
void stplr_channel_leave(struct stplr_channel *channel);
void stplr_channel_end_process(struct stplr_channel *channel, const struct pid *tgid);
void stplr_channel_check_left(struct stplr_channel *channel);
void stplr_connection_end_messages(struct stplr_connection *connection);
void stplr_receive_leave(struct stplr_channel *channel);

/* Has the calling process closed a last descriptor of the channel? Then it may hold none. */
static inline bool stplr_channel_maybe_left(const struct stplr_channel *channel)
{
	/* pairs with stplr_channel_leave(), which sets @left_more first */
	const struct pid *left = smp_load_acquire(&channel->left);

	return unlikely(left) && (left == task_tgid(current) || READ_ONCE(channel->left_more));
}

/*
 * A message has just become the calling process's to answer. If that has closed its last
 * descriptor meanwhile, flush was too early to see it; if not, flush will. Under the lock flush
 * sets @left and looks, we add and then look. Others than who left have nothing to look for, as
 * long as it was one process, with its own table.
 */
static inline void stplr_channel_check_held(struct stplr_channel *channel)
{
	if (unlikely(stplr_channel_maybe_left(channel)))
		stplr_channel_check_left(channel);
}

#endif /* STPLR_CORE_END_H */
