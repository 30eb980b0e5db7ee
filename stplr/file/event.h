/* SPDX-License-Identifier: GPL-2.0 */
/* The ioctls that register and deliver events. */
#ifndef STPLR_FILE_EVENT_H
#define STPLR_FILE_EVENT_H

#include <linux/types.h>

struct file;

long stplr_device_event_register_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_connection_event_register_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_device_event_unregister_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_connection_event_unregister_ioctl(struct file *file, void __user *arg,
					     unsigned int size);
long stplr_event_deliver_ioctl(struct file *file, void __user *arg, unsigned int size);

#endif /* STPLR_FILE_EVENT_H */
