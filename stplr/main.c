// SPDX-License-Identifier: GPL-2.0
/* Load and unload; the devices' place in /dev and /sys. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/init.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "base/compat.h"
#include "base/late.h"
#include "base/params.h"
#include "base/sleep_cost.h"
#include "core/device.h"
#include "core/life.h"
#include "core/object.h"
#include "core/thread.h"
#include "debugfs.h"
#include "file/device.h"
#include "memory/sides.h"
#include "peer/link.h"
#include "version.h"

static unsigned int devices = 1;
module_param(devices, uint, 0444);
MODULE_PARM_DESC(devices, "number of devices /dev/stplr-N, 1 to 64 (default 1)");

static dev_t stplr_devt;
static struct class *stplr_class;

/* Channels and names have permissions of their own; a udev rule may say otherwise. */
static char *stplr_devnode(STPLR_DEVNODE_CONST struct device *dev, umode_t *mode)
{
	if (mode)
		*mode = 0666;
	return NULL;
}

static void stplr_device_release(struct device *dev)
{
	struct stplr_device *device = container_of(dev, struct stplr_device, dev);

	WARN_ON(!hash_empty(device->ring_names) || !xa_empty(&device->rings));
	xa_destroy(&device->rings);
	WARN_ON(!xa_empty(&device->links));
	xa_destroy(&device->links);
	WARN_ON(!hash_empty(device->names) || !hash_empty(device->processes));
	xa_destroy(&device->scoids);
	WARN_ON(!xa_empty(&device->channels) || !xa_empty(&device->connections) ||
		!xa_empty(&device->events));
	xa_destroy(&device->channels);
	xa_destroy(&device->connections);
	xa_destroy(&device->events);
	kfree(device);
}

/* From device_initialize() on, put_device() frees it. */
static int stplr_device_add(unsigned int index)
{
	struct stplr_device *device;
	int err;

	device = kzalloc(sizeof(*device), GFP_KERNEL);
	if (!device)
		return -ENOMEM;
	device->index = index;
	mutex_init(&device->registry);
	hash_init(device->names);
	hash_init(device->processes);
	hash_init(device->ring_names);
	device->name_waiters.tree = RB_ROOT;
	device->ring_waiters.tree = RB_ROOT;
	xa_init_flags(&device->rings, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	xa_init_flags(&device->links, XA_FLAGS_ALLOC1);
	xa_init_flags(&device->scoids, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	xa_init_flags(&device->channels, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	xa_init_flags(&device->connections, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	xa_init_flags(&device->events, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);

	device_initialize(&device->dev);
	device->dev.class = stplr_class;
	device->dev.devt = MKDEV(MAJOR(stplr_devt), MINOR(stplr_devt) + index);
	device->dev.release = stplr_device_release;
	cdev_init(&device->cdev, &stplr_device_fops);
	device->cdev.owner = THIS_MODULE;

	err = dev_set_name(&device->dev, "stplr-%u", index);
	if (!err)
		err = cdev_device_add(&device->cdev, &device->dev);
	if (err) {
		put_device(&device->dev);
		return err;
	}
	stplr_device_enter(device);
	stplr_debugfs_add(device);
	return 0;
}

static void stplr_device_remove(struct stplr_device *device)
{
	stplr_device_leave(device);
	stplr_debugfs_remove(device);
	cdev_device_del(&device->cdev, &device->dev);
	put_device(&device->dev);
}

static int __init stplr_init(void)
{
	unsigned int i;
	int err;

	if (devices < 1 || devices > STPLR_DEVICES_MAX) {
		pr_err("devices=%u: must be 1 to %u\n", devices, STPLR_DEVICES_MAX);
		return -EINVAL;
	}

	stplr_params_init();
	stplr_sleep_cost_measure();
	err = stplr_late_init();
	if (err)
		return err;
	err = stplr_message_cache_init();
	if (err)
		goto exit_late;
	err = stplr_buffer_cache_init();
	if (err)
		goto exit_message_cache;
	err = stplr_connection_cache_init();
	if (err)
		goto exit_buffer_cache;

	err = stplr_threads_init();
	if (err)
		goto exit_connection_cache;

	err = alloc_chrdev_region(&stplr_devt, 0, devices, "stplr");
	if (err)
		goto exit_threads;

	stplr_class = stplr_class_create("stplr");
	if (IS_ERR(stplr_class)) {
		err = PTR_ERR(stplr_class);
		goto unregister_region;
	}
	stplr_class->devnode = stplr_devnode;
	stplr_debugfs_init();

	for (i = 0; i < devices; i++) {
		err = stplr_device_add(i);
		if (err)
			goto remove_devices;
	}
	err = stplr_links_init();
	if (err)
		goto remove_devices;

	stplr_dbg(1, "version %s, %u device%s\n", STPLR_MODULE_VERSION, devices,
		  devices == 1 ? "" : "s");
	return 0;

remove_devices:
	while (i--)
		stplr_device_remove(stplr_device_find(i));
	stplr_debugfs_exit();
	class_destroy(stplr_class);
unregister_region:
	unregister_chrdev_region(stplr_devt, devices);
exit_threads:
	stplr_threads_exit();
exit_connection_cache:
	stplr_connection_cache_exit();
exit_buffer_cache:
	stplr_buffer_cache_exit();
exit_message_cache:
	stplr_message_cache_exit();
exit_late:
	stplr_late_exit();
	pr_err("cannot load: error %d\n", err);
	return err;
}

/* No file of ours is open: each holds the module. */
static void __exit stplr_exit(void)
{
	unsigned int i;

	stplr_links_exit();
	stplr_late_exit();
	for (i = 0; i < devices; i++)
		stplr_device_remove(stplr_device_find(i));
	stplr_debugfs_exit();
	class_destroy(stplr_class);
	unregister_chrdev_region(stplr_devt, devices);
	stplr_threads_exit();
	stplr_connection_cache_exit();
	stplr_buffer_cache_exit();
	stplr_message_cache_exit();
	stplr_dbg(1, "unloaded\n");
}

module_init(stplr_init);
module_exit(stplr_exit);

MODULE_DESCRIPTION("Synchronous message passing between processes, after QNX");
MODULE_AUTHOR("The stplr authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(STPLR_MODULE_VERSION);
