// SPDX-License-Identifier: MIT
#include "client.h"
#include "gen/example.h"

static void show(void *connection, const struct settings *settings)
{
	(void)settings;
	show_example(client_of(connection, TYPE_EXAMPLE_CLIENT));
}

int main(int argc, char **argv)
{
	static const struct client client = {.service = "example", .show = show};

	return client_main(argc, argv, &thrift_access, &client);
}
