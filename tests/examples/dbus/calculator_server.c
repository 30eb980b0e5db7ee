// SPDX-License-Identifier: MIT
/* Adds, subtracts, multiplies, divides; what has no 32-bit result is an error */
#include "names.h"
#include "server.h"

struct arguments {
	dbus_int64_t a, b;
};

static struct arguments read_arguments(DBusMessage *call)
{
	dbus_int32_t a, b;

	need(dbus_message_get_args(call, NULL, DBUS_TYPE_INT32, &a, DBUS_TYPE_INT32, &b,
				   DBUS_TYPE_INVALID));
	return (struct arguments){a, b};
}

static DBusMessage *answer_number(DBusMessage *call, dbus_int64_t number)
{
	dbus_int32_t result = (dbus_int32_t)number;

	if (result != number)
		return needed(dbus_message_new_error_printf(
			call, ERROR_CALCULATOR, "%lld is not a 32-bit number", (long long)number));
	return answer_with(call, DBUS_TYPE_INT32, &result, DBUS_TYPE_INVALID);
}

static DBusMessage *answer_add(DBusMessage *call)
{
	struct arguments of = read_arguments(call);

	return answer_number(call, of.a + of.b);
}

static DBusMessage *answer_subtract(DBusMessage *call)
{
	struct arguments of = read_arguments(call);

	return answer_number(call, of.a - of.b);
}

static DBusMessage *answer_multiply(DBusMessage *call)
{
	struct arguments of = read_arguments(call);

	return answer_number(call, of.a * of.b);
}

static DBusMessage *answer_divide(DBusMessage *call)
{
	struct arguments of = read_arguments(call);

	if (!of.b)
		return needed(dbus_message_new_error(call, ERROR_CALCULATOR, "division by zero"));
	return answer_number(call, of.a / of.b);
}

int main(int argc, char **argv)
{
	static const struct method methods[] = {
		{"Add", "ii", "i", answer_add},
		{"Subtract", "ii", "i", answer_subtract},
		{"Multiply", "ii", "i", answer_multiply},
		{"Divide", "ii", "i", answer_divide},
		{0},
	};
	static const struct interface calculator_interface = {.name = CALCULATOR_INTERFACE,
							      .methods = methods};
	static const struct interface *const interfaces[] = {&example_interface,
							     &calculator_interface, NULL};
	static const struct service service = {.name = CALCULATOR_INTERFACE,
					       .interfaces = interfaces};

	return server_main(argc, argv, &service, "calculator");
}
