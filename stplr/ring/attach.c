// SPDX-License-Identifier: GPL-2.0
/*
 * How rings of a set are opened and attached, and how their ends are let go of: all under
 * device->registry, see set.c.
 */

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/stplr_ring.h>

#include "base/clock.h"
#include "base/quota.h"
#include "core/device.h"
#include "core/name.h"
#include "ring/attach.h"
#include "ring/ending.h"
#include "ring/news.h"
#include "ring/ring.h"
#include "ring/set.h"
#include "ring/tell.h"
#include "trace.h"

static void stplr_ring_free(struct kref *ref)
{
	struct stplr_ring *ring = container_of(ref, struct stplr_ring, ref);
	struct stplr_rings *set = ring->set;

	WARN_ON(ring->creator || !list_empty(&ring->attached));
	stplr_ring_pages_free(&ring->pages);
	kfree(ring);
	stplr_rings_put(set);
}

/* Of the calling process, or with @ops of kernel code. */
static struct stplr_ring_end *stplr_ring_end_alloc(unsigned int side,
						   const struct stplr_ring_ops *ops, void *data)
{
	struct stplr_ring_end *end;

	end = kzalloc(sizeof(*end), ops ? GFP_KERNEL : GFP_KERNEL_ACCOUNT);
	if (!end)
		return NULL;
	end->side = side;
	if (ops) {
		end->driver = true;
		end->told = ops->told;
		end->queue = ops->queue;
		end->data = data;
	}
	INIT_LIST_HEAD(&end->link);
	mutex_init(&end->reading);
	mutex_init(&end->writing);
	stplr_ring_ending_init(end);
	stplr_ring_tell_init(end);
	if (!ops)
		end->pid = get_pid(task_tgid(current));
	end->uid = ops ? GLOBAL_ROOT_UID : current_euid();
	end->gid = ops ? GLOBAL_ROOT_GID : current_egid();
	return end;
}

/* One that was never attached, or is not any more. */
static void stplr_ring_end_free(struct stplr_ring_end *end)
{
	put_pid(end->pid);
	if (end->own_page)
		stplr_ring_page_free(end->own_page, end->user);
	if (end->user) {
		stplr_uncharge_memory(end->user, end->holds);
		stplr_user_put(end->user);
	}
	kfree(end);
}

static struct stplr_ring *stplr_ring_alloc(struct stplr_rings *set)
{
	struct stplr_ring *ring;
	int err;

	ring = kzalloc(sizeof(*ring), set->user ? GFP_KERNEL_ACCOUNT : GFP_KERNEL);
	if (!ring)
		return ERR_PTR(-ENOMEM);
	kref_init(&ring->ref);
	ring->flags = set->flags;
	spin_lock_init(&ring->lock);
	INIT_LIST_HEAD(&ring->attached);
	err = stplr_ring_pages_make(&ring->pages, set->bytes, set->flags & STPLR_RINGS_MANY,
				    set->user);
	if (err) {
		kfree(ring);
		return ERR_PTR(err);
	}
	kref_get(&set->ref);
	ring->set = set;
	return ring;
}

/* Opening */

/* The lowest number that can be opened, if it is the one; EBUSY, EINVAL. */
static int stplr_rings_closed(const struct stplr_rings *set, u32 number)
{
	u32 i, first = number == STPLR_RING_ANY ? 0 : number;
	u32 last = number == STPLR_RING_ANY ? set->nr_slots - 1 : number;

	lockdep_assert_held(&set->device->registry);
	if (last >= set->nr_slots)
		return -EINVAL;
	for (i = array_index_nospec(first, set->nr_slots); i <= last; i++) {
		if (!set->slots[i] || READ_ONCE(set->slots[i]->error))
			return i;
	}
	return -EBUSY;
}

static int stplr_rings_closed_now(struct stplr_rings *set, u32 number)
{
	int ret;

	mutex_lock(&set->device->registry);
	ret = stplr_rings_closed(set, number);
	mutex_unlock(&set->device->registry);
	return ret;
}

