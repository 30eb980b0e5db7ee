/* SPDX-License-Identifier: GPL-2.0 */
/* How rings of a set are opened, attached, and let go of. */
#ifndef STPLR_RING_ATTACH_H
#define STPLR_RING_ATTACH_H

#include <linux/types.h>
#include <linux/uidgid.h>

struct stplr_device;
struct stplr_ring_end;
struct stplr_ring_ops;
struct stplr_rings;

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

struct stplr_ring_end *stplr_rings_open(struct stplr_rings *set, u32 number,
					const struct stplr_ring_ops *ops, void *data);
struct stplr_ring_end *stplr_rings_attach(struct stplr_device *device,
					  const struct stplr_ring_wish *wish);
void stplr_ring_leave(struct stplr_ring_end *end);

#endif /* STPLR_RING_ATTACH_H */
