// SPDX-License-Identifier: MIT
/*
 * What a server does with a message it has received: MsgReply(), MsgError(), MsgRead(), MsgWrite()
 *
 * The kernel's EFAULT speaks of the caller's buffer; for QNX's server that is ESRVRFAULT.
 *
 * The kernel takes so many bytes at once (message_max), and looks at what the server names; QNX at
 * what there is. So where that was too much, the call is made again with less.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/neutrino.h>

#include "bytes.h"
#include "channels.h"
#include "rcvid.h"
#include "request.h"
#include "result.h"
#include "send.h"
#include "stplr.h"
#include "timeout.h"

static int own_fault(int result)
{
	return result == -EFAULT ? -ESRVRFAULT : result;
}

/* Leaves so many bytes of a buffer; a vector's first parts are put into parts. */
static int shorten(struct stplr_buffer *buffer, bool vector, uint64_t bytes, iov_t *parts)
{
	const iov_t *from = (const iov_t *)(uintptr_t)buffer->addr;
	size_t i;

	if (!vector) {
		if (buffer->len > bytes)
			buffer->len = bytes;
		return 0;
	}
	if (vector_len(from, buffer->len) < 0)
		return -EOVERFLOW;
	for (i = 0; i < buffer->len && bytes; i++) {
		parts[i] = from[i];
		if (parts[i].iov_len > bytes)
			parts[i].iov_len = bytes;
		bytes -= parts[i].iov_len;
	}
	*buffer = bytes_at(parts, i);
	return 0;
}

/* A reply was too long: of what the client has no room for nothing would arrive anyway. */
static __attribute__((noinline)) int reply_less(int fd, struct stplr_msg_reply *args)
{
	struct stplr_msg_info info;
	iov_t parts[STPLR_PARTS_MAX];
	int ret = result_of(stplr_msg_info(fd, args->rcvid, &info));

	if (!ret)
		ret = shorten(&args->reply, args->flags & STPLR_REPLY_VECTOR, info.dst_len, parts);
	return ret ? ret : result_of(stplr_msg_reply(fd, args));
}

/* There is no such message; but perhaps a request. */
static __attribute__((noinline)) int reply_request(int rcvid, const struct stplr_msg_reply *args)
{
	size_t parts;
	iov_t whole;
	const iov_t *iov = parts_of(&args->reply, args->flags & STPLR_REPLY_VECTOR, &whole, &parts);

	return request_reply(rcvid, args->error == WIRE_UNBLOCKED ? EINTR : (int)args->error,
			     args->status, iov, parts);
}

static int reply_with(int rcvid, struct stplr_msg_reply *args)
{
	int saved = errno, ret;
	struct received received;

	timeout_clear();
	ret = rcvid_find(rcvid, &received);
	if (ret)
		return reply_request(rcvid, args);
	args->rcvid = received.rcvid;
	ret = result_of(stplr_msg_reply(received.channel->fd, args));
	if (ret == -EMSGSIZE)
		ret = reply_less(received.channel->fd, args);
	channel_put(received.channel);
	if (!ret || ret == -ESRCH)
		rcvid_remove(rcvid);
	errno = saved;
	return own_fault(ret);
}

int MsgReply_r(rcvid_t rcvid, long status, const void *msg, size_t bytes)
{
	struct stplr_msg_reply args = {.reply = bytes_at(msg, bytes), .status = (int32_t)status};

	return reply_with(rcvid, &args);
}

int MsgReply(rcvid_t rcvid, long status, const void *msg, size_t bytes)
{
	return outcome(MsgReply_r(rcvid, status, msg, bytes));
}

int MsgReplyv_r(rcvid_t rcvid, long status, const iov_t *iov, size_t parts)
{
	struct stplr_msg_reply args = {
		.reply = bytes_at(iov, parts),
		.status = (int32_t)status,
		.flags = STPLR_REPLY_VECTOR,
	};

	return reply_with(rcvid, &args);
}

int MsgReplyv(rcvid_t rcvid, long status, const iov_t *iov, size_t parts)
{
	return outcome(MsgReplyv_r(rcvid, status, iov, parts));
}

int MsgError_r(rcvid_t rcvid, int error)
{
	struct stplr_msg_reply args = {.error = (uint32_t)error};

	if (error == -1)
		args.error = WIRE_UNBLOCKED;
	else if (error < 0 || error >= WIRE_UNBLOCKED)
		return -EINVAL;
	return reply_with(rcvid, &args);
}

int MsgError(rcvid_t rcvid, int error)
{
	return outcome(MsgError_r(rcvid, error));
}

