// SPDX-License-Identifier: GPL-2.0
/* Kernel code that serves a channel, in the threads that send or in threads of its own. */

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/string.h>

#include <linux/stplr_kernel.h>
#include <uapi/linux/stplr.h>

#include "base/clock.h"
#include "base/params.h"
#include "base/priority.h"
#include "call/data.h"
#include "call/receive.h"
#include "call/reply.h"
#include "call/serve.h"
#include "core/channel.h"
#include "core/device.h"
#include "core/end.h"
#include "core/name.h"
#include "core/object.h"
#include "core/room.h"
#include "core/server.h"
#include "core/serving.h"
#include "memory/buffer.h"

/* A channel and its server that nobody finds yet. */
static struct stplr_channel *stplr_server_channel(struct stplr_device *device,
						  const struct stplr_server_params *params,
						  const struct stplr_server_ops *ops, void *data)
{
	struct stplr_channel *channel = stplr_channel_alloc(device, NULL, true);
	struct stplr_server *server;

	if (IS_ERR(channel))
		return channel;
	server = stplr_server_new(channel, ops, data);
	if (IS_ERR(server)) {
		stplr_channel_put(channel);
		return ERR_CAST(server);
	}
	server->exclusive = params->exclusive;
	server->message_max = params->message_max ?: SIZE_MAX;
	server->pending_max = params->pending_max;
	/* whatever its clients lend its threads */
	channel->lent_max = STPLR_PRIORITY_MAX - STPLR_PRIORITY_RT;
	channel->owner = params->owner;
	channel->group = params->group;
	channel->mode = params->mode ?: 0600;
	strscpy(channel->name, params->name, sizeof(channel->name));
	return channel;
}

/**
 * stplr_server_create() - serve a name
 * @params: how the server is to be found, and its limits; not looked at any more after
 * @ops: what it does; there until stplr_server_put() has returned
 * @data: for stplr_server_data()
 *
 * Operations may run before this returns; they are given the server.
 *
 * Context: process; may sleep. Return: a server, to be ended by stplr_server_put(); or an ERR_PTR:
 * EINVAL (not such a name, mode, owner or group; limits without a receive operation), ENODEV (no
 * such device), EEXIST (the name is taken), EDQUOT (root's channels), ENOMEM.
 */
struct stplr_server *stplr_server_create(const struct stplr_server_params *params,
					 const struct stplr_server_ops *ops, void *data)
{
	struct stplr_channel *channel;
	struct stplr_device *device;
	int err;

	if (stplr_name_check_kernel(params->name) || params->mode & ~0777 ||
	    !uid_valid(params->owner) || !gid_valid(params->group))
		return ERR_PTR(-EINVAL);
	/* the limits are kept where a message comes in, which is in the sender's thread */
	if (!ops->receive && (params->message_max || params->pending_max))
		return ERR_PTR(-EINVAL);
	device = stplr_device_find(params->device);
	if (!device)
		return ERR_PTR(-ENODEV);
	channel = stplr_server_channel(device, params, ops, data);
	if (IS_ERR(channel))
		return ERR_CAST(channel);

	err = stplr_channel_list(channel);
	if (!err)
		err = stplr_chid_reserve(channel);
	if (!err)
		err = stplr_name_register(channel);
	if (err) {
		stplr_channel_destroy(channel);
		stplr_channel_put(channel);
		return ERR_PTR(err);
	}
	return channel->server;
}
EXPORT_SYMBOL_GPL(stplr_server_create);

/**
 * stplr_server_data() - what was given to stplr_server_create()
 * @server: the server
 *
 * Context: any.
 */
void *stplr_server_data(const struct stplr_server *server)
{
	return server->data;
}
EXPORT_SYMBOL_GPL(stplr_server_data);

/**
 * stplr_server_shutdown() - serve no more
 * @server: the server
 *
 * The name is free at once; senders, and those whose message was kept, get ESRCH, and
 * stplr_server_reply() too from now on. Waits for operations that run: if they sleep for something
 * of the driver's, it has to happen. Then each client that is still attached is detached, and with
 * that what held the driver's module is gone. May be called again.
 *
 * Context: process; may sleep; not in attach or detach operations. Return: 0, no operation runs any
 * more, nor will; EDEADLK: this thread is in one, and nothing was done.
 */
