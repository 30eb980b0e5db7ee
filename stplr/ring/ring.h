/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ring sets, rings, and their ends.
 *
 * The memory is written by enemies, and is mapped for longer than anybody cares: so each ring has
 * pages of its own that nobody has seen before, and whoever maps one holds the end that he maps it
 * by. What decides anything is in these structures; of what peers write, the kernel reads each word
 * once, and judges its own copy.
 *
 * References: a set's file or driver -> set; an end's file or driver -> end -> ring -> set. Others
 * find a ring through its set, under device->registry, and an end through its ring, under
 * ring->lock.
 *
 * Locks, in this order:
 *
 *	device->registry	mutex: sets by name, a set's rings, who has attached and was not
 *				told of
 *	end->reading, ->writing	mutexes: one read(2), one write(2) of an end at a time
 *	  ring->lock		spinlock, taken with interrupts off: how a ring ends, its ends, and
 *				how they are told
 *	    end->waiting.lock, and those of eventfds
 *
 * The registry and the mutexes of an end are never held together.
 */
#ifndef STPLR_RING_RING_H
#define STPLR_RING_RING_H

#include <linux/atomic.h>
#include <linux/irq_work.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <uapi/linux/stplr_ring.h>

#include "ring/pages.h"

struct cred;
struct eventfd_ctx;
struct module;
struct pid;
struct stplr_device;
struct stplr_ring_kick;
struct stplr_user;

/* Headers, and what begins after a record, are on multiples of this. */
#define STPLR_RING_ALIGN 8

/**
 * struct stplr_rings - a set of rings
 * @ref: its file or driver, and each ring
 * @device: where it lives
 * @node: in device->ring_names; under device->registry, as are the next two
 * @id: names it on the device; 0: not in device->rings
 * @registered: it has its name, and can be attached to
 * @name: its name
 * @owner: of the name
 * @group: of the name
 * @mode: of the name
 * @cred: the creator's
 * @pid: its process, or NULL for a driver
 * @user: who pays, or NULL for a driver
 * @flags: STPLR_RINGS_TURNS, _MANY, _OVERWRITE
 * @bytes: sizes of the directions, by side that writes
 * @module: the driver's, which attached processes hold, or NULL
 * @news: who waits to be told of attached peers
 * @nr_untold: how many there are to tell of; under device->registry, read without
 * @nr_came: how many have attached; likewise
 * @count: rings, or readers
 * @nr_slots: rings
 * @slots: rings by number, without references: they leave it with their creator's end, or for the
 *	next; under device->registry
 */
struct stplr_rings {
	struct kref ref;
	struct stplr_device *device;
	struct hlist_node node;
	u32 id;
	bool registered;
	char name[STPLR_NAME_MAX + 1];
	kuid_t owner;
	kgid_t group;
	umode_t mode;
	const struct cred *cred;
	struct pid *pid;
	struct stplr_user *user;
	u32 flags;
	u32 bytes[STPLR_RING_SIDES];
	struct module *module;
	wait_queue_head_t news;
	unsigned int nr_untold;
	unsigned int nr_came;
	unsigned int count;
	unsigned int nr_slots;
	struct stplr_ring *slots[];
};

/**
 * struct stplr_ring - what two ends, or one and many, have in common
 * @ref: each end
 * @set: which set, with a reference
 * @number: its number there
 * @flags: the set's
 * @pages: its memory
 * @lock: guards what follows; taken with interrupts off
 * @error: 0, or the negative errno that it ended with; set after @final, read without the lock
 * @final: where the writers were then, by side: what is beyond was not committed
 * @held: of one to many that is held back: up to where all readers have released
 * @creator: the creator's end, or NULL once it is gone
 * @attached: the other ends
 * @nr_attached: how many; of a ring that is not one to many it stays 1
 */
struct stplr_ring {
	struct kref ref;
	struct stplr_rings *set;
	u32 number;
	u32 flags;
	struct stplr_ring_pages pages;

	spinlock_t lock; /* see above */
	int error;
	u32 final[STPLR_RING_SIDES];
	u32 held;
	struct stplr_ring_end *creator;
	struct list_head attached;
	unsigned int nr_attached;
};

/**
 * struct stplr_ring_cursor - where an end is; of a process, a copy of what its page says
 * @head: up to where it committed
 * @sent: how many records
 * @turn: it is this end's turn
 * @version: of one to many that overwrites: how often @oldest changed
 * @oldest: likewise: the oldest record that is there
 * @tail: up to where it released
 * @taken: how many records, lost ones included
 * @lost: how many of them were lost
 * @position: @tail in 64 bits, where records are overwritten
 */
struct stplr_ring_cursor {
	u32 head;
	u64 sent;
	bool turn;
	u32 version;
	struct stplr_ring_oldest oldest;
	u32 tail;
	u64 taken;
	u64 lost;
	u64 position;
};

