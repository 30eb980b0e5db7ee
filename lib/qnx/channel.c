// SPDX-License-Identifier: MIT
/* ChannelCreate() and its siblings: how channels are made and ended, and what they are told */
#include <errno.h>
#include <sys/neutrino.h>
#include <unistd.h>

#include "channel.h"
#include "channels.h"
#include "connection.h"
#include "device.h"
#include "rcvid.h"
#include "request.h"
#include "result.h"
#include "service.h"
#include "stplr.h"
#include "thread.h"
#include "timeout.h"
#include "verbose.h"

/* Pulses that a channel may have queued: QNX has no bound but its memory. */
#define PULSES 1024

#define FLAGS_KNOWN                                                                                \
	(_NTO_CHF_FIXED_PRIORITY | _NTO_CHF_UNBLOCK | _NTO_CHF_THREAD_DEATH |                      \
	 _NTO_CHF_DISCONNECT | _NTO_CHF_NET_MSG | _NTO_CHF_SENDER_LEN | _NTO_CHF_COID_DISCONNECT | \
	 _NTO_CHF_REPLY_LEN | _NTO_CHF_GLOBAL | _NTO_CHF_PRIVATE | _NTO_CHF_UNBLOCK_TIMER)
#define FLAGS_MISSING (_NTO_CHF_MSG_PAUSING | _NTO_CHF_INHERIT_RUNMASK)

/* Out of descriptors, channels or memory is one error to QNX. */
static int scarce(int error)
{
	switch (error) {
	case EDQUOT:
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return -EAGAIN;
	}
	return -error;
}

static unsigned kernel_flags(unsigned flags)
{
	unsigned kernel = STPLR_CHANNEL_CREATOR;

	if (flags & (_NTO_CHF_UNBLOCK | _NTO_CHF_UNBLOCK_TIMER))
		kernel |= STPLR_CHANNEL_UNBLOCK;
	if (flags & _NTO_CHF_DISCONNECT)
		kernel |= STPLR_CHANNEL_DISCONNECT;
	kernel |= flags & _NTO_CHF_PRIVATE ? STPLR_CHANNEL_PRIVATE : STPLR_CHANNEL_ATTACH_ANY;
	if (flags & _NTO_CHF_FIXED_PRIORITY && device_features & STPLR_FEATURE_INHERITANCE)
		kernel |= STPLR_CHANNEL_FIXED_PRIORITY;
	return kernel;
}

int channel_create(unsigned flags, const char *name, unsigned pulses)
{
	/* whoever may use the device may open the name */
	struct stplr_channel_create options = {.mode = 0666, .pulses = pulses};
	int device, fd, death_fd = -1, chid;
	struct channel *channel;

	if (flags & FLAGS_MISSING)
		return REFUSED("no channel pauses messages or inherits a runmask here");
	if (flags & ~FLAGS_KNOWN)
		return -EINVAL;
	device = device_get();
	if (device < 0)
		return device;
	options.flags = kernel_flags(flags);
	fd = stplr_channel_create(device, name, &options);
	if (fd < 0) {
		device = device_again(errno);
		if (device < 0)
			return scarce(-device);
		fd = stplr_channel_create(device, name, &options);
		if (fd < 0)
			return scarce(errno);
	}
	if (flags & _NTO_CHF_THREAD_DEATH) {
		death_fd = stplr_connect_pid(device, 0, options.chid);
		if (death_fd < 0) {
			int error = errno;

			close(fd);
			return scarce(error);
		}
	}
	chid = channel_enter(fd, death_fd, options.chid, flags);
	if (chid > 0 && flags & _NTO_CHF_COID_DISCONNECT) {
		channel = channel_get(chid);
		if (channel) {
			connections_report(channel);
			channel_put(channel);
		}
	}
	return chid;
}

int ChannelCreate_r(unsigned flags)
{
	timeout_clear();
	if (flags & _NTO_CHF_PULSE_POOL)
		return -EINVAL; /* ChannelCreatePulsePool() */
	return channel_create(flags, NULL, PULSES);
}

int ChannelCreate(unsigned flags)
{
	return outcome(ChannelCreate_r(flags));
}

int ChannelCreatePulsePool(unsigned flags, const struct nto_channel_config *config)
{
	timeout_clear();
	if (!config || !config->num_pulses || config->num_pulses > STPLR_PULSES_MAX)
		return outcome(-EINVAL);
	return outcome(channel_create(flags & ~_NTO_CHF_PULSE_POOL, NULL, config->num_pulses));
}

int ChannelDestroy_r(int chid)
{
	struct channel *channel, *other;

	timeout_clear();
	channel = channel_get(chid);
	if (!channel)
		return -EINVAL;
	if (!channel_leave(channel)) {
		channel_put(channel);
		return -EINVAL; /* another thread does it */
	}
	stplr_channel_destroy(channel->fd);
	rcvid_remove_channel(channel);
	request_end_channel(channel);
	if (channel->flags & _NTO_CHF_COID_DISCONNECT) {
		other = channel_for_deaths();
		connections_report(other);
		if (other)
			channel_put(other);
	}
	channel_put(channel); /* this call's */
	channel_put(channel); /* the table's */
	return 0;
}

int ChannelDestroy(int chid)
{
	return outcome(ChannelDestroy_r(chid));
}

/* A thread has ended: the channels that are to be told are. */
static void tell_death(int tid)
{
	struct channel *channel;
	int chid = 0;

	while ((channel = channel_next(chid))) {
		chid = channel->chid;
		if (channel->death_fd >= 0)
			(void)service_send(channel->death_fd, _PULSE_CODE_THREADDEATH, tid);
		channel_put(channel);
	}
}

__attribute__((constructor)) static void prepare(void)
{
	static struct thread_end end = {.function = tell_death};

	thread_at_end(&end);
}
