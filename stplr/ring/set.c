// SPDX-License-Identifier: GPL-2.0
/*
 * Ring sets: what they may be, their names, and their ends.
 *
 * Who looks for a name, who attaches, opens and leaves does so under device->registry: whoever
 * waits there for a ring is woken by all that may make one free.
 */

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/init_task.h>
#include <linux/log2.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/stplr_ring.h>

#include "base/quota.h"
#include "base/wake.h"
#include "core/device.h"
#include "core/name.h"
#include "ring/ending.h"
#include "ring/ring.h"
#include "ring/set.h"

static bool stplr_ring_pages_valid(u32 pages)
{
	return !pages || (is_power_of_2(pages) && pages <= STPLR_RING_BYTES_MAX >> PAGE_SHIFT);
}

/* False: there is no such set. */
bool stplr_rings_shape_make(struct stplr_rings_shape *shape, u32 flags, u32 count, u32 out_pages,
			    u32 in_pages)
{
	bool many = flags & STPLR_RINGS_MANY;

	if (flags & ~(STPLR_RINGS_TURNS | STPLR_RINGS_MANY | STPLR_RINGS_OVERWRITE))
		return false;
	if (!count || count > (many ? STPLR_RING_READERS_MAX : STPLR_RINGS_MAX))
		return false;
	if (!stplr_ring_pages_valid(out_pages) || !stplr_ring_pages_valid(in_pages))
		return false;
	if (many ? !out_pages || in_pages : !out_pages && !in_pages)
		return false;
	if (flags & STPLR_RINGS_OVERWRITE && !many)
		return false;
	if (flags & STPLR_RINGS_TURNS && !(out_pages && in_pages))
		return false;
	shape->flags = flags;
	shape->count = count;
	shape->bytes[STPLR_RING_OUT] = out_pages << PAGE_SHIFT;
	shape->bytes[STPLR_RING_IN] = in_pages << PAGE_SHIFT;
	return true;
}

/* Sets */

static size_t stplr_rings_size(const struct stplr_rings *set)
{
	return struct_size(set, slots, set->nr_slots);
}

/* Who pays, and for what: nobody for a driver's. */
static int stplr_rings_charge(struct stplr_rings *set)
{
	int err;

	set->user = stplr_user_get(current_euid());
	if (!set->user)
		return -ENOMEM;
	err = stplr_charge_memory(set->user, stplr_rings_size(set));
	if (err) {
		stplr_user_put(set->user);
		set->user = NULL;
	}
	return err;
}

static void stplr_rings_free(struct kref *ref)
{
	struct stplr_rings *set = container_of(ref, struct stplr_rings, ref);
	struct stplr_device *device = set->device;

	WARN_ON(set->registered);
	if (set->id) {
		mutex_lock(&device->registry);
		xa_erase(&device->rings, set->id);
		mutex_unlock(&device->registry);
	}
	if (set->user) {
		stplr_uncharge_memory(set->user, stplr_rings_size(set));
		stplr_user_put(set->user);
	}
	put_pid(set->pid);
	put_cred(set->cred);
	kfree(set);
}

/* Not with the registry held. */
void stplr_rings_put(struct stplr_rings *set)
{
	kref_put(&set->ref, stplr_rings_free);
}

/*
 * A set of the calling process, or of kernel code, that cannot be found by its name yet; ENOMEM,
 * ENOBUFS.
 */
struct stplr_rings *stplr_rings_alloc(struct stplr_device *device, const char *name,
				      const struct stplr_rings_shape *shape, bool kernel)
{
	unsigned int nr_slots = shape->flags & STPLR_RINGS_MANY ? 1 : shape->count;
	struct stplr_rings *set;
	int err;

	set = kzalloc(struct_size(set, slots, nr_slots), kernel ? GFP_KERNEL : GFP_KERNEL_ACCOUNT);
	if (!set)
		return ERR_PTR(-ENOMEM);
	kref_init(&set->ref);
	set->device = device;
	strscpy(set->name, name, sizeof(set->name));
	set->nr_slots = nr_slots;
	set->count = shape->count;
	set->flags = shape->flags;
	memcpy(set->bytes, shape->bytes, sizeof(set->bytes));
	init_waitqueue_head(&set->news);
	/* kernel code's is nobody else's, in whoever's thread it makes it */
	set->cred = kernel ? prepare_kernel_cred(&init_task) : get_current_cred();
	err = -ENOMEM;
	if (!set->cred)
		goto put_set;
	if (!kernel) {
		set->pid = get_pid(task_tgid(current));
		err = stplr_rings_charge(set);
		if (err)
			goto put_set;
	}
	err = xa_alloc(&device->rings, &set->id, set, XA_LIMIT(1, INT_MAX), GFP_KERNEL_ACCOUNT);
	if (!err)
		return set;
	set->id = 0;
put_set:
	stplr_rings_put(set);
	return ERR_PTR(err);
}

/* By its name, or NULL; it is there as long as the registry is held. */
struct stplr_rings *stplr_rings_lookup(struct stplr_device *device, const char *name)
{
	struct stplr_rings *set;

	lockdep_assert_held(&device->registry);
	hash_for_each_possible(device->ring_names, set, node, stplr_name_key(device, name)) {
		if (!strcmp(set->name, name))
			return set;
	}
	return NULL;
}

/* Something may have become free: whoever waits by the set's name looks again. */
void stplr_rings_wake(struct stplr_rings *set)
{
	struct stplr_device *device = set->device;
	struct stplr_wake_batch batch = { .count = 0 };
	u64 age;
	bool more;

	mutex_lock(&device->registry);
	age = device->ring_waiters.last;
	mutex_unlock(&device->registry);
	do {
		mutex_lock(&device->registry);
		stplr_name_waiters_take(&device->ring_waiters, set->name, age, &batch);
		more = batch.count == STPLR_WAKE_BATCH;
		mutex_unlock(&device->registry);
		stplr_wake_all(&batch);
	} while (more);
}

/* The set can be found by its name; EEXIST. */
int stplr_rings_register(struct stplr_rings *set)
{
	struct stplr_device *device = set->device;

	mutex_lock(&device->registry);
	if (stplr_rings_lookup(device, set->name)) {
		mutex_unlock(&device->registry);
		return -EEXIST;
	}
	hash_add(device->ring_names, &set->node, stplr_name_key(device, set->name));
	set->registered = true;
	mutex_unlock(&device->registry);
	/* who wants a ring of it has to wait on, and who wants what it does not have is told so */
	stplr_rings_wake(set);
	return 0;
}

/* Nobody finds it any more, and nothing can be attached; rings go on. May be called again. */
void stplr_rings_unregister(struct stplr_rings *set)
{
	struct stplr_device *device = set->device;

	mutex_lock(&device->registry);
	if (set->registered) {
		hash_del(&set->node);
		set->registered = false;
	}
	mutex_unlock(&device->registry);
}

/* A set ends with all of its rings: ESHUTDOWN. */
void stplr_rings_shutdown(struct stplr_rings *set)
{
	unsigned int i;

	stplr_rings_unregister(set);
	mutex_lock(&set->device->registry);
	for (i = 0; i < set->nr_slots; i++) {
		if (set->slots[i])
			stplr_ring_finish(set->slots[i], -ESHUTDOWN);
		cond_resched();
	}
	mutex_unlock(&set->device->registry);
}
