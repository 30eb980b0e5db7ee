// SPDX-License-Identifier: GPL-2.0
/* The server's calls for a message it has received: STPLR_MSG_REPLY, STPLR_MSG_READ, STPLR_MSG_WRITE. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "stplr.h"

/* No errno above this is handed to a client: what lies beyond means something to the kernel itself. */
#define STPLR_ERROR_MAX 511

/* Reply */

/* Where a reply stands after one look at its message. */
struct stplr_reply_step {
	size_t len;    /* bytes the client will get */
	size_t direct; /* how many of them need no chunk */
};

static int stplr_reply_check(const struct stplr_msg_reply *args)
{
	if (args->flags & ~(STPLR_REPLY_VECTOR | STPLR_REPLY_NO_TRUNC))
		return -EINVAL;
	if (args->rcvid <= 0 || args->error > STPLR_ERROR_MAX)
		return -EINVAL;
	if (args->error && args->reply.len)
		return -EINVAL;
	return 0;
}

/*
 * Finds the message and takes its rcvid, so that no second reply comes in between. NULL with a step that
 * needs a chunk which is not there yet: the message is left as it is.
 */
static struct stplr_message *stplr_reply_begin(struct stplr_channel *channel,
					       const struct stplr_msg_reply *args, size_t len,
					       const struct stplr_chunk *chunk,
					       struct stplr_reply_step *step)
{
	struct stplr_message *message;

	spin_lock(&channel->lock);
	message = stplr_received_find(channel, args->rcvid);
	if (!message) {
		message = ERR_PTR(-ESRCH);
		goto unlock;
	}
	step->len = min(len, message->reply.room);
	if (step->len < len && args->flags & STPLR_REPLY_NO_TRUNC) {
		message = ERR_PTR(-EMSGSIZE);
		goto unlock;
	}
	step->direct = stplr_reply_side_direct(message, 0, step->len, true);
	if (step->direct < step->len && !chunk) {
		message = NULL;
		goto unlock;
	}
	stplr_received_del(channel, message);
	WRITE_ONCE(message->state, STPLR_REPLYING);
	message->transfers++;
unlock:
	spin_unlock(&channel->lock);
	return message;
}

/* A page of the server's is missing: the message is to be answered as before, unless it has to end. */
static void stplr_reply_back_out(struct stplr_channel *channel, struct stplr_message *message)
{
	struct task_struct *client;
	int err;

	spin_lock(&channel->lock);
	err = stplr_message_gone(message);
	if (err) {
		stplr_message_ending(message, err);
	} else {
		WRITE_ONCE(message->state, STPLR_RECEIVED);
		stplr_received_add(channel, message);
	}
	client = stplr_message_transfer_out(message);
	stplr_unlock_and_wake(channel, client);
	stplr_channel_check_held(channel);
	stplr_dbg(4, "reply on channel %d: a page is missing\n", channel->chid);
}

/* All bytes are there: the client gets its result. True if it took the chunk. */
static bool stplr_reply_commit(struct stplr_channel *channel, struct stplr_message *message,
			       const struct stplr_msg_reply *args, size_t total,
			       const struct stplr_reply_step *step, struct stplr_chunk *chunk)
{
	struct stplr_reply_side *reply = &message->reply;
	struct task_struct *client;
	int result = message->queued ? 0 : -(int)args->error;
	bool taken = false;

	spin_lock(&channel->lock);
	if (chunk) {
		int err = stplr_reply_side_attach(message, chunk);

		taken = !err;
		if (err)
			result = err;
	}
	reply->len = step->len;
	reply->total = total;
	if (reply->pages)
		reply->pages_written = max(reply->pages_written, step->direct);
	else
		reply->buffer_len = step->direct;
	message->status = args->status;
	stplr_message_ending(message, result);
	client = stplr_message_transfer_out(message);
	stplr_unlock_and_wake(channel, client);
	return taken;
}

