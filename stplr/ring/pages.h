/* SPDX-License-Identifier: GPL-2.0 */
/* The memory of a ring. */
#ifndef STPLR_RING_PAGES_H
#define STPLR_RING_PAGES_H

#include <linux/atomic.h>
#include <linux/types.h>

#include <uapi/linux/stplr_ring.h>

struct page;
struct stplr_user;

/* The sides of a ring, and of each the direction that it writes. */
#define STPLR_RING_OUT 0 /* the creator's */
#define STPLR_RING_IN 1 /* of who is attached */
#define STPLR_RING_SIDES 2

/**
 * struct stplr_ring_pages - the memory of a ring
 * @user: who pays, or NULL
 * @charged: bytes that it pays for
 * @kernel: the kernel's page
 * @ends: the pages of the ends by side; NULL: the readers of one to many have their own
 * @bytes: sizes of the data, by side that writes; 0 or a power of two
 * @data: its pages, twice
 * @map: where the kernel has those in a row; NULL without any
 */
struct stplr_ring_pages {
	struct stplr_user *user;
	size_t charged;
	struct stplr_ring_kernel *kernel;
	struct stplr_ring_page *ends[STPLR_RING_SIDES];
	u32 bytes[STPLR_RING_SIDES];
	struct page **data[STPLR_RING_SIDES];
	void *map[STPLR_RING_SIDES];
};

/* The flags of a direction are the kernel's: others map them read-only. */
static inline atomic_t *stplr_ring_data_flags(const struct stplr_ring_pages *pages,
					      unsigned int side)
{
	struct stplr_ring_kernel *kernel = pages->kernel;

	return (atomic_t *)(side == STPLR_RING_OUT ? &kernel->out.data : &kernel->in.data);
}

static inline atomic_t *stplr_ring_room_flags(const struct stplr_ring_pages *pages,
					      unsigned int side)
{
	struct stplr_ring_kernel *kernel = pages->kernel;

	return (atomic_t *)(side == STPLR_RING_OUT ? &kernel->out.room : &kernel->in.room);
}

void *stplr_ring_page_new(struct stplr_user *user);
void stplr_ring_page_free(void *page, struct stplr_user *user);
int stplr_ring_pages_make(struct stplr_ring_pages *pages, const u32 *bytes, bool many,
			  struct stplr_user *user);
void stplr_ring_pages_uncharge(struct stplr_ring_pages *pages);
void stplr_ring_pages_free(struct stplr_ring_pages *pages);

#endif /* STPLR_RING_PAGES_H */
