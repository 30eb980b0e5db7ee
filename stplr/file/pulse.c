// SPDX-License-Identifier: GPL-2.0
/* Pulses: the arguments of the calls that send them, and ask for one. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/fs.h>
#include <uapi/linux/stplr.h>

#include "base/params.h"
#include "base/priority.h"
#include "call/notify.h"
#include "call/pulse.h"
#include "core/connection.h"
#include "file/args.h"
#include "file/channel.h"
#include "file/pulse.h"

long stplr_pulse_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_connection *connection = file->private_data;
	struct stplr_pulse_send args;
	int err;

	err = stplr_args_get(&args, sizeof(args), arg, size);
	if (err)
		return err;
	if (args.flags || args.reserved)
		return -EINVAL;
	err = stplr_pulse_check(connection, args.priority, args.code);
	if (!err)
		err = stplr_pulse_post(connection, stplr_pulse_priority(connection, args.priority),
				       args.code, args.value);
	stplr_dbg(3, "pulse %d on connection %u: %d\n", args.code, connection->coid, err);
	return err;
}

long stplr_notify_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_channel *target = NULL;
	struct stplr_connect_notify args;
	int err;

	err = stplr_args_get(&args, sizeof(args), arg, size);
	if (err)
		return err;
	if (args.priority < STPLR_PRIORITY_OWN || args.priority > STPLR_PRIORITY_MAX ||
	    args.channel < -1 || args.flags || args.reserved)
		return -EINVAL;
	if (args.channel < 0 && (args.priority || args.value))
		return -EINVAL;
	if (args.channel >= 0) {
		target = stplr_channel_fdget(args.channel);
		if (IS_ERR(target))
			return PTR_ERR(target);
	}
	return stplr_notify(file->private_data, target, &args);
}
