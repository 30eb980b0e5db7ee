// SPDX-License-Identifier: MIT
// Descriptors that were handed in: connections, listening channels, accepted clients' channels.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "support/ipc.h"
// After the support's headers: its calls hide the structures of the same names.
#include <stplr.h>
#include <stplr/thrift/TransportUri.h>

#include "support/rights.h"
#include "support/service.h"
#include "support/thread.h"

namespace
{

using namespace tests;

// As somebody else makes it, for a service to come.
Fd newChannel(const StaplerAddress &address, uint32_t flags = STPLR_CHANNEL_LISTEN)
{
	return new_channel(open_device(), address.name, flags);
}

Fd newConnection(const StaplerAddress &address)
{
	return new_connection(open_device(), address.name);
}

Fd copyOf(int fd)
{
	return Fd(fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

// A descriptor that goes by: its number is whoever's takes it.
StaplerDescriptor hand(Fd fd)
{
	return StaplerDescriptor(fd.release());
}

std::shared_ptr<ClientStaplerTransport> clientOf(Fd connection)
{
	return std::make_shared<ClientStaplerTransport>(hand(std::move(connection)));
}

Service::Options serving(Fd channel, const std::string &server = "threaded")
{
	Service::Options options;

	options.channel = hand(std::move(channel));
	options.server = server;
	return options;
}

uint32_t stateOf(int channel)
{
	struct stplr_channel_info info = {};

	EXPECT_EQ(0, stplr_channel_info(channel, &info)) << strerror(errno);
	return info.state;
}

uint32_t flagsOf(int connection)
{
	struct stplr_connect_info info = {};

	EXPECT_EQ(0, stplr_connect_info(connection, &info)) << strerror(errno);
	return info.flags;
}

/* Connections */

TEST(HandedClientTest, CallsAreMade)
{
	Service service;
	Fd connection = newConnection(service.address());
	const int number = connection;

	fcntl(number, F_SETFD, 0);
	Client client(clientOf(std::move(connection)), service.wire());
	EXPECT_TRUE(client.transport->isOpen());
	EXPECT_EQ(number, client.transport->getSocketFD());
	EXPECT_EQ(FD_CLOEXEC, fcntl(number, F_GETFD));
	EXPECT_EQ(5, client->add(2, 3));
	std::string bytes;
	client->make(bytes, 1 << 20);
	EXPECT_EQ(size_t(1 << 20), bytes.size());
	client->note(1, 0, "");
	EXPECT_EQ(1, client->noted());
	EXPECT_EQ(getpid(), client.transport->getPeerCredentials().pid);
	EXPECT_EQ("stplr:(handed in) pid=" + std::to_string(getpid()) +
			  " uid=" + std::to_string(geteuid()) + " gid=" + std::to_string(getegid()),
		  client.transport->getOrigin());
}

TEST(HandedClientTest, ClosesItsDescriptorAndEndsNothing)
{
	Service service;
	Fd connection = newConnection(service.address()), copy = copyOf(connection);
	const int number = connection;
	auto transport = clientOf(std::move(connection));

	transport->close();
	EXPECT_EQ(-1, fcntl(number, F_GETFD));
	EXPECT_FALSE(transport->isOpen());
	EXPECT_EQ(0u, flagsOf(copy));
	std::string what;
	EXPECT_EQ(int(TTransportException::NOT_OPEN), failure([&] { transport->open(); }, &what));
	EXPECT_NE(std::string::npos, what.find("no address")) << what;
	transport->close();

	// Who has the copy goes on with it.
	Client client(clientOf(std::move(copy)), service.wire());
	EXPECT_EQ(5, client->add(2, 3));
}

TEST(HandedClientTest, WithAnAddressItMayBeOpenedAgain)
{
	Service service;
	auto transport = std::make_shared<ClientStaplerTransport>(
		hand(newConnection(service.address())), service.address());
	Client client(transport, service.wire());

	EXPECT_EQ(5, client->add(2, 3));
	EXPECT_EQ(0u, transport->getOrigin().find(service.address().describe()));
	transport->close();
	transport->open();
	EXPECT_EQ(5, client->add(2, 3));
	// That one is its own again.
	Fd copy = copyOf(transport->getSocketFD());
	transport->close();
	EXPECT_TRUE(flagsOf(copy) & STPLR_CONNECT_DETACHED);
}

TEST(HandedClientTest, PassedToAnotherProcess)
{
	Service service;
	int ends[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	Fd ours(ends[0]), theirs(ends[1]);
	Child child([&](Child &) {
		Client client(clientOf(Fd(take_fd(theirs))), service.wire());

		EXPECT_EQ(5, client->add(2, 3));
		std::string bytes;
		client->make(bytes, 300000);
		EXPECT_EQ(300000u, bytes.size());
		return 0;
	});
	ASSERT_TRUE(pass_fd(ours, newConnection(service.address())));
	child.expect_success();
}

TEST(HandedClientTest, AfterForkEachHasIt)
{
	Service service;
	Client client(clientOf(newConnection(service.address())), service.wire());

	EXPECT_EQ(5, client->add(2, 3));
	Child child([&](Child &) {
		EXPECT_EQ(7, client->add(3, 4));
		client.transport->close();
		return 0;
	});
	child.expect_success();
	EXPECT_EQ(9, client->add(4, 5)) << "the child has closed its copy only";
}

// A call that was left with the server is given up: nobody takes its answer for another's.
TEST(HandedClientTest, ACallThatIsUnderWayIsGivenUp)
{
	Service service;
	Fd connection = newConnection(service.address()), copy = copyOf(connection);
	Client client(clientOf(std::move(connection)), service.wire());

	client->send_nap(300);
	client.transport->close();
	EXPECT_EQ(0u, flagsOf(copy));
	Client next(clientOf(std::move(copy)), service.wire());
	EXPECT_EQ(5, next->add(2, 3));
}

TEST(HandedClientTest, CloseEndsACallOfAnotherThread)
{
	const StaplerAddress address = newAddress();
	Fd channel = newChannel(address);
	Client client(clientOf(newConnection(address)), Wire());
	Fd accepted(stplr_accept(channel, nullptr));
	Thread caller([&] {
		EXPECT_FAILURE(END_OF_FILE, client->nap(0));
		return 0;
	});
	char byte;

	ASSERT_GT(stplr_receive(accepted, &byte, 1, nullptr), 0);
	ASSERT_TRUE(caller.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	client.transport->close();
	EXPECT_EQ(0, caller.join());
}

/* Listening channels */

TEST(HandedServerTest, ServesByAnyServer)
{
	for (const char *server : {"simple", "threaded", "pool"}) {
		const StaplerAddress address = newAddress();
		Service service(serving(newChannel(address), server));

		EXPECT_EQ(address.name, service.address().name);
		Client client(service);
		EXPECT_EQ(5, client->add(2, 3)) << server;
		client.transport->close();
	}
}

TEST(HandedServerTest, ItsNameIsToldByTheChannel)
{
	ServerStaplerTransport transport(
		hand(new_channel(open_device(1), "named", STPLR_CHANNEL_LISTEN)));

	EXPECT_EQ("stplr:named?device=1", transport.getAddress().describe());
	EXPECT_FALSE(transport.isOpen());
	EXPECT_EQ(-1, transport.getSocketFD());
	transport.setInterruptableChildren(true); // comes before listen()
	transport.listen();
	EXPECT_TRUE(transport.isOpen());
	EXPECT_EQ(FD_CLOEXEC, fcntl(transport.getSocketFD(), F_GETFD));
	transport.listen(); // twice is once
	transport.close();
	EXPECT_FAILURE(NOT_OPEN, transport.listen());
	EXPECT_FAILURE(INTERRUPTED, transport.accept());
}

// That is what it is for: who connects meanwhile waits, and is served by the next.
TEST(HandedServerTest, TheChannelOutlivesTheServer)
{
	const StaplerAddress address = newAddress();
	Fd channel = newChannel(address);
	std::unique_ptr<Service> service(new Service(serving(copyOf(channel))));
	std::unique_ptr<Client> client(new Client(*service));

	EXPECT_EQ(5, (*client)->add(2, 3));
	service.reset(); // with its client connected
	EXPECT_EQ(0u, stateOf(channel));
	EXPECT_FAILURE(NOT_OPEN, (*client)->add(2, 3));
	client.reset();

	client.reset(new Client(address, Wire()));
	Thread caller([&] {
		EXPECT_EQ(5, (*client)->add(2, 3));
		return 0;
	});
	ASSERT_TRUE(caller.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	service.reset(new Service(serving(copyOf(channel))));
	EXPECT_EQ(0, caller.join());
}

TEST(HandedServerTest, TwoServeOneChannel)
{
	const StaplerAddress address = newAddress();
	Fd channel = newChannel(address);
	std::unique_ptr<Service> one(new Service(serving(copyOf(channel))));
	Service other(serving(copyOf(channel)));

	for (int i = 0; i < 50; i++) {
		Client client(address, Wire());
		EXPECT_EQ(i, client->add(i, 0));
	}
	one.reset();
	for (int i = 0; i < 50; i++) {
		Client client(address, Wire());
		EXPECT_EQ(i, client->add(i, 0));
	}
}

TEST(HandedServerTest, InterruptEndsItsOwnAcceptOnly)
{
	const StaplerAddress address = newAddress();
	Fd channel = newChannel(address);
	ServerStaplerTransport one(hand(copyOf(channel))), other(hand(copyOf(channel)));

	one.listen();
	other.listen();
	Thread interrupted([&] {
		EXPECT_FAILURE(INTERRUPTED, one.accept());
		return 0;
	});
	Thread accepting([&] {
		EXPECT_TRUE(other.accept());
		return 0;
	});
	ASSERT_TRUE(interrupted.wait_asleep());
	ASSERT_TRUE(accepting.wait_asleep());
	one.interrupt();
	EXPECT_EQ(0, interrupted.join());
	EXPECT_FAILURE(INTERRUPTED, one.accept());
	EXPECT_EQ(0u, stateOf(channel));
	EXPECT_FALSE(accepting.done());
	Fd client = newConnection(address);
	EXPECT_EQ(0, accepting.join());
}

TEST(HandedServerTest, CloseEndsAccept)
{
	const StaplerAddress address = newAddress();
	Fd channel = newChannel(address);
	ServerStaplerTransport transport(hand(copyOf(channel)));

	transport.listen();
	Thread accepting([&] {
		EXPECT_FAILURE(INTERRUPTED, transport.accept());
		return 0;
	});
	ASSERT_TRUE(accepting.wait_asleep());
	transport.close();
	EXPECT_EQ(0, accepting.join());
	EXPECT_EQ(0u, stateOf(channel));
}

TEST(HandedServerTest, AcceptTimesOut)
{
	ServerStaplerTransport transport(hand(newChannel(newAddress())));

	transport.setAcceptTimeout(60);
	transport.listen();
	EXPECT_GE(elapsed([&] { EXPECT_FAILURE(TIMED_OUT, transport.accept()); }), 60);
}

TEST(HandedServerTest, OneThatDoesNotBlockIsWaitedOnAllTheSame)
{
	const StaplerAddress address = newAddress();
	ServerStaplerTransport transport(
		hand(newChannel(address, STPLR_CHANNEL_LISTEN | STPLR_CHANNEL_NONBLOCK)));

	transport.listen();
	Thread accepting([&] {
		EXPECT_TRUE(transport.accept());
		return 0;
	});
	ASSERT_TRUE(accepting.wait_asleep());
	Fd client = newConnection(address);
	EXPECT_EQ(0, accepting.join());
}

// Each process is interrupted by itself, also where one has accepted before the fork.
TEST(HandedServerTest, AfterForkEachServes)
{
	const StaplerAddress address = newAddress();
	ServerStaplerTransport transport(hand(newChannel(address)));

	transport.listen();
	Fd first = newConnection(address);
	EXPECT_TRUE(transport.accept());
	Child child([&](Child &self) {
		Fd client = newConnection(address);
		EXPECT_TRUE(transport.accept());
		transport.interrupt();
		EXPECT_FAILURE(INTERRUPTED, transport.accept());
		transport.close();
		self.tell(0);
		return 0;
	});
	child.hear();
	transport.setAcceptTimeout(60);
	timespec before, after;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
	EXPECT_GE(elapsed([&] { EXPECT_FAILURE(TIMED_OUT, transport.accept()); }), 60);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
	EXPECT_LT((after.tv_sec - before.tv_sec) * 1000 +
			  (after.tv_nsec - before.tv_nsec) / 1000000,
		  50)
		<< "does not spin";
	Fd second = newConnection(address);
	EXPECT_TRUE(transport.accept());
	child.expect_success();
}

TEST(HandedServerTest, NeverListenedToItIsClosed)
{
	Fd channel = newChannel(newAddress());
	const int number = channel;

	{
		ServerStaplerTransport transport(hand(std::move(channel)));
		EXPECT_EQ(FD_CLOEXEC, fcntl(number, F_GETFD));
	}
	EXPECT_EQ(-1, fcntl(number, F_GETFD));
}

TEST(HandedServerTest, TheGiverEndsIt)
{
	Fd channel = newChannel(newAddress());
	ServerStaplerTransport transport(hand(copyOf(channel)));

	transport.listen();
	EXPECT_EQ(0, stplr_channel_shutdown(channel));
	EXPECT_FAILURE(INTERRUPTED, transport.accept());
	EXPECT_EQ(0, stplr_channel_destroy(channel));
	EXPECT_FAILURE(UNKNOWN, transport.accept());
}

/* Accepted clients' channels */

// A process for each client, as a manager starts them that accepts itself.
TEST(HandedSessionTest, ServedByAnotherProcess)
{
	const StaplerAddress address = newAddress();
	Fd channel = newChannel(address);
	int ends[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	Fd ours(ends[0]), theirs(ends[1]);
	const pid_t parent = getpid();
	Child child([&](Child &) {
		auto transport =
			std::make_shared<AcceptedStaplerTransport>(hand(Fd(take_fd(theirs))));
		auto protocol = Wire().speak(Wire().wrap(transport));
		suite::suiteProcessor processor(std::make_shared<Handler>());

		EXPECT_EQ(parent, transport->getPeerCredentials().pid);
		EXPECT_EQ(geteuid(), transport->getPeerCredentials().uid);
		EXPECT_EQ(0u, transport->getOrigin().find("stplr:" + address.name + " pid="));
		EXPECT_EQ(FD_CLOEXEC, fcntl(transport->getSocketFD(), F_GETFD));
		while (transport->peek())
			processor.process(protocol, protocol, nullptr);
		return 0;
	});
	{
		Client client(address, Wire());
		Fd accepted(stplr_accept(channel, nullptr));
		ASSERT_TRUE(pass_fd(ours, accepted));
		accepted.reset();
		EXPECT_EQ(5, client->add(2, 3));
		std::string bytes;
		client->make(bytes, 300000);
		EXPECT_EQ(300000u, bytes.size());
		client->note(1, 0, "");
		EXPECT_EQ(1, client->noted());
	}
	child.expect_success();
}

TEST(HandedSessionTest, CloseAnswersAndEndsNothing)
{
	const StaplerAddress address = newAddress();
	Fd channel = newChannel(address);
	ClientStaplerTransport client(address);

	client.open();
	Fd accepted(stplr_accept(channel, nullptr)), copy = copyOf(accepted);
	AcceptedStaplerTransport session(hand(std::move(accepted)));
	Thread caller([&] {
		client.write(reinterpret_cast<const uint8_t *>("call"), 4);
		client.flush();
		return 0;
	});
	ASSERT_TRUE(session.peek());
	session.close();
	EXPECT_EQ(0, caller.join()) << "its client does not wait for ever";
	EXPECT_EQ(uint32_t(STPLR_STATE_ACCEPTED), stateOf(copy));
	EXPECT_TRUE(client.peek());
}

/* What is no such descriptor */

// What each kind of transport makes of it; it stays as it is.
void expectRefused(
	int fd, const std::string &why, bool client, bool server, bool session,
	TTransportException::TTransportExceptionType type = TTransportException::BAD_ARGS)
{
	const StaplerDescriptor descriptor(fd);
	const int before = fcntl(fd, F_GETFD);
	auto refuses = [&](const char *kind, const std::function<void()> &make) {
		std::string what;

		EXPECT_EQ(int(type), failure(make, &what)) << kind;
		EXPECT_NE(std::string::npos, what.find("descriptor " + std::to_string(fd))) << what;
		EXPECT_NE(std::string::npos, what.find(why)) << what;
		EXPECT_EQ(before, fcntl(fd, F_GETFD)) << kind << ": it stays the caller's";
	};

	if (client)
		refuses("client", [&] { ClientStaplerTransport transport(descriptor); });
	if (server)
		refuses("server", [&] { ServerStaplerTransport transport(descriptor); });
	if (session)
		refuses("session", [&] { AcceptedStaplerTransport transport(descriptor); });
}

TEST(HandedRefusalTest, AnotherKind)
{
	const StaplerAddress address = newAddress(), plainAddress = newAddress();
	Fd listening = newChannel(address), plain = newChannel(plainAddress, 0);
	Fd connection = newConnection(address), accepted(stplr_accept(listening, nullptr));
	Fd device = open_device(), file(open("/dev/null", O_RDWR | O_CLOEXEC));
	int ends[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	Fd one(ends[0]), other(ends[1]);
	expectRefused(file, "does not belong to stplr", true, true, true);
	expectRefused(one, "does not belong to stplr", true, true, true);
	expectRefused(device, "neither connection nor channel", true, true, true);
	expectRefused(connection, "a connection", false, true, true);
	expectRefused(listening, "a listening channel", true, false, true);
	expectRefused(plain, "a channel that does not listen", true, true, true);
	expectRefused(accepted, "an accepted client's channel", true, true, false);
}

TEST(HandedRefusalTest, NotOpen)
{
	Fd closed = newChannel(newAddress());
	const int number = closed;

	closed.reset();
	for (int fd : {-1, number, 1 << 30})
		expectRefused(fd, "Bad file descriptor", true, true, true);
}

TEST(HandedRefusalTest, Twice)
{
	const StaplerAddress address = newAddress();
	Fd listening = newChannel(address);
	Fd connection = newConnection(address), accepted(stplr_accept(listening, nullptr));
	const std::string why = "another transport's already";

	{
		ClientStaplerTransport client{StaplerDescriptor(connection)};
		ServerStaplerTransport server{StaplerDescriptor(listening)};
		AcceptedStaplerTransport session{StaplerDescriptor(accepted)};

		expectRefused(connection, why, true, false, false);
		expectRefused(listening, why, false, true, false);
		expectRefused(accepted, why, false, false, true);
		server.listen();
		expectRefused(listening, why, false, true, false);
	}
	// They were closed, and the numbers may be others' now.
	EXPECT_EQ(-1, fcntl(connection.release(), F_GETFD));
	EXPECT_EQ(-1, fcntl(listening.release(), F_GETFD));
	EXPECT_EQ(-1, fcntl(accepted.release(), F_GETFD));
	for (int i = 0; i < 3; i++) {
		const StaplerAddress anew = newAddress();
		ServerStaplerTransport server(hand(newChannel(anew)));
		ClientStaplerTransport client(hand(newConnection(anew)));
	}
}

TEST(HandedRefusalTest, ThatDoesNotBlock)
{
	const StaplerAddress address = newAddress();
	Fd listening = newChannel(address);
	Fd connection = newConnection(address), accepted(stplr_accept(listening, nullptr));

	for (int fd : {connection.get(), accepted.get()}) {
		ASSERT_EQ(0, fcntl(fd, F_SETFL, O_NONBLOCK));
		expectRefused(fd, "O_NONBLOCK", fd == connection, false, fd == accepted);
		EXPECT_TRUE(fcntl(fd, F_GETFL) & O_NONBLOCK);
	}
}

TEST(HandedRefusalTest, ThatHasEnded)
{
	const StaplerAddress address = newAddress();
	Fd listening = newChannel(address);
	Fd connection = newConnection(address), accepted(stplr_accept(listening, nullptr));
	const std::string why = "ended by another process";

	EXPECT_EQ(0, stplr_connect_detach(connection));
	expectRefused(connection, why, true, false, false, TTransportException::NOT_OPEN);
	EXPECT_EQ(0, stplr_channel_shutdown(accepted));
	expectRefused(accepted, why, false, false, true, TTransportException::NOT_OPEN);
	EXPECT_EQ(0, stplr_channel_destroy(listening));
	expectRefused(listening, why, false, true, false, TTransportException::NOT_OPEN);
}

// The server has gone, which the first call tells.
TEST(HandedRefusalTest, AConnectionWithoutAServer)
{
	const StaplerAddress address = newAddress();
	Fd listening = newChannel(address), connection = newConnection(address);

	listening.reset();
	Client client(clientOf(std::move(connection)), Wire());
	EXPECT_FALSE(client.transport->peek());
	EXPECT_FAILURE(NOT_OPEN, client->add(2, 3));
}

/* What the process was started with */

TEST(HandedActivatedTest, ByItsName)
{
	const StaplerAddress address = newAddress();
	Fd listening = newChannel(address), connection = newConnection(address);
	Child child([&](Child &) {
		Fd high[2] = {Fd(fcntl(listening, F_DUPFD, 100)),
			      Fd(fcntl(connection, F_DUPFD, 100))};
		const StaplerDescriptor none = StaplerDescriptor::activated("service");

		EXPECT_FALSE(none);
		EXPECT_EQ(3, dup2(high[0], 3));
		EXPECT_EQ(4, dup2(high[1], 4));
		setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
		setenv("LISTEN_FDS", "2", 1);
		setenv("LISTEN_FDNAMES", "service:upstream", 1);
		EXPECT_EQ(3, StaplerDescriptor::activated("service").fd);
		EXPECT_EQ(4, StaplerDescriptor::activated("upstream").fd);
		EXPECT_FALSE(StaplerDescriptor::activated("else"));
		EXPECT_FAILURE(NOT_OPEN, stplr::thrift::makeServerTransport("activated:else"));
		EXPECT_FAILURE(BAD_ARGS, stplr::thrift::makeServerTransport("activated:upstream"));
		EXPECT_FAILURE(BAD_ARGS, stplr::thrift::makeClientTransport("activated:service"));
		EXPECT_FAILURE(BAD_ARGS, stplr::thrift::makeServerTransport("activated:"));
		EXPECT_FAILURE(BAD_ARGS, stplr::thrift::makeServerTransport("activated:a:b"));

		auto server = stplr::thrift::makeServerTransport("activated:service");
		auto client = stplr::thrift::makeClientTransport("activated:upstream", {0, 0, 60});

		server->listen();
		EXPECT_TRUE(server->accept());
		EXPECT_TRUE(client->isOpen());
		client->open(); // is no error
		client->write(reinterpret_cast<const uint8_t *>("call"), 4);
		EXPECT_FAILURE(NOT_OPEN, client->flush()) << "its session was closed above";
		setenv("LISTEN_FDS", "x", 1);
		EXPECT_FAILURE(BAD_ARGS, StaplerDescriptor::activated("service"));
		return 0;
	});
	child.expect_success();
}

} // namespace
