// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of a ring: accounted, zeroed, and in the kernel's address space mapped twice in a row
 * as it is in processes'. It is freed with the last end, which every mapping holds; what has
 * pinned a page holds that page, which nobody else gets before it is let go. Who has made it pays
 * for it as long as its own end is there, and then whoever still holds it.
 */

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "base/quota.h"
#include "ring/pages.h"

static_assert(sizeof(struct stplr_ring_page) <= PAGE_SIZE);
static_assert(sizeof(struct stplr_ring_kernel) <= PAGE_SIZE);

/* What a driver has made is nobody's. */
static gfp_t stplr_ring_gfp(const struct stplr_user *user)
{
	return user ? GFP_KERNEL_ACCOUNT : GFP_KERNEL;
}

/* A page of its own, for a reader of many. */
void *stplr_ring_page_new(struct stplr_user *user)
{
	void *page;
	int err;

	err = user ? stplr_charge_memory(user, PAGE_SIZE) : 0;
	if (err)
		return ERR_PTR(err);
	page = (void *)get_zeroed_page(stplr_ring_gfp(user));
	if (page)
		return page;
	if (user)
		stplr_uncharge_memory(user, PAGE_SIZE);
	return ERR_PTR(-ENOMEM);
}

void stplr_ring_page_free(void *page, struct stplr_user *user)
{
	free_page((unsigned long)page);
	if (user)
		stplr_uncharge_memory(user, PAGE_SIZE);
}

static void stplr_ring_data_free(struct stplr_ring_pages *pages, unsigned int side)
{
	unsigned int i, nr = pages->bytes[side] >> PAGE_SHIFT;
	struct page **data = pages->data[side];

	if (!data)
		return;
	vunmap(pages->map[side]);
	for (i = 0; i < nr && data[i]; i++)
		__free_page(data[i]);
	kvfree(data);
}

/* What there is so far is freed by stplr_ring_pages_free(). */
static int stplr_ring_data_make(struct stplr_ring_pages *pages, unsigned int side, gfp_t gfp)
{
	unsigned int i, nr = pages->bytes[side] >> PAGE_SHIFT;
	struct page **data;

	if (!nr)
		return 0;
	data = kvcalloc(2 * nr, sizeof(*data), gfp);
	if (!data)
		return -ENOMEM;
	pages->data[side] = data;
	for (i = 0; i < nr; i++) {
		if (fatal_signal_pending(current))
			return -EINTR;
		data[i] = alloc_page(gfp | __GFP_ZERO | __GFP_NOWARN);
		if (!data[i])
			return -ENOMEM;
		data[nr + i] = data[i];
		cond_resched();
	}
	pages->map[side] = vmap(data, 2 * nr, VM_MAP, PAGE_KERNEL);
	return pages->map[side] ? 0 : -ENOMEM;
}

/* Who has made them does not pay for them any more. */
void stplr_ring_pages_uncharge(struct stplr_ring_pages *pages)
{
	if (pages->user)
		stplr_uncharge_memory(pages->user, pages->charged);
	pages->user = NULL;
}

/* Of what was not made nothing is there. */
void stplr_ring_pages_free(struct stplr_ring_pages *pages)
{
	unsigned int side;

	for (side = 0; side < STPLR_RING_SIDES; side++) {
		stplr_ring_data_free(pages, side);
		free_page((unsigned long)pages->ends[side]);
	}
	free_page((unsigned long)pages->kernel);
	stplr_ring_pages_uncharge(pages);
}

/*
 * Makes them for @user, who outlives them, or nobody; ENOBUFS, ENOMEM, EINTR.
 * With @many the other ends bring pages of their own.
 */
int stplr_ring_pages_make(struct stplr_ring_pages *pages, const u32 *bytes, bool many,
			  struct stplr_user *user)
{
	gfp_t gfp = stplr_ring_gfp(user);
	unsigned int side;
	int err;

	memset(pages, 0, sizeof(*pages));
	pages->charged = (size_t)bytes[STPLR_RING_OUT] + bytes[STPLR_RING_IN] +
			 (many ? 2 : 3) * PAGE_SIZE;
	if (user) {
		err = stplr_charge_memory(user, pages->charged);
		if (err)
			return err;
		pages->user = user;
	}
	err = -ENOMEM;
	pages->kernel = (void *)get_zeroed_page(gfp);
	if (!pages->kernel)
		goto free;
	for (side = 0; side < STPLR_RING_SIDES; side++) {
		pages->bytes[side] = bytes[side];
		if (many && side == STPLR_RING_IN)
			continue;
		pages->ends[side] = (void *)get_zeroed_page(gfp);
		if (!pages->ends[side])
			goto free;
	}
	for (side = 0; side < STPLR_RING_SIDES; side++) {
		err = stplr_ring_data_make(pages, side, gfp);
		if (err)
			goto free;
	}
	return 0;

free:
	stplr_ring_pages_free(pages);
	return err;
}
