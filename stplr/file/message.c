// SPDX-License-Identifier: GPL-2.0
/* Messages: the arguments of the calls that send, receive, answer, read and write them. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <uapi/linux/stplr.h>

#include "base/clock.h"
#include "base/params.h"
#include "base/uninitialized.h"
#include "call/data.h"
#include "call/receive.h"
#include "call/reply.h"
#include "call/send.h"
#include "core/end.h"
#include "core/messages.h"
#include "file/args.h"
#include "file/message.h"

/* The client's */

static int stplr_send_check(const struct stplr_msg_send *args, u32 kind)
{
	u32 flags = STPLR_SEND_VECTOR | STPLR_SEND_REGISTERED | STPLR_SEND_TELL;

	if (kind == STPLR_KIND_SEND_RECEIVE)
		flags |= STPLR_REPLY_VECTOR | STPLR_REPLY_REGISTERED | STPLR_SEND_PARK;
	else
		flags |= STPLR_SEND_QUEUED;
	if (kind == STPLR_KIND_SEND &&
	    (args->reply.addr || args->reply.len || args->reply_deadline))
		return -EINVAL;
	if (args->flags & STPLR_SEND_QUEUED &&
	    (args->token || args->flags & (STPLR_SEND_REGISTERED | STPLR_SEND_TELL)))
		return -EINVAL;

	if (args->flags & ~flags || args->reserved)
		return -EINVAL;
	if (!stplr_deadline_valid(args->send_deadline, args->clock) ||
	    !stplr_deadline_valid(args->reply_deadline, args->clock))
		return -EINVAL;
	return 0;
}

static long stplr_send_args(struct stplr_connection *connection, u32 kind, bool nonblock,
			    void __user *arg, unsigned int size)
{
	struct stplr_msg_send __user *uargs = arg;
	struct stplr_msg_send args STPLR_UNINITIALIZED;
	struct stplr_sent sent = {};
	int err;

	err = stplr_args_get(&args, sizeof(args), uargs, size);
	if (err)
		return err;
	err = stplr_send_check(&args, kind);
	if (err)
		return err;
	if (args.flags & STPLR_SEND_QUEUED)
		return stplr_send_queued(connection, nonblock, &args);
	err = stplr_send(connection, kind, nonblock, &args, &sent);
	if (likely(!err)) {
		BUILD_BUG_ON(offsetofend(struct stplr_msg_send, status) + sizeof(u32) !=
			     sizeof(args));
		if (copy_to_user(&uargs->token, &args.token,
				 sizeof(args) - offsetof(struct stplr_msg_send, token)))
			err = -EFAULT;
	} else if (sent.token) {
		if (put_user(sent.token, &uargs->token)) {
			stplr_send_forget(connection, sent.token, kind);
			err = -EFAULT;
		}
	} else if (sent.received && args.flags & STPLR_SEND_TELL) {
		if (put_user(1, &uargs->status))
			err = -EFAULT;
	}

	/*
	 * The token is used up, unless the message was parked again, whatever error the server
	 * chose; if it cannot be cleared, it is refused.
	 */
	if (unlikely(sent.resumed && err && !sent.token))
		(void)put_user(0, &uargs->token);
	return err;
}

long stplr_send_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	return stplr_send_args(file->private_data, STPLR_KIND_SEND, file->f_flags & O_NONBLOCK, arg,
			       size);
}

long stplr_send_receive_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	return stplr_send_args(file->private_data, STPLR_KIND_SEND_RECEIVE,
			       file->f_flags & O_NONBLOCK, arg, size);
}

/* The server's */

/* What a struct stplr_msg_reply may ask for. */
#define STPLR_REPLY_FLAGS (STPLR_REPLY_VECTOR | STPLR_REPLY_REGISTERED | STPLR_REPLY_NO_TRUNC)

/* What a struct stplr_msg_receive may ask for, and a struct stplr_msg_batch. */
#define STPLR_RECEIVE_FLAGS                                                                        \
	(STPLR_RECEIVE_VECTOR | STPLR_RECEIVE_NO_TRUNC | STPLR_RECEIVE_PULSE |                     \
	 STPLR_RECEIVE_REGISTERED)

static int stplr_receive_check(const struct stplr_msg_receive *args)
{
	if (args->flags & ~STPLR_RECEIVE_FLAGS || args->reserved)
		return -EINVAL;
	return stplr_deadline_valid(args->deadline, args->clock) ? 0 : -EINVAL;
}

