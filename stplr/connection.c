// SPDX-License-Identifier: GPL-2.0
/* The client's end: a connection, its file, how it comes to be. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/pid_namespace.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "stplr.h"
#include "trace.h"

static struct kmem_cache *stplr_connection_cache;

int stplr_connection_cache_init(void)
{
	stplr_connection_cache = kmem_cache_create("stplr_connection",
						   sizeof(struct stplr_connection), 0,
						   SLAB_ACCOUNT | SLAB_HWCACHE_ALIGN, NULL);
	return stplr_connection_cache ? 0 : -ENOMEM;
}

void stplr_connection_cache_exit(void)
{
	kmem_cache_destroy(stplr_connection_cache);
}

static void stplr_connection_unlist(struct stplr_device *device, u32 coid)
{
	mutex_lock(&device->registry);
	xa_erase(&device->connections, coid);
	mutex_unlock(&device->registry);
}

static void stplr_connection_free(struct kref *ref)
{
	struct stplr_connection *connection = container_of(ref, struct stplr_connection, ref);

	stplr_connection_unlist(connection->channel->device, connection->coid);
	stplr_process_put(connection->process);
	stplr_channel_put(connection->channel);
	stplr_uncharge(&connection->user->connections);
	stplr_user_put(connection->user);
	kmem_cache_free(stplr_connection_cache, connection);
}

void stplr_connection_put(struct stplr_connection *connection)
{
	kref_put(&connection->ref, stplr_connection_free);
}

/* The last descriptor is closed: no thread is in a call, but messages may be parked. */
static int stplr_connection_release(struct inode *inode, struct file *file)
{
	struct stplr_connection *connection = file->private_data;

	stplr_parked_drop(connection, NULL);
	stplr_events_end(connection->channel->device, &connection->events);
	stplr_connection_unwatch(connection);
	stplr_buffers_end(&connection->buffers);
	WARN_ON(connection->busy || !list_empty(&connection->messages));
	trace_stplr_death(STPLR_DEATH_CONNECTION, connection->channel, connection->coid);
	stplr_dbg(2, "connection %u ended\n", connection->coid);
	stplr_client_leave(connection, connection->channel);
	stplr_peer_closed(connection->channel);
	stplr_connection_put(connection);
	return 0;
}

/* Ends all that its threads wait for, or have parked. */
static void stplr_connection_end_messages(struct stplr_connection *connection)
{
	struct stplr_channel *channel = connection->channel;
	struct stplr_wake_batch batch = { .count = 0 };
	struct stplr_message *message;
	LIST_HEAD(left);
	bool more;

	/* no more will be queued; one whose owner frees it meanwhile is taken off either list */
	spin_lock(&channel->lock);
	list_splice_init(&connection->messages, &left);
	stplr_wake_add(&batch, stplr_message_end(&connection->own, -EBADF));
	spin_unlock(&channel->lock);
	stplr_wake_all(&batch);

	do {
		unsigned int done = 0;

		spin_lock(&channel->lock);
		while (done++ < STPLR_WAKE_BATCH && !list_empty(&left)) {
			message = list_first_entry(&left, struct stplr_message, link);
			list_move(&message->link, &connection->messages);
			stplr_wake_add(&batch, stplr_message_end(message, -EBADF));
		}
		more = !list_empty(&left);
		spin_unlock(&channel->lock);
		stplr_wake_all(&batch);
		cond_resched();
	} while (more);
}

/* Ends the connection for all who have it. */
static int stplr_connection_detach(struct stplr_connection *connection)
{
	struct stplr_channel *channel = connection->channel;
	bool detached;

	spin_lock(&channel->lock);
	detached = connection->detached;
	connection->detached = true;
	spin_unlock(&channel->lock);
	if (detached)
		return -EBADF;

	trace_stplr_death(STPLR_DEATH_DETACH, channel, connection->coid);
	stplr_connection_end_messages(connection);
	wake_up_interruptible_poll(&channel->hangup, EPOLLHUP | EPOLLERR);
	wake_up_interruptible(&channel->room);
	stplr_events_end(channel->device, &connection->events);
	stplr_connection_unwatch(connection);
	stplr_client_leave(connection, channel);
	stplr_peer_closed(channel);
	stplr_dbg(2, "connection %u detached\n", connection->coid);
	return 0;
}

