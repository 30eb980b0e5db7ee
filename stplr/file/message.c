// SPDX-License-Identifier: GPL-2.0
/* Messages: the arguments of the calls that send, receive, answer, read and write them. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <uapi/linux/stplr.h>

#include "base/clock.h"
#include "base/params.h"
#include "base/uninitialized.h"
#include "call/data.h"
#include "call/receive.h"
#include "call/reply.h"
#include "call/send.h"
#include "core/channel.h"
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

static int stplr_receive_check(const struct stplr_msg_receive *args)
{
	if (args->flags & ~(STPLR_RECEIVE_VECTOR | STPLR_RECEIVE_NO_TRUNC | STPLR_RECEIVE_PULSE |
			    STPLR_RECEIVE_REGISTERED))
		return -EINVAL;
	if (args->reserved)
		return -EINVAL;
	return stplr_deadline_valid(args->deadline, args->clock) ? 0 : -EINVAL;
}

static int stplr_reply_check(const struct stplr_msg_reply *args)
{
	if (args->flags & ~STPLR_REPLY_FLAGS || args->reserved)
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
					    struct stplr_msg_reply __user *uargs, bool then_receive)
{
	size_t len;
	int err;

	err = stplr_reply_check(args);
	if (err)
		return err;
	/* What was answered cannot fail any more: see now whether the length can be told. */
	if (put_user(args->len, &uargs->len))
		return -EFAULT;
	err = stplr_reply(channel, args, then_receive, &len);
	if (err || len == args->len)
		return err;
	return put_user(len, &uargs->len) ? -EFAULT : 0;
}

long stplr_reply_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_msg_reply args STPLR_UNINITIALIZED;
	int err;

	err = stplr_args_get(&args, sizeof(args), arg, size);
	return err ?: stplr_reply_args(file->private_data, &args, arg, false);
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

	err = stplr_receive(channel, file->f_flags & O_NONBLOCK, &args, &uargs->info);
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

	if (args.reply.flags & ~STPLR_REPLY_FLAGS || args.reply.reserved)
		return -EINVAL;
	if (args.reply.rcvid) {
		err = stplr_reply_args(channel, &args.reply, &uargs->reply, true);
		if (err)
			return err;
		/* so that the call, when it starts over, does not reply twice */
		if (put_user(0, &uargs->reply.rcvid))
			return -EFAULT;
	}

	err = stplr_receive(channel, file->f_flags & O_NONBLOCK, &args.receive,
			    &uargs->receive.info);
	stplr_dbg(3, "reply and receive on channel %d: %d\n", channel->chid, err);
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
