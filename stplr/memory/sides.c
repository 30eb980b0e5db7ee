// SPDX-License-Identifier: GPL-2.0
/*
 * How bytes move.
 *
 * The client prepares both sides of its message in its own context, before it queues: up to a page
 * is copied, into the message itself where it fits; of more the pages are pinned, unless they are
 * registered and so pinned already, or the memory is kernel code's; and where it cannot be pinned
 * for long (device memory, some file systems) the bytes are copied after all. So nothing the server
 * does ever needs the client's page tables, and no client can stall a server by memory that does
 * not come.
 *
 * The server copies between that and its own memory, with page faults disabled while it counts as
 * a transfer. Reply bytes for which the client has no page pinned (it did not expect so many, or
 * could not pin) are put into kernel memory charged to the client, a chunk, which the client
 * copies to its place when it wakes.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "base/quota.h"
#include "memory/buffer.h"
#include "memory/sides.h"

/*
 * Buffers for up to STPLR_COPY_MAX bytes. They have a constructor, and so init_on_alloc does not
 * clear them before each use (525 instructions): what they hold are old messages, of which no byte
 * is read before it was overwritten.
 */
static struct kmem_cache *stplr_buffer_cache;

static void stplr_buffer_construct(void *buffer)
{
	memset(buffer, 0, STPLR_COPY_MAX);
}

int stplr_buffer_cache_init(void)
{
	stplr_buffer_cache = kmem_cache_create("stplr_buffer", STPLR_COPY_MAX, 0, SLAB_ACCOUNT,
					       stplr_buffer_construct);
	return stplr_buffer_cache ? 0 : -ENOMEM;
}

void stplr_buffer_cache_exit(void)
{
	kmem_cache_destroy(stplr_buffer_cache);
}

/* Is it of the cache? What a queued message keeps, maybe for long, is no larger than need be. */
static bool stplr_buffer_cached(const struct stplr_sides *sides, size_t size)
{
	return size <= STPLR_COPY_MAX && !sides->kept;
}

static u8 *stplr_buffer_alloc(const struct stplr_sides *sides, size_t size)
{
	struct stplr_user *user = sides->user;
	u8 *buffer;

	if (stplr_charge_memory(user, size))
		return ERR_PTR(-ENOBUFS);
	if (stplr_buffer_cached(sides, size))
		buffer = kmem_cache_alloc(stplr_buffer_cache, GFP_KERNEL);
	else
		buffer = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!buffer) {
		stplr_uncharge_memory(user, size);
		return ERR_PTR(-ENOMEM);
	}
	return buffer;
}

/* Frees what is not part of the sides themselves. */
static void stplr_buffer_free(const struct stplr_sides *sides, u8 *buffer, size_t size)
{
	if (!buffer || stplr_inline(sides, buffer))
		return;
	if (stplr_buffer_cached(sides, size))
		kmem_cache_free(stplr_buffer_cache, buffer);
	else
		kvfree(buffer);
	stplr_uncharge_memory(sides->user, size);
}

/* What the client sends */

/*
 * Takes or pins the bytes at @from; EFAULT, ENOBUFS, ENOMEM, EINTR. Undone by
 * stplr_sides_free().
 */
