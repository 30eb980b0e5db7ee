// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include <thrift/c_glib/thrift.h>

#include "../../common/values.h"
#include "client.h"
#include "gen/ping.h"

static GHashTable *map_of_values(void)
{
	static const gint8 keys[] = {MAP_KEYS};
	static const gchar *const values[] = {MAP_VALUES};
	GHashTable *map =
		g_hash_table_new_full(thrift_int8_hash, thrift_int8_equal, g_free, g_free);

	for (guint i = 0; i < G_N_ELEMENTS(values); i++)
		g_hash_table_insert(map, g_memdup2(&keys[i], sizeof(keys[i])), g_strdup(values[i]));
	return map;
}

static GHashTable *set_of_values(void)
{
	static const gint32 values[] = {SET_VALUES};
	GHashTable *set = g_hash_table_new_full(g_int_hash, g_int_equal, g_free, NULL);

	for (guint i = 0; i < G_N_ELEMENTS(values); i++)
		g_hash_table_add(set, g_memdup2(&values[i], sizeof(values[i])));
	return set;
}

static GArray *list_of_values(void)
{
	static const gint16 values[] = {LIST_VALUES};
	GArray *list = g_array_new(FALSE, FALSE, sizeof(gint16));

	return g_array_append_vals(list, values, G_N_ELEMENTS(values));
}

static GByteArray *binary_of(gsize size)
{
	GByteArray *binary = g_byte_array_sized_new(size);

	g_byte_array_set_size(binary, size);
	for (gsize i = 0; i < size; i++)
		binary->data[i] = BINARY_BYTE(i);
	return binary;
}

static test_struct *new_question(gsize size)
{
	GByteArray *binary = binary_of(size);
	GHashTable *map = map_of_values(), *set = set_of_values();
	GArray *list = list_of_values();
	test_struct *question = g_object_new(
		TYPE_TEST_STRUCT, "op", OPERATION_PING, "bool_value", TRUE, "i8_value", I8_VALUE,
		"i16_value", I16_VALUE, "i32_value", I32_VALUE, "i64_value", (gint64)I64_VALUE,
		"double_value", DOUBLE_VALUE, "string_value", STRING_VALUE, "binary_value", binary,
		"map_value", map, "list_value", list, "set_value", set, NULL);

	g_byte_array_unref(binary);
	g_hash_table_unref(map);
	g_array_unref(list);
	g_hash_table_unref(set);
	return question;
}

static gboolean same_map(GHashTable *a, GHashTable *b)
{
	GHashTableIter iter;
	gpointer key, value;

	if (g_hash_table_size(a) != g_hash_table_size(b))
		return FALSE;
	g_hash_table_iter_init(&iter, a);
	while (g_hash_table_iter_next(&iter, &key, &value))
		if (g_strcmp0(value, g_hash_table_lookup(b, key)))
			return FALSE;
	return TRUE;
}

static gboolean same_set(GHashTable *a, GHashTable *b)
{
	GHashTableIter iter;
	gpointer key;

	if (g_hash_table_size(a) != g_hash_table_size(b))
		return FALSE;
	g_hash_table_iter_init(&iter, a);
	while (g_hash_table_iter_next(&iter, &key, NULL))
		if (!g_hash_table_contains(b, key))
			return FALSE;
	return TRUE;
}

/* The structure that comes back is the one that was sent, but for op. */
static gboolean answers(const test_struct *answer, const test_struct *question)
{
	return answer->op == OPERATION_PONG && answer->bool_value == question->bool_value &&
	       answer->i8_value == question->i8_value && answer->i16_value == question->i16_value &&
	       answer->i32_value == question->i32_value &&
	       answer->i64_value == question->i64_value &&
	       answer->double_value == question->double_value &&
	       !g_strcmp0(answer->string_value, question->string_value) &&
	       answer->binary_value->len == question->binary_value->len &&
	       !memcmp(answer->binary_value->data, question->binary_value->data,
		       question->binary_value->len) &&
	       answer->list_value->len == question->list_value->len &&
	       !memcmp(answer->list_value->data, question->list_value->data,
		       question->list_value->len * sizeof(gint16)) &&
	       same_map(answer->map_value, question->map_value) &&
	       same_set(answer->set_value, question->set_value);
}

/* The calls of a connection are executed one after the other, its question stays the same. */
static void ping(gpointer client, const struct settings *settings)
{
	static _Thread_local test_struct *question;
	test_struct *answer = g_object_new(TYPE_TEST_STRUCT, NULL);
	GError *error = NULL;

	if (!question)
		question = new_question(settings->size);
	must(ping_client_ping(client, &answer, question, &error), "ping", error);
	if (!answers(answer, question))
		wrong_reply("ping");
	g_object_unref(answer);
}

static void hello(gpointer client, const struct settings *settings)
{
	static _Thread_local gchar *text;
	GError *error = NULL;

	if (!text)
		text = g_strnfill(settings->size, 'x');
	must(ping_client_hello(client, text, &error), "hello", error);
}

static void ping_round(void *connection, const struct settings *settings, uint64_t number)
{
	gpointer client = client_of(connection, TYPE_PING_CLIENT);

	(void)number;
	check_example(client, "ping");
	ping(client, settings);
}

static void hello_round(void *connection, const struct settings *settings, uint64_t number)
{
	gpointer client = client_of(connection, TYPE_PING_CLIENT);

	(void)number;
	check_example(client, "ping");
	hello(client, settings);
}

/* By its answer all calls before have been executed. */
static void one_more_name(void *connection, const struct settings *settings)
{
	GError *error = NULL;
	gchar *name = NULL;

	(void)settings;
	must(example_client_name(client_of(connection, TYPE_PING_CLIENT), &name, &error), "name",
	     error);
	if (g_strcmp0(name, "ping"))
		wrong_reply("name");
	g_free(name);
}

static void show(void *connection, const struct settings *settings)
{
	gpointer client = client_of(connection, TYPE_PING_CLIENT);

	show_example(client);
	ping(client, settings);
	puts("ping: a structure of every type came back, with op PONG");
	hello(client, settings);
	puts("hello: sent, one way");
}

int main(int argc, char **argv)
{
	static const struct round rounds[] = {
		{.name = "ping", .rpcs = 3, .run = ping_round},
		{.name = "hello", .rpcs = 3, .run = hello_round, .finish = one_more_name},
		{0},
	};
	static const struct client client = {.service = "ping", .rounds = rounds, .show = show};

	return client_main(argc, argv, &thrift_access, &client);
}
