/* SPDX-License-Identifier: MIT */
/*
 * libstplr-qnx: what all its files share; the rest is in the headers beside them
 *
 * A call of QNX's is a call of libstplr's on a descriptor. In between are
 *
 * - coid: the connection's descriptor; with _NTO_SIDE_CHANNEL if it was asked for (connection.c)
 * - chid: the kernel's number of the channel, which leads to its descriptor (channel.c)
 * - rcvid: this library's number of a received message, which leads to the channel and the
 *   kernel's rcvid, for calls such as MsgReply() name no channel (rcvid.c)
 * - scoid: the kernel's number of the client process, marked so that none is a coid, too
 *
 * Functions that can fail return 0 or more, or the negative of an errno, as the calls with _r do.
 *
 * Locks, none of which is held while a call blocks, in the order in which two may be held:
 * device_lock, channels_lock, connections_lock, events_lock, service_lock. What every message needs
 * (channels, rcvids, timeouts) is found without locks, so that signal handlers may make calls.
 */
#ifndef STPLR_QNX_H
#define STPLR_QNX_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/neutrino.h>

#include "stplr.h"

/* What a call without _r makes of what the one with it returns. */
static inline int outcome(int result)
{
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}

/* What a call of libstplr's or the system's has returned, as this library passes it on. */
static inline int result_of(int returned)
{
	return returned < 0 ? -errno : returned;
}

/* A vector is described by its address and the number of its parts. */
_Static_assert(sizeof(iov_t) == sizeof(struct stplr_iovec) &&
		       offsetof(iov_t, iov_len) == offsetof(struct stplr_iovec, len) &&
		       sizeof(struct _pulse) == sizeof(struct stplr_pulse),
	       "QNX's structures are those of programs with 64-bit pointers");

static inline struct stplr_buffer bytes_at(const void *address, size_t len)
{
	struct stplr_buffer buffer = {.addr = (uintptr_t)address, .len = len};

	return buffer;
}

#endif
