/* SPDX-License-Identifier: MIT */
/*
 * libstplr: rings - shared memory in which records flow without system calls
 *
 * Part of <stplr.h>. <linux/stplr_ring.h> says what rings are, how they lie in memory, and what
 * their descriptors answer. The objects are file descriptors, too:
 *
 *	ring set	from stplr_rings_create(): a name, and numbered rings behind it
 *	end of a ring	from stplr_ring_open(), its creator's; from stplr_ring_attach(), the other
 *
 * Who holds an end maps it, into a struct stplr_ring of its own (stplr_ring_map()), and then writes
 * and reads. A record is bytes and a type of the peers' own. Either in place:
 *
 *	place = stplr_ring_reserve(&ring, len);		bytes = stplr_ring_peek(&ring, &record);
 *	... fill it ...					... use them ...
 *	stplr_ring_commit(&ring, len, type, 0);		stplr_ring_release(&ring, 0);
 *
 * or by copy, stplr_ring_write() and stplr_ring_read(). None of these waits, and none makes a
 * system call unless the peer sleeps and is to be woken. Where they fail with EAGAIN,
 * stplr_ring_wait() waits for data or for room; so do poll(2) and epoll(7) on the descriptor.
 *
 * Each direction has one writer and one reader: one thread may write and another one read on the
 * same struct stplr_ring, but not two threads write, nor two read. Nothing of it is thread-local:
 * who makes sure that only one thread does so at a time may write from several. read(2) and
 * write(2) on the descriptor may take turns with these calls.
 *
 * A peer is not trusted. Its indices and headers are read once, and one that breaks the rules ends
 * the ring: EPROTO. Only the bytes of records are the program's own to judge: those that lie in
 * place can be changed by a malicious peer while they are looked at, those that were copied cannot.
 *
 * A child of fork(2) has the descriptors, but no mapping: its copies of struct stplr_ring are good
 * for nothing but stplr_ring_map(), which the parent must not use the same end beside.
 */
#ifndef STPLR_RING_H
#define STPLR_RING_H

#include <stplr.h>

#include <errno.h>
#include <string.h>

#include <linux/stplr_ring.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What commits and releases do besides (@how); 0 wakes the peer if it waits. */

/**
 * STPLR_RING_NO_WAKEUP - do not look whether the peer waits: a later call does, stplr_ring_flush()
 * or stplr_ring_wait().
 */
#define STPLR_RING_NO_WAKEUP (1U << 16)
/** STPLR_RING_FORCE_WAKEUP - wake the peer whether it waits or not, and have its eventfd told. */
#define STPLR_RING_FORCE_WAKEUP (1U << 17)

/* The ring */

/* struct stplr_ring_out - private: what an end writes. */
struct stplr_ring_out {
	struct stplr_ring_writer *own;
	const uint32_t *tail_peer; /* up to where the writer need not wait for anybody */
	const uint32_t *flags;
	unsigned char *data;
	struct stplr_ring_record *record; /* what was reserved */
	size_t reserved;                  /* its bytes and 1; 0: nothing is */
	uint64_t records;                 /* @own's when @limit was right: write(2) moves it on */
	uint32_t limit;                   /* the last place that is free for a header */
	uint32_t mask;
	uint32_t size;
	uint32_t most; /* bytes in the longest record */
};

/* struct stplr_ring_in - private: what an end reads. */
struct stplr_ring_in {
	struct stplr_ring_reader *own;
	const struct stplr_ring_writer *peer;
	const uint32_t *flags;
	const unsigned char *data;
	uint64_t records; /* @own's when @head was right: read(2) moves it on */
	uint32_t head;    /* what was last seen of @peer's */
	uint32_t mask;
	uint32_t size;
	uint32_t most;  /* bytes in the longest record */
	uint32_t turns; /* whether there are */
	uint32_t taken; /* of the record that was peeked at; 0: none was */
	uint32_t turn;  /* it passes it */
	uint32_t ended; /* the end was seen: what is written after it does not count */
	uint64_t last;  /* up to where is read then, as an index or in 64 bits */
};

