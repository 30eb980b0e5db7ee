// SPDX-License-Identifier: MIT
/*
 * libstplr: rings, what is not inline in stplr_ring.h
 *
 * Calls that are ioctls; mapping; waiting; and the slow paths of writing and reading: those that
 * look at the peer's index, that find fault, and that make a system call. Where records are
 * overwritten (STPLR_RINGS_OVERWRITE) the writer's making room and the whole of reading are here,
 * too.
 *
 * W1 to W5 and R1 to R5 are the steps of <linux/stplr_ring.h>. Orders of memory are those that
 * ThreadSanitizer understands, but for overwriting, where it is a reader's business to read what is
 * being changed, and then to find that out.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "name.h"
#include "stplr.h"

/* How often the ring is looked at before the kernel is asked to: for about a microsecond. */
#define LOOKS 32

/* The longest that the kernel spins, in nanoseconds. */
#define SPIN_MOST 100000

/* How often a reader is overtaken in one call before it says EAGAIN. */
#define OVERTAKEN_MOST 1000

/* Calls that are ioctls */

int stplr_rings_create(int device, const char *name, const struct stplr_rings_create *options)
{
	struct stplr_rings_create args = *options;

	if (set_name(name ? name : "", &args.name, &args.name_len))
		return -1;
	return ioctl(device, STPLR_RINGS_CREATE, &args);
}

int stplr_ring_open(int set, struct stplr_ring_open *options)
{
	struct stplr_ring_open any = {.number = STPLR_RING_ANY};

	return ioctl(set, STPLR_RING_OPEN, options ? options : &any);
}

int stplr_rings_attached(int set, uint32_t number, struct stplr_rings_attached *peer,
			 int64_t timeout)
{
	struct stplr_rings_attached args = {
		.number = number, .clock = CLOCK_MONOTONIC, .deadline = stplr_deadline(timeout)};

	if (ioctl(set, STPLR_RINGS_ATTACHED, &args))
		return -1;
	if (peer)
		*peer = args;
	return (int)args.number;
}

int stplr_ring_attach(int device, const char *name, struct stplr_ring_attach *options)
{
	struct stplr_ring_attach args = *options;
	int fd;

	if (set_name(name ? name : "", &args.name, &args.name_len))
		return -1;
	fd = ioctl(device, STPLR_RING_ATTACH, &args);
	if (fd >= 0)
		options->number = args.number;
	return fd;
}

int stplr_ring_attach_timeout(int device, const char *name, uint32_t number, int64_t timeout)
{
	struct stplr_ring_attach args = {
		.number = number, .clock = CLOCK_MONOTONIC, .deadline = stplr_deadline(timeout)};

	return stplr_ring_attach(device, name, &args);
}

int stplr_ring_info(int fd, struct stplr_ring_info *info)
{
	return ioctl(fd, STPLR_RING_INFO, info);
}

int stplr_ring_wake(int fd)
{
	return ioctl(fd, STPLR_RING_WAKE, 0);
}

int stplr_ring_eventfd(int fd, int event, uint32_t flags)
{
	struct stplr_ring_eventfd args = {.fd = event, .flags = flags};

	return ioctl(fd, STPLR_RING_EVENTFD, &args);
}

int stplr_ring_arm(int fd, uint32_t what)
{
	return ioctl(fd, STPLR_RING_ARM, &what);
}

int stplr_ring_end(int fd, int error)
{
	return ioctl(fd, STPLR_RING_END, (long)error);
}

/* Mapping */

static void *map_region(int fd, unsigned long offset, size_t size, int protection)
{
	void *address = mmap(NULL, size, protection, MAP_SHARED, fd, (off_t)offset);

	return address == MAP_FAILED ? NULL : address;
}

static void unmap_region(const void *address, size_t size)
{
	if (address)
		munmap((void *)(uintptr_t)address, size);
}

/* Spinning is for who waits on one processor while the peer works on another. */
static uint32_t spin_default(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN) > 1 ? STPLR_RING_SPIN : 0;
}

static uint32_t record_most(uint32_t size)
{
	return size ? size - (uint32_t)sizeof(struct stplr_ring_record) : 0;
}

static int is_creator(const struct stplr_ring *ring)
{
	return !!(ring->flags & STPLR_RING_CREATOR);
}

/* The writer of one to many sees no reader's page. */
static int has_peer_page(const struct stplr_ring *ring)
{
	return !(ring->flags & STPLR_RINGS_MANY) || !is_creator(ring);
}

