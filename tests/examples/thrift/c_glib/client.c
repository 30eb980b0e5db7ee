// SPDX-License-Identifier: MIT
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <thrift/c_glib/protocol/thrift_compact_protocol.h>
#include <thrift/c_glib/transport/thrift_buffered_transport.h>
#include <thrift/c_glib/transport/thrift_framed_transport.h>
#include <thrift/c_glib/transport/thrift_socket.h>
#include <thrift/c_glib/transport/thrift_stapler_uri.h>

#include "../../common/values.h"
#include "client.h"
#include "gen/example.h"

struct connection {
	ThriftTransport *transport;
	ThriftTransport *wrapper;
	ThriftProtocol *protocol;
	gpointer client;
};

/* C/GLib's sockets, unlike C++'s, leave small calls to Nagle's algorithm: one that follows a
 * one-way call waits 40 ms. That is not what is to be measured. */
static void send_at_once(ThriftTransport *transport)
{
	int yes = 1;

	if (THRIFT_IS_SOCKET(transport))
		setsockopt(THRIFT_SOCKET(transport)->sd, IPPROTO_TCP, TCP_NODELAY, &yes,
			   sizeof(yes));
}

static void *connect_to(const struct settings *settings)
{
	struct connection *connection = g_new0(struct connection, 1);
	gboolean framed = !strcmp(settings->wrapper, "framed");
	gboolean compact = !strcmp(settings->protocol, "compact");
	GError *error = NULL;

	connection->transport = thrift_stapler_uri_transport(settings->address, &error);
	if (!connection->transport)
		errx(2, "%s", error->message);
	connection->wrapper =
		g_object_new(framed ? THRIFT_TYPE_FRAMED_TRANSPORT : THRIFT_TYPE_BUFFERED_TRANSPORT,
			     "transport", connection->transport, NULL);
	connection->protocol =
		g_object_new(compact ? THRIFT_TYPE_COMPACT_PROTOCOL : THRIFT_TYPE_BINARY_PROTOCOL,
			     "transport", connection->wrapper, NULL);
	if (!thrift_transport_open(connection->wrapper, &error))
		errx(1, "%s", error->message);
	send_at_once(connection->transport);
	return connection;
}

static void disconnect(void *argument)
{
	struct connection *connection = argument;

	thrift_transport_close(connection->wrapper, NULL);
	g_clear_object(&connection->client);
	g_object_unref(connection->protocol);
	g_object_unref(connection->wrapper);
	g_object_unref(connection->transport);
	g_free(connection);
}

static const char *const wrappers[] = {"buffered", "framed", NULL};
static const char *const protocols[] = {"binary", "compact", NULL};

const struct access thrift_access = {
	.option = "transport",
	.help = "  --transport URI      stplr:NAME[?device=N], unix:PATH or tcp:HOST:PORT (default "
		"stplr:SERVICE)\n",
	.wrappers = wrappers,
	.protocols = protocols,
	.connect = connect_to,
	.disconnect = disconnect,
};

gpointer client_of(void *argument, GType type)
{
	struct connection *connection = argument;

	if (!connection->client)
		connection->client = g_object_new(type, "input_protocol", connection->protocol,
						  "output_protocol", connection->protocol, NULL);
	return connection->client;
}

void must(gboolean success, const gchar *call, GError *error)
{
	if (!success)
		errx(1, "%s: %s", call, error ? error->message : "failed");
}

void show_failure(gboolean success, const gchar *call, GError **error)
{
	if (success)
		errx(1, "%s did not fail", call);
	printf("%s: %s\n", call, (*error)->message);
	g_clear_error(error);
}

void check_example(gpointer client, const gchar *name)
{
	version_struct *version = g_object_new(TYPE_VERSION_STRUCT, NULL);
	GError *error = NULL;
	gchar *answer = NULL;

	must(example_client_name(client, &answer, &error), "name", error);
	if (strcmp(answer, name))
		wrong_reply("name");
	g_free(answer);
	must(example_client_version(client, &version, &error), "version", error);
	if (version->major != VERSION_MAJOR || version->minor != VERSION_MINOR ||
	    version->micro != VERSION_MICRO)
		wrong_reply("version");
	g_object_unref(version);
}

void show_example(gpointer client)
{
	version_struct *version = g_object_new(TYPE_VERSION_STRUCT, NULL);
	GError *error = NULL;
	gchar *name = NULL;

	must(example_client_name(client, &name, &error), "name", error);
	printf("name: %s\n", name);
	g_free(name);
	must(example_client_version(client, &version, &error), "version", error);
	printf("version: %d.%d.%d\n", version->major, version->minor, version->micro);
	g_object_unref(version);
}
