/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * stplr rings - shared memory in which records flow between two peers without system calls
 *
 * A *ring* has two ends, its creator's and the one that is attached to it, and a direction each
 * way; a direction has one writer and one reader. A *ring set* has a name, an owner and a mode like
 * a channel's (in a namespace of rings' own), and numbered rings, all of one size that its creator
 * fixes. Either end may be a process's or a driver's, and neither can tell by the memory. What each
 * descriptor answers, besides STPLR_VERSION:
 *
 *	device		STPLR_RINGS_CREATE: gives a ring set; STPLR_RING_ATTACH: gives an end
 *	ring set	STPLR_RING_OPEN: gives the creator's end; STPLR_RINGS_ATTACHED; poll(2)
 *	end of a ring	STPLR_RING_INFO, STPLR_RING_WAIT, STPLR_RING_WAKE, STPLR_RING_EVENTFD,
 *			STPLR_RING_ARM, STPLR_RING_END; mmap(2), poll(2), read(2), write(2)
 *
 * The rules of stplr.h hold for these ioctls, too.
 *
 * Lifetimes
 * ---------
 * STPLR_RING_OPEN makes the ring: memory of its own that nobody has seen before. Then its number
 * can be attached, by one peer. A descriptor is shared by dup(2), fork(2) and SCM_RIGHTS, and a
 * mapping counts as one. When the last of an end is closed, or the process dies, or
 * STPLR_RING_END is called, the ring has ended, for both ends and for good; its memory stays
 * where it is mapped. What was committed before can still be read, then comes EPIPE;
 * writing gives EPIPE at once. The creator may open the number again: another ring, for the next
 * peer. Closing the set ends its name, and nothing can be attached any more; rings go on.
 *
 * Mappings are not inherited by fork(2): each end has one writer. Who hands a descriptor to a child
 * has that map it.
 *
 * One to many
 * -----------
 * With STPLR_RINGS_MANY the set has one ring, number 0, which only its creator writes. Up to
 * @rings peers attach, each with a cursor of its own that starts where the writer is at that
 * time. One that leaves, or is ended because it broke the rules, is not waited for; once its last
 * descriptor is closed its number can be attached again. Either the slowest holds the writer back,
 * or, with STPLR_RINGS_OVERWRITE, the oldest records give way and every reader knows how many it
 * lost.
 *
 * The shared memory
 * -----------------
 * Each end maps the regions STPLR_RING_MAP_*. It can write its own page and the data that it sends;
 * the kernel's page, the peer's page and the data that it receives are read-only, and cannot be
 * made writable. Data is mapped twice in a row, so that no record wraps.
 *
 * Indices are 32 bits, count bytes from 0 and never start anew: a record is at the index modulo the
 * size of the direction, which is a power of two, and 0 <= head - tail <= size (modulo 2^32). All
 * numbers are in the machine's byte order. Both, and the lengths of records, are multiples of 8.
 *
 *	writer						reader
 *	W1  tail = load_acquire(peer's tail)		R1  head = load_acquire(peer's head)
 *	    room is size - (own head - tail)		    there is head - own tail to read
 *	W2  write the header and the bytes		R2  read them
 *	W3  store_release(own head)			R3  store_release(own tail)
 *	W4  full barrier				R4  full barrier
 *	W5  load(kernel's page: data's flags):		R5  load(kernel's page: room's flags):
 *	    not 0: STPLR_RING_WAKE			    not 0: STPLR_RING_WAKE
 *
 * Who has nothing to read, or no room, calls STPLR_RING_WAIT or polls. The kernel sets
 * STPLR_RING_WANTED there, has a full barrier (which pairs with W4, R4) and looks at the indices
 * again before it sleeps, so that no wake-up is lost; whoever wakes clears it first. A writer of
 * many records may do W4 and W5 once. STPLR_RING_ENDED, in the same words, tells of the end.
 *
 * One to many, held back: the readers' pages are the kernel's business alone. The writer takes
 * @held in the kernel's page for the peer's tail (W1); when that room is used up, STPLR_RING_WAIT
 * computes it anew.
 *
 * Overwriting: the writer makes room by moving on what is the oldest, by the records' headers,
 * before it writes over them (see struct stplr_ring_writer). A reader copies a record (R2), has a
 * read barrier, and looks whether it is still there; it keeps its cursor in 64 bits.
 *
 * Whoever reads what another can write reads it once, and judges only its own copy. An index or a
 * header that breaks these rules ends the ring: EPROTO for both ends; of one to many, a reader's
 * ends that reader's end alone.
 *
 * Turn by turn
 * ------------
 * With STPLR_RINGS_TURNS only one end may write at a time, first the creator's. A record with
 * STPLR_RING_TURN, which may carry bytes as any other, passes the turn on. To write out of turn
 * gives EBUSY; what was written out of turn all the same ends the ring when it is read (EPROTO).
 *
 * Copy mode
 * ---------
 * read(2) and write(2) move whole records, as many as fit, each a struct stplr_ring_copy and its
 * bytes, padded to a multiple of 8. They may be mixed with what is done in the mapping, not
 * done at the same time as that.
 *
 *  - read(2): EMSGSIZE: the buffer is too small for the next record, which stays; EAGAIN: none, and
 *    O_NONBLOCK; EINTR; 0: never but for a buffer of 0 bytes; EFAULT: the record stays.
 *  - write(2): the last record need not be padded. Returns the bytes of those that were committed,
 *    which is less than all only if some were; EAGAIN: no room for the first, and O_NONBLOCK;
 *    EMSGSIZE: one longer than the ring can take at all; EINVAL: a bad header, or one that is not
 *    whole; EBUSY: out of turn.
 *  - both: EPIPE: ended; EPROTO: ended, for somebody broke the rules; ESHUTDOWN: ended by a driver
 *    that went; EINVAL: no such direction.
 */
