/* SPDX-License-Identifier: GPL-2.0 */
/* Memory that is pinned once and then named by an index. */
#ifndef STPLR_MEMORY_REGISTERED_H
#define STPLR_MEMORY_REGISTERED_H

#include <linux/kref.h>
#include <linux/types.h>
#include <linux/uio.h>
#include <linux/xarray.h>

#include "memory/pages.h"

struct mm_struct;
struct stplr_user;
struct user_struct;

/**
 * struct stplr_registered - a registered buffer; constant but for @ref
 * @ref: the table of its connection or channel, each message and each server's call that uses it
 * @mm: whose memory; kept, not its contents, so that no other can be taken for it
 * @payer: whose RLIMIT_MEMLOCK
 * @user: who is shown to have it; kept by the connection or channel, which it never outlives
 * @charged: pages charged
 * @write: bytes may be put there
 * @bvecs: the pages once more, as iterators want them; stand behind the pages
 * @part: the only part of @pages
 * @pages: the pages; last, since their array is part of it
 */
struct stplr_registered {
	struct kref ref;
	struct mm_struct *mm;
	struct user_struct *payer;
	struct stplr_user *user;
	unsigned int charged;
	bool write;
	struct bio_vec *bvecs;
	struct stplr_part part;
	struct stplr_pages pages;
};

struct stplr_registered *stplr_registered_new(char __user *base, size_t len, bool write,
					      struct stplr_user *user);
void stplr_registered_put(struct stplr_registered *registered);
void stplr_buffers_init(struct xarray *buffers);
int stplr_buffers_reserve(struct xarray *buffers, u32 *index);
void stplr_buffers_set(struct xarray *buffers, u32 index, struct stplr_registered *registered);
int stplr_buffers_remove(struct xarray *buffers, u32 index);
void stplr_buffers_end(struct xarray *buffers);
struct stplr_registered *stplr_registered_find(struct xarray *buffers, u64 address, u64 len,
					       bool write, size_t *start);
void stplr_registered_iter(const struct stplr_registered *registered, size_t start, size_t len,
			   unsigned int direction, struct iov_iter *iter);

#endif /* STPLR_MEMORY_REGISTERED_H */
