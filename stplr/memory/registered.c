// SPDX-License-Identifier: GPL-2.0
/*
 * Registered buffers: memory that its owner pins once and then names by an index.
 *
 * A buffer is in the table of a connection or a channel, and only the process that put it there can
 * name it: what tells processes apart is their memory (mm), which no fork shares and exec leaves
 * behind. A client's message refers to it from the send to the end, a server's call for its
 * duration. So it may be unregistered at any time, its memory be unmapped, its process go: the last
 * of these references lets go of the pages, and whatever the others copy meanwhile goes where
 * nobody else's memory is.
 *
 * What is pinned counts against RLIMIT_MEMLOCK of the user, not of the process: a process can leave
 * its buffers to others, by a descriptor that it shares, and its count would die with it.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bvec.h>
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/slab.h>

#include <uapi/linux/stplr.h>

#include "base/compat.h"
#include "base/quota.h"
#include "memory/registered.h"

/* Where the index stands in an address that names a byte of a registered buffer. */
#define STPLR_INDEX_SHIFT 48

/* Counts pages against the limit of the calling process's user; ENOMEM. */
static int stplr_registered_charge(struct stplr_registered *registered, unsigned int nr_pages)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	struct user_struct *payer = current_user();

	if (atomic_long_add_return(nr_pages, &payer->locked_vm) > limit && !capable(CAP_IPC_LOCK)) {
		atomic_long_sub(nr_pages, &payer->locked_vm);
		return -ENOMEM;
	}
	atomic64_add(nr_pages, &registered->mm->pinned_vm);
	atomic_long_add((long)nr_pages << PAGE_SHIFT, &registered->user->registered);
	registered->payer = get_uid(payer);
	registered->charged = nr_pages;
	return 0;
}

static void stplr_registered_uncharge(struct stplr_registered *registered)
{
	unsigned int nr_pages = registered->charged;

	atomic_long_sub((long)nr_pages << PAGE_SHIFT, &registered->user->registered);
	atomic64_sub(nr_pages, &registered->mm->pinned_vm);
	atomic_long_sub(nr_pages, &registered->payer->locked_vm);
	free_uid(registered->payer);
}

static void stplr_registered_free(struct kref *ref)
{
	struct stplr_registered *registered = container_of(ref, struct stplr_registered, ref);

	/* those that were registered to be written are dirty, whoever cleaned them meanwhile */
	stplr_unpin(registered->pages.pages, registered->pages.nr_pages, registered->write);
	stplr_registered_uncharge(registered);
	mmdrop(registered->mm);
	kvfree(registered);
}

/* May sleep, where it is the last reference. */
void stplr_registered_put(struct stplr_registered *registered)
{
	might_sleep();
	kref_put(&registered->ref, stplr_registered_free);
}

/* Registering */

/* Why a page of the caller's could not be pinned. */
static int stplr_registered_refused(const char __user *at, bool write, int err)
{
	if (err == -ENOMEM)
		return err;
	if (signal_pending(current))
		return -ERESTARTSYS;
	if (write ? fault_in_safe_writeable(at, 1) : fault_in_readable(at, 1))
		return -EFAULT;
	return -EOPNOTSUPP;
}

/* Pins up to @nr_pages more; how many, or an error. */
static int stplr_registered_pin_some(struct stplr_registered *registered, const char __user *at,
				     unsigned int nr_pages)
{
	struct page **pages = registered->pages.pages + registered->pages.nr_pages;
	unsigned long start = (unsigned long)at;
	unsigned int i;
	int n;

	if (registered->write)
		n = stplr_pin_to_write(start, nr_pages, pages);
	else
		n = stplr_pin_to_read(start, nr_pages, pages);
	if (n <= 0)
		return n ?: -EFAULT;

	registered->pages.nr_pages += n;
	for (i = 0; i < n; i++) {
		if (!stplr_page_of_no_file(pages[i]))
			return -EOPNOTSUPP;
	}
	return n;
}

