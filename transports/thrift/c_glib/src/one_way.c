/* SPDX-License-Identifier: MIT */
#include "one_way.h"

/* Thrift's T_ONEWAY in every protocol. */
enum { ONE_WAY = 4 };

static guint32 big_endian(const guint8 *bytes)
{
	return (guint32)bytes[0] << 24 | (guint32)bytes[1] << 16 | (guint32)bytes[2] << 8 |
	       bytes[3];
}

/* 80 01 xx TT */
static gboolean strict_binary(const guint8 *bytes, gsize length)
{
	return length >= 4 && bytes[0] == 0x80 && bytes[1] == 0x01 && bytes[3] == ONE_WAY;
}

/* length of the name, name, TT, sequence number */
static gboolean old_binary(const guint8 *bytes, gsize length)
{
	gsize name;

	if (length < 9 || bytes[0])
		return FALSE;
	name = big_endian(bytes);
	return name <= length - 9 && bytes[4 + name] == ONE_WAY;
}

/* 82, then type << 5 | version */
static gboolean compact(const guint8 *bytes, gsize length)
{
	return length >= 2 && bytes[0] == 0x82 && bytes[1] == (ONE_WAY << 5 | 1);
}

/* [1,"name",TT, */
static gboolean json(const guint8 *bytes, gsize length)
{
	const gchar begin[] = {'[', '1', ',', '"'};
	const gchar end[] = {'"', ',', '0' + ONE_WAY, ','};
	gsize at;

	if (length < sizeof(begin))
		return FALSE;
	for (at = 0; at < sizeof(begin); at++)
		if (bytes[at] != begin[at])
			return FALSE;
	while (at < length && bytes[at] != '"')
		at += bytes[at] == '\\' ? 2 : 1;
	for (gsize i = 0; i < sizeof(end); i++, at++)
		if (at >= length || bytes[at] != end[i])
			return FALSE;
	return TRUE;
}

static gboolean one_way_call(const guint8 *bytes, gsize length)
{
	return strict_binary(bytes, length) || old_binary(bytes, length) ||
	       compact(bytes, length) || json(bytes, length);
}

/* Whether the bytes are whole frames and nothing else. */
static gboolean framed(const guint8 *bytes, gsize length, gboolean *all_one_way)
{
	*all_one_way = TRUE;
	while (length >= 4) {
		gsize frame = big_endian(bytes);

		if (frame > length - 4)
			return FALSE;
		*all_one_way = *all_one_way && one_way_call(bytes + 4, frame);
		bytes += 4 + frame;
		length -= 4 + frame;
	}
	return !length;
}

gboolean stapler_is_one_way(const guint8 *bytes, gsize length)
{
	gboolean all_one_way;

	if (!length)
		return FALSE;
	if (framed(bytes, length, &all_one_way))
		return all_one_way;
	return one_way_call(bytes, length);
}
