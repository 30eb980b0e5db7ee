// SPDX-License-Identifier: GPL-2.0
/* Rings for kernel code: a driver's ends, whose indices are its own. */

#include <linux/err.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/stplr_ring.h>
#include <linux/string.h>

#include "core/device.h"
#include "core/name.h"
#include "ring/attach.h"
#include "ring/ending.h"
#include "ring/flow.h"
#include "ring/ring.h"
#include "ring/set.h"
#include "ring/tell.h"
#include "ring/wait.h"

static const struct stplr_ring_ops stplr_ring_ops_none;

/**
 * stplr_rings_create() - make a set of rings
 * @params: how it is to be; not needed any more when this returns
 *
 * Nothing can be attached before a ring is opened. The memory is nobody's, but the kernel's.
 *
 * Context: process; may sleep. Return: the set, to be given back by stplr_rings_destroy(); or an
 * ERR_PTR: ENODEV: no such device; EINVAL: a bad name, flag, mode, number or size; EEXIST: another
 * set has the name; ENOMEM.
 */
struct stplr_rings *stplr_rings_create(const struct stplr_rings_params *params)
{
	struct stplr_device *device = stplr_device_find(params->device);
	struct stplr_rings_shape shape;
	struct stplr_rings *set;
	int err;

	if (!device)
		return ERR_PTR(-ENODEV);
	if (params->mode & ~0777 || stplr_name_check_kernel(params->name) ||
	    !stplr_rings_shape_make(&shape, params->flags, params->rings, params->out_pages,
				    params->in_pages))
		return ERR_PTR(-EINVAL);
	set = stplr_rings_alloc(device, params->name, &shape, true);
	if (IS_ERR(set))
		return set;
	set->module = params->module;
	set->owner = params->owner;
	set->group = params->group;
	set->mode = params->mode ?: 0600;
	err = stplr_rings_register(set);
	if (err) {
		stplr_rings_put(set);
		return ERR_PTR(err);
	}
	return set;
}
EXPORT_SYMBOL_GPL(stplr_rings_create);

/**
 * stplr_rings_end() - end a set with all of its rings
 * @set: from stplr_rings_create()
 *
 * The name is free, nothing can be attached any more, and both ends of its rings get ESHUTDOWN,
 * programs once they have read what was committed. No program that is attached holds the driver any
 * more: it may be unloaded, once it has closed its ends.
 *
 * Context: process; may sleep. May be called again.
 */
void stplr_rings_end(struct stplr_rings *set)
{
	stplr_rings_shutdown(set);
}
EXPORT_SYMBOL_GPL(stplr_rings_end);

/**
 * stplr_rings_destroy() - end a set, and give it back
 * @set: from stplr_rings_create()
 *
 * stplr_rings_end(); the driver's ends are still to be closed, before or after.
 *
 * Context: process; may sleep.
 */
void stplr_rings_destroy(struct stplr_rings *set)
{
	stplr_rings_shutdown(set);
	stplr_rings_put(set);
}
EXPORT_SYMBOL_GPL(stplr_rings_destroy);

/**
 * stplr_ring_open() - make a ring of a set, and have its creator's end
 * @set: from stplr_rings_create(), and nobody ends it meanwhile
 * @number: which, not opened yet, or ended; STPLR_RING_ANY: the lowest such
 * @ops: how to be told, or NULL
 * @data: for it
 *
 * From then on it can be attached. A ring that has ended is opened again for the next peer, and its
 * end still to be closed.
 *
 * Context: process; may sleep. Return: the end, to be given back by stplr_ring_close(); or an
 * ERR_PTR: EINVAL: no such number; EBUSY: it, or every one, is open; EINTR: a fatal signal; ENOMEM.
 */
struct stplr_ring_end *stplr_ring_open(struct stplr_rings *set, u32 number,
				       const struct stplr_ring_ops *ops, void *data)
{
	return stplr_rings_open(set, number, ops ?: &stplr_ring_ops_none, data);
}
EXPORT_SYMBOL_GPL(stplr_ring_open);