/**
 * struct stplr_ring - an end of a ring, mapped
 * @fd: its descriptor, the caller's
 * @flags: as in struct stplr_ring_info
 * @spin: how many nanoseconds, at most 100,000, stplr_ring_wait() looks again and again before it
 *	sleeps: at first without a system call, then in the kernel, which stops where another thread
 *	wants the processor. May be set by the program. stplr_ring_map() chooses STPLR_RING_SPIN, or
 *	0 on a machine with one processor
 *
 * The other fields are private.
 */
struct stplr_ring {
	int fd;
	uint32_t flags;
	uint32_t spin;
	uint32_t page_size;
	const struct stplr_ring_kernel *kernel;
	struct stplr_ring_page *own;
	const struct stplr_ring_page *peer;
	struct stplr_ring_out out;
	unsigned char apart[STPLR_RING_LINE]; /* one thread writes, another one reads */
	struct stplr_ring_in in;
	uint64_t spare[8];
};

/** STPLR_RING_SPIN - what stplr_ring_map() sets @spin to, in nanoseconds. */
#define STPLR_RING_SPIN 10000

/* Ring sets */

/**
 * stplr_rings_create() - make a ring set
 * @device: from stplr_open()
 * @name: 1 to STPLR_NAME_MAX bytes of [A-Za-z0-9._-], or an id's (stplr_id_name()); names of ring
 *	sets are apart from those of channels
 * @options: rings, out_pages, in_pages; and, if not 0, flags, mode, gid. The library sets the name;
 *	the rest must be 0
 *
 * Nothing can be attached before a ring is opened.
 *
 * Return: a new descriptor, of the set; -1: EINVAL: a bad name, flag, mode, number or size; EEXIST:
 * another set has the name; EPERM: not a member of the gid; ENOBUFS: too much memory of this user;
 * EMFILE, ENFILE, ENOMEM.
 */
int stplr_rings_create(int device, const char *name, const struct stplr_rings_create *options);

/**
 * stplr_ring_open() - make a ring of a set, and have its creator's end
 * @set: from stplr_rings_create()
 * @options: in: number, flags; out: number. NULL: whichever number is free, no flags
 *
 * From then on it can be attached. What is written before that waits for the peer (but for one to
 * many).
 *
 * Return: a new descriptor, of the end; -1: EINVAL: a bad flag or number; EBUSY: the number, or
 * every one, is open and has not ended; ENOBUFS: too much memory of this user; EMFILE, ENFILE,
 * ENOMEM.
 */
int stplr_ring_open(int set, struct stplr_ring_open *options);

/**
 * stplr_rings_attached() - wait until somebody attaches a ring of a set
 * @set: from stplr_rings_create()
 * @number: which ring, or STPLR_RING_ANY
 * @peer: gets who attached: pid, uid, gid, see struct stplr_rings_attached; may be NULL
 * @timeout: how long to wait: nanoseconds, 2 * STPLR_SECOND; 0: not at all; less than 0: as long as
 *	it takes
 *
 * Each attachment is told of once.
 *
 * Return: the number of the ring, of one to many the reader's; -1: EINVAL: a bad number; EAGAIN:
 * nobody, and not waiting; ETIMEDOUT; EINTR: a signal came.
 */
int stplr_rings_attached(int set, uint32_t number, struct stplr_rings_attached *peer,
			 int64_t timeout);

/**
 * stplr_ring_attach_timeout() - attach to a ring of a set, for a time
 * @device: from stplr_open()
 * @name: the set's name
 * @number: which ring, or STPLR_RING_ANY
 * @timeout: how long to wait for the name, and for the ring to be open and free: nanoseconds,
 *	5 * STPLR_SECOND; 0: not at all; less than 0: as long as it takes
 *
 * Return: a new descriptor, of the end; -1: EINVAL: a bad name, or a number that the set does not
 * have; ENOENT: no such name, and not waiting; EAGAIN: the ring is not free, and not waiting;
 * ETIMEDOUT: neither in time; EINTR: a signal came; EACCES: the set's mode forbids it; ENOBUFS: too
 * much memory of this user; EMFILE, ENFILE, ENOMEM.
 */
