// SPDX-License-Identifier: GPL-2.0
/* The server's end: a channel's queue, its received messages, its file, its end. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/cred.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "messages.h"
#include "stplr.h"
#include "trace.h"

/* Who polls: told after the lock is released. The waiter looks after it has enqueued itself. */
void stplr_channel_wake_pollers(struct stplr_channel *channel)
{
	if (unlikely(wq_has_sleeper(&channel->readable)))
		wake_up_interruptible_poll(&channel->readable, EPOLLIN | EPOLLRDNORM | EPOLLPRI);
}

/* The end */

/* After a batch of what was to be done under the lock: more may be left if it was full. */
static bool stplr_channel_batch(struct stplr_channel *channel, struct stplr_wake_batch *batch,
				unsigned int done)
	__releases(&channel->lock)
{
	bool finished = !list_empty(&channel->finished);

	spin_unlock(&channel->lock);
	stplr_wake_all(batch);
	if (finished)
		stplr_channel_reap(channel);
	cond_resched();
	return done == STPLR_WAKE_BATCH;
}

/*
 * Ends the queued messages, with ESRCH; or, if @polled, only those whose sender does not wait, with
 * the error that such a sender gets: the last ones, of which there are more than threads that come.
 */
void stplr_channel_end_queued(struct stplr_channel *channel, bool polled)
{
	struct stplr_wake_batch batch = { .count = 0 };
	struct stplr_entry *entry, *next;
	unsigned int done, taken;

	do {
		done = 0;
		spin_lock(&channel->lock);
		taken = polled ? channel->nr_coming : 0;
		for (entry = channel->messages.first; entry && done < STPLR_WAKE_BATCH;
		     entry = next) {
			struct stplr_message *message = stplr_entry_message(entry);

			if (polled && !stplr_polled_in_vain(channel))
				break;
			next = stplr_queue_next(&channel->messages, entry);
			if (polled && !message->poll)
				continue;
			if (taken) {
				taken--;
				continue;
			}
			stplr_wake_add(&batch, stplr_message_end(message, polled ? message->poll :
										   -ESRCH));
			done++;
		}
	} while (stplr_channel_batch(channel, &batch, done));
}

/*
 * Ends with ESRCH the messages that @tgid has received and nobody else can answer, or all received
 * ones.
 */
static void stplr_channel_end_received(struct stplr_channel *channel, const struct pid *tgid)
{
	struct stplr_wake_batch batch = { .count = 0 };
	struct stplr_message *message;
	struct hlist_node *next;
	unsigned int bucket = 0, done;
	bool none;

	spin_lock(&channel->lock);
	none = hash_empty(channel->received);
	spin_unlock(&channel->lock);
	if (none)
		return;

	while (bucket < HASH_SIZE(channel->received)) {
		done = 0;
		spin_lock(&channel->lock);
		hlist_for_each_entry_safe(message, next, &channel->received[bucket],
					  received_node) {
			if (tgid && message->receiver != tgid &&
			    pid_has_task(message->receiver, PIDTYPE_TGID))
				continue;
			stplr_wake_add(&batch, stplr_message_end(message, -ESRCH));
			if (++done == STPLR_WAKE_BATCH)
				break;
		}
		if (!stplr_channel_batch(channel, &batch, done))
			bucket++;
	}
}

void stplr_channel_wake_receivers(struct stplr_channel *channel)
{
	struct stplr_wake_batch batch = { .count = 0 };
	struct task_struct *receiver;
	unsigned int done;

	do {
		done = 0;
		spin_lock(&channel->lock);
		while (done < STPLR_WAKE_BATCH &&
		       (receiver = stplr_pulse_receiver_pop(channel))) {
			stplr_wake_add(&batch, receiver);
			done++;
		}
	} while (stplr_channel_batch(channel, &batch, done));
}

/* Whoever waits for the channel looks again. */
static void stplr_channel_wake_everyone(struct stplr_channel *channel)
{
	stplr_channel_wake_receivers(channel);
	wake_up_interruptible_poll(&channel->readable, EPOLLHUP | EPOLLERR);
	wake_up_interruptible_poll(&channel->hangup, EPOLLHUP | EPOLLERR);
	wake_up_interruptible(&channel->room);
	stplr_backlog_end(channel);
}

/*
 * Channels count while they live, not while a client keeps what is left of them; accepted ones do
 * not count, for each belongs to a connection, which is its client's.
 */
static int stplr_channel_charge(struct stplr_channel *channel)
{
	return channel->peer.listener ?
		       0 :
		       stplr_charge(&channel->user->channels, READ_ONCE(stplr_user_channels));
}

