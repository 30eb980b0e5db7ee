/* SPDX-License-Identifier: GPL-2.0 */
/* What stplr-bench kernel and stplr_bench.ko tell each other. */
#ifndef STPLR_BENCH_H
#define STPLR_BENCH_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define BENCH_NETLINK 31 /* a protocol that nobody has */
#define BENCH_FAMILY "stplr-bench"
#define BENCH_COMMAND 1
#define BENCH_ATTRIBUTE 1
#define BENCH_SLOTS 64 /* messages that may be on their way */
#define BENCH_RELAY_FOLDER "stplr-bench" /* in debugfs; the file is relay0 */
#define BENCH_SIZE_MAX (1 << 20)

/* The ways from the kernel to a process; some of them go back, too. */
enum {
	BENCH_NOTHING, /* only what all of them have: is not set up */
	BENCH_POST,
	BENCH_PULSE,
	BENCH_RING,
	BENCH_NETLINK_UNICAST,
	BENCH_GENETLINK,
	BENCH_DEVICE, /* read(2) and write(2) of the device itself */
	BENCH_EVENTFD,
	BENCH_SERVER, /* process to kernel only */
	BENCH_SHARED, /* mmap(2) of the device, and an eventfd */
	BENCH_URING, /* IORING_OP_URING_CMD on the device */
	BENCH_BPF, /* a BPF program of the process's, and the ring buffer that it fills */
	BENCH_PIPE, /* the kernel has one end of a pipe of the process's */
	BENCH_RELAY, /* a relay's file in debugfs, from the kernel only */
};

/**
 * struct bench_set_up - for one way, once an open
 * @way: BENCH_...
 * @size: of messages, in bytes
 * @name: of a channel that posts go to, of a ring set, or of a server
 * @value: a port's number; a descriptor of an eventfd, of a connection, of a pipe's end with
 *	O_NONBLOCK, or of a BPF program of the type socket filter; of a ring, how many may read it, or 0: one, which writes, too; out: the
 *	family's number
 * @reserved: 0
 */
struct bench_set_up {
	__u32 way;
	__u32 size;
	char name[64];
	__s32 value;
	__u32 reserved;
};

#define BENCH_BATCH 1 /* all at once, where the way can */
#define BENCH_FULL 2 /* every byte is filled, not the first and the last 8 only */

/**
 * struct bench_send - the kernel sends
 * @way: BENCH_...
 * @count: so many
 * @flags: see above
 * @acks: then sleeps until so many BENCH_ACK have come
 * @number: of the first
 * @ns: out: what sending took; nanoseconds, or instructions where these are
 */
struct bench_send {
	__u32 way;
	__u32 count;
	__u32 flags;
	__u32 acks;
	__u64 number;
	__u64 ns;
};

/**
 * struct bench_expect - the kernel receives
 * @number: of the next message
 * @flags: BENCH_FULL
 * @count: messages to take now, where the kernel does not by itself
 * @received: out: how many have come, in all, right ones
 * @wrong: out: others
 * @ns: out: what taking them took
 */
struct bench_expect {
	__u64 number;
	__u32 flags;
	__u32 count;
	__u64 received;
	__u64 wrong;
	__u64 ns;
};

/**
 * struct bench_shared - BENCH_SHARED: what is mapped at offset 0
 * @head: messages that were written into the slots, modulo 2^32: a release
 * @tail: messages that were read: likewise
 * @wanted: the process sleeps, or is about to: the kernel signals the eventfd
 *
 * From offset BENCH_SHARED_SLOTS on there are BENCH_SLOTS slots, of bench_shared_stride() bytes
 * each. Either side writes, and then the other one reads; each has a copy of its own index.
 */
struct bench_shared {
	__u32 head;
	__u32 apart[15];
	__u32 tail;
	__u32 wanted;
};

#define BENCH_SHARED_SLOTS 4096

static inline __u32 bench_shared_stride(__u32 size)
{
	return (size + 63) & ~63U;
}

/**
 * struct bench_uring - BENCH_URING: what a command carries
 * @address: of a message's bytes
 * @size: how many: as was set up
 * @reserved: 0
 *
 * The command's result is the size. EINVAL: a bad operation, size or reserved field; EFAULT: the
 * address, and the message stays; ECANCELED: the process has closed the device, or ended;
 * EBADMSG: another message than was due.
 */
struct bench_uring {
	__u64 address;
	__u32 size;
	__u32 reserved;
};

#define BENCH_URING_RECEIVE 1 /* waits for a message of the kernel's */
#define BENCH_URING_SEND 2

#define BENCH_SET_UP _IOWR('B', 0, struct bench_set_up)
#define BENCH_SEND _IOWR('B', 1, struct bench_send)
#define BENCH_ACK _IO('B', 2)
#define BENCH_EXPECT _IOWR('B', 3, struct bench_expect)

#endif