int stplr_ring_attach_timeout(int device, const char *name, uint32_t number, int64_t timeout);

/**
 * stplr_ring_attach() - STPLR_RING_ATTACH, with deadline and flags
 * @device: from stplr_open()
 * @name: the set's name
 * @options: in and out, see struct stplr_ring_attach. The library sets the name. A zeroed deadline
 *	does not wait; waiting without a limit is STPLR_DEADLINE_NONE
 *
 * Return: as stplr_ring_attach_timeout(), and EPERM: the creator's user is not @options' uid;
 * EINVAL: a bad flag, clock, deadline or reserved field.
 */
int stplr_ring_attach(int device, const char *name, struct stplr_ring_attach *options);

/* Ends */

/**
 * stplr_ring_map() - map an end, to write and read there
 * @ring: gets all that the calls below need; what it was before does not matter
 * @fd: from stplr_ring_open() or stplr_ring_attach(); it stays the caller's, and must stay open
 *	while @ring is used
 *
 * An end goes on where it is: what one process has left another one, or the same one later, finds.
 *
 * Return: 0; -1: ENOMEM; EPROTO: the peer has broken the rules, and the ring has ended.
 */
int stplr_ring_map(struct stplr_ring *ring, int fd);

/**
 * stplr_ring_unmap() - unmap an end
 * @ring: from stplr_ring_map(); nothing happens if that failed, or to one that was unmapped
 *
 * The ring does not end while the descriptor is open. Not for a child of fork(2), which has no
 * mapping.
 */
void stplr_ring_unmap(struct stplr_ring *ring);

/**
 * stplr_ring_info() - what an end is, and how it is
 * @fd: an end
 * @info: gets the answer, see struct stplr_ring_info
 *
 * Return: 0; -1: EPROTO: the peer has broken the rules, and the ring has ended.
 */
int stplr_ring_info(int fd, struct stplr_ring_info *info);

/**
 * stplr_ring_wait() - wait until there is something to read, or room to write
 * @ring: from stplr_ring_map()
 * @what: STPLR_RING_DATA, STPLR_RING_ROOM, or both: whichever comes first
 * @len: with STPLR_RING_ROOM: for a record of how many bytes
 * @timeout: how long to wait: nanoseconds, 2 * STPLR_SECOND; 0: not at all; less than 0: as long as
 *	it takes
 *
 * Looks first, again and again for @ring's spin, and then sleeps. Makes no system call if what it
 * waits for is there, or comes at once.
 *
 * Return: STPLR_RING_DATA, STPLR_RING_ROOM or both: what there is; -1: EAGAIN: neither, and not
 * waiting; ETIMEDOUT: not in time; EINTR: a signal came; EPIPE, EPROTO, ESHUTDOWN: the ring has
 * ended, and there is nothing left to be read; EMSGSIZE: @len is more than the ring can take;
 * EINVAL: @what, or no such direction.
 */
int stplr_ring_wait(struct stplr_ring *ring, uint32_t what, size_t len, int64_t timeout);

/**
 * stplr_ring_flush() - wake the peer if it waits, after commits and releases that were quiet
 * @ring: from stplr_ring_map()
 *
 * For STPLR_RING_NO_WAKEUP. stplr_ring_wait() does it before it sleeps.
 *
 * Return: 0; -1: EPIPE, EPROTO, ESHUTDOWN: the ring has ended, and this end writes; EINVAL: not
 * mapped.
 */
int stplr_ring_flush(struct stplr_ring *ring);