/**
 * stplr_ring_attach() - attach a ring of a set, whoever made that
 * @params: which; not needed any more when this returns
 * @ops: how to be told, or NULL
 * @data: for it
 *
 * Names' modes do not matter to kernel code; whose the set is does, to a driver that says so.
 *
 * Context: process; may sleep. Return: the end, to be given back by stplr_ring_close(); or an
 * ERR_PTR: ENODEV: no such device; EINVAL: a bad name, number, flag or user; ENOENT, EAGAIN: no
 * such name, or the ring is not free, and not waiting; ETIMEDOUT; EPERM: the set is not
 * @params->uid's, whether waiting or not; ERESTARTSYS: a signal; ENOMEM.
 */
struct stplr_ring_end *stplr_ring_attach(const struct stplr_ring_params *params,
					 const struct stplr_ring_ops *ops, void *data)
{
	struct stplr_device *device = stplr_device_find(params->device);
	bool ask = params->flags & STPLR_RING_UID;
	const struct stplr_ring_wish wish = {
		.name = params->name,
		.number = params->number,
		.deadline = params->deadline,
		.clock = CLOCK_MONOTONIC,
		.uid = ask ? params->uid : INVALID_UID,
		.ops = ops ?: &stplr_ring_ops_none,
		.data = data,
	};

	if (!device)
		return ERR_PTR(-ENODEV);
	if (stplr_name_check_kernel(params->name) || params->flags & ~STPLR_RING_UID)
		return ERR_PTR(-EINVAL);
	/* without the flag it is 0, which says nothing */
	if (ask ? !uid_valid(params->uid) : !uid_eq(params->uid, GLOBAL_ROOT_UID))
		return ERR_PTR(-EINVAL);
	return stplr_rings_attach(device, &wish);
}
EXPORT_SYMBOL_GPL(stplr_ring_attach);

/**
 * stplr_ring_close() - give an end back
 * @end: from stplr_ring_open() or stplr_ring_attach(); nobody is in a call with it
 *
 * The ring ends, if it has not (EPIPE for the peer, which can read what was committed); of one to
 * many, a reader leaves. No operation runs when this returns, and none will.
 *
 * Context: process; may sleep. Not in the end's own operation.
 */
void stplr_ring_close(struct stplr_ring_end *end)
{
	stplr_ring_leave(end);
}
EXPORT_SYMBOL_GPL(stplr_ring_close);

/**
 * stplr_ring_number() - which ring, or of one to many which reader, it is
 * @end: the end
 *
 * Context: any. Return: the number.
 */
u32 stplr_ring_number(const struct stplr_ring_end *end)
{
	return end->number;
}
EXPORT_SYMBOL_GPL(stplr_ring_number);

/**
 * stplr_ring_peers() - how many ends are attached on the other side, or were when it ended
 * @end: the end
 *
 * Context: any but NMI; with PREEMPT_RT, not hard interrupts. Return: 0, 1, or how many readers.
 */
unsigned int stplr_ring_peers(struct stplr_ring_end *end)
{
	struct stplr_ring *ring = end->ring;
	unsigned long flags;
	unsigned int peers;

	spin_lock_irqsave(&ring->lock, flags);
	peers = end->side == STPLR_RING_OUT ? ring->nr_attached : !!ring->creator;
	spin_unlock_irqrestore(&ring->lock, flags);
	return peers;
}
EXPORT_SYMBOL_GPL(stplr_ring_peers);

/* Writing */

static void stplr_ring_tell_committed(struct stplr_ring_end *end, unsigned int tell)
{
	if (tell == STPLR_RING_TELL_ALWAYS)
		stplr_ring_tell(end);
	else if (tell == STPLR_RING_TELL_WANTED)
		stplr_ring_committed(end);
}

/**
 * stplr_ring_reserve() - room for a record
 * @end: the end
 * @len: for how many bytes, 0 included
 *
 * One at a time: stplr_ring_commit() or stplr_ring_discard() follows.
 *
 * Context: any but NMI; of one to many with PREEMPT_RT, not hard interrupts. Return: where to write
 * the bytes, aligned to 8; or an ERR_PTR: EAGAIN: no room now; EMSGSIZE: there never is; EBUSY: not
 * its turn; EINVAL: it does not write; EPIPE, ESHUTDOWN: it has ended; EPROTO: so it has, for the
 * peer broke the rules.
 */
