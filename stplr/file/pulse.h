/* SPDX-License-Identifier: GPL-2.0 */
/* The ioctls that send pulses, and ask for one. */
#ifndef STPLR_FILE_PULSE_H
#define STPLR_FILE_PULSE_H

#include <linux/types.h>

struct file;

long stplr_pulse_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_notify_ioctl(struct file *file, void __user *arg, unsigned int size);

#endif /* STPLR_FILE_PULSE_H */
