// SPDX-License-Identifier: MIT
/* The smallest service: it says what it is */
#include "names.h"
#include "server.h"

int main(int argc, char **argv)
{
	static const struct interface *const interfaces[] = {&example_interface, NULL};
	static const struct service service = {.name = EXAMPLE_INTERFACE, .interfaces = interfaces};

	return server_main(argc, argv, &service, "example");
}
