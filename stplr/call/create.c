// SPDX-License-Identifier: GPL-2.0
/* A server makes a channel. */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/user_namespace.h>
#include <uapi/linux/stplr.h>

#include "base/priority.h"
#include "base/spin.h"
#include "call/create.h"
#include "core/channel.h"
#include "core/name.h"
#include "core/object.h"
#include "core/pulse.h"

#define STPLR_BACKLOG_DEFAULT 128

/* A channel of the calling process as it wants it, but for its name and group. */
struct stplr_channel *stplr_create(struct stplr_device *device,
				   const struct stplr_channel_create *args)
{
	struct stplr_channel *channel;
	int err = 0;

	channel = stplr_channel_alloc(device, NULL, false);
	if (IS_ERR(channel))
		return channel;
	channel->flags = args->flags;
	channel->spin_us = args->flags & STPLR_CHANNEL_SPIN ? args->spin_us : STPLR_SPIN_DEFAULT;
	channel->lent_max = stplr_priority_allowed() - STPLR_PRIORITY_RT;
	channel->owner = current_euid();
	channel->group = current_egid();
	channel->mode = args->mode ?: 0600;
	channel->backlog_max = args->backlog ?: STPLR_BACKLOG_DEFAULT;
	if (args->pulses)
		err = stplr_pool_make(channel, args->pulses, channel->user);
	if (err) {
		stplr_channel_put(channel);
		return ERR_PTR(err);
	}
	return channel;
}

/* The rest, with the name there. The channel is on the device then, but not found yet. */
int stplr_create_finish(struct stplr_channel *channel, const struct stplr_channel_create *args)
{
	int err;

	if (args->name_len) {
		err = stplr_name_check(channel->name, args->name_len);
		if (err)
			return err;
	}
	if (args->flags & STPLR_CHANNEL_GROUP) {
		channel->group = make_kgid(current_user_ns(), args->gid);
		if (!gid_valid(channel->group))
			return -EINVAL;
		if (!in_group_p(channel->group) && !ns_capable(current_user_ns(), CAP_CHOWN))
			return -EPERM;
	}
	return stplr_channel_list(channel);
}
