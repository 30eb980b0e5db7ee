// SPDX-License-Identifier: GPL-2.0
/* Processes as a device knows them: the channels they made, their id as a client. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hash.h>
#include <linux/slab.h>

#include "stplr.h"

static u32 stplr_process_key(const struct pid *pid)
{
	return hash_ptr(pid, 32);
}

/* The process, without a reference of its own: good while device->registry is held. */
struct stplr_process *stplr_process_find(struct stplr_device *device, struct pid *pid)
{
	struct stplr_process *process;

	lockdep_assert_held(&device->registry);
	hash_for_each_possible(device->processes, process, node, stplr_process_key(pid)) {
		if (process->pid == pid)
			return process;
	}
	return NULL;
}

/* The calling process, for a channel or connection that it makes. */
struct stplr_process *stplr_process_get(struct stplr_device *device)
{
	struct pid *pid = task_tgid(current);
	struct stplr_process *process;
	int id;

	mutex_lock(&device->registry);
	process = stplr_process_find(device, pid);
	if (process)
		goto found;

	process = kzalloc(sizeof(*process), GFP_KERNEL_ACCOUNT);
	if (!process) {
		process = ERR_PTR(-ENOMEM);
		goto unlock;
	}
	id = ida_alloc_min(&device->scoids, 1, GFP_KERNEL_ACCOUNT);
	if (id < 0) {
		kfree(process);
		process = ERR_PTR(id);
		goto unlock;
	}
	process->scoid = id;
	process->device = device;
	process->pid = get_pid(pid);
	xa_init_flags(&process->channels, XA_FLAGS_ALLOC1);
	hash_add(device->processes, &process->node, stplr_process_key(pid));
found:
	process->refs++;
unlock:
	mutex_unlock(&device->registry);
	return process;
}

struct stplr_process *stplr_process_hold(struct stplr_process *process)
{
	mutex_lock(&process->device->registry);
	process->refs++;
	mutex_unlock(&process->device->registry);
	return process;
}

void stplr_process_put(struct stplr_process *process)
{
	struct stplr_device *device = process->device;
	bool last;

	mutex_lock(&device->registry);
	last = --process->refs == 0;
	if (last)
		hash_del(&process->node);
	mutex_unlock(&device->registry);
	if (!last)
		return;

	WARN_ON(!xa_empty(&process->channels));
	xa_destroy(&process->channels);
	ida_free(&device->scoids, process->scoid);
	put_pid(process->pid);
	kfree(process);
}
