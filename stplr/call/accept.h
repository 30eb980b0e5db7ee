/* SPDX-License-Identifier: GPL-2.0 */
/* A listening channel's server takes the next connection. */
#ifndef STPLR_CALL_ACCEPT_H
#define STPLR_CALL_ACCEPT_H

#include <linux/types.h>

struct stplr_channel;

struct stplr_channel *stplr_accept(struct stplr_channel *listener, s64 deadline, clockid_t clock);
void stplr_accept_undo(struct stplr_channel *listener, struct stplr_channel *child);

#endif /* STPLR_CALL_ACCEPT_H */
