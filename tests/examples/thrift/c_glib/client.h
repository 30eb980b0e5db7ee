// SPDX-License-Identifier: MIT
/* What the four clients have in common: reaching a server, and the calls that every service answers
 */
#ifndef EXAMPLES_C_GLIB_CLIENT_H
#define EXAMPLES_C_GLIB_CLIENT_H

#include <glib-object.h>

#include "../../common/measure.h"

/* The connection is the clients' own; client_of() makes a client of it. */
extern const struct access thrift_access;

/* The client of this generated type on the connection, which owns it. */
gpointer client_of(void *connection, GType type);

/* Ends the program unless the call succeeded. */
void must(gboolean success, const gchar *call, GError *error);

/* Prints the error of a call that has failed as it should, and frees it. */
void show_failure(gboolean success, const gchar *call, GError **error);

/* Calls name() and version(), and checks them; or prints them. */
void check_example(gpointer client, const gchar *name);
void show_example(gpointer client);

#endif
