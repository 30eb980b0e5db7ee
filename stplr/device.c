// SPDX-License-Identifier: GPL-2.0
/* /dev/stplr-N: where channels and connections come from. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>

#include "stplr.h"

long stplr_version_ioctl(void __user *arg, unsigned int size)
{
	struct stplr_version version = {
		.abi = STPLR_ABI,
		.version = STPLR_MODULE_VERSION_CODE,
		.features = STPLR_FEATURE_MESSAGES | STPLR_FEATURE_ACCEPT | STPLR_FEATURE_QUEUED |
			    STPLR_FEATURE_TELL,
		.message_max = READ_ONCE(stplr_message_max),
		.inline_max = STPLR_INLINE_MAX,
		.parts_max = STPLR_PARTS_MAX,
	};

	/* Any size will do: a program must be able to learn that it is too old or too new. */
	return stplr_args_put(arg, size, &version, sizeof(version));
}

static int stplr_device_open(struct inode *inode, struct file *file)
{
	file->private_data = container_of(inode->i_cdev, struct stplr_device, cdev);
	return stream_open(inode, file);
}

static long stplr_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct stplr_device *device = file->private_data;
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
	default:
		return -ENOTTY;
	}
}

const struct file_operations stplr_device_fops = {
	.owner = THIS_MODULE,
	.open = stplr_device_open,
	.unlocked_ioctl = stplr_device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};
