// SPDX-License-Identifier: MIT
// The client's transport: what it keeps, how long it waits, and how it fails.
#include <gtest/gtest.h>
#include <thrift/TApplicationException.h>
#include <thrift/async/TConcurrentClientSyncInfo.h>
#include <thrift/transport/TBufferTransports.h>

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <fstream>
#include <new>
#include <thread>

#include "src/Patience.h"
#include "src/Room.h"
#include "support/module.h"
#include "support/raw.h"
#include "support/service.h"
#include "support/thread.h"

namespace
{

using namespace tests;

class SleepsAfterwards : public apache::thrift::TProcessorEventHandler
{
public:
	explicit SleepsAfterwards(int ms = 1000) : ms_(ms) {}

	void postWrite(void *, const char *, uint32_t) override
	{
		asleep = true;
		sleep_ms(ms_);
	}

	std::atomic<bool> asleep{false};

private:
	const int ms_;
};

TEST(ClientTest, SeveralCallsBeforeTheirAnswersAreRead)
{
	for (const std::string &wrapper : wrappers()) {
		Service::Options options;

		options.wire.wrapper = wrapper;
		Service service(options);
		Client client(service);
		std::string answer;

		client->send_add(1, 2);
		client->send_blob(std::string(100000, 'b'));
		client->send_add(3, 4);
		EXPECT_EQ(3, client->recv_add()) << wrapper;
		client->recv_blob(answer);
		EXPECT_EQ(std::string(100000, 'b'), answer) << wrapper;
		client->send_add(5, 6);
		EXPECT_EQ(7, client->recv_add()) << wrapper;
		EXPECT_EQ(11, client->recv_add()) << wrapper;
	}
}

// Several calls in one flush: the transport has one message for both.
TEST(ClientTest, TwoCallsInOneFlush)
{
	Service service;
	Client client(service);
	auto memory = std::make_shared<apache::thrift::transport::TMemoryBuffer>();
	suite::suiteClient both(client.protocol, service.wire().speak(memory));

	both.send_add(1, 2);
	both.send_add(3, 4);
	const std::string bytes = memory->getBufferAsString();

	client.transport->write(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
	client.transport->flush();
	EXPECT_EQ(3, both.recv_add());
	EXPECT_EQ(7, both.recv_add());
	EXPECT_EQ(11, client->add(5, 6));
}

// The first call is whole in a message that says that more follows.
TEST(ClientTest, TwoCallsInAFlushLongerThanAMessage)
{
	Parameter max("message_max", 300000);
	Service service;
	Client client(service);
	auto memory = std::make_shared<apache::thrift::transport::TMemoryBuffer>();
	suite::suiteClient both(client.protocol, service.wire().speak(memory));
	std::string answer;

	both.send_add(1, 2);
	both.send_blob(std::string(400000, 'b'));
	const std::string bytes = memory->getBufferAsString();

	client.transport->setRecvTimeout(kPatienceMs);
	client.transport->write(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
	client.transport->flush();
	EXPECT_EQ(3, both.recv_add());
	both.recv_blob(answer);
	EXPECT_EQ(std::string(400000, 'b'), answer);
	EXPECT_EQ(11, client->add(5, 6));
}

TEST(ClientTest, TheAnswersToACallGivenUpAreNotTheNextCalls)
{
	Service service;
	Client client(service);
	auto memory = std::make_shared<apache::thrift::transport::TMemoryBuffer>();
	suite::suiteClient both(client.protocol, service.wire().speak(memory));

	both.send_nap(500);
	both.send_add(30, 4);
	const std::string bytes = memory->getBufferAsString();

	client.transport->setRecvTimeout(200);
	client.transport->write(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
	client.transport->flush();
	EXPECT_FAILURE(TIMED_OUT, both.recv_nap());
	client.transport->setRecvTimeout(0);
	EXPECT_EQ(3, client->add(1, 2));
}

TEST(ClientTest, ManyThreadsOnOneConnection)
{
	Service service;
	Client client(service);
	auto sync = std::make_shared<apache::thrift::async::TConcurrentClientSyncInfo>();
	suite::suiteConcurrentClient concurrent(client.protocol, sync);
	std::vector<std::thread> threads;

	for (int t = 0; t < 8; t++)
		threads.emplace_back([&, t] {
			for (int i = 0; i < 100; i++)
				EXPECT_EQ(t * 1000 + i, concurrent.add(t * 1000, i));
		});
	for (std::thread &thread : threads)
		thread.join();
}

TEST(ClientTest, ReadingWithoutACallIsTheEndOfTheStreamAndNoHang)
{
	Service service;
	Client client(service);
	uint8_t byte;

	EXPECT_EQ(0u, client.transport->read(&byte, 1));
	EXPECT_EQ(3, client->add(1, 2));
}

TEST(ClientTest, NoSuchServiceOrDevice)
{
	std::string what;

	EXPECT_EQ(int(TTransportException::NOT_OPEN),
		  failure([] { Client client(newAddress(), {}); }, &what));
	EXPECT_NE(std::string::npos, what.find("is its server running?")) << what;
	EXPECT_EQ(int(TTransportException::NOT_OPEN),
		  failure([] { Client client(StaplerAddress("x", 99), {}); }, &what));
	EXPECT_NE(std::string::npos, what.find("modprobe stplr devices=100")) << what;
}

TEST(ClientTest, WithoutAConnection)
{
	ClientStaplerTransport transport("nobody");
	uint8_t byte = 0;

	EXPECT_FALSE(transport.isOpen());
	EXPECT_FALSE(transport.peek());
	EXPECT_EQ(-1, transport.getSocketFD());
	EXPECT_EQ("stplr:nobody", transport.getOrigin());
	EXPECT_FAILURE(NOT_OPEN, transport.write(&byte, 1));
	EXPECT_FAILURE(NOT_OPEN, transport.read(&byte, 1));
	EXPECT_FAILURE(NOT_OPEN, transport.getPeerCredentials());
	transport.flush();
	transport.close();
	transport.close();
}

TEST(ClientTest, Reconnects)
{
	const StaplerAddress address = newAddress();
	Service::Options options;

	options.address = address;
	auto service = std::make_unique<Service>(options);
	Client client(*service);

	EXPECT_EQ(3, client->add(1, 2));
	client.wrapped->close();
	EXPECT_FALSE(client.transport->isOpen());
	client.wrapped->open();
	EXPECT_EQ(3, client->add(1, 2));

	service.reset();
	EXPECT_FAILURE(NOT_OPEN, client->add(1, 2));
	service = std::make_unique<Service>(options);
	EXPECT_FAILURE(NOT_OPEN, client->add(1, 2));
	client.wrapped->close();
	client.wrapped->open();
	EXPECT_EQ(3, client->add(1, 2));
}

TEST(ClientTest, PeekAndPollSeeTheServerGo)
{
	auto service = std::make_unique<Service>();
	Client client(*service);
	pollfd descriptor = {client.transport->getSocketFD(), POLLOUT, 0};

	EXPECT_TRUE(client.transport->peek());
	EXPECT_EQ(1, poll(&descriptor, 1, 0));
	EXPECT_EQ(POLLOUT, descriptor.revents);
	client->send_add(1, 2);
	service.reset();
	EXPECT_TRUE(client.transport->peek()) << "the answer is still there";
	EXPECT_EQ(3, client->recv_add());
	EXPECT_FALSE(client.transport->peek());
	EXPECT_EQ(1, poll(&descriptor, 1, 0));
	EXPECT_TRUE(descriptor.revents & POLLHUP);
	uint8_t byte;
	EXPECT_EQ(0u, client.transport->read(&byte, 1));
}

TEST(ClientTest, WhoIsTheServer)
{
	Service service;
	Client client(service);
	const auto peer = client.transport->getPeerCredentials();

	EXPECT_EQ(getpid(), peer.pid);
	EXPECT_EQ(geteuid(), peer.uid);
	EXPECT_EQ(getegid(), peer.gid);
	EXPECT_EQ("stplr:" + service.address().name + " pid=" + std::to_string(getpid()) +
			  " uid=" + std::to_string(geteuid()) + " gid=" + std::to_string(getegid()),
		  client.transport->getOrigin());
}

/* Time */

TEST(ClientTest, TheReceiveTimeoutIsForTheWholeCall)
{
	Service service;
	Client client(service);
	std::string what;

	client.transport->setRecvTimeout(200);
	const int64_t ms = elapsed([&] {
		EXPECT_EQ(int(TTransportException::TIMED_OUT),
			  failure([&] { client->nap(1000); }, &what));
	});
	EXPECT_GE(ms, 200);
	EXPECT_LT(ms, 900);
	EXPECT_NE(std::string::npos, what.find("no answer in time")) << what;
	// The late answer is nobody's.
	client.transport->setRecvTimeout(0);
	EXPECT_EQ(3, client->add(1, 2));
}

// A simple server has another client: it will not receive.
TEST(ClientTest, TheSendTimeoutIsForServersThatDoNotReceive)
{
	Service::Options options;

	options.server = "simple";
	Service service(options);
	Client first(service), second(service);
	std::string what;

	EXPECT_EQ(3, first->add(1, 2));
	second.transport->setSendTimeout(200);
	const int64_t ms = elapsed([&] {
		EXPECT_EQ(int(TTransportException::TIMED_OUT),
			  failure([&] { second->add(1, 2); }, &what));
	});
	EXPECT_GE(ms, 200);
	EXPECT_LT(ms, 2000);
	EXPECT_NE(std::string::npos, what.find("did not take the call in time")) << what;

	second.transport->setRecvTimeout(100);
	second.transport->setSendTimeout(100000);
	EXPECT_LT(elapsed([&] { EXPECT_FAILURE(TIMED_OUT, second->add(1, 2)); }), 2000);

	// A call that takes longer than the send timeout, but is taken at once, is not its affair.
	first.transport->setSendTimeout(200);
	first->nap(500);
}

TEST(ClientTest, TheConnectTimeoutIsForServersThatDoNotAccept)
{
	ServerStaplerTransport server(newAddress());

	server.setAcceptBacklog(1);
	server.listen();
	ClientStaplerTransport first(server.getAddress()), second(server.getAddress());

	first.open();
	second.setConnTimeout(200);
	const int64_t ms = elapsed([&] { EXPECT_FAILURE(TIMED_OUT, second.open()); });
	EXPECT_GE(ms, 200);
	EXPECT_LT(ms, 2000);
}

// The rest of an answer that comes too late is not for the next call either. (What is less than
// some mebibytes is there at once.)
TEST(ClientTest, AReceiveTimeoutWithinAnAnswerClosesTheConnection)
{
	const auto sleeps = std::make_shared<SleepsAfterwards>(2000);
	Service::Options options;

	options.events = sleeps;
	Service service(options);
	Client client(service);
	std::string answer;

	client.transport->setRecvTimeout(300);
	client->send_make(6000000);
	ASSERT_TRUE(eventually([&] { return bool(sleeps->asleep); }));
	EXPECT_FAILURE(TIMED_OUT, client->recv_make(answer));
	EXPECT_FALSE(client.transport->isOpen());
	client.wrapped->close();
	client.transport->setRecvTimeout(0);
	Client other(service);

	EXPECT_EQ(3, other->add(1, 2));
}

/* Ends */

TEST(ClientTest, TheServerGoesBeforeItHasTheCall)
{
	auto server = std::make_unique<ServerStaplerTransport>(newAddress());

	server->listen();
	Client client(server->getAddress(), {});
	Thread thread([&] { return failure([&] { client->add(1, 2); }); });

	ASSERT_TRUE(thread.wait_asleep());
	server.reset();
	EXPECT_EQ(int(TTransportException::NOT_OPEN), thread.join());
}

TEST(ClientTest, ClosingTheTransportEndsACallOfAnotherThread)
{
	Service service;
	const auto closing = [&] {
		Client client(service);
		Thread thread([&] { return failure([&] { client->nap(3000); }); });

		EXPECT_TRUE(thread.wait_received());
		const int64_t ms = elapsed([&] { client.transport->close(); });
		EXPECT_EQ(int(TTransportException::END_OF_FILE), thread.join());
		return ms;
	};

	EXPECT_TRUE(sometimes([&] { return closing() < 1000; }));
}

/* Size */

TEST(ClientTest, LongerThanTheModuleTakes)
{
	Parameter max("message_max", 300000);
	Service service;
	Client client(service);
	std::string bytes(2000000, '\0'), answer;

	for (size_t i = 0; i < bytes.size(); i++)
		bytes[i] = i * 131 + (i >> 12);
	client->blob(answer, bytes);
	EXPECT_TRUE(bytes == answer);
	client->note(1, 0, bytes);
	client->send_blob(bytes);
	client->send_add(1, 2);
	client->recv_blob(answer);
	EXPECT_TRUE(bytes == answer);
	EXPECT_EQ(3, client->recv_add());
	EXPECT_EQ(1, client->noted());
}

TEST(ClientTest, TwentyMebibytesThereAndBack)
{
	Service service;
	Client client(service);
	const std::string bytes(20 << 20, 'b');
	std::string answer;

	client->blob(answer, bytes);
	EXPECT_TRUE(bytes == answer);
}

TEST(RoomTest, BeginsSmallAndGivesBackWhatLargeAnswersTookWhenTheyCease)
{
	stplr::thrift::Room room;
	const size_t least = room.size();

	EXPECT_EQ(size_t(16) << 10, least);
	std::memset(room.data(), 'a', least);
	EXPECT_TRUE(room.grow(100000));
	EXPECT_GE(room.size(), 100000u);
	EXPECT_LT(room.size(), 200000u);
	EXPECT_EQ('a', room.data()[0]);
	EXPECT_EQ('a', room.data()[least - 1]);
	EXPECT_TRUE(room.grow(room.size() + 1));
	EXPECT_GE(room.size(), 200000u) << "in doubles";
	EXPECT_TRUE(room.grow(1 << 30));
	EXPECT_EQ(size_t(4) << 20, room.size()) << "never more than this";
	for (int i = 0; i < 1000; i++) {
		room.trim(i % 64 ? 100 : 2 << 20);
		ASSERT_EQ(size_t(4) << 20, room.size()) << "some are large";
	}
	for (int i = 0; i < 100; i++)
		room.trim(100);
	EXPECT_EQ(least, room.size());
}

TEST(PatienceTest, AVectorsMemoryToo)
{
	unsigned int count = 0;
	const auto isOversize = [&](size_t memory, size_t used) {
		return stplr::thrift::isOversize(memory, used, count);
	};

	EXPECT_FALSE(isOversize(4 << 20, 4 << 20));
	EXPECT_TRUE(isOversize((4 << 20) + 1, 4 << 20));
	for (int i = 0; i < 1000; i++)
		EXPECT_FALSE(isOversize(64 << 10, 1));
	for (int i = 0; i < 64; i++)
		EXPECT_FALSE(isOversize(1 << 20, 1));
	EXPECT_TRUE(isOversize(1 << 20, 1));
	for (int i = 0; i < 1000; i++)
		EXPECT_FALSE(isOversize(1 << 20, i % 64 ? 1 : 1 << 20));
}

TEST(ClientTest, AnAnswerBeyondTheMaximumIsRefused)
{
	Service service;
	Client client(service.address(), service.wire(), 100000);
	std::string answer, what;

	client->make(answer, 90000);
	EXPECT_EQ(90000u, answer.size());
	EXPECT_EQ(int(TTransportException::END_OF_FILE),
		  failure([&] { client->make(answer, 200000); }, &what));
	EXPECT_NE(std::string::npos, what.find("MaxMessageSize")) << what;
	EXPECT_FALSE(client.transport->isOpen());
	// What is sent is the server's affair.
	Client other(service.address(), service.wire(), 100000);

	other->note(1, 0, std::string(200000, 'b'));
	EXPECT_EQ(1, other->noted());
}

TEST(ClientTest, ACallBeyondTheServersMaximumIsRefused)
{
	Service::Options options;

	options.maxMessageSize = 100000;
	Service service(options);
	Client client(service);
	std::string answer, what;

	client->blob(answer, std::string(90000, 'b'));
	EXPECT_EQ(int(TTransportException::END_OF_FILE),
		  failure([&] { client->blob(answer, std::string(200000, 'b')); }, &what));
	EXPECT_NE(std::string::npos, what.find("maxMessageSize")) << what;
	// What it answers is the client's affair. And one-way calls add up to no maximum.
	Client other(service);

	other->make(answer, 200000);
	EXPECT_EQ(200000u, answer.size());
	for (int i = 0; i < 10; i++)
		other->note(i, 0, std::string(60000, 'b'));
	EXPECT_EQ(10, other->noted());
}

// So is one that comes in several messages.
TEST(ClientTest, ALongCallBeyondTheServersMaximumIsRefused)
{
	Parameter max("message_max", 300000);
	Service::Options options;

	options.maxMessageSize = 1000000;
	Service service(options);

	for (size_t size : {1200000, 3000000}) {
		Client client(service);
		std::string answer, what;

		EXPECT_EQ(int(TTransportException::END_OF_FILE),
			  failure([&] { client->blob(answer, std::string(size, 'b')); }, &what));
		EXPECT_NE(std::string::npos, what.find("maxMessageSize")) << what;
		EXPECT_NE(std::string::npos, what.find(std::to_string(size / 100000))) << what;
		EXPECT_FALSE(client.transport->isOpen());
	}
}

// Part of a one-way call is with the server, but the rest can be neither queued nor sent.
TEST(ClientTest, AGapInTheStreamClosesTheConnection)
{
	Service service;
	Client client(service);
	ServerStaplerTransport busy(newAddress());

	busy.listen();
	RawClient other(busy.getAddress().name);

	EXPECT_EQ(3, client->add(1, 2));
	Parameter little("user_memory", 1);

	for (int i = 0; i < 4; i++)
		EXPECT_EQ(0, other.queue(std::string(250000, 'f')));
	EXPECT_FAILURE(UNKNOWN, client->note(1, 0, std::string(300000, 'b')));
	EXPECT_FALSE(client.transport->isOpen());
}

// There is no address space for a second answer: the call fails, but no part of it was sent.
TEST(ClientTest, WithoutMemoryForAnAnswerNothingIsSent)
{
	if (isSanitized())
		return;

	Parameter max("message_max", 300000);
	Service service;
	Child child([&](Child &) {
		Client client(service);
		std::ifstream statm("/proc/self/statm");
		rlimit before, now;
		rlim_t pages;

		client->send_add(1, 2);
		client->send_blob(std::string(800000, 'b')); // what it takes is there already
		client.transport->close();
		client.transport->open();
		client->send_add(1, 2);
		getrlimit(RLIMIT_AS, &before);
		now = before;
		statm >> pages;
		now.rlim_cur = pages * getpagesize();
		setrlimit(RLIMIT_AS, &now);
		EXPECT_THROW(client->send_blob(std::string(800000, 'b')), std::bad_alloc);
		setrlimit(RLIMIT_AS, &before);
		EXPECT_EQ(3, client->recv_add());
		EXPECT_EQ(7, client->add(3, 4));
		return 0;
	});

	child.expect_success();
}

/* Signals and waiting elsewhere */

std::atomic<int> signals{0};

TEST(ClientTest, ASignalEachMillisecondLosesNothing)
{
	struct sigaction action = {}, before;
	itimerval each = {{0, 1000}, {0, 1000}}, never = {};
	Service service;
	Client client(service);
	const int calls = 10000;

	action.sa_handler = [](int) { signals++; };
	sigaction(SIGALRM, &action, &before); // without SA_RESTART
	setitimer(ITIMER_REAL, &each, nullptr);
	for (int i = 0; i < calls; i++)
		ASSERT_EQ(i + 1, client->add(i, 1));
	for (int i = 0; i < 5; i++)
		client->nap(20);
	client->note(1, 20, "");
	EXPECT_EQ(1, client->noted());
	setitimer(ITIMER_REAL, &never, nullptr);
	sigaction(SIGALRM, &before, nullptr);
	EXPECT_GT(signals, 100);
}

TEST(ClientTest, APostWriteThatSleepsDoesNotDelayTheClient)
{
	Service::Options options;

	options.events = std::make_shared<SleepsAfterwards>();
	Service service(options);
	const auto calling = [&](int size) {
		Client client(service);
		std::string answer;

		return elapsed([&] { client->make(answer, size); });
	};

	EXPECT_TRUE(sometimes([&] { return calling(10) < 500; }));
	EXPECT_TRUE(sometimes([&] { return calling(1 << 20) < 900; })) << "a long answer";
}

} // namespace