int stplr_server_shutdown(struct stplr_server *server)
{
	struct stplr_channel *channel = server->channel;

	if (stplr_serving_here(channel))
		return -EDEADLK;
	stplr_channel_destroy(channel);
	stplr_servings_drain(channel);
	stplr_server_detach_all(server);
	return 0;
}
EXPORT_SYMBOL_GPL(stplr_server_shutdown);

/**
 * stplr_server_put() - the end of a server
 * @server: from stplr_server_create(), or NULL; nobody is in a call with it
 *
 * Shuts it down, if that was not done.
 *
 * Context: as stplr_server_shutdown(), and not in any operation of the server's.
 */
void stplr_server_put(struct stplr_server *server)
{
	if (!server)
		return;
	/* rather kept for good than freed under its own operation */
	if (WARN_ON(stplr_server_shutdown(server)))
		return;
	stplr_channel_put(server->channel);
}
EXPORT_SYMBOL_GPL(stplr_server_put);

/**
 * stplr_server_receive() - receive in a thread of the driver's
 * @server: one without a receive operation
 * @deadline: until when to wait, in nanoseconds of CLOCK_MONOTONIC (ktime_get_ns()); or
 *	STPLR_DEADLINE_NONE, STPLR_DEADLINE_POLL
 * @bytes: where the first bytes of a message go
 * @len: how many at most: the rest is read by stplr_server_read()
 * @received: what was received; may have been written to, whatever is returned
 *
 * Messages and pulses come by priority, and then by age. Each message is to be answered; one way,
 * it is through when it is received or read to its end. The thread works at its clients' priority,
 * as a program's does.
 *
 * Context: process, in any number of threads; sleeps interruptibly. Return: bytes of the message; 0
 * for a pulse; EAGAIN: there is nothing, and not waiting; ETIMEDOUT; ERESTARTSYS: a signal, which
 * kernel threads do not get; EINTR: the thread is killed; ESRCH: the server was shut down, and the
 * thread should end; EINVAL: there is a receive operation, or the deadline is none.
 */
ssize_t stplr_server_receive(struct stplr_server *server, s64 deadline, void *bytes, size_t len,
			     struct stplr_received *received)
{
	if (server->ops->receive || !stplr_deadline_valid(deadline, CLOCK_MONOTONIC))
		return -EINVAL;
	return stplr_receive_kernel(server->channel, stplr_deadline_kernel(deadline), bytes, len,
				    received);
}
EXPORT_SYMBOL_GPL(stplr_server_receive);

/* What of @len bytes at @offset lies within @size bytes of a request; or an error. */
static ssize_t stplr_request_len(const struct stplr_serving *serving, size_t offset, size_t len,
				 size_t size)
{
	/* only there the program's memory is at hand */
	if (WARN_ON_ONCE(serving->task != current))
		return -EINVAL;
	if (serving->kept)
		return -EALREADY;
	if (len > SSIZE_MAX || offset > SSIZE_MAX - len)
		return -EINVAL;
	return offset < size ? min(len, size - offset) : 0;
}

/* stplr_request_read(), of a place that is large enough. */
ssize_t __stplr_request_read(struct stplr_request *request, size_t offset, void *to, size_t len)
{
	struct stplr_serving *serving = stplr_serving_of(request);
	ssize_t n = stplr_request_len(serving, offset, len, request->len);

	if (n <= 0)
		return n;
	return likely(stplr_user_buffer_read(serving->from, offset, to, n)) ? n : -EFAULT;
}
EXPORT_SYMBOL_GPL(__stplr_request_read);

/* stplr_request_write(), likewise. */
ssize_t __stplr_request_write(struct stplr_request *request, size_t offset, const void *from,
			      size_t len)
{
	struct stplr_serving *serving = stplr_serving_of(request);
	ssize_t n = stplr_request_len(serving, offset, len, request->room);

	if (n < 0)
		return n;
	if (n) {
		if (unlikely(!stplr_user_buffer_write(serving->to, offset, from, n)))
			return -EFAULT;
		serving->end = max(serving->end, offset + n);
	}
	if (len)
		serving->total = max(serving->total, offset + len);
	return n;
}
EXPORT_SYMBOL_GPL(__stplr_request_write);