static void stplr_channel_uncharge(struct stplr_channel *channel)
{
	if (!channel->peer.listener)
		stplr_uncharge(&channel->user->channels);
}

/*
 * Ends the channel: it cannot be found, nothing new comes, whoever waits for it is woken. ESRCH if
 * it has ended.
 */
int stplr_channel_destroy(struct stplr_channel *channel)
{
	bool dead;

	stplr_name_unregister(channel);

	spin_lock(&channel->lock);
	dead = channel->dead;
	channel->dead = true;
	spin_unlock(&channel->lock);
	if (dead)
		return -ESRCH;

	trace_stplr_death(STPLR_DEATH_CHANNEL, channel, 0);
	stplr_channel_end_queued(channel, false);
	stplr_pulses_end(channel);
	stplr_channel_end_watches(channel);
	stplr_channel_end_received(channel, NULL);
	stplr_channel_wake_everyone(channel);
	stplr_workers_lower(channel, NULL);
	stplr_channel_uncharge(channel);
	stplr_dbg(2, "channel %d ended\n", channel->chid);
	return 0;
}

/* Nothing is received any more, and so nothing is sent; what was received can be answered. */
static int stplr_channel_shutdown(struct stplr_channel *channel)
{
	bool dead;

	spin_lock(&channel->lock);
	dead = channel->dead;
	channel->shutdown = true;
	spin_unlock(&channel->lock);
	if (dead)
		return -ESRCH;

	trace_stplr_death(STPLR_DEATH_SHUTDOWN, channel, 0);
	stplr_channel_end_queued(channel, false);
	stplr_pulses_end(channel);
	stplr_channel_wake_everyone(channel);
	stplr_dbg(2, "channel %d shut down\n", channel->chid);
	return 0;
}

/*
 * Puts the channel into device->channels, whole but for its chid. There it stays until it is freed.
 */
int stplr_channel_list(struct stplr_channel *channel)
{
	int err = xa_alloc(&channel->device->channels, &channel->id, channel, XA_LIMIT(1, INT_MAX),
			   GFP_KERNEL_ACCOUNT);

	if (err)
		channel->id = 0; /* not listed, though it may say so */
	return err;
}

static void stplr_channel_unlist(struct stplr_channel *channel)
{
	struct stplr_device *device = channel->device;

	if (!channel->id)
		return;
	mutex_lock(&device->registry);
	xa_erase(&device->channels, channel->id);
	stplr_totals_add(&device->totals, channel);
	mutex_unlock(&device->registry);
}

static void stplr_channel_free(struct kref *ref)
{
	struct stplr_channel *channel = container_of(ref, struct stplr_channel, ref);

	WARN_ON(channel->messages.first || channel->pulses.first ||
		!hash_empty(channel->received) ||
		!list_empty(&channel->finished) || !list_empty(&channel->backlog) ||
		!list_empty(&channel->watches) || !xa_empty(&channel->clients));
	stplr_channel_unlist(channel);
	stplr_workers_free(channel);
	put_pid(channel->peer.pid);
	if (channel->peer.listener)
		stplr_channel_put(channel->peer.listener);
	stplr_pool_free(channel->pool);
	stplr_process_put(channel->creator);
	put_cred(channel->cred);
	if (!channel->dead)
		stplr_channel_uncharge(channel);
	stplr_user_put(channel->user);
	kfree(channel);
}

void stplr_channel_put(struct stplr_channel *channel)
{
	kref_put(&channel->ref, stplr_channel_free);
}

/* The file */

static int stplr_channel_release(struct inode *inode, struct file *file)
{
	struct stplr_channel *channel = file->private_data;

	stplr_channel_destroy(channel);
	stplr_buffers_end(&channel->buffers);
	stplr_channel_put(channel);
	return 0;
}

static int stplr_is_file(const void *file, struct file *other, unsigned int fd)
{
	return file == other;
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
		held = iterate_fd(current->files, 0, stplr_is_file, file);
	if (held)
		return 0;

	/* Another thread may be receiving, unless the process dies, executes, or has just one. */
	if (!(current->flags & PF_EXITING) && atomic_read(&current->files->count) > 1) {
		spin_lock(&channel->lock);
		WRITE_ONCE(channel->left, true);
		spin_unlock(&channel->lock);
	}
	trace_stplr_death(STPLR_DEATH_SERVER, channel, 0);
	stplr_channel_end_received(channel, tgid);
	stplr_workers_lower(channel, tgid);
	if (channel->flags & STPLR_CHANNEL_CREATOR && tgid == channel->creator->pid)
		stplr_channel_destroy(channel);
	return 0;
}

