// SPDX-License-Identifier: GPL-2.0
/* A channel as a file: how it is made and accepted, polled, closed. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/pid_namespace.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/user_namespace.h>
#include <uapi/linux/stplr.h>

#include "base/clock.h"
#include "base/params.h"
#include "call/accept.h"
#include "call/create.h"
#include "core/channel.h"
#include "core/device.h"
#include "core/end.h"
#include "core/name.h"
#include "core/object.h"
#include "core/process.h"
#include "file/args.h"
#include "file/channel.h"
#include "file/ioctl.h"
#include "file/opened.h"
#include "memory/buffer.h"
#include "memory/registered.h"
#include "trace.h"

static int stplr_channel_release(struct inode *inode, struct file *file)
{
	struct stplr_channel *channel = file->private_data;

	stplr_channel_destroy(channel);
	stplr_buffers_end(&channel->buffers);
	stplr_channel_put(channel);
	return 0;
}

/*
 * The calling process closes a descriptor of the channel, which is out of its table already. With
 * its last one, at the latest when it dies, it can no longer reply: the clients of what it
 * received must not wait for it, whoever else has the channel. A thread that dies with a table of
 * its own takes nothing from its process.
 */
static int stplr_channel_flush(struct file *file, fl_owner_t id)
{
	struct stplr_channel *channel = file->private_data;
	struct pid *tgid = task_tgid(current);
	bool held;

	/* The last of all: release() ends everything, and nobody is in a call. */
	if (file_count(file) == 1)
		return 0;
	if (current->flags & PF_EXITING)
		held = atomic_read(&current->signal->live) > 0;
	else
		held = stplr_channel_held(channel);
	if (held)
		return 0;

	/* Another thread may be receiving, unless the process dies, executes, or has just one. */
	if (!(current->flags & PF_EXITING) && atomic_read(&current->files->count) > 1)
		stplr_channel_leave(channel);
	trace_stplr_death(STPLR_DEATH_SERVER, channel, 0);
	stplr_channel_end_process(channel, tgid);
	if (channel->flags & STPLR_CHANNEL_CREATOR && tgid == channel->creator->pid)
		stplr_channel_destroy(channel);
	return 0;
}

static __poll_t stplr_channel_poll(struct file *file, poll_table *wait)
{
	struct stplr_channel *channel = file->private_data;
	__poll_t events = 0;

	poll_wait(file, &channel->readable, wait);
	spin_lock(&channel->lock);
	if (channel->dead || channel->shutdown)
		events |= EPOLLHUP | EPOLLERR;
	if (channel->peer.closed)
		events |= EPOLLHUP;
	if (channel->messages.first || channel->pulses.first || !list_empty(&channel->backlog))
		events |= EPOLLIN | EPOLLRDNORM;
	if (channel->pulses.first)
		events |= EPOLLPRI;
	spin_unlock(&channel->lock);
	return events;
}

static void stplr_channel_show_fdinfo(struct seq_file *seq, struct file *file)
{
	const struct stplr_channel *channel = file->private_data;

	seq_printf(seq, "stplr-device:\t%u\n", channel->device->index);
	seq_printf(seq, "stplr-chid:\t%d\n", channel->chid);
	if (channel->name[0])
		seq_printf(seq, "stplr-name:\t%s\n", channel->name);
	if (channel->peer.listener)
		seq_printf(seq, "stplr-client-coid:\t%u\n", channel->peer.coid);
	seq_printf(seq, "stplr-ended:\t%d\n", READ_ONCE(channel->dead));
}

static const struct file_operations stplr_channel_fops = {
	.owner = THIS_MODULE,
	.release = stplr_channel_release,
	.flush = stplr_channel_flush,
	.poll = stplr_channel_poll,
	.unlocked_ioctl = stplr_channel_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = stplr_channel_show_fdinfo,
	.llseek = noop_llseek,
};

/* The channel that a descriptor of the calling process is of, with a reference. */
struct stplr_channel *stplr_channel_fdget(int fd)
{
	struct stplr_channel *channel = ERR_PTR(-ENOTTY);
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);
	if (file->f_op == &stplr_channel_fops) {
		channel = file->private_data;
		kref_get(&channel->ref);
	}
	fput(file);
	return channel;
}

