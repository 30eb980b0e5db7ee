// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of a client, pinned by itself for as long as the server thinks: copied from and to by the
 * server, without the client's page tables.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bvec.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "base/compat.h"
#include "base/quota.h"
#include "memory/pages.h"

/*
 * Pinning is done with interrupts off, where the pages are present; it and unpinning go by batches.
 */

/* Pins the pages from @start on; how many it could. */
static unsigned int stplr_pin_batch(unsigned long start, unsigned int nr_pages,
				    unsigned int gup_flags, struct page **pages)
{
	unsigned int done = stplr_pin_present(start, nr_pages, gup_flags, pages);

	while (done < nr_pages) {
		int n = pin_user_pages_fast(start + (unsigned long)done * PAGE_SIZE,
					    nr_pages - done, gup_flags, pages + done);

		if (n <= 0)
			break;
		done += n;
	}
	return done;
}

/* Pins the pages of one part; how many it could. */
static unsigned int stplr_pin_part(struct page **pages, const void __user *base,
				   unsigned int nr_pages, unsigned int gup_flags)
{
	unsigned long start = (unsigned long)base & PAGE_MASK;
	unsigned int done = 0;

	while (done < nr_pages) {
		unsigned int batch = min_t(unsigned int, nr_pages - done, STPLR_PIN_BATCH);
		unsigned int n = stplr_pin_batch(start + (unsigned long)done * PAGE_SIZE, batch,
						 gup_flags, pages + done);

		done += n;
		if (n < batch || fatal_signal_pending(current))
			break;
		cond_resched();
	}
	return done;
}

void stplr_unpin(struct page **pages, unsigned int nr_pages, bool dirty)
{
	while (nr_pages) {
		unsigned int batch = min_t(unsigned int, nr_pages, STPLR_PIN_BATCH);

		unpin_user_pages_dirty_lock(pages, batch, dirty);
		pages += batch;
		nr_pages -= batch;
		if (nr_pages)
			cond_resched();
	}
}

/*
 * Is it memory that only its process holds on to, and no file system waits to write back or take
 * away? Anonymous, given away by MADV_FREE or not, shared, or reserved huge pages.
 */
bool stplr_page_of_no_file(struct page *page)
{
	struct folio *folio = page_folio(page);

	return folio_test_anon(folio) || folio_test_swapbacked(folio) || folio_test_hugetlb(folio);
}

/* Lets go from the first page on that must not be written to for long; how many are kept. */
static unsigned int stplr_pin_refuse(struct page **pages, unsigned int nr_pages)
{
	unsigned int i;

	if (STPLR_PIN_REFUSES_FILES)
		return nr_pages;
	for (i = 0; i < nr_pages; i++) {
		if (!stplr_page_of_no_file(pages[i])) {
			stplr_unpin(pages + i, nr_pages - i, false);
			break;
		}
	}
	return i;
}

/*
 * Pins the pages of the first @window bytes at @from, the caller's, for as long as the server
 * thinks. Fewer than asked for, or NULL, is no error: the rest is copied, and that is where a bad
 * address is found.
 */
struct stplr_pages *stplr_pages_pin(const struct iovec *from, unsigned int nr_from, size_t window,
				    bool write, struct stplr_user *user)
{
	unsigned int gup_flags = FOLL_LONGTERM | (write ? FOLL_WRITE : 0);
	unsigned int nr_pages = 0, nr_parts = 0, i;
	struct stplr_pages *pages;
	size_t left = window;

	for (i = 0; i < nr_from && left; i++, nr_parts++) {
		size_t len = min(from[i].iov_len, left);

		nr_pages += stplr_pages_of(from[i].iov_base, len);
		left -= len;
	}

	if (stplr_charge_memory(user, (size_t)nr_pages * PAGE_SIZE))
		return NULL;
	pages = kvmalloc(size_add(struct_size(pages, pages, nr_pages),
				  array_size(nr_parts, sizeof(struct stplr_part))),
			 GFP_KERNEL_ACCOUNT);
	if (!pages) {
		stplr_uncharge_memory(user, (size_t)nr_pages * PAGE_SIZE);
		return NULL;
	}
	pages->parts = (void *)&pages->pages[nr_pages];
	pages->charged = (size_t)nr_pages * PAGE_SIZE;
	pages->nr_parts = 0;
	pages->nr_pages = 0;
	pages->len = 0;

	for (i = 0; i < nr_parts; i++) {
		const struct iovec *iov = &from[i];
		struct page **next = pages->pages + pages->nr_pages;
		struct stplr_part *part = &pages->parts[i];
		unsigned int wanted, got;

		part->offset = offset_in_page(iov->iov_base);
		part->len = min(iov->iov_len, window - pages->len);
		wanted = stplr_pages_of(iov->iov_base, part->len);
		got = stplr_pin_part(next, iov->iov_base, wanted, gup_flags);
		if (write)
			got = stplr_pin_refuse(next, got);
		if (!got)
			break;
		if (got < wanted)
			part->len = got * PAGE_SIZE - part->offset;
		pages->nr_pages += got;
		pages->nr_parts++;
		pages->len += part->len;
		if (got < wanted)
			break;
	}

	if (!pages->nr_pages) {
		stplr_uncharge_memory(user, pages->charged);
		kvfree(pages);
		return NULL;
	}
	return pages;
}