static int stplr_connection_info(struct stplr_connection *connection, void __user *arg,
				 unsigned int size)
{
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

static __poll_t stplr_connection_poll(struct file *file, poll_table *wait)
{
	struct stplr_connection *connection = file->private_data;
	struct stplr_channel *channel = connection->channel;
	__poll_t events = EPOLLOUT | EPOLLWRNORM;

	poll_wait(file, &channel->hangup, wait);
	spin_lock(&channel->lock);
	if (channel->dead || channel->shutdown || connection->detached)
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
	case _IOC_NR(STPLR_PULSE_SEND):
		return stplr_pulse_ioctl(connection, uarg, size);
	case _IOC_NR(STPLR_CONNECT_NOTIFY):
		return stplr_notify_ioctl(connection, uarg, size);
	case _IOC_NR(STPLR_EVENT_REGISTER):
		return stplr_event_register_ioctl(connection->channel->device, &connection->events,
						  connection->channel, uarg, size);
	case _IOC_NR(STPLR_EVENT_UNREGISTER):
		return stplr_event_unregister_ioctl(connection->channel->device,
						    &connection->events, uarg, size);
	case _IOC_NR(STPLR_CONNECT_DETACH):
		return stplr_connection_detach(connection);
	case _IOC_NR(STPLR_BUFFER_REGISTER):
		return stplr_buffer_register_ioctl(&connection->buffers, connection->user, uarg,
						   size);
	case _IOC_NR(STPLR_BUFFER_UNREGISTER):
		return stplr_buffer_unregister_ioctl(&connection->buffers, uarg, size);
	case _IOC_NR(STPLR_CONNECT_INFO):
		return stplr_connection_info(connection, uarg, size);
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

/*
 * Gives the connection its channel: the one attached to, or, if that listens, one that it has for
 * itself.
 */
static int stplr_connection_join(struct stplr_connection *connection,
				 struct stplr_channel *channel,
				 const struct stplr_connect_attach *args)
{
	int err;

	if (channel->flags & STPLR_CHANNEL_LISTEN) {
		channel = stplr_backlog_join(channel, connection, args->deadline, args->clock);
		if (IS_ERR(channel))
			return PTR_ERR(channel);
	} else {
		kref_get(&channel->ref);
		err = stplr_client_join(connection, channel);
		if (err) {
			stplr_channel_put(channel);
			return err;
		}
	}
	connection->channel = channel;
	return 0;
}

static struct stplr_connection *stplr_connection_alloc(struct stplr_channel *channel,
						       const struct stplr_connect_attach *args)
{
	struct stplr_device *device = channel->device;
	struct stplr_connection *connection;
	int err;

	connection = kmem_cache_zalloc(stplr_connection_cache, GFP_KERNEL);
	if (!connection)
		return ERR_PTR(-ENOMEM);
	kref_init(&connection->ref);
	connection->reply_hint = STPLR_WINDOW_MIN;
	INIT_LIST_HEAD(&connection->messages);
	INIT_LIST_HEAD(&connection->parked);
	INIT_LIST_HEAD(&connection->events.events);
	stplr_buffers_init(&connection->buffers);
	connection->own.connection = connection;

	err = -ENOMEM;
	connection->user = stplr_user_get(current_euid());
	if (!connection->user)
		goto free_connection;
	connection->own.sides.user = connection->user;
	err = stplr_charge(&connection->user->connections, READ_ONCE(stplr_user_connections));
	if (err)
		goto put_user;
	connection->process = stplr_process_get(device);
	if (IS_ERR(connection->process)) {
		err = PTR_ERR(connection->process);
		goto uncharge;
	}
	/* only a place: found there once its descriptor is handed out */
	err = xa_alloc(&device->connections, &connection->coid, NULL, XA_LIMIT(1, INT_MAX),
		       GFP_KERNEL_ACCOUNT);
	if (err)
		goto put_process;
	err = stplr_connection_join(connection, channel, args);
	if (err)
		goto free_coid;
	return connection;

free_coid:
	stplr_connection_unlist(device, connection->coid);
put_process:
	stplr_process_put(connection->process);
uncharge:
	stplr_uncharge(&connection->user->connections);
put_user:
	stplr_user_put(connection->user);
free_connection:
	kmem_cache_free(stplr_connection_cache, connection);
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
	return args->pid < 0 || args->chid <= 0 ? -EINVAL : 0;
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

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	channel = stplr_attach_find(device, &args);
	if (IS_ERR(channel)) {
		err = PTR_ERR(channel);
		goto put_fd;
	}
	if (channel->flags & STPLR_CHANNEL_PRIVATE && channel->creator->pid != task_tgid(current))
		connection = ERR_PTR(-EACCES);
	else if (!stplr_attach_expected(channel, &args))
		connection = ERR_PTR(-EPERM);
	else
		connection = stplr_connection_alloc(channel, &args);
	stplr_channel_put(channel);
	if (IS_ERR(connection)) {
		err = PTR_ERR(connection);
		goto put_fd;
	}

	channel = connection->channel;
	file = anon_inode_getfile("[stplr-connection]", &stplr_connection_fops, connection,
				  O_RDWR | (args.flags & STPLR_CONNECT_NONBLOCK ? O_NONBLOCK : 0));
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto put_connection;
	}
	err = -EFAULT;
	if (put_user(connection->coid, &uargs->coid))
		goto put_file;
	stplr_client_announce(connection);
	/* its place is there: cannot fail */
	xa_store(&device->connections, connection->coid, connection, GFP_KERNEL_ACCOUNT);
	/* the last that can fail: from here on the server may see the connection */
	err = stplr_backlog_enter(channel);
	if (err) {
		/* told of a connection that it does not get: as if never told */
		if (put_user(args.coid, &uargs->coid))
			err = -EFAULT;
		goto put_file;
	}
	stplr_dbg(2, "connection %u to channel %d made\n", connection->coid, channel->chid);
	fd_install(fd, file);
	return fd;

put_file:
	stplr_backlog_forgo(channel);
	fput(file);
	goto put_fd;
put_connection:
	stplr_backlog_forgo(channel);
	stplr_client_leave(connection, channel);
	stplr_peer_closed(channel);
	stplr_connection_put(connection);
put_fd:
	put_unused_fd(fd);
	return err;
}