static int stplr_reply_buffer(struct stplr_channel *channel, const struct stplr_msg_reply *args,
			      const struct stplr_user_buffer *from, size_t *len)
{
	struct stplr_chunk *chunk = NULL;
	struct stplr_reply_step step;
	unsigned int faults = 0;
	int err;

	for (;;) {
		struct stplr_message *message;
		struct iov_iter iter;

		message = stplr_reply_begin(channel, args, from->len, chunk, &step);
		if (IS_ERR(message)) {
			err = PTR_ERR(message);
			break;
		}
		if (!message) {
			chunk = stplr_chunk_new(channel->user, from, step.direct,
						step.len - step.direct, step.direct);
			if (IS_ERR(chunk))
				return PTR_ERR(chunk);
			continue;
		}

		stplr_user_buffer_iter(from, ITER_SOURCE, &iter);
		if (likely(stplr_reply_side_copy(message, 0, step.direct, &iter) == step.direct)) {
			if (stplr_reply_commit(channel, message, args, from->len, &step, chunk))
				chunk = NULL;
			*len = step.len;
			err = 0;
			break;
		}
		stplr_reply_back_out(channel, message);

		err = -EFAULT;
		if (faults++ >= STPLR_FAULT_TRIES)
			break;
		if (fault_in_iov_iter_readable(&iter, iov_iter_count(&iter)) == iov_iter_count(&iter))
			break;
		err = -EINTR;
		if (fatal_signal_pending(current))
			break;
	}
	stplr_chunk_free(chunk);
	return err;
}

/* Answers a message; args->len is written to @uargs. */
int stplr_reply(struct stplr_channel *channel, const struct stplr_msg_reply *args,
		struct stplr_msg_reply __user *uargs)
{
	struct stplr_user_buffer from;
	size_t len;
	int err;

	err = stplr_reply_check(args);
	if (err)
		return err;
	/* what was answered cannot fail any more: so find out now whether the length can be told */
	if (put_user(args->len, &uargs->len))
		return -EFAULT;
	err = stplr_user_buffer_import(&from, &args->reply, args->flags & STPLR_REPLY_VECTOR);
	if (err)
		return err;

	err = -EMSGSIZE;
	if (from.len <= READ_ONCE(stplr_message_max))
		err = stplr_reply_buffer(channel, args, &from, &len);
	stplr_user_buffer_free(&from);
	stplr_dbg(3, "reply to %d on channel %d: %d\n", args->rcvid, channel->chid, err);
	if (err)
		return err;
	return put_user(len, &uargs->len) ? -EFAULT : 0;
}

long stplr_reply_ioctl(struct stplr_channel *channel, void __user *arg, unsigned int size)
{
	struct stplr_msg_reply args;
	int err;

	err = stplr_args_get(&args, sizeof(args), arg, size);
	return err ?: stplr_reply(channel, &args, arg);
}

/* Read and write */

static int stplr_data_get(struct stplr_msg_data *args, struct stplr_user_buffer *buffer,
			  const void __user *arg, unsigned int size)
{
	int err;

	err = stplr_args_get(args, sizeof(*args), arg, size);
	if (err)
		return err;
	if (args->flags & ~STPLR_DATA_VECTOR || args->rcvid <= 0)
		return -EINVAL;
	err = stplr_user_buffer_import(buffer, &args->buffer, args->flags & STPLR_DATA_VECTOR);
	if (err)
		return err;
	if (buffer->len > READ_ONCE(stplr_message_max)) {
		stplr_user_buffer_free(buffer);
		return -EMSGSIZE;
	}
	return 0;
}

/* Counts a transfer in, if the message is there; which leaves the lock. */
static struct stplr_message *stplr_data_begin(struct stplr_channel *channel, s32 rcvid)
{
	struct stplr_message *message;

	spin_lock(&channel->lock);
	message = stplr_received_find(channel, rcvid);
	if (message)
		message->transfers++;
	spin_unlock(&channel->lock);
	return message;
}

/* How many of @len bytes at @offset lie within @end. */
static size_t stplr_data_within(u64 offset, size_t len, size_t end)
{
	return offset < end ? min_t(u64, len, end - offset) : 0;
}

/* Bytes up to @end were read: a one-way message is done when that was the last of it. */
static void stplr_read_end(struct stplr_channel *channel, struct stplr_message *message, size_t start,
			   size_t end)
{
	struct stplr_send_side *send = &message->send;
	struct task_struct *client;

	spin_lock(&channel->lock);
	if (start <= send->consumed)
		send->consumed = max(send->consumed, end);
	if (message->kind == STPLR_KIND_SEND && message->state == STPLR_RECEIVED &&
	    send->consumed == send->len)
		stplr_message_end(message, 0);
	client = stplr_message_transfer_out(message);
	stplr_unlock_and_wake(channel, client);
}

