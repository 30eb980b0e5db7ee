// SPDX-License-Identifier: MIT
/* Gives a structure of every type back, with op set to PONG; takes greetings */
#include "../common/values.h"
#include "names.h"
#include "server.h"
#include "test_struct.h"

static DBusMessage *answer_ping(DBusMessage *call)
{
	DBusMessage *answer = needed(dbus_message_new_method_return(call));
	struct test_struct value = test_struct_read(call);

	value.op = OPERATION_PONG;
	test_struct_append(answer, &value);
	test_struct_clear(&value);
	return answer;
}

static DBusMessage *answer_hello(DBusMessage *call)
{
	return needed(dbus_message_new_method_return(call));
}

int main(int argc, char **argv)
{
	static const struct method methods[] = {
		{"Ping", TEST_SIGNATURE, TEST_SIGNATURE, answer_ping},
		{"Hello", "s", "", answer_hello},
		{0},
	};
	static const struct interface ping_interface = {.name = PING_INTERFACE, .methods = methods};
	static const struct interface *const interfaces[] = {&example_interface, &ping_interface,
							     NULL};
	static const struct service service = {.name = PING_INTERFACE, .interfaces = interfaces};

	return server_main(argc, argv, &service, "ping");
}
