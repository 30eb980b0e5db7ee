// SPDX-License-Identifier: GPL-2.0
/*
 * Records: how they are put into a ring and taken out, for a driver, whose cursor is its own, and
 * for a process that has the kernel copy, whose cursor is what its page says at the time.
 *
 * The letters are those of <linux/stplr_ring.h>.
 */

#include <linux/compiler.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/nospec.h>

#include "ring/ending.h"
#include "ring/flow.h"

/* A header as it is at one moment; what others write may change any time. */
static struct stplr_ring_record stplr_ring_header(const void *from)
{
	union {
		u64 word;
		struct stplr_ring_record record;
	} header = { .word = READ_ONCE(*(const u64 *)from) };

	return header.record;
}

static void stplr_ring_set_header(void *to, struct stplr_ring_record record)
{
	union {
		struct stplr_ring_record record;
		u64 word;
	} header = { .record = record };

	WRITE_ONCE(*(u64 *)to, header.word);
}

/* What a process says of itself; it is its own misfortune if that is not so. */
void stplr_ring_cursor_load(const struct stplr_ring_end *end, struct stplr_ring_cursor *cursor)
{
	const struct stplr_ring_writer *writer = &end->page->writer;
	const struct stplr_ring_reader *reader = &end->page->reader;
	const struct stplr_ring_oldest *oldest;

	if (end->driver) {
		*cursor = end->cursor;
		return;
	}
	cursor->head = READ_ONCE(writer->head);
	cursor->sent = READ_ONCE(writer->records);
	cursor->turn = READ_ONCE(writer->turn);
	cursor->version = READ_ONCE(writer->version);
	oldest = &writer->oldest[cursor->version % 2];
	cursor->oldest.position = READ_ONCE(oldest->position);
	cursor->oldest.number = READ_ONCE(oldest->number);
	cursor->tail = READ_ONCE(reader->tail);
	cursor->taken = READ_ONCE(reader->records);
	cursor->lost = READ_ONCE(reader->lost);
	cursor->position = READ_ONCE(reader->position);
}

/* Writing */

/* Up to where the readers have released; W1. */
static u32 stplr_ring_freed(struct stplr_ring_end *end, u32 head, u32 need)
{
	struct stplr_ring *ring = end->ring;
	unsigned long flags;
	u32 held;

	if (!(ring->flags & STPLR_RINGS_MANY)) {
		const struct stplr_ring_page *peer = ring->pages.ends[!end->side];

		/* pairs with the reader's release, R3 */
		return smp_load_acquire(&peer->reader.tail);
	}
	spin_lock_irqsave(&ring->lock, flags);
	if (stplr_ring_out_bytes(end) - (head - ring->held) < need)
		stplr_ring_hold(ring);
	held = ring->held;
	spin_unlock_irqrestore(&ring->lock, flags);
	return held;
}

/* May it be worth to try? A peer's nonsense is found by who tries. */
bool stplr_ring_has_room(struct stplr_ring_end *end, u32 head, u32 need)
{
	u32 size = stplr_ring_out_bytes(end), used;

	if (end->ring->flags & STPLR_RINGS_OVERWRITE)
		return true;
	used = head - stplr_ring_freed(end, head, need);
	return used > size || size - used >= need;
}

/*
 * Lets the oldest records give way until there is room, @most of them: EINPROGRESS if that was not
 * enough. Each record is dropped once, so that a writer does no more of this than it has written.
 */
static int stplr_ring_drop(struct stplr_ring_end *end, struct stplr_ring_cursor *cursor, u32 need,
			   unsigned int most)
{
	struct stplr_ring_writer *writer = &end->page->writer;
	const void *data = end->ring->pages.map[STPLR_RING_OUT];
	u32 size = stplr_ring_out_bytes(end);
	u32 used = cursor->head - (u32)cursor->oldest.position;
	struct stplr_ring_oldest *place;

	if (used > size || used % STPLR_RING_ALIGN)
		return stplr_ring_broken(end);
	if (size - used >= need)
		return 0;
	for (; size - used < need && most; most--) {
		u32 at = (u32)cursor->oldest.position & (size - 1);
		u64 step = stplr_ring_need(stplr_ring_header(data + at).len);

		/* a program can write what it has sent */
		if (step > used)
			return stplr_ring_broken(end);
		used -= step;
		cursor->oldest.position += step;
		cursor->oldest.number++;
	}
	place = &writer->oldest[(cursor->version + 1) % 2];
	WRITE_ONCE(place->position, cursor->oldest.position);
	WRITE_ONCE(place->number, cursor->oldest.number);
	cursor->version++;
	/* both are there; pairs with stplr_ring_oldest() */
	smp_store_release(&writer->version, cursor->version);
	smp_wmb(); /* only then they are written over; pairs with stplr_ring_still() */
	return size - used < need ? -EINPROGRESS : 0;
}