#ifndef _UAPI_LINUX_STPLR_RING_H
#define _UAPI_LINUX_STPLR_RING_H

#include <linux/stplr.h>
#include <linux/types.h>

/** STPLR_RINGS_MAX - most rings of a set. */
#define STPLR_RINGS_MAX 1024

/** STPLR_RING_READERS_MAX - most readers of a ring that is one to many. */
#define STPLR_RING_READERS_MAX 64

/** STPLR_RING_BYTES_MAX - most bytes of a direction: pages times the page size. */
#define STPLR_RING_BYTES_MAX (1U << 26)

/** STPLR_RING_ANY - whichever number is free. */
#define STPLR_RING_ANY (~0U)

/** STPLR_RINGS_GROUP - the name belongs to @gid, not to the caller's effective group. */
#define STPLR_RINGS_GROUP (1U << 0)
/** STPLR_RINGS_NONBLOCK - create the descriptor with O_NONBLOCK. */
#define STPLR_RINGS_NONBLOCK (1U << 1)
/** STPLR_RINGS_TURNS - turn by turn; for sets with both directions. */
#define STPLR_RINGS_TURNS (1U << 2)
/** STPLR_RINGS_MANY - one to many; @in_pages must be 0. */
#define STPLR_RINGS_MANY (1U << 3)
/** STPLR_RINGS_OVERWRITE - with STPLR_RINGS_MANY: the writer never waits. */
#define STPLR_RINGS_OVERWRITE (1U << 4)

/**
 * struct stplr_rings_create - STPLR_RINGS_CREATE: make a ring set
 * @name: address of the name, not terminated
 * @name_len: its length, 1 to STPLR_NAME_MAX bytes of [A-Za-z0-9._-], or an id's (STPLR_ID_NAME)
 * @flags: STPLR_RINGS_*
 * @mode: who may attach: as for a channel's name; 0 stands for 0600
 * @gid: with STPLR_RINGS_GROUP: the group of the name, in the caller's user namespace
 * @rings: how many, 1 to STPLR_RINGS_MAX; with STPLR_RINGS_MANY how many readers, 1 to
 *	STPLR_RING_READERS_MAX
 * @out_pages: pages for what the creator writes: 0 or a power of two, up to STPLR_RING_BYTES_MAX
 * @in_pages: pages for what the others write, likewise; not both 0
 * @reserved: must be 0
 *
 * Returns a new descriptor, close-on-exec. It can be found by its name; nothing can be attached
 * before a ring is opened.
 *
 * EINVAL: a bad name, flag, mode, number or size; EEXIST: another set has the name; EPERM: not a
 * member of @gid; ENOBUFS: the user has too much memory in use (module parameter user_memory);
 * EMFILE, ENFILE, ENOMEM as for open(2).
 */
