/* SPDX-License-Identifier: GPL-2.0 */
/* Processes as a device knows them. */
#ifndef STPLR_CORE_PROCESS_H
#define STPLR_CORE_PROCESS_H

#include <linux/refcount.h>
#include <linux/sched/signal.h>
#include <linux/types.h>
#include <linux/xarray.h>

struct pid;
struct stplr_device;

/**
 * struct stplr_process - a process on a device: the channels it made, its id as a client
 * @node: in device->processes
 * @device: which device
 * @pid: the process (its thread group), or NULL: kernel code, of whatever module
 * @channels: by chid
 * @scoid: its id as a client
 * @ref: one for each channel and connection made by it, and for each of its workers; the last goes
 *	under device->registry
 * @serves: its threads receive on this device: what they wait for as clients is noted
 */
struct stplr_process {
	struct hlist_node node;
	struct stplr_device *device;
	struct pid *pid;
	struct xarray channels;
	u32 scoid;
	refcount_t ref;
	bool serves;
};

struct stplr_process *stplr_process_find(struct stplr_device *device, struct pid *pid);
struct stplr_process *stplr_process_get_of(struct stplr_device *device, struct pid *pid);
struct stplr_process *stplr_process_hold(struct stplr_process *process);
void stplr_process_put(struct stplr_process *process);

/* The calling process, with a reference, for a channel or connection that it makes. */
static inline struct stplr_process *stplr_process_get(struct stplr_device *device)
{
	return stplr_process_get_of(device, task_tgid(current));
}

#endif /* STPLR_CORE_PROCESS_H */