static void set_out(struct stplr_ring *ring)
{
	struct stplr_ring_out *out = &ring->out;

	out->own = &ring->own->writer;
	out->tail_peer = ring->peer ? &ring->peer->reader.tail : &ring->kernel->held;
	out->flags = is_creator(ring) ? &ring->kernel->out.data : &ring->kernel->in.data;
	out->mask = out->size - 1;
	out->most = record_most(out->size);
	out->records = ~out->own->records; /* nothing is known yet of the peer's tail */
}

static void set_in(struct stplr_ring *ring)
{
	struct stplr_ring_in *in = &ring->in;

	in->own = &ring->own->reader;
	in->peer = ring->peer ? &ring->peer->writer : NULL;
	in->flags = is_creator(ring) ? &ring->kernel->in.room : &ring->kernel->out.room;
	in->mask = in->size - 1;
	in->most = record_most(in->size);
	in->turns = ring->flags & STPLR_RINGS_TURNS;
	in->records = ~in->own->records;
}

/* An end that neither writes nor reads: every call on it fails with EINVAL. */
static void clear(struct stplr_ring *ring, int fd)
{
	static struct stplr_ring_page nothing; /* stays so: nothing is reserved, nothing taken */

	memset(ring, 0, sizeof(*ring));
	ring->fd = fd;
	ring->out.own = &nothing.writer;
	ring->out.records = ~nothing.writer.records;
	ring->in.own = &nothing.reader;
	ring->in.records = ~nothing.reader.records;
}

int stplr_ring_map(struct stplr_ring *ring, int fd)
{
	struct stplr_ring_info info;
	int error;

	clear(ring, fd);
	if (stplr_ring_info(fd, &info))
		return -1;
	ring->flags = info.flags;
	ring->spin = spin_default();
	ring->page_size = info.page_size;
	ring->out.size = info.out_bytes;
	ring->in.size = info.in_bytes;

	ring->kernel = map_region(fd, STPLR_RING_MAP_KERNEL, info.page_size, PROT_READ);
	if (!ring->kernel)
		goto unmap;
	ring->own = map_region(fd, STPLR_RING_MAP_OWN, info.page_size, PROT_READ | PROT_WRITE);
	if (!ring->own)
		goto unmap;
	if (has_peer_page(ring)) {
		ring->peer = map_region(fd, STPLR_RING_MAP_PEER, info.page_size, PROT_READ);
		if (!ring->peer)
			goto unmap;
	}
	if (info.out_bytes) {
		ring->out.data = map_region(fd, STPLR_RING_MAP_OUT, 2 * (size_t)info.out_bytes,
					    PROT_READ | PROT_WRITE);
		if (!ring->out.data)
			goto unmap;
	}
	if (info.in_bytes) {
		ring->in.data =
			map_region(fd, STPLR_RING_MAP_IN, 2 * (size_t)info.in_bytes, PROT_READ);
		if (!ring->in.data)
			goto unmap;
	}
	set_out(ring);
	set_in(ring);
	return 0;

unmap:
	error = errno;
	stplr_ring_unmap(ring);
	errno = error;
	return -1;
}

void stplr_ring_unmap(struct stplr_ring *ring)
{
	unmap_region(ring->in.data, 2 * (size_t)ring->in.size);
	unmap_region(ring->out.data, 2 * (size_t)ring->out.size);
	unmap_region(ring->peer, ring->page_size);
	unmap_region(ring->own, ring->page_size);
	unmap_region(ring->kernel, ring->page_size);
	clear(ring, -1);
}

/* The end, and who breaks the rules */

static int ended(const uint32_t *flags)
{
	return !!(__atomic_load_n(flags, __ATOMIC_ACQUIRE) & STPLR_RING_ENDED);
}

static int fail_ended(const struct stplr_ring *ring)
{
	uint32_t error = __atomic_load_n(&ring->kernel->error, __ATOMIC_RELAXED);

	return stplr_ring_fail_(error ? (int)error : EPIPE);
}

/* That it has ended already changes nothing. */
static int fail_broken(struct stplr_ring *ring)
{
	ring->in.taken = 0;
	ring->out.reserved = 0;
	stplr_ring_end(ring->fd, EPROTO);
	return stplr_ring_fail_(EPROTO);
}

/* An index, seen once: is it one that keeps the rules, if so many bytes lie between the two? */
static int breaks_rules(uint32_t index, uint32_t between, uint32_t size)
{
	return index % sizeof(struct stplr_ring_record) || between > size;
}

