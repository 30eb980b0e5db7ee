// SPDX-License-Identifier: GPL-2.0
/* The table of all ioctls. */

#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <uapi/linux/stplr.h>
#include <uapi/linux/stplr_ring.h>

#include "base/compat.h"
#include "base/params.h"
#include "file/args.h"
#include "file/buffer.h"
#include "file/channel.h"
#include "file/client.h"
#include "file/connection.h"
#include "file/event.h"
#include "file/ioctl.h"
#include "file/message.h"
#include "file/pulse.h"
#include "file/ring.h"
#include "file/rings.h"
#include "memory/sides.h"
#include "version.h"

static long stplr_version_ioctl(struct file *file, void __user *arg, unsigned int size)
{
	struct stplr_version version = {
		.abi = STPLR_ABI,
		.version = STPLR_MODULE_VERSION_CODE,
		.features = STPLR_FEATURE_MESSAGES | STPLR_FEATURE_ACCEPT | STPLR_FEATURE_QUEUED |
			    STPLR_FEATURE_TELL | STPLR_FEATURE_PULSES | STPLR_FEATURE_REGISTERED |
			    STPLR_FEATURE_INHERITANCE | STPLR_FEATURE_PARK |
			    STPLR_FEATURE_RINGS | STPLR_FEATURE_SPIN |
			    STPLR_FEATURE_BATCH |
			    (STPLR_WAKES_HERE ? STPLR_FEATURE_WAKE_HERE : 0),
		.message_max = READ_ONCE(stplr_message_max),
		.inline_max = STPLR_INLINE_MAX,
		.parts_max = STPLR_PARTS_MAX,
	};

	/* Any size will do: a program must be able to learn that it is too old or too new. */
	return stplr_args_put(arg, size, &version, sizeof(version));
}

typedef long stplr_ioctl_function(struct file *file, void __user *arg, unsigned int size);

/**
 * struct stplr_ioctl - what one ioctl does, by the kind of file it is made on; NULL: ENOTTY
 * @cmd: its number, as the header has it
 * @device: on an open device
 * @channel: on a channel
 * @connection: on a connection
 * @rings: on a ring set
 * @ring: on an end of a ring
 *
 * Each gets the size of the arguments as the caller knows them; see stplr_args_get().
 */
struct stplr_ioctl {
	unsigned int cmd;
	stplr_ioctl_function *device;
	stplr_ioctl_function *channel;
	stplr_ioctl_function *connection;
	stplr_ioctl_function *rings;
	stplr_ioctl_function *ring;
};

