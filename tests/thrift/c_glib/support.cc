// SPDX-License-Identifier: MIT
#include "support.h"

#include <stplr.h>
#include <thrift/c_glib/thrift_configuration.h>

#include <unistd.h>

#include <cerrno>
#include <cstring>

// Thrift 0.17's generated structures do not let GObject finalize them: what g_object_unref()
// allocates for a moment is lost. Its server socket does not free its path. GLib's own frames are
// seen only by the slow unwinder.
extern "C" const char *__lsan_default_suppressions()
{
	return "leak:g_object_unref\n"
	       "leak:thrift_server_socket_set_property\n";
}
extern "C" const char *__asan_default_options()
{
	return "fast_unwind_on_malloc=0:quarantine_size_mb=32";
}

// A complaint of GLib's ends the program: objects that have gone, and calls that are none.
static const GLogLevelFlags kFatal =
	g_log_set_always_fatal(GLogLevelFlags(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL));

std::ostream &operator<<(std::ostream &out, const Error &error)
{
	return out << error.message();
}

std::string own_name()
{
	static int number;

	return "glib-test-" + std::to_string(getpid()) + "-" + std::to_string(++number);
}

Ref<ThriftConfiguration> configuration(int max_message_size)
{
	return Ref<ThriftConfiguration>(THRIFT_CONFIGURATION(g_object_new(
		THRIFT_TYPE_CONFIGURATION, "max-message-size", max_message_size, nullptr)));
}

Ref<ThriftTransport> new_client(const std::string &name, ThriftConfiguration *limits)
{
	return Ref<ThriftTransport>(
		THRIFT_TRANSPORT(g_object_new(THRIFT_TYPE_STAPLER_TRANSPORT, "name", name.c_str(),
					      "configuration", limits, nullptr)));
}

Ref<ThriftServerTransport> new_server(const std::string &name, ThriftConfiguration *limits)
{
	return Ref<ThriftServerTransport>(THRIFT_SERVER_TRANSPORT(
		g_object_new(THRIFT_TYPE_STAPLER_SERVER_TRANSPORT, "name", name.c_str(),
			     "configuration", limits, nullptr)));
}

bool write(ThriftTransport *transport, const std::string &bytes, Error &error)
{
	return thrift_transport_write(transport, const_cast<char *>(bytes.data()), bytes.size(),
				      &error);
}

bool flush(ThriftTransport *transport, Error &error)
{
	return thrift_transport_flush(transport, &error);
}

std::string read(ThriftTransport *transport, size_t length, Error &error)
{
	std::string bytes(length, '\0');
	gint32 got = thrift_transport_read(transport, &bytes[0], length, &error);

	EXPECT_TRUE(got == -1 || got == gint32(length)) << got;
	EXPECT_EQ(got == -1, error.is_set()) << error;
	bytes.resize(got == -1 ? 0 : got);
	return bytes;
}

void send(ThriftTransport *transport, const std::string &bytes)
{
	Error error;

	EXPECT_TRUE(write(transport, bytes, error)) << error;
	EXPECT_TRUE(flush(transport, error)) << error;
}

std::string receive(ThriftTransport *transport, size_t length)
{
	Error error;
	std::string bytes = read(transport, length, error);

	EXPECT_FALSE(error.is_set()) << error;
	return bytes;
}

std::string two_way(const std::string &rest)
{
	return std::string("\x80\x01\x00\x01", 4) + rest;
}

std::string one_way(const std::string &rest)
{
	return std::string("\x80\x01\x00\x04", 4) + rest;
}

std::string pattern(size_t length, unsigned seed)
{
	std::string bytes(length, '\0');

	for (char &byte : bytes) {
		seed = seed * 1103515245 + 12345;
		byte = char(seed >> 16);
	}
	return bytes;
}

void TransportTest::connect(ThriftConfiguration *client_limits, ThriftConfiguration *server_limits)
{
	Error error;

	server = new_server(name, server_limits);
	ASSERT_TRUE(thrift_server_transport_listen(server.get(), &error)) << error;
	client = new_client(name, client_limits);
	ASSERT_TRUE(thrift_transport_open(client.get(), &error)) << error;
	accepted.reset(thrift_server_transport_accept(server.get(), &error));
	ASSERT_TRUE(accepted) << error;
}

Fd TransportTest::connect_raw()
{
	Error error;

	server = new_server(name);
	EXPECT_TRUE(thrift_server_transport_listen(server.get(), &error)) << error;
	Fd device(stplr_open(0, 0));
	Fd raw(stplr_connect(device, name.c_str(), 0));
	EXPECT_LE(0, raw) << strerror(errno);
	if (raw >= 0)
		accepted.reset(thrift_server_transport_accept(server.get(), &error));
	EXPECT_TRUE(accepted) << error;
	return raw;
}
