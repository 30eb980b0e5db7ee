// SPDX-License-Identifier: MIT
// ThriftStaplerServerTransport: listening, accepting, and how both end.
#include <linux/stplr.h>
#include <poll.h>
#include <sys/stat.h>

#include <csignal>
#include <vector>

#include "support.h"
#include "support/ipc.h"

namespace
{

class ServerTransportTest : public TransportTest
{
protected:
	ServerTransportTest()
	{
		Error error;

		server = new_server(name);
		EXPECT_TRUE(thrift_server_transport_listen(server.get(), &error)) << error;
	}
};

TEST_F(ServerTransportTest, AcceptGivesOneReference)
{
	Error error;

	client = new_client(name);
	ASSERT_TRUE(thrift_transport_open(client.get(), &error)) << error;
	accepted.reset(thrift_server_transport_accept(server.get(), &error));
	ASSERT_TRUE(accepted) << error;
	EXPECT_TRUE(THRIFT_IS_STAPLER_TRANSPORT(accepted.get()));
	EXPECT_EQ(1u, G_OBJECT(accepted.get())->ref_count);
	EXPECT_TRUE(thrift_transport_is_open(accepted.get()));
}

// A handler without SA_RESTART that stops the server is how C/GLib's servers end.
TEST_F(ServerTransportTest, ASignalEndsAccept)
{
	Error error;
	Thread thread([&] { return !thrift_server_transport_accept(server.get(), &error); });

	EXPECT_TRUE(thread.wait_blocked(STPLR_CHANNEL_ACCEPT));
	thread.signal(SIGUSR1);
	EXPECT_EQ(1, thread.join());
	EXPECT_EQ(THRIFT_SERVER_SOCKET_ERROR, error.domain());
	EXPECT_EQ(THRIFT_SERVER_SOCKET_ERROR_ACCEPT, error.code()) << error;
	EXPECT_NE(std::string::npos, error.message().find("Interrupted")) << error;
}

// A signal must not lose a call.
TEST_F(ServerTransportTest, ASignalDoesNotEndARead)
{
	Error error;

	client = new_client(name);
	ASSERT_TRUE(thrift_transport_open(client.get(), &error)) << error;
	accepted.reset(thrift_server_transport_accept(server.get(), &error));
	Thread thread([&] { return receive(accepted.get(), 5) == one_way("x"); });
	for (int i = 0; i < 10; i++) {
		EXPECT_TRUE(thread.wait_blocked(STPLR_MSG_RECEIVE));
		thread.signal(SIGUSR1);
	}
	send(client.get(), one_way("x"));
	EXPECT_EQ(1, thread.join());
}

TEST_F(ServerTransportTest, InterruptEndsAcceptAndReads)
{
	std::vector<Ref<ThriftTransport>> clients, ends;
	std::vector<std::unique_ptr<Thread>> threads;
	Error error;

	for (int i = 0; i < 5; i++) {
		clients.push_back(new_client(name));
		ASSERT_TRUE(thrift_transport_open(clients.back().get(), &error)) << error;
		ends.emplace_back(thrift_server_transport_accept(server.get(), &error));
	}
	ends[1].reset();
	for (auto &end : ends)
		if (end)
			threads.push_back(std::make_unique<Thread>(
				[&] { return thrift_transport_peek(end.get(), nullptr); }));
	Thread accepting([&] { return !thrift_server_transport_accept(server.get(), nullptr); });
	EXPECT_TRUE(accepting.wait_blocked(STPLR_CHANNEL_ACCEPT));
	for (auto &thread : threads)
		EXPECT_TRUE(thread->wait_blocked(STPLR_MSG_RECEIVE));
	thrift_stapler_server_transport_interrupt(THRIFT_STAPLER_SERVER_TRANSPORT(server.get()));
	for (auto &thread : threads)
		EXPECT_EQ(FALSE, thread->join());
	EXPECT_EQ(1, accepting.join());
	EXPECT_FALSE(thrift_server_transport_accept(server.get(), &error));
	EXPECT_NE(std::string::npos, error.message().find("interrupted")) << error;
}

// A call that was received can still be answered.
TEST_F(ServerTransportTest, InterruptLetsACallEnd)
{
	Error error;

	client = new_client(name);
	ASSERT_TRUE(thrift_transport_open(client.get(), &error)) << error;
	accepted.reset(thrift_server_transport_accept(server.get(), &error));
	Thread thread([&] {
		receive(accepted.get(), 5);
		thrift_stapler_server_transport_interrupt(
			THRIFT_STAPLER_SERVER_TRANSPORT(server.get()));
		send(accepted.get(), "answer");
		return thrift_transport_peek(accepted.get(), nullptr);
	});
	send(client.get(), two_way("x"));
	EXPECT_EQ("answer", receive(client.get(), 6));
	EXPECT_EQ(FALSE, thread.join());
}

TEST_F(ServerTransportTest, AnInterruptedServerStaysInterrupted)
{
	Error error;

	thrift_stapler_server_transport_interrupt(THRIFT_STAPLER_SERVER_TRANSPORT(server.get()));
	EXPECT_FALSE(thrift_server_transport_accept(server.get(), &error));
	thrift_server_transport_close(server.get(), nullptr);
	EXPECT_TRUE(thrift_server_transport_listen(server.get(), &error)) << error;
	EXPECT_FALSE(thrift_server_transport_accept(server.get(), &error));
}

TEST_F(ServerTransportTest, CloseMayComeTwiceAndFreesTheName)
{
	Error error;

	for (int i = 0; i < 3; i++) {
		EXPECT_TRUE(thrift_server_transport_close(server.get(), &error)) << error;
		EXPECT_TRUE(thrift_server_transport_close(server.get(), &error)) << error;
		EXPECT_FALSE(thrift_server_transport_accept(server.get(), &error));
		EXPECT_EQ(THRIFT_SERVER_SOCKET_ERROR_ACCEPT, error.code()) << error;
		EXPECT_TRUE(thrift_server_transport_listen(server.get(), &error)) << error;
		EXPECT_FALSE(thrift_server_transport_listen(server.get(), &error));
	}
}

// The accepted transport has a life of its own.
TEST_F(ServerTransportTest, AcceptedTransportsOutliveTheServers)
{
	Error error;

	client = new_client(name);
	ASSERT_TRUE(thrift_transport_open(client.get(), &error)) << error;
	accepted.reset(thrift_server_transport_accept(server.get(), &error));
	server.reset();
	send(client.get(), one_way("x"));
	EXPECT_EQ(one_way("x"), receive(accepted.get(), 5));
}

TEST_F(ServerTransportTest, IsPollable)
{
	Error error;
	pollfd polled = {};

	polled.events = POLLIN;
	polled.fd = thrift_stapler_server_transport_get_fd(
		THRIFT_STAPLER_SERVER_TRANSPORT(server.get()));
	EXPECT_EQ(0, poll(&polled, 1, 0));
	client = new_client(name);
	ASSERT_TRUE(thrift_transport_open(client.get(), &error)) << error;
	EXPECT_EQ(1, poll(&polled, 1, 10000));
	accepted.reset(thrift_server_transport_accept(server.get(), &error));
	polled.fd = thrift_stapler_transport_get_fd(THRIFT_STAPLER_TRANSPORT(accepted.get()));
	EXPECT_EQ(0, poll(&polled, 1, 0));
	send(client.get(), one_way("x"));
	EXPECT_EQ(1, poll(&polled, 1, 10000));
}

TEST_F(ServerTransportTest, ThousandConnects)
{
	Error error;

	for (int i = 0; i < 1000; i++) {
		Ref<ThriftTransport> own = new_client(name);

		ASSERT_TRUE(thrift_transport_open(own.get(), &error)) << i << ": " << error;
		send(own.get(), one_way(std::to_string(i)));
		thrift_transport_close(own.get(), nullptr);
		accepted.reset(thrift_server_transport_accept(server.get(), &error));
		// What was queued before the client closed is there.
		ASSERT_TRUE(accepted) << error;
		ASSERT_EQ(one_way(std::to_string(i)),
			  receive(accepted.get(), one_way(std::to_string(i)).size()));
	}
}

TEST_F(ServerTransportTest, ANameIsTakenOnce)
{
	Ref<ThriftServerTransport> other = new_server(name);
	Error error;

	EXPECT_FALSE(thrift_server_transport_listen(other.get(), &error));
	EXPECT_EQ(THRIFT_SERVER_SOCKET_ERROR_BIND, error.code());
	EXPECT_NE(std::string::npos, error.message().find("another server")) << error;
}

TEST(Listen, SaysWhatIsWrong)
{
	struct {
		const char *property;
		const char *value;
		const char *word;
	} const cases[] = {
		{"name", "no name", "1 to 63 bytes"},
		{"name", nullptr, "property 'name'"},
		{"group", "no-such-group", "no group 'no-such-group'"},
	};
	for (const auto &c : cases) {
		Ref<ThriftServerTransport> transport(THRIFT_SERVER_TRANSPORT(
			std::string(c.property) == "name"
				? g_object_new(THRIFT_TYPE_STAPLER_SERVER_TRANSPORT, "name",
					       c.value, nullptr)
				: g_object_new(THRIFT_TYPE_STAPLER_SERVER_TRANSPORT, "name", "x",
					       c.property, c.value, nullptr)));
		Error error;

		EXPECT_FALSE(thrift_server_transport_listen(transport.get(), &error));
		EXPECT_NE(std::string::npos, error.message().find(c.word)) << error;
	}
	Ref<ThriftServerTransport> transport(THRIFT_SERVER_TRANSPORT(g_object_new(
		THRIFT_TYPE_STAPLER_SERVER_TRANSPORT, "name", "x", "device", 4711, nullptr)));
	Error error;
	EXPECT_FALSE(thrift_server_transport_listen(transport.get(), &error));
	EXPECT_NE(std::string::npos, error.message().find("devices=4712")) << error;
}

// mode is who may connect, as for a Unix socket's file.
TEST(Listen, ModeLetsOthersIn)
{
	chmod("/dev/stplr-0", 0666); // who may open the device is another question
	for (unsigned mode : {0600, 0602}) {
		std::string name = own_name();
		Ref<ThriftServerTransport> server(THRIFT_SERVER_TRANSPORT(
			g_object_new(THRIFT_TYPE_STAPLER_SERVER_TRANSPORT, "name", name.c_str(),
				     "mode", mode, "group", "0", nullptr)));
		Error error;

		ASSERT_TRUE(thrift_server_transport_listen(server.get(), &error)) << error;
		Child child([&](Child &) {
			Ref<ThriftTransport> client = new_client(name);

			become_user(65534, 65534);
			return thrift_transport_open(client.get(), nullptr) == (mode == 0602) ? 0
											      : 1;
		});
		child.expect_success();
	}
}

} // namespace
