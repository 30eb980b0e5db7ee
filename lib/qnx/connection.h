/* SPDX-License-Identifier: MIT */
/* The connections of the process */
#ifndef STPLR_QNX_CONNECTION_H
#define STPLR_QNX_CONNECTION_H

#include <pthread.h>
#include <sys/neutrino.h>

#include "channel.h"

/* Bits of scoids; no descriptor is that large. */
#define SCOID_MARK 0x20000000

static inline int coid_fd(int coid)
{
	return coid & ~_NTO_SIDE_CHANNEL;
}

extern pthread_mutex_t connections_lock;
/* A coid for a new connection, which is closed on failure. */
int connection_add(int fd, unsigned index, int flags);
/* Has all connections report to a channel that is told of servers' ends, or to none. */
void connections_report(struct channel *channel);
void connections_forget(void);

#endif
