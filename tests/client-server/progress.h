/* SPDX-License-Identifier: MIT */
/* A bar on standard error for what takes long, where standard error is a terminal. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdint.h>

/**
 * struct progress_bar - how far a file is
 * @label: what to print in front; the caller's
 * @total: bytes in all, 0 if that is not known
 * @begin: when it began, see now()
 * @drawn: when it was drawn last, 0: not yet
 */
struct progress_bar {
	const char *label;
	uint64_t total;
	double begin;
	double drawn;
};

struct progress_bar progress_begin(const char *label, uint64_t total);

/* Draws now and then, nothing in the first half second. */
void progress_at(struct progress_bar *bar, uint64_t done);

/* Wipes the bar away if there is one. */
void progress_end(struct progress_bar *bar);

#endif /* PROGRESS_H */
