// SPDX-License-Identifier: MIT
// The server's transport: accepting, interrupting, the clients' channels.
#include <gtest/gtest.h>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <future>
#include <new>
#include <thread>

#include <stplr/thrift/TransportUri.h>

#include "support/ipc.h"
#include "support/service.h"
#include "support/thread.h"

namespace
{

using namespace tests;
using stplr::thrift::makeClientTransport;
using stplr::thrift::makeServerTransport;

int openDescriptors()
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

// A listening transport, a client of it, and the transport that was accepted.
class AcceptedTest : public testing::Test
{
protected:
	AcceptedTest() : server(newAddress()), client(server.getAddress())
	{
		server.listen();
		client.open();
		accepted = std::dynamic_pointer_cast<AcceptedStaplerTransport>(server.accept());
	}

	void clientSends(const std::string &bytes)
	{
		client.write(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
		client.flush();
	}

	ServerStaplerTransport server;
	ClientStaplerTransport client;
	std::shared_ptr<AcceptedStaplerTransport> accepted;
	uint8_t byte = 0;
};

TEST_F(AcceptedTest, WhoIsTheClient)
{
	const auto &peer = accepted->getPeerCredentials();

	EXPECT_EQ(getpid(), peer.pid);
	EXPECT_EQ(geteuid(), peer.uid);
	EXPECT_EQ(getegid(), peer.gid);
	EXPECT_EQ("stplr:" + server.getAddress().name + " pid=" + std::to_string(getpid()) +
			  " uid=" + std::to_string(geteuid()) + " gid=" + std::to_string(getegid()),
		  accepted->getOrigin());
}

TEST_F(AcceptedTest, TheEndOfTheStream)
{
	client.close();
	EXPECT_FALSE(accepted->peek());
	EXPECT_EQ(0u, accepted->read(&byte, 1));
	EXPECT_EQ(0u, accepted->read(&byte, 1));
	accepted->close();
	accepted->close();
	EXPECT_FALSE(accepted->isOpen());
	EXPECT_FALSE(accepted->peek());
	EXPECT_FAILURE(NOT_OPEN, accepted->read(&byte, 1));
	EXPECT_FAILURE(NOT_OPEN, accepted->write(&byte, 1));
	EXPECT_FAILURE(NOT_OPEN, accepted->open());
	accepted->flush();
}

TEST_F(AcceptedTest, PeekWaitsForACall)
{
	Thread caller([&] {
		EXPECT_TRUE(eventually([] { return thread_state(getpid(), getpid()) == 'S'; }));
		clientSends("call");
		return 0;
	});

	EXPECT_TRUE(accepted->peek());
	EXPECT_TRUE(accepted->peek()) << "twice";
	EXPECT_EQ(1u, accepted->read(&byte, 1));
	EXPECT_EQ('c', byte);
	accepted->close(); // releases the caller
	EXPECT_EQ(0, caller.join());
}

TEST_F(AcceptedTest, PollTellsOfCallsAndOfTheEnd)
{
	pollfd descriptor = {accepted->getSocketFD(), POLLIN, 0};

	EXPECT_EQ(0, poll(&descriptor, 1, 0));
	Thread caller([&] {
		clientSends("call");
		return 0;
	});
	EXPECT_EQ(1, poll(&descriptor, 1, kPatienceMs));
	EXPECT_EQ(POLLIN, descriptor.revents & POLLIN);
	uint8_t bytes[4];
	EXPECT_EQ(4u, accepted->read(bytes, 4));
	accepted->write(bytes, 4);
	accepted->flush();
	EXPECT_EQ(0, caller.join());
	client.close();
	EXPECT_EQ(1, poll(&descriptor, 1, kPatienceMs));
	EXPECT_EQ(POLLHUP, descriptor.revents & POLLHUP);
}

TEST_F(AcceptedTest, AnUnansweredCallIsReleasedByTheNextRead)
{
	Thread caller([&] {
		clientSends("one");
		clientSends("two");
		client.close();
		return 0;
	});
	uint8_t bytes[6];

	EXPECT_EQ(6u, accepted->readAll(bytes, 6));
	EXPECT_EQ(0u, accepted->read(bytes, 1));
	EXPECT_EQ(0, caller.join());
}

TEST_F(AcceptedTest, AndByDestruction)
{
	Thread caller([&] {
		clientSends("one");
		return 0;
	});

	EXPECT_EQ(1u, accepted->read(&byte, 1));
	accepted.reset();
	EXPECT_EQ(0, caller.join());
	EXPECT_EQ(0u, client.read(&byte, 1));
}

TEST_F(AcceptedTest, TheReceiveTimeout)
{
	accepted->setRecvTimeout(100);
	EXPECT_GE(elapsed([&] { EXPECT_FAILURE(TIMED_OUT, accepted->read(&byte, 1)); }), 100);
	EXPECT_FAILURE(TIMED_OUT, accepted->peek());
	EXPECT_TRUE(accepted->isOpen());
}

TEST_F(AcceptedTest, InterruptChildren)
{
	Thread reader([&] { return failure([&] { accepted->read(&byte, 1); }); });

	ASSERT_TRUE(reader.wait_asleep());
	server.interruptChildren();
	EXPECT_EQ(int(TTransportException::INTERRUPTED), reader.join());
	EXPECT_FALSE(accepted->peek());
	// Those who come later are interrupted, too.
	ClientStaplerTransport late(server.getAddress());

	late.open();
	auto other = server.accept();

	EXPECT_FAILURE(INTERRUPTED, other->read(&byte, 1));
}

TEST_F(AcceptedTest, WhatWasReceivedIsStillAnsweredAfterAnInterrupt)
{
	Thread caller([&] {
		clientSends("a");
		uint8_t answer = 0;
		client.read(&answer, 1);
		return answer;
	});

	EXPECT_EQ(1u, accepted->read(&byte, 1));
	server.interruptChildren();
	byte = 'A';
	accepted->write(&byte, 1);
	accepted->flush();
	EXPECT_EQ('A', caller.join());
}

// An answer before all of the call was fetched makes room for the rest, but not only for that.
TEST_F(AcceptedTest, AnAnswerBeforeTheCallsLastBytesDoesNotSlowLaterCalls)
{
	std::vector<uint8_t> bytes(70000);
	Thread caller([&] {
		clientSends(std::string(65540, 'x'));
		client.read(&byte, 1);
		clientSends(std::string(1000, 'y'));
		return 0;
	});

	for (size_t left = 65536; left;)
		left -= accepted->read(bytes.data(), left);
	accepted->write(bytes.data(), 1);
	accepted->flush();
	for (size_t left = 4; left;)
		left -= accepted->read(bytes.data(), left);
	// In one piece.
	EXPECT_EQ(1000u, accepted->read(bytes.data(), 1000));
	accepted->close();
	EXPECT_EQ(0, caller.join());
}

TEST_F(AcceptedTest, OutlivesItsServer)
{
	Thread caller([&] {
		clientSends("a");
		return 0;
	});

	server.close();
	EXPECT_EQ(1u, accepted->read(&byte, 1));
	accepted->write(&byte, 1);
	accepted->flush();
	EXPECT_EQ(0, caller.join());
}

TEST(ServerTest, Interrupt)
{
	ServerStaplerTransport server(newAddress());

	server.interrupt(); // of no consequence before listen()
	server.listen();
	EXPECT_TRUE(server.isOpen());
	Thread acceptor([&] { return failure([&] { server.accept(); }); });

	sleep_ms(200);
	EXPECT_FALSE(acceptor.done());
	server.interrupt();
	EXPECT_EQ(int(TTransportException::INTERRUPTED), acceptor.join());
	EXPECT_FAILURE(INTERRUPTED, server.accept());
	server.close();
	EXPECT_FALSE(server.isOpen());
	// It can begin anew.
	server.listen();
	ClientStaplerTransport client(server.getAddress());

	client.open();
	EXPECT_TRUE(server.accept()->isOpen());
}

TEST(ServerTest, ClosingEndsAWaitingAccept)
{
	ServerStaplerTransport server(newAddress());

	server.listen();
	Thread acceptor([&] { return failure([&] { server.accept(); }); });

	ASSERT_TRUE(acceptor.wait_asleep());
	server.close();
	EXPECT_EQ(int(TTransportException::INTERRUPTED), acceptor.join());
}

TEST(ServerTest, SignalsDoNotEndAnAccept)
{
	ServerStaplerTransport server(newAddress());

	server.listen();
	Thread acceptor([&] { return failure([&] { server.accept(); }); });

	for (int i = 0; i < 10; i++) {
		ASSERT_TRUE(acceptor.wait_asleep());
		acceptor.signal(SIGUSR1);
	}
	ClientStaplerTransport client(server.getAddress());

	client.open();
	EXPECT_EQ(-1, acceptor.join());
}

TEST(ServerTest, TheAcceptTimeout)
{
	ServerStaplerTransport server(newAddress());

	server.listen();
	server.setAcceptTimeout(100);
	EXPECT_GE(elapsed([&] { EXPECT_FAILURE(TIMED_OUT, server.accept()); }), 100);
}

TEST(ServerTest, PollTellsOfClients)
{
	ServerStaplerTransport server(newAddress());

	server.listen();
	pollfd descriptor = {server.getSocketFD(), POLLIN, 0};
	ClientStaplerTransport client(server.getAddress());

	EXPECT_EQ(0, poll(&descriptor, 1, 0));
	client.open();
	EXPECT_EQ(1, poll(&descriptor, 1, 0));
	EXPECT_EQ(POLLIN, descriptor.revents);
}

class Interrupts : public apache::thrift::TProcessorEventHandler
{
public:
	void postRead(void *, const char *, uint32_t) override
	{
		transport->interruptChildren();
	}