/*
 * Where the bytes of the next record are to be written, if there is room for @len of them, or it
 * can be made of @most old ones. EINVAL: not a writer; EMSGSIZE: there never is; EAGAIN: not now;
 * EINPROGRESS: of more, to be called again; EBUSY: not its turn; and why it ended.
 */
int stplr_ring_place(struct stplr_ring_end *end, struct stplr_ring_cursor *cursor, u32 len,
		     unsigned int most, void **bytes)
{
	u32 size = stplr_ring_out_bytes(end);
	u64 need = stplr_ring_need(len);
	int err = stplr_ring_error(end);

	if (!size)
		return -EINVAL;
	if (err)
		return err;
	if (need > size)
		return -EMSGSIZE;
	if (end->ring->flags & STPLR_RINGS_TURNS && !cursor->turn)
		return -EBUSY;
	if (cursor->head % STPLR_RING_ALIGN)
		return stplr_ring_broken(end);

	if (end->ring->flags & STPLR_RINGS_OVERWRITE) {
		err = stplr_ring_drop(end, cursor, need, most);
		if (err)
			return err;
	} else {
		u32 used = cursor->head - stplr_ring_freed(end, cursor->head, need);

		err = stplr_ring_error(end);
		if (err)
			return err;
		if (used > size || used % STPLR_RING_ALIGN)
			return stplr_ring_broken(end);
		if (size - used < need)
			return -EAGAIN;
	}
	*bytes = end->ring->pages.map[stplr_ring_writes(end)] + (cursor->head & (size - 1)) +
		 sizeof(struct stplr_ring_record);
	return 0;
}

/* Its bytes are written (W2): it is committed. Who waits for it is not told. */
void stplr_ring_put_record(struct stplr_ring_end *end, struct stplr_ring_cursor *cursor,
			   struct stplr_ring_record record)
{
	struct stplr_ring_writer *writer = &end->page->writer;
	u32 size = stplr_ring_out_bytes(end);

	stplr_ring_set_header(end->ring->pages.map[stplr_ring_writes(end)] +
			      (cursor->head & (size - 1)), record);
	cursor->head += stplr_ring_need(record.len);
	cursor->sent++;
	WRITE_ONCE(writer->records, cursor->sent);
	if (record.flags & STPLR_RING_TURN) {
		cursor->turn = false;
		WRITE_ONCE(writer->turn, 0);
	}
	smp_store_release(&writer->head, cursor->head); /* W3 */
}

/* Reading */

/* What of what it has written is the oldest; false: that changes all the time. */
bool stplr_ring_oldest(const struct stplr_ring_writer *writer, struct stplr_ring_oldest *oldest)
{
	unsigned int tries;

	for (tries = 0; tries < STPLR_RING_TRIES; tries++) {
		/* pairs with stplr_ring_drop() */
		u32 version = smp_load_acquire(&writer->version);

		oldest->position = READ_ONCE(writer->oldest[version % 2].position);
		oldest->number = READ_ONCE(writer->oldest[version % 2].number);
		smp_rmb(); /* both were as @version says */
		if (READ_ONCE(writer->version) == version)
			return true;
	}
	return false;
}

/* What was read at the cursor is what was written there: it was not overwritten before. */
bool stplr_ring_still(const struct stplr_ring_end *end, const struct stplr_ring_cursor *cursor)
{
	struct stplr_ring_oldest oldest;

	if (!(end->ring->flags & STPLR_RINGS_OVERWRITE))
		return true;
	smp_rmb(); /* pairs with stplr_ring_drop() */
	return stplr_ring_oldest(stplr_ring_writer(end), &oldest) &&
	       (s64)(oldest.position - cursor->position) <= 0;
}

/* Goes on to the oldest record that is there. */
static bool stplr_ring_skip_lost(struct stplr_ring_end *end, struct stplr_ring_cursor *cursor)
{
	struct stplr_ring_oldest oldest;

	if (!stplr_ring_oldest(stplr_ring_writer(end), &oldest))
		return false;
	if ((s64)(oldest.position - cursor->position) <= 0)
		return true;
	cursor->lost += oldest.number - cursor->taken;
	cursor->taken = oldest.number;
	cursor->position = oldest.position;
	cursor->tail = (u32)oldest.position;
	return true;
}

