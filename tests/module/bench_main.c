// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's side of stplr-bench kernel: /dev/stplr-bench, see stplr_bench.h. It sends by stplr
 * and by the other ways that Linux has, and receives by them, in the thread that asks for it. One
 * program at a time.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/ktime.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "bench_way.h"

struct bench bench;

static atomic_t bench_opened;

static const struct bench_way *const bench_ways[] = {
	[BENCH_POST] = &bench_post_way,
	[BENCH_PULSE] = &bench_pulse_way,
	[BENCH_RING] = &bench_ring_way,
	[BENCH_NETLINK_UNICAST] = &bench_netlink_way,
	[BENCH_GENETLINK] = &bench_genetlink_way,
	[BENCH_DEVICE] = &bench_device_way,
	[BENCH_EVENTFD] = &bench_eventfd_way,
	[BENCH_SERVER] = &bench_server_way,
	[BENCH_SHARED] = &bench_shared_way,
	[BENCH_URING] = &bench_uring_way,
	[BENCH_BPF] = &bench_bpf_way,
	[BENCH_PIPE] = &bench_pipe_way,
	[BENCH_RELAY] = &bench_relay_way,
};

/* NULL: there is none of this number. */
static const struct bench_way *bench_find_way(u32 number)
{
	if (number >= ARRAY_SIZE(bench_ways))
		return NULL;
	return bench_ways[array_index_nospec(number, ARRAY_SIZE(bench_ways))];
}

/* The other side has the messages; those who have, acknowledge. */
static int bench_await(u32 acks)
{
	int err = 0;

	for (; acks && !err; acks--)
		err = wait_for_completion_killable(&bench.acked);
	return err;
}

static long bench_send(struct bench_send __user *arg)
{
	const struct bench_way *way = bench_current_way();
	struct bench_send send;
	int err = 0;
	u64 start;
	u32 i;

	if (copy_from_user(&send, arg, sizeof(send)))
		return -EFAULT;
	if (send.count > BENCH_SLOTS || send.acks > BENCH_SLOTS)
		return -EINVAL;
	if (send.way != BENCH_NOTHING &&
	    (!way || !way->send || bench_find_way(send.way) != way))
		return -EINVAL;
	mutex_lock(&bench.sending);
	start = ktime_get_ns();
	for (i = 0; send.way != BENCH_NOTHING && i < send.count && !err; i++)
		err = way->send(send.number + i, send.flags & BENCH_FULL,
				send.flags & BENCH_BATCH && i + 1 < send.count);
	send.ns = ktime_get_ns() - start;
	mutex_unlock(&bench.sending);
	if (!err)
		err = bench_await(send.acks);
	return copy_to_user(arg, &send, sizeof(send)) ? -EFAULT : err;
}

static long bench_expect(struct bench_expect __user *arg)
{
	const struct bench_way *way = bench_current_way();
	struct bench_expect expect;
	int err = 0;
	u64 start;
	u32 i;

	if (copy_from_user(&expect, arg, sizeof(expect)))
		return -EFAULT;
	if (expect.count > BENCH_SLOTS || (expect.count && (!way || !way->take)))
		return -EINVAL;
	mutex_lock(&bench.sending);
	bench.expected = expect.number;
	bench.full = expect.flags & BENCH_FULL;
	start = ktime_get_ns();
	for (i = 0; i < expect.count && !err; i++)
		err = way->take();
	expect.ns = ktime_get_ns() - start;
	expect.received = bench.received;
	expect.wrong = bench.wrong;
	mutex_unlock(&bench.sending);
	return copy_to_user(arg, &expect, sizeof(expect)) ? -EFAULT : err;
}

static int bench_open_way(struct bench_set_up *set_up)
{
	const struct bench_way *way = bench_find_way(set_up->way);
	int err;

	lockdep_assert_held(&bench.setting);
	if (!way)
		return -EINVAL;
	if (bench.way)
		return -EBUSY;
	bench.bytes = kvzalloc(set_up->size, GFP_KERNEL);
	if (!bench.bytes)
		return -ENOMEM;
	bench.size = set_up->size;
	err = way->open(set_up);
	if (err)
		goto free_bytes;
	/* Pairs with the acquire in bench_current_way(). */
	smp_store_release(&bench.way, way);
	return 0;

free_bytes:
	kvfree(bench.bytes);
	bench.bytes = NULL;
	return err;
}

static long bench_set_up(struct bench_set_up __user *arg)
{
	struct bench_set_up set_up;
	int err;

	if (copy_from_user(&set_up, arg, sizeof(set_up)))
		return -EFAULT;
	if (set_up.size < 2 * sizeof(u64) || set_up.size > BENCH_SIZE_MAX)
		return -EINVAL;
	set_up.name[sizeof(set_up.name) - 1] = 0;
	mutex_lock(&bench.setting);
	err = bench_open_way(&set_up);
	mutex_unlock(&bench.setting);
	return !err && copy_to_user(arg, &set_up, sizeof(set_up)) ? -EFAULT : err;
}

static long bench_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case BENCH_SEND:
		return bench_send(uarg);
	case BENCH_EXPECT:
		return bench_expect(uarg);
	case BENCH_ACK:
		complete(&bench.acked);
		return 0;
	case BENCH_SET_UP:
		return bench_set_up(uarg);
	default:
		return -ENOTTY;
	}
}

static int bench_open(struct inode *inode, struct file *file)
{
	if (atomic_cmpxchg(&bench_opened, 0, 1))
		return -EBUSY;
	memset(&bench, 0, sizeof(bench));
	mutex_init(&bench.setting);
	mutex_init(&bench.sending);
	init_completion(&bench.acked);
	return 0;
}

static int bench_release(struct inode *inode, struct file *file)
{
	if (bench.way)
		bench.way->close();
	kvfree(bench.bytes);
	atomic_set_release(&bench_opened, 0);
	return 0;
}

static const struct file_operations bench_fops = {
	.owner = THIS_MODULE,
	.open = bench_open,
	.release = bench_release,
	.read = bench_device_read,
	.write = bench_device_write,
	.unlocked_ioctl = bench_ioctl,
	.mmap = bench_shared_mmap,
	.flush = bench_uring_flush,
	.uring_cmd = bench_uring_cmd,
};

static struct miscdevice bench_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "stplr-bench",
	.fops = &bench_fops,
	.mode = 0600,
};

static int __init bench_init(void)
{
	int err = bench_netlink_init();

	if (err)
		return err;
	err = misc_register(&bench_misc);
	if (err)
		bench_netlink_exit();
	return err;
}

static void __exit bench_exit(void)
{
	misc_deregister(&bench_misc);
	bench_netlink_exit();
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("The kernel's side of stplr-bench kernel");
MODULE_AUTHOR("The stplr authors");
MODULE_LICENSE("GPL");
