// SPDX-License-Identifier: GPL-2.0
/* The first bytes of a client's buffer, in place. */

#include "memory/buffer.h"
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

void stplr_window_free(struct stplr_window *window, size_t written, struct stplr_user *user)
{
	if (!window->pages)
		return;
	if (window->registered)
		stplr_registered_put(window->registered);
	else
		stplr_pages_unpin(window->pages, written, user);
	window->pages = NULL;
}
