/* SPDX-License-Identifier: GPL-2.0 */
/* Listening channels, and the channels that they hand out. */
#ifndef STPLR_CORE_BACKLOG_H
#define STPLR_CORE_BACKLOG_H

#include <linux/types.h>

struct stplr_channel;
struct stplr_connection;

struct stplr_channel *stplr_backlog_pop(struct stplr_channel *listener);
void stplr_backlog_unreserve(struct stplr_channel *listener);
int stplr_backlog_add(struct stplr_channel *listener, struct stplr_channel *child, bool first);
struct stplr_channel *stplr_backlog_join(struct stplr_channel *listener,
					 struct stplr_connection *connection, s64 deadline,
					 clockid_t clock);
int stplr_backlog_enter(struct stplr_channel *child);
void stplr_backlog_forgo(struct stplr_channel *child);

#endif /* STPLR_CORE_BACKLOG_H */