/**
 * stplr_ring_wake() - wake who waits on the other side, whatever for
 * @fd: an end
 *
 * Commits and releases do it by themselves. May be called from a signal handler.
 *
 * Return: 0; -1: EPIPE, EPROTO, ESHUTDOWN: the ring has ended.
 */
int stplr_ring_wake(int fd);

/**
 * stplr_ring_eventfd() - be told through an eventfd(2), or tell through one
 * @fd: an end
 * @event: an eventfd; -1: none any more
 * @flags: 0: 1 is added to @event whenever this end is woken; STPLR_RING_EVENTFD_ALWAYS: with every
 *	commit and release of the peer's; STPLR_RING_EVENTFD_WAKES: who adds to @event wakes the
 *	peer
 *
 * One each way at most; another replaces it. @event may be closed afterwards. Before it is read or
 * polled, stplr_ring_arm(), and then one more look at the ring.
 *
 * Return: 0; -1: EINVAL: a bad flag, or no eventfd; EBADF: @event is not open; ENOMEM.
 */
int stplr_ring_eventfd(int fd, int event, uint32_t flags);

/**
 * stplr_ring_arm() - have the next record, or room, wake this end
 * @fd: an end
 * @what: STPLR_RING_DATA, STPLR_RING_ROOM, or both
 *
 * For who sleeps by an eventfd. Who waits by stplr_ring_wait() or poll(2) need not.
 *
 * Return: 0; -1: EINVAL: @what, or no such direction.
 */
int stplr_ring_arm(int fd, uint32_t what);

/**
 * stplr_ring_end() - end a ring now, for both ends, whoever has descriptors of it
 * @fd: an end; a reader of one to many ends for itself alone
 * @error: what both ends get then: 0: EPIPE; EPROTO: the peer broke the rules
 *
 * What was committed before can still be read.
 *
 * Return: 0; -1: EINVAL: another error; EPIPE: it had ended.
 */
int stplr_ring_end(int fd, int error);

/* Private: what the inline calls below leave to the library. */
int stplr_ring_reserve_slow(struct stplr_ring *ring, size_t len);
int stplr_ring_peek_slow(struct stplr_ring *ring);
ssize_t stplr_ring_read_slow(struct stplr_ring *ring, void *buffer, size_t size,
			     struct stplr_ring_copy *record);
int stplr_ring_judge_slow(struct stplr_ring *ring, const struct stplr_ring_record *record);
int stplr_ring_wake_slow(struct stplr_ring *ring, uint32_t seen, int writing);

#ifdef __cplusplus
#define STPLR_RING_AS(type, value) static_cast<type>(value)
#else
#define STPLR_RING_AS(type, value) ((type)(value))
#endif
#define STPLR_RING_RARELY(condition) __builtin_expect(!!(condition), 0)

/* Private: bytes that a record takes, of one that is not too long. */
static inline uint32_t stplr_ring_span_(size_t len)
{
	return (STPLR_RING_AS(uint32_t, len) + 15U) & ~7U;
}

/* Private: a header, read once: the peer may change it at any time. */
static inline struct stplr_ring_record stplr_ring_header_(const void *place)
{
	struct stplr_ring_record header;
#if UINTPTR_MAX > UINT32_MAX
	const uint64_t word =
		__atomic_load_n(STPLR_RING_AS(const uint64_t *, place), __ATOMIC_RELAXED);

	memcpy(&header, &word, sizeof(header));
#else
	const struct stplr_ring_record *shared =
		STPLR_RING_AS(const struct stplr_ring_record *, place);

	header.len = __atomic_load_n(&shared->len, __ATOMIC_RELAXED);
	header.type = __atomic_load_n(&shared->type, __ATOMIC_RELAXED);
	header.flags = __atomic_load_n(&shared->flags, __ATOMIC_RELAXED);
#endif
	return header;
}

static inline int stplr_ring_fail_(int error)
{
	errno = error;
	return -1;
}

/*
 * Private: W3 to W5, R3 to R5. The store and the load that follows it are both of one order with
 * all others (SEQ_CST), which is the full barrier between them; ThreadSanitizer knows no other.
 */
