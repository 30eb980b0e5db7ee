// SPDX-License-Identifier: MIT
// C/GLib's objects with an owner, and the usual shapes of a test: a server transport with a client,
// a server in a thread.
#pragma once

#include <gtest/gtest.h>

#include <thrift/c_glib/transport/thrift_server_socket.h>
#include <thrift/c_glib/transport/thrift_stapler_server_transport.h>
#include <thrift/c_glib/transport/thrift_stapler_transport.h>

#include <functional>
#include <memory>
#include <string>

#include "support/fd.h"
#include "support/thread.h"

struct Unref {
	void operator()(gpointer object) const
	{
		g_object_unref(object);
	}
};
template <typename T> using Ref = std::unique_ptr<T, Unref>;

// A GError that is freed; prints itself.
class Error
{
public:
	Error() = default;
	Error(const Error &) = delete;
	~Error()
	{
		g_clear_error(&error_);
	}
	// To be passed to a call; what was there is freed.
	GError **operator&()
	{
		g_clear_error(&error_);
		return &error_;
	}
	bool is_set() const
	{
		return error_;
	}
	int code() const
	{
		return error_ ? error_->code : -1;
	}
	GQuark domain() const
	{
		return error_ ? error_->domain : 0;
	}
	std::string message() const
	{
		return error_ ? error_->message : "no error";
	}

private:
	GError *error_ = nullptr;
};
std::ostream &operator<<(std::ostream &out, const Error &error);

// A name of this test's own.
std::string own_name();

Ref<ThriftConfiguration> configuration(int max_message_size);
Ref<ThriftTransport> new_client(const std::string &name, ThriftConfiguration *limits = nullptr);
Ref<ThriftServerTransport> new_server(const std::string &name,
				      ThriftConfiguration *limits = nullptr);

// What one call of a transport did.
bool write(ThriftTransport *transport, const std::string &bytes, Error &error);
bool flush(ThriftTransport *transport, Error &error);
// The bytes, or nothing where the call failed.
std::string read(ThriftTransport *transport, size_t length, Error &error);

// The same where nothing may fail.
void send(ThriftTransport *transport, const std::string &bytes);
std::string receive(ThriftTransport *transport, size_t length);

// A call as Thrift's strict binary protocol begins it, two way or one way.
std::string two_way(const std::string &rest);
std::string one_way(const std::string &rest);

// Different bytes for each seed.
std::string pattern(size_t length, unsigned seed);

// A server that listens, a client that is connected, and the transport that was accepted.
class TransportTest : public testing::Test
{
protected:
	// With limits of the client's and the server's, or without.
	void connect(ThriftConfiguration *client_limits = nullptr,
		     ThriftConfiguration *server_limits = nullptr);
	// With a client of <stplr.h> in place of one of Thrift's; without accepted on failure.
	Fd connect_raw();

	std::string name = own_name();
	Ref<ThriftServerTransport> server;
	Ref<ThriftTransport> client;
	Ref<ThriftTransport> accepted;
};
