// SPDX-License-Identifier: GPL-2.0
/*
 * Notices: pulses by which the module tells a server, or a client, of what befell the other.
 *
 * Each is part of the object of which it speaks, so it needs no place in a pool and cannot be lost:
 * that a client wants to be unblocked is part of its message, that a client has disconnected part
 * of struct stplr_client, and that a connection's channel has ended part of a watch.
 */

#include "core/channel.h"
#include "core/client.h"
#include "core/connection.h"
#include "core/message.h"
#include "core/notice.h"
#include "core/process.h"
#include "core/pulse.h"
#include "core/receiver.h"
#include "core/watch.h"

/*
 * The client wants to be unblocked: tells the server, once. While a reply is being copied there is
 * nothing to tell, unless that comes to nothing. Who is to be woken, or NULL.
 */
struct task_struct *stplr_unblock_request(struct stplr_message *message)
{
	struct stplr_connection *connection = message->connection;
	struct stplr_channel *channel = connection->channel;
	struct stplr_pulse_entry *pulse = &message->unblock;

	lockdep_assert_held(&channel->lock);
	message->unblocking |= STPLR_UNBLOCK_WANTED;
	if (message->unblocking & STPLR_UNBLOCK_TOLD || message->state != STPLR_RECEIVED)
		return NULL;
	message->unblocking |= STPLR_UNBLOCK_TOLD;
	pulse->origin = STPLR_NOTICE_UNBLOCK;
	pulse->entry.priority = message->entry.priority;
	pulse->code = STPLR_PULSE_UNBLOCK;
	pulse->value = message->rcvid;
	pulse->scoid = connection->process->scoid;
	pulse->coid = connection->coid;
	pulse->cookie = READ_ONCE(connection->cookie);
	if (stplr_pulse_queue(channel, pulse))
		return NULL;
	return stplr_pulse_receiver(channel);
}

/* The message ends: what was not received of it is not worth telling any more. */
void stplr_unblock_forget(struct stplr_message *message)
{
	if (message->unblock.queued)
		stplr_pulse_dequeue(message->connection->channel, &message->unblock);
}

/* A notice that was received, or is not to be any more. */
static void stplr_notice_release(struct stplr_pulse_entry *pulse, enum stplr_pulse_origin origin)
{
	switch (origin) {
	case STPLR_NOTICE_DISCONNECT:
		stplr_client_free_late(container_of(pulse, struct stplr_client, disconnect));
		break;
	case STPLR_NOTICE_DEATH:
		stplr_watch_put(container_of(pulse, struct stplr_watch, pulse));
		break;
	default: /* a message's, which may be gone */
		break;
	}
}

/*
 * A pulse that is in no queue any more; @origin was read under the lock, since an unblock notice
 * may be gone with its message.
 */
void stplr_pulse_release(struct stplr_channel *channel, struct stplr_pulse_entry *pulse,
			 enum stplr_pulse_origin origin)
{
	if (origin == STPLR_PULSE_POOL)
		stplr_pulse_free(channel, pulse);
	else
		stplr_notice_release(pulse, origin);
}
