// SPDX-License-Identifier: GPL-2.0
/* How a ring ends: once, for both ends. And up to where the readers of one to many hold it back. */

#include <linux/module.h>

#include "ring/ending.h"
#include "ring/ring.h"
#include "ring/tell.h"
#include "trace.h"

/* Up to where a side has committed. */
u32 stplr_ring_head(const struct stplr_ring *ring, unsigned int side)
{
	const struct stplr_ring_page *page = ring->pages.ends[side];

	/* pairs with the writer's release, W3 */
	return page ? smp_load_acquire(&page->writer.head) : 0;
}

static void stplr_ring_mark_ended(struct stplr_ring *ring)
{
	unsigned int side;

	WRITE_ONCE(ring->pages.kernel->error, -ring->error);
	for (side = 0; side < STPLR_RING_SIDES; side++) {
		atomic_or(STPLR_RING_ENDED, stplr_ring_data_flags(&ring->pages, side));
		atomic_or(STPLR_RING_ENDED, stplr_ring_room_flags(&ring->pages, side));
	}
}

/* Who has attached holds the driver no longer, which was told of the end. */
static void stplr_ring_let_go(struct stplr_ring_end *end)
{
	lockdep_assert_held(&end->ring->lock);
	module_put(end->module);
	end->module = NULL;
}

static bool stplr_ring_finish_locked(struct stplr_ring *ring, int error)
{
	struct stplr_ring_end *end;
	unsigned int side;

	lockdep_assert_held(&ring->lock);
	if (ring->error)
		return false;
	for (side = 0; side < STPLR_RING_SIDES; side++)
		ring->final[side] = stplr_ring_head(ring, side);
	/* pairs with stplr_ring_error() */
	smp_store_release(&ring->error, error);
	stplr_ring_mark_ended(ring);
	trace_stplr_ring_end(ring, error);
	stplr_ring_tell_all(ring);
	list_for_each_entry(end, &ring->attached, link)
		stplr_ring_let_go(end);
	return true;
}

/* Ends it with a negative errno, in any context; false: it had ended. */
bool stplr_ring_finish(struct stplr_ring *ring, int error)
{
	unsigned long flags;
	bool first;

	spin_lock_irqsave(&ring->lock, flags);
	first = stplr_ring_finish_locked(ring, error);
	spin_unlock_irqrestore(&ring->lock, flags);
	return first;
}

static void stplr_ring_fail_reader(struct stplr_ring_end *reader, int error)
{
	lockdep_assert_held(&reader->ring->lock);
	WRITE_ONCE(reader->error, error);
	stplr_ring_tell_at(reader);
	stplr_ring_let_go(reader);
}

/*
 * Finds out anew up to where all readers have released. It is only here that it moves, so whoever
 * is beyond it by more than there is has broken the rules: the writer, which then ends the ring, or
 * a reader, which then is alone in having ended.
 */
void stplr_ring_hold(struct stplr_ring *ring)
{
	u32 size = ring->pages.bytes[STPLR_RING_OUT], least = U32_MAX, head, ahead;
	struct stplr_ring_end *reader;

	lockdep_assert_held(&ring->lock);
	if (ring->error)
		return;
	list_for_each_entry(reader, &ring->attached, link) {
		/* before the head, which is never behind it; R3 */
		u32 gone = smp_load_acquire(&reader->page->reader.tail) - ring->held;

		if (reader->error)
			continue;
		ahead = stplr_ring_head(ring, STPLR_RING_OUT) - ring->held;
		if (gone > ahead || gone % STPLR_RING_ALIGN)
			stplr_ring_fail_reader(reader, -EPROTO);
		else
			least = min(least, gone);
	}
	head = stplr_ring_head(ring, STPLR_RING_OUT);
	ahead = head - ring->held;
	if (ahead > size || ahead % STPLR_RING_ALIGN) {
		stplr_ring_finish_locked(ring, -EPROTO);
		return;
	}
	ring->held += min(least, ahead);
	/* the writer takes it for a tail (W1): it writes after they have read */
	smp_store_release(&ring->pages.kernel->held, ring->held);
}

/* The end's own end: of the ring, but for one of several readers; false: it had ended. */
bool stplr_ring_finish_end(struct stplr_ring_end *end, int error)
{
	struct stplr_ring *ring = end->ring;
	unsigned long flags;
	bool first;

	if (!stplr_ring_shared(end))
		return stplr_ring_finish(ring, error);

	spin_lock_irqsave(&ring->lock, flags);
	first = !end->error && !ring->error;
	if (first) {
		stplr_ring_fail_reader(end, error);
		if (!(ring->flags & STPLR_RINGS_OVERWRITE))
			stplr_ring_hold(ring);
		stplr_ring_tell_peers(end);
	}
	spin_unlock_irqrestore(&ring->lock, flags);
	return first;
}

static void stplr_ring_broken_late(struct irq_work *work)
{
	stplr_ring_finish_end(container_of(work, struct stplr_ring_end, broken), -EPROTO);
}

void stplr_ring_ending_init(struct stplr_ring_end *end)
{
	init_irq_work(&end->broken, stplr_ring_broken_late);
}

/*
 * What was found in the memory breaks the rules. Returns what the caller gets: EPROTO. In any
 * context.
 */
int stplr_ring_broken(struct stplr_ring_end *end)
{
	if (stplr_ring_locks_late())
		irq_work_queue(&end->broken);
	else
		stplr_ring_finish_end(end, -EPROTO);
	return -EPROTO;
}
