// SPDX-License-Identifier: GPL-2.0
/*
 * How bytes move.
 *
 * The client prepares both sides of its message in its own context, before it queues: up to a page
 * is copied, into the message itself where it fits; of more the pages are pinned, unless they are
 * registered and so pinned already; and where memory cannot be pinned for long (device memory, some
 * file systems) the bytes are copied after all. So nothing the server does ever needs the client's
 * page tables, and no client can stall a server by memory that does not come.
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

#include "stplr.h"

/* The caller's own buffers */

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
	else
		stplr_registered_iter(buffer->registered, buffer->start, buffer->len, direction,
				      iter);
}

void stplr_user_buffer_free_other(struct stplr_user_buffer *buffer)
{
	if (!buffer->parts)
		stplr_registered_put(buffer->registered);
	else
		kfree(buffer->parts);
}

/* Windows: what the server reaches in place */

/* Pins up to @len bytes of the caller's @buffer, or as many as it can. */
static void stplr_window_pin(struct stplr_window *window, const struct stplr_user_buffer *buffer,
			     size_t len, bool write, struct stplr_user *user)
{
	window->pages = stplr_pages_pin(buffer, len, write, user);
	if (!window->pages)
		return;
	window->registered = NULL;
	window->start = 0;
	window->len = window->pages->len;
}

/* All of @buffer, which lies in a registered one. */
static void stplr_window_registered(struct stplr_window *window,
				    const struct stplr_user_buffer *buffer)
{
	struct stplr_registered *registered = buffer->registered;

	kref_get(&registered->ref);
	window->pages = &registered->pages;
	window->registered = registered;
	window->start = buffer->start;
	window->len = buffer->len;
}

static void stplr_window_free(struct stplr_window *window, size_t written, struct stplr_user *user)
{
	if (!window->pages)
		return;
	if (window->registered)
		stplr_registered_put(window->registered);
	else
		stplr_pages_unpin(window->pages, written, user);
	window->pages = NULL;
}

static size_t stplr_window_len(const struct stplr_window *window)
{
	return window->pages ? window->len : 0;
}

static size_t stplr_window_copy(const struct stplr_window *window, size_t offset, size_t len,
				struct iov_iter *iter, const bool *leaving)
{
	return stplr_pages_copy(window->pages, window->start + offset, len, iter, leaving);
}

/*
 * Kernel memory that bytes pass through. The copies below use _copy_to_iter() and
 * _copy_from_iter(): for copy_to_iter() hardened usercopy would look the object up, at some 170
 * instructions for each of the four copies of a round trip. Their bounds are checked here instead,
 * against what was allocated.
 */

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
	stplr_buffer_cache = kmem_cache_create("stplr_buffer", STPLR_COPY_MAX, 0, 0,
					       stplr_buffer_construct);
	return stplr_buffer_cache ? 0 : -ENOMEM;
}

void stplr_buffer_cache_exit(void)
{
	kmem_cache_destroy(stplr_buffer_cache);
}

/*
 * Copies between kernel memory and the caller's, by the direction of @iter; how many bytes went.
 * Gives way now and then, and ends early for a caller that dies, and once @leaving is set.
 */
static noinline size_t stplr_copy_long(u8 *bytes, size_t len, struct iov_iter *iter,
				       const bool *leaving)
{
	size_t done = 0;

	for (;;) {
		size_t n = min_t(size_t, len - done, SZ_64K);
		size_t copied;

		if (iov_iter_rw(iter) == ITER_DEST)
			copied = _copy_to_iter(bytes + done, n, iter);
		else
			copied = _copy_from_iter(bytes + done, n, iter);
		done += copied;
		if (done == len || copied < n)
			return done;
		cond_resched();
		if (fatal_signal_pending(current) || (leaving && READ_ONCE(*leaving)))
			return done;
	}
}

static inline size_t stplr_copy_to(const u8 *bytes, size_t len, struct iov_iter *to,
				   const bool *leaving)
{
	return likely(len <= STPLR_COPY_MAX) ? _copy_to_iter(bytes, len, to) :
					       stplr_copy_long((u8 *)bytes, len, to, leaving);
}

static inline size_t stplr_copy_from(u8 *bytes, size_t len, struct iov_iter *from)
{
	return likely(len <= STPLR_COPY_MAX) ? _copy_from_iter(bytes, len, from) :
					       stplr_copy_long(bytes, len, from, NULL);
}