static int stplr_reply_check(const struct stplr_msg_reply *args)
{
	if (args->flags & ~STPLR_REPLY_FLAGS || args->result || args->reserved)
		return -EINVAL;
	if (args->rcvid <= 0 || args->error > STPLR_ERROR_MAX)
		return -EINVAL;
	if (args->error && args->reply.len)
		return -EINVAL;
	return 0;
}

/* Answers, and tells how many bytes the client got. */
static __always_inline int stplr_reply_args(struct stplr_channel *channel,
					    const struct stplr_msg_reply *args,
					    struct stplr_msg_reply __user *uargs,
					    const struct stplr_msg_receive *then)
{
	size_t len;
	int err;

	err = stplr_reply_check(args);
	if (err)
		return err;
	/* What was answered cannot fail any more: see now whether the length can be told. */
	if (put_user(args->len, &uargs->len))
		return -EFAULT;
	err = stplr_reply(channel, args, then, &len);
	if (err || len == args->len)
		return err;
	return put_user(len, &uargs->len) ? -EFAULT : 0;
}

long stplr_reply_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_msg_reply args STPLR_UNINITIALIZED;
	int err;

	err = stplr_args_get(&args, sizeof(args), arg, size);
	return err ?: stplr_reply_args(file->private_data, &args, arg, NULL);
}

long stplr_receive_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_channel *channel = file->private_data;
	struct stplr_msg_receive __user *uargs = arg;
	struct stplr_msg_receive args STPLR_UNINITIALIZED;
	int err;

	err = stplr_args_get_first(&args, sizeof(args), offsetof(typeof(args), info), uargs, size);
	if (err)
		return err;
	err = stplr_receive_check(&args);
	if (err)
		return err;

	if (file->f_flags & O_NONBLOCK)
		args.deadline = STPLR_DEADLINE_POLL;
	err = stplr_receive(channel, &args, &uargs->info);
	stplr_dbg(3, "receive on channel %d: %d\n", channel->chid, err);
	return err;
}

long stplr_reply_receive_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_msg_reply_receive __user *uargs = arg;
	struct stplr_channel *channel = file->private_data;
	struct stplr_msg_reply_receive args STPLR_UNINITIALIZED;
	int err;

	err = stplr_args_get_first(&args, sizeof(args), offsetof(typeof(args), receive.info), uargs,
				   size);
	if (err)
		return err;
	err = stplr_receive_check(&args.receive);
	if (err)
		return err;

	if (args.reply.flags & ~STPLR_REPLY_FLAGS || args.reply.result || args.reply.reserved)
		return -EINVAL;
	if (file->f_flags & O_NONBLOCK)
		args.receive.deadline = STPLR_DEADLINE_POLL;
	if (args.reply.rcvid) {
		err = stplr_reply_args(channel, &args.reply, &uargs->reply, &args.receive);
		if (err)
			return err;
		/* so that the call, when it starts over, does not reply twice */
		if (put_user(0, &uargs->reply.rcvid))
			return -EFAULT;
	}

	err = stplr_receive(channel, &args.receive, &uargs->receive.info);
	stplr_dbg(3, "reply and receive on channel %d: %d\n", channel->chid, err);
	return err;
}

/*
 * One answer of a batch; what became of it is told there, and an error is the batch's. 1: it was
 * given.
 */
static int stplr_batch_reply(struct stplr_channel *channel, struct stplr_msg_reply __user *ureply,
			     const struct stplr_msg_receive *then, u32 *failed)
{
	struct stplr_msg_reply args STPLR_UNINITIALIZED;
	u32 result;
	int err;

	if (copy_from_user(&args, ureply, sizeof(args)))
		return -EFAULT;
	if (!args.rcvid)
		return 0;
	result = args.result;
	args.result = 0;
	err = stplr_reply_args(channel, &args, ureply, then);
	if (unlikely(err))
		++*failed;
	else if (put_user(0, &ureply->rcvid))
		return -EFAULT;
	if (unlikely(result != -err) && put_user(-err, &ureply->result))
		return -EFAULT;
	return !err;
}

