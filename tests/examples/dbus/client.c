// SPDX-License-Identifier: MIT
#include <err.h>
#include <stdio.h>
#include <string.h>

#include "../common/values.h"
#include "bus.h"
#include "client.h"
#include "names.h"
#include "service.h"

static void *join(const struct settings *settings)
{
	need(dbus_threads_init_default());
	return bus_join(settings->address);
}

static void leave(void *bus)
{
	dbus_connection_flush(bus);
	dbus_connection_close(bus);
	dbus_connection_unref(bus);
}

const struct access dbus_access = {
	.option = "bus",
	.help = "  --bus ADDRESS        the message bus, in D-Bus's notation (default: the session "
		"bus; where\n"
		"                       there is none, the private one that a server has "
		"started)\n",
	.name = "dbus",
	.connect = join,
	.disconnect = leave,
};

DBusMessage *new_call(const char *service, const char *interface, const char *method)
{
	return needed(dbus_message_new_method_call(service, OBJECT_PATH, interface, method));
}

DBusMessage *try_call(DBusConnection *bus, DBusMessage *call, DBusError *error)
{
	DBusMessage *answer = dbus_connection_send_with_reply_and_block(
		bus, call, DBUS_TIMEOUT_USE_DEFAULT, error);

	dbus_message_unref(call);
	return answer;
}

DBusMessage *make_call(DBusConnection *bus, DBusMessage *call)
{
	DBusError error = DBUS_ERROR_INIT;
	DBusMessage *answer = try_call(bus, call, &error);

	if (!answer)
		errx(1, "%s: %s", error.name, error.message);
	return answer;
}

void send_call(DBusConnection *bus, DBusMessage *call)
{
	dbus_message_set_no_reply(call, TRUE);
	need(dbus_connection_send(bus, call, NULL));
	dbus_connection_flush(bus);
	dbus_message_unref(call);
}

struct version {
	dbus_int32_t numbers[3];
};

static struct version read_version(DBusMessage *answer)
{
	struct version version;
	DBusMessageIter all, fields;

	if (!dbus_message_has_signature(answer, VERSION_SIGNATURE))
		wrong_reply("version");
	dbus_message_iter_init(answer, &all);
	dbus_message_iter_recurse(&all, &fields);
	for (int i = 0; i < 3; i++) {
		dbus_message_iter_get_basic(&fields, &version.numbers[i]);
		dbus_message_iter_next(&fields);
	}
	return version;
}

static const char *read_name(DBusMessage *answer)
{
	const char *name;

	if (!dbus_message_get_args(answer, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID))
		wrong_reply("name");
	return name;
}

void check_example(DBusConnection *bus, const char *service, const char *name)
{
	DBusMessage *answer = make_call(bus, new_call(service, EXAMPLE_INTERFACE, "Name"));
	struct version version;

	if (strcmp(read_name(answer), name))
		wrong_reply("name");
	dbus_message_unref(answer);
	answer = make_call(bus, new_call(service, EXAMPLE_INTERFACE, "Version"));
	version = read_version(answer);
	if (version.numbers[0] != VERSION_MAJOR || version.numbers[1] != VERSION_MINOR ||
	    version.numbers[2] != VERSION_MICRO)
		wrong_reply("version");
	dbus_message_unref(answer);
}

void show_example(DBusConnection *bus, const char *service)
{
	DBusMessage *answer = make_call(bus, new_call(service, EXAMPLE_INTERFACE, "Name"));
	struct version version;

	printf("name: %s\n", read_name(answer));
	dbus_message_unref(answer);
	answer = make_call(bus, new_call(service, EXAMPLE_INTERFACE, "Version"));
	version = read_version(answer);
	printf("version: %d.%d.%d\n", version.numbers[0], version.numbers[1], version.numbers[2]);
	dbus_message_unref(answer);
}
