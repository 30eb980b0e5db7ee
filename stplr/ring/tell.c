// SPDX-License-Identifier: GPL-2.0
/*
 * How the ends of a ring are told that there is something for them.
 *
 *	who waits				who publishes
 *	is where he is woken			head or tail
 *	sets STPLR_RING_WANTED			full barrier (W4, R4)
 *	full barrier				looks whether it is wanted; if so:
 *	looks at head and tail			clears STPLR_RING_WANTED
 *	sleeps					full barrier
 *						wakes
 *
 * tests/models/ring_wanted.pml has this. To clear after waking, or without the second barrier,
 * loses the wake-up of one who began to wait in between.
 */

#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/interrupt.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "base/compat.h"
#include "base/late.h"
#include "ring/tell.h"
#include "trace.h"

/* One end is told: whoever sleeps or polls, its eventfd, its driver. */
void stplr_ring_tell_at(struct stplr_ring_end *end)
{
	__poll_t key = EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM;

	lockdep_assert_held(&end->ring->lock);
	if (stplr_ring_error(end))
		key |= EPOLLHUP | EPOLLERR;
	end->wakes++;
	trace_stplr_ring_wake(end);
	wake_up_poll(&end->waiting, key);
	if (end->eventfd)
		stplr_eventfd_signal(end->eventfd);
	if (!end->told)
		return;
	if (end->queue)
		queue_work(end->queue, &end->work);
	else
		end->told(end, end->data);
}

/* All of them. */
void stplr_ring_tell_all(struct stplr_ring *ring)
{
	struct stplr_ring_end *end;

	lockdep_assert_held(&ring->lock);
	if (ring->creator)
		stplr_ring_tell_at(ring->creator);
	list_for_each_entry(end, &ring->attached, link)
		stplr_ring_tell_at(end);
}

/* Who is told of everything wants it always. */
static void stplr_ring_want(struct stplr_ring_end *end, u32 what)
{
	struct stplr_ring_pages *pages = &end->ring->pages;

	if (what & STPLR_RING_DATA)
		atomic_or(STPLR_RING_WANTED, stplr_ring_data_flags(pages, stplr_ring_reads(end)));
	if (what & STPLR_RING_ROOM)
		atomic_or(STPLR_RING_WANTED, stplr_ring_room_flags(pages, stplr_ring_writes(end)));
}

static void stplr_ring_tell_peer(struct stplr_ring_end *peer)
{
	if (peer->always)
		stplr_ring_want(peer, STPLR_RING_DATA | STPLR_RING_ROOM);
	stplr_ring_tell_at(peer);
}

/* Those on the other side are told of what this end did. */
void stplr_ring_tell_peers(struct stplr_ring_end *end)
{
	struct stplr_ring *ring = end->ring;
	struct stplr_ring_end *peer;

	lockdep_assert_held(&ring->lock);
	atomic_andnot(STPLR_RING_WANTED,
		      stplr_ring_data_flags(&ring->pages, stplr_ring_writes(end)));
	atomic_andnot(STPLR_RING_WANTED,
		      stplr_ring_room_flags(&ring->pages, stplr_ring_reads(end)));
	smp_mb__after_atomic(); /* whoever wants it again is woken, or was not there before */

	if (end->side == STPLR_RING_IN) {
		if (ring->creator)
			stplr_ring_tell_peer(ring->creator);
		return;
	}
	list_for_each_entry(peer, &ring->attached, link)
		stplr_ring_tell_peer(peer);
}

static void stplr_ring_tell_now(struct stplr_ring_end *end)
{
	unsigned long flags;

	spin_lock_irqsave(&end->ring->lock, flags);
	stplr_ring_tell_peers(end);
	spin_unlock_irqrestore(&end->ring->lock, flags);
}

static void stplr_ring_tell_late(struct irq_work *work)
{
	stplr_ring_tell_now(container_of(work, struct stplr_ring_end, late));
}

static void stplr_ring_tell_kicked(struct work_struct *work)
{
	stplr_ring_tell_now(container_of(to_delayed_work(work), struct stplr_ring_end, kicked));
}

/* The same, in any context. */
void stplr_ring_tell(struct stplr_ring_end *end)
{
	if (stplr_ring_locks_late())
		irq_work_queue(&end->late);
	else
		stplr_ring_tell_now(end);
}

/* The next that is published is to be told. Who calls it is where he is told, and looks again. */
void stplr_ring_arm(struct stplr_ring_end *end, u32 what)
{
	stplr_ring_want(end, what);
	smp_mb__after_atomic(); /* pairs with W4, R4 */
}

/*
 * An eventfd by which a program tells: this end is in its wait queue. It may be that what it adds
 * there comes back to it over another eventfd, and so on for ever: hence by a thread that others
 * can do without, not by the interrupt, and what that has caused itself waits for the next tick.
 */

/**
 * struct stplr_ring_kick - an eventfd that an end listens to
 * @end: which end
 * @eventfd: it, with a reference, which keeps the wait queue
 * @entry: in its wait queue
 * @table: how it gets there
 */
struct stplr_ring_kick {
	struct stplr_ring_end *end;
	struct eventfd_ctx *eventfd;
	wait_queue_entry_t entry;
	poll_table table;
};

