// SPDX-License-Identifier: MIT
#include "handler.h"

#include <gtest/gtest.h>

#include <thrift/c_glib/thrift.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include <cstring>

extern "C" {

struct TestHandler {
	suiteHandler parent;
	GArray *notes;
};
struct TestHandlerClass {
	suiteHandlerClass parent;
};

// cppcheck-suppress unknownMacro
G_DEFINE_TYPE(TestHandler, test_handler, TYPE_SUITE_HANDLER)

static GArray *notes_of(gpointer handler)
{
	return static_cast<TestHandler *>(handler)->notes;
}

static gboolean noted(baseIf *iface, gint32 *_return, GError **)
{
	*_return = notes_of(iface)->len;
	return TRUE;
}

static gboolean echo(suiteIf *, every_type **_return, const every_type *value, GError **)
{
	g_object_unref(*_return);
	*_return = EVERY_TYPE(g_object_ref(const_cast<every_type *>(value)));
	return TRUE;
}

static gboolean pick(suiteIf *, choice **_return, const choice *value, GError **)
{
	g_object_unref(*_return);
	*_return = CHOICE(g_object_ref(const_cast<choice *>(value)));
	return TRUE;
}

static gboolean blob(suiteIf *, GByteArray **_return, const GByteArray *bytes, GError **)
{
	*_return = g_byte_array_ref(const_cast<GByteArray *>(bytes));
	return TRUE;
}

static gboolean add(suiteIf *, gint32 *_return, const gint32 a, const gint32 b, GError **)
{
	*_return = a + b;
	return TRUE;
}

static gboolean refuse(suiteIf *, const gint32 code, refused **refused_, broken **, GError **)
{
	if (!code)
		return TRUE;
	*refused_ = REFUSED(g_object_new(TYPE_REFUSED, "code", 17, "why", "no", nullptr));
	return FALSE;
}

static gboolean nap(suiteIf *, const gint32 ms, GError **error)
{
	if (ms < 0) {
		g_set_error(error, THRIFT_APPLICATION_EXCEPTION_ERROR,
			    THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR, "cannot sleep %d ms",
			    ms);
		return FALSE;
	}
	g_usleep(ms * 1000UL);
	return TRUE;
}

static gboolean note(suiteIf *iface, const gint32 number, const gint32 nap_ms, const GByteArray *,
		     GError **)
{
	g_usleep(nap_ms * 1000UL);
	g_array_append_val(notes_of(iface), number);
	return TRUE;
}

static gboolean notes(suiteIf *iface, GArray **_return, GError **)
{
	GArray *all = notes_of(iface);

	g_array_append_vals(*_return, all->data, all->len);
	return TRUE;
}

static void finalize(GObject *object)
{
	g_array_unref(notes_of(object));
	G_OBJECT_CLASS(test_handler_parent_class)->finalize(object);
}

static void test_handler_class_init(TestHandlerClass *cls)
{
	BASE_HANDLER_CLASS(cls)->noted = noted;
	cls->parent.echo = echo;
	cls->parent.pick = pick;
	cls->parent.blob = blob;
	cls->parent.add = add;
	cls->parent.refuse = refuse;
	cls->parent.nap = nap;
	cls->parent.note = note;
	cls->parent.notes = notes;
	G_OBJECT_CLASS(cls)->finalize = finalize;
}

static void test_handler_init(TestHandler *handler)
{
	handler->notes = g_array_new(FALSE, FALSE, sizeof(gint32));
}

} // extern "C"

template <typename T> static gpointer copy(T value)
{
	return g_memdup2(&value, sizeof(value));
}

