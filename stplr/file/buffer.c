// SPDX-License-Identifier: GPL-2.0
/* Registered buffers: STPLR_BUFFER_REGISTER, STPLR_BUFFER_UNREGISTER. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/sizes.h>

#include <uapi/linux/stplr.h>

#include "base/params.h"
#include "core/channel.h"
#include "core/connection.h"
#include "file/args.h"
#include "file/buffer.h"
#include "memory/registered.h"

/* Registers memory of the caller's for @user, who has the connection or channel of @buffers. */
static long stplr_buffer_register(struct xarray *buffers, struct stplr_user *user, void __user *arg,
				  unsigned int size)
{
	struct stplr_buffer_register __user *uargs = arg;
	struct stplr_registered *registered;
	struct stplr_buffer_register args;
	u32 index;
	int err;

	err = stplr_args_get(&args, sizeof(args), uargs, size);
	if (err)
		return err;
	if (args.flags & ~STPLR_BUFFER_WRITE || !args.len || args.len > SZ_1G)
		return -EINVAL;

	err = stplr_buffers_reserve(buffers, &index);
	if (err)
		return err;
	registered = stplr_registered_new(u64_to_user_ptr(args.addr), args.len,
					  args.flags & STPLR_BUFFER_WRITE, user);
	err = PTR_ERR_OR_ZERO(registered);
	if (!err && put_user(index, &uargs->index)) {
		stplr_registered_put(registered);
		err = -EFAULT;
	}
	stplr_buffers_set(buffers, index, err ? NULL : registered);
	stplr_dbg(2, "register %llu bytes as %u: %d\n", args.len, index, err);
	return err;
}

/* Whoever has the descriptor may do this. */
static long stplr_buffer_unregister(struct xarray *buffers, const void __user *arg,
				    unsigned int size)
{
	u32 index;
	int err;

	err = stplr_args_get(&index, sizeof(index), arg, size);
	return err ?: stplr_buffers_remove(buffers, index);
}

long stplr_channel_buffer_register_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_channel *channel = file->private_data;

	return stplr_buffer_register(&channel->buffers, channel->user, arg, size);
}

long stplr_channel_buffer_unregister_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_channel *channel = file->private_data;

	return stplr_buffer_unregister(&channel->buffers, arg, size);
}

long stplr_connection_buffer_register_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_connection *connection = file->private_data;

	return stplr_buffer_register(&connection->buffers, connection->user, arg, size);
}

long stplr_connection_buffer_unregister_ioctl(struct file *file, void __user *arg,
					      unsigned int size)
{
	struct stplr_connection *connection = file->private_data;

	return stplr_buffer_unregister(&connection->buffers, arg, size);
}
