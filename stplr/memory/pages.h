/* SPDX-License-Identifier: GPL-2.0 */
/* Pinned pages. */
#ifndef STPLR_MEMORY_PAGES_H
#define STPLR_MEMORY_PAGES_H

#include <linux/mm.h>
#include <linux/types.h>
#include <linux/uio.h>

struct stplr_user;

/**
 * struct stplr_part - a run of bytes that is contiguous in its owner's address space
 * @len: bytes
 * @offset: of the first of them in its first page
 */
struct stplr_part {
	size_t len;
	unsigned int offset;
};

/**
 * struct stplr_pages - pages pinned by the client that own the first bytes of one of its buffers
 * @len: how many bytes
 * @nr_parts: in how many parts, none of them empty
 * @nr_pages: how many pages; the parts' pages follow each other, none is shared between two
 * @charged: bytes charged to the user
 * @parts: stand behind the pages
 * @pages: the pages
 */
struct stplr_pages {
	size_t len;
	unsigned int nr_parts;
	unsigned int nr_pages;
	size_t charged;
	struct stplr_part *parts;
	struct page *pages[];
};

/* How many pages are pinned, or let go of, before others may run. */
#define STPLR_PIN_BATCH 512

bool stplr_page_of_no_file(struct page *page);
void stplr_unpin(struct page **pages, unsigned int nr_pages, bool dirty);
struct stplr_pages *stplr_pages_pin(const struct iovec *from, unsigned int nr_from, size_t window,
				    bool write, struct stplr_user *user);
void stplr_pages_unpin(struct stplr_pages *pages, size_t written, struct stplr_user *user);
size_t stplr_pages_copy(const struct stplr_pages *pages, size_t offset, size_t len,
			struct iov_iter *iter, const bool *leaving);

/* Of at least one byte. */
static inline unsigned int stplr_pages_of(const void __user *base, size_t len)
{
	return DIV_ROUND_UP(offset_in_page(base) + len, PAGE_SIZE);
}

#endif /* STPLR_MEMORY_PAGES_H */
