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
 * @len: how many; 0: none, and the rest means nothing
 * @pages: where they are; NULL: in the kernel's memory
 * @registered: whose pages these are, with a reference; NULL: they are pinned for the message
 * @start: where in the pages they begin
 * @kernel: without pages: where they are, in parts, as long as the message is not DONE
 */
struct stplr_window {
	size_t len;
	struct stplr_pages *pages;
	union {
		struct {
			struct stplr_registered *registered;
			size_t start;
		};
		const struct kvec *kernel;
	};
};

void stplr_window_pin(struct stplr_window *window, const struct stplr_user_buffer *buffer,
		      size_t len, bool write, struct stplr_user *user);
void stplr_window_registered(struct stplr_window *window, const struct stplr_user_buffer *buffer);
void stplr_window_kernel(struct stplr_window *window, const struct stplr_user_buffer *buffer);
void stplr_window_free(struct stplr_window *window, size_t written, struct stplr_user *user);
size_t stplr_window_copy(const struct stplr_window *window, size_t offset, size_t len,
			 struct iov_iter *iter, const bool *leaving);

#endif /* STPLR_MEMORY_WINDOW_H */
