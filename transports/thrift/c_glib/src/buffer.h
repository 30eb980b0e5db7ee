/* SPDX-License-Identifier: MIT */
/* A queue of bytes in one piece: added at its end, taken at its beginning */
#ifndef STAPLER_BUFFER_H
#define STAPLER_BUFFER_H

#include <glib.h>

/* All zero is an empty one. */
struct stapler_buffer {
	guint8 *data;
	gsize begin;
	gsize end;
	gsize capacity;
	guint oversized; /* how often in a row far less was used than there is */
};

static inline gsize stapler_buffer_length(const struct stapler_buffer *buffer)
{
	return buffer->end - buffer->begin;
}

static inline guint8 *stapler_buffer_first(const struct stapler_buffer *buffer)
{
	return buffer->data + buffer->begin;
}

/* Room behind the last byte, at least so much; NULL if there is no memory. */
guint8 *stapler_buffer_room(struct stapler_buffer *buffer, gsize least, gsize *room);

/* So many bytes of the room were filled. */
void stapler_buffer_added(struct stapler_buffer *buffer, gsize count);

gboolean stapler_buffer_append(struct stapler_buffer *buffer, gconstpointer bytes, gsize count);

/* So many of the first bytes are done with. */
void stapler_buffer_taken(struct stapler_buffer *buffer, gsize count);

/* Forgets all but so many of the first bytes. */
void stapler_buffer_cut(struct stapler_buffer *buffer, gsize length);

/* Forgets the bytes, or the memory, too. */
void stapler_buffer_drop(struct stapler_buffer *buffer);
void stapler_buffer_free(struct stapler_buffer *buffer);

#endif
