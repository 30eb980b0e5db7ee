/* SPDX-License-Identifier: GPL-2.0 */
/* How a ring ends, and what its readers hold back. */
#ifndef STPLR_RING_ENDING_H
#define STPLR_RING_ENDING_H

#include <linux/types.h>

struct stplr_ring;
struct stplr_ring_end;

bool stplr_ring_finish(struct stplr_ring *ring, int error);
bool stplr_ring_finish_end(struct stplr_ring_end *end, int error);
void stplr_ring_ending_init(struct stplr_ring_end *end);
int stplr_ring_broken(struct stplr_ring_end *end);
void stplr_ring_hold(struct stplr_ring *ring);
u32 stplr_ring_head(const struct stplr_ring *ring, unsigned int side);

#endif /* STPLR_RING_ENDING_H */
