// SPDX-License-Identifier: GPL-2.0
/* An end of a ring as a file: how it is attached, mapped, waited for, read and written. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pid_namespace.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/uio.h>
#include <linux/user_namespace.h>
#include <uapi/linux/stplr_ring.h>

#include "base/clock.h"
#include "base/compat.h"
#include "base/params.h"
#include "core/device.h"
#include "core/name.h"
#include "file/args.h"
#include "file/ioctl.h"
#include "file/opened.h"
#include "file/ring.h"
#include "ring/attach.h"
#include "ring/copy.h"
#include "ring/ending.h"
#include "ring/flow.h"
#include "ring/ring.h"
#include "ring/tell.h"
#include "ring/wait.h"

static int stplr_ring_release(struct inode *inode, struct file *file)
{
	stplr_ring_leave(file->private_data);
	return 0;
}

/* Mapping */

/* The distance of regions, and which of them may be written. */
#define STPLR_RING_REGION_SHIFT 28

static_assert(STPLR_RING_MAP_OWN == 1 << STPLR_RING_REGION_SHIFT);
static_assert(2 * STPLR_RING_BYTES_MAX <= 1 << STPLR_RING_REGION_SHIFT);

static bool stplr_ring_region_writable(unsigned long offset)
{
	unsigned long region = round_down(offset, 1UL << STPLR_RING_REGION_SHIFT);

	return region == STPLR_RING_MAP_OWN || region == STPLR_RING_MAP_OUT;
}

/* The page of a data region that is mapped twice. */
static struct page *stplr_ring_data_page(const struct stplr_ring_pages *pages, unsigned int side,
					 unsigned long index)
{
	unsigned long nr = 2UL * (pages->bytes[side] >> PAGE_SHIFT);

	return index < nr ? pages->data[side][index] : NULL;
}

/* The page at an offset of the file, or NULL. It stays as long as the end. */
static struct page *stplr_ring_page_at(const struct stplr_ring_end *end, unsigned long offset)
{
	unsigned long region = round_down(offset, 1UL << STPLR_RING_REGION_SHIFT);
	unsigned long index = (offset - region) >> PAGE_SHIFT;
	const struct stplr_ring_pages *pages = &end->ring->pages;
	void *page = NULL;

	switch (region) {
	case STPLR_RING_MAP_OUT:
		return stplr_ring_data_page(pages, stplr_ring_writes(end), index);
	case STPLR_RING_MAP_IN:
		return stplr_ring_data_page(pages, stplr_ring_reads(end), index);
	case STPLR_RING_MAP_KERNEL:
		page = pages->kernel;
		break;
	case STPLR_RING_MAP_OWN:
		page = end->page;
		break;
	case STPLR_RING_MAP_PEER:
		page = pages->ends[!end->side];
		break;
	}
	return page && !index ? virt_to_page(page) : NULL;
}

static vm_fault_t stplr_ring_fault(struct vm_fault *vmf)
{
	const struct stplr_ring_end *end = vmf->vma->vm_private_data;
	struct page *page = stplr_ring_page_at(end, vmf->pgoff << PAGE_SHIFT);

	if (!page)
		return VM_FAULT_SIGBUS;
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct stplr_ring_vm_ops = {
	.fault = stplr_ring_fault,
};

/*
 * The mapping holds the file, which holds the end, which holds the pages. What belongs to others
 * cannot be made writable later either. A child has none of it: an end has one writer.
 */
static int stplr_ring_mmap(struct file *file, struct vm_area_struct *vma)
{
	const struct stplr_ring_end *end = file->private_data;
	unsigned long size = vma->vm_end - vma->vm_start, offset = vma->vm_pgoff << PAGE_SHIFT;
	bool writable;

	/* a region's pages are in a row: with the first and the last, all are there */
	if (vma->vm_pgoff > STPLR_RING_MAP_IN >> (PAGE_SHIFT - 1) ||
	    size > 2 * STPLR_RING_BYTES_MAX || !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (offset >> STPLR_RING_REGION_SHIFT != (offset + size - 1) >> STPLR_RING_REGION_SHIFT ||
	    !stplr_ring_page_at(end, offset) || !stplr_ring_page_at(end, offset + size - 1))
		return -EINVAL;
	writable = stplr_ring_region_writable(offset);
	if (vma->vm_flags & VM_EXEC || (vma->vm_flags & VM_WRITE && !writable))
		return -EACCES;
	stplr_vma_flags(vma, VM_DONTEXPAND | VM_DONTDUMP | VM_DONTCOPY,
			writable ? VM_MAYEXEC : VM_MAYEXEC | VM_MAYWRITE);
	vma->vm_ops = &stplr_ring_vm_ops;
	vma->vm_private_data = (void *)end;
	return 0;
}

/* Waiting, and copying */

static __poll_t stplr_ring_poll(struct file *file, poll_table *wait)
{
	struct stplr_ring_end *end = file->private_data;
	__poll_t wanted = poll_requested_events(wait), events = 0;
	int ready, err;
	u32 what = stplr_ring_directions(end);

	if (!(wanted & (EPOLLIN | EPOLLRDNORM)))
		what &= ~STPLR_RING_DATA;
	if (!(wanted & (EPOLLOUT | EPOLLWRNORM)))
		what &= ~STPLR_RING_ROOM;
	poll_wait(file, &end->waiting, wait);
	/*
	 * And be there something: who polls for edges may not ask again before it sleeps, and is
	 * told of what comes then only if it was wanted now.
	 */
	stplr_ring_arm(end, what);
	ready = stplr_ring_ready(end, what, stplr_ring_need(0));
	if (ready > 0 && ready & STPLR_RING_DATA)
		events |= EPOLLIN | EPOLLRDNORM;
	if (ready > 0 && ready & STPLR_RING_ROOM)
		events |= EPOLLOUT | EPOLLWRNORM;
	err = stplr_ring_error(end);
	if (err)
		events |= EPOLLHUP;
	if (err && err != -EPIPE)
		events |= EPOLLERR;
	return events;
}

static bool stplr_ring_nonblock(const struct kiocb *iocb)
{
	return iocb->ki_flags & IOCB_NOWAIT || iocb->ki_filp->f_flags & O_NONBLOCK;
}

static ssize_t stplr_ring_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	return stplr_ring_copy_out(iocb->ki_filp->private_data, to, stplr_ring_nonblock(iocb));
}

static ssize_t stplr_ring_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	return stplr_ring_copy_in(iocb->ki_filp->private_data, from, stplr_ring_nonblock(iocb));
}

