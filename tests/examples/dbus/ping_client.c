// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/values.h"
#include "client.h"
#include "names.h"
#include "service.h"
#include "test_struct.h"

static const int8_t map_keys[] = {MAP_KEYS};
static const char *const map_values[] = {MAP_VALUES};
static struct test_entry map[sizeof(map_keys)];
static const dbus_int16_t list[] = {LIST_VALUES};
static const dbus_int32_t set[] = {SET_VALUES};

/* Every call of these programs sends the same bytes: they are made once. */
static const uint8_t *binary(size_t size)
{
	static uint8_t *bytes;

	if (!bytes) {
		bytes = needed(malloc(size));
		for (size_t i = 0; i < size; i++)
			bytes[i] = BINARY_BYTE(i);
	}
	return bytes;
}

static const char *text(size_t size)
{
	static char *characters;

	if (!characters) {
		characters = needed(malloc(size + 1));
		memset(characters, 'x', size);
		characters[size] = '\0';
	}
	return characters;
}

static struct test_struct value_of(const struct settings *settings, uint64_t number)
{
	struct test_struct value = {
		.op = OPERATION_PING,
		.boolean = TRUE,
		.i8 = (uint8_t)I8_VALUE,
		.i16 = I16_VALUE,
		.i32 = I32_VALUE,
		.i64 = I64_VALUE + (dbus_int64_t)number,
		.real = DOUBLE_VALUE,
		.text = STRING_VALUE,
		.binary_length = settings->size,
		.map = map,
		.map_length = sizeof(map) / sizeof(map[0]),
		.list = list,
		.list_length = sizeof(list) / sizeof(list[0]),
		.set = set,
		.set_length = sizeof(set) / sizeof(set[0]),
	};

	value.binary = binary(value.binary_length);
	return value;
}

/* The value that came back must be the one sent, but for op. */
static void ping(DBusConnection *bus, const struct settings *settings, uint64_t number)
{
	struct test_struct sent = value_of(settings, number), got;
	DBusMessage *call = new_call(PING_INTERFACE, PING_INTERFACE, "Ping"), *answer;

	test_struct_append(call, &sent);
	answer = make_call(bus, call);
	if (!dbus_message_has_signature(answer, TEST_SIGNATURE))
		wrong_reply("ping");
	got = test_struct_read(answer);
	sent.op = OPERATION_PONG;
	if (!test_struct_equal(&sent, &got))
		wrong_reply("ping");
	test_struct_clear(&got);
	dbus_message_unref(answer);
}

static DBusMessage *hello(const struct settings *settings)
{
	DBusMessage *call = new_call(PING_INTERFACE, PING_INTERFACE, "Hello");
	const char *greeting = text(settings->size);

	need(dbus_message_append_args(call, DBUS_TYPE_STRING, &greeting, DBUS_TYPE_INVALID));
	return call;
}

static void ping_round(void *bus, const struct settings *settings, uint64_t number)
{
	check_example(bus, PING_INTERFACE, "ping");
	ping(bus, settings, number);
}

static void hello_round(void *bus, const struct settings *settings, uint64_t number)
{
	(void)number;
	check_example(bus, PING_INTERFACE, "ping");
	send_call(bus, hello(settings));
}

static void blocking_hello_round(void *bus, const struct settings *settings, uint64_t number)
{
	(void)number;
	check_example(bus, PING_INTERFACE, "ping");
	dbus_message_unref(make_call(bus, hello(settings)));
}

/* By its answer all that was sent before has been executed. */
static void one_more_ping(void *bus, const struct settings *settings)
{
	ping(bus, settings, 0);
}

static void show(void *bus, const struct settings *settings)
{
	show_example(bus, PING_INTERFACE);
	ping(bus, settings, 0);
	puts("ping: a structure of every type came back, with op PONG");
	dbus_message_unref(make_call(bus, hello(settings)));
	puts("hello: called, and its end waited for");
	send_call(bus, hello(settings));
	puts("hello: sent, with no reply asked for");
}

int main(int argc, char **argv)
{
	static const struct round rounds[] = {
		{.name = "ping", .rpcs = 3, .run = ping_round},
		{.name = "hello", .rpcs = 3, .run = hello_round, .finish = one_more_ping},
		{.name = "hello-blocking", .rpcs = 3, .run = blocking_hello_round},
		{0},
	};
	static const struct client client = {.service = "ping", .rounds = rounds, .show = show};

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		map[i] = (struct test_entry){(uint8_t)map_keys[i], map_values[i]};
	return client_main(argc, argv, &dbus_access, &client);
}
