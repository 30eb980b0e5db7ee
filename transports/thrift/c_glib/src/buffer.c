/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "buffer.h"

/* As little as a buffer has: in a program that locks its memory all of it is there. */
static const gsize least_capacity = 4 * 1024;

/* A connection keeps so much. What larger calls needed it gives back when such calls cease. */
static const gsize usual_capacity = 64 * 1024;
static const guint patience = 64;

static gboolean grow(struct stapler_buffer *buffer, gsize capacity)
{
	guint8 *data = g_try_realloc(buffer->data, capacity);

	if (!data)
		return FALSE;
	buffer->data = data;
	buffer->capacity = capacity;
	return TRUE;
}

guint8 *stapler_buffer_room(struct stapler_buffer *buffer, gsize least, gsize *room)
{
	gsize length = stapler_buffer_length(buffer);

	if (buffer->capacity - buffer->end < least) {
		if (buffer->begin) {
			memmove(buffer->data, stapler_buffer_first(buffer), length);
			buffer->begin = 0;
			buffer->end = length;
		}
		if (buffer->capacity - length < least &&
		    !grow(buffer, MAX(MAX(length + least, buffer->capacity * 2), least_capacity)))
			return NULL;
	}
	if (room)
		*room = buffer->capacity - buffer->end;
	return buffer->data + buffer->end;
}

void stapler_buffer_added(struct stapler_buffer *buffer, gsize count)
{
	buffer->end += count;
}

gboolean stapler_buffer_append(struct stapler_buffer *buffer, gconstpointer bytes, gsize count)
{
	guint8 *room;

	if (!count)
		return TRUE;
	room = stapler_buffer_room(buffer, count, NULL);
	if (!room)
		return FALSE;
	memcpy(room, bytes, count);
	stapler_buffer_added(buffer, count);
	return TRUE;
}

static void forget_oversize(struct stapler_buffer *buffer)
{
	if (buffer->capacity <= usual_capacity || buffer->end > buffer->capacity / 4)
		buffer->oversized = 0;
	else if (++buffer->oversized > patience)
		stapler_buffer_free(buffer);
}

void stapler_buffer_taken(struct stapler_buffer *buffer, gsize count)
{
	buffer->begin += count;
	if (buffer->begin == buffer->end) {
		forget_oversize(buffer);
		buffer->begin = buffer->end = 0;
	}
}

void stapler_buffer_cut(struct stapler_buffer *buffer, gsize length)
{
	if (!length)
		stapler_buffer_drop(buffer);
	else if (length < stapler_buffer_length(buffer))
		buffer->end = buffer->begin + length;
}

void stapler_buffer_drop(struct stapler_buffer *buffer)
{
	stapler_buffer_taken(buffer, stapler_buffer_length(buffer));
}

void stapler_buffer_free(struct stapler_buffer *buffer)
{
	g_free(buffer->data);
	memset(buffer, 0, sizeof(*buffer));
}