/* A file for the channel, which takes over the caller's reference. */
static int stplr_channel_file(struct stplr_channel *channel, bool nonblock, struct file **file)
{
	*file = anon_inode_getfile("[stplr-channel]", &stplr_channel_fops, channel,
				   O_RDWR | (nonblock ? O_NONBLOCK : 0));
	if (IS_ERR(*file))
		return PTR_ERR(*file);
	channel->file = *file;
	return 0;
}

/* Creation */

static int stplr_channel_check(const struct stplr_channel_create *args)
{
	if (args->flags & ~(STPLR_CHANNEL_ATTACH_ANY | STPLR_CHANNEL_CREATOR | STPLR_CHANNEL_GROUP |
			    STPLR_CHANNEL_NONBLOCK | STPLR_CHANNEL_LISTEN | STPLR_CHANNEL_UNBLOCK |
			    STPLR_CHANNEL_DISCONNECT | STPLR_CHANNEL_PRIVATE |
			    STPLR_CHANNEL_FIXED_PRIORITY | STPLR_CHANNEL_SPIN |
			    STPLR_CHANNEL_WAKE_HERE))
		return -EINVAL;
	if (args->flags & STPLR_CHANNEL_LISTEN &&
	    (args->flags & STPLR_CHANNEL_DISCONNECT || args->pulses))
		return -EINVAL;
	if (args->mode & ~0777 || args->name_len > STPLR_NAME_MAX ||
	    args->pulses > STPLR_PULSES_MAX)
		return -EINVAL;
	if (args->spin_us > (args->flags & STPLR_CHANNEL_SPIN ? STPLR_SPIN_MAX : 0))
		return -EINVAL;
	if (args->gid && !(args->flags & STPLR_CHANNEL_GROUP))
		return -EINVAL;
	if (args->backlog > (args->flags & STPLR_CHANNEL_LISTEN ? STPLR_BACKLOG_MAX : 0))
		return -EINVAL;
	return 0;
}

long stplr_channel_create_ioctl(struct file *device_file, void __user *arg, unsigned int size)
{
	struct stplr_opened *opened = device_file->private_data;
	struct stplr_channel_create __user *uargs = arg;
	struct stplr_channel_create args;
	struct stplr_channel *channel;
	struct file *file;
	int fd, err;

	err = stplr_args_get(&args, sizeof(args), uargs, size);
	if (err)
		return err;
	err = stplr_channel_check(&args);
	if (err)
		return err;

	channel = stplr_create(opened->device, &args);
	if (IS_ERR(channel))
		return PTR_ERR(channel);
	if (copy_from_user(channel->name, u64_to_user_ptr(args.name), args.name_len))
		err = -EFAULT;
	if (!err)
		err = stplr_create_finish(channel, &args);
	if (err)
		goto put_channel;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		err = fd;
		goto put_channel;
	}
	err = stplr_channel_file(channel, args.flags & STPLR_CHANNEL_NONBLOCK, &file);
	if (err)
		goto put_fd;

	/* From here on the file owns the channel. */
	err = stplr_chid_reserve(channel);
	if (err)
		goto put_file;
	err = -EFAULT;
	if (put_user(channel->chid, &uargs->chid))
		goto put_file;
	/* the last that can fail */
	err = stplr_name_register(channel);
	if (err) {
		/* told of a channel that it does not get: as if never told */
		if (put_user(args.chid, &uargs->chid))
			err = -EFAULT;
		goto put_file;
	}
	stplr_dbg(2, "channel %d%s%s made\n", channel->chid, channel->name[0] ? " " : "",
		  channel->name);
	fd_install(fd, file);
	return fd;

put_file:
	fput(file);
	put_unused_fd(fd);
	return err;
put_fd:
	put_unused_fd(fd);
put_channel:
	stplr_channel_put(channel);
	return err;
}

/* Accepting */

/* Tells of the connection, without waiting for any page of the caller's. */
static bool stplr_accept_tell(const struct stplr_peer *peer,
			      const struct stplr_channel_accept *args,
			      struct stplr_channel_accept __user *uargs)
{
	struct stplr_channel_accept answer = *args;
	bool ok;

