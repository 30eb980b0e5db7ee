// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of the driver's that the process maps, and an eventfd of the process's: a ring as a driver
 * of one's own would have it, see struct bench_shared. What the process can write is read once, and
 * judged against the kernel's own index.
 */

#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "bench_way.h"

/**
 * struct bench_ring - the kernel's side of it
 * @shared: what is mapped
 * @head: messages that the kernel has written
 * @tail: messages that it has read
 * @eventfd: is signalled
 */
static struct bench_ring {
	struct bench_shared *shared;
	u32 head;
	u32 tail;
	struct eventfd_ctx *eventfd;
} ring;

static void *bench_shared_slot(u32 at)
{
	return (u8 *)ring.shared + BENCH_SHARED_SLOTS +
	       (size_t)(at % BENCH_SLOTS) * bench_shared_stride(bench.size);
}

static int bench_shared_open(struct bench_set_up *set_up)
{
	struct eventfd_ctx *eventfd = eventfd_ctx_fdget(set_up->value);
	struct bench_shared *shared;

	BUILD_BUG_ON(sizeof(*shared) > BENCH_SHARED_SLOTS);
	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	shared = vmalloc_user(BENCH_SHARED_SLOTS +
			      (size_t)BENCH_SLOTS * bench_shared_stride(set_up->size));
	if (!shared) {
		eventfd_ctx_put(eventfd);
		return -ENOMEM;
	}
	ring = (struct bench_ring){ .shared = shared, .eventfd = eventfd };
	return 0;
}

/* No mapping is left: each holds the file. */
static void bench_shared_close(void)
{
	eventfd_ctx_put(ring.eventfd);
	vfree(ring.shared);
}

int bench_shared_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (bench_current_way() != &bench_shared_way || !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	return remap_vmalloc_range(vma, ring.shared, vma->vm_pgoff);
}

static int bench_shared_send(u64 number, bool full, bool more)
{
	/* The process has read what was there: pairs with its release. */
	u32 used = ring.head - smp_load_acquire(&ring.shared->tail);

	if (used > BENCH_SLOTS)
		return -EPROTO;
	if (used == BENCH_SLOTS)
		return -EAGAIN;
	bench_fill(bench_shared_slot(ring.head), bench.size, number, full);
	/* The bytes before the index: pairs with the process's acquire. */
	smp_store_release(&ring.shared->head, ++ring.head);
	if (more)
		return 0;
	/* The index before the flag; the process writes the flag and then looks at the index. */
	smp_mb();
	if (READ_ONCE(ring.shared->wanted))
		bench_signal(ring.eventfd);
	return 0;
}

static int bench_shared_take(void)
{
	/* The bytes are there: pairs with the process's release. */
	u32 used = smp_load_acquire(&ring.shared->head) - ring.tail;
	int err;

	if (used > BENCH_SLOTS)
		return -EPROTO;
	if (!used)
		return -EAGAIN;
	err = bench_came(bench_shared_slot(ring.tail), bench.size);
	/* They have been read: pairs with the process's acquire. */
	smp_store_release(&ring.shared->tail, ++ring.tail);
	return err;
}

const struct bench_way bench_shared_way = {
	.open = bench_shared_open,
	.close = bench_shared_close,
	.send = bench_shared_send,
	.take = bench_shared_take,
};