static void stplr_ring_show_fdinfo(struct seq_file *seq, struct file *file)
{
	const struct stplr_ring_end *end = file->private_data;
	const struct stplr_rings *set = end->ring->set;

	seq_printf(seq, "stplr-device:\t%u\n", set->device->index);
	seq_printf(seq, "stplr-rings:\t%s\n", set->name);
	seq_printf(seq, "stplr-ring:\t%u\n", end->ring->number);
	if (stplr_ring_shared(end))
		seq_printf(seq, "stplr-reader:\t%u\n", end->number);
	seq_printf(seq, "stplr-side:\t%s\n", end->side == STPLR_RING_OUT ? "creator" : "attached");
	seq_printf(seq, "stplr-ended:\t%d\n", -stplr_ring_error(end));
}

static const struct file_operations stplr_ring_fops = {
	.owner = THIS_MODULE,
	.release = stplr_ring_release,
	.mmap = stplr_ring_mmap,
	.poll = stplr_ring_poll,
	.read_iter = stplr_ring_read_iter,
	.write_iter = stplr_ring_write_iter,
	.unlocked_ioctl = stplr_ring_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = stplr_ring_show_fdinfo,
	.llseek = noop_llseek,
};

/*
 * A file that takes over the end, at a reserved descriptor, after @number was told; or the end is
 * let go of, and the descriptor still reserved: EFAULT, ENOMEM, ENFILE.
 */
int stplr_ring_install(int fd, struct stplr_ring_end *end, bool nonblock, u32 __user *number)
{
	struct file *file;

	file = anon_inode_getfile("[stplr-ring]", &stplr_ring_fops, end,
				  O_RDWR | (nonblock ? O_NONBLOCK : 0));
	if (IS_ERR(file)) {
		stplr_ring_leave(end);
		return PTR_ERR(file);
	}
	stream_open(file_inode(file), file);
	if (put_user(end->number, number)) {
		fput(file);
		return -EFAULT;
	}
	stplr_dbg(2, "ring %s:%u %s\n", end->ring->set->name, end->number,
		  end->side == STPLR_RING_OUT ? "opened" : "attached");
	fd_install(fd, file);
	return 0;
}

/* Attaching */

static int stplr_ring_attach_check(const struct stplr_ring_attach *args)
{
	if (args->flags & ~(STPLR_RING_NONBLOCK | STPLR_RING_UID) || args->reserved)
		return -EINVAL;
	if (args->uid && !(args->flags & STPLR_RING_UID))
		return -EINVAL;
	if (!args->name_len || args->name_len > STPLR_NAME_MAX)
		return -EINVAL;
	return stplr_deadline_valid(args->deadline, args->clock) ? 0 : -EINVAL;
}

static struct stplr_ring_end *stplr_ring_wished(struct stplr_device *device,
						const struct stplr_ring_attach *args)
{
	char name[STPLR_NAME_MAX + 1] = {};
	struct stplr_ring_wish wish = {
		.name = name,
		.number = args->number,
		.deadline = args->deadline,
		.clock = args->clock,
		.uid = INVALID_UID,
	};
	int err;

	if (copy_from_user(name, u64_to_user_ptr(args->name), args->name_len))
		return ERR_PTR(-EFAULT);
	err = stplr_name_check(name, args->name_len);
	if (err)
		return ERR_PTR(err);
	if (args->flags & STPLR_RING_UID) {
		wish.uid = make_kuid(current_user_ns(), args->uid);
		/* nobody has it */
		if (!uid_valid(wish.uid))
			return ERR_PTR(-EINVAL);
	}
	return stplr_rings_attach(device, &wish);
}

