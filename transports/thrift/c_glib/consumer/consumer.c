// SPDX-License-Identifier: MIT
/* Uses what was installed, without the module: both types and the addresses */
#include <stdio.h>

#include <thrift/c_glib/transport/thrift_stapler_server_transport.h>
#include <thrift/c_glib/transport/thrift_stapler_transport.h>
#include <thrift/c_glib/transport/thrift_stapler_uri.h>

int main(void)
{
	GError *error = NULL;
	ThriftTransport *client =
		g_object_new(THRIFT_TYPE_STAPLER_TRANSPORT, "name", "calculator", NULL);
	ThriftServerTransport *server =
		thrift_stapler_uri_server_transport("stplr:calculator?mode=666", &error);

	if (!server || !THRIFT_IS_STAPLER_SERVER_TRANSPORT(server) ||
	    thrift_transport_is_open(client) ||
	    thrift_stapler_transport_get_fd(THRIFT_STAPLER_TRANSPORT(client)) >= 0)
		return 1;
	if (thrift_stapler_uri_transport("http://calculator", &error) || !error)
		return 1;
	printf("%s\n", error->message);
	g_clear_error(&error);
	g_object_unref(client);
	g_object_unref(server);
	return 0;
}
