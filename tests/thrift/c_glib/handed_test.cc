// SPDX-License-Identifier: MIT
// The property "fd": connections, listening channels, accepted clients' channels that were handed
// in.
#include "support/ipc.h"
// After the support's headers: its calls hide the structures of the same names.
#include <fcntl.h>
#include <stplr.h>
#include <sys/socket.h>

#include <thrift/c_glib/transport/thrift_stapler_uri.h>

#include <cstdlib>
#include <memory>

#include "service.h"
#include "support.h"
#include "support/rights.h"

namespace
{

const Wire usual(Wrapper::kBuffered, Protocol::kBinary);

Ref<ThriftTransport> transport_of(int fd, const char *name = nullptr)
{
	return Ref<ThriftTransport>(THRIFT_TRANSPORT(
		g_object_new(THRIFT_TYPE_STAPLER_TRANSPORT, "fd", fd, "name", name, nullptr)));
}

Ref<ThriftServerTransport> server_of(int fd)
{
	return Ref<ThriftServerTransport>(THRIFT_SERVER_TRANSPORT(
		g_object_new(THRIFT_TYPE_STAPLER_SERVER_TRANSPORT, "fd", fd, nullptr)));
}

void interrupt(const Ref<ThriftServerTransport> &server)
{
	thrift_stapler_server_transport_interrupt(THRIFT_STAPLER_SERVER_TRANSPORT(server.get()));
}

// A listening channel that somebody else has made, and what comes of it.
class HandedTest : public testing::Test
{
protected:
	Fd new_channel(uint32_t flags = STPLR_CHANNEL_LISTEN)
	{
		return new_channel(name, flags);
	}

	Fd new_channel(const std::string &its_name, uint32_t flags)
	{
		return ::new_channel(device, its_name, flags);
	}

	Fd new_connection()
	{
		return ::new_connection(device, name);
	}

	static Fd copy_of(int fd)
	{
		return Fd(fcntl(fd, F_DUPFD_CLOEXEC, 3));
	}

	uint32_t state_of(int fd)
	{
		struct stplr_channel_info info = {};

		EXPECT_EQ(0, stplr_channel_info(fd, &info));
		return info.state;
	}

	Ref<ThriftTransport> accept(const Ref<ThriftServerTransport> &server)
	{
		Error error;
		Ref<ThriftTransport> accepted(thrift_server_transport_accept(server.get(), &error));

		EXPECT_TRUE(accepted) << error;
		return accepted;
	}