static inline int stplr_ring_publish_(struct stplr_ring *ring, uint32_t *own, uint32_t index,
				      const uint32_t *flags, uint32_t how, int writing)
{
	uint32_t seen;

	if (how & STPLR_RING_NO_WAKEUP) {
		__atomic_store_n(own, index, __ATOMIC_RELEASE);
		return 0;
	}
	__atomic_store_n(own, index, __ATOMIC_SEQ_CST);
	seen = __atomic_load_n(flags, __ATOMIC_SEQ_CST) | (how & STPLR_RING_FORCE_WAKEUP);
	if (STPLR_RING_RARELY(seen))
		return stplr_ring_wake_slow(ring, seen, writing);
	return 0;
}

/* Turns */

/**
 * stplr_ring_turn() - may this end write?
 * @ring: from stplr_ring_map()
 *
 * Return: 0: the set is turn by turn, and it is the peer's; otherwise 1.
 */
static inline int stplr_ring_turn(const struct stplr_ring *ring)
{
	return !(ring->flags & STPLR_RINGS_TURNS) ||
	       __atomic_load_n(&ring->out.own->turn, __ATOMIC_ACQUIRE);
}

/* Writing */

/**
 * stplr_ring_reserve() - where to put the bytes of the next record
 * @ring: from stplr_ring_map()
 * @len: how many at most
 *
 * The peer sees nothing before stplr_ring_commit(). Reserving again gives the same place.
 *
 * Return: the place, aligned to 8 bytes, the caller's until then; NULL: EAGAIN: no room now, see
 * stplr_ring_wait(); EMSGSIZE: more than the ring can ever take; EBUSY: it is the peer's turn;
 * EPIPE, EPROTO, ESHUTDOWN: the ring has ended; EINVAL: this end does not write.
 */
static inline void *stplr_ring_reserve(struct stplr_ring *ring, size_t len)
{
	struct stplr_ring_out *out = &ring->out;
	const uint32_t head = out->own->head;
	void *place;

	if (STPLR_RING_RARELY(out->records != out->own->records || len > INT32_MAX ||
			      STPLR_RING_AS(int32_t, len) >
				      STPLR_RING_AS(int32_t, out->limit - head) ||
			      !stplr_ring_turn(ring) ||
			      __atomic_load_n(out->flags, __ATOMIC_RELAXED) & STPLR_RING_ENDED) &&
	    stplr_ring_reserve_slow(ring, len))
		return NULL;
	place = out->data + (head & out->mask);
	out->record = STPLR_RING_AS(struct stplr_ring_record *, place);
	out->reserved = len + 1;
	return out->record + 1;
}

/**
 * stplr_ring_commit() - publish the record that was reserved
 * @ring: from stplr_ring_map()
 * @len: its length, at most what was reserved
 * @type: the peers' own
 * @how: 0: wake the reader if it waits; STPLR_RING_NO_WAKEUP, STPLR_RING_FORCE_WAKEUP;
 *	STPLR_RING_TURN: it passes the turn
 *
 * A batch costs one wake-up: all but the last with STPLR_RING_NO_WAKEUP, or all, and then
 * stplr_ring_flush().
 *
 * Return: 0; -1: EINVAL: nothing, or less, is reserved, or a bad @how; EPIPE, EPROTO, ESHUTDOWN:
 * the ring has ended, and nobody will read it.
 */
