/* SPDX-License-Identifier: GPL-2.0 */
/* The first bytes of a client's buffer, in place: what the server reaches without a copy. */
#ifndef STPLR_MEMORY_WINDOW_H
#define STPLR_MEMORY_WINDOW_H

#include "memory/pages.h"

struct stplr_registered;
struct stplr_user;
struct stplr_user_buffer;

/**
 * struct stplr_window - the first bytes of a client's buffer, in place
 * @pages: where they are; NULL: nowhere, and the rest means nothing
 * @registered: whose pages these are, with a reference; NULL: they are pinned for the message
 * @start: where in the pages they begin
 * @len: how many
 */
struct stplr_window {
	struct stplr_pages *pages;
	struct stplr_registered *registered;
	size_t start;
	size_t len;
};

void stplr_window_pin(struct stplr_window *window, const struct stplr_user_buffer *buffer,
		      size_t len, bool write, struct stplr_user *user);
void stplr_window_registered(struct stplr_window *window, const struct stplr_user_buffer *buffer);
void stplr_window_free(struct stplr_window *window, size_t written, struct stplr_user *user);

static inline size_t stplr_window_len(const struct stplr_window *window)
{
	return window->pages ? window->len : 0;
}

static inline size_t stplr_window_copy(const struct stplr_window *window, size_t offset, size_t len,
				       struct iov_iter *iter, const bool *leaving)
{
	return stplr_pages_copy(window->pages, window->start + offset, len, iter, leaving);
}

#endif /* STPLR_MEMORY_WINDOW_H */
