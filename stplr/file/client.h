/* SPDX-License-Identifier: GPL-2.0 */
/* The ioctls by which a server asks about its clients. */
#ifndef STPLR_FILE_CLIENT_H
#define STPLR_FILE_CLIENT_H

#include <linux/types.h>

struct file;

long stplr_client_info_ioctl(struct file *file, void __user *arg, unsigned int size);
long stplr_cookie_ioctl(struct file *file, void __user *arg, unsigned int size);

#endif /* STPLR_FILE_CLIENT_H */
