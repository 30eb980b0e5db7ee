// SPDX-License-Identifier: GPL-2.0
/*
 * More of a message that was received: what was sent is read, or the client's room written to, as
 * often as the server likes before it replies.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <uapi/linux/stplr.h>

#include "base/counters.h"
#include "base/params.h"
#include "call/data.h"
#include "core/device.h"
#include "core/life.h"
#include "core/messages.h"
#include "memory/buffer.h"
#include "memory/chunk.h"
#include "memory/sides.h"

/**
 * struct stplr_data_call - one call
 * @receiver: who has received the message, see stplr_received_find()
 * @rcvid: which
 * @offset: from where on in it
 * @buffer: the server's memory
 * @write: to the client, not from it
 * @len: bytes that lie within the client's message or room
 * @direct: those of them that are copied in place; the rest of a write goes by a chunk
 */
struct stplr_data_call {
	const struct pid *receiver;
	s32 rcvid;
	u64 offset;
	struct stplr_user_buffer buffer;
	bool write;
	size_t len;
	size_t direct;
};

/* Finds the message, counts a transfer in, and sees how much there is to copy. */
static struct stplr_message *stplr_data_begin(struct stplr_channel *channel,
					      struct stplr_data_call *call)
{
	u64 offset = call->offset;
	struct stplr_message *message;
	size_t end;

	spin_lock(&channel->lock);
	message = stplr_received_find(channel, call->receiver, call->rcvid);
	if (message) {
		message->transfers++;
		end = call->write ? message->sides.reply.room : message->sides.send.len;
		call->len = offset < end ? min_t(u64, call->buffer.len, end - offset) : 0;
		call->direct = call->len;
		if (call->write && call->len)
			call->direct = stplr_reply_side_direct(&message->sides, offset, call->len,
							       false);
	}
	spin_unlock(&channel->lock);
	return message;
}

/* @done bytes were copied in all. A one-way message is through with the last byte that is read. */
static void stplr_data_end(struct stplr_channel *channel, const struct stplr_data_call *call,
			   struct stplr_message *message, size_t done)
{
	struct stplr_reply_side *reply = &message->sides.reply;
	struct stplr_send_side *send = &message->sides.send;
	u64 offset = call->offset;
	struct task_struct *client;

	spin_lock(&channel->lock);
	if (call->write) {
		if (done)
			reply->written = max_t(size_t, reply->written, offset + done);
	} else {
		if (offset <= send->consumed)
			send->consumed = max_t(size_t, send->consumed, offset + done);
		if (message->kind == STPLR_KIND_SEND && message->state == STPLR_RECEIVED &&
		    send->consumed == send->len)
			stplr_message_end(message, 0);
	}
	client = stplr_message_transfer_out(message);
	stplr_unlock_and_wake(channel, client);
}

/* Copies what is copied in place, bringing in what is missing of the server's memory. */
static int stplr_data_copy(struct stplr_channel *channel, struct stplr_data_call *call)
{
	unsigned int faults = 0;
	struct iov_iter iter;
	size_t done = 0;

	stplr_user_buffer_iter(&call->buffer, call->write ? ITER_SOURCE : ITER_DEST, &iter);
	for (;;) {
		struct stplr_message *message;
		size_t copied, missing;

		message = stplr_data_begin(channel, call);
		if (!message)
			return -ESRCH;
		missing = call->direct - done;
		if (call->write)
			copied = stplr_reply_side_copy(&message->sides, call->offset + done,
						       missing, &iter);
		else
			copied = stplr_send_side_copy(&message->sides, call->offset + done,
						      missing, &iter);
		done += copied;
		missing -= copied;
		stplr_data_end(channel, call, message, done);
		if (!missing)
			return 0;

		stplr_count(&channel->device->counts, STPLR_COUNT_DATA_FAULTS);
		faults = copied ? 0 : faults + 1;
		if (faults > STPLR_FAULT_TRIES)
			return -EFAULT;
		if (missing == (call->write ? fault_in_iov_iter_readable(&iter, missing) :
					      fault_in_iov_iter_writeable(&iter, missing)))
			return -EFAULT;
		if (signal_pending(current))
			return -ERESTARTSYS;
	}
}

/* Hands the client what has no place of its own to go to. */
static int stplr_data_hand_over(struct stplr_channel *channel, const struct stplr_data_call *call)
{
	struct stplr_message *message;
	struct stplr_chunk *chunk;
	int err = -ESRCH;

	chunk = stplr_chunk_new(channel->user, &call->buffer, call->direct,
				call->len - call->direct, call->offset + call->direct);
	if (IS_ERR(chunk))
		return PTR_ERR(chunk);

	spin_lock(&channel->lock);
	message = stplr_received_find(channel, call->receiver, call->rcvid);
	if (message)
		err = stplr_reply_side_attach(&message->sides, chunk);
	if (!err)
		stplr_count(&channel->device->counts, STPLR_COUNT_CHUNKS);
	spin_unlock(&channel->lock);

	if (err)
		stplr_chunk_free(chunk);
	return err;
}

/* Does a call whose buffer is there, and of a length that is allowed. */
static int stplr_data_do(struct stplr_channel *channel, struct stplr_data_call *call)
{
	int err = stplr_data_copy(channel, call);

	if (!err && call->direct < call->len)
		err = stplr_data_hand_over(channel, call);
	return err;
}

/* Reads of a message that was received, or writes to its room; @len bytes lay within. */
int stplr_data(struct stplr_channel *channel, bool write, const struct stplr_msg_data *args,
	       size_t *len)
{
	struct stplr_data_call call = {
		.receiver = task_tgid(current),
		.rcvid = args->rcvid,
		.offset = args->offset,
		.write = write,
	};
	int err;

	err = stplr_user_buffer_import(&call.buffer, &args->buffer,
				       args->flags & STPLR_DATA_VECTOR,
				       args->flags & STPLR_DATA_REGISTERED, &channel->buffers,
				       !write);
	if (err)
		return err;
	err = -EMSGSIZE;
	if (call.buffer.len <= READ_ONCE(stplr_message_max))
		err = stplr_data_do(channel, &call);
	stplr_user_buffer_free(&call.buffer);
	stplr_dbg(3, "%s of %d on channel %d: %d\n", write ? "write" : "read", args->rcvid,
		  channel->chid, err);
	*len = call.len;
	return err;
}

/* The same for kernel code, of or to @len bytes of its memory; how many lay within. */
ssize_t stplr_data_kernel(struct stplr_channel *channel, bool write, s32 rcvid, u64 offset,
			  void *bytes, size_t len)
{
	struct stplr_data_call call = { .rcvid = rcvid, .offset = offset, .write = write };
	int err;

	if (len > READ_ONCE(stplr_message_max))
		return -EMSGSIZE;
	stplr_user_buffer_kernel(&call.buffer, bytes, len);
	err = stplr_data_do(channel, &call);
	return err ?: call.len;
}