typedef int (*transfer_t)(int channel, struct stplr_msg_data *args);

/* More was asked for than the kernel copies at once: it gets a part, as one of what is there. */
static __attribute__((noinline)) int transfer_less(transfer_t call, int fd,
						   struct stplr_msg_data *args)
{
	struct stplr_version version;
	iov_t parts[STPLR_PARTS_MAX];
	int ret = result_of(stplr_version(fd, &version));

	if (!ret)
		ret = shorten(&args->buffer, args->flags & STPLR_DATA_VECTOR, version.message_max,
			      parts);
	return ret ? ret : result_of(call(fd, args));
}

static __attribute__((noinline)) ssize_t transfer_request(transfer_t call, rcvid_t rcvid,
							  const struct stplr_msg_data *args)
{
	size_t parts;
	iov_t whole;
	const iov_t *iov = parts_of(&args->buffer, args->flags & STPLR_DATA_VECTOR, &whole, &parts);

	return (call == stplr_msg_read ? request_read : request_write)(rcvid, iov, parts,
								       args->offset);
}

static ssize_t transfer(transfer_t call, rcvid_t rcvid, struct stplr_buffer buffer, size_t offset,
			unsigned flags)
{
	struct stplr_msg_data args = {.buffer = buffer, .offset = offset, .flags = flags};
	struct received received;
	int saved = errno, ret;

	timeout_clear();
	ret = rcvid_find(rcvid, &received);
	if (ret)
		return transfer_request(call, rcvid, &args);
	args.rcvid = received.rcvid;
	ret = result_of(call(received.channel->fd, &args));
	if (ret == -EMSGSIZE)
		ret = transfer_less(call, received.channel->fd, &args);
	channel_put(received.channel);
	errno = saved;
	return ret ? own_fault(ret) : (ssize_t)args.len;
}

static ssize_t length_or_errno(ssize_t result)
{
	return result >= 0 ? result : outcome((int)result);
}

ssize_t MsgRead_r(rcvid_t rcvid, void *msg, size_t bytes, size_t offset)
{
	return transfer(stplr_msg_read, rcvid, bytes_at(msg, bytes), offset, 0);
}

ssize_t MsgRead(rcvid_t rcvid, void *msg, size_t bytes, size_t offset)
{
	return length_or_errno(MsgRead_r(rcvid, msg, bytes, offset));
}

ssize_t MsgReadv_r(rcvid_t rcvid, const iov_t *iov, size_t parts, size_t offset)
{
	return transfer(stplr_msg_read, rcvid, bytes_at(iov, parts), offset, STPLR_DATA_VECTOR);
}

ssize_t MsgReadv(rcvid_t rcvid, const iov_t *iov, size_t parts, size_t offset)
{
	return length_or_errno(MsgReadv_r(rcvid, iov, parts, offset));
}

ssize_t MsgWrite_r(rcvid_t rcvid, const void *msg, size_t bytes, size_t offset)
{
	return transfer(stplr_msg_write, rcvid, bytes_at(msg, bytes), offset, 0);
}

ssize_t MsgWrite(rcvid_t rcvid, const void *msg, size_t bytes, size_t offset)
{
	return length_or_errno(MsgWrite_r(rcvid, msg, bytes, offset));
}

ssize_t MsgWritev_r(rcvid_t rcvid, const iov_t *iov, size_t parts, size_t offset)
{
	return transfer(stplr_msg_write, rcvid, bytes_at(iov, parts), offset, STPLR_DATA_VECTOR);
}

ssize_t MsgWritev(rcvid_t rcvid, const iov_t *iov, size_t parts, size_t offset)
{
	return length_or_errno(MsgWritev_r(rcvid, iov, parts, offset));
}

/* The thread takes over the client's priority with the receive: nothing is left to do. */
int MsgCurrent_r(rcvid_t rcvid)
{
	struct received received;
	int ret = rcvid_find(rcvid, &received);

	timeout_clear();
	if (!ret)
		channel_put(received.channel);
	else if (request_waits(rcvid))
		ret = 0;
	return ret;
}

int MsgCurrent(rcvid_t rcvid)
{
	return outcome(MsgCurrent_r(rcvid));
}

int MsgPause_r(rcvid_t rcvid, unsigned cookie)
{
	(void)rcvid;
	(void)cookie;
	return -ENOSYS;
}

int MsgPause(rcvid_t rcvid, unsigned cookie)
{
	return outcome(MsgPause_r(rcvid, cookie));
}
