/* SPDX-License-Identifier: MIT */
/*
 * QNX's numbers, and what they are here
 *
 * - coid: the connection's descriptor; with _NTO_SIDE_CHANNEL if it was asked for (connection.c)
 * - chid: the kernel's number of the channel, which leads to its descriptor (channels.c)
 * - rcvid: this library's number of a received message, which leads to the channel and the
 *   kernel's rcvid, for calls such as MsgReply() name no channel (rcvid.c)
 * - scoid: the kernel's number of the client process, marked so that none is a coid, too
 */
#ifndef STPLR_QNX_COID_H
#define STPLR_QNX_COID_H

#include <sys/neutrino.h>

/* No descriptor is that large. */
#define SCOID_MARK 0x20000000
/* Not the kernel's number, but the id of a thread that uses a file which this process serves. */
#define SCOID_FILE_MARK 0x10000000

static inline int coid_fd(int coid)
{
	return coid & ~_NTO_SIDE_CHANNEL;
}

#endif