static int stplr_rings_enter(struct stplr_rings *set, struct stplr_ring_end *end, u32 number)
{
	struct stplr_ring *ring = end->ring;
	int ret;

	mutex_lock(&set->device->registry);
	ret = stplr_rings_closed(set, number);
	if (ret >= 0) {
		ring->number = ret;
		end->number = ret;
		ring->creator = end;
		if (set->slots[ret])
			stplr_ring_news_forget(set->slots[ret]);
		set->slots[ret] = ring;
	}
	mutex_unlock(&set->device->registry);
	return min(ret, 0);
}

/* The creator's end of a new ring; EINVAL, EBUSY, ENOBUFS, ENOMEM, EINTR. */
struct stplr_ring_end *stplr_rings_open(struct stplr_rings *set, u32 number,
					const struct stplr_ring_ops *ops, void *data)
{
	struct stplr_ring_end *end;
	struct stplr_ring *ring;
	int err;

	/* before all the memory is made */
	err = stplr_rings_closed_now(set, number);
	if (err < 0)
		return ERR_PTR(err);
	end = stplr_ring_end_alloc(STPLR_RING_OUT, ops, data);
	if (!end)
		return ERR_PTR(-ENOMEM);
	ring = stplr_ring_alloc(set);
	if (IS_ERR(ring)) {
		err = PTR_ERR(ring);
		goto free_end;
	}
	end->ring = ring;
	end->page = ring->pages.ends[STPLR_RING_OUT];
	end->page->writer.turn = 1;
	end->cursor.turn = true;
	err = stplr_rings_enter(set, end, number);
	if (err)
		goto put_ring;
	stplr_rings_wake(set);
	return end;

put_ring:
	kref_put(&ring->ref, stplr_ring_free);
free_end:
	stplr_ring_end_free(end);
	return ERR_PTR(err);
}

/* Attaching */

/* A reader's number that is free; EAGAIN. */
static int stplr_ring_reader_number(const struct stplr_ring *ring, u32 number, u32 count)
{
	const struct stplr_ring_end *reader;
	u64 taken = 0, wanted;

	lockdep_assert_held(&ring->lock);
	list_for_each_entry(reader, &ring->attached, link)
		taken |= 1ULL << reader->number;
	wanted = number == STPLR_RING_ANY ? ~0ULL >> (64 - count) : 1ULL << number;
	wanted &= ~taken;
	return wanted ? __ffs64(wanted) : -EAGAIN;
}

/* Its cursor begins where the writer is. */
static void stplr_ring_reader_begin(struct stplr_ring *ring, struct stplr_ring_end *reader)
{
	const struct stplr_ring_writer *writer = &ring->pages.ends[STPLR_RING_OUT]->writer;
	struct stplr_ring_reader *page = &reader->page->reader;
	struct stplr_ring_cursor *cursor = &reader->cursor;
	const struct stplr_ring_oldest *oldest;

	/*
	 * What is held back was computed from heads that were seen before this one, so that the
	 * reader is not behind it. The number is the writer's own; a reader that comes while that
	 * commits may count from one more or less.
	 */
	cursor->tail = stplr_ring_head(ring, STPLR_RING_OUT);
	cursor->taken = READ_ONCE(writer->records);
	oldest = &writer->oldest[READ_ONCE(writer->version) % 2];
	cursor->position = READ_ONCE(oldest->position);
	cursor->position += (u32)(cursor->tail - (u32)cursor->position);
	page->tail = cursor->tail;
	page->records = cursor->taken;
	page->position = cursor->position;
}

static int stplr_ring_enter_reader(struct stplr_ring *ring, struct stplr_ring_end *end, u32 number)
{
	int ret;

	lockdep_assert_held(&ring->lock);
	ret = stplr_ring_reader_number(ring, number, ring->set->count);
	if (ret < 0)
		return ret;
	end->number = ret;
	end->page = end->own_page;
	list_add_tail(&end->link, &ring->attached);
	ring->nr_attached++;
	stplr_ring_reader_begin(ring, end);
	return 0;
}

