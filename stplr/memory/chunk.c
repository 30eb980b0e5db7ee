// SPDX-License-Identifier: GPL-2.0
/* Reply bytes that found no place of the client's, on their way to it. */

#include <linux/mm.h>
#include <linux/slab.h>

#include "base/quota.h"
#include "memory/buffer.h"
#include "memory/chunk.h"
#include "memory/copy.h"

/*
 * Takes @len of the caller's bytes after the first @skip, for @offset of a client's buffer. The
 * caller's memory may take its time, and so the server's user pays until the chunk is attached.
 */
struct stplr_chunk *stplr_chunk_new(struct stplr_user *server, const struct stplr_user_buffer *from,
				    size_t skip, size_t len, size_t offset)
{
	size_t bytes = stplr_chunk_bytes(len);
	struct stplr_chunk *chunk;
	struct iov_iter iter;
	int err;

	err = stplr_charge_memory(server, bytes);
	if (err)
		return ERR_PTR(err);
	chunk = kvmalloc(bytes, GFP_KERNEL_ACCOUNT);
	if (!chunk) {
		stplr_uncharge_memory(server, bytes);
		return ERR_PTR(-ENOMEM);
	}
	chunk->server = server;
	chunk->offset = offset;
	chunk->len = len;

	stplr_user_buffer_iter(from, ITER_SOURCE, &iter);
	iov_iter_advance(&iter, skip);
	if (stplr_copy_from(chunk->data, len, &iter) != len) {
		stplr_chunk_free(chunk);
		return ERR_PTR(-EFAULT);
	}
	return chunk;
}

/* Frees a chunk that was not attached; NULL is none. */
void stplr_chunk_free(struct stplr_chunk *chunk)
{
	if (!chunk)
		return;
	stplr_uncharge_memory(chunk->server, stplr_chunk_bytes(chunk->len));
	kvfree(chunk);
}
