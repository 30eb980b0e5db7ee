// SPDX-License-Identifier: GPL-2.0
/* Kernel code that sends pulses: it takes a connection of the calling process by its descriptor. */

#include <linux/err.h>
#include <linux/export.h>

#include <linux/stplr_kernel.h>
#include <uapi/linux/stplr.h>

#include "base/priority.h"
#include "call/pulse.h"
#include "core/channel.h"
#include "core/connection.h"
#include "core/object.h"
#include "core/pulse.h"
#include "file/connection.h"

/**
 * stplr_source_get() - let kernel code send pulses over a connection of the calling process
 * @fd: the connection
 *
 * Context: process. Return: a source, to be given back by stplr_source_put(); or an ERR_PTR: EBADF,
 * ENOTTY, EINVAL (its channel listens, or kernel code serves it), ENOBUFS, ENOMEM.
 */
struct stplr_source *stplr_source_get(int fd)
{
	struct stplr_connection *connection = stplr_connection_fdget(fd);
	int err;

	if (IS_ERR(connection))
		return ERR_CAST(connection);
	err = connection->channel->flags & STPLR_CHANNEL_LISTEN || connection->channel->direct ?
		      -EINVAL :
		      0;
	if (!err)
		err = stplr_pool_make(connection->channel, STPLR_PULSES_DEFAULT, connection->user);
	if (err) {
		stplr_connection_put(connection);
		return ERR_PTR(err);
	}
	return (struct stplr_source *)connection;
}
EXPORT_SYMBOL_GPL(stplr_source_get);

/**
 * stplr_source_pulse() - send a pulse
 * @source: from stplr_source_get()
 * @priority: 0 to 140, as in struct stplr_msg_info
 * @code: -128 to 127
 * @value: for the receiver
 *
 * Context: any but NMI, with any lock but those of a scheduler's run queue. Return: 0; EAGAIN: the
 * channel's pool is used up (it is counted); EBADF: the connection was detached; EINVAL: @priority.
 * Pulses to a channel that ends are dropped.
 */
int stplr_source_pulse(struct stplr_source *source, int priority, s8 code, u64 value)
{
	if (priority < 0 || priority > STPLR_PRIORITY_MAX)
		return -EINVAL;
	return stplr_pulse_post_atomic((struct stplr_connection *)source, priority, code, value);
}
EXPORT_SYMBOL_GPL(stplr_source_pulse);

/**
 * stplr_source_put() - no more pulses are sent
 * @source: from stplr_source_get(); nobody is in a call with it
 *
 * Context: process; may sleep. What was sent is queued when it returns.
 */
void stplr_source_put(struct stplr_source *source)
{
	struct stplr_connection *connection = (struct stplr_connection *)source;

	stplr_pulse_flush(connection);
	stplr_connection_put(connection);
}
EXPORT_SYMBOL_GPL(stplr_source_put);
