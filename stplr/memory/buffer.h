/* SPDX-License-Identifier: GPL-2.0 */
/* A caller's memory, checked: in one piece, in parts, in a registered buffer; or the kernel's. */
#ifndef STPLR_MEMORY_BUFFER_H
#define STPLR_MEMORY_BUFFER_H

#include <linux/fs.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include <uapi/linux/stplr.h>

#include "base/compat.h"

struct stplr_registered;
struct xarray;

/* Parts of a vector that need no allocation. */
#define STPLR_FAST_PARTS 8

/*
 * A server whose own memory goes again as fast as it is faulted in gets EFAULT after so many
 * tries.
 */
#define STPLR_FAULT_TRIES 64

/**
 * struct stplr_user_buffer - memory of the calling process, checked; or of kernel code that calls
 * @len: bytes in it
 * @nr_parts: parts of @parts, none of them empty
 * @parts: @fast, or allocated; NULL: the memory lies in a registered buffer or is the kernel's
 * @fast: the parts of most callers
 * @registered: without @parts: that buffer, with a reference; NULL: it is the kernel's
 * @start: where in it
 * @nr_kernel: without either: parts of @kernel
 * @kernel: the kernel's memory, in parts
 * @whole: the only one, where there is no array of them
 */
struct stplr_user_buffer {
	size_t len;
	unsigned int nr_parts;
	struct iovec *parts;
	union {
		struct iovec fast[STPLR_FAST_PARTS];
		struct {
			struct stplr_registered *registered;
			size_t start;
			unsigned int nr_kernel;
			const struct kvec *kernel;
			struct kvec whole;
		};
	};
};

int stplr_user_buffer_import_other(struct stplr_user_buffer *buffer,
				   const struct stplr_buffer *from, bool vector, bool registered,
				   struct xarray *buffers, bool write);
void stplr_user_buffer_iter_other(const struct stplr_user_buffer *buffer, unsigned int direction,
				  struct iov_iter *iter);
bool stplr_user_buffer_read_other(const struct stplr_user_buffer *buffer, size_t offset, void *to,
				  size_t len);
bool stplr_user_buffer_write_other(const struct stplr_user_buffer *buffer, size_t offset,
				   const void *from, size_t len);
void stplr_user_buffer_free_other(struct stplr_user_buffer *buffer);

/* No memory. */
static inline void stplr_user_buffer_none(struct stplr_user_buffer *buffer)
{
	buffer->parts = buffer->fast;
	buffer->len = 0;
	buffer->nr_parts = 0;
}

/* Memory of the kernel's, in parts; both are good as long as the call lasts. */
static inline void stplr_user_buffer_kvec(struct stplr_user_buffer *buffer,
					  const struct kvec *parts, unsigned int nr_parts,
					  size_t len)
{
	if (!len) {
		stplr_user_buffer_none(buffer);
		return;
	}
	buffer->parts = NULL;
	buffer->registered = NULL;
	buffer->kernel = parts;
	buffer->nr_kernel = nr_parts;
	buffer->len = len;
	buffer->nr_parts = 0;
}

/* The same in one piece. */
static inline void stplr_user_buffer_kernel(struct stplr_user_buffer *buffer, void *bytes,
					    size_t len)
{
	buffer->whole.iov_base = bytes;
	buffer->whole.iov_len = len;
	stplr_user_buffer_kvec(buffer, &buffer->whole, 1, len);
}

/* Is it the kernel's? */
static inline bool stplr_user_buffer_is_kernel(const struct stplr_user_buffer *buffer)
{
	return !buffer->parts && !buffer->registered;
}

/*
 * Checks a buffer of the caller's, which, if @registered, is one of @buffers, and if @write, is to
 * be written. Undone with stplr_user_buffer_free(), which may follow a failure too.
 */
static __always_inline int stplr_user_buffer_import(struct stplr_user_buffer *buffer,
						    const struct stplr_buffer *from, bool vector,
						    bool registered, struct xarray *buffers,
						    bool write)
{
	stplr_user_buffer_none(buffer);
	if (unlikely(vector | registered))
		return stplr_user_buffer_import_other(buffer, from, vector, registered, buffers,
						      write);
	if (!from->len)
		return 0;
	if (unlikely(from->len > S64_MAX))
		return -EINVAL;
	if (unlikely(!access_ok(u64_to_user_ptr(from->addr), from->len)))
		return -EFAULT;
	buffer->len = min_t(u64, from->len, MAX_RW_COUNT);
	buffer->nr_parts = 1;
	buffer->fast[0].iov_base = u64_to_user_ptr(from->addr);
	buffer->fast[0].iov_len = buffer->len;
	return 0;
}

/* An iterator over it, from the caller (ITER_SOURCE) or to it (ITER_DEST). */
static inline void stplr_user_buffer_iter(const struct stplr_user_buffer *buffer,
					  unsigned int direction, struct iov_iter *iter)
{
	if (likely(buffer->nr_parts == 1))
		iov_iter_ubuf(iter, direction, buffer->parts[0].iov_base, buffer->len);
	else
		stplr_user_buffer_iter_other(buffer, direction, iter);
}

/*
 * Copies from it, or to it, and waits for missing pages; false: one is not there. Most buffers are
 * in one piece, and then this is 40 instructions shorter than by an iterator. The kernel's side of
 * it is the caller's to check: hardened usercopy would look its object up, which takes 170.
 */
static inline bool stplr_user_buffer_read(const struct stplr_user_buffer *buffer, size_t offset,
					  void *to, size_t len)
{
	if (likely(buffer->nr_parts == 1))
		return !stplr_copy_from_user(to, buffer->parts[0].iov_base + offset, len);
	return stplr_user_buffer_read_other(buffer, offset, to, len);
}

static inline bool stplr_user_buffer_write(const struct stplr_user_buffer *buffer, size_t offset,
					   const void *from, size_t len)
{
	if (likely(buffer->nr_parts == 1))
		return !stplr_copy_to_user(buffer->parts[0].iov_base + offset, from, len);
	return stplr_user_buffer_write_other(buffer, offset, from, len);
}

static inline void stplr_user_buffer_free(struct stplr_user_buffer *buffer)
{
	if (unlikely(buffer->parts != buffer->fast))
		stplr_user_buffer_free_other(buffer);
}

#endif /* STPLR_MEMORY_BUFFER_H */