static const struct stplr_ioctl stplr_ioctls[] = {
	[_IOC_NR(STPLR_VERSION)] = {
		.cmd = STPLR_VERSION,
		.device = stplr_version_ioctl,
		.channel = stplr_version_ioctl,
		.connection = stplr_version_ioctl,
		.rings = stplr_version_ioctl,
		.ring = stplr_version_ioctl,
	},
	[_IOC_NR(STPLR_CHANNEL_CREATE)] = {
		.cmd = STPLR_CHANNEL_CREATE,
		.device = stplr_channel_create_ioctl,
	},
	[_IOC_NR(STPLR_CONNECT_ATTACH)] = {
		.cmd = STPLR_CONNECT_ATTACH,
		.device = stplr_connect_attach_ioctl,
	},
	[_IOC_NR(STPLR_CHANNEL_DESTROY)] = {
		.cmd = STPLR_CHANNEL_DESTROY,
		.channel = stplr_channel_destroy_ioctl,
	},
	[_IOC_NR(STPLR_CHANNEL_SHUTDOWN)] = {
		.cmd = STPLR_CHANNEL_SHUTDOWN,
		.channel = stplr_channel_shutdown_ioctl,
	},
	[_IOC_NR(STPLR_CHANNEL_ACCEPT)] = {
		.cmd = STPLR_CHANNEL_ACCEPT,
		.channel = stplr_accept_ioctl,
	},
	[_IOC_NR(STPLR_CHANNEL_INFO)] = {
		.cmd = STPLR_CHANNEL_INFO,
		.channel = stplr_channel_info_ioctl,
	},
	[_IOC_NR(STPLR_MSG_RECEIVE)] = { .cmd = STPLR_MSG_RECEIVE, .channel = stplr_receive_ioctl },
	[_IOC_NR(STPLR_MSG_REPLY)] = { .cmd = STPLR_MSG_REPLY, .channel = stplr_reply_ioctl },
	[_IOC_NR(STPLR_MSG_REPLY_RECEIVE)] = {
		.cmd = STPLR_MSG_REPLY_RECEIVE,
		.channel = stplr_reply_receive_ioctl,
	},
	[_IOC_NR(STPLR_MSG_BATCH)] = { .cmd = STPLR_MSG_BATCH, .channel = stplr_batch_ioctl },
	[_IOC_NR(STPLR_MSG_READ)] = { .cmd = STPLR_MSG_READ, .channel = stplr_read_ioctl },
	[_IOC_NR(STPLR_MSG_WRITE)] = { .cmd = STPLR_MSG_WRITE, .channel = stplr_write_ioctl },
	[_IOC_NR(STPLR_MSG_INFO)] = { .cmd = STPLR_MSG_INFO, .channel = stplr_info_ioctl },
	[_IOC_NR(STPLR_CLIENT_INFO)] = {
		.cmd = STPLR_CLIENT_INFO,
		.channel = stplr_client_info_ioctl,
	},
	[_IOC_NR(STPLR_CLIENT_COOKIE)] = {
		.cmd = STPLR_CLIENT_COOKIE,
		.channel = stplr_cookie_ioctl,
	},
	[_IOC_NR(STPLR_EVENT_DELIVER)] = {
		.cmd = STPLR_EVENT_DELIVER,
		.channel = stplr_event_deliver_ioctl,
	},
	[_IOC_NR(STPLR_CONNECT_DETACH)] = {
		.cmd = STPLR_CONNECT_DETACH,
		.connection = stplr_detach_ioctl,
	},
	[_IOC_NR(STPLR_CONNECT_INFO)] = {
		.cmd = STPLR_CONNECT_INFO,
		.connection = stplr_connection_info_ioctl,
	},
	[_IOC_NR(STPLR_CONNECT_NOTIFY)] = {
		.cmd = STPLR_CONNECT_NOTIFY,
		.connection = stplr_notify_ioctl,
	},
	[_IOC_NR(STPLR_MSG_SEND)] = { .cmd = STPLR_MSG_SEND, .connection = stplr_send_ioctl },
	[_IOC_NR(STPLR_MSG_SEND_RECEIVE)] = {
		.cmd = STPLR_MSG_SEND_RECEIVE,
		.connection = stplr_send_receive_ioctl,
	},
	[_IOC_NR(STPLR_PULSE_SEND)] = { .cmd = STPLR_PULSE_SEND, .connection = stplr_pulse_ioctl },
	[_IOC_NR(STPLR_EVENT_REGISTER)] = {
		.cmd = STPLR_EVENT_REGISTER,
		.device = stplr_device_event_register_ioctl,
		.connection = stplr_connection_event_register_ioctl,
	},
	[_IOC_NR(STPLR_EVENT_UNREGISTER)] = {
		.cmd = STPLR_EVENT_UNREGISTER,
		.device = stplr_device_event_unregister_ioctl,
		.connection = stplr_connection_event_unregister_ioctl,
	},
	[_IOC_NR(STPLR_BUFFER_REGISTER)] = {
		.cmd = STPLR_BUFFER_REGISTER,
		.channel = stplr_channel_buffer_register_ioctl,
		.connection = stplr_connection_buffer_register_ioctl,
	},
	[_IOC_NR(STPLR_BUFFER_UNREGISTER)] = {
		.cmd = STPLR_BUFFER_UNREGISTER,
		.channel = stplr_channel_buffer_unregister_ioctl,
		.connection = stplr_connection_buffer_unregister_ioctl,
	},
	[_IOC_NR(STPLR_RINGS_CREATE)] = {
		.cmd = STPLR_RINGS_CREATE,
		.device = stplr_rings_create_ioctl,
	},
	[_IOC_NR(STPLR_RING_ATTACH)] = {
		.cmd = STPLR_RING_ATTACH,
		.device = stplr_ring_attach_ioctl,
	},
	[_IOC_NR(STPLR_RING_OPEN)] = { .cmd = STPLR_RING_OPEN, .rings = stplr_ring_open_ioctl },
	[_IOC_NR(STPLR_RINGS_ATTACHED)] = {
		.cmd = STPLR_RINGS_ATTACHED,
		.rings = stplr_rings_attached_ioctl,
	},
	[_IOC_NR(STPLR_RING_INFO)] = { .cmd = STPLR_RING_INFO, .ring = stplr_ring_info_ioctl },
	[_IOC_NR(STPLR_RING_WAIT)] = { .cmd = STPLR_RING_WAIT, .ring = stplr_ring_wait_ioctl },
	[_IOC_NR(STPLR_RING_WAKE)] = { .cmd = STPLR_RING_WAKE, .ring = stplr_ring_wake_ioctl },
	[_IOC_NR(STPLR_RING_EVENTFD)] = {
		.cmd = STPLR_RING_EVENTFD,
		.ring = stplr_ring_eventfd_ioctl,
	},
	[_IOC_NR(STPLR_RING_ARM)] = { .cmd = STPLR_RING_ARM, .ring = stplr_ring_arm_ioctl },
	[_IOC_NR(STPLR_RING_END)] = { .cmd = STPLR_RING_END, .ring = stplr_ring_end_ioctl },
};

