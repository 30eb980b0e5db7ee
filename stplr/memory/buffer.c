// SPDX-License-Identifier: GPL-2.0
/* A caller's memory, checked: what is not one piece of a process's. */

#include <linux/mm.h>
#include <linux/slab.h>

#include "memory/buffer.h"
#include "memory/registered.h"

/*
 * Reads a vector of parts; checks each as access_ok() does; cuts the sum at MAX_RW_COUNT, like
 * readv(2). Empty parts end here: nobody behind this asks for nothing, which is what some of the
 * kernel's helpers do not expect.
 */
static int stplr_parts_import(struct stplr_user_buffer *buffer, const struct stplr_buffer *from)
{
	unsigned int nr_given = from->len, i;
	size_t left = MAX_RW_COUNT;
	int err;

	BUILD_BUG_ON(sizeof(struct iovec) != sizeof(struct stplr_iovec));
	BUILD_BUG_ON(STPLR_PARTS_MAX != UIO_MAXIOV);

	if (from->len > STPLR_PARTS_MAX)
		return -EINVAL;
	if (nr_given > STPLR_FAST_PARTS) {
		buffer->parts = kmalloc_array(nr_given, sizeof(*buffer->parts), GFP_KERNEL);
		if (!buffer->parts) {
			buffer->parts = buffer->fast;
			return -ENOMEM;
		}
	}

	err = -EFAULT;
	if (copy_from_user(buffer->parts, u64_to_user_ptr(from->addr),
			   nr_given * sizeof(*buffer->parts)))
		goto free_parts;

	for (i = 0; i < nr_given; i++) {
		struct iovec part = buffer->parts[i];

		err = -EINVAL;
		if ((ssize_t)part.iov_len < 0)
			goto free_parts;
		err = -EFAULT;
		if (part.iov_len && !access_ok(part.iov_base, part.iov_len))
			goto free_parts;
		part.iov_len = min(part.iov_len, left);
		if (!part.iov_len)
			continue;
		buffer->parts[buffer->nr_parts++] = part;
		left -= part.iov_len;
	}
	buffer->len = MAX_RW_COUNT - left;
	return 0;

free_parts:
	stplr_user_buffer_free(buffer);
	buffer->parts = buffer->fast;
	return err;
}

static int stplr_registered_import(struct stplr_user_buffer *buffer,
				   const struct stplr_buffer *from, struct xarray *buffers,
				   bool write)
{
	struct stplr_registered *registered;
	size_t start;

	registered = stplr_registered_find(buffers, from->addr, from->len, write, &start);
	if (IS_ERR(registered))
		return PTR_ERR(registered);
	buffer->parts = NULL;
	buffer->len = from->len;
	buffer->registered = registered;
	buffer->start = start;
	return 0;
}

/* A buffer that is not in one piece: in parts, or in a registered one. */
int stplr_user_buffer_import_other(struct stplr_user_buffer *buffer,
				   const struct stplr_buffer *from, bool vector, bool registered,
				   struct xarray *buffers, bool write)
{
	if (vector && registered)
		return -EINVAL;
	if (!from->len)
		return 0;
	if (vector)
		return stplr_parts_import(buffer, from);
	return stplr_registered_import(buffer, from, buffers, write);
}

void stplr_user_buffer_iter_other(const struct stplr_user_buffer *buffer, unsigned int direction,
				  struct iov_iter *iter)
{
	if (buffer->parts)
		iov_iter_init(iter, direction, buffer->parts, buffer->nr_parts, buffer->len);
	else if (buffer->registered)
		stplr_registered_iter(buffer->registered, buffer->start, buffer->len, direction,
				      iter);
	else
		iov_iter_kvec(iter, direction, buffer->kernel, buffer->nr_kernel, buffer->len);
}

bool stplr_user_buffer_read_other(const struct stplr_user_buffer *buffer, size_t offset, void *to,
				  size_t len)
{
	struct iov_iter iter;

	stplr_user_buffer_iter(buffer, ITER_SOURCE, &iter);
	iov_iter_advance(&iter, offset);
	return _copy_from_iter(to, len, &iter) == len;
}

bool stplr_user_buffer_write_other(const struct stplr_user_buffer *buffer, size_t offset,
				   const void *from, size_t len)
{
	struct iov_iter iter;

	stplr_user_buffer_iter(buffer, ITER_DEST, &iter);
	iov_iter_advance(&iter, offset);
	return _copy_to_iter(from, len, &iter) == len;
}

void stplr_user_buffer_free_other(struct stplr_user_buffer *buffer)
{
	if (!buffer->parts && buffer->registered)
		stplr_registered_put(buffer->registered);
	else
		kfree(buffer->parts);
}
