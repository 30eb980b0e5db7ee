// SPDX-License-Identifier: GPL-2.0
/* A connection as a file: how it is made, polled, closed. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/pid_namespace.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/user_namespace.h>
#include <uapi/linux/stplr.h>

#include "base/clock.h"
#include "base/params.h"
#include "call/attach.h"
#include "core/channel.h"
#include "core/connection.h"
#include "core/device.h"
#include "core/life.h"
#include "core/process.h"
#include "core/server.h"
#include "file/args.h"
#include "file/connection.h"
#include "file/ioctl.h"
#include "file/opened.h"

static int stplr_connection_release(struct inode *inode, struct file *file)
{
	stplr_attach_end(file->private_data);
	return 0;
}

/*
 * Where a process's last thread closes a descriptor as it exits, what the process waits for over it
 * ends, whoever has others.
 */
static int stplr_connection_flush(struct file *file, fl_owner_t owner)
{
	struct stplr_connection *connection = file->private_data;

	if (unlikely(READ_ONCE(connection->nr_parked)) && current->flags & PF_EXITING &&
	    !atomic_read(&current->signal->live))
		stplr_parked_exit(connection);
	return 0;
}

static __poll_t stplr_connection_poll(struct file *file, poll_table *wait)
{
	struct stplr_connection *connection = file->private_data;
	struct stplr_channel *channel = connection->channel;
	__poll_t events = EPOLLOUT | EPOLLWRNORM;

	poll_wait(file, &channel->hangup, wait);
	poll_wait(file, &connection->hangup, wait);
	spin_lock(&channel->lock);
	if (channel->dead || channel->shutdown || connection->detached)
		events |= EPOLLHUP | EPOLLERR;
	spin_unlock(&channel->lock);
	return events;
}

static void stplr_connection_show_fdinfo(struct seq_file *seq, struct file *file)
{
	const struct stplr_connection *connection = file->private_data;

	seq_printf(seq, "stplr-device:\t%u\n", connection->channel->device->index);
	seq_printf(seq, "stplr-coid:\t%u\n", connection->coid);
	if (connection->channel->server)
		seq_printf(seq, "stplr-driver:\t%s\n", connection->channel->server->module);
	seq_printf(seq, "stplr-ended:\t%d\n", READ_ONCE(connection->channel->dead));
}

static const struct file_operations stplr_connection_fops = {
	.owner = THIS_MODULE,
	.flush = stplr_connection_flush,
	.release = stplr_connection_release,
	.poll = stplr_connection_poll,
	.unlocked_ioctl = stplr_connection_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = stplr_connection_show_fdinfo,
	.llseek = noop_llseek,
};

/* The connection that a descriptor of the calling process is of, with a reference. */
struct stplr_connection *stplr_connection_fdget(int fd)
{
	struct stplr_connection *connection = ERR_PTR(-ENOTTY);
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);
	if (file->f_op == &stplr_connection_fops) {
		connection = file->private_data;
		kref_get(&connection->ref);
	}
	fput(file);
	return connection;
}

long stplr_connection_info_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_connection *connection = file->private_data;
	struct stplr_channel *channel = connection->channel;
	struct stplr_connect_info info = {
		.pid = pid_nr_ns(channel->creator->pid, task_active_pid_ns(current)),
		.chid = channel->chid,
		.uid = from_kuid_munged(current_user_ns(), channel->cred->euid),
		.gid = from_kgid_munged(current_user_ns(), channel->cred->egid),
		.coid = connection->coid,
	};

	spin_lock(&channel->lock);
	if (channel->dead || channel->shutdown)
		info.flags |= STPLR_CONNECT_ENDED;
	if (connection->detached)
		info.flags |= STPLR_CONNECT_DETACHED;
	info.queued = connection->nr_queued;
	info.dropped = connection->nr_dropped;
	spin_unlock(&channel->lock);

	return stplr_args_put(arg, size, &info, sizeof(info));
}

long stplr_detach_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	return stplr_detach(file->private_data);
}

static int stplr_attach_check(const struct stplr_connect_attach *args)
{
	if (args->flags & ~(STPLR_CONNECT_UID | STPLR_CONNECT_NONBLOCK | STPLR_CONNECT_LEND |
			    STPLR_CONNECT_SPIN))
		return -EINVAL;
	if (args->spin_us > (args->flags & STPLR_CONNECT_SPIN ? STPLR_SPIN_MAX : 0))
		return -EINVAL;
	if (args->uid && !(args->flags & STPLR_CONNECT_UID))
		return -EINVAL;
	if (!stplr_deadline_valid(args->deadline, args->clock))
		return -EINVAL;
	if (args->name_len)
		return args->pid || args->chid ? -EINVAL : 0;
	return args->pid < 0 || args->chid <= 0 ? -EINVAL : 0;
}

static int stplr_attach_name(const struct stplr_connect_attach *args, char *name)
{
	if (args->name_len > STPLR_NAME_MAX)
		return -EINVAL;
	return copy_from_user(name, u64_to_user_ptr(args->name), args->name_len) ? -EFAULT : 0;
}

long stplr_connect_attach_ioctl(struct file *device_file, void __user *arg, unsigned int size)
{
	struct stplr_opened *opened = device_file->private_data;
	struct stplr_connect_attach __user *uargs = arg;
	struct stplr_connection *connection;
	char name[STPLR_NAME_MAX + 1] = {};
	struct stplr_connect_attach args;
	struct file *file;
	int fd, err;

	err = stplr_args_get(&args, sizeof(args), uargs, size);
	if (err)
		return err;
	err = stplr_attach_check(&args);
	if (err)
		return err;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	err = stplr_attach_name(&args, name);
	if (err)
		goto put_fd;
	connection = stplr_attach(opened->device, &args, name);
	if (IS_ERR(connection)) {
		err = PTR_ERR(connection);
		goto put_fd;
	}

	file = anon_inode_getfile("[stplr-connection]", &stplr_connection_fops, connection,
				  O_RDWR | (args.flags & STPLR_CONNECT_NONBLOCK ? O_NONBLOCK : 0));
	if (IS_ERR(file)) {
		stplr_attach_undo(connection);
		err = PTR_ERR(file);
		goto put_fd;
	}
	err = -EFAULT;
	if (put_user(connection->coid, &uargs->coid))
		goto put_file;
	/* the last that can fail */
	err = stplr_attach_enter(connection, args.deadline, args.clock);
	if (err) {
		/* told of a connection that it does not get: as if never told */
		if (put_user(args.coid, &uargs->coid))
			err = -EFAULT;
		goto put_file;
	}
	stplr_dbg(2, "connection %u to channel %d made\n", connection->coid,
		  connection->channel->chid);
	fd_install(fd, file);
	return fd;

put_file:
	fput(file);
put_fd:
	put_unused_fd(fd);
	return err;
}