static void stplr_ring_kick(struct stplr_ring_end *end)
{
	struct work_struct *now = current_work();

	stplr_queue_late_after(&end->kicked, now && now->func == stplr_ring_tell_kicked);
}

static int stplr_ring_kick_wake(wait_queue_entry_t *entry, unsigned int mode, int sync, void *key)
{
	struct stplr_ring_kick *kick = container_of(entry, struct stplr_ring_kick, entry);
	u64 count;

	if (key_to_poll(key) & EPOLLIN) {
		eventfd_ctx_do_read(kick->eventfd, &count);
		stplr_ring_kick(kick->end);
	}
	return 0;
}

static void stplr_ring_kick_enter(struct file *file, wait_queue_head_t *head, poll_table *table)
{
	struct stplr_ring_kick *kick = container_of(table, struct stplr_ring_kick, table);

	add_wait_queue(head, &kick->entry);
}

static struct stplr_ring_kick *stplr_ring_kick_new(struct stplr_ring_end *end, struct file *file,
						   struct eventfd_ctx *eventfd)
{
	struct stplr_ring_kick *kick = kzalloc(sizeof(*kick), GFP_KERNEL_ACCOUNT);

	if (!kick)
		return NULL;
	kick->end = end;
	kick->eventfd = eventfd;
	init_waitqueue_func_entry(&kick->entry, stplr_ring_kick_wake);
	INIT_LIST_HEAD(&kick->entry.entry);
	init_poll_funcptr(&kick->table, stplr_ring_kick_enter);
	if (vfs_poll(file, &kick->table) & EPOLLIN)
		stplr_ring_kick(end);
	return kick;
}

static void stplr_ring_kick_free(struct stplr_ring_kick *kick)
{
	u64 count;

	if (!kick)
		return;
	eventfd_ctx_remove_wait_queue(kick->eventfd, &kick->entry, &count);
	eventfd_ctx_put(kick->eventfd);
	kfree(kick);
}

/* Has the end told by an eventfd from now on, and no more by the one before; takes it over. */
static void stplr_ring_eventfd_set(struct stplr_ring_end *end, struct eventfd_ctx *eventfd,
				   bool always)
{
	struct stplr_ring *ring = end->ring;
	struct eventfd_ctx *before;

	spin_lock_irq(&ring->lock);
	before = end->eventfd;
	end->eventfd = eventfd;
	end->always = always;
	if (always)
		stplr_ring_want(end, STPLR_RING_DATA | STPLR_RING_ROOM);
	spin_unlock_irq(&ring->lock);
	if (before)
		eventfd_ctx_put(before);
}

static void stplr_ring_kick_set(struct stplr_ring_end *end, struct stplr_ring_kick *kick)
{
	struct stplr_ring *ring = end->ring;
	struct stplr_ring_kick *before;

	spin_lock_irq(&ring->lock);
	before = end->kick;
	end->kick = kick;
	spin_unlock_irq(&ring->lock);
	stplr_ring_kick_free(before);
}

static int stplr_ring_eventfd_use(struct stplr_ring_end *end, struct file *file, u32 flags)
{
	struct eventfd_ctx *eventfd = eventfd_ctx_fileget(file);
	struct stplr_ring_kick *kick;

	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	if (!(flags & STPLR_RING_EVENTFD_WAKES)) {
		stplr_ring_eventfd_set(end, eventfd, flags & STPLR_RING_EVENTFD_ALWAYS);
		return 0;
	}
	kick = stplr_ring_kick_new(end, file, eventfd);
	if (!kick) {
		eventfd_ctx_put(eventfd);
		return -ENOMEM;
	}
	stplr_ring_kick_set(end, kick);
	return 0;
}

/* STPLR_RING_EVENTFD of the calling process; flags are checked. */
int stplr_ring_eventfd(struct stplr_ring_end *end, int fd, u32 flags)
{
	struct file *file;
	int err;

	if (fd == -1) {
		if (flags & STPLR_RING_EVENTFD_WAKES)
			stplr_ring_kick_set(end, NULL);
		else
			stplr_ring_eventfd_set(end, NULL, false);
		return 0;
	}
	file = fget(fd);
	if (!file)
		return -EBADF;
	err = stplr_ring_eventfd_use(end, file, flags);
	fput(file);
	return err;
}

static void stplr_ring_call(struct work_struct *work)
{
	struct stplr_ring_end *end = container_of(work, struct stplr_ring_end, work);

	end->told(end, end->data);
}

void stplr_ring_tell_init(struct stplr_ring_end *end)
{
	init_waitqueue_head(&end->waiting);
	INIT_WORK(&end->work, stplr_ring_call);
	INIT_DELAYED_WORK(&end->kicked, stplr_ring_tell_kicked);
	init_irq_work(&end->late, stplr_ring_tell_late);
}

/* Nobody finds the end any more: when this returns it tells nothing, and is told nothing. */
void stplr_ring_tell_end(struct stplr_ring_end *end)
{
	stplr_ring_kick_free(end->kick);
	cancel_delayed_work_sync(&end->kicked);
	irq_work_sync(&end->late);
	cancel_work_sync(&end->work);
	if (end->eventfd)
		eventfd_ctx_put(end->eventfd);
}