static int stplr_ring_enter_other(struct stplr_ring *ring, struct stplr_ring_end *end)
{
	lockdep_assert_held(&ring->lock);
	if (ring->nr_attached)
		return -EAGAIN;
	end->number = ring->number;
	end->page = ring->pages.ends[STPLR_RING_IN];
	list_add_tail(&end->link, &ring->attached);
	ring->nr_attached = 1;
	return 0;
}

/* To this ring, if it is free; EAGAIN. */
static int stplr_ring_try_attach(struct stplr_ring *ring, struct stplr_ring_end *end, u32 number)
{
	struct stplr_rings *set = ring->set;
	int err = -EAGAIN;

	lockdep_assert_held(&set->device->registry);
	if (!try_module_get(set->module))
		return -EAGAIN;
	spin_lock_irq(&ring->lock);
	if (!ring->error && ring->creator)
		err = ring->flags & STPLR_RINGS_MANY ? stplr_ring_enter_reader(ring, end, number) :
						       stplr_ring_enter_other(ring, end);
	if (!err) {
		kref_get(&ring->ref);
		end->ring = ring;
		end->module = set->module;
		trace_stplr_ring_attach(end);
		stplr_ring_tell_at(ring->creator);
	}
	spin_unlock_irq(&ring->lock);
	if (err)
		module_put(set->module);
	return err;
}

/* To one of a set's rings; EINVAL, EAGAIN. */
static int stplr_rings_try_attach(struct stplr_rings *set, struct stplr_ring_end *end, u32 number)
{
	bool many = set->flags & STPLR_RINGS_MANY;
	bool any = many || number == STPLR_RING_ANY;
	u32 i, last = any ? set->nr_slots - 1 : number;
	int err = -EAGAIN;

	lockdep_assert_held(&set->device->registry);
	if (number != STPLR_RING_ANY && number >= set->count)
		return -EINVAL;
	i = any ? 0 : array_index_nospec(number, set->nr_slots);
	for (; i <= last && err == -EAGAIN; i++) {
		if (set->slots[i])
			err = stplr_ring_try_attach(set->slots[i], end, number);
	}
	if (err)
		return err;
	stplr_ring_news_add(end);
	return 0;
}

static int stplr_rings_permit(const struct stplr_rings *set, const struct stplr_ring_wish *wish)
{
	if (!wish->ops && !stplr_name_permitted(set->owner, set->group, set->mode, set->cred))
		return -EACCES;
	return uid_valid(wish->uid) && !uid_eq(wish->uid, set->cred->euid) ? -EPERM : 0;
}

/* For one of many: the page that it brings along, which is not needed where there is another. */
static int stplr_ring_bring_page(struct stplr_ring_end *end)
{
	void *page = stplr_ring_page_new(end->user);

	if (IS_ERR(page))
		return PTR_ERR(page);
	end->own_page = page;
	return 0;
}

/*
 * Attaches the end, or leaves @waiter, if there is one, waiting: ENOENT, EAGAIN. EINVAL, EACCES,
 * EPERM; ENOLINK: it needs a page of its own.
 */
static int stplr_rings_find_and_attach(struct stplr_device *device, struct stplr_ring_end *end,
				       const struct stplr_ring_wish *wish,
				       struct stplr_name_waiter *waiter)
{
	struct stplr_rings *set;
	int err = -ENOENT;

	mutex_lock(&device->registry);
	set = stplr_rings_lookup(device, wish->name);
	if (set) {
		err = stplr_rings_permit(set, wish);
		if (!err && set->flags & STPLR_RINGS_MANY && !end->own_page)
			err = -ENOLINK;
		if (!err)
			err = stplr_rings_try_attach(set, end, wish->number);
	}
	if (waiter && (err == -ENOENT || err == -EAGAIN))
		stplr_name_waiter_add(&device->ring_waiters, waiter);
	mutex_unlock(&device->registry);
	return err;
}