int stplr_send_side_prepare(struct stplr_sides *sides, const struct stplr_user_buffer *from)
{
	struct stplr_send_side *send = &sides->send;
	struct iov_iter iter;
	size_t rest;

	send->len = from->len;
	send->consumed = 0;
	send->window.len = 0;
	send->copy = sides->data;
	if (!from->len)
		return 0;
	stplr_user_buffer_iter(from, ITER_SOURCE, &iter);

	if (from->len <= STPLR_INLINE_MAX)
		return _copy_from_iter(send->copy, from->len, &iter) == from->len ? 0 : -EFAULT;

	/* a queued message outlives the call, and maybe its sender */
	if (stplr_user_buffer_is_kernel(from) && !sides->kept) {
		stplr_window_kernel(&send->window, from);
		return 0;
	}
	if (!from->parts && from->registered) {
		stplr_window_registered(&send->window, from);
		return 0;
	}
	if (from->len > STPLR_COPY_MAX && !sides->kept) {
		stplr_window_pin(&send->window, from, from->len, false, sides->user);
		if (fatal_signal_pending(current))
			return -EINTR;
		iov_iter_advance(&iter, send->window.len);
	}

	rest = iov_iter_count(&iter);
	if (!rest)
		return 0;
	send->copy = stplr_buffer_alloc(sides, rest);
	if (IS_ERR(send->copy)) {
		int err = PTR_ERR(send->copy);

		send->copy = NULL;
		return err;
	}
	return stplr_copy_from(send->copy, rest, &iter) == rest ? 0 : -EFAULT;
}

static void stplr_send_side_free(struct stplr_sides *sides)
{
	struct stplr_send_side *send = &sides->send;

	stplr_buffer_free(sides, send->copy, send->len - send->window.len);
	send->copy = NULL;
	stplr_window_free(&send->window, 0, sides->user);
}

/*
 * Copies sent bytes to the server; how many went before a page of the server's was missing, or the
 * client wants to leave.
 */
size_t stplr_send_side_copy(const struct stplr_sides *sides, size_t offset, size_t len,
			    struct iov_iter *to)
{
	const struct stplr_send_side *send = &sides->send;
	size_t in_place = send->window.len;
	size_t done = 0;

	if (!len || WARN_ON_ONCE(offset > send->len || len > send->len - offset))
		return 0;

	pagefault_disable();
	if (offset < in_place) {
		size_t n = min(len, in_place - offset);

		done = stplr_window_copy(&send->window, offset, n, to, &sides->leaving);
		if (done < n)
			goto out;
	}
	if (done < len)
		done += stplr_copy_to(send->copy + (offset + done - in_place), len - done, to,
				      &sides->leaving);
out:
	pagefault_enable();
	return done;
}

/* What the client gets */

/* Prepares @room for a reply of about the length that is @expected; EINTR. */
int stplr_reply_side_prepare(struct stplr_sides *sides, const struct stplr_user_buffer *room,
			     size_t expected)
{
	struct stplr_reply_side *reply = &sides->reply;
	bool inline_send = sides->send.len <= STPLR_INLINE_MAX;
	size_t used = inline_send ? ALIGN(sides->send.len, 8) : 0;

	reply->room = room->len;
	reply->window.len = 0;
	reply->written = 0;
	reply->buffer_room = STPLR_INLINE_MAX - used;
	reply->buffer = reply->buffer_room ? sides->data + used : NULL;
	reply->buffer_len = 0;
	INIT_LIST_HEAD(&reply->chunks);
	reply->chunk_bytes = 0;
	reply->len = 0;
	reply->total = 0;

	if (unlikely(!room->parts)) {
		/* even for a short one: it may be unregistered before the call starts over */
		if (room->registered)
			stplr_window_registered(&reply->window, room);
		else
			stplr_window_kernel(&reply->window, room);
		return 0;
	}
	expected = min(expected, room->len);
	if (room->len <= reply->buffer_room || expected <= reply->buffer_room)
		return 0;

	/*
	 * Without either, because the user may have no more, a reply that needs it gets ENOBUFS.
	 */
	if (expected <= STPLR_COPY_MAX) {
		size_t size = min_t(size_t, room->len, STPLR_COPY_MAX);
		u8 *buffer = stplr_buffer_alloc(sides, size);

		if (!IS_ERR(buffer)) {
			reply->buffer = buffer;
			reply->buffer_room = size;
		}
		return 0;
	}
	stplr_window_pin(&reply->window, room, min(max(expected, STPLR_WINDOW_MIN), room->len),
			 true, sides->user);
	return fatal_signal_pending(current) ? -EINTR : 0;
}

