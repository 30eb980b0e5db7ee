// SPDX-License-Identifier: MIT
/* Gives a structure of every type back, with op set to PONG; takes greetings */
#include <stdio.h>

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
	g_object_unref(*_return);
	*_return = g_object_ref((test_struct *)arg);
	(*_return)->op = OPERATION_PONG;
	return TRUE;
}

static gboolean hello(pingIf *iface, const gchar *text, GError **error)
{
	(void)iface;
	(void)error;
	if (server_is_quiet())
		return TRUE;
	puts(text);
	fflush(stdout);
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