void *stplr_ring_reserve(struct stplr_ring_end *end, u32 len)
{
	void *bytes;
	int err;

	if (WARN_ON_ONCE(end->reserving))
		return ERR_PTR(-EINVAL);
	err = stplr_ring_place(end, &end->cursor, len, UINT_MAX, &bytes);
	if (err)
		return ERR_PTR(err);
	end->reserving = true;
	end->reserved = len;
	return bytes;
}
EXPORT_SYMBOL_GPL(stplr_ring_reserve);

/**
 * stplr_ring_commit() - the peer may read what was reserved
 * @end: the end
 * @len: how many bytes were written, up to what was reserved
 * @type: for the peer
 * @flags: STPLR_RING_TURN, in sets that are turn by turn, to pass the turn on
 * @tell: STPLR_RING_TELL_WANTED, or of many records only with the last, and STPLR_RING_TELL_NOT
 *	with the others; STPLR_RING_TELL_ALWAYS
 *
 * Context: any but NMI.
 */
void stplr_ring_commit(struct stplr_ring_end *end, u32 len, u16 type, u16 flags, unsigned int tell)
{
	const struct stplr_ring_record record = { .len = len, .type = type, .flags = flags };
	u16 known = end->ring->flags & STPLR_RINGS_TURNS ? STPLR_RING_TURN : 0;

	if (WARN_ON_ONCE(!end->reserving || len > end->reserved || flags & ~known))
		return;
	end->reserving = false;
	stplr_ring_put_record(end, &end->cursor, record);
	stplr_ring_tell_committed(end, tell);
}
EXPORT_SYMBOL_GPL(stplr_ring_commit);

/**
 * stplr_ring_discard() - what was reserved is not needed
 * @end: the end
 *
 * Context: any.
 */
void stplr_ring_discard(struct stplr_ring_end *end)
{
	WARN_ON_ONCE(!end->reserving);
	end->reserving = false;
}
EXPORT_SYMBOL_GPL(stplr_ring_discard);

/**
 * stplr_ring_write() - a record by copy
 * @end: the end
 * @from: its bytes
 * @len: how many
 * @type: for the peer
 * @flags: as for stplr_ring_commit()
 *
 * The peer is told if it waits. Context: as for stplr_ring_reserve(). Return: 0, or the error of
 * that.
 */
int stplr_ring_write(struct stplr_ring_end *end, const void *from, u32 len, u16 type, u16 flags)
{
	void *bytes = stplr_ring_reserve(end, len);

	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	memcpy(bytes, from, len);
	stplr_ring_commit(end, len, type, flags, STPLR_RING_TELL_WANTED);
	return 0;
}
EXPORT_SYMBOL_GPL(stplr_ring_write);

/* Reading */

/**
 * stplr_ring_peek() - look at the next record
 * @end: the end
 * @record: gets its header, a copy that was checked
 *
 * It stays until stplr_ring_release(); to peek again shows the same one. A peer may change its
 * bytes any time.
 *
 * Context: any but NMI. Return: where its bytes are, in a row; or an ERR_PTR: EAGAIN: there is none
 * now; EINVAL: it does not read; EPIPE, ESHUTDOWN: it has ended, and all is read; EPROTO: it has
 * ended, for the peer broke the rules.
 */
const void *stplr_ring_peek(struct stplr_ring_end *end, struct stplr_ring_record *record)
{
	const void *bytes;
	int err;

	end->peeking = false;
	err = stplr_ring_next(end, &end->cursor, &end->peeked, &bytes);
	if (err)
		return ERR_PTR(err);
	end->peeking = true;
	*record = end->peeked;
	return bytes;
}
EXPORT_SYMBOL_GPL(stplr_ring_peek);

/**
 * stplr_ring_release() - the record that was peeked at is done with
 * @end: the end
 * @tell: as for stplr_ring_commit(), of the peer that waits for room
 *
 * Context: any but NMI. Return: 0; ESTALE: the set overwrites, and has overwritten this one before:
 * what was read of it is not what was written, and the next peek shows the next.
 */
