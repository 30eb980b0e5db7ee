// SPDX-License-Identifier: GPL-2.0
/* /dev/stplr-N: where channels and connections come from. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/slab.h>

#include "stplr.h"
#include "version.h"

long stplr_version_ioctl(void __user *arg, unsigned int size)
{
	struct stplr_version version = {
		.abi = STPLR_ABI,
		.version = STPLR_MODULE_VERSION_CODE,
		.features = STPLR_FEATURE_MESSAGES | STPLR_FEATURE_ACCEPT | STPLR_FEATURE_QUEUED |
			    STPLR_FEATURE_TELL | STPLR_FEATURE_PULSES | STPLR_FEATURE_REGISTERED |
			    STPLR_FEATURE_INHERITANCE,
		.message_max = READ_ONCE(stplr_message_max),
		.inline_max = STPLR_INLINE_MAX,
		.parts_max = STPLR_PARTS_MAX,
	};

	/* Any size will do: a program must be able to learn that it is too old or too new. */
	return stplr_args_put(arg, size, &version, sizeof(version));
}

/**
 * struct stplr_opened - an open device
 * @device: which
 * @events: registered on it
 */
struct stplr_opened {
	struct stplr_device *device;
	struct stplr_event_owner events;
};

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

static long stplr_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct stplr_opened *opened = file->private_data;
	struct stplr_device *device = opened->device;
	void __user *uarg = (void __user *)arg;
	unsigned int size = _IOC_SIZE(cmd);

	if (_IOC_TYPE(cmd) != STPLR_IOC_MAGIC)
		return -ENOTTY;

	switch (_IOC_NR(cmd)) {
	case _IOC_NR(STPLR_VERSION):
		return stplr_version_ioctl(uarg, size);
	case _IOC_NR(STPLR_CHANNEL_CREATE):
		return stplr_channel_create_ioctl(device, uarg, size);
	case _IOC_NR(STPLR_CONNECT_ATTACH):
		return stplr_connect_attach_ioctl(device, uarg, size);
	case _IOC_NR(STPLR_EVENT_REGISTER):
		return stplr_event_register_ioctl(device, &opened->events, NULL, uarg, size);
	case _IOC_NR(STPLR_EVENT_UNREGISTER):
		return stplr_event_unregister_ioctl(device, &opened->events, uarg, size);
	default:
		return -ENOTTY;
	}
}

const struct file_operations stplr_device_fops = {
	.owner = THIS_MODULE,
	.open = stplr_device_open,
	.release = stplr_device_release,
	.unlocked_ioctl = stplr_device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};
