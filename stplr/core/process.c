// SPDX-License-Identifier: GPL-2.0
/* Processes as a device knows them: the channels they made, their id as a client. */

#include <linux/hash.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "core/device.h"
#include "core/process.h"

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

static struct stplr_process *stplr_process_new(struct stplr_device *device, struct pid *pid)
{
	struct stplr_process *process;
	int err;

	process = kzalloc(sizeof(*process), GFP_KERNEL_ACCOUNT);
	if (!process)
		return ERR_PTR(-ENOMEM);
	err = xa_alloc_cyclic(&device->scoids, &process->scoid, process, STPLR_IDS,
			      &device->last_scoid, GFP_KERNEL_ACCOUNT);
	if (err < 0) {
		kfree(process);
		return ERR_PTR(err);
	}
	refcount_set(&process->ref, 1);
	process->device = device;
	process->pid = get_pid(pid);
	xa_init_flags(&process->channels, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	return process;
}

static void stplr_process_free(struct stplr_process *process)
{
	WARN_ON(!xa_empty(&process->channels));
	xa_destroy(&process->channels);
	xa_erase(&process->device->scoids, process->scoid);
	put_pid(process->pid);
	kfree(process);
}

/* The process, or with NULL kernel code, with a reference. */
struct stplr_process *stplr_process_get_of(struct stplr_device *device, struct pid *pid)
{
	struct stplr_process *process, *fresh;

	mutex_lock(&device->registry);
	process = stplr_process_find(device, pid);
	if (process)
		refcount_inc(&process->ref);
	mutex_unlock(&device->registry);
	if (process)
		return process;

	/* without the mutex, for memory may take its time */
	fresh = stplr_process_new(device, pid);
	if (IS_ERR(fresh))
		return fresh;
	mutex_lock(&device->registry);
	process = stplr_process_find(device, pid);
	if (process)
		refcount_inc(&process->ref);
	else
		hash_add(device->processes, &fresh->node, stplr_process_key(pid));
	mutex_unlock(&device->registry);
	if (!process)
		return fresh;
	stplr_process_free(fresh);
	return process;
}

/* One more reference to one that the caller has. */
struct stplr_process *stplr_process_hold(struct stplr_process *process)
{
	refcount_inc(&process->ref);
	return process;
}

void stplr_process_put(struct stplr_process *process)
{
	if (!refcount_dec_and_mutex_lock(&process->ref, &process->device->registry))
		return;
	hash_del(&process->node);
	mutex_unlock(&process->device->registry);
	stplr_process_free(process);
}