/*
 * Unpins; only in the context of the client or of whoever closes its connection, since it may
 * sleep.
 */
void stplr_pages_unpin(struct stplr_pages *pages, size_t written, struct stplr_user *user)
{
	unsigned int dirty = 0, i;

	if (!pages)
		return;
	for (i = 0; i < pages->nr_parts && written; i++) {
		size_t len = min(pages->parts[i].len, written);

		dirty += DIV_ROUND_UP(pages->parts[i].offset + len, PAGE_SIZE);
		written -= len;
	}
	stplr_unpin(pages->pages, dirty, true);
	stplr_unpin(pages->pages + dirty, pages->nr_pages - dirty, false);
	stplr_uncharge_memory(user, pages->charged);
	kvfree(pages);
}

/*
 * Copies a whole page from or to another, where @iter, which is over registered pages, is at the
 * start of one: 100 instructions less than by _copy_to_iter(). False if it is not.
 */
static noinline bool stplr_page_copy_whole(void *address, struct iov_iter *iter)
{
	const struct bio_vec *bvec = iter->bvec;
	void *other;

	if (iter->iov_offset || bvec->bv_len != PAGE_SIZE || iov_iter_count(iter) < PAGE_SIZE)
		return false;
	other = kmap_local_page(bvec->bv_page);
	if (iov_iter_rw(iter) == ITER_DEST)
		copy_page(other, address);
	else
		copy_page(address, other);
	kunmap_local(other);
	iter->bvec++;
	iter->nr_segs--;
	iter->count -= PAGE_SIZE;
	return true;
}

/* Within one page, whose length hardened usercopy need not look up. */
static size_t stplr_page_copy(struct page *page, size_t offset, size_t len, struct iov_iter *iter)
{
	void *address = kmap_local_page(page);
	size_t copied;

	if (unlikely(iov_iter_is_bvec(iter)) && len == PAGE_SIZE &&
	    stplr_page_copy_whole(address, iter))
		copied = len;
	else if (iov_iter_rw(iter) == ITER_DEST)
		copied = _copy_to_iter(address + offset, len, iter);
	else
		copied = _copy_from_iter(address + offset, len, iter);
	kunmap_local(address);
	return copied;
}

/*
 * Copies from or to pinned pages, by the direction of @iter; how many bytes went. Gives way now and
 * then, and ends early once @leaving is set.
 */
size_t stplr_pages_copy(const struct stplr_pages *pages, size_t offset, size_t len,
			struct iov_iter *iter, const bool *leaving)
{
	const struct stplr_part *part = pages->parts;
	struct page *const *page = pages->pages;
	unsigned int copied_pages = 0;
	size_t done = 0;

	while (offset >= part->len) {
		offset -= part->len;
		page += DIV_ROUND_UP(part->offset + part->len, PAGE_SIZE);
		part++;
	}

	for (;;) {
		size_t pos = part->offset + offset;
		size_t in_part = min(part->len - offset, len - done);

		page += pos / PAGE_SIZE;
		pos %= PAGE_SIZE;
		while (in_part) {
			size_t n = min_t(size_t, PAGE_SIZE - pos, in_part);
			size_t copied = stplr_page_copy(*page, pos, n, iter);

			done += copied;
			if (copied < n)
				return done;
			in_part -= n;
			pos = 0;
			page++;
			if (++copied_pages % 16)
				continue;
			cond_resched();
			if (READ_ONCE(*leaving))
				return done;
		}
		if (done == len)
			return done;
		part++;
		offset = 0;
	}
}
