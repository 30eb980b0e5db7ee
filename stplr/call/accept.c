// SPDX-License-Identifier: GPL-2.0
/* A listening channel's server takes the next connection. */

#include <linux/err.h>
#include <linux/spinlock.h>

#include "call/accept.h"
#include "core/backlog.h"
#include "core/channel.h"
#include "core/end.h"
#include "core/object.h"
#include "core/room.h"
#include "core/wait.h"
#include "core/worker.h"

/*
 * Takes the next connection; stplr_accept_undo() follows if the caller does not get it. Until then
 * the client's messages have nobody to answer them: nothing that may take long comes in between.
 */
struct stplr_channel *stplr_accept(struct stplr_channel *listener, s64 deadline, clockid_t clock)
{
	struct stplr_channel *child;
	int err;

	spin_lock(&listener->lock);
	err = stplr_receiver_wait(listener, &stplr_nobody, false, deadline, clock);
	child = err ? ERR_PTR(err) : stplr_backlog_pop(listener);
	spin_unlock(&listener->lock);
	if (err == -EINTR)
		stplr_receive_leave(listener);
	if (!err)
		stplr_room_made(listener);
	return child;
}

/*
 * The connection is not lost for what went wrong: it takes its place again, unless the listener has
 * ended.
 */
void stplr_accept_undo(struct stplr_channel *listener, struct stplr_channel *child)
{
	if (stplr_backlog_put_back(listener, child))
		stplr_channel_destroy(child);
	else if (READ_ONCE(child->peer.closed))
		stplr_peer_closed(child);
	stplr_channel_put(child);
}