/**
 * stplr_request_keep() - answer a message later
 * @request: what the receive operation was given
 *
 * From here on the message may be answered, by any thread, even before the operation returns, and
 * it is a program's blocking call like any: signals and deadlines end it, and what the operation
 * returns is dropped. The answer is only what stplr_server_reply() is given, and what
 * stplr_server_write() has put into the room. A message that nobody waits for, and one way is kept
 * like others; the latter ends once it was read to its end.
 *
 * Context: the receive operation, in its thread; may sleep. Return: the message's id, positive; or
 * EAGAIN: too many that nobody waits for; EFAULT, ENOBUFS, ENOMEM, EINTR, ESRCH, EBADF: as for any
 * message, and the operation should return it; EALREADY: it was kept.
 */
s32 stplr_request_keep(struct stplr_request *request)
{
	struct stplr_serving *serving = stplr_serving_of(request);

	if (WARN_ON_ONCE(serving->task != current))
		return -EINVAL;
	return stplr_serving_keep(serving);
}
EXPORT_SYMBOL_GPL(stplr_request_keep);

/* What kernel code gets instead of an error that is for system calls. */
static ssize_t stplr_server_result(struct stplr_channel *channel, ssize_t result)
{
	/* room may have been made, also by an error: a message that was no more */
	stplr_room_made(channel);
	return result == -ERESTARTSYS ? -EINTR : result;
}

/**
 * stplr_server_read() - read of a message that was kept
 * @server: the server
 * @rcvid: the message's id
 * @offset: from where on
 * @to: where to
 * @len: bytes
 *
 * Context: any that may sleep. Return: bytes, fewer than @len at the message's end; ESRCH: it has
 * ended: its program was killed, or has taken it back, or it was answered; EMSGSIZE: longer than
 * any message; EINTR: the calling thread was killed.
 */
ssize_t stplr_server_read(struct stplr_server *server, s32 rcvid, size_t offset, void *to,
			  size_t len)
{
	struct stplr_channel *channel = server->channel;

	return stplr_server_result(channel, stplr_data_kernel(channel, false, rcvid, offset, to,
							      len));
}
EXPORT_SYMBOL_GPL(stplr_server_read);

/**
 * stplr_server_write() - write into the room of a message that was kept
 * @server: the server
 * @rcvid: the message's id
 * @offset: from where on
 * @from: what
 * @len: bytes
 *
 * Context: any that may sleep. Return: bytes, fewer than @len at the end of the room; ESRCH,
 * EMSGSIZE, EINTR as for stplr_server_read(); ENOBUFS, ENOMEM.
 */
ssize_t stplr_server_write(struct stplr_server *server, s32 rcvid, size_t offset,
			   const void *from, size_t len)
{
	struct stplr_channel *channel = server->channel;

	return stplr_server_result(channel, stplr_data_kernel(channel, true, rcvid, offset,
							      (void *)from, len));
}
EXPORT_SYMBOL_GPL(stplr_server_write);

/**
 * stplr_server_reply() - answer a message that was kept
 * @server: the server
 * @rcvid: the message's id
 * @status: what its program gets: 0 or more, or a negative error number up to -511
 * @from: the answer; with an error there is none
 * @len: bytes
 *
 * Context: any that may sleep. Return: bytes that the program gets, fewer than @len if it has less
 * room; ESRCH, EMSGSIZE, EINTR as for stplr_server_read(); EINVAL: such a status; ENOBUFS, ENOMEM:
 * it can be answered still.
 */
ssize_t stplr_server_reply(struct stplr_server *server, s32 rcvid, int status, const void *from,
			   size_t len)
{
	struct stplr_msg_reply args = {
		.rcvid = rcvid,
		.status = max(status, 0),
		.error = status < 0 ? -status : 0,
	};
	struct stplr_user_buffer buffer;
	size_t done;
	int err;

	if (status < -STPLR_ERROR_MAX || (status < 0 && len))
		return -EINVAL;
	if (len > READ_ONCE(stplr_message_max))
		return -EMSGSIZE;
	stplr_user_buffer_kernel(&buffer, (void *)from, len);
	err = stplr_reply_buffer(server->channel, NULL, &args, &buffer, NULL, &done);
	return stplr_server_result(server->channel, err ?: done);
}
EXPORT_SYMBOL_GPL(stplr_server_reply);
