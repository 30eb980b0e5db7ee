/* SPDX-License-Identifier: GPL-2.0 */
/* How an ioctl is found, by its number and the kind of file. */
#ifndef STPLR_FILE_IOCTL_H
#define STPLR_FILE_IOCTL_H

struct file;

long stplr_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long stplr_channel_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long stplr_connection_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long stplr_rings_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long stplr_ring_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

#endif /* STPLR_FILE_IOCTL_H */
