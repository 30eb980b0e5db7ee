// SPDX-License-Identifier: MIT
#include <err.h>
#include <stdio.h>

#include "client.h"
#include "names.h"
#include "service.h"

static DBusMessage *call_of(const char *method, dbus_int32_t a, dbus_int32_t b)
{
	DBusMessage *call = new_call(CALCULATOR_INTERFACE, CALCULATOR_INTERFACE, method);

	need(dbus_message_append_args(call, DBUS_TYPE_INT32, &a, DBUS_TYPE_INT32, &b,
				      DBUS_TYPE_INVALID));
	return call;
}

static dbus_int32_t result_of(DBusConnection *bus, const char *method, dbus_int32_t a,
			      dbus_int32_t b)
{
	DBusMessage *answer = make_call(bus, call_of(method, a, b));
	dbus_int32_t result;

	if (!dbus_message_get_args(answer, NULL, DBUS_TYPE_INT32, &result, DBUS_TYPE_INVALID))
		wrong_reply(method);
	dbus_message_unref(answer);
	return result;
}

static void calculate(DBusConnection *bus, const char *method, dbus_int32_t a, dbus_int32_t b,
		      dbus_int32_t expected)
{
	if (result_of(bus, method, a, b) != expected)
		wrong_reply(method);
}

static void calculator_round(void *bus, const struct settings *settings, uint64_t number)
{
	dbus_int32_t a = number % 10000 + 10, b = 3;

	(void)settings;
	check_example(bus, CALCULATOR_INTERFACE, "calculator");
	calculate(bus, "Add", a, b, a + b);
	calculate(bus, "Subtract", a, b, a - b);
	calculate(bus, "Multiply", a, b, a * b);
	calculate(bus, "Divide", a, b, a / b);
}

static void show_error(DBusConnection *bus, const char *method, dbus_int32_t a, dbus_int32_t b)
{
	DBusError error = DBUS_ERROR_INIT;

	if (try_call(bus, call_of(method, a, b), &error))
		errx(1, "%s did not fail", method);
	printf("%s %d %d: %s: %s\n", method, a, b, error.name, error.message);
	dbus_error_free(&error);
}

static void show(void *bus, const struct settings *settings)
{
	static const char *const methods[] = {"Add", "Subtract", "Multiply", "Divide"};

	(void)settings;
	show_example(bus, CALCULATOR_INTERFACE);
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		printf("%s 7 3: %d\n", methods[i], result_of(bus, methods[i], 7, 3));
	show_error(bus, "Divide", 7, 0);
	show_error(bus, "Multiply", 65536, 65536);
	show_error(bus, "SquareRoot", 7, 3);
	printf("Add 7 3: %d: the service lives on\n", result_of(bus, "Add", 7, 3));
}

int main(int argc, char **argv)
{
	static const struct round rounds[] = {
		{.name = "calculator", .rpcs = 6, .run = calculator_round},
		{0},
	};
	static const struct client client = {
		.service = "calculator", .rounds = rounds, .show = show};

	return client_main(argc, argv, &dbus_access, &client);
}
