/* SPDX-License-Identifier: GPL-2.0 */
/* The ioctls by which memory is registered, on a connection or a channel. */
#ifndef STPLR_FILE_BUFFER_H
#define STPLR_FILE_BUFFER_H

#include <linux/types.h>

struct file;

long stplr_channel_buffer_register_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_channel_buffer_unregister_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_connection_buffer_register_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_connection_buffer_unregister_ioctl(struct file *file, void __user *arg,
					      unsigned int size);

#endif /* STPLR_FILE_BUFFER_H */
