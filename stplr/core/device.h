/* SPDX-License-Identifier: GPL-2.0 */
/* /dev/stplr-N, a domain of channels and names. */
#ifndef STPLR_CORE_DEVICE_H
#define STPLR_CORE_DEVICE_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/hashtable.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/types.h>
#include <linux/xarray.h>

#include "base/counters.h"

struct dentry;

#define STPLR_DEVICES_MAX 64

/*
 * Ids of processes and connections. A message may outlive both: ids do not come again soon. The
 * QNX library marks such a number in its bit 29.
 */
#define STPLR_IDS XA_LIMIT(1, (1 << 29) - 1)

/**
 * struct stplr_totals - what channels have counted by themselves
 * @sends: messages queued
 * @receives: messages received
 * @replies: replies that reached their client
 * @pulses: pulses and notices queued
 * @pulses_refused: pulses that found the pool used up
 */
struct stplr_totals {
	u64 sends;
	u64 receives;
	u64 replies;
	u64 pulses;
	u64 pulses_refused;
};

/**
 * struct stplr_name_waiters - threads that wait for a name
 * @tree: by it, see core/name.c
 * @last: the age of the last that came
 */
struct stplr_name_waiters {
	struct rb_root tree;
	u64 last;
};

/**
 * struct stplr_device - /dev/stplr-N, a domain of channels and names
 * @dev: its place in /sys and /dev; holds the memory
 * @cdev: the character device
 * @index: N
 * @registry: guards @names, @processes, @name_waiters, @totals, @ring_names and @ring_waiters
 * @names: channels by name
 * @processes: processes that made a channel or a connection here, by struct pid
 * @name_waiters: threads that wait for a name, by it
 * @ring_names: ring sets by name
 * @ring_waiters: threads that wait for a ring, by its set's name
 * @rings: ring sets by an id of their own; they leave it under @registry
 * @links: kernel code's, by an id of their own, likewise
 * @channels: by an id of their own; they leave it under @registry
 * @connections: by coid, those that have or get a descriptor; they leave it under @registry
 * @last_coid: where to look for the next one
 * @scoids: processes by their id
 * @last_scoid: likewise
 * @events: by id
 * @last_event: where to look for the next id
 * @totals: of channels that are gone
 * @counts: what happens seldom
 * @debugfs: its folder there
 */
struct stplr_device {
	struct device dev;
	struct cdev cdev;
	unsigned int index;
	struct mutex registry; /* see above; and what hangs on those */
	DECLARE_HASHTABLE(names, 8);
	DECLARE_HASHTABLE(processes, 8);
	struct stplr_name_waiters name_waiters;
	DECLARE_HASHTABLE(ring_names, 8);
	struct stplr_name_waiters ring_waiters;
	struct xarray rings;
	struct xarray links;
	struct xarray channels;
	struct xarray connections;
	u32 last_coid;
	struct xarray scoids;
	u32 last_scoid;
	struct xarray events;
	u32 last_event;
	struct stplr_totals totals;
	struct stplr_counts counts;
	struct dentry *debugfs;
};

/**
 * struct stplr_event_owner - a connection or an open device, with the events registered on it
 * @events: under device->registry, as is the next
 * @ended: no more come
 */
struct stplr_event_owner {
	struct list_head events;
	bool ended;
};

struct stplr_device *stplr_device_find(unsigned int index);
void stplr_device_enter(struct stplr_device *device);
void stplr_device_leave(struct stplr_device *device);

#endif /* STPLR_CORE_DEVICE_H */
