// SPDX-License-Identifier: GPL-2.0
/* The server's answer. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <uapi/linux/stplr.h>

#include "base/counters.h"
#include "base/params.h"
#include "base/uninitialized.h"
#include "base/wake.h"
#include "call/reply.h"
#include "core/device.h"
#include "core/end.h"
#include "core/life.h"
#include "core/messages.h"
#include "core/notice.h"
#include "memory/buffer.h"
#include "memory/sides.h"
#include "trace.h"

/* Where a reply stands after one look at its message. */
struct stplr_reply_step {
	size_t len;    /* bytes the client will get */
	size_t direct; /* how many of them need no chunk */
};

/*
 * Finds the message and takes its rcvid, so that no second reply comes in between. NULL with a
 * step that needs a chunk which is not there yet: the message is left as it is. With the lock.
 */
static struct stplr_message *stplr_reply_begin(struct stplr_channel *channel,
					       const struct pid *receiver,
					       const struct stplr_msg_reply *args, size_t len,
					       const struct stplr_chunk *chunk,
					       struct stplr_reply_step *step)
{
	struct stplr_message *message;

	lockdep_assert_held(&channel->lock);
	message = stplr_received_find(channel, receiver, args->rcvid);
	if (unlikely(message && stplr_message_orphaned(message))) {
		stplr_message_end(message, -ESRCH);
		message = NULL;
	}
	if (!message)
		return ERR_PTR(-ESRCH);
	step->len = min(len, message->sides.reply.room);
	if (step->len < len && args->flags & STPLR_REPLY_NO_TRUNC)
		return ERR_PTR(-EMSGSIZE);
	step->direct = stplr_reply_side_direct(&message->sides, 0, step->len, true);
	if (step->direct < step->len && !chunk)
		return NULL;
	stplr_received_del(channel, message);
	WRITE_ONCE(message->state, STPLR_REPLYING);
	message->transfers++;
	trace_stplr_reply(message, args, len);
	return message;
}

/*
 * A page of the server's is missing: the message is to be answered as before, unless it has to
 * end. Called with the lock, and left without.
 */
static void stplr_reply_back_out(struct stplr_channel *channel, struct stplr_message *message)
	__releases(&channel->lock)
{
	struct task_struct *client, *receiver = NULL;
	bool told = false;
	int err;

	lockdep_assert_held(&channel->lock);
	err = stplr_message_gone(message);
	if (err) {
		stplr_message_ending(message, err);
	} else {
		WRITE_ONCE(message->state, STPLR_RECEIVED);
		stplr_received_add(channel, message);
		if (message->unblocking)
			receiver = stplr_unblock_request(message);
		told = message->unblocking;
	}
	client = stplr_message_transfer_out(message);
	stplr_unlock_and_wake(channel, client);
	stplr_wake(receiver);
	if (told)
		stplr_channel_wake_pollers(channel);
	stplr_channel_check_held(channel);
	if (err)
		return;
	stplr_count(&channel->device->counts, STPLR_COUNT_REPLY_FAULTS);
	stplr_dbg(4, "reply on channel %d: a page is missing\n", channel->chid);
}

/*
 * All bytes are there: the client gets its result. True if it took the chunk. Called with the lock,
 * and left without.
 */
static bool stplr_reply_commit(struct stplr_channel *channel, struct stplr_message *message,
			       const struct stplr_msg_reply *args, size_t total,
			       const struct stplr_reply_step *step, struct stplr_chunk *chunk,
			       const struct stplr_msg_receive *then)
	__releases(&channel->lock)
{
	struct stplr_reply_side *reply = &message->sides.reply;
	struct task_struct *client;
	int result = message->queued && !message->posted ? 0 : -(int)args->error;
	bool taken = false;

	lockdep_assert_held(&channel->lock);
	if (chunk) {
		int err = stplr_reply_side_attach(&message->sides, chunk);

		taken = !err;
		if (taken)
			stplr_count(&channel->device->counts, STPLR_COUNT_CHUNKS);
		else
			result = err;
	}
	reply->len = step->len;
	reply->total = total;
	if (reply->window.len)
		reply->written = max(reply->written, step->direct);
	else
		reply->buffer_len = step->direct;
	message->status = args->status;
	channel->nr_replies++;
	stplr_message_ending(message, result);
	client = stplr_message_transfer_out(message);
	if (then)
		stplr_unlock_and_hand_over(channel, client, then);
	else
		stplr_unlock_and_wake(channel, client);
	return taken;
}