struct stplr_rings_create {
	__u64 name;
	__u32 name_len;
	__u32 flags;
	__u32 mode;
	__u32 gid;
	__u32 rings;
	__u32 out_pages;
	__u32 in_pages;
	__u32 reserved;
};

/** STPLR_RING_NONBLOCK - create the descriptor with O_NONBLOCK: read and write do not wait. */
#define STPLR_RING_NONBLOCK (1U << 0)

/**
 * struct stplr_ring_open - STPLR_RING_OPEN: make a ring, and have the creator's end of it
 * @number: which: one that was not opened yet, or has ended; STPLR_RING_ANY: the lowest such; out:
 *	which it is
 * @flags: STPLR_RING_NONBLOCK
 *
 * Returns a new descriptor, close-on-exec. From then on the number can be attached; what is written
 * before that waits for the peer, but for one to many. The memory is charged to the set's user as
 * long as the creator's end is there, and then to the users of the ends that are still attached.
 *
 * EINVAL: a bad flag or number; EBUSY: the number, or every one, is open and has not ended;
 * ENOBUFS: the user has too much memory in use; EMFILE, ENFILE, ENOMEM as for open(2).
 */
struct stplr_ring_open {
	__u32 number;
	__u32 flags;
};

/**
 * struct stplr_rings_attached - STPLR_RINGS_ATTACHED: wait until somebody attaches
 * @number: which ring, or STPLR_RING_ANY; out: which it was; of one to many, the reader's
 * @clock: clock of @deadline
 * @deadline: until when to wait; O_NONBLOCK on the descriptor is STPLR_DEADLINE_POLL
 * @pid: out: the process that attached, in the caller's pid namespace; 0 if it has none there, or
 *	a driver attached
 * @uid: out: its effective user, in the caller's user namespace
 * @gid: out: its effective group, likewise
 * @reserved: must be 0
 *
 * Each attachment is told of once; one that has ended meanwhile may not be told of at all.
 *
 * EINVAL: a bad number, clock, deadline or reserved field; EAGAIN: nobody, and not waiting;
 * ETIMEDOUT; EINTR: a signal came.
 */
struct stplr_rings_attached {
	__u32 number;
	__u32 clock;
	__s64 deadline;
	__s32 pid;
	__u32 uid;
	__u32 gid;
	__u32 reserved;
};

/** STPLR_RING_UID - attach only if the set's creator has the effective user @uid. */
#define STPLR_RING_UID (1U << 1)

/**
 * struct stplr_ring_attach - STPLR_RING_ATTACH: attach to a ring of a set
 * @name: address of the set's name, not terminated
 * @name_len: its length
 * @flags: STPLR_RING_NONBLOCK, STPLR_RING_UID
 * @number: which ring, or STPLR_RING_ANY; out: which it is; of one to many, which reader
 * @uid: with STPLR_RING_UID: the user that the creator must have, in the caller's user namespace
 * @clock: clock of @deadline
 * @reserved: must be 0
 * @deadline: how long to wait for the name, and for the ring to be open and free; 0
 *	(STPLR_DEADLINE_POLL): not at all
 *
 * Returns a new descriptor, close-on-exec. The name's mode decides (CAP_DAC_OVERRIDE passes).
 *
 * EINVAL: a bad name, flag, number, clock, deadline or reserved field, a number that the set does
 * not have; ENOENT: no such name, and not waiting; EAGAIN: the ring is not free, and not waiting;
 * ETIMEDOUT: neither by the deadline; EINTR: a signal came while waiting; EACCES: the mode forbids
 * it; EPERM: the creator's user is not @uid; ENOBUFS: the user has too much memory in use, that of
 * rings which it holds without their creator counts; EMFILE, ENFILE, ENOMEM as for open(2).
 */
