// SPDX-License-Identifier: MIT
/* What the four servers have in common: options, and the interface that each service extends */
#ifndef EXAMPLES_DBUS_SERVER_H
#define EXAMPLES_DBUS_SERVER_H

#include "service.h"

/* Name and Version of the service that server_main() runs. */
extern const struct interface example_interface;

/* main() of a server; name is the service's in the IDL. */
int server_main(int argc, char **argv, const struct service *service, const char *name);

#endif
