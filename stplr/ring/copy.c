// SPDX-License-Identifier: GPL-2.0
/*
 * Copy mode: whole records, as many as there are and fit.
 *
 * What an end's page says is read at each call, so that a program may do both, copy and work in
 * place. Whatever it writes there meanwhile, what is copied is within what was checked.
 */

#include <linux/errno.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "base/clock.h"
#include "ring/copy.h"
#include "ring/flow.h"
#include "ring/tell.h"
#include "ring/wait.h"

/* How many old records give way at once, before others may run. */
#define STPLR_RING_DROP_BATCH 4096

static int stplr_ring_lock_copies(struct mutex *mutex, bool nonblock)
{
	if (nonblock)
		return mutex_trylock(mutex) ? 0 : -EAGAIN;
	return mutex_lock_interruptible(mutex) ? -ERESTARTSYS : 0;
}

/*
 * Copies one record; bytes, or EMSGSIZE, EFAULT and what stplr_ring_next() says: it stays then.
 * EINPROGRESS: it was overwritten meanwhile.
 */
static ssize_t stplr_ring_copy_one_out(struct stplr_ring_end *end,
				       struct stplr_ring_cursor *cursor, struct iov_iter *to)
{
	struct stplr_ring_copy header = {};
	struct iov_iter before = *to;
	const void *bytes;
	size_t len, pad;
	int err;

	err = stplr_ring_next(end, cursor, &header.record, &bytes);
	if (err)
		return err;
	header.number = cursor->taken;
	len = header.record.len;
	pad = ALIGN(len, STPLR_RING_ALIGN) - len;
	if (iov_iter_count(to) < sizeof(header) + len + pad)
		return -EMSGSIZE;
	if (copy_to_iter(&header, sizeof(header), to) != sizeof(header) ||
	    copy_to_iter(bytes, len, to) != len || iov_iter_zero(pad, to) != pad) {
		*to = before;
		return -EFAULT;
	}
	if (!stplr_ring_still(end, cursor)) {
		*to = before;
		return -EINPROGRESS;
	}
	stplr_ring_take_record(end, cursor, header.record);
	return sizeof(header) + len + pad;
}

static ssize_t stplr_ring_copy_some_out(struct stplr_ring_end *end, struct iov_iter *to)
{
	struct stplr_ring_cursor cursor;
	ssize_t copied = 0, one = 0;
	unsigned int tries = 0;

	stplr_ring_cursor_load(end, &cursor);
	while (iov_iter_count(to)) {
		one = stplr_ring_copy_one_out(end, &cursor, to);
		if (one > 0)
			copied += one;
		else if (one != -EINPROGRESS || ++tries == STPLR_RING_TRIES)
			break;
		cond_resched();
	}
	if (copied)
		stplr_ring_released(end);
	return copied ?: (one == -EINPROGRESS ? -EAGAIN : one);
}

/* read(2) */
ssize_t stplr_ring_copy_out(struct stplr_ring_end *end, struct iov_iter *to, bool nonblock)
{
	ssize_t ret;

	if (!stplr_ring_in_bytes(end))
		return -EINVAL;
	for (;;) {
		ret = stplr_ring_lock_copies(&end->reading, nonblock);
		if (ret)
			return ret;
		ret = stplr_ring_copy_some_out(end, to);
		mutex_unlock(&end->reading);
		if (ret != -EAGAIN || nonblock)
			return ret;
		if (signal_pending(current))
			return -ERESTARTSYS;
		/* what is waited for may be there, and taken away, again and again */
		cond_resched();
		ret = stplr_ring_wait_for(end, STPLR_RING_DATA, 0, STPLR_DEADLINE_NONE,
					  CLOCK_MONOTONIC, 0);
		if (ret < 0)
			return ret;
	}
}

/* Takes one record; bytes, or an error, with which nothing was taken. @need: what it takes. */
static ssize_t stplr_ring_copy_one_in(struct stplr_ring_end *end, struct stplr_ring_cursor *cursor,
				      struct iov_iter *from, u32 *need)
{
	bool turns = end->ring->flags & STPLR_RINGS_TURNS;
	struct iov_iter before = *from;
	struct stplr_ring_copy header;
	size_t left, padded;
	void *bytes;
	int err;

	if (iov_iter_count(from) < sizeof(header))
		return -EINVAL;
	err = -EFAULT;
	if (copy_from_iter(&header, sizeof(header), from) != sizeof(header))
		goto restore;
	err = -EINVAL;
	if (header.number || header.record.flags & ~(turns ? STPLR_RING_TURN : 0))
		goto restore;
	left = iov_iter_count(from);
	if (header.record.len > left)
		goto restore;
	/* the last one may lack what it would be padded with */
	padded = min_t(size_t, ALIGN((size_t)header.record.len, STPLR_RING_ALIGN), left);
	/* a long record may take the place of millions of empty ones */
	do {
		cond_resched();
		err = stplr_ring_place(end, cursor, header.record.len, STPLR_RING_DROP_BATCH,
				       &bytes);
	} while (err == -EINPROGRESS);
	if (err) {
		*need = stplr_ring_need(header.record.len);
		goto restore;
	}
	err = -EFAULT;
	if (copy_from_iter(bytes, header.record.len, from) != header.record.len)
		goto restore;
	iov_iter_advance(from, padded - header.record.len);
	stplr_ring_put_record(end, cursor, header.record);
	return sizeof(header) + padded;

restore:
	*from = before;
	return err;
}

static ssize_t stplr_ring_copy_some_in(struct stplr_ring_end *end, struct iov_iter *from, u32 *need)
{
	struct stplr_ring_cursor cursor;
	ssize_t copied = 0, one = 0;

	stplr_ring_cursor_load(end, &cursor);
	while (iov_iter_count(from)) {
		one = stplr_ring_copy_one_in(end, &cursor, from, need);
		if (one < 0)
			break;
		copied += one;
	}
	if (copied)
		stplr_ring_committed(end);
	return copied ?: one;
}

/* write(2) */
ssize_t stplr_ring_copy_in(struct stplr_ring_end *end, struct iov_iter *from, bool nonblock)
{
	ssize_t ret;
	u32 need;

	if (!stplr_ring_out_bytes(end))
		return -EINVAL;
	for (;;) {
		ret = stplr_ring_lock_copies(&end->writing, nonblock);
		if (ret)
			return ret;
		ret = stplr_ring_copy_some_in(end, from, &need);
		mutex_unlock(&end->writing);
		if (ret != -EAGAIN || nonblock)
			return ret;
		if (signal_pending(current))
			return -ERESTARTSYS;
		/* what is waited for may be there, and taken away, again and again */
		cond_resched();
		ret = stplr_ring_wait_for(end, STPLR_RING_ROOM, need, STPLR_DEADLINE_NONE,
					  CLOCK_MONOTONIC, 0);
		if (ret < 0)
			return ret;
	}
}

/* How long the next record is, 0 without one; what was lost; EPROTO, EINTR. */
int stplr_ring_next_len(struct stplr_ring_end *end, u32 *len, u64 *lost)
{
	struct stplr_ring_record record = {};
	struct stplr_ring_cursor cursor;
	const void *bytes;
	int err = 0;

	*len = 0;
	if (mutex_lock_interruptible(&end->reading))
		return -ERESTARTSYS;
	stplr_ring_cursor_load(end, &cursor);
	if (stplr_ring_in_bytes(end))
		err = stplr_ring_next(end, &cursor, &record, &bytes);
	mutex_unlock(&end->reading);
	*lost = cursor.lost;
	if (!err)
		*len = record.len;
	return err == -EPROTO ? err : 0;
}