int stplr_ring_release(struct stplr_ring_end *end, unsigned int tell)
{
	if (WARN_ON_ONCE(!end->peeking))
		return -EINVAL;
	end->peeking = false;
	if (!stplr_ring_still(end, &end->cursor))
		return -ESTALE;
	stplr_ring_take_record(end, &end->cursor, end->peeked);
	if (tell == STPLR_RING_TELL_ALWAYS)
		stplr_ring_tell(end);
	else if (tell == STPLR_RING_TELL_WANTED)
		stplr_ring_released(end);
	return 0;
}
EXPORT_SYMBOL_GPL(stplr_ring_release);

/**
 * stplr_ring_read() - take a record by copy
 * @end: the end
 * @to: gets its bytes
 * @room: for how many
 * @record: gets its header, or NULL
 *
 * The peer is told if it waits for room. What is in @to does not change any more.
 *
 * Context: any but NMI. Return: how many bytes; or EMSGSIZE: more than @room: it stays; or as for
 * stplr_ring_peek().
 */
ssize_t stplr_ring_read(struct stplr_ring_end *end, void *to, size_t room,
			struct stplr_ring_record *record)
{
	struct stplr_ring_record header;
	unsigned int tries;

	for (tries = 0; tries < STPLR_RING_TRIES; tries++) {
		const void *bytes = stplr_ring_peek(end, &header);

		if (IS_ERR(bytes))
			return PTR_ERR(bytes);
		if (header.len > room) {
			end->peeking = false;
			return -EMSGSIZE;
		}
		memcpy(to, bytes, header.len);
		if (stplr_ring_release(end, STPLR_RING_TELL_WANTED))
			continue;
		if (record)
			*record = header;
		return header.len;
	}
	return -EAGAIN;
}
EXPORT_SYMBOL_GPL(stplr_ring_read);

static bool stplr_ring_can(const struct stplr_ring_end *end, u32 what, u32 room)
{
	return what && !(what & ~stplr_ring_directions(end)) && room <= stplr_ring_out_bytes(end);
}

/**
 * stplr_ring_ask() - be told of what comes next
 * @end: the end
 * @what: STPLR_RING_DATA, STPLR_RING_ROOM, or both
 * @room: for how many bytes, as for stplr_ring_wait()
 *
 * If there is none of @what now, the driver's operation is called when the peer next commits, or
 * releases: once, and then it asks again. As a program waits, without waiting.
 *
 * Context: any but NMI; of one to many with PREEMPT_RT, not hard interrupts. Return: which there
 * is; 0: there is none, and it will be told; or EINVAL: no such direction; EPIPE, ESHUTDOWN,
 * EPROTO: it has ended.
 */
int stplr_ring_ask(struct stplr_ring_end *end, u32 what, u32 room)
{
	if (!stplr_ring_can(end, what, room))
		return -EINVAL;
	stplr_ring_arm(end, what);
	return stplr_ring_ready(end, what, room);
}
EXPORT_SYMBOL_GPL(stplr_ring_ask);

/**
 * stplr_ring_wait() - sleep until there is something to read, or room
 * @end: the end
 * @what: STPLR_RING_DATA, STPLR_RING_ROOM, or both
 * @room: for how many bytes, each record's header of 8 included, and its bytes' end rounded up to 8
 * @deadline: until when, as for stplr_ring_attach()
 * @spin: for how many ns to look before sleeping
 *
 * Context: process; sleeps interruptibly. Return: which there is; or EINVAL: no such direction;
 * EAGAIN, ETIMEDOUT; ERESTARTSYS: a signal; EPIPE, ESHUTDOWN, EPROTO: it has ended.
 */
int stplr_ring_wait(struct stplr_ring_end *end, u32 what, u32 room, s64 deadline, u32 spin)
{
	if (!stplr_ring_can(end, what, room))
		return -EINVAL;
	return stplr_ring_wait_for(end, what, room, deadline, CLOCK_MONOTONIC,
				   min_t(u32, spin, STPLR_RING_SPIN_MAX));
}
EXPORT_SYMBOL_GPL(stplr_ring_wait);
