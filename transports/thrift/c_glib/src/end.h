/* SPDX-License-Identifier: MIT */
/*
 * One end of a connection, client's or server's: bytes that came and wait to be read, bytes that
 * were written and wait to be flushed, and how stplr moves them (PROTOCOL.md)
 *
 * The GObject on top (thrift_stapler_transport.c) knows only this.
 */
#ifndef STAPLER_END_H
#define STAPLER_END_H

#include <glib.h>

#include "buffer.h"
#include "interrupt.h"

struct stapler_end;

/* All return FALSE with an error set if they fail. */
struct stapler_end_class {
	/* Waits until there is something to read. FALSE also at the end of the stream. */
	gboolean (*fill)(struct stapler_end *end, GError **error);
	gboolean (*flush)(struct stapler_end *end, GError **error);
	/* Ends the connection and frees the end. */
	void (*close)(struct stapler_end *end);
};

struct stapler_end {
	const struct stapler_end_class *class;
	int fd;
	gboolean handed;   /* fd was handed in */
	gsize message_max; /* the module's */
	gsize limit;       /* on what is taken: Thrift's maximal message size */
	GError *broken;    /* why bytes were lost, and nothing more can be understood; or NULL */
	struct stapler_buffer in;
	struct stapler_buffer out;
};

/* Connects; NULL with an error set if that fails. */
struct stapler_end *stapler_client_open(guint device, const gchar *name, GError **error);

/* Serves the channel, which the end owns from now on, unless that fails. It is entered in the list.
 */
struct stapler_end *stapler_session_new(int channel, struct stapler_interrupt *list,
					GError **error);

/* A client's end of this connection, which it owns from now on, unless that fails. */
struct stapler_end *stapler_client_new(int connection, GError **error);

/* A client's end, or a session, of a descriptor that was handed in. If it is refused it stays the
 * caller's. */
struct stapler_end *stapler_end_of_handed(int fd, GError **error);

/* What both have. */
gboolean stapler_end_init(struct stapler_end *end, const struct stapler_end_class *class, int fd,
			  GError **error);
void stapler_end_clear(struct stapler_end *end);

/* Sets an error (THRIFT_TRANSPORT_ERROR_*) unless one is set: Thrift's wrappers go on after one.
 * Returns FALSE. */
gboolean stapler_fail(GError **error, gint code, const gchar *format, ...) G_GNUC_PRINTF(3, 4);

/* The same, and the stream has lost bytes: every later call fails, too, and says why. */
gboolean stapler_break(struct stapler_end *end, GError **error, gint code, const gchar *format, ...)
	G_GNUC_PRINTF(4, 5);

#endif
