/* SPDX-License-Identifier: GPL-2.0 */
/* The two sides of a message: the bytes that its client sends, and what it gets. */
#ifndef STPLR_MEMORY_SIDES_H
#define STPLR_MEMORY_SIDES_H

#include <linux/list.h>
#include <linux/mm.h>
#include <linux/types.h>
#include <linux/uio.h>

#include "memory/chunk.h"
#include "memory/copy.h"
#include "memory/window.h"

struct stplr_user;
struct stplr_user_buffer;

/*
 * Bytes that go through the message itself, both ways together: what keeps a connection below 2
 * KiB.
 */
#define STPLR_INLINE_MAX 1024

/* A client that expects a long reply pins at least this much of its buffer. */
#define STPLR_WINDOW_MIN (17 * PAGE_SIZE)

/**
 * struct stplr_send_side - the bytes a client sends, and where the server finds them
 * @len: how many
 * @consumed: how many were read without a gap, from the first on; under the lock of the message
 * @window: the first of them
 * @copy: the others: in the sides, or allocated
 */
struct stplr_send_side {
	size_t len;
	size_t consumed;
	struct stplr_window window;
	u8 *copy;
};

/**
 * struct stplr_reply_side - the room a client offers for a reply, and what came
 * @room: bytes
 * @window: the first of them
 * @written: up to where @window was written
 * @buffer: without a window: where a reply goes that is no longer than ...
 * @buffer_room: ... this; what the sent leave of @data, or allocated
 * @buffer_len: bytes of the reply that are there
 * @chunks: bytes that go neither way, in the order written
 * @chunk_bytes: their number
 * @len: bytes of the reply in the room
 * @total: bytes the server replied
 */
struct stplr_reply_side {
	size_t room;
	struct stplr_window window;
	size_t written;
	u8 *buffer;
	size_t buffer_room;
	size_t buffer_len;
	struct list_head chunks;
	size_t chunk_bytes;
	size_t len;
	size_t total;
};

/**
 * struct stplr_sides - the bytes of a message, both ways
 * @user: who pays for them: the client's
 * @kept: they outlive the client's call, and maybe the client
 * @leaving: the client takes them back: as soon as a copy under way lets it
 * @send: what is sent
 * @reply: where the reply goes
 * @data: short messages and replies
 */
struct stplr_sides {
	struct stplr_user *user;
	bool kept;
	bool leaving;
	struct stplr_send_side send;
	struct stplr_reply_side reply;
	u8 data[STPLR_INLINE_MAX] __aligned(8);
};

/* Is it a place in @data? */
static inline bool stplr_inline(const struct stplr_sides *sides, const u8 *buffer)
{
	return buffer >= sides->data && buffer < sides->data + STPLR_INLINE_MAX;
}

/*
 * What is copied while a lock is held, for that takes no longer than to take the lock twice: so
 * many bytes, between the kernel's own memory (no window) and so many parts of the caller's. Those
 * are present, or are not copied; a caller that has mapped a slow device there holds up its own
 * channel.
 */
#define STPLR_SHORT_MAX 256
#define STPLR_SHORT_PARTS 2

static inline bool stplr_send_side_short(const struct stplr_send_side *send, size_t len,
					 unsigned int nr_parts)
{
	return len <= STPLR_SHORT_MAX && !send->window.len && nr_parts <= STPLR_SHORT_PARTS;
}

static inline bool stplr_reply_side_short(const struct stplr_reply_side *reply, size_t len,
					  unsigned int nr_parts)
{
	return len <= STPLR_SHORT_MAX && !reply->window.len && nr_parts <= STPLR_SHORT_PARTS;
}

/* Do they hold more than themselves? */
static inline bool stplr_sides_hold(const struct stplr_sides *sides)
{
	const struct stplr_send_side *send = &sides->send;
	const struct stplr_reply_side *reply = &sides->reply;

	return send->window.len || send->copy != sides->data || reply->window.len ||
	       reply->chunk_bytes || (reply->buffer && !stplr_inline(sides, reply->buffer));
}

void stplr_sides_free_held(struct stplr_sides *sides);

/* Gives back what they hold. */
static inline void stplr_sides_free(struct stplr_sides *sides)
{
	if (unlikely(stplr_sides_hold(sides)))
		stplr_sides_free_held(sides);
}

int stplr_buffer_cache_init(void);
void stplr_buffer_cache_exit(void);
int stplr_send_side_prepare(struct stplr_sides *sides, const struct stplr_user_buffer *from);
size_t stplr_send_side_copy(const struct stplr_sides *sides, size_t offset, size_t len,
			    struct iov_iter *to);
int stplr_reply_side_prepare(struct stplr_sides *sides, const struct stplr_user_buffer *room,
			     size_t expected);
size_t stplr_reply_side_direct(const struct stplr_sides *sides, size_t offset, size_t len,
			       bool whole);
size_t stplr_reply_side_copy(struct stplr_sides *sides, size_t offset, size_t len,
			     struct iov_iter *from);
int stplr_reply_side_attach(struct stplr_sides *sides, struct stplr_chunk *chunk);
int stplr_reply_side_fetch(struct stplr_sides *sides, const struct stplr_user_buffer *room);

#endif /* STPLR_MEMORY_SIDES_H */
