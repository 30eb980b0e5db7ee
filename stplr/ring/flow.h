/* SPDX-License-Identifier: GPL-2.0 */
/* Records: how they are put into a ring and taken out. */
#ifndef STPLR_RING_FLOW_H
#define STPLR_RING_FLOW_H

#include <linux/align.h>
#include <linux/types.h>

#include "ring/ring.h"

/* How often a reader looks again at what is overwritten meanwhile, before it says so. */
#define STPLR_RING_TRIES 64

/* Bytes that a record takes, header included. */
static inline u64 stplr_ring_need(u32 len)
{
	return sizeof(struct stplr_ring_record) + ALIGN((u64)len, STPLR_RING_ALIGN);
}

void stplr_ring_cursor_load(const struct stplr_ring_end *end, struct stplr_ring_cursor *cursor);
bool stplr_ring_has_room(struct stplr_ring_end *end, u32 head, u32 need);
int stplr_ring_place(struct stplr_ring_end *end, struct stplr_ring_cursor *cursor, u32 len,
		     unsigned int most, void **bytes);
void stplr_ring_put_record(struct stplr_ring_end *end, struct stplr_ring_cursor *cursor,
			   struct stplr_ring_record record);
bool stplr_ring_oldest(const struct stplr_ring_writer *writer, struct stplr_ring_oldest *oldest);
int stplr_ring_next(struct stplr_ring_end *end, struct stplr_ring_cursor *cursor,
		    struct stplr_ring_record *record, const void **bytes);
bool stplr_ring_still(const struct stplr_ring_end *end, const struct stplr_ring_cursor *cursor);
void stplr_ring_take_record(struct stplr_ring_end *end, struct stplr_ring_cursor *cursor,
			    struct stplr_ring_record record);

#endif /* STPLR_RING_FLOW_H */
