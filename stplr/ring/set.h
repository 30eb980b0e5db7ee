/* SPDX-License-Identifier: GPL-2.0 */
/* Ring sets, and their names. */
#ifndef STPLR_RING_SET_H
#define STPLR_RING_SET_H

#include <linux/types.h>

struct stplr_device;
struct stplr_rings;

/**
 * struct stplr_rings_shape - what a set is to be; checked
 * @flags: STPLR_RINGS_TURNS, _MANY, _OVERWRITE
 * @count: rings, or readers
 * @bytes: sizes of the directions, by side that writes
 */
struct stplr_rings_shape {
	u32 flags;
	u32 count;
	u32 bytes[2];
};

bool stplr_rings_shape_make(struct stplr_rings_shape *shape, u32 flags, u32 count, u32 out_pages,
			    u32 in_pages);
struct stplr_rings *stplr_rings_alloc(struct stplr_device *device, const char *name,
				      const struct stplr_rings_shape *shape, bool kernel);
struct stplr_rings *stplr_rings_lookup(struct stplr_device *device, const char *name);
void stplr_rings_wake(struct stplr_rings *set);
int stplr_rings_register(struct stplr_rings *set);
void stplr_rings_unregister(struct stplr_rings *set);
void stplr_rings_shutdown(struct stplr_rings *set);
void stplr_rings_put(struct stplr_rings *set);

#endif /* STPLR_RING_SET_H */
