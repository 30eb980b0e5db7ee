/* SPDX-License-Identifier: GPL-2.0 */
/* A ring set as a file. */
#ifndef STPLR_FILE_RINGS_H
#define STPLR_FILE_RINGS_H

#include <linux/types.h>

struct file;

long stplr_rings_create_ioctl(struct file *device_file, void __user *arg, unsigned int size);
long stplr_ring_open_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_rings_attached_ioctl(struct file *file, void __user *arg, unsigned int size);

#endif /* STPLR_FILE_RINGS_H */
