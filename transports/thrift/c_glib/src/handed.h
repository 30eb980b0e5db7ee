/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that were handed in: inherited, received, or what the process was started with
 *
 * Others may hold copies, so one is closed and never ended. Two transports of one number would
 * close it twice, when it may be another file's: those that were taken are in a list.
 */
#ifndef STAPLER_HANDED_H
#define STAPLER_HANDED_H

#include <glib.h>

enum stapler_kind {
	STAPLER_CONNECTION = 1,
	STAPLER_ACCEPTED = 2, /* an accepted client's channel */
	STAPLER_LISTENING = 4,
};

/* Takes a descriptor of one of these kinds; NULL, and *kind is what it is. Or, in words that are to
 * be freed, why it stays the caller's. */
gchar *stapler_handed_take(int fd, guint kinds, enum stapler_kind *kind);

/* One that was taken stays the caller's after all. */
void stapler_handed_return(int fd);
void stapler_handed_close(int fd);

#endif
