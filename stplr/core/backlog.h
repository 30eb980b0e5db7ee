/* SPDX-License-Identifier: GPL-2.0 */
/* Listening channels, and the channels that they hand out. */
#ifndef STPLR_CORE_BACKLOG_H
#define STPLR_CORE_BACKLOG_H

#include <linux/types.h>

struct stplr_channel;
struct stplr_connection;

void stplr_backlog_del(struct stplr_channel *child);
struct stplr_channel *stplr_backlog_pop(struct stplr_channel *listener);
int stplr_backlog_put_back(struct stplr_channel *listener, struct stplr_channel *child);
struct stplr_channel *stplr_backlog_join(struct stplr_channel *listener,
					 struct stplr_connection *connection);
int stplr_backlog_enter(struct stplr_connection *connection, s64 deadline, clockid_t clock);

#endif /* STPLR_CORE_BACKLOG_H */
