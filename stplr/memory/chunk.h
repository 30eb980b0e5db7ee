/* SPDX-License-Identifier: GPL-2.0 */
/* Reply bytes that found no place of the client's, on their way to it. */
#ifndef STPLR_MEMORY_CHUNK_H
#define STPLR_MEMORY_CHUNK_H

#include <linux/align.h>
#include <linux/list.h>
#include <linux/overflow.h>
#include <linux/types.h>

struct stplr_user;
struct stplr_user_buffer;

/**
 * struct stplr_chunk - reply bytes that found no pinned page, for the client to fetch
 * @link: in reply->chunks
 * @server: who pays until the client does
 * @offset: where they belong in the client's buffer
 * @len: how many
 * @data: the bytes
 */
struct stplr_chunk {
	struct list_head link;
	struct stplr_user *server;
	size_t offset;
	size_t len;
	u8 data[];
};

/* What a chunk costs who pays for it: not less than the allocator takes. */
static inline size_t stplr_chunk_bytes(size_t len)
{
	return ALIGN(size_add(sizeof(struct stplr_chunk), len), 64);
}

struct stplr_chunk *stplr_chunk_new(struct stplr_user *server, const struct stplr_user_buffer *from,
				    size_t skip, size_t len, size_t offset);
void stplr_chunk_free(struct stplr_chunk *chunk);

#endif /* STPLR_MEMORY_CHUNK_H */