static int stplr_batch_replies(struct stplr_channel *channel, const struct stplr_msg_batch *args,
			       const struct stplr_msg_receive *then, u32 *failed)
{
	struct stplr_msg_reply __user *ureplies = u64_to_user_ptr(args->replies);
	u32 i;

	for (i = 0; i < args->nr_replies; i++) {
		bool last = i + 1 == args->nr_replies;
		int given = stplr_batch_reply(channel, &ureplies[i],
					      last && args->nr_places && !*failed ? then : NULL,
					      failed);

		if (given < 0)
			return given;
		/*
		 * Those that were answered have no rcvid any more: the call may start over, and
		 * gets further each time.
		 */
		if (!last && signal_pending(current) && (given || fatal_signal_pending(current)))
			return -ERESTARTSYS;
		cond_resched();
	}
	return 0;
}

/* May a batch have one more? Others of the channel's threads may have to, or other processes. */
static bool stplr_batch_goes_on(struct stplr_channel *channel)
{
	return stplr_channel_has_more(channel) && !signal_pending(current) &&
	       (!stplr_channel_maybe_left(channel) || stplr_channel_held(channel));
}

/* How many were received, or the error of the first. Only the first one may be waited for. */
static int stplr_batch_receive(struct stplr_channel *channel, const struct stplr_msg_batch *args,
			       struct stplr_msg_receive *receive)
{
	struct stplr_msg_place __user *uplaces = u64_to_user_ptr(args->places);
	int i;

	for (i = 0; i < args->nr_places; i++) {
		int err = -EFAULT;

		if (i && !stplr_batch_goes_on(channel))
			break;
		if (!copy_from_user(&receive->buffer, &uplaces[i].buffer, sizeof(receive->buffer)))
			err = stplr_receive(channel, receive, &uplaces[i].info);
		if (err)
			return i ?: err;
		receive->deadline = STPLR_DEADLINE_POLL;
		cond_resched();
	}
	return i;
}

long stplr_batch_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_channel *channel = file->private_data;
	struct stplr_msg_batch __user *uargs = arg;
	struct stplr_msg_receive receive = {};
	struct stplr_msg_batch args;
	u32 failed = 0;
	int err;

	err = stplr_args_get(&args, sizeof(args), uargs, size);
	if (err)
		return err;
	if (args.nr_replies > STPLR_BATCH_MAX || args.nr_places > STPLR_BATCH_MAX ||
	    args.flags & ~STPLR_RECEIVE_FLAGS || args.reserved ||
	    !stplr_deadline_valid(args.deadline, args.clock))
		return -EINVAL;
	if (channel->flags & STPLR_CHANNEL_LISTEN && args.nr_places)
		return -EINVAL;

	receive.deadline = file->f_flags & O_NONBLOCK ? STPLR_DEADLINE_POLL : args.deadline;
	receive.clock = args.clock;
	receive.flags = args.flags;
	err = stplr_batch_replies(channel, &args, &receive, &failed);
	if (failed != args.failed && put_user(failed, &uargs->failed))
		err = -EFAULT;
	if (err)
		return err;

	if (failed)
		receive.deadline = STPLR_DEADLINE_POLL;
	err = stplr_batch_receive(channel, &args, &receive);
	if (failed && err == -EAGAIN)
		err = 0;
	stplr_dbg(3, "batch on channel %d: %d\n", channel->chid, err);
	return err;
}

static long stplr_data_args(struct stplr_channel *channel, bool write, void __user *arg,
			    unsigned int size)
{
	struct stplr_msg_data __user *uargs = arg;
	struct stplr_msg_data args;
	size_t len;
	int err;

	err = stplr_args_get(&args, sizeof(args), arg, size);
	if (err)
		return err;
	if (args.flags & ~(STPLR_DATA_VECTOR | STPLR_DATA_REGISTERED) || args.rcvid <= 0)
		return -EINVAL;
	err = stplr_data(channel, write, &args, &len);
	if (err)
		return err;
	return put_user(len, &uargs->len) ? -EFAULT : 0;
}

long stplr_read_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	return stplr_data_args(file->private_data, false, arg, size);
}

long stplr_write_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	return stplr_data_args(file->private_data, true, arg, size);
}

long stplr_info_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_msg_info info;
	int err;

	err = stplr_args_get(&info, sizeof(info), arg, size);
	if (err)
		return err;
	if (info.rcvid <= 0)
		return -EINVAL;
	err = stplr_receive_info(file->private_data, &info);
	if (err)
		return err;
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}