	std::string name = own_name();
	Fd device = open_device();
	Error error;
};

TEST_F(HandedTest, AConnection)
{
	Service service(usual);
	Fd connection(stplr_connect_timeout(device, service.name().c_str(),
					    kPatienceMs * STPLR_MILLISECOND));
	Fd copy = copy_of(connection);
	const int number = connection.release();

	fcntl(number, F_SETFD, 0);
	{
		Ref<ThriftTransport> transport = transport_of(number);
		EXPECT_FALSE(thrift_transport_is_open(transport.get()));
		ASSERT_TRUE(thrift_transport_open(transport.get(), &error)) << error;
		EXPECT_EQ(number, thrift_stapler_transport_get_fd(
					  THRIFT_STAPLER_TRANSPORT(transport.get())));
		EXPECT_EQ(FD_CLOEXEC, fcntl(number, F_GETFD));
		Calls calls(transport.get(), usual);
		EXPECT_EQ(5, calls.add(2, 3));
		EXPECT_TRUE(thrift_transport_close(transport.get(), &error)) << error;
		EXPECT_EQ(-1, fcntl(number, F_GETFD));
		EXPECT_FALSE(thrift_transport_open(transport.get(), &error)) << "it was closed";
		EXPECT_EQ(THRIFT_TRANSPORT_ERROR_CONNECT, error.code()) << error;
	}

	// Who has the copy goes on with it.
	Ref<ThriftTransport> next = transport_of(copy.release());
	ASSERT_TRUE(thrift_transport_open(next.get(), &error)) << error;
	EXPECT_EQ(5, Calls(next.get(), usual).add(2, 3));
	thrift_transport_close(next.get(), nullptr);
}

TEST_F(HandedTest, WithANameItMayBeOpenedAgain)
{
	Service service(usual);
	Fd connection(stplr_connect_timeout(device, service.name().c_str(),
					    kPatienceMs * STPLR_MILLISECOND));
	Ref<ThriftTransport> transport = transport_of(connection.release(), service.name().c_str());

	for (int i = 0; i < 2; i++) {
		ASSERT_TRUE(thrift_transport_open(transport.get(), &error)) << error;
		EXPECT_EQ(5, Calls(transport.get(), usual).add(2, 3));
		thrift_transport_close(transport.get(), nullptr);
	}
}

TEST_F(HandedTest, AConnectionPassedToAnotherProcess)
{
	Service service(usual);
	int ends[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	Fd ours(ends[0]), theirs(ends[1]);
	Child child([&](Child &) {
		Ref<ThriftTransport> transport = transport_of(take_fd(theirs));
		EXPECT_TRUE(thrift_transport_open(transport.get(), &error)) << error;
		EXPECT_EQ(5, Calls(transport.get(), usual).add(2, 3));
		thrift_transport_close(transport.get(), nullptr);
		return 0;
	});
	Fd connection(stplr_connect_timeout(device, service.name().c_str(),
					    kPatienceMs * STPLR_MILLISECOND));
	ASSERT_TRUE(pass_fd(ours, connection));
	connection.reset();
	child.expect_success();
}

TEST_F(HandedTest, AnAcceptedChannelIsTheServersEnd)
{
	Fd channel = new_channel();
	Ref<ThriftTransport> client = new_client(name);

	ASSERT_TRUE(thrift_transport_open(client.get(), &error)) << error;
	Fd accepted(stplr_accept(channel, nullptr)), copy = copy_of(accepted);
	Ref<ThriftTransport> session = transport_of(accepted.release());
	ASSERT_TRUE(thrift_transport_open(session.get(), &error)) << error;
	Thread thread([&] {
		EXPECT_EQ(two_way("x"), receive(session.get(), two_way("x").size()));
		send(session.get(), "answer");
		thrift_transport_close(session.get(), nullptr);
		return 0;
	});
	send(client.get(), two_way("x"));
	EXPECT_EQ("answer", receive(client.get(), 6));
	EXPECT_EQ(0, thread.join());
	EXPECT_EQ(uint32_t(STPLR_STATE_ACCEPTED), state_of(copy));
	EXPECT_FALSE(thrift_transport_open(session.get(), &error)) << "it was closed";
}

TEST_F(HandedTest, AListeningChannelOutlivesItsServers)
{
	Fd channel = new_channel(STPLR_CHANNEL_LISTEN | STPLR_CHANNEL_NONBLOCK);

	for (int i = 0; i < 2; i++) {
		const int number = copy_of(channel).release();
		Ref<ThriftServerTransport> server = server_of(number);

		fcntl(number, F_SETFD, 0);
		ASSERT_TRUE(thrift_server_transport_listen(server.get(), &error)) << error;
		EXPECT_FALSE(thrift_server_transport_listen(server.get(), &error)) << "twice";
		EXPECT_EQ(FD_CLOEXEC, fcntl(number, F_GETFD));
		Fd early = new_connection();
		accept(server);
		Thread accepting([&] {
			accept(server);
			return 0;
		});
		EXPECT_TRUE(accepting.wait_asleep());
		Fd late = new_connection();
		EXPECT_EQ(0, accepting.join());

		Thread interrupted(
			[&] { return !thrift_server_transport_accept(server.get(), &error); });
		EXPECT_TRUE(interrupted.wait_asleep());
		interrupt(server);
		EXPECT_EQ(1, interrupted.join());
		EXPECT_NE(std::string::npos, error.message().find("interrupted")) << error;
		EXPECT_FALSE(thrift_server_transport_accept(server.get(), &error)) << "again";
		EXPECT_TRUE(thrift_server_transport_close(server.get(), &error)) << error;
		EXPECT_TRUE(thrift_server_transport_close(server.get(), &error)) << "twice";
		EXPECT_EQ(-1, fcntl(number, F_GETFD));
		EXPECT_FALSE(thrift_server_transport_listen(server.get(), &error)) << "anew";
		EXPECT_EQ(0u, state_of(channel));
	}
}

TEST_F(HandedTest, ASignalEndsAccept)
{
	Ref<ThriftServerTransport> server = server_of(new_channel().release());

	ASSERT_TRUE(thrift_server_transport_listen(server.get(), &error)) << error;
	Thread accepting([&] { return !thrift_server_transport_accept(server.get(), &error); });
	EXPECT_TRUE(accepting.wait_asleep());
	accepting.signal(SIGUSR1);
	EXPECT_EQ(1, accepting.join());
	EXPECT_EQ(THRIFT_SERVER_SOCKET_ERROR_ACCEPT, error.code()) << error;
}

TEST_F(HandedTest, InterruptedBeforeItAccepts)
{
	Ref<ThriftServerTransport> server = server_of(new_channel().release());

	interrupt(server);
	ASSERT_TRUE(thrift_server_transport_listen(server.get(), &error)) << error;
	EXPECT_FALSE(thrift_server_transport_accept(server.get(), &error));
	EXPECT_NE(std::string::npos, error.message().find("interrupted")) << error;
}

// Two servers of one channel; each process is interrupted by itself, and so is each of a fork's.
TEST_F(HandedTest, SharedByServers)
{
	Fd channel = new_channel();
	Ref<ThriftServerTransport> one = server_of(copy_of(channel).release());
	Ref<ThriftServerTransport> other = server_of(copy_of(channel).release());

	ASSERT_TRUE(thrift_server_transport_listen(one.get(), &error)) << error;
	ASSERT_TRUE(thrift_server_transport_listen(other.get(), &error)) << error;
	Fd first = new_connection();
	accept(one);
	Child child([&](Child &) {
		Fd client = new_connection();
		accept(one);
		interrupt(one);
		EXPECT_FALSE(thrift_server_transport_accept(one.get(), nullptr));
		thrift_server_transport_close(one.get(), nullptr);
		return 0;
	});
	child.expect_success();
	Thread accepting([&] {
		accept(one);
		return 0;
	});
	EXPECT_TRUE(accepting.wait_asleep());
	interrupt(other);
	EXPECT_FALSE(thrift_server_transport_accept(other.get(), nullptr));
	EXPECT_FALSE(accepting.done());
	Fd second = new_connection();
	EXPECT_EQ(0, accepting.join());
}

TEST_F(HandedTest, NeverOpenedItStaysTheCallers)
{
	Fd channel = new_channel(), connection = new_connection();
	gint fd;

	{
		Ref<ThriftServerTransport> server = server_of(channel);
		Ref<ThriftTransport> transport = transport_of(connection);
		g_object_get(server.get(), "fd", &fd, nullptr);
		EXPECT_EQ(channel, fd);
		g_object_get(transport.get(), "fd", &fd, nullptr);
		EXPECT_EQ(connection, fd);
	}
	EXPECT_EQ(FD_CLOEXEC, fcntl(channel, F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(connection, F_GETFD));
}

/* What is no such descriptor */

class HandedRefusalTest : public HandedTest
{
protected:
	void expect_refused(int fd, const std::string &why, bool client = true, bool server = true)
	{
		const int before = fcntl(fd, F_GETFD);

		if (client) {
			Ref<ThriftTransport> transport = transport_of(fd);

			EXPECT_FALSE(thrift_transport_open(transport.get(), &error)) << fd;
			EXPECT_EQ(THRIFT_TRANSPORT_ERROR_CONNECT, error.code()) << error;
			expect_says(fd, why);
			EXPECT_FALSE(thrift_transport_is_open(transport.get()));
		}
		if (server) {
			Ref<ThriftServerTransport> transport = server_of(fd);

			EXPECT_FALSE(thrift_server_transport_listen(transport.get(), &error)) << fd;
			EXPECT_EQ(THRIFT_SERVER_SOCKET_ERROR, error.domain());
			EXPECT_EQ(THRIFT_SERVER_SOCKET_ERROR_LISTEN, error.code()) << error;
			expect_says(fd, why);
		}
		EXPECT_EQ(before, fcntl(fd, F_GETFD)) << "it stays the caller's";
	}

	void expect_says(int fd, const std::string &why)
	{
		EXPECT_NE(std::string::npos, error.message().find(why)) << error;
		EXPECT_NE(std::string::npos,
			  error.message().find("descriptor " + std::to_string(fd)))
			<< error;
	}
};

TEST_F(HandedRefusalTest, AnotherKind)
{
	Fd listening = new_channel(), plain = new_channel(own_name(), 0);
	Fd connection = new_connection(), accepted(stplr_accept(listening, nullptr));
	Fd file(open("/dev/null", O_RDWR | O_CLOEXEC));

	expect_refused(file, "does not belong to stplr");
	expect_refused(device, "neither connection nor channel");
	expect_refused(plain, "a channel that does not listen");
	expect_refused(listening, "a listening channel", true, false);
	expect_refused(connection, "a connection", false, true);
	expect_refused(accepted, "an accepted client's channel", false, true);
}

TEST_F(HandedRefusalTest, NotOpen)
{
	Fd closed = new_channel();
	const int number = closed;

	closed.reset();
	for (int fd : {-2, number, 1 << 30})
		expect_refused(fd, "Bad file descriptor");
	Ref<ThriftTransport> none = transport_of(-1);
	EXPECT_FALSE(thrift_transport_open(none.get(), &error));
	EXPECT_NE(std::string::npos, error.message().find("no name")) << error;
	Ref<ThriftServerTransport> nothing = server_of(-1);
	EXPECT_FALSE(thrift_server_transport_listen(nothing.get(), &error));
	EXPECT_NE(std::string::npos, error.message().find("no name")) << error;
}

TEST_F(HandedRefusalTest, Twice)
{
	Fd listening = new_channel();
	Fd connection = new_connection(), accepted(stplr_accept(listening, nullptr));
	const std::string why = "another transport's already";

	for (int i = 0; i < 2; i++) {
		Fd two = copy_of(listening), three = copy_of(connection), four = copy_of(accepted);
		Ref<ThriftServerTransport> server = server_of(two);
		Ref<ThriftTransport> client = transport_of(three), session = transport_of(four);

		ASSERT_TRUE(thrift_server_transport_listen(server.get(), &error)) << error;
		ASSERT_TRUE(thrift_transport_open(client.get(), &error)) << error;
		ASSERT_TRUE(thrift_transport_open(session.get(), &error)) << error;
		expect_refused(two, why, false, true);
		expect_refused(three, why, true, false);
		expect_refused(four, why, true, false);
		// They are the transports', who close them.
		for (Fd *taken : {&two, &three, &four})
			taken->release();
	}
}

TEST_F(HandedRefusalTest, ThatDoesNotBlockOrHasEnded)
{
	Fd listening = new_channel();
	Fd connection = new_connection(), accepted(stplr_accept(listening, nullptr));

	for (int fd : {connection.get(), accepted.get()}) {
		ASSERT_EQ(0, fcntl(fd, F_SETFL, O_NONBLOCK));
		expect_refused(fd, "O_NONBLOCK", true, false);
		ASSERT_EQ(0, fcntl(fd, F_SETFL, 0));
	}
	EXPECT_EQ(0, stplr_connect_detach(connection));
	expect_refused(connection, "ended by another process", true, false);
	EXPECT_EQ(0, stplr_channel_shutdown(accepted));
	expect_refused(accepted, "ended by another process", true, false);
	EXPECT_EQ(0, stplr_channel_destroy(listening));
	expect_refused(listening, "ended by another process", false, true);
}

TEST_F(HandedTest, WhatTheProcessWasStartedWith)
{
	Fd listening = new_channel(), connection = new_connection();
	Child child([&](Child &) {
		Fd high[2] = {Fd(fcntl(listening, F_DUPFD, 100)),
			      Fd(fcntl(connection, F_DUPFD, 100))};

		EXPECT_EQ(3, dup2(high[0], 3));
		EXPECT_EQ(4, dup2(high[1], 4));
		EXPECT_FALSE(thrift_stapler_uri_transport("activated:upstream", &error));
		EXPECT_NE(std::string::npos, error.message().find("was not started")) << error;
		setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
		setenv("LISTEN_FDS", "2", 1);
		setenv("LISTEN_FDNAMES", "service:upstream", 1);
		for (const char *bad : {"activated:", "activated:a:b", "activated:else"}) {
			EXPECT_FALSE(thrift_stapler_uri_transport(bad, &error)) << bad;
			EXPECT_FALSE(thrift_stapler_uri_server_transport(bad, &error)) << bad;
		}
		Ref<ThriftServerTransport> server(
			thrift_stapler_uri_server_transport("activated:service", &error));
		Ref<ThriftTransport> client(
			thrift_stapler_uri_transport("activated:upstream", &error));
		EXPECT_TRUE(thrift_server_transport_listen(server.get(), &error)) << error;
		EXPECT_TRUE(thrift_transport_open(client.get(), &error)) << error;
		accept(server);
		return 0;
	});
	child.expect_success();
}

} // namespace
