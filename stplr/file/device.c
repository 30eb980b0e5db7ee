// SPDX-License-Identifier: GPL-2.0
/* /dev/stplr-N as a file: where channels and connections come from. */

#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "call/event.h"
#include "file/device.h"
#include "file/ioctl.h"
#include "file/opened.h"

static int stplr_device_open(struct inode *inode, struct file *file)
{
	struct stplr_opened *opened;

	opened = kzalloc(sizeof(*opened), GFP_KERNEL_ACCOUNT);
	if (!opened)
		return -ENOMEM;
	opened->device = container_of(inode->i_cdev, struct stplr_device, cdev);
	INIT_LIST_HEAD(&opened->events.events);
	file->private_data = opened;
	return stream_open(inode, file);
}

static int stplr_device_release(struct inode *inode, struct file *file)
{
	struct stplr_opened *opened = file->private_data;

	stplr_events_end(opened->device, &opened->events);
	kfree(opened);
	return 0;
}

const struct file_operations stplr_device_fops = {
	.owner = THIS_MODULE,
	.open = stplr_device_open,
	.release = stplr_device_release,
	.unlocked_ioctl = stplr_device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};