every_type *new_every_type()
{
	every_type *value = EVERY_TYPE(g_object_new(
		TYPE_EVERY_TYPE, "bool_value", TRUE, "i8_value", -8, "i16_value", -1600,
		"i32_value", 320000, "i64_value", G_GINT64_CONSTANT(-6400000000), "double_value",
		0.125, "string_value", "text", "enum_value", COLOUR_GREEN, nullptr));
	const gint64 list[] = {1, -2, G_MAXINT64};
	const char bytes[] = "\0\1\2\xff";

	value->binary_value = g_byte_array_new();
	value->__isset_binary_value = TRUE;
	g_byte_array_append(value->binary_value, reinterpret_cast<const guint8 *>(bytes), 4);
	g_object_set(value->struct_value, "number", 5, "text", "five", nullptr);
	value->__isset_struct_value = TRUE;
	g_array_append_vals(value->list_value, list, 3);
	value->__isset_list_value = TRUE;
	for (gint16 element : {10, 20, -30})
		g_hash_table_add(value->set_value, copy(element));
	value->__isset_set_value = TRUE;
	g_hash_table_insert(value->map_value, g_strdup("seven"),
			    g_object_new(TYPE_INNER, "number", 7, "text", "VII", nullptr));
	value->__isset_map_value = TRUE;

	GPtrArray *maps = g_ptr_array_new_with_free_func(
		reinterpret_cast<GDestroyNotify>(g_hash_table_unref));
	for (gint32 key : {1, 2}) {
		GHashTable *map = g_hash_table_new_full(g_int_hash, g_int_equal, g_free, g_free);

		g_hash_table_insert(map, copy(key), g_strdup(key == 1 ? "one" : "two"));
		g_ptr_array_add(maps, map);
	}
	g_hash_table_insert(value->nest_value, g_strdup("nest"), maps);
	value->__isset_nest_value = TRUE;
	return value;
}

static void expect_same_inner(const inner *a, const inner *b)
{
	ASSERT_TRUE(a && b);
	EXPECT_EQ(a->number, b->number);
	EXPECT_STREQ(a->text, b->text);
}

void expect_equal(const every_type *a, const every_type *b)
{
	EXPECT_EQ(a->bool_value, b->bool_value);
	EXPECT_EQ(a->i8_value, b->i8_value);
	EXPECT_EQ(a->i16_value, b->i16_value);
	EXPECT_EQ(a->i32_value, b->i32_value);
	EXPECT_EQ(a->i64_value, b->i64_value);
	EXPECT_EQ(a->double_value, b->double_value);
	EXPECT_STREQ(a->string_value, b->string_value);
	ASSERT_EQ(a->binary_value->len, b->binary_value->len);
	EXPECT_EQ(0, memcmp(a->binary_value->data, b->binary_value->data, a->binary_value->len));
	EXPECT_EQ(a->enum_value, b->enum_value);
	expect_same_inner(a->struct_value, b->struct_value);
	ASSERT_EQ(a->list_value->len, b->list_value->len);
	for (guint i = 0; i < a->list_value->len; i++)
		EXPECT_EQ(g_array_index(a->list_value, gint64, i),
			  g_array_index(b->list_value, gint64, i));
	EXPECT_EQ(g_hash_table_size(a->set_value), g_hash_table_size(b->set_value));
	for (gint16 element : {10, 20, -30})
		EXPECT_TRUE(g_hash_table_contains(b->set_value, &element)) << element;
	expect_same_inner(static_cast<inner *>(g_hash_table_lookup(a->map_value, "seven")),
			  static_cast<inner *>(g_hash_table_lookup(b->map_value, "seven")));
	auto maps = static_cast<GPtrArray *>(g_hash_table_lookup(b->nest_value, "nest"));
	ASSERT_TRUE(maps);
	ASSERT_EQ(2u, maps->len);
	for (gint32 key : {1, 2})
		EXPECT_STREQ(key == 1 ? "one" : "two",
			     static_cast<char *>(g_hash_table_lookup(
				     static_cast<GHashTable *>(maps->pdata[key - 1]), &key)));
	EXPECT_FALSE(b->__isset_absent_value);
}
