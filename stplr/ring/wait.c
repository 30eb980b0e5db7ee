// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for something to read, or room to write: what is looked at are hints, which whoever acts
 * on them judges.
 */

#include <linux/errno.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "base/clock.h"
#include "base/spin.h"
#include "ring/flow.h"
#include "ring/tell.h"
#include "ring/wait.h"

static bool stplr_ring_has_data(struct stplr_ring_end *end, u32 tail)
{
	unsigned int side = stplr_ring_reads(end);
	struct stplr_ring_oldest oldest;
	u32 head;

	if (stplr_ring_error(end))
		return !READ_ONCE(end->error) && end->ring->final[side] != tail;
	head = READ_ONCE(stplr_ring_writer(end)->head);
	if (head == tail || !(end->ring->flags & STPLR_RINGS_OVERWRITE))
		return head != tail;
	/* all that there was may have given way to what is not committed yet */
	return !stplr_ring_oldest(stplr_ring_writer(end), &oldest) || (u32)oldest.position != head;
}

/* Which of @what there is, @room counted with headers; 0: none; or why there never will be. */
int stplr_ring_ready(struct stplr_ring_end *end, u32 what, u32 room)
{
	struct stplr_ring_cursor cursor;
	int ready = 0, err;

	stplr_ring_cursor_load(end, &cursor);
	if (what & STPLR_RING_DATA && stplr_ring_has_data(end, cursor.tail))
		ready |= STPLR_RING_DATA;
	err = stplr_ring_error(end);
	if (err)
		return ready ?: err;
	if (what & STPLR_RING_ROOM && stplr_ring_has_room(end, cursor.head, room))
		ready |= STPLR_RING_ROOM;
	/* that may have found somebody who broke the rules */
	return ready ?: stplr_ring_error(end);
}

/*
 * Looks for a while, if that harms nobody: where another thread wants the processor, it may be the
 * peer.
 */
static int stplr_ring_spin(struct stplr_ring_end *end, u32 what, u32 room, u32 spin)
{
	u64 until = local_clock() + spin;
	int ready = 0;

	if (!stplr_spin_possible())
		return 0;
	while (!ready && stplr_spin_alone() && local_clock() < until) {
		cpu_relax();
		ready = stplr_ring_ready(end, what, room);
	}
	return ready;
}

/*
 * Waits for any of @what, which are directions that there are; which there is, or EAGAIN,
 * ETIMEDOUT, ERESTARTSYS, or why it ended.
 */
int stplr_ring_wait_for(struct stplr_ring_end *end, u32 what, u32 room, s64 deadline,
			clockid_t clock, u32 spin)
{
	int ready = stplr_ring_ready(end, what, room);
	bool expired = false;
	DEFINE_WAIT(wait);

	if (ready)
		return ready;
	if (deadline == STPLR_DEADLINE_POLL)
		return -EAGAIN;
	if (spin)
		ready = stplr_ring_spin(end, what, room, spin);
	while (!ready) {
		prepare_to_wait(&end->waiting, &wait, TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		stplr_ring_arm(end, what);
		ready = stplr_ring_ready(end, what, room);
		if (ready)
			break;
		if (expired) {
			ready = -ETIMEDOUT;
		} else if (signal_pending(current)) {
			ready = -ERESTARTSYS;
		} else {
			expired = stplr_sleep(deadline, clock);
			/* before it arms again: one more wake-up for the same batch */
			ready = stplr_ring_ready(end, what, room);
		}
	}
	finish_wait(&end->waiting, &wait);
	return ready;
}
