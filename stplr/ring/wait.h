/* SPDX-License-Identifier: GPL-2.0 */
/* Waiting for something to read, or room to write. */
#ifndef STPLR_RING_WAIT_H
#define STPLR_RING_WAIT_H

#include <linux/types.h>

struct stplr_ring_end;

/* Longest that is looked before sleeping, in ns. */
#define STPLR_RING_SPIN_MAX 100000

int stplr_ring_ready(struct stplr_ring_end *end, u32 what, u32 room);
int stplr_ring_wait_for(struct stplr_ring_end *end, u32 what, u32 room, s64 deadline,
			clockid_t clock, u32 spin);

#endif /* STPLR_RING_WAIT_H */