static inline int stplr_ring_commit(struct stplr_ring *ring, size_t len, uint16_t type,
				    uint32_t how)
{
	struct stplr_ring_out *out = &ring->out;
	struct stplr_ring_writer *own = out->own;
	struct stplr_ring_record record;

	if (STPLR_RING_RARELY(len >= out->reserved ||
			      how & ~(STPLR_RING_NO_WAKEUP | STPLR_RING_FORCE_WAKEUP |
				      (how & STPLR_RING_TURN && ring->flags & STPLR_RINGS_TURNS
					       ? STPLR_RING_TURN
					       : 0U))))
		return stplr_ring_fail_(EINVAL);
	record.len = STPLR_RING_AS(uint32_t, len);
	record.type = type;
	record.flags = STPLR_RING_AS(uint16_t, how & STPLR_RING_TURN);
	*out->record = record;
	out->records = own->records = own->records + 1;
	out->reserved = 0;
	if (how & STPLR_RING_TURN)
		__atomic_store_n(&own->turn, 0, __ATOMIC_RELEASE);
	return stplr_ring_publish_(ring, &own->head, own->head + stplr_ring_span_(len), out->flags,
				   how, 1);
}

/**
 * stplr_ring_discard() - give up what was reserved
 * @ring: from stplr_ring_map()
 */
static inline void stplr_ring_discard(struct stplr_ring *ring)
{
	ring->out.reserved = 0;
}

/**
 * stplr_ring_write() - write a record by copy
 * @ring: from stplr_ring_map()
 * @bytes: its bytes
 * @len: how many
 * @type: the peers' own
 * @how: as for stplr_ring_commit()
 *
 * Return: 0; -1: as stplr_ring_reserve() and stplr_ring_commit().
 */
static inline int stplr_ring_write(struct stplr_ring *ring, const void *bytes, size_t len,
				   uint16_t type, uint32_t how)
{
	void *place = stplr_ring_reserve(ring, len);

	if (!place)
		return -1;
	if (len)
		memcpy(place, bytes, len);
	return stplr_ring_commit(ring, len, type, how);
}

/**
 * stplr_ring_pass() - pass the turn, by a record of no bytes
 * @ring: from stplr_ring_map(), of a set that is turn by turn
 * @how: as for stplr_ring_commit()
 *
 * Any record may pass it: STPLR_RING_TURN. The peer has the turn once it has released the record.
 *
 * Return: 0; -1: EBUSY: it is the peer's; and as stplr_ring_write().
 */
static inline int stplr_ring_pass(struct stplr_ring *ring, uint32_t how)
{
	return stplr_ring_write(ring, NULL, 0, 0, how | STPLR_RING_TURN);
}

/* Reading */

/* Private: R1, where there is something and nothing is wrong. */
static inline int stplr_ring_see_(struct stplr_ring_in *in, uint32_t tail)
{
	const uint32_t head = __atomic_load_n(&in->peer->head, __ATOMIC_ACQUIRE);

	if (STPLR_RING_RARELY(head - tail - 1 >= in->size || head & 7 || in->ended))
		return -1;
	in->head = head;
	return 0;
}

/**
 * stplr_ring_peek() - the next record, where it lies
 * @ring: from stplr_ring_map()
 * @record: gets its length, type and flags (record), and which it is, from 0 (number)
 *
 * Peeking again gives the same record, until stplr_ring_release().
 *
 * Return: its bytes, aligned to 8, which must not be written; NULL: EAGAIN: none now, see
 * stplr_ring_wait(); EPIPE, ESHUTDOWN: the ring has ended, and all was read; EPROTO: the peer has
 * broken the rules, and the ring has ended; EOPNOTSUPP: records may be overwritten
 * (STPLR_RINGS_OVERWRITE), and can only be copied; EINVAL: this end does not read.
 */
static inline const void *stplr_ring_peek(struct stplr_ring *ring, struct stplr_ring_copy *record)
{
	struct stplr_ring_in *in = &ring->in;
	const uint32_t tail = in->own->tail;
	struct stplr_ring_record header;
	const unsigned char *place;

	if (STPLR_RING_RARELY(in->records != in->own->records) && stplr_ring_peek_slow(ring))
		return NULL;
	if (in->head == tail && stplr_ring_see_(in, tail) && stplr_ring_peek_slow(ring))
		return NULL;
	place = in->data + (tail & in->mask);
	header = stplr_ring_header_(place);
	record->record = header;
	record->number = in->records;
	if (STPLR_RING_RARELY(header.len + sizeof(header) > in->head - tail ||
			      header.flags | in->turns) &&
	    stplr_ring_judge_slow(ring, &header))
		return NULL;
	in->taken = stplr_ring_span_(header.len);
	return place + sizeof(header);
}

