/* SPDX-License-Identifier: GPL-2.0 */
/* How the ends of a ring are told that there is something for them. */
#ifndef STPLR_RING_TELL_H
#define STPLR_RING_TELL_H

#include <linux/atomic.h>
#include <linux/types.h>

#include "ring/ring.h"

void stplr_ring_tell_init(struct stplr_ring_end *end);
void stplr_ring_tell_end(struct stplr_ring_end *end);
void stplr_ring_tell_at(struct stplr_ring_end *end);
void stplr_ring_tell_all(struct stplr_ring *ring);
void stplr_ring_tell_peers(struct stplr_ring_end *end);
void stplr_ring_tell(struct stplr_ring_end *end);
void stplr_ring_arm(struct stplr_ring_end *end, u32 what);
int stplr_ring_eventfd(struct stplr_ring_end *end, int fd, u32 flags);

/* What was written is published: whoever waits for it is told. */
static inline void stplr_ring_committed(struct stplr_ring_end *end)
{
	smp_mb(); /* W4, pairs with stplr_ring_arm() */
	if (atomic_read(stplr_ring_data_flags(&end->ring->pages, stplr_ring_writes(end))) &
	    STPLR_RING_WANTED)
		stplr_ring_tell(end);
}

/* What was read is released: whoever waits for room is told. */
static inline void stplr_ring_released(struct stplr_ring_end *end)
{
	smp_mb(); /* R4, pairs with stplr_ring_arm() */
	if (atomic_read(stplr_ring_room_flags(&end->ring->pages, stplr_ring_reads(end))) &
	    STPLR_RING_WANTED)
		stplr_ring_tell(end);
}

#endif /* STPLR_RING_TELL_H */