/* Up to where there is something to be read; R1. */
static u32 stplr_ring_written(const struct stplr_ring_end *end)
{
	/* what was written after the end was not committed before it */
	if (stplr_ring_error(end))
		return end->ring->final[stplr_ring_reads(end)];
	/* pairs with the writer's release, W3 */
	return smp_load_acquire(&stplr_ring_writer(end)->head);
}

/* Is what was found there a record, of which @avail bytes were committed? */
static bool stplr_ring_valid(const struct stplr_ring_end *end,
			     const struct stplr_ring_cursor *cursor,
			     const struct stplr_ring_record *record, u32 avail)
{
	bool turns = end->ring->flags & STPLR_RINGS_TURNS;

	if (stplr_ring_need(record->len) > avail)
		return false;
	if (record->flags & ~(turns ? STPLR_RING_TURN : 0))
		return false;
	if (!turns)
		return true;
	/*
	 * It must not have been for this end to speak. Another thread of a program's may have
	 * passed the turn since the cursor was copied: before the peer wrote this.
	 */
	return !(end->driver ? cursor->turn : READ_ONCE(end->page->writer.turn));
}

/*
 * One look at the next record. EINPROGRESS: it was overwritten meanwhile. Nothing that the header
 * says is used before it is known to be as it was written, and within what was committed.
 */
static int stplr_ring_look(struct stplr_ring_end *end, struct stplr_ring_cursor *cursor,
			   struct stplr_ring_record *record, const void **bytes)
{
	bool overwrite = end->ring->flags & STPLR_RINGS_OVERWRITE;
	u32 size = stplr_ring_in_bytes(end), avail;
	const void *at;

	if (overwrite && !stplr_ring_skip_lost(end, cursor))
		return -EINPROGRESS;
	avail = stplr_ring_written(end) - cursor->tail;
	if (overwrite && !stplr_ring_still(end, cursor))
		return -EINPROGRESS;
	if (!avail)
		return stplr_ring_error(end) ?: -EAGAIN;
	if (avail > size || avail % STPLR_RING_ALIGN || cursor->tail % STPLR_RING_ALIGN)
		return stplr_ring_broken(end);
	at = end->ring->pages.map[stplr_ring_reads(end)] + (cursor->tail & (size - 1));
	*record = stplr_ring_header(at);
	if (!stplr_ring_still(end, cursor))
		return -EINPROGRESS;
	if (!stplr_ring_valid(end, cursor, record, avail))
		return stplr_ring_broken(end);
	/* whatever the processor guesses of the check */
	record->len = array_index_nospec(record->len, avail);
	*bytes = at + sizeof(*record);
	return 0;
}

/*
 * The next record, which stays: its header, copied and checked, and where its bytes are, which the
 * peer may go on changing. Of a ring that overwrites they are good once stplr_ring_still() says so
 * afterwards. EINVAL: not a reader; EAGAIN: none, or they are overwritten faster than they are
 * looked at; and why it ended, once what was committed is read.
 */
int stplr_ring_next(struct stplr_ring_end *end, struct stplr_ring_cursor *cursor,
		    struct stplr_ring_record *record, const void **bytes)
{
	unsigned int tries;
	int err;

	if (!stplr_ring_in_bytes(end))
		return -EINVAL;
	/* a reader of many that has ended: the ring goes on, and has no final heads */
	err = READ_ONCE(end->error);
	if (err)
		return err;
	for (tries = 0; tries < STPLR_RING_TRIES; tries++) {
		err = stplr_ring_look(end, cursor, record, bytes);
		if (err != -EINPROGRESS)
			return err;
	}
	return -EAGAIN;
}

/* It has been read (R2): it is released. Who waits for room is not told. */
void stplr_ring_take_record(struct stplr_ring_end *end, struct stplr_ring_cursor *cursor,
			    struct stplr_ring_record record)
{
	struct stplr_ring_reader *reader = &end->page->reader;
	u32 need = stplr_ring_need(record.len);

	cursor->tail += need;
	cursor->position += need;
	cursor->taken++;
	if (record.flags & STPLR_RING_TURN) {
		cursor->turn = true;
		WRITE_ONCE(end->page->writer.turn, 1);
	}
	WRITE_ONCE(reader->records, cursor->taken);
	WRITE_ONCE(reader->lost, cursor->lost);
	WRITE_ONCE(reader->position, cursor->position);
	smp_store_release(&reader->tail, cursor->tail); /* R3 */
}
