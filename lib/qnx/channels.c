// SPDX-License-Identifier: MIT
/*
 * Channels: from a chid to a descriptor
 *
 * The kernel gives a process the smallest numbers that are free, so a table of them stays small.
 * Its entries are never freed, only used again with another serial number: a thread that still
 * looks at one that has ended sees that, and one that is inside a call keeps the descriptor open.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/neutrino.h>
#include <unistd.h>

#include "channels.h"
#include "fork.h"

#define CHUNK 64
#define CHUNKS 1024

/* struct channel.state: the serial number above, then the users, then whether it is alive. */
#define STATE_ALIVE 1ULL
#define STATE_USER 2ULL
#define STATE_USERS 0xfffffffeULL
#define STATE_SERIAL (1ULL << 32)

typedef _Atomic(struct channel *) slot_t;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards changes of what follows */
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
	if (!chunk && create) {
		chunk = calloc(CHUNK, sizeof(*chunk));
		chunks[number] = chunk;
	}
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
	pthread_mutex_lock(&lock);
	slot = slot_of(channel->chid, false);
	if (*slot == channel)
		*slot = NULL;
	channel->next = unused;
	unused = channel;
	pthread_mutex_unlock(&lock);
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

int channel_enter(int fd, int death_fd, int chid, unsigned flags)
{
	struct channel *channel;
	slot_t *slot;

	pthread_mutex_lock(&lock);
	slot = slot_of(chid, true);
	channel = unused;
	if (channel)
		unused = channel->next;
	else if (slot)
		channel = calloc(1, sizeof(*channel));
	if (!slot || !channel) {
		pthread_mutex_unlock(&lock);
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
	pthread_mutex_unlock(&lock);
	return chid;
}

bool channel_leave(struct channel *channel)
{
	uint64_t state = channel->state;

	do
		if (!(state & STATE_ALIVE))
			return false;
	while (!atomic_compare_exchange_weak(&channel->state, &state, state & ~STATE_ALIVE));
	return true;
}

/* In a child: its parent's channels are not its own. */
static void forget(void)
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

__attribute__((constructor)) static void prepare(void)
{
	fork_take_part(FORK_CHANNELS, &lock, forget);
}
