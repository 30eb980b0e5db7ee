// SPDX-License-Identifier: MIT
/*
 * Channels: from a chid to a descriptor
 *
 * The kernel gives a process the smallest numbers that are free, so a table of them stays small.
 * Its entries are never freed, only used again with another serial number: a thread that still
 * looks at one that has ended sees that, and one that is inside a call keeps the descriptor open.
 */
#include <stdlib.h>
#include <unistd.h>

#include "channel.h"
#include "connection.h"
#include "device.h"
#include "qnx.h"
#include "rcvid.h"
#include "timeout.h"

#define CHUNK 64
#define CHUNKS 1024

/* struct channel.state: the serial number above, then the users, then whether it is alive. */
#define STATE_ALIVE 1ULL
#define STATE_USER 2ULL
#define STATE_USERS 0xfffffffeULL
#define STATE_SERIAL (1ULL << 32)

/* Pulses that a channel may have queued: QNX has no bound but its memory. */
#define PULSES 1024

#define FLAGS_KNOWN                                                                                \
	(_NTO_CHF_FIXED_PRIORITY | _NTO_CHF_UNBLOCK | _NTO_CHF_THREAD_DEATH |                      \
	 _NTO_CHF_DISCONNECT | _NTO_CHF_NET_MSG | _NTO_CHF_SENDER_LEN | _NTO_CHF_COID_DISCONNECT | \
	 _NTO_CHF_REPLY_LEN | _NTO_CHF_GLOBAL | _NTO_CHF_PRIVATE | _NTO_CHF_UNBLOCK_TIMER)
#define FLAGS_MISSING (_NTO_CHF_MSG_PAUSING | _NTO_CHF_INHERIT_RUNMASK)

typedef _Atomic(struct channel *) slot_t;

pthread_mutex_t channels_lock = PTHREAD_MUTEX_INITIALIZER; /* guards changes of what follows */
static _Atomic(slot_t *) chunks[CHUNKS];
static _Atomic int chid_max;
static struct channel *unused;

static slot_t *slot_of(int chid, bool create)
{
	unsigned number = (unsigned)chid / CHUNK;
	slot_t *chunk;

	if (chid <= 0 || number >= CHUNKS)
		return NULL;
	chunk = chunks[number];
	if (!chunk && create)
		chunk = chunks[number] = calloc(CHUNK, sizeof(*chunk));
	return chunk ? &chunk[(unsigned)chid % CHUNK] : NULL;
}

uint32_t channel_serial(const struct channel *channel)
{
	return (uint32_t)(channel->state / STATE_SERIAL);
}

static bool channel_hold(struct channel *channel)
{
	uint64_t state = channel->state;

	do
		if (!(state & STATE_ALIVE))
			return false;
	while (!atomic_compare_exchange_weak(&channel->state, &state, state + STATE_USER));
	return true;
}

struct channel *channel_get(int chid)
{
	slot_t *slot = slot_of(chid, false);
	struct channel *channel;

	if (!slot)
		return NULL;
	for (;;) {
		channel = *slot;
		if (!channel || !channel_hold(channel))
			return NULL;
		if (channel->chid == chid)
			return channel;
		channel_put(channel); /* used again for another since it was read */
	}
}

struct channel *channel_get_again(struct channel *channel, uint32_t serial)
{
	if (!channel || !channel_hold(channel))
		return NULL;
	if (channel_serial(channel) == serial)
		return channel;
	channel_put(channel);
	return NULL;
}

void channel_put(struct channel *channel)
{
	uint64_t before = atomic_fetch_sub(&channel->state, STATE_USER);
	slot_t *slot;
	int error = errno;

	if ((before & STATE_USERS) != STATE_USER)
		return;
	close(channel->fd);
	if (channel->death_fd >= 0)
		close(channel->death_fd);
	pthread_mutex_lock(&channels_lock);
	slot = slot_of(channel->chid, false);
	if (*slot == channel)
		*slot = NULL;
	channel->next = unused;
	unused = channel;
	pthread_mutex_unlock(&channels_lock);
	errno = error;
}

struct channel *channel_next(int chid)
{
	struct channel *channel;
	int last = chid_max;

	while (++chid <= last) {
		channel = channel_get(chid);
		if (channel)
			return channel;
	}
	return NULL;
}

struct channel *channel_for_deaths(void)
{
	struct channel *channel = NULL;
	int chid = 0;

	while ((channel = channel_next(chid))) {
		if (channel->flags & _NTO_CHF_COID_DISCONNECT)
			return channel;
		chid = channel->chid;
		channel_put(channel);
	}
	return NULL;
}

/* Enters a channel that the kernel has made; its descriptors are closed on failure. */
static int channel_enter(int fd, int death_fd, int chid, unsigned flags)
{
	struct channel *channel;
	slot_t *slot;

	pthread_mutex_lock(&channels_lock);
	slot = slot_of(chid, true);
	channel = unused;
	if (channel)
		unused = channel->next;
	else if (slot)
		channel = calloc(1, sizeof(*channel));
	if (!slot || !channel) {
		pthread_mutex_unlock(&channels_lock);
		close(fd);
		if (death_fd >= 0)
			close(death_fd);
		return -EAGAIN;
	}
	channel->fd = fd;
	channel->death_fd = death_fd;
	channel->chid = chid;
	channel->flags = flags;
	channel->state = (channel->state | (STATE_SERIAL - 1)) + 1 + STATE_USER + STATE_ALIVE;
	*slot = channel;
	if (chid > chid_max)
		chid_max = chid;
	pthread_mutex_unlock(&channels_lock);
	return chid;
}

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
	if (device_features & STPLR_FEATURE_INHERITANCE)
		kernel |= flags & _NTO_CHF_FIXED_PRIORITY ? STPLR_CHANNEL_FIXED_PRIORITY
							  : STPLR_CHANNEL_INHERIT;
	return kernel;
}

int channel_create(unsigned flags, const char *name, unsigned pulses)
{
	/* whoever may use the device may open the name */
	struct stplr_channel_create options = {.mode = 0666, .pulses = pulses};
	int device, fd, death_fd = -1, chid;
	struct channel *channel;

	if (flags & FLAGS_MISSING)
		return -ENOSYS;
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
	uint64_t state;

	timeout_clear();
	channel = channel_get(chid);
	if (!channel)
		return -EINVAL;
	state = channel->state;
	do
		if (!(state & STATE_ALIVE)) {
			channel_put(channel);
			return -EINVAL; /* another thread does it */
		}
	while (!atomic_compare_exchange_weak(&channel->state, &state, state & ~STATE_ALIVE));

	stplr_channel_destroy(channel->fd);
	rcvid_remove_channel(channel);
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

/* In a child: its parent's channels are not its own. */
void channels_forget(void)
{
	int chid, last = chid_max;

	for (chid = 1; chid <= last; chid++) {
		slot_t *slot = slot_of(chid, false);
		struct channel *channel = slot ? *slot : NULL;

		if (!channel)
			continue;
		close(channel->fd);
		if (channel->death_fd >= 0)
			close(channel->death_fd);
		*slot = NULL;
		channel->state &= ~(STATE_USERS | STATE_ALIVE);
		channel->next = unused;
		unused = channel;
	}
	chid_max = 0;
}