	ServerStaplerTransport *transport = nullptr;
};

// A call that is under way when the children are interrupted is answered, however long the answer.
TEST(ServerTest, AnInterruptWaitsForTheAnswer)
{
	for (bool defer : {false, true}) {
		const auto interrupts = std::make_shared<Interrupts>();
		Service::Options options;

		options.events = interrupts;
		options.deferReplies = defer;
		Service service(options);
		Client client(service);
		std::string answer;

		interrupts->transport = &service.transport();
		client->make(answer, 1000000);
		EXPECT_EQ(1000000u, answer.size());
		EXPECT_NE(-1, failure([&] { client->add(1, 2); }));
	}
}

TEST(ServerTest, ChildrenThatAreNotInterruptedAreServedUntilTheyClose)
{
	Service::Options options;

	options.interruptableChildren = false;
	Service service(options);
	auto client = std::make_unique<Client>(service);

	EXPECT_EQ(3, (*client)->add(1, 2));
	EXPECT_THROW(service.transport().setInterruptableChildren(true), std::logic_error);
	Thread stopping([&] { return service.stop() ? 0 : 1; });
	// From then on nobody else is let in.
	ASSERT_TRUE(eventually([&] {
		return failure([&] { Client(service)->add(1, 2); }) ==
		       int(TTransportException::NOT_OPEN);
	}));
	EXPECT_EQ(7, (*client)->add(3, 4));
	EXPECT_FALSE(stopping.done());
	client.reset();
	EXPECT_EQ(0, stopping.join());
}

TEST(ServerTest, ATakenName)
{
	ServerStaplerTransport first(newAddress()), second(first.getAddress());
	std::string what;

	first.listen();
	EXPECT_EQ(int(TTransportException::NOT_OPEN), failure([&] { second.listen(); }, &what));
	EXPECT_NE(std::string::npos, what.find("the name is taken")) << what;
	first.close();
	second.listen();
}

// Takes all descriptors that the process may have.
class FewDescriptors
{
public:
	FewDescriptors()
	{
		rlimit few;

		getrlimit(RLIMIT_NOFILE, &before_);
		few = before_;
		few.rlim_cur = 100;
		setrlimit(RLIMIT_NOFILE, &few);
		for (int fd; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
			used_.emplace_back(fd);
	}
	~FewDescriptors()
	{
		setrlimit(RLIMIT_NOFILE, &before_);
	}
	void release()
	{
		used_.clear();
	}

private:
	rlimit before_;
	std::vector<Fd> used_;
};

TEST(ServerTest, ShortOfDescriptorsItWaits)
{
	ServerStaplerTransport server(newAddress());
	ClientStaplerTransport client(server.getAddress());

	server.listen();
	client.open();
	{
		FewDescriptors few;
		Thread acceptor([&] { return failure([&] { server.accept(); }); });

		sleep_ms(200); // no descriptor is left to look at the thread by
		EXPECT_FALSE(acceptor.done());
		few.release();
		EXPECT_EQ(-1, acceptor.join());
	}
	client.close();
	client.open();
	FewDescriptors few;
	Thread acceptor([&] { return failure([&] { server.accept(); }); });

	sleep_ms(200);
	EXPECT_FALSE(acceptor.done());
	server.interrupt();
	EXPECT_EQ(int(TTransportException::INTERRUPTED), acceptor.join());
}

// Takes all of the process's memory.
class NoMemory
{
public:
	NoMemory()
	{
		rlimit now;
		rlim_t pages;

		std::ifstream("/proc/self/statm") >> pages;
		getrlimit(RLIMIT_AS, &before_);
		now = before_;
		now.rlim_cur = pages * getpagesize();
		setrlimit(RLIMIT_AS, &now);
		for (size_t size = 1 << 20; size > 64; size /= 2)
			while (void *block = std::malloc(std::max(size, sizeof(void *)))) {
				*static_cast<void **>(block) = first_;
				first_ = block;
			}
	}
	~NoMemory()
	{
		setrlimit(RLIMIT_AS, &before_);
		while (first_) {
			void *block = first_;

			first_ = *static_cast<void **>(block);
			std::free(block);
		}
	}

private:
	rlimit before_;
	void *first_ = nullptr;
};

TEST(ServerTest, WithoutMemoryForAClientTheNextIsServed)
{
	if (isSanitized())
		return;

	Child child([](Child &) {
		ServerStaplerTransport server(newAddress());
		ClientStaplerTransport first(server.getAddress()), second(server.getAddress());
		int type = -1;

		server.listen();
		first.open();
		second.open();
		const int before = openDescriptors();
		{
			NoMemory none;

			try {
				server.accept();
			} catch (const TTransportException &error) {
				type = error.getType();
			} catch (const std::bad_alloc &) {
			}
		}
		EXPECT_EQ(int(TTransportException::CLIENT_DISCONNECT), type);
		EXPECT_EQ(before, openDescriptors());
		EXPECT_TRUE(server.accept()->isOpen());
		return 0;
	});

	child.expect_success();
}

// As with sockets: a child that the process has forked does not keep a connection alive.
TEST(ServerTest, ClosingEndsWhatAChildHolds)
{
	ServerStaplerTransport server(newAddress());
	ClientStaplerTransport first(server.getAddress()), second(server.getAddress());
	uint8_t byte = 0;

	server.listen();
	first.open();
	auto ofFirst = std::dynamic_pointer_cast<AcceptedStaplerTransport>(server.accept());
	second.open();
	auto ofSecond = std::dynamic_pointer_cast<AcceptedStaplerTransport>(server.accept());
	Child child([](Child &self) { return self.hear(); });

	ofFirst->close();
	first.setRecvTimeout(kPatienceMs);
	first.write(&byte, 1);
	EXPECT_FAILURE(NOT_OPEN, first.flush());
	EXPECT_FALSE(first.peek());

	second.close();
	ofSecond->setRecvTimeout(kPatienceMs);
	EXPECT_EQ(0u, ofSecond->read(&byte, 1));

	server.close();
	server.listen();
	child.tell(0);
	child.expect_success();
}

// What it has queued still arrives.
TEST_F(AcceptedTest, OneWayCallsAreReadThoughTheClientHasClosed)
{
	const std::string call("\x80\x01\x00\x04 one way", 12);
	uint8_t bytes[24];

	clientSends(call);
	clientSends(call);
	client.close();
	EXPECT_EQ(24u, accepted->readAll(bytes, 24));
	EXPECT_EQ(call + call, std::string(bytes, bytes + 24));
	EXPECT_EQ(0u, accepted->read(bytes, 1));
}

TEST(ServerTest, AThousandConnects)
{
	Service::Options options;

	options.server = "pool";
	Service service(options);
	const int before = openDescriptors();

	for (int i = 0; i < 1000; i++) {
		Client client(service);

		ASSERT_EQ(i + 1, client->add(i, 1));
	}
	EXPECT_TRUE(eventually([&] { return !service.clients(); }));
	EXPECT_EQ(before, openDescriptors());
}

TEST(ServerTest, TwoHundredAtOnce)
{
	Service service;
	std::vector<std::unique_ptr<Client>> clients;

	for (int i = 0; i < 200; i++)
		clients.push_back(std::make_unique<Client>(service));
	for (int i = 0; i < 200; i++)
		EXPECT_EQ(i, (*clients[i])->add(i, 0));
	EXPECT_EQ(200, service.clients());
	EXPECT_TRUE(service.stop());
}

TEST(ServerTest, ClientsThatGoBeforeTheyAreAccepted)
{
	Service::Options options;

	options.server = "simple";
	Service service(options);
	Client busy(service);

	EXPECT_EQ(3, busy->add(1, 2));
	for (int i = 0; i < 50; i++) {
		Client client(service);

		if (i % 2)
			client->note(i, 0, "");
	}
	busy.wrapped->close();
	Client client(service);

	EXPECT_EQ(3, client->add(1, 2));
	EXPECT_EQ(25, client->noted());
}

// A name's mode is for the server to say; root would be let in anyhow.
TEST(ServerTest, ModeAndGroup)
{
	ServerStaplerTransport closed(newAddress());
	StaplerAddress forAll = newAddress(), forGroup = newAddress();

	forAll.mode = 0666;
	forGroup.mode = 0620;
	forGroup.group = 12345;
	ServerStaplerTransport open(forAll), group(forGroup);

	closed.listen();
	open.listen();
	group.listen();
	Child child([&](Child &self) {
		const auto connects = [](const ServerStaplerTransport &server) {
			ClientStaplerTransport client(server.getAddress());

			return failure([&] { client.open(); });
		};

		EXPECT_EQ(0, chmod("/dev/stplr-0", 0666));
		become_user(54321, 12345);
		self.tell(connects(closed));
		self.tell(connects(open));
		self.tell(connects(group));
		return 0;
	});
	EXPECT_EQ(int(TTransportException::NOT_OPEN), child.hear());
	EXPECT_EQ(-1, child.hear());
	EXPECT_EQ(-1, child.hear());
}

TEST(UriTest, EachPicksItsTransport)
{
	auto stapler = std::dynamic_pointer_cast<ClientStaplerTransport>(
		makeClientTransport("stplr:a.b-c_1?device=2&mode=660&group=7"));

	ASSERT_TRUE(stapler);
	EXPECT_EQ("a.b-c_1", stapler->getAddress().name);
	EXPECT_EQ(2u, stapler->getAddress().device);
	EXPECT_EQ(0660u, stapler->getAddress().mode);
	EXPECT_EQ(7u, stapler->getAddress().group);
	EXPECT_EQ("stplr:a.b-c_1?device=2", stapler->getOrigin());
	EXPECT_EQ(4294967294u, StaplerAddress::parse("stplr:a?group=4294967294").group);
	EXPECT_EQ(4294967294u, StaplerAddress::parse("stplr:a?device=4294967294").device);
	EXPECT_EQ("@4294967295", StaplerAddress::parse("stplr:@4294967295?device=2").name);
	EXPECT_TRUE(makeClientTransport("unix:/tmp/socket"));
	EXPECT_TRUE(makeClientTransport("tcp:localhost:9090"));
	EXPECT_TRUE(makeClientTransport("tcp:[::1]:9090"));
	EXPECT_TRUE(makeServerTransport("stplr:a?group=root"));
	EXPECT_TRUE(makeServerTransport("unix:/tmp/socket"));
	EXPECT_TRUE(makeServerTransport("tcp::9090"));
}

TEST(UriTest, NonsenseIsRefusedWithAReason)
{
	for (const char *uri : {"",
				"stplr",
				"stplr:",
				"stplr:a b",
				"stplr:@",
				"stplr:@042",
				"stplr:@4294967296",
				"stplr:a?",
				"stplr:a?device",
				"stplr:a?device=x",
				"stplr:a?device=-1",
				"stplr:a?device=4294967295",
				"stplr:a?device=99999999999",
				"stplr:a?device=1&device=1",
				"stplr:a?mode=8",
				"stplr:a?mode=0",
				"stplr:a?mode=7777",
				"stplr:a?group=no-such-group",
				"stplr:a?group=4294967295",
				"stplr:a?colour=red",
				"stplr:a?device=1&",
				"unix:",
				"tcp:",
				"tcp:host",
				"tcp:host:",
				"tcp:host:x",
				"tcp:host:65536",
				"tcp::9090",
				"http://host"}) {
		std::string what;

		EXPECT_EQ(int(TTransportException::BAD_ARGS),
			  failure([&] { makeClientTransport(uri); }, &what))
			<< uri;
		EXPECT_EQ(0u, what.find(uri)) << what;
	}
	EXPECT_FAILURE(BAD_ARGS, makeClientTransport("stplr:" + std::string(64, 'a')));
	EXPECT_EQ(-1, failure([] { makeClientTransport("stplr:" + std::string(63, 'a')); }));
}

} // namespace
