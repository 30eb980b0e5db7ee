// SPDX-License-Identifier: GPL-2.0
/* The first bytes of a client's buffer, in place. */

#include <linux/sched.h>

#include "memory/buffer.h"
#include "memory/copy.h"
#include "memory/registered.h"
#include "memory/window.h"

/* Pins up to @len bytes of the caller's @buffer, or as many as it can. */
void stplr_window_pin(struct stplr_window *window, const struct stplr_user_buffer *buffer,
		      size_t len, bool write, struct stplr_user *user)
{
	window->pages = stplr_pages_pin(buffer->parts, buffer->nr_parts, len, write, user);
	if (!window->pages)
		return;
	window->registered = NULL;
	window->start = 0;
	window->len = window->pages->len;
}

/* All of @buffer, which lies in a registered one. */
void stplr_window_registered(struct stplr_window *window, const struct stplr_user_buffer *buffer)
{
	struct stplr_registered *registered = buffer->registered;

	kref_get(&registered->ref);
	window->pages = &registered->pages;
	window->registered = registered;
	window->start = buffer->start;
	window->len = buffer->len;
}

/* All of @buffer, which is the kernel's, and stays its owner's. */
void stplr_window_kernel(struct stplr_window *window, const struct stplr_user_buffer *buffer)
{
	window->pages = NULL;
	window->kernel = buffer->kernel;
	window->len = buffer->len;
}

void stplr_window_free(struct stplr_window *window, size_t written, struct stplr_user *user)
{
	if (!window->len)
		return;
	window->len = 0;
	if (!window->pages)
		return;
	if (window->registered)
		stplr_registered_put(window->registered);
	else
		stplr_pages_unpin(window->pages, written, user);
}

/* Copies from or to kernel memory, as stplr_pages_copy() does with pages. */
static size_t stplr_kernel_copy(const struct kvec *part, size_t offset, size_t len,
				struct iov_iter *iter, const bool *leaving)
{
	size_t done = 0;

	for (; offset >= part->iov_len; part++)
		offset -= part->iov_len;
	for (;; part++) {
		size_t n = min(part->iov_len - offset, len - done), copied = 0;

		if (n)
			copied = stplr_copy_long(part->iov_base + offset, n, iter, leaving);
		done += copied;
		if (done == len || copied < n)
			return done;
		offset = 0;
		cond_resched();
		if (READ_ONCE(*leaving))
			return done;
	}
}

/*
 * Copies within the window, which has @len bytes at @offset, by the direction of @iter; how many
 * went. Gives way now and then, and ends early once @leaving is set.
 */
size_t stplr_window_copy(const struct stplr_window *window, size_t offset, size_t len,
			 struct iov_iter *iter, const bool *leaving)
{
	if (unlikely(!window->pages))
		return stplr_kernel_copy(window->kernel, offset, len, iter, leaving);
	return stplr_pages_copy(window->pages, window->start + offset, len, iter, leaving);
}
