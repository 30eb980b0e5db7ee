// SPDX-License-Identifier: MIT
/*
 * What a server does with a message it has received: MsgReply(), MsgError(), MsgRead(), MsgWrite()
 *
 * The kernel's EFAULT speaks of the caller's buffer; for QNX's server that is ESRVRFAULT.
 */
#include "errors.h"
#include "qnx.h"

static int own_fault(int result)
{
	return result == -EFAULT ? -ESRVRFAULT : result;
}

static int reply_with(int rcvid, struct stplr_msg_reply *args)
{
	int saved = errno, ret;
	struct received received;

	timeout_clear();
	ret = rcvid_find(rcvid, &received);
	if (ret)
		return ret;
	args->rcvid = received.rcvid;
	ret = result_of(stplr_msg_reply(received.channel->fd, args));
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
	else if (error == ESRVRFAULT)
		args.error = WIRE_SRVRFAULT;
	else if (error < 0 || error >= WIRE_UNBLOCKED)
		return -EINVAL;
	return reply_with(rcvid, &args);
}

int MsgError(rcvid_t rcvid, int error)
{
	return outcome(MsgError_r(rcvid, error));
}

static ssize_t transfer(int (*call)(int channel, struct stplr_msg_data *args), rcvid_t rcvid,
			struct stplr_buffer buffer, size_t offset, unsigned flags)
{
	struct stplr_msg_data args = {.buffer = buffer, .offset = offset, .flags = flags};
	struct received received;
	int saved = errno, ret;

	timeout_clear();
	ret = rcvid_find(rcvid, &received);
	if (ret)
		return ret;
	args.rcvid = received.rcvid;
	ret = result_of(call(received.channel->fd, &args));
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
