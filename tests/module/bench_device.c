// SPDX-License-Identifier: GPL-2.0
/*
 * read(2) and write(2) of the device itself: a message each. It is the least that a driver of one's
 * own can do: one reader, places that are there before, no allocation.
 */

#include <linux/uaccess.h>
#include <linux/wait.h>

#include "bench_way.h"

/* Held while a message is taken out. */
static DEFINE_MUTEX(bench_reading);
static DECLARE_WAIT_QUEUE_HEAD(bench_readers);

static int bench_device_open(struct bench_set_up *set_up)
{
	return bench_slots_open();
}

static int bench_device_send(u64 number, bool full, bool more)
{
	int err = bench_slots_put(number, full);

	/* Has a full barrier, which pairs with the one of who goes to sleep. */
	if (!err && !more && wq_has_sleeper(&bench_readers))
		wake_up_interruptible(&bench_readers);
	return err;
}

const struct bench_way bench_device_way = {
	.open = bench_device_open,
	.close = bench_slots_close,
	.send = bench_device_send,
};

ssize_t bench_device_read(struct file *file, char __user *to, size_t len, loff_t *pos)
{
	ssize_t result;
	const u8 *slot;

	if (bench_current_way() != &bench_device_way || len < bench.size)
		return -EINVAL;
	if (mutex_lock_interruptible(&bench_reading))
		return -ERESTARTSYS;
	result = wait_event_interruptible(bench_readers, (slot = bench_slots_first()) != NULL);
	if (!result && copy_to_user(to, slot, bench.size))
		result = -EFAULT;
	if (!result) {
		bench_slots_drop();
		result = bench.size;
	}
	mutex_unlock(&bench_reading);
	return result;
}

ssize_t bench_device_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	int err;

	if (bench_current_way() != &bench_device_way || len != bench.size)
		return -EINVAL;
	mutex_lock(&bench.sending);
	err = copy_from_user(bench.bytes, from, len) ? -EFAULT : bench_came(bench.bytes, len);
	mutex_unlock(&bench.sending);
	return err ?: len;
}