/* Pins all pages from @at on, or fails: what was pinned by then is left to its owner. */
static int stplr_registered_pin(struct stplr_registered *registered, const char __user *at)
{
	unsigned int left = registered->charged;

	while (left) {
		unsigned int batch = min_t(unsigned int, left, STPLR_PIN_BATCH);
		int n = stplr_registered_pin_some(registered, at, batch);

		if (n < 0)
			return stplr_registered_refused(at, registered->write, n);
		at += (size_t)n * PAGE_SIZE;
		left -= n;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* The pages as an iterator wants them: the bytes of the buffer, page by page. */
static void stplr_registered_fill(struct stplr_registered *registered)
{
	unsigned int offset = registered->part.offset;
	size_t left = registered->part.len;
	unsigned int i;

	for (i = 0; i < registered->pages.nr_pages; i++) {
		struct bio_vec *bvec = &registered->bvecs[i];

		bvec->bv_page = registered->pages.pages[i];
		bvec->bv_offset = offset;
		bvec->bv_len = min_t(size_t, left, PAGE_SIZE - offset);
		left -= bvec->bv_len;
		offset = 0;
	}
}

static struct stplr_registered *stplr_registered_alloc(unsigned int nr_pages)
{
	size_t size = offsetof(struct stplr_registered, pages.pages);
	struct stplr_registered *registered;

	size = size_add(size, array_size(nr_pages, sizeof(struct page *)));
	registered = kvmalloc(size_add(size, array_size(nr_pages, sizeof(struct bio_vec))),
			      GFP_KERNEL_ACCOUNT);
	if (!registered)
		return NULL;
	registered->bvecs = (void *)registered + size;
	registered->pages.nr_pages = 0;
	registered->pages.nr_parts = 1;
	registered->pages.charged = 0;
	registered->pages.parts = &registered->part;
	return registered;
}

/* Pins @len bytes of the caller's memory, at least one, for @user to be shown with. */
struct stplr_registered *stplr_registered_new(char __user *base, size_t len, bool write,
					      struct stplr_user *user)
{
	struct stplr_registered *registered;
	unsigned int nr_pages;
	int err;

	if (!access_ok(base, len))
		return ERR_PTR(-EFAULT);
	nr_pages = stplr_pages_of(base, len);
	registered = stplr_registered_alloc(nr_pages);
	if (!registered)
		return ERR_PTR(-ENOMEM);
	kref_init(&registered->ref);
	registered->mm = current->mm;
	registered->user = user;
	registered->write = write;
	registered->part.offset = offset_in_page(base);
	registered->part.len = len;
	registered->pages.len = len;

	err = stplr_registered_charge(registered, nr_pages);
	if (err) {
		kvfree(registered);
		return ERR_PTR(err);
	}
	mmgrab(registered->mm);
	err = stplr_registered_pin(registered, base - registered->part.offset);
	if (err) {
		stplr_registered_put(registered);
		return ERR_PTR(err);
	}
	stplr_registered_fill(registered);
	return registered;
}

/* A table, which needs no memory while it is empty. */
void stplr_buffers_init(struct xarray *buffers)
{
	xa_init_flags(buffers, XA_FLAGS_ALLOC | XA_FLAGS_ACCOUNT);
}

/* Takes a place, which is empty for everybody until the buffer is there. */
int stplr_buffers_reserve(struct xarray *buffers, u32 *index)
{
	int err = xa_alloc(buffers, index, NULL, XA_LIMIT(0, STPLR_BUFFERS_MAX - 1), GFP_KERNEL);

	return err == -EBUSY ? -EDQUOT : err;
}

/* Puts the buffer on the place that was taken for it, with its reference; NULL: gives that back. */
void stplr_buffers_set(struct xarray *buffers, u32 index, struct stplr_registered *registered)
{
	if (registered)
		xa_store(buffers, index, registered, GFP_KERNEL);
	else
		xa_erase(buffers, index);
}

/* What still uses the buffer goes on to do so; ENOENT. */
int stplr_buffers_remove(struct xarray *buffers, u32 index)
{
	struct stplr_registered *registered;

	xa_lock(buffers);
	registered = xa_load(buffers, index);
	if (registered) /* not a place that is only taken */
		__xa_erase(buffers, index);
	xa_unlock(buffers);
	if (!registered)
		return -ENOENT;
	stplr_registered_put(registered);
	return 0;
}

/* Unregisters all, when the last descriptor is closed. */
void stplr_buffers_end(struct xarray *buffers)
{
	struct stplr_registered *registered;
	unsigned long index;

	xa_for_each(buffers, index, registered) {
		xa_erase(buffers, index);
		stplr_registered_put(registered);
	}
	xa_destroy(buffers);
}

/* Use */

static struct stplr_registered *stplr_registered_get(struct xarray *buffers, unsigned long index)
{
	struct stplr_registered *registered;

	xa_lock(buffers);
	registered = xa_load(buffers, index);
	if (registered)
		kref_get(&registered->ref);
	xa_unlock(buffers);
	return registered;
}

/* May the calling process use so many bytes from @start on? */
static bool stplr_registered_allows(const struct stplr_registered *registered, u64 start, u64 len,
				    bool write)
{
	return registered->mm == current->mm && (registered->write || !write) &&
	       start <= registered->part.len && len <= registered->part.len - start;
}

/*
 * The buffer that @address names, with a reference, if the caller may use so many bytes from there
 * on, and the first of them; EINVAL.
 */
struct stplr_registered *stplr_registered_find(struct xarray *buffers, u64 address, u64 len,
					       bool write, size_t *start)
{
	struct stplr_registered *registered;

	BUILD_BUG_ON(STPLR_REGISTERED(1, 0) != BIT_ULL(STPLR_INDEX_SHIFT));
	*start = address & GENMASK_ULL(STPLR_INDEX_SHIFT - 1, 0);
	registered = stplr_registered_get(buffers, address >> STPLR_INDEX_SHIFT);
	if (!registered)
		return ERR_PTR(-EINVAL);
	if (!stplr_registered_allows(registered, *start, len, write)) {
		stplr_registered_put(registered);
		return ERR_PTR(-EINVAL);
	}
	return registered;
}

/* An iterator over @len bytes from @start on, of which none can be missing. */
void stplr_registered_iter(const struct stplr_registered *registered, size_t start, size_t len,
			   unsigned int direction, struct iov_iter *iter)
{
	unsigned int first = (registered->part.offset + start) / PAGE_SIZE;

	iov_iter_bvec(iter, direction, registered->bvecs + first,
		      registered->pages.nr_pages - first, len);
	iter->iov_offset = first ? (registered->part.offset + start) % PAGE_SIZE : start;
}
