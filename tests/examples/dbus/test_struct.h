// SPDX-License-Identifier: MIT
/* test_struct of the ping service, and how it lies in a D-Bus message (TEST_SIGNATURE) */
#ifndef EXAMPLES_DBUS_TEST_STRUCT_H
#define EXAMPLES_DBUS_TEST_STRUCT_H

#include <stdbool.h>
#include <stdint.h>

#include <dbus/dbus.h>

struct test_entry {
	uint8_t key; /* an i8: D-Bus has no signed byte */
	const char *value;
};

/* Owns nothing but map; when read from a message the rest points into it. */
struct test_struct {
	dbus_int32_t op;
	dbus_bool_t boolean;
	uint8_t i8;
	dbus_int16_t i16;
	dbus_int32_t i32;
	dbus_int64_t i64;
	double real;
	const char *text;
	const uint8_t *binary;
	int binary_length;
	struct test_entry *map;
	int map_length;
	const dbus_int16_t *list;
	int list_length;
	const dbus_int32_t *set;
	int set_length;
};

void test_struct_append(DBusMessage *message, const struct test_struct *value);

/* The message must have TEST_SIGNATURE. */
struct test_struct test_struct_read(DBusMessage *message);

void test_struct_clear(struct test_struct *value);

bool test_struct_equal(const struct test_struct *a, const struct test_struct *b);

#endif