struct stplr_ring_attach {
	__u64 name;
	__u32 name_len;
	__u32 flags;
	__u32 number;
	__u32 uid;
	__u32 clock;
	__u32 reserved;
	__s64 deadline;
};

/** STPLR_RING_CREATOR - struct stplr_ring_info: the descriptor is of the creator's end. */
#define STPLR_RING_CREATOR (1U << 31)

/**
 * struct stplr_ring_info - STPLR_RING_INFO: what an end is, and how it is
 * @number: of the ring; of an attached end of one to many, the reader's
 * @flags: the set's STPLR_RINGS_TURNS, _MANY, _OVERWRITE; STPLR_RING_CREATOR
 * @out_bytes: size of the direction that this end writes; 0: none
 * @in_bytes: size of the direction that it reads; 0: none
 * @page_size: size of the pages, and of the regions that are one page
 * @peers: ends that are attached on the other side: 0, 1, or, of one to many, how many readers
 * @pid: the peer's process, in the caller's pid namespace; 0: a driver, nobody, or one to many
 * @error: 0, or the errno that the ring ended with: EPIPE, EPROTO, ESHUTDOWN
 * @next: length of the next record to be read; 0, too, if there is none
 * @reserved: 0
 * @lost: records that were overwritten before this end read them, as far as it has noticed
 *
 * EPROTO: the peer broke the rules, and the ring has ended.
 */
struct stplr_ring_info {
	__u32 number;
	__u32 flags;
	__u32 out_bytes;
	__u32 in_bytes;
	__u32 page_size;
	__u32 peers;
	__s32 pid;
	__u32 error;
	__u32 next;
	__u32 reserved;
	__u64 lost;
};

/** STPLR_RING_DATA - there is something to be read. */
#define STPLR_RING_DATA (1U << 0)
/** STPLR_RING_ROOM - there is room to write. */
#define STPLR_RING_ROOM (1U << 1)

/**
 * struct stplr_ring_wait - STPLR_RING_WAIT: wait for one of several things
 * @what: STPLR_RING_DATA, STPLR_RING_ROOM, or both; out: which there is
 * @room: with STPLR_RING_ROOM: for how many bytes, headers included; at most the direction's size
 * @deadline: until when to wait; the descriptor's O_NONBLOCK is not looked at
 * @clock: clock of @deadline
 * @spin: how many nanoseconds to look for it before sleeping, at most 100,000; not done where
 *	another thread wants the processor
 *
 * EINVAL: @what, @room, @clock, @deadline or @spin, or no such direction; EAGAIN: not there, and
 * not waiting; ETIMEDOUT; EINTR: a signal came; EPIPE, EPROTO, ESHUTDOWN: the ring has ended, and
 * there is nothing left to be read.
 */
struct stplr_ring_wait {
	__u32 what;
	__u32 room;
	__s64 deadline;
	__u32 clock;
	__u32 spin;
};

/** STPLR_RING_EVENTFD_ALWAYS - every commit or release wants a wake-up, as if it was armed. */
#define STPLR_RING_EVENTFD_ALWAYS (1U << 0)
/** STPLR_RING_EVENTFD_WAKES - the other way: who adds to the eventfd wakes the peer. */
#define STPLR_RING_EVENTFD_WAKES (1U << 1)

/**
 * struct stplr_ring_eventfd - STPLR_RING_EVENTFD: be told through an eventfd, or tell through one
 * @fd: an eventfd of the caller's; -1: none any more
 * @flags: STPLR_RING_EVENTFD_ALWAYS or STPLR_RING_EVENTFD_WAKES
 *
 * An end has at most one eventfd each way; another replaces it. The end refers to what @fd is now,
 * until it is replaced or the end's last descriptor closed. Without STPLR_RING_EVENTFD_WAKES, 1 is
 * added to it whenever this end is woken (STPLR_RING_WAKE of the peer's, and the end). Who sleeps
 * by reading it arms the end before (STPLR_RING_ARM). With STPLR_RING_EVENTFD_WAKES, adding to it
 * is STPLR_RING_WAKE; the kernel takes what was added.
 *
 * EINVAL: a bad flag, or @fd is no eventfd; EBADF: @fd is no descriptor; ENOMEM.
 */
