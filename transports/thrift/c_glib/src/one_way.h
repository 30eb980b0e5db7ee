/* SPDX-License-Identifier: MIT */
/* Whether the bytes of a flush are calls that nobody answers: the protocol knows, a transport is
 * not told */
#ifndef STAPLER_ONE_WAY_H
#define STAPLER_ONE_WAY_H

#include <glib.h>

/* PROTOCOL.md has the table. What is not understood is two way. */
gboolean stapler_is_one_way(const guint8 *bytes, gsize length);

#endif
