/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of stplr_bench.ko have in common: what is set up, messages as bench/payload.h has
 * them, and the ways, each in a file of its kind.
 */
#ifndef STPLR_BENCH_WAY_H
#define STPLR_BENCH_WAY_H

#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/types.h>

#include "stplr_bench.h"

#define BENCH_PRIORITY 20

struct eventfd_ctx;
struct io_uring_cmd;
struct vm_area_struct;

/**
 * struct bench_way - a way between the kernel and a process
 * @open: sets it up, with bench.setting held; may answer in @set_up->value
 * @close: undoes that: nobody has the device open any more
 * @send: sends a message, with bench.sending held; with @more another one follows at once; EAGAIN:
 *	there is no room. NULL: this way does not send
 * @take: takes one that has come, with bench.sending held; EAGAIN: there is none. NULL: they are
 *	taken in the thread that sends them
 */
struct bench_way {
	int (*open)(struct bench_set_up *set_up);
	void (*close)(void);
	int (*send)(u64 number, bool full, bool more);
	int (*take)(void);
};

/**
 * struct bench - all there is: one program has the device open
 * @setting: held while a way is set up
 * @sending: held while the kernel sends, and while it takes what has come
 * @way: what is set up, or NULL; published (release) when the rest is there
 * @size: of messages
 * @bytes: one message: what is sent from, and received into, where a way needs such a place
 * @acked: who awaits an acknowledgement goes on
 * @expected: number of the next message that comes
 * @full: all its bytes are judged
 * @received: right ones
 * @wrong: others
 */
struct bench {
	struct mutex setting; /* see above */
	struct mutex sending; /* likewise */
	const struct bench_way *way;
	u32 size;
	u8 *bytes;
	struct completion acked;
	u64 expected;
	bool full;
	u64 received;
	u64 wrong;
};

extern struct bench bench;

extern const struct bench_way bench_post_way;
extern const struct bench_way bench_pulse_way;
extern const struct bench_way bench_ring_way;
extern const struct bench_way bench_server_way;
extern const struct bench_way bench_netlink_way;
extern const struct bench_way bench_genetlink_way;
extern const struct bench_way bench_device_way;
extern const struct bench_way bench_eventfd_way;
extern const struct bench_way bench_shared_way;
extern const struct bench_way bench_uring_way;
extern const struct bench_way bench_bpf_way;
extern const struct bench_way bench_pipe_way;
extern const struct bench_way bench_relay_way;

/* What is set up, and what belongs to it. */
static inline const struct bench_way *bench_current_way(void)
{
	/* Pairs with the release in bench_open_way(). */
	return smp_load_acquire(&bench.way);
}

/* Messages (bench_message.c) */

void bench_fill_all(void *bytes, u32 size, u64 number);
int bench_came(const void *bytes, size_t size);

/* The bytes of a message: its number first and last, or with @full all of them. */
static inline void bench_fill(void *bytes, u32 size, u64 number, bool full)
{
	if (unlikely(full)) {
		bench_fill_all(bytes, size, number);
		return;
	}
	memcpy(bytes, &number, sizeof(number));
	memcpy(bytes + size - sizeof(number), &number, sizeof(number));
}

/* Messages that wait in the kernel (bench_slots.c): one thread puts, one at a time takes */

int bench_slots_open(void);
void bench_slots_close(void);
int bench_slots_put(u64 number, bool full);
const u8 *bench_slots_first(void);
void bench_slots_drop(void);

/* The device's own operations, of the ways that have one */

ssize_t bench_device_read(struct file *file, char __user *to, size_t len, loff_t *pos);
ssize_t bench_device_write(struct file *file, const char __user *from, size_t len, loff_t *pos);
int bench_shared_mmap(struct file *file, struct vm_area_struct *vma);
int bench_uring_cmd(struct io_uring_cmd *cmd, unsigned int flags);
int bench_uring_flush(struct file *file, fl_owner_t owner);

/* The ways that are there before a program is */

int bench_netlink_init(void);
void bench_netlink_exit(void);

void bench_signal(struct eventfd_ctx *eventfd);

#endif