struct stplr_ring_eventfd {
	__s32 fd;
	__u32 flags;
};

/*
 * mmap(2): MAP_SHARED, and these offsets; any whole pages of one region. EACCES: not for writing,
 * or to be executed; EINVAL: not MAP_SHARED, or not within one region.
 */
/** STPLR_RING_MAP_KERNEL - the kernel's page, struct stplr_ring_kernel: read-only. */
#define STPLR_RING_MAP_KERNEL 0x00000000
/** STPLR_RING_MAP_OWN - this end's page, struct stplr_ring_page. */
#define STPLR_RING_MAP_OWN 0x10000000
/** STPLR_RING_MAP_PEER - the peer's page: read-only; none for the writer of one to many. */
#define STPLR_RING_MAP_PEER 0x20000000
/** STPLR_RING_MAP_OUT - what this end writes: @out_bytes, twice. */
#define STPLR_RING_MAP_OUT 0x30000000
/** STPLR_RING_MAP_IN - what this end reads: @in_bytes, twice: read-only. */
#define STPLR_RING_MAP_IN 0x40000000

/** STPLR_RING_TURN - struct stplr_ring_record.flags: passes the turn. */
#define STPLR_RING_TURN (1U << 0)

/**
 * struct stplr_ring_record - what precedes the bytes of a record
 * @len: how many, from 0 to the direction's size less this header
 * @type: the peers' own
 * @flags: STPLR_RING_TURN, in sets that are turn by turn; other bits must be 0
 *
 * The next record follows at the next multiple of 8.
 */
struct stplr_ring_record {
	__u32 len;
	__u16 type;
	__u16 flags;
};

/**
 * struct stplr_ring_copy - what precedes the bytes of a record in read(2) and write(2)
 * @record: as in the ring
 * @number: read(2): which record of its direction it is, from 0; gaps are records that were
 *	lost. write(2): must be 0
 */
struct stplr_ring_copy {
	struct stplr_ring_record record;
	__u64 number;
};

/**
 * struct stplr_ring_oldest - where the oldest record begins that was not overwritten
 * @position: as an index, but in 64 bits
 * @number: which record it is, from 0
 */
struct stplr_ring_oldest {
	__u64 position;
	__u64 number;
};

/**
 * struct stplr_ring_writer - of an end: as a writer
 * @head: up to where records were committed
 * @turn: of sets that are turn by turn: 1 while it is this end's turn. Its own memory of it: the
 *	peer does not look
 * @records: how many were committed
 * @version: of one to many that overwrites: @oldest[@version % 2] holds. The writer fills in the
 *	other one, then store_release(@version + 1), then a write barrier, then overwrites; the
 *	reader loads @version with acquire, the place, has a read barrier, and looks whether
 *	@version is the same
 * @reserved: 0
 * @oldest: see there
 */
struct stplr_ring_writer {
	__u32 head;
	__u32 turn;
	__u64 records;
	__u32 version;
	__u32 reserved;
	struct stplr_ring_oldest oldest[2];
};

/**
 * struct stplr_ring_reader - of an end: as a reader
 * @tail: up to where records were released
 * @reserved: 0
 * @records: how many were released or lost: the number of the next
 * @lost: how many of them were overwritten before they were read
 * @position: of one to many that overwrites: @tail in 64 bits
 */
struct stplr_ring_reader {
	__u32 tail;
	__u32 reserved;
	__u64 records;
	__u64 lost;
	__u64 position;
};

/** STPLR_RING_LINE - what different peers write is this many bytes apart. */
#define STPLR_RING_LINE 128

/**
 * struct stplr_ring_page - the page of an end, which only that end writes
 * @writer: as the writer of its direction
 * @writer_bytes: its room
 * @reader: as the reader of the other
 * @reader_bytes: its room
 */