/**
 * struct stplr_ring_end - an end of a ring, of one file or driver
 * @ring: which ring, with a reference
 * @side: STPLR_RING_OUT: the creator's; STPLR_RING_IN: an attached one
 * @number: the ring's; of one to many, the reader's
 * @page: the page that it writes
 * @own_page: the same, of one of many, which brought it along; or NULL
 * @user: of an attached end: who pays for @own_page, and for @holds
 * @link: in ring->attached; under ring->lock, as is what follows up to @late
 * @holds: bytes of the ring's memory that @user is charged with, for nobody else holds them
 * @error: 0, or the negative errno that this reader of one to many ended with; read without
 *	the lock
 * @module: the driver's, which is held until it has ended, or NULL
 * @eventfd: that it is told by, or NULL
 * @always: and be it not wanted
 * @kick: the eventfd by which it tells, or NULL
 * @wakes: how often it was told
 * @told: the driver's operation, or NULL
 * @work: has that called, on @queue; if that is NULL it is called at once
 * @queue: see there
 * @data: the driver's own
 * @late: tells, where the caller must not
 * @broken: ends it with EPROTO, where the caller must not
 * @kicked: tells, for an eventfd
 * @waiting: who sleeps or polls
 * @reading: one at a time
 * @writing: likewise
 * @cursor: of a driver, which nobody else can write
 * @driver: it is a driver's
 * @reserving: of a driver: it writes a record
 * @reserved: of @reserving: room for so many bytes
 * @peeking: of a driver: it looks at a record
 * @peeked: of @peeking: that record, as it was checked
 * @pid: the process that attached, or NULL
 * @uid: its effective user
 * @gid: its effective group
 * @untold: nobody was told that it has attached; under device->registry
 */
struct stplr_ring_end {
	struct stplr_ring *ring;
	unsigned int side;
	u32 number;
	struct stplr_ring_page *page;
	struct stplr_ring_page *own_page;
	struct stplr_user *user;

	struct list_head link;
	size_t holds;
	int error;
	struct module *module;
	struct eventfd_ctx *eventfd;
	bool always;
	struct stplr_ring_kick *kick;
	u64 wakes;
	void (*told)(struct stplr_ring_end *end, void *data);
	struct work_struct work;
	struct workqueue_struct *queue;
	void *data;

	struct irq_work late;
	struct irq_work broken;
	struct delayed_work kicked;
	wait_queue_head_t waiting;
	struct mutex reading; /* see above */
	struct mutex writing; /* see above */
	struct stplr_ring_cursor cursor;
	bool driver;
	bool reserving;
	u32 reserved;
	bool peeking;
	struct stplr_ring_record peeked;
	struct pid *pid;
	kuid_t uid;
	kgid_t gid;
	bool untold;
};

/* With PREEMPT_RT locks sleep, and interrupts must not: what takes one is done by an irq_work. */
static inline bool stplr_ring_locks_late(void)
{
	return IS_ENABLED(CONFIG_PREEMPT_RT) && !preemptible();
}

/* Which direction an end writes and reads: the one of its own side, and of the other. */
static inline unsigned int stplr_ring_writes(const struct stplr_ring_end *end)
{
	return end->side;
}

static inline unsigned int stplr_ring_reads(const struct stplr_ring_end *end)
{
	return !end->side;
}

/* How many bytes there are in what it writes, and reads; 0: no such direction. */
static inline u32 stplr_ring_out_bytes(const struct stplr_ring_end *end)
{
	return end->ring->pages.bytes[stplr_ring_writes(end)];
}

static inline u32 stplr_ring_in_bytes(const struct stplr_ring_end *end)
{
	return end->ring->pages.bytes[stplr_ring_reads(end)];
}

/* Which of STPLR_RING_DATA and _ROOM it may wait for. */
static inline u32 stplr_ring_directions(const struct stplr_ring_end *end)
{
	return (stplr_ring_in_bytes(end) ? STPLR_RING_DATA : 0) |
	       (stplr_ring_out_bytes(end) ? STPLR_RING_ROOM : 0);
}

/* One of several readers. */
static inline bool stplr_ring_shared(const struct stplr_ring_end *end)
{
	return end->ring->flags & STPLR_RINGS_MANY && end->side == STPLR_RING_IN;
}

/* The page of who writes what this end reads. */
static inline const struct stplr_ring_writer *stplr_ring_writer(const struct stplr_ring_end *end)
{
	return &end->ring->pages.ends[stplr_ring_reads(end)]->writer;
}

/* 0, or the negative errno with which it ended for this end. */
static inline int stplr_ring_error(const struct stplr_ring_end *end)
{
	/* pairs with stplr_ring_finish(): the final heads are there */
	return READ_ONCE(end->error) ?: smp_load_acquire(&end->ring->error);
}

#endif /* STPLR_RING_RING_H */
