// SPDX-License-Identifier: GPL-2.0
/* The client's end: a connection, its file, how it comes to be. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "stplr.h"

static struct kmem_cache *stplr_connection_cache;

int stplr_connection_cache_init(void)
{
	stplr_connection_cache = kmem_cache_create_usercopy(
		"stplr_connection", sizeof(struct stplr_connection), 0,
		SLAB_ACCOUNT | SLAB_HWCACHE_ALIGN, offsetof(struct stplr_connection, own.data),
		STPLR_INLINE_MAX, NULL);
	return stplr_connection_cache ? 0 : -ENOMEM;
}

void stplr_connection_cache_exit(void)
{
	kmem_cache_destroy(stplr_connection_cache);
}

static void stplr_connection_free(struct stplr_connection *connection)
{
	ida_free(&connection->channel->device->coids, connection->coid);
	stplr_process_put(connection->process);
	stplr_channel_put(connection->channel);
	stplr_uncharge(&connection->user->connections);
	stplr_user_put(connection->user);
	kmem_cache_free(stplr_connection_cache, connection);
}

/* The last descriptor is closed: no thread is in a call, but messages may be parked. */
static int stplr_connection_release(struct inode *inode, struct file *file)
{
	struct stplr_connection *connection = file->private_data;

	stplr_parked_drop(connection, NULL);
	WARN_ON(connection->busy || !list_empty(&connection->messages));
	stplr_dbg(2, "connection %u ended\n", connection->coid);
	stplr_connection_free(connection);
	return 0;
}

static __poll_t stplr_connection_poll(struct file *file, poll_table *wait)
{
	struct stplr_connection *connection = file->private_data;
	struct stplr_channel *channel = connection->channel;
	__poll_t events = EPOLLOUT | EPOLLWRNORM;

	poll_wait(file, &channel->hangup, wait);
	spin_lock(&channel->lock);
	if (channel->dead)
		events |= EPOLLHUP | EPOLLERR;
	spin_unlock(&channel->lock);
	return events;
}

static long stplr_connection_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct stplr_connection *connection = file->private_data;
	bool nonblock = file->f_flags & O_NONBLOCK;
	void __user *uarg = (void __user *)arg;
	unsigned int size = _IOC_SIZE(cmd);

	if (_IOC_TYPE(cmd) != STPLR_IOC_MAGIC)
		return -ENOTTY;

	switch (_IOC_NR(cmd)) {
	case _IOC_NR(STPLR_MSG_SEND_RECEIVE):
		return stplr_send_ioctl(connection, STPLR_KIND_SEND_RECEIVE, nonblock, uarg, size);
	case _IOC_NR(STPLR_MSG_SEND):
		return stplr_send_ioctl(connection, STPLR_KIND_SEND, nonblock, uarg, size);
	case _IOC_NR(STPLR_VERSION):
		return stplr_version_ioctl(uarg, size);
	default:
		return -ENOTTY;
	}
}

static void stplr_connection_show_fdinfo(struct seq_file *seq, struct file *file)
{
	const struct stplr_connection *connection = file->private_data;

	seq_printf(seq, "stplr-device:\t%u\n", connection->channel->device->index);
	seq_printf(seq, "stplr-coid:\t%u\n", connection->coid);
	seq_printf(seq, "stplr-ended:\t%d\n", READ_ONCE(connection->channel->dead));
}

static const struct file_operations stplr_connection_fops = {
	.owner = THIS_MODULE,
	.release = stplr_connection_release,
	.poll = stplr_connection_poll,
	.unlocked_ioctl = stplr_connection_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = stplr_connection_show_fdinfo,
	.llseek = noop_llseek,
};

/* A connection to @channel, whose reference it takes over, also on failure. */
static struct stplr_connection *stplr_connection_alloc(struct stplr_channel *channel)
{
	struct stplr_device *device = channel->device;
	struct stplr_connection *connection;
	int err;

	err = -ENOMEM;
	connection = kmem_cache_zalloc(stplr_connection_cache, GFP_KERNEL);
	if (!connection)
		goto put_channel;
	connection->channel = channel;
	connection->reply_hint = STPLR_WINDOW_MIN;
	INIT_LIST_HEAD(&connection->messages);
	connection->own.connection = connection;

