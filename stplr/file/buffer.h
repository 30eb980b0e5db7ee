/* SPDX-License-Identifier: GPL-2.0 */
/* The ioctls by which memory is registered, on a connection or a channel. */
#ifndef STPLR_FILE_BUFFER_H
#define STPLR_FILE_BUFFER_H

#include <linux/types.h>

struct stplr_user;
struct xarray;

long stplr_buffer_register_ioctl(struct xarray *buffers, struct stplr_user *user, void __user *arg,
				 unsigned int size);
long stplr_buffer_unregister_ioctl(struct xarray *buffers, const void __user *arg,
				   unsigned int size);

#endif /* STPLR_FILE_BUFFER_H */
