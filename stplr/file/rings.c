// SPDX-License-Identifier: GPL-2.0
/* A ring set as a file: how it is made, and what its creator does with it. */

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
#include <uapi/linux/stplr_ring.h>

#include "base/clock.h"
#include "base/params.h"
#include "core/name.h"
#include "file/args.h"
#include "file/ioctl.h"
#include "file/opened.h"
#include "file/ring.h"
#include "file/rings.h"
#include "ring/attach.h"
#include "ring/news.h"
#include "ring/ring.h"
#include "ring/set.h"

static int stplr_rings_release(struct inode *inode, struct file *file)
{
	struct stplr_rings *set = file->private_data;

	stplr_rings_unregister(set);
	stplr_rings_put(set);
	return 0;
}

static __poll_t stplr_rings_poll(struct file *file, poll_table *wait)
{
	struct stplr_rings *set = file->private_data;

	poll_wait(file, &set->news, wait);
	return READ_ONCE(set->nr_untold) ? EPOLLIN | EPOLLRDNORM : 0;
}

static void stplr_rings_show_fdinfo(struct seq_file *seq, struct file *file)
{
	const struct stplr_rings *set = file->private_data;

	seq_printf(seq, "stplr-device:\t%u\n", set->device->index);
	seq_printf(seq, "stplr-rings:\t%s\n", set->name);
	seq_printf(seq, "stplr-count:\t%u\n", set->count);
}

static const struct file_operations stplr_rings_fops = {
	.owner = THIS_MODULE,
	.release = stplr_rings_release,
	.poll = stplr_rings_poll,
	.unlocked_ioctl = stplr_rings_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = stplr_rings_show_fdinfo,
	.llseek = noop_llseek,
};

/* Creation */

static int stplr_rings_check(const struct stplr_rings_create *args, struct stplr_rings_shape *shape)
{
	u32 other = STPLR_RINGS_GROUP | STPLR_RINGS_NONBLOCK;

	if (args->mode & ~0777 || args->reserved || !args->name_len ||
	    args->name_len > STPLR_NAME_MAX)
		return -EINVAL;
	if (args->gid && !(args->flags & STPLR_RINGS_GROUP))
		return -EINVAL;
	return stplr_rings_shape_make(shape, args->flags & ~other, args->rings, args->out_pages,
				      args->in_pages) ? 0 : -EINVAL;
}

static int stplr_rings_group(const struct stplr_rings_create *args, kgid_t *group)
{
	*group = current_egid();
	if (!(args->flags & STPLR_RINGS_GROUP))
		return 0;
	*group = make_kgid(current_user_ns(), args->gid);
	if (!gid_valid(*group))
		return -EINVAL;
	return in_group_p(*group) || ns_capable(current_user_ns(), CAP_CHOWN) ? 0 : -EPERM;
}

static struct stplr_rings *stplr_rings_make(struct stplr_device *device,
					    const struct stplr_rings_create *args)
{
	char name[STPLR_NAME_MAX + 1] = {};
	struct stplr_rings_shape shape;
	struct stplr_rings *set;
	kgid_t group;
	int err;

	err = stplr_rings_check(args, &shape);
	if (err)
		return ERR_PTR(err);
	if (copy_from_user(name, u64_to_user_ptr(args->name), args->name_len))
		return ERR_PTR(-EFAULT);
	err = stplr_name_check(name, args->name_len);
	if (!err)
		err = stplr_rings_group(args, &group);
	if (err)
		return ERR_PTR(err);
	set = stplr_rings_alloc(device, name, &shape, false);
	if (IS_ERR(set))
		return set;
	set->owner = current_euid();
	set->group = group;
	set->mode = args->mode ?: 0600;
	return set;
}

long stplr_rings_create_ioctl(struct file *device_file, void __user *arg, unsigned int size)
{
	struct stplr_opened *opened = device_file->private_data;
	struct stplr_rings_create args;
	struct stplr_rings *set;
	struct file *file;
	int fd, err;

	err = stplr_args_get(&args, sizeof(args), arg, size);
	if (err)
		return err;
	set = stplr_rings_make(opened->device, &args);
	if (IS_ERR(set))
		return PTR_ERR(set);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		err = fd;
		goto put_set;
	}
	file = anon_inode_getfile("[stplr-rings]", &stplr_rings_fops, set,
				  O_RDWR | (args.flags & STPLR_RINGS_NONBLOCK ? O_NONBLOCK : 0));
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto put_fd;
	}
	/* the last that can fail; the file owns the set */
	err = stplr_rings_register(set);
	if (err) {
		fput(file);
		put_unused_fd(fd);
		return err;
	}
	stplr_dbg(2, "ring set %s made\n", set->name);
	fd_install(fd, file);
	return fd;

put_fd:
	put_unused_fd(fd);
put_set:
	stplr_rings_put(set);
	return err;
}

/* What its creator does */

long stplr_ring_open_ioctl(struct file *set_file, void __user *arg, unsigned int size)
{
	struct stplr_rings *set = set_file->private_data;
	struct stplr_ring_open __user *uargs = arg;
	struct stplr_ring_open args;
	struct stplr_ring_end *end;
	int fd, err;

	err = stplr_args_get(&args, sizeof(args), uargs, size);
	if (err)
		return err;
	if (args.flags & ~STPLR_RING_NONBLOCK)
		return -EINVAL;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	end = stplr_rings_open(set, args.number, NULL, NULL);
	if (IS_ERR(end)) {
		err = PTR_ERR(end);
		goto put_fd;
	}
	/* if that fails, who may have attached sees the ring end */
	err = stplr_ring_install(fd, end, args.flags & STPLR_RING_NONBLOCK, &uargs->number);
	if (!err)
		return fd;

put_fd:
	put_unused_fd(fd);
	return err;
}

long stplr_rings_attached_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_rings *set = file->private_data;
	struct stplr_rings_attached args;
	struct stplr_rings_news news;
	s64 deadline;
	int err;

	err = stplr_args_get(&args, sizeof(args), arg, size);
	if (err)
		return err;
	if (args.reserved || !stplr_deadline_valid(args.deadline, args.clock))
		return -EINVAL;
	deadline = file->f_flags & O_NONBLOCK ? STPLR_DEADLINE_POLL : args.deadline;
	err = stplr_rings_wait_news(set, args.number, deadline, args.clock, &news);
	if (err)
		return err;
	args.number = news.number;
	args.pid = pid_nr_ns(news.pid, task_active_pid_ns(current));
	args.uid = from_kuid_munged(current_user_ns(), news.uid);
	args.gid = from_kgid_munged(current_user_ns(), news.gid);
	put_pid(news.pid);
	if (copy_to_user(arg, &args, min_t(size_t, size, sizeof(args)))) {
		stplr_rings_untell(set, news.number);
		return -EFAULT;
	}
	return 0;
}