/*
 * What a queued message keeps is accounted to its control group; the rest, which lives no longer
 * than its client's call, or is parked, only to its user (user_memory): it would cost each message.
 */
static bool stplr_buffer_cached(const struct stplr_message *message, size_t size)
{
	return size <= STPLR_COPY_MAX && !message->queued;
}

static u8 *stplr_buffer_alloc(const struct stplr_message *message, size_t size)
{
	struct stplr_user *user = message->connection->user;
	u8 *buffer;

	if (stplr_charge_memory(user, size))
		return ERR_PTR(-ENOBUFS);
	if (stplr_buffer_cached(message, size))
		buffer = kmem_cache_alloc(stplr_buffer_cache, GFP_KERNEL);
	else
		buffer = kvmalloc(size, GFP_KERNEL_ACCOUNT);
	if (!buffer) {
		stplr_uncharge_memory(user, size);
		return ERR_PTR(-ENOMEM);
	}
	return buffer;
}

/* Frees what is not part of the message. */
static void stplr_buffer_free(const struct stplr_message *message, u8 *buffer, size_t size)
{
	if (!buffer || stplr_inline(message, buffer))
		return;
	if (stplr_buffer_cached(message, size))
		kmem_cache_free(stplr_buffer_cache, buffer);
	else
		kvfree(buffer);
	stplr_uncharge_memory(message->connection->user, size);
}

/* What the client sends */

/*
 * Takes or pins the bytes at @from; EFAULT, ENOBUFS, ENOMEM, EINTR. Undone by
 * stplr_send_side_free().
 */
int stplr_send_side_prepare(struct stplr_message *message, const struct stplr_user_buffer *from)
{
	struct stplr_send_side *send = &message->send;
	struct iov_iter iter;
	size_t rest;

	send->len = from->len;
	send->consumed = 0;
	send->window.pages = NULL;
	send->copy = message->data;
	if (!from->len)
		return 0;
	stplr_user_buffer_iter(from, ITER_SOURCE, &iter);

	if (from->len <= STPLR_INLINE_MAX)
		return _copy_from_iter(send->copy, from->len, &iter) == from->len ? 0 : -EFAULT;

	if (!from->parts) {
		stplr_window_registered(&send->window, from);
		return 0;
	}
	/* a queued message outlives the call, and maybe its sender */
	if (from->len > STPLR_COPY_MAX && !message->queued) {
		stplr_window_pin(&send->window, from, from->len, false, message->connection->user);
		if (fatal_signal_pending(current))
			return -EINTR;
		iov_iter_advance(&iter, stplr_window_len(&send->window));
	}

	rest = iov_iter_count(&iter);
	if (!rest)
		return 0;
	send->copy = stplr_buffer_alloc(message, rest);
	if (IS_ERR(send->copy)) {
		int err = PTR_ERR(send->copy);

		send->copy = NULL;
		return err;
	}
	return stplr_copy_from(send->copy, rest, &iter) == rest ? 0 : -EFAULT;
}

void stplr_send_side_free(struct stplr_message *message)
{
	struct stplr_send_side *send = &message->send;

	stplr_buffer_free(message, send->copy, send->len - stplr_window_len(&send->window));
	send->copy = NULL;
	stplr_window_free(&send->window, 0, message->connection->user);
}

/*
 * Copies sent bytes to the server; how many went before a page of the server's was missing, or the
 * client wants to leave.
 */
size_t stplr_send_side_copy(const struct stplr_message *message, size_t offset, size_t len,
			    struct iov_iter *to)
{
	const struct stplr_send_side *send = &message->send;
	size_t in_place = stplr_window_len(&send->window);
	size_t done = 0;

	if (!len || WARN_ON_ONCE(offset > send->len || len > send->len - offset))
		return 0;

	pagefault_disable();
	if (offset < in_place) {
		size_t n = min(len, in_place - offset);

		done = stplr_window_copy(&send->window, offset, n, to, &message->leaving);
		if (done < n)
			goto out;
	}
	if (done < len)
		done += stplr_copy_to(send->copy + (offset + done - in_place), len - done, to,
				      &message->leaving);
out:
	pagefault_enable();
	return done;
}

/* What the client gets */

