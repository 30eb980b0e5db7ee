// SPDX-License-Identifier: MIT
/* Gives a structure of every type back, with op set to PONG; takes greetings */
#include "gen/ping.h"
#include "server.h"

typedef pingHandler ServedPing;
typedef pingHandlerClass ServedPingClass;

GType served_ping_get_type(void);
G_DEFINE_TYPE(ServedPing, served_ping, TYPE_PING_HANDLER)

static gboolean ping(pingIf *iface, test_struct **_return, const test_struct *arg, GError **error)
{
	(void)iface;
	(void)error;
	g_object_set(*_return, "op", OPERATION_PONG, "bool_value", arg->bool_value, "i8_value",
		     arg->i8_value, "i16_value", arg->i16_value, "i32_value", arg->i32_value,
		     "i64_value", arg->i64_value, "double_value", arg->double_value, "string_value",
		     arg->string_value, "binary_value", arg->binary_value, "map_value",
		     arg->map_value, "list_value", arg->list_value, "set_value", arg->set_value,
		     NULL);
	return TRUE;
}

static gboolean hello(pingIf *iface, const gchar *text, GError **error)
{
	(void)iface;
	(void)text;
	(void)error;
	return TRUE;
}

static void served_ping_class_init(ServedPingClass *class)
{
	example_handler_answers(EXAMPLE_HANDLER_CLASS(class));
	class->ping = ping;
	class->hello = hello;
}

static void served_ping_init(ServedPing *handler)
{
	(void)handler;
}

int main(int argc, char **argv)
{
	return server_main(argc, argv, "ping", TYPE_PING_PROCESSOR, served_ping_get_type());
}
