/* SPDX-License-Identifier: GPL-2.0 */
/* Ring sets: their names, and what of a ring is made and let go of through them. */
#ifndef STPLR_RING_SET_H
#define STPLR_RING_SET_H

#include <linux/types.h>
#include <linux/uidgid.h>

struct pid;
struct stplr_device;
struct stplr_ring_end;
struct stplr_ring_ops;
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

/**
 * struct stplr_rings_news - who has attached
 * @number: the ring, or reader
 * @pid: the process, with a reference, or NULL
 * @uid: its effective user
 * @gid: its effective group
 */
struct stplr_rings_news {
	u32 number;
	struct pid *pid;
	kuid_t uid;
	kgid_t gid;
};

/**
 * struct stplr_ring_wish - which ring somebody wants to attach
 * @name: of the set
 * @number: which, or STPLR_RING_ANY
 * @deadline: until when to wait for it
 * @clock: of @deadline
 * @uid: whom the creator must run for, or INVALID_UID
 * @ops: of kernel code, for which modes do not matter, or NULL
 * @data: goes with @ops
 */
struct stplr_ring_wish {
	const char *name;
	u32 number;
	s64 deadline;
	clockid_t clock;
	kuid_t uid;
	const struct stplr_ring_ops *ops;
	void *data;
};

bool stplr_rings_shape_make(struct stplr_rings_shape *shape, u32 flags, u32 count, u32 out_pages,
			    u32 in_pages);
struct stplr_rings *stplr_rings_alloc(struct stplr_device *device, const char *name,
				      const struct stplr_rings_shape *shape, bool kernel);
int stplr_rings_register(struct stplr_rings *set);
void stplr_rings_unregister(struct stplr_rings *set);
void stplr_rings_shutdown(struct stplr_rings *set);
void stplr_rings_put(struct stplr_rings *set);
int stplr_rings_wait_news(struct stplr_rings *set, u32 number, s64 deadline, clockid_t clock,
			  struct stplr_rings_news *news);
void stplr_rings_untell(struct stplr_rings *set, u32 number);
struct stplr_ring_end *stplr_rings_open(struct stplr_rings *set, u32 number,
					const struct stplr_ring_ops *ops, void *data);
struct stplr_ring_end *stplr_rings_attach(struct stplr_device *device,
					  const struct stplr_ring_wish *wish);
void stplr_ring_leave(struct stplr_ring_end *end);

#endif /* STPLR_RING_SET_H */