/* Prepares @room for a reply of about the length that replies have had lately; EINTR. */
int stplr_reply_side_prepare(struct stplr_message *message, const struct stplr_user_buffer *room)
{
	struct stplr_connection *connection = message->connection;
	struct stplr_reply_side *reply = &message->reply;
	bool inline_send = message->send.len <= STPLR_INLINE_MAX;
	size_t used = inline_send ? ALIGN(message->send.len, 8) : 0;
	size_t expected;

	reply->room = room->len;
	reply->window.pages = NULL;
	reply->written = 0;
	reply->buffer_room = STPLR_INLINE_MAX - used;
	reply->buffer = reply->buffer_room ? message->data + used : NULL;
	reply->buffer_len = 0;
	INIT_LIST_HEAD(&reply->chunks);
	reply->chunk_bytes = 0;
	reply->len = 0;
	reply->total = 0;

	/* even for a short one: the room may be unregistered before the call starts over */
	if (unlikely(!room->parts)) {
		stplr_window_registered(&reply->window, room);
		return 0;
	}
	expected = min(READ_ONCE(connection->reply_hint), room->len);
	if (room->len <= reply->buffer_room || expected <= reply->buffer_room)
		return 0;

	/*
	 * Without either, because the user may have no more, a reply that needs it gets ENOBUFS.
	 */
	if (expected <= STPLR_COPY_MAX) {
		size_t size = min_t(size_t, room->len, STPLR_COPY_MAX);
		u8 *buffer = stplr_buffer_alloc(message, size);

		if (!IS_ERR(buffer)) {
			reply->buffer = buffer;
			reply->buffer_room = size;
		}
		return 0;
	}
	stplr_window_pin(&reply->window, room, min(max(expected, STPLR_WINDOW_MIN), room->len),
			 true, connection->user);
	return fatal_signal_pending(current) ? -EINTR : 0;
}

void stplr_reply_side_free(struct stplr_message *message)
{
	struct stplr_user *user = message->connection->user;
	struct stplr_reply_side *reply = &message->reply;
	struct stplr_chunk *chunk, *next;

	stplr_buffer_free(message, reply->buffer, reply->buffer_room);
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
size_t stplr_reply_side_direct(const struct stplr_message *message, size_t offset, size_t len,
			       bool whole)
{
	const struct stplr_reply_side *reply = &message->reply;

	if (!reply->window.pages)
		return whole && len <= reply->buffer_room ? len : 0;
	return offset < reply->window.len ? min(len, reply->window.len - offset) : 0;
}

/* Copies what goes direct; how many bytes went, as above. */
size_t stplr_reply_side_copy(struct stplr_message *message, size_t offset, size_t len,
			     struct iov_iter *from)
{
	struct stplr_reply_side *reply = &message->reply;
	size_t done;

	if (!len)
		return 0;
	if (!reply->window.pages && WARN_ON_ONCE(offset || len > reply->buffer_room))
		return 0;

	pagefault_disable();
	if (reply->window.pages)
		done = stplr_window_copy(&reply->window, offset, len, from, &message->leaving);
	else
		done = _copy_from_iter(reply->buffer, len, from);
	pagefault_enable();
	return done;
}

/* What a chunk costs who pays for it: not less than the allocator takes. */
static size_t stplr_chunk_bytes(size_t len)
{
	return ALIGN(size_add(sizeof(struct stplr_chunk), len), 64);
}

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

/* Hands a chunk to the client, who pays for it from now on; ENOBUFS. */
int stplr_reply_side_attach(struct stplr_message *message, struct stplr_chunk *chunk)
{
	struct stplr_reply_side *reply = &message->reply;
	struct stplr_user *user = message->connection->user;
	size_t bytes = stplr_chunk_bytes(chunk->len);

	lockdep_assert_held(&message->connection->channel->lock);
	/* what MSG_WRITE has put there, and the reply */
	if (reply->chunk_bytes + bytes > 2 * reply->room + SZ_64K)
		return -ENOBUFS;
	if (user != chunk->server) {
		int err = stplr_charge_memory(user, bytes);

		if (err)
			return err;
		stplr_uncharge_memory(chunk->server, bytes);
	}
	stplr_count(&message->connection->channel->device->counts, STPLR_COUNT_CHUNKS);
	list_add_tail(&chunk->link, &reply->chunks);
	reply->chunk_bytes += bytes;
	return 0;
}

/* The client takes what did not go to its pages directly, in the order in which it was written. */
int stplr_reply_side_fetch(struct stplr_message *message, const struct stplr_user_buffer *room)
{
	struct stplr_reply_side *reply = &message->reply;
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