struct stplr_ring_page {
	union {
		struct stplr_ring_writer writer;
		__u8 writer_bytes[STPLR_RING_LINE];
	};
	union {
		struct stplr_ring_reader reader;
		__u8 reader_bytes[STPLR_RING_LINE];
	};
};

/** STPLR_RING_WANTED - somebody waits: whoever publishes is to call STPLR_RING_WAKE. */
#define STPLR_RING_WANTED (1U << 0)
/** STPLR_RING_ENDED - the ring has ended; of one to many, seen by the writer only for all. */
#define STPLR_RING_ENDED (1U << 1)

/**
 * struct stplr_ring_flags - one direction's flags, in lines of their own
 * @data: STPLR_RING_WANTED: the reader (of one to many, some reader) waits for data. For the writer
 * @data_bytes: its room
 * @room: STPLR_RING_WANTED: the writer waits for room. For the reader
 * @room_bytes: its room
 */
struct stplr_ring_flags {
	union {
		__u32 data;
		__u8 data_bytes[STPLR_RING_LINE];
	};
	union {
		__u32 room;
		__u8 room_bytes[STPLR_RING_LINE];
	};
};

/**
 * struct stplr_ring_kernel - the page that only the kernel writes
 * @out: what the creator writes
 * @in: what the attached end writes
 * @held: of one to many that is held back: up to where every reader has released, as far as known
 * @error: 0, or the errno that the ring ended with
 */
struct stplr_ring_kernel {
	struct stplr_ring_flags out;
	struct stplr_ring_flags in;
	__u32 held;
	__u32 error;
};

/* device */
#define STPLR_RINGS_CREATE _IOW(STPLR_IOC_MAGIC, 0x70, struct stplr_rings_create)
#define STPLR_RING_ATTACH _IOWR(STPLR_IOC_MAGIC, 0x71, struct stplr_ring_attach)

/* ring set */
#define STPLR_RING_OPEN _IOWR(STPLR_IOC_MAGIC, 0x72, struct stplr_ring_open)
#define STPLR_RINGS_ATTACHED _IOWR(STPLR_IOC_MAGIC, 0x73, struct stplr_rings_attached)

/* end of a ring */
#define STPLR_RING_INFO _IOR(STPLR_IOC_MAGIC, 0x78, struct stplr_ring_info)
#define STPLR_RING_WAIT _IOWR(STPLR_IOC_MAGIC, 0x79, struct stplr_ring_wait)
/**
 * STPLR_RING_WAKE - wake who waits on the other side, whatever for, whether it is wanted or not.
 * The argument is not looked at.
 */
#define STPLR_RING_WAKE _IO(STPLR_IOC_MAGIC, 0x7a)
#define STPLR_RING_EVENTFD _IOW(STPLR_IOC_MAGIC, 0x7b, struct stplr_ring_eventfd)
/**
 * STPLR_RING_ARM - the argument is the address of a mask of STPLR_RING_DATA and STPLR_RING_ROOM.
 * The next record, or room, wants a wake-up: for who is going to sleep by an eventfd, and looks
 * once more in between. EINVAL: no such bit or direction.
 */
#define STPLR_RING_ARM _IOW(STPLR_IOC_MAGIC, 0x7c, __u32)
/**
 * STPLR_RING_END - end the ring now, for both ends; a reader of one to many ends for itself. The
 * argument is 0, or EPROTO, for a program that saw the peer break the rules: what both ends get
 * from then on instead of EPIPE. EINVAL: another argument; EPIPE: it had ended.
 */
#define STPLR_RING_END _IO(STPLR_IOC_MAGIC, 0x7d)

/*
 * poll(2), epoll(7), edge-triggered too. Ring set: EPOLLIN while there is somebody for
 * STPLR_RINGS_ATTACHED to tell of. End: EPOLLIN while there is something to be read, and EPOLLOUT
 * while there is room for a record of 0 bytes; EPOLLHUP once it has ended, with EPOLLERR if not by
 * EPIPE. Polling arms what is polled for, as STPLR_RING_ARM does.
 */

#endif /* _UAPI_LINUX_STPLR_RING_H */
