/* SPDX-License-Identifier: MIT */
/* The connections of the process */
#ifndef STPLR_QNX_CONNECTION_H
#define STPLR_QNX_CONNECTION_H

#include <stdint.h>
#include <sys/types.h>

struct channel;

/* A descriptor of a connection by name, or without one by pid and chid; -1. */
int connect_lending(int device, const char *name, pid_t pid, int chid, int64_t deadline);
/* A coid for a new connection, which is closed on failure. */
int connection_add(int fd, unsigned index, int flags);
/* Has all connections report to a channel that is told of servers' ends, or to none. */
void connections_report(struct channel *channel);

#endif
