// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "service.h"
#include "test_struct.h"

static void append_array(DBusMessageIter *fields, int type, const void *elements, int count)
{
	const char signature[] = {(char)type, '\0'};
	DBusMessageIter array;

	need(dbus_message_iter_open_container(fields, DBUS_TYPE_ARRAY, signature, &array));
	need(dbus_message_iter_append_fixed_array(&array, type, (void *)&elements, count));
	need(dbus_message_iter_close_container(fields, &array));
}

/* A set and a list are walked, as any container would be that is not an array in memory. */
static void append_each(DBusMessageIter *fields, int type, const void *elements, size_t size,
			int count)
{
	const char signature[] = {(char)type, '\0'};
	DBusMessageIter array;

	need(dbus_message_iter_open_container(fields, DBUS_TYPE_ARRAY, signature, &array));
	for (int i = 0; i < count; i++)
		need(dbus_message_iter_append_basic(&array, type,
						    (const char *)elements + i * size));
	need(dbus_message_iter_close_container(fields, &array));
}

static void append_map(DBusMessageIter *fields, const struct test_entry *map, int count)
{
	DBusMessageIter array, entry;

	need(dbus_message_iter_open_container(fields, DBUS_TYPE_ARRAY, "{ys}", &array));
	for (int i = 0; i < count; i++) {
		need(dbus_message_iter_open_container(&array, DBUS_TYPE_DICT_ENTRY, NULL, &entry));
		need(dbus_message_iter_append_basic(&entry, DBUS_TYPE_BYTE, &map[i].key));
		need(dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &map[i].value));
		need(dbus_message_iter_close_container(&array, &entry));
	}
	need(dbus_message_iter_close_container(fields, &array));
}

void test_struct_append(DBusMessage *message, const struct test_struct *value)
{
	DBusMessageIter all, fields;

	dbus_message_iter_init_append(message, &all);
	need(dbus_message_iter_open_container(&all, DBUS_TYPE_STRUCT, NULL, &fields));
	need(dbus_message_iter_append_basic(&fields, DBUS_TYPE_INT32, &value->op));
	need(dbus_message_iter_append_basic(&fields, DBUS_TYPE_BOOLEAN, &value->boolean));
	need(dbus_message_iter_append_basic(&fields, DBUS_TYPE_BYTE, &value->i8));
	need(dbus_message_iter_append_basic(&fields, DBUS_TYPE_INT16, &value->i16));
	need(dbus_message_iter_append_basic(&fields, DBUS_TYPE_INT32, &value->i32));
	need(dbus_message_iter_append_basic(&fields, DBUS_TYPE_INT64, &value->i64));
	need(dbus_message_iter_append_basic(&fields, DBUS_TYPE_DOUBLE, &value->real));
	need(dbus_message_iter_append_basic(&fields, DBUS_TYPE_STRING, &value->text));
	append_array(&fields, DBUS_TYPE_BYTE, value->binary, value->binary_length);
	append_map(&fields, value->map, value->map_length);
	append_each(&fields, DBUS_TYPE_INT16, value->list, sizeof(*value->list),
		    value->list_length);
	append_each(&fields, DBUS_TYPE_INT32, value->set, sizeof(*value->set), value->set_length);
	need(dbus_message_iter_close_container(&all, &fields));
}

static void read_next(DBusMessageIter *fields, void *value)
{
	dbus_message_iter_get_basic(fields, value);
	dbus_message_iter_next(fields);
}

static int read_array(DBusMessageIter *fields, void *elements)
{
	DBusMessageIter array;
	int count = 0;

	dbus_message_iter_recurse(fields, &array);
	dbus_message_iter_get_fixed_array(&array, elements, &count);
	dbus_message_iter_next(fields);
	return count;
}

static int read_map(DBusMessageIter *fields, struct test_entry **map)
{
	int count = dbus_message_iter_get_element_count(fields);
	DBusMessageIter array, entry;

	*map = count ? needed(calloc(count, sizeof(**map))) : NULL;
	dbus_message_iter_recurse(fields, &array);
	for (int i = 0; i < count; i++) {
		dbus_message_iter_recurse(&array, &entry);
		read_next(&entry, &(*map)[i].key);
		read_next(&entry, &(*map)[i].value);
		dbus_message_iter_next(&array);
	}
	dbus_message_iter_next(fields);
	return count;
}

struct test_struct test_struct_read(DBusMessage *message)
{
	DBusMessageIter all, fields;
	struct test_struct value;

	dbus_message_iter_init(message, &all);
	dbus_message_iter_recurse(&all, &fields);
	read_next(&fields, &value.op);
	read_next(&fields, &value.boolean);
	read_next(&fields, &value.i8);
	read_next(&fields, &value.i16);
	read_next(&fields, &value.i32);
	read_next(&fields, &value.i64);
	read_next(&fields, &value.real);
	read_next(&fields, &value.text);
	value.binary_length = read_array(&fields, &value.binary);
	value.map_length = read_map(&fields, &value.map);
	value.list_length = read_array(&fields, &value.list);
	value.set_length = read_array(&fields, &value.set);
	return value;
}

void test_struct_clear(struct test_struct *value)
{
	free(value->map);
	value->map = NULL;
}

static bool same_array(const void *a, int a_length, const void *b, int b_length, size_t size)
{
	return a_length == b_length && (!a_length || !memcmp(a, b, a_length * size));
}

bool test_struct_equal(const struct test_struct *a, const struct test_struct *b)
{
	if (a->map_length != b->map_length)
		return false;
	for (int i = 0; i < a->map_length; i++)
		if (a->map[i].key != b->map[i].key || strcmp(a->map[i].value, b->map[i].value))
			return false;
	return a->op == b->op && a->boolean == b->boolean && a->i8 == b->i8 && a->i16 == b->i16 &&
	       a->i32 == b->i32 && a->i64 == b->i64 && a->real == b->real &&
	       !strcmp(a->text, b->text) &&
	       same_array(a->binary, a->binary_length, b->binary, b->binary_length, 1) &&
	       same_array(a->list, a->list_length, b->list, b->list_length, sizeof(*a->list)) &&
	       same_array(a->set, a->set_length, b->set, b->set_length, sizeof(*a->set));
}
