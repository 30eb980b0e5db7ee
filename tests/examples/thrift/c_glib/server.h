// SPDX-License-Identifier: MIT
/* What the four servers have in common: options, the simple server, the calls that every service
 * answers */
#ifndef EXAMPLES_C_GLIB_SERVER_H
#define EXAMPLES_C_GLIB_SERVER_H

#include <glib-object.h>

#include "gen/example.h"

/* main() of a server. name is the service's in the IDL; the processor's type takes a handler of the
 * other type. */
int server_main(int argc, char **argv, const gchar *name, GType processor, GType handler);

/* name() and version(), for the class of a handler: every service extends example. */
void example_handler_answers(exampleHandlerClass *class);

/* Whether what calls say is not to be printed. */
gboolean server_is_quiet(void);

/* Whether a signal has asked the server to end. */
gboolean server_is_ending(void);

/* Makes a call end with an application exception. */
gboolean G_GNUC_PRINTF(2, 3) call_fails(GError **error, const gchar *format, ...);

#endif