	connection->user = stplr_user_get(current_euid());
	if (!connection->user)
		goto free_connection;
	err = stplr_charge(&connection->user->connections, READ_ONCE(stplr_user_connections));
	if (err)
		goto put_user;
	connection->process = stplr_process_get(device);
	if (IS_ERR(connection->process)) {
		err = PTR_ERR(connection->process);
		goto uncharge;
	}
	err = ida_alloc_min(&device->coids, 1, GFP_KERNEL_ACCOUNT);
	if (err < 0)
		goto put_process;
	connection->coid = err;
	return connection;

put_process:
	stplr_process_put(connection->process);
uncharge:
	stplr_uncharge(&connection->user->connections);
put_user:
	stplr_user_put(connection->user);
free_connection:
	kmem_cache_free(stplr_connection_cache, connection);
put_channel:
	stplr_channel_put(channel);
	return ERR_PTR(err);
}

static int stplr_attach_check(const struct stplr_connect_attach *args)
{
	if (args->flags & ~(STPLR_CONNECT_UID | STPLR_CONNECT_NONBLOCK) || args->reserved)
		return -EINVAL;
	if (args->uid && !(args->flags & STPLR_CONNECT_UID))
		return -EINVAL;
	if (!stplr_deadline_valid(args->deadline, args->clock))
		return -EINVAL;
	if (args->name_len)
		return args->pid || args->chid ? -EINVAL : 0;
	return args->pid < 0 || args->chid <= 0 || args->deadline ? -EINVAL : 0;
}

/* The channel that the caller asks for, with a reference. */
static struct stplr_channel *stplr_attach_find(struct stplr_device *device,
					       const struct stplr_connect_attach *args)
{
	char name[STPLR_NAME_MAX + 1] = {};

	if (!args->name_len)
		return stplr_chid_find(device, args->pid, args->chid);

	if (args->name_len > STPLR_NAME_MAX)
		return ERR_PTR(-EINVAL);
	if (copy_from_user(name, u64_to_user_ptr(args->name), args->name_len))
		return ERR_PTR(-EFAULT);
	if (stplr_name_check(name, args->name_len))
		return ERR_PTR(-EINVAL);
	return stplr_name_wait(device, name, args->deadline, args->clock);
}

static bool stplr_attach_expected(const struct stplr_channel *channel,
				  const struct stplr_connect_attach *args)
{
	return !(args->flags & STPLR_CONNECT_UID) ||
	       uid_eq(channel->cred->euid, make_kuid(current_user_ns(), args->uid));
}

long stplr_connect_attach_ioctl(struct stplr_device *device, void __user *arg, unsigned int size)
{
	struct stplr_connect_attach __user *uargs = arg;
	struct stplr_connection *connection;
	struct stplr_connect_attach args;
	struct stplr_channel *channel;
	struct file *file;
	int fd, err;

	err = stplr_args_get(&args, sizeof(args), uargs, size);
	if (err)
		return err;
	err = stplr_attach_check(&args);
	if (err)
		return err;

	channel = stplr_attach_find(device, &args);
	if (IS_ERR(channel))
		return PTR_ERR(channel);
	if (!stplr_attach_expected(channel, &args)) {
		stplr_channel_put(channel);
		return -EPERM;
	}
	connection = stplr_connection_alloc(channel);
	if (IS_ERR(connection))
		return PTR_ERR(connection);

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		err = fd;
		goto free_connection;
	}
	file = anon_inode_getfile("[stplr-connection]", &stplr_connection_fops, connection,
				  O_RDWR | (args.flags & STPLR_CONNECT_NONBLOCK ? O_NONBLOCK : 0));
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto put_fd;
	}
	if (put_user(connection->coid, &uargs->coid)) {
		err = -EFAULT;
		goto put_file;
	}
	stplr_dbg(2, "connection %u to channel %d made\n", connection->coid, channel->chid);
	fd_install(fd, file);
	return fd;

put_file:
	fput(file);
	put_unused_fd(fd);
	return err;
put_fd:
	put_unused_fd(fd);
free_connection:
	stplr_connection_free(connection);
	return err;
}
