// SPDX-License-Identifier: GPL-2.0
/*
 * A driver that sends pulses from interrupts, for tests: /dev/stplr-pulser. Write "FD PERIOD COUNT
 * BURST" to send, over the connection FD, COUNT times every PERIOD nanoseconds BURST pulses with
 * the values 0, 1, 2, ...; one write an open. Read "SENT REFUSED" of what it came to. Closing ends
 * it.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/stplr_kernel.h>
#include <linux/uaccess.h>

#include "timer.h"

#define PULSER_CODE 42
#define PULSER_PRIORITY 50

/**
 * struct pulser - one open file
 * @timer: expires in hard interrupt context, on PREEMPT_RT too
 * @source: what it sends by, or NULL before the write
 * @period: of the timer
 * @left: how often it still expires
 * @burst: pulses each time
 * @value: of the next
 * @refused: how many found no place
 */
struct pulser {
	struct hrtimer timer;
	struct stplr_source *source;
	ktime_t period;
	unsigned int left;
	unsigned int burst;
	u64 value;
	u64 refused;
};

static enum hrtimer_restart pulser_expire(struct hrtimer *timer)
{
	struct pulser *pulser = container_of(timer, struct pulser, timer);
	unsigned int i;

	WARN_ON_ONCE(!in_hardirq());
	for (i = 0; i < pulser->burst; i++) {
		if (stplr_source_pulse(pulser->source, PULSER_PRIORITY, PULSER_CODE,
				       pulser->value))
			WRITE_ONCE(pulser->refused, pulser->refused + 1);
		else
			WRITE_ONCE(pulser->value, pulser->value + 1);
	}
	WRITE_ONCE(pulser->left, pulser->left - 1);
	if (!pulser->left)
		return HRTIMER_NORESTART;
	hrtimer_forward_now(timer, pulser->period);
	return HRTIMER_RESTART;
}

static int pulser_open(struct inode *inode, struct file *file)
{
	struct pulser *pulser = kzalloc(sizeof(*pulser), GFP_KERNEL);

	if (!pulser)
		return -ENOMEM;
	timer_init(&pulser->timer, pulser_expire, HRTIMER_MODE_REL_HARD);
	file->private_data = pulser;
	return 0;
}

static int pulser_release(struct inode *inode, struct file *file)
{
	struct pulser *pulser = file->private_data;

	hrtimer_cancel(&pulser->timer);
	if (pulser->source)
		stplr_source_put(pulser->source);
	kfree(pulser);
	return 0;
}

static ssize_t pulser_write(struct file *file, const char __user *buffer, size_t len, loff_t *pos)
{
	struct pulser *pulser = file->private_data;
	struct stplr_source *source;
	unsigned int period;
	char text[64] = {};
	int fd;

	if (pulser->source)
		return -EBUSY;
	if (len >= sizeof(text) || copy_from_user(text, buffer, len))
		return -EINVAL;
	if (sscanf(text, "%d %u %u %u", &fd, &period, &pulser->left, &pulser->burst) != 4)
		return -EINVAL;
	if (period < 1000 || !pulser->left || pulser->burst > 1000)
		return -EINVAL;
	source = stplr_source_get(fd);
	if (IS_ERR(source))
		return PTR_ERR(source);
	pulser->source = source;
	pulser->period = ns_to_ktime(period);
	hrtimer_start(&pulser->timer, pulser->period, HRTIMER_MODE_REL_HARD);
	return len;
}

static ssize_t pulser_read(struct file *file, char __user *buffer, size_t len, loff_t *pos)
{
	const struct pulser *pulser = file->private_data;
	char text[64];
	int n;

	n = scnprintf(text, sizeof(text), "%llu %llu %u\n", READ_ONCE(pulser->value),
		      READ_ONCE(pulser->refused), READ_ONCE(pulser->left));
	if (len < n)
		return -EINVAL;
	return copy_to_user(buffer, text, n) ? -EFAULT : n;
}

static const struct file_operations pulser_fops = {
	.owner = THIS_MODULE,
	.open = pulser_open,
	.release = pulser_release,
	.write = pulser_write,
	.read = pulser_read,
};

static struct miscdevice pulser_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "stplr-pulser",
	.fops = &pulser_fops,
	.mode = 0600,
};

module_misc_device(pulser_device);

MODULE_DESCRIPTION("Pulses from interrupts, for stplr's tests");
MODULE_AUTHOR("The stplr authors");
MODULE_LICENSE("GPL");
