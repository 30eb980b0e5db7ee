// SPDX-License-Identifier: MIT
// One string picks the transport.
#include <thrift/c_glib/transport/thrift_socket.h>
#include <thrift/c_glib/transport/thrift_stapler_uri.h>

#include "support.h"

namespace
{

std::string text_property(gpointer object, const char *name)
{
	gchar *value = nullptr;

	g_object_get(object, name, &value, nullptr);
	std::string text = value ? value : "(null)";
	g_free(value);
	return text;
}

unsigned number_property(gpointer object, const char *name)
{
	guint value = 0;

	g_object_get(object, name, &value, nullptr);
	return value;
}

TEST(Uri, Stplr)
{
	const char *uri = "stplr:a.b-c_1?device=3&mode=620&group=users";
	Ref<ThriftTransport> client(thrift_stapler_uri_transport(uri, nullptr));
	Ref<ThriftServerTransport> server(thrift_stapler_uri_server_transport(uri, nullptr));

	ASSERT_TRUE(THRIFT_IS_STAPLER_TRANSPORT(client.get()));
	EXPECT_EQ("a.b-c_1", text_property(client.get(), "name"));
	EXPECT_EQ(3u, number_property(client.get(), "device"));
	ASSERT_TRUE(THRIFT_IS_STAPLER_SERVER_TRANSPORT(server.get()));
	EXPECT_EQ("a.b-c_1", text_property(server.get(), "name"));
	EXPECT_EQ(3u, number_property(server.get(), "device"));
	EXPECT_EQ(0620u, number_property(server.get(), "mode"));
	EXPECT_EQ("users", text_property(server.get(), "group"));
}

TEST(Uri, StplrHasDefaults)
{
	Ref<ThriftServerTransport> server(
		thrift_stapler_uri_server_transport("stplr:calculator", nullptr));

	EXPECT_EQ(0u, number_property(server.get(), "device"));
	EXPECT_EQ(0600u, number_property(server.get(), "mode"));
	EXPECT_EQ("(null)", text_property(server.get(), "group"));
}

TEST(Uri, StplrById)
{
	Ref<ThriftTransport> client(thrift_stapler_uri_transport("stplr:@42?device=1", nullptr));

	ASSERT_TRUE(THRIFT_IS_STAPLER_TRANSPORT(client.get()));
	EXPECT_EQ("@42", text_property(client.get(), "name"));
	EXPECT_EQ(1u, number_property(client.get(), "device"));
}

TEST(Uri, Sockets)
{
	Ref<ThriftTransport> tcp(thrift_stapler_uri_transport("tcp:some.host:4711", nullptr));
	Ref<ThriftTransport> local(thrift_stapler_uri_transport("unix:/tmp/a:b", nullptr));
	Ref<ThriftServerTransport> server(
		thrift_stapler_uri_server_transport("tcp:localhost:4711", nullptr));
	Ref<ThriftServerTransport> local_server(
		thrift_stapler_uri_server_transport("unix:/tmp/a:b", nullptr));

	Ref<ThriftServerTransport> everywhere(
		thrift_stapler_uri_server_transport("tcp::4711", nullptr));

	ASSERT_TRUE(everywhere);
	EXPECT_EQ(4711u, number_property(everywhere.get(), "port"));
	EXPECT_TRUE(THRIFT_IS_SOCKET(tcp.get()));
	EXPECT_EQ("some.host", text_property(tcp.get(), "hostname"));
	EXPECT_EQ(4711u, number_property(tcp.get(), "port"));
	EXPECT_EQ("/tmp/a:b", text_property(local.get(), "path"));
	EXPECT_TRUE(THRIFT_IS_SERVER_SOCKET(server.get()));
	EXPECT_EQ(4711u, number_property(server.get(), "port"));
	EXPECT_EQ("/tmp/a:b", text_property(local_server.get(), "path"));
}

TEST(Uri, SaysWhatIsWrong)
{
	const char *const wrong[] = {
		"",
		"calculator",
		"stplr",
		"stplr:",
		"stplr:no name",
		"stplr:@",
		"stplr:@042",
		"stplr:@4294967296",
		"stplr:a/b",
		"stplr:x?",
		"stplr:x?device=",
		"stplr:x?device=-1",
		"stplr:x?device=1x",
		"stplr:x?device=4294967296",
		"stplr:x?device=1&device=1",
		"stplr:x?device=4294967295",
		"stplr:x?mode=8",
		"stplr:x?mode=0",
		"stplr:x?mode=\v660",
		"stplr:x?mode=00660",
		"stplr:x?device=00000000001",
		"stplr:x?mode=1000",
		"stplr:x?group=",
		"stplr:x?group=a&group=b",
		"stplr:x?colour=red",
		"stplr:x?device=1&",
		"stplr:0123456789012345678901234567890123456789012345678901234567890123",
		"unix:",
		"tcp:",
		"tcp:host",
		"tcp:host:",
		"tcp::80",
		"tcp:host:0",
		"tcp:host:65536",
		"tcp:host:http",
		"http://host",
	};

	for (const char *uri : wrong) {
		Error error;

		EXPECT_FALSE(thrift_stapler_uri_transport(uri, &error)) << uri;
		EXPECT_NE(std::string::npos,
			  error.message().find("transport '" + std::string(uri) + "': "))
			<< error;
		if (std::string(uri) == "tcp::80")
			continue; // good for a server
		EXPECT_FALSE(thrift_stapler_uri_server_transport(uri, &error)) << uri;
		EXPECT_TRUE(error.is_set());
		EXPECT_FALSE(thrift_stapler_uri_transport(uri, nullptr));
	}
}

} // namespace