/**
 * stplr_ring_release() - let the writer have the place of the record that was peeked at
 * @ring: from stplr_ring_map()
 * @how: 0: wake the writer if it waits for room; STPLR_RING_NO_WAKEUP, STPLR_RING_FORCE_WAKEUP
 *
 * If the record passes the turn, this end has it from then on.
 *
 * Return: 0, after the ring has ended, too; -1: EINVAL: nothing was peeked at, or a bad @how.
 */
static inline int stplr_ring_release(struct stplr_ring *ring, uint32_t how)
{
	struct stplr_ring_in *in = &ring->in;
	struct stplr_ring_reader *own = in->own;
	const uint32_t tail = own->tail + in->taken;

	if (STPLR_RING_RARELY(!in->taken ||
			      how & ~(STPLR_RING_NO_WAKEUP | STPLR_RING_FORCE_WAKEUP)))
		return stplr_ring_fail_(EINVAL);
	in->records = own->records = own->records + 1;
	in->taken = 0;
	if (STPLR_RING_RARELY(in->turn))
		__atomic_store_n(&ring->out.own->turn, 1, __ATOMIC_RELEASE);
	return stplr_ring_publish_(ring, &own->tail, tail, in->flags, how, 0);
}

/**
 * stplr_ring_read() - read a record by copy
 * @ring: from stplr_ring_map()
 * @buffer: where to
 * @size: bytes there
 * @record: gets its length, type and flags (record), and which it is, from 0 (number), of one that
 *	did not fit, too; may be NULL. A gap in the numbers is records that were overwritten before
 *	they were read (STPLR_RINGS_OVERWRITE); stplr_ring_lost() counts them
 *
 * Return: its length; -1: EMSGSIZE: it does not fit, and stays; EAGAIN: none now, see
 * stplr_ring_wait(), or the writer overtakes again and again; and the others of stplr_ring_peek().
 */
static inline ssize_t stplr_ring_read(struct stplr_ring *ring, void *buffer, size_t size,
				      struct stplr_ring_copy *record)
{
	struct stplr_ring_copy own;
	const void *bytes;
	uint32_t len;

	if (!record)
		record = &own;
	if (STPLR_RING_RARELY(ring->flags & STPLR_RINGS_OVERWRITE))
		return stplr_ring_read_slow(ring, buffer, size, record);
	bytes = stplr_ring_peek(ring, record);
	if (!bytes)
		return -1;
	len = record->record.len;
	if (STPLR_RING_RARELY(len > size))
		return stplr_ring_fail_(EMSGSIZE);
	if (size)
		memcpy(buffer, bytes, len);
	stplr_ring_release(ring, 0);
	return STPLR_RING_AS(ssize_t, len);
}

/**
 * stplr_ring_lost() - how many records were overwritten before this end read them
 * @ring: from stplr_ring_map()
 *
 * Return: how many, as far as stplr_ring_read() has noticed.
 */
static inline uint64_t stplr_ring_lost(const struct stplr_ring *ring)
{
	return ring->in.own->lost;
}

#ifdef __cplusplus
} /* extern "C" */

/* See <stplr.h>. */
namespace stplr
{
typedef struct ::stplr_rings_create rings_create;
typedef struct ::stplr_ring_open ring_open;
typedef struct ::stplr_rings_attached rings_attached;
typedef struct ::stplr_ring_attach ring_attach;
typedef struct ::stplr_ring_info ring_info;
typedef struct ::stplr_ring_wait ring_wait;
typedef struct ::stplr_ring_eventfd ring_eventfd;
} /* namespace stplr */
#endif

#endif /* STPLR_RING_H */