/* The rest of stplr_channel_check_held(). */
void stplr_channel_check_left(struct stplr_channel *channel)
{
	struct pid *tgid = task_tgid(current);

	if (iterate_fd(current->files, 0, stplr_is_file, channel->file))
		return;
	stplr_channel_end_received(channel, tgid);
	stplr_workers_lower(channel, tgid);
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

static long stplr_channel_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct stplr_channel *channel = file->private_data;
	bool nonblock = file->f_flags & O_NONBLOCK;
	void __user *uarg = (void __user *)arg;
	unsigned int size = _IOC_SIZE(cmd);

	if (_IOC_TYPE(cmd) != STPLR_IOC_MAGIC)
		return -ENOTTY;

	switch (_IOC_NR(cmd)) {
	case _IOC_NR(STPLR_MSG_REPLY_RECEIVE):
		return stplr_reply_receive_ioctl(channel, nonblock, uarg, size);
	case _IOC_NR(STPLR_MSG_RECEIVE):
		return stplr_receive_ioctl(channel, nonblock, uarg, size);
	case _IOC_NR(STPLR_MSG_REPLY):
		return stplr_reply_ioctl(channel, uarg, size);
	case _IOC_NR(STPLR_MSG_READ):
		return stplr_data_ioctl(channel, false, uarg, size);
	case _IOC_NR(STPLR_MSG_WRITE):
		return stplr_data_ioctl(channel, true, uarg, size);
	case _IOC_NR(STPLR_MSG_INFO):
		return stplr_info_ioctl(channel, uarg, size);
	case _IOC_NR(STPLR_CLIENT_INFO):
		return stplr_client_info_ioctl(channel, uarg, size);
	case _IOC_NR(STPLR_CLIENT_COOKIE):
		return stplr_cookie_ioctl(channel, uarg, size);
	case _IOC_NR(STPLR_EVENT_DELIVER):
		return stplr_event_deliver_ioctl(channel, uarg, size);
	case _IOC_NR(STPLR_CHANNEL_DESTROY):
		return stplr_channel_destroy(channel);
	case _IOC_NR(STPLR_CHANNEL_SHUTDOWN):
		return stplr_channel_shutdown(channel);
	case _IOC_NR(STPLR_CHANNEL_ACCEPT):
		return stplr_accept_ioctl(channel, nonblock, uarg, size);
	case _IOC_NR(STPLR_BUFFER_REGISTER):
		return stplr_buffer_register_ioctl(&channel->buffers, channel->user, uarg, size);
	case _IOC_NR(STPLR_BUFFER_UNREGISTER):
		return stplr_buffer_unregister_ioctl(&channel->buffers, uarg, size);
	case _IOC_NR(STPLR_VERSION):
		return stplr_version_ioctl(uarg, size);
	default:
		return -ENOTTY;
	}
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

/* Creation */

#define STPLR_BACKLOG_DEFAULT 128

/* What an accepted channel has from its listening one. */
#define STPLR_CHANNEL_INHERITED                                                                    \
	(STPLR_CHANNEL_UNBLOCK | STPLR_CHANNEL_FIXED_PRIORITY | STPLR_CHANNEL_INHERIT)

/* A channel of the calling process, or one that @parent hands out. */
struct stplr_channel *stplr_channel_alloc(struct stplr_device *device,
					  struct stplr_channel *parent)
{
	struct stplr_channel *channel;
	int err;

	channel = kzalloc(sizeof(*channel), GFP_KERNEL_ACCOUNT);
	if (!channel)
		return ERR_PTR(-ENOMEM);
	kref_init(&channel->ref);
	channel->device = device;
	spin_lock_init(&channel->lock);
	channel->messages.levels = RB_ROOT_CACHED;
	channel->pulses.levels = RB_ROOT_CACHED;
	xa_init(&channel->clients);
	INIT_HLIST_HEAD(&channel->receivers);
	INIT_HLIST_HEAD(&channel->pulse_receivers);
	INIT_HLIST_HEAD(&channel->coming);
	INIT_LIST_HEAD(&channel->watches);
	stplr_workers_init(channel, parent);
	hash_init(channel->received);
	stplr_buffers_init(&channel->buffers);
	INIT_LIST_HEAD(&channel->finished);
	INIT_LIST_HEAD(&channel->backlog);
	INIT_LIST_HEAD(&channel->peer.waiting);
	init_waitqueue_head(&channel->readable);
	init_waitqueue_head(&channel->hangup);
	init_waitqueue_head(&channel->room);

	err = -ENOMEM;
	channel->user = stplr_user_get(parent ? parent->user->uid : current_euid());
	if (!channel->user)
		goto free_channel;
	channel->peer.listener = parent;
	err = stplr_channel_charge(channel);
	if (err)
		goto put_user;
	channel->creator = parent ? stplr_process_hold(parent->creator) : stplr_process_get(device);
	if (IS_ERR(channel->creator)) {
		err = PTR_ERR(channel->creator);
		goto uncharge;
	}
	if (parent) {
		kref_get(&parent->ref);
		channel->cred = get_cred(parent->cred);
		channel->flags = parent->flags & STPLR_CHANNEL_INHERITED;
	} else {
		channel->cred = get_current_cred();
	}
	return channel;

uncharge:
	stplr_channel_uncharge(channel);
put_user:
	stplr_user_put(channel->user);
free_channel:
	kfree(channel);
	return ERR_PTR(err);
}

/* A file for the channel, which takes over the caller's reference. */
int stplr_channel_file(struct stplr_channel *channel, bool nonblock, struct file **file)
{
	*file = anon_inode_getfile("[stplr-channel]", &stplr_channel_fops, channel,
				   O_RDWR | (nonblock ? O_NONBLOCK : 0));
	if (IS_ERR(*file))
		return PTR_ERR(*file);
	channel->file = *file;
	return 0;
}

/* Reads what the caller wants into the channel. */
static int stplr_channel_setup(struct stplr_channel *channel,
			       const struct stplr_channel_create *args)
{
	channel->flags = args->flags;
	stplr_workers_limit(channel);
	channel->owner = current_euid();
	channel->group = current_egid();
	channel->mode = args->mode ?: 0600;
	channel->backlog_max = args->backlog ?: STPLR_BACKLOG_DEFAULT;
	if (args->pulses) {
		int err = stplr_pool_make(channel, args->pulses, channel->user);

		if (err)
			return err;
	}
	if (args->name_len) {
		int err;

		if (copy_from_user(channel->name, u64_to_user_ptr(args->name), args->name_len))
			return -EFAULT;
		err = stplr_name_check(channel->name, args->name_len);
		if (err)
			return err;
	}
	if (args->flags & STPLR_CHANNEL_GROUP) {
		channel->group = make_kgid(current_user_ns(), args->gid);
		if (!gid_valid(channel->group))
			return -EINVAL;
		if (!in_group_p(channel->group) && !ns_capable(current_user_ns(), CAP_CHOWN))
			return -EPERM;
	}
	return 0;
}

static int stplr_channel_check(const struct stplr_channel_create *args)
{
	if (args->flags & ~(STPLR_CHANNEL_ATTACH_ANY | STPLR_CHANNEL_CREATOR | STPLR_CHANNEL_GROUP |
			    STPLR_CHANNEL_NONBLOCK | STPLR_CHANNEL_LISTEN | STPLR_CHANNEL_UNBLOCK |
			    STPLR_CHANNEL_DISCONNECT | STPLR_CHANNEL_PRIVATE |
			    STPLR_CHANNEL_FIXED_PRIORITY | STPLR_CHANNEL_INHERIT))
		return -EINVAL;
	if (args->flags & STPLR_CHANNEL_FIXED_PRIORITY && args->flags & STPLR_CHANNEL_INHERIT)
		return -EINVAL;
	if (args->flags & STPLR_CHANNEL_LISTEN &&
	    (args->flags & STPLR_CHANNEL_DISCONNECT || args->pulses))
		return -EINVAL;
	if (args->mode & ~0777 || args->name_len > STPLR_NAME_MAX || args->reserved ||
	    args->pulses > STPLR_PULSES_MAX)
		return -EINVAL;
	if (args->gid && !(args->flags & STPLR_CHANNEL_GROUP))
		return -EINVAL;
	if (args->backlog > (args->flags & STPLR_CHANNEL_LISTEN ? STPLR_BACKLOG_MAX : 0))
		return -EINVAL;
	return 0;
}

long stplr_channel_create_ioctl(struct stplr_device *device, void __user *arg, unsigned int size)
{
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

	channel = stplr_channel_alloc(device, NULL);
	if (IS_ERR(channel))
		return PTR_ERR(channel);
	err = stplr_channel_setup(channel, &args);
	if (!err)
		err = stplr_channel_list(channel);
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
	err = stplr_name_register(channel);
	if (err)
		goto put_file;
	if (put_user(channel->chid, &uargs->chid)) {
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