static void stplr_reply_side_free(struct stplr_sides *sides)
{
	struct stplr_user *user = sides->user;
	struct stplr_reply_side *reply = &sides->reply;
	struct stplr_chunk *chunk, *next;

	stplr_buffer_free(sides, reply->buffer, reply->buffer_room);
	reply->buffer = NULL;
	stplr_window_free(&reply->window, reply->written, user);
	if (!reply->chunk_bytes)
		return;
	list_for_each_entry_safe(chunk, next, &reply->chunks, link) {
		kvfree(chunk);
		cond_resched();
	}
	INIT_LIST_HEAD(&reply->chunks);
	stplr_uncharge_memory(user, reply->chunk_bytes);
	reply->chunk_bytes = 0;
}

/*
 * How many of @len bytes at @offset of the reply need no chunk. Only a reply as a whole, the last
 * thing that is written, may go through the buffer.
 */
size_t stplr_reply_side_direct(const struct stplr_sides *sides, size_t offset, size_t len,
			       bool whole)
{
	const struct stplr_reply_side *reply = &sides->reply;

	if (!reply->window.len)
		return whole && len <= reply->buffer_room ? len : 0;
	return offset < reply->window.len ? min(len, reply->window.len - offset) : 0;
}

/* Copies what goes direct; how many bytes went, as above. */
size_t stplr_reply_side_copy(struct stplr_sides *sides, size_t offset, size_t len,
			     struct iov_iter *from)
{
	struct stplr_reply_side *reply = &sides->reply;
	size_t done;

	if (!len)
		return 0;
	if (!reply->window.len && WARN_ON_ONCE(offset || len > reply->buffer_room))
		return 0;

	pagefault_disable();
	if (reply->window.len)
		done = stplr_window_copy(&reply->window, offset, len, from, &sides->leaving);
	else
		done = _copy_from_iter(reply->buffer, len, from);
	pagefault_enable();
	return done;
}

/* Hands a chunk to the client, who pays for it from now on; under the message's lock; ENOBUFS. */
int stplr_reply_side_attach(struct stplr_sides *sides, struct stplr_chunk *chunk)
{
	struct stplr_reply_side *reply = &sides->reply;
	struct stplr_user *user = sides->user;
	size_t bytes = stplr_chunk_bytes(chunk->len);

	/* what MSG_WRITE has put there, and the reply */
	if (reply->chunk_bytes + bytes > 2 * reply->room + SZ_64K)
		return -ENOBUFS;
	if (user != chunk->server) {
		int err = stplr_charge_memory(user, bytes);

		if (err)
			return err;
		stplr_uncharge_memory(chunk->server, bytes);
	}
	list_add_tail(&chunk->link, &reply->chunks);
	reply->chunk_bytes += bytes;
	return 0;
}

/* The client takes what did not go to its pages directly, in the order in which it was written. */
int stplr_reply_side_fetch(struct stplr_sides *sides, const struct stplr_user_buffer *room)
{
	struct stplr_reply_side *reply = &sides->reply;
	const struct stplr_chunk *chunk;
	struct iov_iter iter;

	list_for_each_entry(chunk, &reply->chunks, link) {
		stplr_user_buffer_iter(room, ITER_DEST, &iter);
		iov_iter_advance(&iter, chunk->offset);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		if (stplr_copy_to(chunk->data, chunk->len, &iter, NULL) != chunk->len)
			return -EFAULT;
	}
	if (!reply->buffer_len)
		return 0;
	stplr_user_buffer_iter(room, ITER_DEST, &iter);
	return _copy_to_iter(reply->buffer, reply->buffer_len, &iter) == reply->buffer_len ? 0 :
											    -EFAULT;
}

/* The rest of stplr_sides_free(). */
void stplr_sides_free_held(struct stplr_sides *sides)
{
	stplr_send_side_free(sides);
	stplr_reply_side_free(sides);
}
