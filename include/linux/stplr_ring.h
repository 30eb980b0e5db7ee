/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stplr rings for kernel code (see docs/rings.md, which explains the objects first)
 *
 * A driver makes a set of rings, which programs attach by name, or attaches a ring of a set that a
 * program, or another driver, has made. Either way it has an end, by which it writes records and
 * reads the peer's, in place or by copy, with indices of its own and without locks: calls that
 * write an end are the driver's to serialise, and so are those that read it; the two may run at
 * once, but in a set that is turn by turn.
 *
 * Nothing of what a program can write is trusted: what breaks the layout's rules ends the ring, for
 * both ends, with EPROTO. The bytes of a record that is read in place may still change under the
 * driver's eyes: copy what must not.
 *
 * All of these are GPL exports.
 */
#ifndef _LINUX_STPLR_RING_H
#define _LINUX_STPLR_RING_H

#include <linux/stplr_id.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <uapi/linux/stplr_ring.h>

struct module;
struct stplr_ring_end;
struct stplr_rings;
struct workqueue_struct;

/**
 * struct stplr_rings_params - how a set is to be found, and its rings
 * @module: THIS_MODULE; held for each program that is attached until its ring has ended, so that
 *	the driver is not unloaded
 * @device: N of /dev/stplr-N
 * @name: 1 to STPLR_NAME_MAX of A-Z a-z 0-9 . _ -, or an id's, by stplr_id_name(); among the names
 *	of ring sets
 * @mode: whose programs may attach: the write bits of owner, group, others; 0: 0600
 * @owner: the owner; 0, as it is if nothing is said: root
 * @group: the group, likewise
 * @flags: STPLR_RINGS_TURNS, STPLR_RINGS_MANY, STPLR_RINGS_OVERWRITE
 * @rings: how many, or with STPLR_RINGS_MANY how many readers
 * @out_pages: pages for what the driver writes: 0 or a power of two
 * @in_pages: pages for what programs write, likewise
 */
struct stplr_rings_params {
	struct module *module;
	unsigned int device;
	const char *name;
	umode_t mode;
	kuid_t owner;
	kgid_t group;
	u32 flags;
	u32 rings;
	u32 out_pages;
	u32 in_pages;
};

/**
 * struct stplr_ring_params - which ring a driver attaches
 * @device: N of /dev/stplr-N
 * @name: of the set
 * @number: which, or STPLR_RING_ANY
 * @flags: STPLR_RING_UID: only if the set's creator has the effective user @uid, so that another's
 *	of the same name gets nothing
 * @uid: with it; a driver's set is root's
 * @deadline: until when to wait for the name and the ring, in ns of CLOCK_MONOTONIC as the calling
 *	thread has it; STPLR_DEADLINE_NONE, STPLR_DEADLINE_POLL
 */
struct stplr_ring_params {
	unsigned int device;
	const char *name;
	u32 number;
	u32 flags;
	kuid_t uid;
	s64 deadline;
};

/**
 * struct stplr_ring_ops - how a driver is told
 * @told: the peer has attached, has written or made room where the driver asked for that
 *	(stplr_ring_ask()), wants to be noticed, or the ring has ended: look what there is. Several
 *	of these may be one call. NULL: it is not told
 * @queue: where it is called: by a work item of the end's on this workqueue, so that it may sleep,
 *	and no two of them run at once; it must not close its own end. NULL: at once, in whatever
 *	context the peer is in, with a spinlock of the ring's held and interrupts off: it may wake,
 *	complete and queue things, and must not call anything here
 */
struct stplr_ring_ops {
	void (*told)(struct stplr_ring_end *end, void *data);
	struct workqueue_struct *queue;
};

/* Wakes the peer only if it waits; never; whether it waits or not. */
#define STPLR_RING_TELL_WANTED 0
#define STPLR_RING_TELL_NOT 1
#define STPLR_RING_TELL_ALWAYS 2

struct stplr_rings *stplr_rings_create(const struct stplr_rings_params *params);
void stplr_rings_destroy(struct stplr_rings *set);
void stplr_rings_end(struct stplr_rings *set);

struct stplr_ring_end *stplr_ring_open(struct stplr_rings *set, u32 number,
				       const struct stplr_ring_ops *ops, void *data);
struct stplr_ring_end *stplr_ring_attach(const struct stplr_ring_params *params,
					 const struct stplr_ring_ops *ops, void *data);
void stplr_ring_close(struct stplr_ring_end *end);
u32 stplr_ring_number(const struct stplr_ring_end *end);
unsigned int stplr_ring_peers(struct stplr_ring_end *end);

void *stplr_ring_reserve(struct stplr_ring_end *end, u32 len);
void stplr_ring_commit(struct stplr_ring_end *end, u32 len, u16 type, u16 flags,
		       unsigned int tell);
void stplr_ring_discard(struct stplr_ring_end *end);
const void *stplr_ring_peek(struct stplr_ring_end *end, struct stplr_ring_record *record);
int stplr_ring_release(struct stplr_ring_end *end, unsigned int tell);

int stplr_ring_write(struct stplr_ring_end *end, const void *from, u32 len, u16 type, u16 flags);
ssize_t stplr_ring_read(struct stplr_ring_end *end, void *to, size_t room,
			struct stplr_ring_record *record);
int stplr_ring_ask(struct stplr_ring_end *end, u32 what, u32 room);
int stplr_ring_wait(struct stplr_ring_end *end, u32 what, u32 room, s64 deadline, u32 spin);

#endif /* _LINUX_STPLR_RING_H */