/* W5, R5: somebody waits, is to be woken, or the ring has ended. */
int stplr_ring_wake_slow(struct stplr_ring *ring, uint32_t seen, int writing)
{
	if (seen & STPLR_RING_ENDED)
		return writing ? fail_ended(ring) : 0;
	if (stplr_ring_wake(ring->fd) && (writing || errno == EBADF))
		return -1;
	return 0;
}

/* W4 and W5, R4 and R5, for all that was published quietly; by any thread, for it writes nothing.
 */
int stplr_ring_flush(struct stplr_ring *ring)
{
	uint32_t seen = 0;

	if (!ring->out.size && !ring->in.size)
		return stplr_ring_fail_(EINVAL);
	__sync_synchronize();
	if (ring->out.size)
		seen |= __atomic_load_n(ring->out.flags, __ATOMIC_RELAXED);
	if (ring->in.size)
		seen |= __atomic_load_n(ring->in.flags, __ATOMIC_RELAXED);
	return seen ? stplr_ring_wake_slow(ring, seen, !!ring->out.size) : 0;
}

/* Writing */

/* W1, of one to many that is held back: the kernel knows the readers' tails, and does this sum. */
static int held_anew(struct stplr_ring *ring, uint32_t span)
{
	struct stplr_ring_wait args = {.what = STPLR_RING_ROOM,
				       .room = span,
				       .deadline = STPLR_DEADLINE_POLL,
				       .clock = CLOCK_MONOTONIC};

	return ioctl(ring->fd, STPLR_RING_WAIT, &args);
}

static void set_limit(struct stplr_ring_out *out, uint32_t tail)
{
	out->limit = tail + out->most;
	out->records = out->own->records;
}

/* W1: 1: there is room, 0: there is none, -1. */
static int see_room(struct stplr_ring *ring, uint32_t span)
{
	struct stplr_ring_out *out = &ring->out;
	uint32_t head = out->own->head, tail;

	tail = __atomic_load_n(out->tail_peer, __ATOMIC_ACQUIRE);
	if (breaks_rules(tail, head - tail, out->size))
		return fail_broken(ring);
	set_limit(out, tail);
	return span <= out->size - (head - tail);
}

/*
 * The oldest records give way. Readers see that they do before anything is written over them: that
 * is what the barrier is for.
 */
static int give_way(struct stplr_ring *ring, uint32_t span)
{
	struct stplr_ring_out *out = &ring->out;
	struct stplr_ring_writer *own = out->own;
	struct stplr_ring_oldest oldest = own->oldest[own->version % 2];
	uint32_t used = own->head - (uint32_t)oldest.position;
	const struct stplr_ring_record *record;
	uint32_t oldest_span;
	const void *place;

	if (breaks_rules((uint32_t)oldest.position, used, out->size))
		return fail_broken(ring);
	if (span > out->size - used) {
		do {
			place = out->data + (oldest.position & out->mask);
			record = place;
			oldest_span = stplr_ring_span_(record->len);
			if (record->len > out->most || oldest_span > used)
				return fail_broken(ring); /* by the program itself */
			used -= oldest_span;
			oldest.position += oldest_span;
			oldest.number++;
		} while (span > out->size - used);
		own->oldest[(own->version + 1) % 2] = oldest;
		__atomic_store_n(&own->version, own->version + 1, __ATOMIC_RELEASE);
		__sync_synchronize();
	}
	set_limit(out, (uint32_t)oldest.position);
	return 0;
}

int stplr_ring_reserve_slow(struct stplr_ring *ring, size_t len)
{
	struct stplr_ring_out *out = &ring->out;
	uint32_t span = stplr_ring_span_(len);
	int room;

	if (!out->size)
		return stplr_ring_fail_(EINVAL);
	if (len > out->most)
		return stplr_ring_fail_(EMSGSIZE);
	if (ended(out->flags))
		return fail_ended(ring);
	if (!stplr_ring_turn(ring))
		return stplr_ring_fail_(EBUSY);
	if (ring->flags & STPLR_RINGS_OVERWRITE)
		return give_way(ring, span);
	room = see_room(ring, span);
	if (!room && !ring->peer) {
		if (held_anew(ring, span))
			return -1;
		room = see_room(ring, span);
	}
	if (room < 0)
		return -1;
	return room ? 0 : stplr_ring_fail_(EAGAIN);
}

/* Reading */

/*
 * Up to where there is something to be read, of a head that was seen after @ended was: what a
 * malicious peer writes after the end would keep its reader busy for ever.
 */
static uint64_t last_head(struct stplr_ring_in *in, int ended, uint64_t head)
{
	if (ended && !in->ended) {
		in->ended = 1;
		in->last = head;
	}
	return in->ended ? in->last : head;
}