static int stplr_read(struct stplr_channel *channel, const struct stplr_msg_data *args,
		      const struct stplr_user_buffer *buffer, size_t *len)
{
	unsigned int faults = 0;
	struct iov_iter to;
	size_t done = 0;

	stplr_user_buffer_iter(buffer, ITER_DEST, &to);
	for (;;) {
		struct stplr_message *message;
		size_t want, got;

		message = stplr_data_begin(channel, args->rcvid);
		if (!message)
			return -ESRCH;
		want = stplr_data_within(args->offset, buffer->len, message->send.len) - done;
		got = stplr_send_side_copy(message, args->offset + done, want, &to);
		stplr_read_end(channel, message, args->offset, args->offset + done + got);
		done += got;
		if (got == want)
			break;

		faults = got ? 0 : faults + 1;
		if (faults > STPLR_FAULT_TRIES ||
		    fault_in_iov_iter_writeable(&to, want - got) == want - got)
			return -EFAULT;
		if (signal_pending(current))
			return -ERESTARTSYS;
	}
	*len = done;
	return 0;
}

long stplr_read_ioctl(struct stplr_channel *channel, void __user *arg, unsigned int size)
{
	struct stplr_msg_data __user *uargs = arg;
	struct stplr_user_buffer buffer;
	struct stplr_msg_data args;
	size_t len;
	int err;

	err = stplr_data_get(&args, &buffer, arg, size);
	if (err)
		return err;
	err = stplr_read(channel, &args, &buffer, &len);
	stplr_user_buffer_free(&buffer);
	stplr_dbg(3, "read from %d on channel %d: %d\n", args.rcvid, channel->chid, err);
	if (err)
		return err;
	return put_user(len, &uargs->len) ? -EFAULT : 0;
}

static void stplr_write_end(struct stplr_channel *channel, struct stplr_message *message, size_t end)
{
	struct task_struct *client;

	spin_lock(&channel->lock);
	message->reply.pages_written = max(message->reply.pages_written, end);
	client = stplr_message_transfer_out(message);
	stplr_unlock_and_wake(channel, client);
}

/* Writes what goes to the client's pinned pages, from the first byte on. */
static int stplr_write_direct(struct stplr_channel *channel, const struct stplr_msg_data *args,
			      const struct stplr_user_buffer *buffer, size_t *len, size_t *direct)
{
	unsigned int faults = 0;
	struct iov_iter from;
	size_t done = 0;

	stplr_user_buffer_iter(buffer, ITER_SOURCE, &from);
	for (;;) {
		struct stplr_message *message;
		size_t want, got;

		message = stplr_data_begin(channel, args->rcvid);
		if (!message)
			return -ESRCH;
		*len = stplr_data_within(args->offset, buffer->len, message->reply.room);
		*direct = *len ? stplr_reply_side_direct(message, args->offset, *len, false) : 0;
		want = *direct - done;
		got = stplr_reply_side_copy(message, args->offset + done, want, &from);
		done += got;
		stplr_write_end(channel, message, done ? args->offset + done : 0);
		if (got == want)
			return 0;

		faults = got ? 0 : faults + 1;
		if (faults > STPLR_FAULT_TRIES ||
		    fault_in_iov_iter_readable(&from, want - got) == want - got)
			return -EFAULT;
		if (signal_pending(current))
			return -ERESTARTSYS;
	}
}

/* Hands the rest over as a chunk. */
static int stplr_write_chunk(struct stplr_channel *channel, const struct stplr_msg_data *args,
			     const struct stplr_user_buffer *buffer, size_t skip, size_t len)
{
	struct stplr_message *message;
	struct stplr_chunk *chunk;
	int err = -ESRCH;

	chunk = stplr_chunk_new(channel->user, buffer, skip, len, args->offset + skip);
	if (IS_ERR(chunk))
		return PTR_ERR(chunk);

	spin_lock(&channel->lock);
	message = stplr_received_find(channel, args->rcvid);
	if (message)
		err = stplr_reply_side_attach(message, chunk);
	spin_unlock(&channel->lock);

	if (err)
		stplr_chunk_free(chunk);
	return err;
}

long stplr_write_ioctl(struct stplr_channel *channel, void __user *arg, unsigned int size)
{
	struct stplr_msg_data __user *uargs = arg;
	struct stplr_user_buffer buffer;
	struct stplr_msg_data args;
	size_t len, direct;
	int err;

	err = stplr_data_get(&args, &buffer, arg, size);
	if (err)
		return err;
	err = stplr_write_direct(channel, &args, &buffer, &len, &direct);
	if (!err && direct < len)
		err = stplr_write_chunk(channel, &args, &buffer, direct, len - direct);
	stplr_user_buffer_free(&buffer);
	stplr_dbg(3, "write to %d on channel %d: %d\n", args.rcvid, channel->chid, err);
	if (err)
		return err;
	return put_user(len, &uargs->len) ? -EFAULT : 0;
}
