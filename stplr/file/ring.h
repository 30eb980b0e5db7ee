/* SPDX-License-Identifier: GPL-2.0 */
/* An end of a ring as a file. */
#ifndef STPLR_FILE_RING_H
#define STPLR_FILE_RING_H

#include <linux/types.h>

struct file;
struct stplr_ring_end;

int stplr_ring_install(int fd, struct stplr_ring_end *end, bool nonblock, u32 __user *number);
long stplr_ring_attach_ioctl(struct file *device_file, void __user *arg, unsigned int size);
long stplr_ring_info_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_ring_wait_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_ring_wake_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_ring_eventfd_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_ring_arm_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_ring_end_ioctl(struct file *file, void __user *arg, unsigned int size);

#endif /* STPLR_FILE_RING_H */