long stplr_ring_attach_ioctl(struct file *device_file, void __user *arg, unsigned int size)
{
	struct stplr_opened *opened = device_file->private_data;
	struct stplr_ring_attach __user *uargs = arg;
	struct stplr_ring_attach args;
	struct stplr_ring_end *end;
	int fd, err;

	err = stplr_args_get(&args, sizeof(args), uargs, size);
	if (err)
		return err;
	err = stplr_ring_attach_check(&args);
	if (err)
		return err;
	/* what is likely to fail, before a peer sees it come and go */
	if (put_user(args.number, &uargs->number))
		return -EFAULT;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	end = stplr_ring_wished(opened->device, &args);
	if (IS_ERR(end)) {
		err = PTR_ERR(end);
		goto put_fd;
	}
	err = stplr_ring_install(fd, end, args.flags & STPLR_RING_NONBLOCK, &uargs->number);
	if (!err)
		return fd;

put_fd:
	put_unused_fd(fd);
	return err;
}

/* The other ioctls */

/* How many there are on the other side, and who, if it is one. */
static void stplr_ring_info_peers(const struct stplr_ring_end *end, struct stplr_ring_info *info)
{
	struct stplr_ring *ring = end->ring;
	const struct stplr_ring_end *peer = NULL;

	spin_lock_irq(&ring->lock);
	if (end->side == STPLR_RING_IN) {
		peer = ring->creator;
		info->peers = !!peer;
	} else if (ring->flags & STPLR_RINGS_MANY) {
		info->peers = ring->nr_attached;
	} else {
		peer = list_first_entry_or_null(&ring->attached, struct stplr_ring_end, link);
		info->peers = !!peer;
	}
	if (peer)
		info->pid = pid_nr_ns(peer->pid, task_active_pid_ns(current));
	spin_unlock_irq(&ring->lock);
}

long stplr_ring_info_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_ring_end *end = file->private_data;
	struct stplr_ring_info info = {
		.number = end->number,
		.flags = end->ring->flags,
		.out_bytes = stplr_ring_out_bytes(end),
		.in_bytes = stplr_ring_in_bytes(end),
		.page_size = PAGE_SIZE,
	};
	int err;

	err = stplr_ring_next_len(end, &info.next, &info.lost);
	if (err)
		return err;
	if (end->side == STPLR_RING_OUT)
		info.flags |= STPLR_RING_CREATOR;
	info.error = -stplr_ring_error(end);
	stplr_ring_info_peers(end, &info);
	return stplr_args_put(arg, size, &info, sizeof(info));
}

long stplr_ring_wait_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_ring_end *end = file->private_data;
	struct stplr_ring_wait __user *uargs = arg;
	struct stplr_ring_wait args;
	int ret;

	ret = stplr_args_get(&args, sizeof(args), uargs, size);
	if (ret)
		return ret;
	if (!args.what || args.what & ~stplr_ring_directions(end) ||
	    args.spin > STPLR_RING_SPIN_MAX || !stplr_deadline_valid(args.deadline, args.clock))
		return -EINVAL;
	if (args.room > (args.what & STPLR_RING_ROOM ? stplr_ring_out_bytes(end) : 0))
		return -EINVAL;
	ret = stplr_ring_wait_for(end, args.what, args.room, args.deadline, args.clock, args.spin);
	if (ret < 0)
		return ret;
	return put_user(ret, &uargs->what) ? -EFAULT : 0;
}

long stplr_ring_wake_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	stplr_ring_tell(file->private_data);
	return 0;
}

long stplr_ring_eventfd_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_ring_eventfd args;
	int err;

	err = stplr_args_get(&args, sizeof(args), arg, size);
	if (err)
		return err;
	if (args.flags != 0 && args.flags != STPLR_RING_EVENTFD_ALWAYS &&
	    args.flags != STPLR_RING_EVENTFD_WAKES)
		return -EINVAL;
	return stplr_ring_eventfd(file->private_data, args.fd, args.flags);
}

long stplr_ring_arm_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_ring_end *end = file->private_data;
	u32 what;
	int err;

	err = stplr_args_get(&what, sizeof(what), arg, size);
	if (err)
		return err;
	if (!what || what & ~stplr_ring_directions(end))
		return -EINVAL;
	stplr_ring_arm(end, what);
	return 0;
}

long stplr_ring_end_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	unsigned long error = (unsigned long)arg;

	if (error && error != EPROTO)
		return -EINVAL;
	return stplr_ring_finish_end(file->private_data, error ? -EPROTO : -EPIPE) ? 0 : -EPIPE;
}