/* The same, waiting for the name and the ring; in addition ETIMEDOUT, ERESTARTSYS. */
static int stplr_rings_wait_and_attach(struct stplr_device *device, struct stplr_ring_end *end,
				       const struct stplr_ring_wish *wish)
{
	bool wait = wish->deadline != STPLR_DEADLINE_POLL, expired = false;
	struct stplr_name_waiter waiter = { .name = wish->name, .task = current };
	int err;

	RB_CLEAR_NODE(&waiter.node);
	for (;;) {
		err = stplr_rings_find_and_attach(device, end, wish, wait ? &waiter : NULL);
		if (err == -ENOLINK) {
			err = stplr_ring_bring_page(end);
			if (!err)
				continue;
		}
		if (!wait || (err != -ENOENT && err != -EAGAIN))
			break;
		if (expired) {
			err = -ETIMEDOUT;
			break;
		}
		if (signal_pending(current)) {
			err = -ERESTARTSYS;
			break;
		}
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		if (!READ_ONCE(waiter.named))
			expired = stplr_sleep(wish->deadline, wish->clock);
		__set_current_state(TASK_RUNNING);
	}
	if (wait)
		stplr_name_forget(device, &device->ring_waiters, &waiter);
	return err;
}

/* A process's end is its user's, and who holds too much gets no more to hold. */
static int stplr_ring_end_charge(struct stplr_ring_end *end)
{
	end->user = stplr_user_get(current_euid());
	return end->user ? stplr_charge_memory(end->user, 0) : -ENOMEM;
}

/*
 * An end of the calling process, or of kernel code, that is attached to the ring it wants; ENOMEM,
 * ENOBUFS, and the above.
 */
struct stplr_ring_end *stplr_rings_attach(struct stplr_device *device,
					  const struct stplr_ring_wish *wish)
{
	struct stplr_ring_end *end;
	int err = -ENOMEM;

	end = stplr_ring_end_alloc(STPLR_RING_IN, wish->ops, wish->data);
	if (!end)
		return ERR_PTR(err);
	err = wish->ops ? 0 : stplr_ring_end_charge(end);
	if (!err)
		err = stplr_rings_wait_and_attach(device, end, wish);
	if (!err)
		return end;
	stplr_ring_end_free(end);
	return ERR_PTR(err);
}

/* Leaving */

/* Who made the ring is gone: it is memory of those who are still attached, if anybody's. */
static void stplr_ring_hand_down(struct stplr_ring *ring)
{
	struct stplr_ring_end *end;

	lockdep_assert_held(&ring->lock);
	list_for_each_entry(end, &ring->attached, link) {
		if (end->driver)
			continue;
		end->holds = ring->pages.charged;
		stplr_count_memory(end->user, end->holds);
	}
	stplr_ring_pages_uncharge(&ring->pages);
}

static void stplr_ring_leave_creator(struct stplr_ring_end *end)
{
	struct stplr_ring *ring = end->ring;
	struct stplr_rings *set = ring->set;

	mutex_lock(&set->device->registry);
	if (set->slots[ring->number] == ring) {
		stplr_ring_news_forget(ring);
		set->slots[ring->number] = NULL;
	}
	spin_lock_irq(&ring->lock);
	ring->creator = NULL;
	stplr_ring_hand_down(ring);
	spin_unlock_irq(&ring->lock);
	mutex_unlock(&set->device->registry);
}

static void stplr_ring_leave_other(struct stplr_ring_end *end)
{
	struct stplr_ring *ring = end->ring;
	struct stplr_rings *set = ring->set;

	mutex_lock(&set->device->registry);
	stplr_ring_news_drop(end);
	spin_lock_irq(&ring->lock);
	list_del(&end->link);
	if (stplr_ring_shared(end))
		ring->nr_attached--;
	spin_unlock_irq(&ring->lock);
	mutex_unlock(&set->device->registry);
	if (stplr_ring_shared(end))
		stplr_rings_wake(set);
}

/* Its file is gone, and all that was mapped, or its driver lets it go: nobody uses it any more. */
void stplr_ring_leave(struct stplr_ring_end *end)
{
	struct stplr_ring *ring = end->ring;

	irq_work_sync(&end->broken);
	stplr_ring_finish_end(end, -EPIPE);
	if (end->side == STPLR_RING_OUT)
		stplr_ring_leave_creator(end);
	else
		stplr_ring_leave_other(end);
	stplr_ring_tell_end(end);
	stplr_ring_end_free(end);
	kref_put(&ring->ref, stplr_ring_free);
}