/* R1: 1: there is something, 0: there is nothing, -1: the end; what came before it is still there.
 */
static int see_data(struct stplr_ring *ring)
{
	struct stplr_ring_in *in = &ring->in;
	uint32_t tail = in->own->tail, head;
	int last = ended(in->flags);

	head = __atomic_load_n(&in->peer->head, __ATOMIC_ACQUIRE);
	if (!(ring->flags & STPLR_RINGS_OVERWRITE)) {
		head = (uint32_t)last_head(in, last, head);
		if (breaks_rules(head, head - tail, in->size))
			return fail_broken(ring);
		in->head = head;
		in->records = in->own->records;
	} else if (in->ended) {
		head = (uint32_t)in->last;
	}
	if (head != tail)
		return 1;
	return last ? fail_ended(ring) : 0;
}

int stplr_ring_peek_slow(struct stplr_ring *ring)
{
	int data;

	ring->in.taken = 0;
	if (!ring->in.size)
		return stplr_ring_fail_(EINVAL);
	if (ring->flags & STPLR_RINGS_OVERWRITE)
		return stplr_ring_fail_(EOPNOTSUPP);
	data = see_data(ring);
	if (data < 0)
		return -1;
	return data ? 0 : stplr_ring_fail_(EAGAIN);
}

/*
 * A header that is too long, has flags, or comes turn by turn: does it keep the rules? If not,
 * there is nothing more to be read.
 */
int stplr_ring_judge_slow(struct stplr_ring *ring, const struct stplr_ring_record *record)
{
	struct stplr_ring_in *in = &ring->in;

	if (record->len > in->most || stplr_ring_span_(record->len) > in->head - in->own->tail ||
	    record->flags & ~(in->turns ? STPLR_RING_TURN : 0) ||
	    (in->turns && stplr_ring_turn(ring))) { /* it was for this end to write */
		in->ended = 1;
		in->last = in->head = in->own->tail;
		return fail_broken(ring);
	}
	in->turn = record->flags & STPLR_RING_TURN;
	return 0;
}

/* Reading what may be overwritten */

/* What a reader sees of the writer, and that belongs together. */
struct sight {
	uint32_t version;
	struct stplr_ring_oldest oldest;
	uint64_t head; /* in 64 bits */
};

/* Races with the writer, and is told so by @version: nothing for ThreadSanitizer. */
__attribute__((no_sanitize("thread"))) static uint64_t racing(const void *address)
{
	return *(const volatile uint64_t *)address;
}

__attribute__((no_sanitize("thread"))) static void copy_racing(void *to, const void *from,
							       uint32_t len)
{
	unsigned char *bytes = to;
	const unsigned char *place = from;
	uint64_t word;

	/* Places are aligned, and so is what is behind them: a last word may be read whole. */
	for (; len; len -= len < sizeof(word) ? len : (uint32_t)sizeof(word)) {
		word = racing(place);
		memcpy(bytes, &word, len < sizeof(word) ? len : sizeof(word));
		bytes += sizeof(word);
		place += sizeof(word);
	}
}

static uint32_t version_now(const struct stplr_ring_in *in)
{
	return __atomic_load_n(&in->peer->version, __ATOMIC_ACQUIRE);
}

/* Nothing of what was read meanwhile was overwritten if the oldest record is still the same. */
static int unchanged(const struct stplr_ring_in *in, uint32_t version)
{
	__sync_synchronize();
	return version_now(in) == version;
}

/* 1, or 0: the writer was faster. */
static int see(const struct stplr_ring_in *in, struct sight *sight)
{
	const struct stplr_ring_oldest *oldest;
	uint32_t head;

	sight->version = version_now(in);
	oldest = &in->peer->oldest[sight->version % 2];
	sight->oldest.position = racing(&oldest->position);
	sight->oldest.number = racing(&oldest->number);
	head = __atomic_load_n(&in->peer->head, __ATOMIC_ACQUIRE);
	sight->head = sight->oldest.position + (uint32_t)(head - (uint32_t)sight->oldest.position);
	return unchanged(in, sight->version);
}

static int lies(const struct stplr_ring_in *in, const struct sight *sight)
{
	const struct stplr_ring_reader *own = in->own;

	if (breaks_rules((uint32_t)sight->head, (uint32_t)(sight->head - sight->oldest.position),
			 in->size) ||
	    breaks_rules((uint32_t)sight->oldest.position, 0, in->size))
		return 1;
	return own->position > sight->head ||
	       (own->position < sight->oldest.position) != (own->records < sight->oldest.number);
}

