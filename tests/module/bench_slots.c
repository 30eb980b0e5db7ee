// SPDX-License-Identifier: GPL-2.0
/*
 * Messages that wait in the kernel for who takes them, in places that are there before. Who puts
 * has bench.sending; those who take have a lock of their own between them.
 */

#include <linux/mm.h>
#include <linux/slab.h>

#include "bench_way.h"

/**
 * struct bench_slots - the places
 * @bytes: BENCH_SLOTS messages
 * @head: messages that were put into them; a release, for who takes acquires it
 * @tail: and taken out; likewise, for who puts
 */
static struct bench_slots {
	u8 *bytes;
	unsigned int head;
	unsigned int tail;
} slots;

static u8 *bench_slot(unsigned int at)
{
	return slots.bytes + (size_t)(at % BENCH_SLOTS) * bench.size;
}

int bench_slots_open(void)
{
	slots.head = 0;
	slots.tail = 0;
	slots.bytes = kvcalloc(BENCH_SLOTS, bench.size, GFP_KERNEL);
	return slots.bytes ? 0 : -ENOMEM;
}

void bench_slots_close(void)
{
	kvfree(slots.bytes);
	slots.bytes = NULL;
}

/* EAGAIN: none is free. */
int bench_slots_put(u64 number, bool full)
{
	lockdep_assert_held(&bench.sending);
	/* What was taken has been read: pairs with bench_slots_drop(). */
	if (slots.head - smp_load_acquire(&slots.tail) == BENCH_SLOTS)
		return -EAGAIN;
	bench_fill(bench_slot(slots.head), bench.size, number, full);
	/* Pairs with bench_slots_first(). */
	smp_store_release(&slots.head, slots.head + 1);
	return 0;
}

/* The oldest, or NULL. */
const u8 *bench_slots_first(void)
{
	/* What was put has been written: pairs with bench_slots_put(). */
	return smp_load_acquire(&slots.head) == slots.tail ? NULL : bench_slot(slots.tail);
}

/* It was taken. */
void bench_slots_drop(void)
{
	/* Pairs with bench_slots_put(). */
	smp_store_release(&slots.tail, slots.tail + 1);
}
