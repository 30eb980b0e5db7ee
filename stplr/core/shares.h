/* SPDX-License-Identifier: GPL-2.0 */
/* The shares of a channel's users, and the line of those who wait for room there. */
#ifndef STPLR_CORE_SHARES_H
#define STPLR_CORE_SHARES_H

#include "core/share.h"

struct stplr_channel;
struct stplr_connection;

int stplr_share_join(struct stplr_connection *connection);
void stplr_share_leave(struct stplr_connection *connection);
void stplr_share_queued(struct stplr_channel *channel, struct stplr_share *share, int change);
struct stplr_share *stplr_share_next(const struct stplr_channel *channel);
void stplr_share_sort(struct stplr_channel *channel, struct stplr_share *share);
void stplr_share_line_up(struct stplr_channel *channel, struct stplr_connection *connection);
void stplr_share_step_out(struct stplr_channel *channel, struct stplr_connection *connection);

#endif /* STPLR_CORE_SHARES_H */
