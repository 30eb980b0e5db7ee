/* SPDX-License-Identifier: GPL-2.0 */
/* A connection as a file. */
#ifndef STPLR_FILE_CONNECTION_H
#define STPLR_FILE_CONNECTION_H

#include <linux/types.h>

struct file;
struct stplr_connection;

struct stplr_connection *stplr_connection_fdget(int fd);
long stplr_connection_info_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_detach_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_connect_attach_ioctl(struct file *device_file, void __user *arg, unsigned int size);

#endif /* STPLR_FILE_CONNECTION_H */