/*
 * Answers with @from what @receiver has received, and receives @then, if that is not NULL; @len
 * bytes reached the client.
 */
int stplr_reply_buffer(struct stplr_channel *channel, const struct pid *receiver,
		       const struct stplr_msg_reply *args, const struct stplr_user_buffer *from,
		       const struct stplr_msg_receive *then, size_t *len)
{
	struct stplr_chunk *chunk = NULL;
	struct stplr_reply_step step;
	unsigned int faults = 0;
	int err;

	for (;;) {
		struct stplr_message *message;
		size_t copied, missing;
		struct iov_iter iter;

		spin_lock(&channel->lock);
		message = stplr_reply_begin(channel, receiver, args, from->len, chunk, &step);
		if (IS_ERR(message)) {
			spin_unlock(&channel->lock);
			err = PTR_ERR(message);
			break;
		}
		if (!message) {
			spin_unlock(&channel->lock);
			chunk = stplr_chunk_new(channel->user, from, step.direct,
						step.len - step.direct, step.direct);
			if (IS_ERR(chunk))
				return PTR_ERR(chunk);
			continue;
		}

		stplr_user_buffer_iter(from, ITER_SOURCE, &iter);
		if (likely(stplr_reply_side_short(&message->sides.reply, step.direct,
						  from->nr_parts))) {
			copied = stplr_reply_side_copy(&message->sides, 0, step.direct, &iter);
		} else {
			spin_unlock(&channel->lock);
			copied = stplr_reply_side_copy(&message->sides, 0, step.direct, &iter);
			spin_lock(&channel->lock);
		}
		if (likely(copied == step.direct)) {
			trace_stplr_copy(message, true, step.len);
			if (stplr_reply_commit(channel, message, args, from->len, &step, chunk,
					       then))
				chunk = NULL;
			*len = step.len;
			err = 0;
			break;
		}
		trace_stplr_copy(message, true, -EFAULT);
		stplr_reply_back_out(channel, message);

		err = -EFAULT;
		if (faults++ >= STPLR_FAULT_TRIES)
			break;
		missing = step.direct - (from->len - iov_iter_count(&iter));
		if (fault_in_iov_iter_readable(&iter, missing) == missing)
			break;
		err = -EINTR;
		if (fatal_signal_pending(current))
			break;
	}
	stplr_chunk_free(chunk);
	return err;
}

/* Answers a message, and receives @then, or not; @len bytes reached its client. */
int stplr_reply(struct stplr_channel *channel, const struct stplr_msg_reply *args,
		const struct stplr_msg_receive *then, size_t *len)
{
	struct stplr_user_buffer from STPLR_UNINITIALIZED;
	int err;

	err = stplr_user_buffer_import(&from, &args->reply, args->flags & STPLR_REPLY_VECTOR,
				       args->flags & STPLR_REPLY_REGISTERED, &channel->buffers,
				       false);
	if (err)
		return err;

	err = -EMSGSIZE;
	if (from.len <= READ_ONCE(stplr_message_max))
		err = stplr_reply_buffer(channel, task_tgid(current), args, &from, then, len);
	stplr_user_buffer_free(&from);
	stplr_dbg(3, "reply to %d on channel %d: %d\n", args->rcvid, channel->chid, err);
	return err;
}
