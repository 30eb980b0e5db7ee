// SPDX-License-Identifier: GPL-2.0
/* The server's end of a connection: who polls it, what it has counted. */

#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "core/channel.h"
#include "core/device.h"
#include "core/pool.h"

/* Who polls: told after the lock is released. The waiter looks after it has enqueued itself. */
void stplr_channel_wake_pollers(struct stplr_channel *channel)
{
	if (unlikely(wq_has_sleeper(&channel->readable)))
		wake_up_interruptible_poll(&channel->readable, EPOLLIN | EPOLLRDNORM | EPOLLPRI);
}

/*
 * Messages given to servers so far: each has got an rcvid, and another if it was put back; but not
 * those that kernel code has answered at once.
 */
u64 stplr_channel_receives(const struct stplr_channel *channel)
{
	lockdep_assert_held(&channel->lock);
	return channel->rcvid_rounds * (u64)S32_MAX + channel->last_rcvid - channel->nr_put_back +
	       channel->nr_served;
}

/* Adds what the channel has counted. */
void stplr_totals_add(struct stplr_totals *totals, struct stplr_channel *channel)
{
	spin_lock(&channel->lock);
	totals->sends += channel->last_seq - channel->nr_pulses;
	totals->receives += stplr_channel_receives(channel);
	totals->replies += channel->nr_replies;
	totals->pulses += channel->nr_pulses;
	spin_unlock(&channel->lock);
	if (channel->pool)
		totals->pulses_refused += READ_ONCE(channel->pool->nr_refused);
}
