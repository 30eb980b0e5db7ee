// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring's commands on the device: BENCH_URING_RECEIVE takes a message at once, or waits for one
 * and is then completed in the thread that gave it, where its memory is; BENCH_URING_SEND brings
 * one.
 *
 * A command that waits holds the file, and before 6.7 io_uring cannot cancel it. So whose
 * descriptors are closed, by itself or because it ends, gets his commands back: flush() is called
 * for each close(2).
 */

#include <linux/err.h>
#include <linux/fdtable.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#include <linux/io_uring.h>
#else
#include <linux/io_uring/cmd.h>
#endif

#include "bench_way.h"

#if IS_ENABLED(CONFIG_IO_URING)

/**
 * struct bench_waiter - a command that waits for a message, in io_uring's own memory
 * @entry: in bench_waiting
 * @to: where the bytes go; NULL: it was given up
 * @owner: whose it is
 */
struct bench_waiter {
	struct list_head entry;
	void __user *to;
	fl_owner_t owner;
};

/* Held while a message is taken out. Before bench_waiting_lock. */
static DEFINE_MUTEX(bench_taking);
/* Guards bench_waiting: commands for which there was no message. */
static DEFINE_SPINLOCK(bench_waiting_lock);
static LIST_HEAD(bench_waiting);

static struct bench_waiter *bench_waiter(struct io_uring_cmd *cmd)
{
	BUILD_BUG_ON(sizeof(struct bench_waiter) > sizeof(cmd->pdu));
	return (struct bench_waiter *)cmd->pdu;
}

static struct io_uring_cmd *bench_waiter_cmd(struct bench_waiter *waiter)
{
	return container_of((void *)waiter, struct io_uring_cmd, pdu);
}

/* The size, an error, or EIOCBQUEUED: it waits. */
static int bench_uring_receive(struct io_uring_cmd *cmd)
{
	struct bench_waiter *waiter = bench_waiter(cmd);
	const u8 *slot;
	int result;

	mutex_lock(&bench_taking);
	slot = bench_slots_first();
	if (!slot) {
		spin_lock(&bench_waiting_lock);
		/* Who puts one takes the lock after that. */
		slot = bench_slots_first();
		if (!slot)
			list_add_tail(&waiter->entry, &bench_waiting);
		spin_unlock(&bench_waiting_lock);
	}
	if (!slot) {
		result = -EIOCBQUEUED;
	} else if (copy_to_user(waiter->to, slot, bench.size)) {
		result = -EFAULT;
	} else {
		bench_slots_drop();
		result = bench.size;
	}
	mutex_unlock(&bench_taking);
	return result;
}

static void bench_uring_done(struct io_uring_cmd *cmd, int result, unsigned int flags)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
	io_uring_cmd_done(cmd, result, 0, flags);
#else
	io_uring_cmd_done(cmd, result, flags);
#endif
}

/* In the command's own thread; if that is ending, perhaps in a kernel thread. */
static void bench_uring_go_on(struct io_uring_cmd *cmd, unsigned int flags)
{
	int result = -ECANCELED;

	if (bench_waiter(cmd)->to && !(current->flags & (PF_EXITING | PF_KTHREAD)))
		result = bench_uring_receive(cmd);
	if (result != -EIOCBQUEUED)
		bench_uring_done(cmd, result, flags);
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
static void bench_uring_task_work(struct io_uring_cmd *cmd, unsigned int flags)
{
	bench_uring_go_on(cmd, flags);
}
#else
static void bench_uring_task_work(struct io_tw_req request, io_tw_token_t token)
{
	bench_uring_go_on(io_uring_cmd_from_tw(request), IO_URING_CMD_TASK_WORK_ISSUE_FLAGS);
}
#endif

static int bench_uring_send(u64 number, bool full, bool more)
{
	struct bench_waiter *waiter;
	int err = bench_slots_put(number, full);

	if (err)
		return err;
	spin_lock(&bench_waiting_lock);
	waiter = list_first_entry_or_null(&bench_waiting, struct bench_waiter, entry);
	if (waiter)
		list_del(&waiter->entry);
	spin_unlock(&bench_waiting_lock);
	if (waiter)
		io_uring_cmd_complete_in_task(bench_waiter_cmd(waiter), bench_uring_task_work);
	return 0;
}

int bench_uring_flush(struct file *file, fl_owner_t owner)
{
	struct bench_waiter *waiter, *next;
	LIST_HEAD(gone);

	spin_lock(&bench_waiting_lock);
	list_for_each_entry_safe(waiter, next, &bench_waiting, entry)
		if (waiter->owner == owner)
			list_move(&waiter->entry, &gone);
	spin_unlock(&bench_waiting_lock);
	list_for_each_entry_safe(waiter, next, &gone, entry) {
		waiter->to = NULL;
		io_uring_cmd_complete_in_task(bench_waiter_cmd(waiter), bench_uring_task_work);
	}
	return 0;
}

static int bench_uring_bring(const struct bench_uring *order)
{
	int err;

	mutex_lock(&bench.sending);
	if (copy_from_user(bench.bytes, u64_to_user_ptr(order->address), order->size))
		err = -EFAULT;
	else
		err = bench_came(bench.bytes, order->size);
	mutex_unlock(&bench.sending);
	return err ?: order->size;
}

/* It is in memory that the process can write: each field is read once. */
static struct bench_uring bench_uring_order(const struct io_uring_cmd *cmd)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
	const struct bench_uring *order = cmd->cmd;
#else
	const struct bench_uring *order = (const void *)cmd->sqe->cmd;
#endif

	return (struct bench_uring){
		.address = READ_ONCE(order->address),
		.size = READ_ONCE(order->size),
		.reserved = READ_ONCE(order->reserved),
	};
}

int bench_uring_cmd(struct io_uring_cmd *cmd, unsigned int flags)
{
	struct bench_uring order;

	if (bench_current_way() != &bench_uring_way)
		return -EINVAL;
	order = bench_uring_order(cmd);
	if (order.size != bench.size || order.reserved)
		return -EINVAL;
	switch (cmd->cmd_op) {
	case BENCH_URING_RECEIVE:
		bench_waiter(cmd)->to = u64_to_user_ptr(order.address);
		bench_waiter(cmd)->owner = current->files;
		return bench_uring_receive(cmd);
	case BENCH_URING_SEND:
		return bench_uring_bring(&order);
	default:
		return -EINVAL;
	}
}

static int bench_uring_open(struct bench_set_up *set_up)
{
	return bench_slots_open();
}

#else /* CONFIG_IO_URING */

static int bench_uring_send(u64 number, bool full, bool more)
{
	return -EOPNOTSUPP;
}

int bench_uring_flush(struct file *file, fl_owner_t owner)
{
	return 0;
}

int bench_uring_cmd(struct io_uring_cmd *cmd, unsigned int flags)
{
	return -EOPNOTSUPP;
}

static int bench_uring_open(struct bench_set_up *set_up)
{
	return -EOPNOTSUPP;
}

#endif

const struct bench_way bench_uring_way = {
	.open = bench_uring_open,
	.close = bench_slots_close,
	.send = bench_uring_send,
};
