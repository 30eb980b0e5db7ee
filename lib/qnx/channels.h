/* SPDX-License-Identifier: MIT */
/* The channels of the process */
#ifndef STPLR_QNX_CHANNELS_H
#define STPLR_QNX_CHANNELS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct channel {
	_Atomic uint64_t state; /* serial number, users, whether it is alive */
	int fd;
	int chid;
	unsigned flags; /* _NTO_CHF_* */
	int death_fd;   /* with _NTO_CHF_THREAD_DEATH: a connection to it; or -1 */
	struct channel *next;
};

/* A channel that stays until channel_put(), or NULL. */
struct channel *channel_get(int chid);
/* The same for one that was seen before: NULL if it is another by now. */
struct channel *channel_get_again(struct channel *channel, uint32_t serial);
uint32_t channel_serial(const struct channel *channel);
void channel_put(struct channel *channel);
static inline void channel_put_at(struct channel **channel)
{
	if (*channel)
		channel_put(*channel);
}
#define AUTO_CHANNEL __attribute__((cleanup(channel_put_at))) struct channel *

/* Enters one that the kernel has made: its chid; or -EAGAIN, and its descriptors are closed. */
int channel_enter(int fd, int death_fd, int chid, unsigned flags);
/* It is found no more, and the table's reference is the caller's; false: it was so already. */
bool channel_leave(struct channel *channel);
/* The next channel of the process with a number above chid, with a reference; or NULL. */
struct channel *channel_next(int chid);
/* A channel that is told of servers' ends, with a reference; or NULL. */
struct channel *channel_for_deaths(void);

#endif
