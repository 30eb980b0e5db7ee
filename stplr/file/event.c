// SPDX-License-Identifier: GPL-2.0
/* Events: the arguments of the calls that register and deliver them. */

#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <uapi/linux/stplr.h>

#include "call/event.h"
#include "core/channel.h"
#include "core/connection.h"
#include "core/device.h"
#include "file/args.h"
#include "file/connection.h"
#include "file/event.h"
#include "file/opened.h"

static int stplr_event_check(const struct stplr_event_register *args)
{
	bool pulse = args->type == STPLR_EVENT_PULSE;

	if (args->flags & ~STPLR_EVENT_UPDATE || args->reserved)
		return -EINVAL;
	if (args->priority && !pulse)
		return -EINVAL;
	switch (args->type) {
	case STPLR_EVENT_PULSE:
		return args->signo ? -EINVAL : 0;
	case STPLR_EVENT_EVENTFD:
		return args->signo || args->code || args->value || args->flags ? -EINVAL : 0;
	case STPLR_EVENT_SIGNAL:
		if (args->code)
			return -EINVAL;
		fallthrough;
	case STPLR_EVENT_SIGNAL_THREAD:
		if (args->fd != -1 || !valid_signal(args->signo) || !args->signo)
			return -EINVAL;
		return args->code > 0 || args->code < S8_MIN ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

/* Takes hold of what is to be notified. */
static int stplr_event_aim(struct stplr_event *event, int fd)
{
	struct stplr_connection *target;
	struct eventfd_ctx *eventfd;

	switch (event->args.type) {
	case STPLR_EVENT_PULSE:
		target = stplr_connection_fdget(fd);
		return IS_ERR(target) ? PTR_ERR(target) : stplr_event_aim_pulse(event, target);
	case STPLR_EVENT_EVENTFD:
		eventfd = eventfd_ctx_fdget(fd);
		if (IS_ERR(eventfd))
			return PTR_ERR(eventfd);
		event->eventfd = eventfd;
		return 0;
	default:
		stplr_event_aim_signal(event);
		return 0;
	}
}

/* Registers an event with @owner; @channel may deliver it, or any, without. */
static long stplr_event_register(struct stplr_device *device, struct stplr_event_owner *owner,
				 struct stplr_channel *channel, void __user *arg, unsigned int size)
{
	struct stplr_event_register __user *uargs = arg;
	struct stplr_event_register args;
	struct stplr_event *event;
	int err;

	err = stplr_args_get(&args, sizeof(args), arg, size);
	if (err)
		return err;
	err = stplr_event_check(&args);
	if (err)
		return err;
	if (READ_ONCE(owner->ended)) /* looked at again by stplr_event_add() */
		return -EBADF;
	event = stplr_event_new(device, channel, &args);
	if (IS_ERR(event))
		return PTR_ERR(event);
	err = stplr_event_aim(event, args.fd);
	if (!err)
		err = stplr_event_reserve(device, event);
	if (err)
		goto put_event;
	err = -EFAULT;
	if (put_user(event->args.id, &uargs->id))
		goto unreserve;
	err = stplr_event_add(device, owner, event);
	if (err)
		goto unreserve;
	return 0;

unreserve:
	stplr_event_unreserve(device, event);
put_event:
	stplr_event_put(event);
	return err;
}

long stplr_device_event_register_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_opened *opened = file->private_data;

	return stplr_event_register(opened->device, &opened->events, NULL, arg, size);
}

long stplr_connection_event_register_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_connection *connection = file->private_data;
	struct stplr_channel *channel = connection->channel;

	return stplr_event_register(channel->device, &connection->events, channel, arg, size);
}

static long stplr_event_unregister(struct stplr_device *device, struct stplr_event_owner *owner,
				   const void __user *arg, unsigned int size)
{
	u32 id;

	if (size != sizeof(id))
		return -EINVAL;
	if (get_user(id, (const u32 __user *)arg))
		return -EFAULT;
	return stplr_event_remove(device, owner, id);
}

long stplr_device_event_unregister_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_opened *opened = file->private_data;

	return stplr_event_unregister(opened->device, &opened->events, arg, size);
}

long stplr_connection_event_unregister_ioctl(struct file *file, void __user *arg,
					     unsigned int size)
{
	struct stplr_connection *connection = file->private_data;

	return stplr_event_unregister(connection->channel->device, &connection->events, arg, size);
}

long stplr_event_deliver_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_event_deliver args;
	int err;

	err = stplr_args_get(&args, sizeof(args), arg, size);
	if (err)
		return err;
	if (args.flags & ~STPLR_DELIVER_VALUE || args.reserved)
		return -EINVAL;
	if (args.value && !(args.flags & STPLR_DELIVER_VALUE))
		return -EINVAL;
	return stplr_event_deliver(file->private_data, &args);
}