static void move_on(struct stplr_ring_reader *own, uint64_t position, uint64_t number)
{
	own->position = position;
	own->records = number;
	__atomic_store_n(&own->tail, (uint32_t)position, __ATOMIC_RELEASE);
}

ssize_t stplr_ring_read_slow(struct stplr_ring *ring, void *buffer, size_t size,
			     struct stplr_ring_copy *record)
{
	struct stplr_ring_in *in = &ring->in;
	struct stplr_ring_reader *own = in->own;
	struct stplr_ring_record header;
	const unsigned char *place;
	struct sight sight;
	int tries, last;

	if (!in->size)
		return stplr_ring_fail_(EINVAL);
	for (tries = 0; tries < OVERTAKEN_MOST; tries++) {
		last = ended(in->flags);
		if (!see(in, &sight))
			continue;
		if (lies(in, &sight))
			return fail_broken(ring);
		if (own->position < sight.oldest.position) {
			own->lost += sight.oldest.number - own->records;
			move_on(own, sight.oldest.position, sight.oldest.number);
		}
		sight.head = last_head(in, last, sight.head);
		if (own->position >= sight.head)
			return last ? fail_ended(ring) : stplr_ring_fail_(EAGAIN);
		place = in->data + (own->position & in->mask);
		copy_racing(&header, place, sizeof(header));
		if (!unchanged(in, sight.version))
			continue;
		if (header.len > in->most ||
		    stplr_ring_span_(header.len) > sight.head - own->position || header.flags)
			return fail_broken(ring);
		record->record = header;
		record->number = own->records;
		if (header.len > size)
			return stplr_ring_fail_(EMSGSIZE);
		copy_racing(buffer, place + sizeof(header), header.len);
		if (!unchanged(in, sight.version))
			continue;
		move_on(own, own->position + stplr_ring_span_(header.len), own->records + 1);
		return header.len;
	}
	return stplr_ring_fail_(EAGAIN);
}

/* Waiting */

static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* 1, 0, or -1 as see_data() returns it, but for room. */
static int look_for_room(struct stplr_ring *ring, uint32_t span)
{
	if (ended(ring->out.flags))
		return fail_ended(ring);
	return ring->flags & STPLR_RINGS_OVERWRITE ? 1 : see_room(ring, span);
}

/* What there is of @what: a mask, or 0; -1: nothing, and never again. */
static int look(struct stplr_ring *ring, uint32_t what, uint32_t span)
{
	int data = what & STPLR_RING_DATA ? see_data(ring) : 0;
	int room = what & STPLR_RING_ROOM && data >= 0 ? look_for_room(ring, span) : 0;

	if (data < 0 || (room < 0 && !data))
		return -1;
	return (data ? (int)STPLR_RING_DATA : 0) | (room > 0 ? (int)STPLR_RING_ROOM : 0);
}

/*
 * A moment that harms nobody and often saves the system call. To go on with it is for the kernel,
 * which knows whether another thread, perhaps the peer, wants this processor.
 */
static int look_again(struct stplr_ring *ring, uint32_t what, uint32_t span)
{
	int looks = ring->spin ? LOOKS : 0, there = 0;

	for (; looks && !there; looks--) {
		pause_briefly();
		there = look(ring, what, span);
	}
	return there;
}

int stplr_ring_wait(struct stplr_ring *ring, uint32_t what, size_t len, int64_t timeout)
{
	struct stplr_ring_wait args = {.what = what, .clock = CLOCK_MONOTONIC};
	uint32_t span = stplr_ring_span_(len);
	int there;

	if (!what || what & ~(STPLR_RING_DATA | STPLR_RING_ROOM) ||
	    (what & STPLR_RING_DATA && !ring->in.size) ||
	    (what & STPLR_RING_ROOM && !ring->out.size))
		return stplr_ring_fail_(EINVAL);
	if (what & STPLR_RING_ROOM) {
		if (len > ring->out.most)
			return stplr_ring_fail_(EMSGSIZE);
		args.room = span;
	}
	there = look(ring, what, span);
	if (!there && timeout)
		there = look_again(ring, what, span);
	if (there)
		return there;
	if (!timeout && ring->peer)
		return stplr_ring_fail_(EAGAIN);
	stplr_ring_flush(ring); /* or both might sleep */
	args.deadline = stplr_deadline(timeout);
	args.spin = ring->spin < SPIN_MOST ? ring->spin : SPIN_MOST;
	if (ioctl(ring->fd, STPLR_RING_WAIT, &args))
		return -1;
	return (int)args.what;
}
