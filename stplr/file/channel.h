/* SPDX-License-Identifier: GPL-2.0 */
/* A channel as a file. */
#ifndef STPLR_FILE_CHANNEL_H
#define STPLR_FILE_CHANNEL_H

#include <linux/types.h>

struct file;
struct stplr_channel;

struct stplr_channel *stplr_channel_fdget(int fd);
long stplr_channel_create_ioctl(struct file *device_file, void __user *arg, unsigned int size);
long stplr_accept_ioctl(struct file *listener_file, void __user *arg, unsigned int size);
long stplr_channel_info_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_channel_destroy_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_channel_shutdown_ioctl(struct file *file, void __user *arg, unsigned int size);

#endif /* STPLR_FILE_CHANNEL_H */