static const struct stplr_ioctl stplr_ioctl_none;

static const struct stplr_ioctl *stplr_ioctl_find(unsigned int cmd)
{
	unsigned int nr = _IOC_NR(cmd);
	const struct stplr_ioctl *found;

	if (_IOC_TYPE(cmd) != STPLR_IOC_MAGIC || nr >= ARRAY_SIZE(stplr_ioctls))
		return &stplr_ioctl_none;
	found = &stplr_ioctls[array_index_nospec(nr, ARRAY_SIZE(stplr_ioctls))];
	/* the size is the caller's, but where there is no argument there is none */
	if (_IOC_DIR(cmd) != _IOC_DIR(found->cmd) || (_IOC_SIZE(cmd) && !_IOC_SIZE(found->cmd)))
		return &stplr_ioctl_none;
	return found;
}

static long stplr_ioctl_call(stplr_ioctl_function *function, struct file *file, unsigned int cmd,
			     unsigned long arg)
{
	return function ? function(file, (void __user *)arg, _IOC_SIZE(cmd)) : -ENOTTY;
}

long stplr_device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return stplr_ioctl_call(stplr_ioctl_find(cmd)->device, file, cmd, arg);
}

/* The two of a round trip are not looked up. */

long stplr_channel_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (likely(cmd == STPLR_MSG_REPLY_RECEIVE))
		return stplr_reply_receive_ioctl(file, (void __user *)arg, _IOC_SIZE(cmd));
	return stplr_ioctl_call(stplr_ioctl_find(cmd)->channel, file, cmd, arg);
}

long stplr_connection_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (likely(cmd == STPLR_MSG_SEND_RECEIVE))
		return stplr_send_receive_ioctl(file, (void __user *)arg, _IOC_SIZE(cmd));
	return stplr_ioctl_call(stplr_ioctl_find(cmd)->connection, file, cmd, arg);
}

long stplr_rings_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return stplr_ioctl_call(stplr_ioctl_find(cmd)->rings, file, cmd, arg);
}

long stplr_ring_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return stplr_ioctl_call(stplr_ioctl_find(cmd)->ring, file, cmd, arg);
}
