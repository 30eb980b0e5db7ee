// SPDX-License-Identifier: MIT
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../common/values.h"
#include "bus.h"
#include "names.h"
#include "server.h"

static const char *own_name;

static DBusMessage *answer_name(DBusMessage *call)
{
	return answer_with(call, DBUS_TYPE_STRING, &own_name, DBUS_TYPE_INVALID);
}

static DBusMessage *answer_version(DBusMessage *call)
{
	const dbus_int32_t version[] = {VERSION_MAJOR, VERSION_MINOR, VERSION_MICRO};
	DBusMessage *answer = needed(dbus_message_new_method_return(call));
	DBusMessageIter all, fields;

	dbus_message_iter_init_append(answer, &all);
	need(dbus_message_iter_open_container(&all, DBUS_TYPE_STRUCT, NULL, &fields));
	for (size_t i = 0; i < sizeof(version) / sizeof(version[0]); i++)
		need(dbus_message_iter_append_basic(&fields, DBUS_TYPE_INT32, &version[i]));
	need(dbus_message_iter_close_container(&all, &fields));
	return answer;
}

static const struct method methods[] = {
	{"Name", "", "s", answer_name},
	{"Version", "", VERSION_SIGNATURE, answer_version},
	{0},
};

const struct interface example_interface = {.name = EXAMPLE_INTERFACE, .methods = methods};

static void end(int number)
{
	(void)number;
	_exit(0);
}

int server_main(int argc, char **argv, const struct service *service, const char *name)
{
	static const struct option options[] = {
		{"bus", required_argument, NULL, 'b'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *address = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'b':
			address = optarg;
			break;
		case 'h':
			printf("Usage: %s [--bus ADDRESS]\n\n"
			       "Serves %s (tests/examples/thrift/%s.thrift) on D-Bus as %s,\nuntil "
			       "it gets "
			       "SIGTERM or SIGINT.\n\n"
			       "  --bus ADDRESS  the message bus, in D-Bus's notation (default: "
			       "the "
			       "session bus;\n"
			       "                 where there is none, a private one, which ends "
			       "with "
			       "the server that\n"
			       "                 started it)\n"
			       "  -h, --help     this text\n",
			       argv[0], name, name, service->name);
			return 0;
		default:
			fprintf(stderr, "See %s --help\n", argv[0]);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "%s takes no argument '%s'; see --help\n", argv[0], argv[optind]);
		return 2;
	}
	own_name = name;
	signal(SIGINT, end);
	signal(SIGTERM, end);
	service_run(bus_join_or_start(address), service);
	return 0;
}
