// SPDX-License-Identifier: MIT
#include "client.h"
#include "names.h"

static void show(void *bus, const struct settings *settings)
{
	(void)settings;
	show_example(bus, EXAMPLE_INTERFACE);
}

int main(int argc, char **argv)
{
	static const struct client client = {.service = "example", .show = show};

	return client_main(argc, argv, &dbus_access, &client);
}