	answer.pid = pid_nr_ns(peer->pid, task_active_pid_ns(current));
	answer.uid = from_kuid_munged(current_user_ns(), peer->uid);
	answer.gid = from_kgid_munged(current_user_ns(), peer->gid);
	answer.scoid = peer->scoid;
	answer.coid = peer->coid;
	pagefault_disable();
	ok = !copy_to_user(uargs, &answer, sizeof(answer));
	pagefault_enable();
	return ok;
}

static int stplr_accept_one(struct stplr_channel *listener, bool nonblock,
			    const struct stplr_channel_accept *args,
			    struct stplr_channel_accept __user *uargs, struct file **file)
{
	s64 deadline = nonblock ? STPLR_DEADLINE_POLL : args->deadline;
	unsigned int faults = 0;
	bool told = false;
	int err;

	for (;;) {
		struct stplr_channel *child = stplr_accept(listener, deadline, args->clock);
		bool ok;

		err = PTR_ERR_OR_ZERO(child);
		if (err)
			break;
		told = true;
		ok = stplr_accept_tell(&child->peer, args, uargs);
		err = ok ? stplr_channel_file(child, args->flags & STPLR_ACCEPT_NONBLOCK, file) :
			   -EFAULT;
		if (!err)
			return 0;
		stplr_accept_undo(listener, child);
		if (ok || faults++ >= STPLR_FAULT_TRIES ||
		    fault_in_safe_writeable((char __user *)uargs, sizeof(*uargs)))
			break;
		err = -ERESTARTSYS;
		if (signal_pending(current))
			break;
	}
	/* told of a connection that it does not get: as if never told */
	if (told && copy_to_user(uargs, args, sizeof(*args)))
		return -EFAULT;
	return err;
}

long stplr_accept_ioctl(struct file *listener_file, void __user *arg, unsigned int size)
{
	struct stplr_channel *channel = listener_file->private_data;
	bool nonblock = listener_file->f_flags & O_NONBLOCK;
	struct stplr_channel_accept __user *uargs = arg;
	struct stplr_channel_accept args;
	struct file *file;
	int fd, err;

	err = stplr_args_get(&args, sizeof(args), uargs, size);
	if (err)
		return err;
	if (!(channel->flags & STPLR_CHANNEL_LISTEN) || args.flags & ~STPLR_ACCEPT_NONBLOCK ||
	    args.reserved || !stplr_deadline_valid(args.deadline, args.clock))
		return -EINVAL;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	err = stplr_accept_one(channel, nonblock, &args, uargs, &file);
	stplr_dbg(2, "accept on channel %d: %d\n", channel->chid, err ?: fd);
	if (err) {
		put_unused_fd(fd);
		return err;
	}
	fd_install(fd, file);
	return fd;
}

/* What it is */

long stplr_channel_info_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_channel *channel = file->private_data;
	const struct stplr_peer *peer = &channel->peer;
	struct pid_namespace *pids = task_active_pid_ns(current);
	struct user_namespace *users = current_user_ns();
	struct stplr_channel_info info = {
		.pid = pid_nr_ns(channel->creator->pid, pids),
		.chid = channel->chid,
		.flags = channel->flags & ~STPLR_CHANNEL_NONBLOCK,
		.device = channel->device->index,
	};

	if (peer->listener) {
		info.state |= STPLR_STATE_ACCEPTED;
		info.client_pid = pid_nr_ns(peer->pid, pids);
		info.client_uid = from_kuid_munged(users, peer->uid);
		info.client_gid = from_kgid_munged(users, peer->gid);
		info.client_scoid = peer->scoid;
		info.client_coid = peer->coid;
	}
	strscpy(info.name, peer->listener ? peer->listener->name : channel->name,
		sizeof(info.name));

	spin_lock(&channel->lock);
	if (channel->shutdown)
		info.state |= STPLR_STATE_SHUTDOWN;
	if (channel->dead)
		info.state |= STPLR_STATE_ENDED;
	if (peer->closed)
		info.state |= STPLR_STATE_CLOSED;
	spin_unlock(&channel->lock);

	return stplr_args_put(arg, size, &info, sizeof(info));
}

/* Its end */

long stplr_channel_destroy_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	return stplr_channel_destroy(file->private_data);
}

long stplr_channel_shutdown_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	return stplr_channel_shutdown(file->private_data);
}
