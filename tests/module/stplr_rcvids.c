// SPDX-License-Identifier: GPL-2.0
/*
 * Has a channel give out its last rcvid next, for tests: what comes after it takes 2^31 messages
 * otherwise.
 */

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/spinlock.h>

#include "core/channel.h"

static int rcvids_set(const char *value, const struct kernel_param *param)
{
	struct stplr_channel *channel;
	struct file *file;
	int fd, err;

	err = kstrtoint(value, 0, &fd);
	if (err)
		return err;
	file = fget(fd);
	if (!file)
		return -EBADF;
	channel = file->private_data;
	spin_lock(&channel->lock);
	channel->last_rcvid = S32_MAX - 1;
	spin_unlock(&channel->lock);
	fput(file);
	return 0;
}

static const struct kernel_param_ops rcvids_ops = { .set = rcvids_set };
module_param_cb(channel, &rcvids_ops, NULL, 0200);
MODULE_PARM_DESC(channel, "the writer's descriptor of it");

MODULE_DESCRIPTION("Late rcvids, for stplr's tests");
MODULE_AUTHOR("The stplr authors");
MODULE_LICENSE("GPL");
