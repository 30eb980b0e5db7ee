// SPDX-License-Identifier: MIT
// Who waits next for the one that it wakes does so on its own processor, where that is asked for:
// on two processors, between which all are free to move. It does not where something else wants
// that processor, where the other may not run there or by other rules, or where it does not wait.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/module.h"
#include "support/sched.h"
#include "support/thread.h"
#include "support/watchdog.h"

namespace
{

constexpr int kCalls = 50, kMost = 45, kFew = 10;

// What a server says of itself in its answer.
struct Place {
	int processor;
};

// Before 6.6 the scheduler cannot be asked.
bool kernel_can()
{
	return kernel_at_least(6, 6);
}

// Where every processor is busy, everybody is in somebody's way.
bool busy()
{
	return getenv("STPLR_TEST_LOAD");
}

// The calling thread is on this processor now, and may leave it.
void go_to(int processor)
{
	Bound here(processor);
}

int64_t run_ns(clockid_t clock)
{
	timespec time;

	EXPECT_EQ(0, clock_gettime(clock, &time));
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

Fd channel_of(int device, std::string_view name, uint32_t flags, int spin_us)
{
	stplr_channel_create args = channel_args(name, flags | STPLR_CHANNEL_SPIN);

	args.spin_us = spin_us;
	Fd channel(channel_create(device, args));
	EXPECT_GE(channel, 0);
	return channel;
}

// Says where it is to whoever asks, until the channel is shut down.
class Server
{
public:
	enum Way : unsigned {
		kFree = 0,
		kBound = 1,     // to processor 1, where it begins in any case
		kPolls = 2,     // does not wait in the call that answers
		kHesitates = 4, // does not answer before its client sleeps
	};
	explicit Server(int channel, unsigned way = kFree)
		: channel_(channel), way_(way), thread_([this] {
			  if (way_ & kBound) {
				  Bound away(1);
				  return work();
			  }
			  go_to(1);
			  return work();
		  })
	{
	}
	~Server()
	{
		EXPECT_EQ(0, channel_shutdown(channel_));
		EXPECT_EQ(-ESHUTDOWN, thread_.join());
	}
	bool wait_blocked()
	{
		return thread_.wait_blocked(way_ & kPolls ? STPLR_MSG_RECEIVE
							  : STPLR_MSG_REPLY_RECEIVE);
	}
	Thread &thread()
	{
		return thread_;
	}

private:
	long work()
	{
		char room[64] = "";
		Place place;
		const int64_t deadline = way_ & kPolls ? STPLR_DEADLINE_POLL : STPLR_DEADLINE_NONE;
		const stplr_msg_receive receive =
			receive_args(buffer(room, sizeof(room)), deadline);
		stplr_msg_reply_receive args = reply_receive_args(reply_args(0), receive);

		for (;;) {
			long result = msg_reply_receive(channel_, args);
			if (result == -EAGAIN) {
				args.receive.deadline = STPLR_DEADLINE_NONE;
				poison(args.receive.info);
				result = msg_receive(channel_, args.receive);
			}
			if (result)
				return result;
			place.processor = sched_getcpu();
			while (way_ & kHesitates &&
			       thread_state(getpid(), args.receive.info.tid) == 'R')
				;
			const int rcvid = args.receive.info.rcvid;
			args = reply_receive_args(reply_args(rcvid, buffer(&place, sizeof(place))),
						  receive);
		}
	}

	int channel_;
	unsigned way_;
	Thread thread_;
};

class WakeHereTest : public testing::Test
{
protected:
	void make(uint32_t flags, int spin_us = 0)
	{
		connection.reset();
		channel.reset(); // its name is free then
		channel = channel_of(device, "here", flags, spin_us);
		connection = new_connection(device, "here");
	}

	// Where the server was when it answered; and where the caller is `then`.
	static int ask(int connection, int *then = nullptr)
	{
		Place place = {-1};
		stplr_msg_send args = send_args(buffer("?"), buffer(&place, sizeof(place)));

		EXPECT_EQ(0, msg_send_receive(connection, args));
		if (then)
			*then = sched_getcpu();
		return place.processor;
	}
	int ask(int *then = nullptr) const
	{
		return ask(connection, then);
	}

	// Of kCalls calls from the processor on which the server is not, how many found it on the
	// caller's. A thread that comes by may be in the way of a few.
	int drawn(Server &server) const
	{
		int there = ask(), count = 0;

		for (int i = 0; i < kCalls && !testing::Test::HasFailure(); i++) {
			EXPECT_TRUE(server.wait_blocked());
			const int here = !there;
			go_to(here);
			there = ask();
			count += there == here;
		}
		return count;
	}

	// Of as many calls of a server that is bound to processor 1, from which the caller came
	// back there, having waited on 0.
	int drawn_back(Server &server) const
	{
		int count = 0;

		for (int i = 0; i < kCalls && !testing::Test::HasFailure(); i++) {
			int then;

			EXPECT_TRUE(server.wait_blocked());
			go_to(0);
			EXPECT_EQ(1, ask(&then));
			count += then == 1;
		}
		return count;
	}

	void expect_drawn(Server &server) const
	{
		int count = 0;

		EXPECT_TRUE(sometimes([&] {
			count = drawn(server);
			return kernel_can() ? count >= kMost : count <= kFew;
		})) << count;
	}
	void expect_not_drawn(Server &server) const
	{
		int count = 0;

		EXPECT_TRUE(sometimes([&] {
			count = drawn(server);
			return count <= kFew;
		})) << count;
	}

	// Nor is the client, by a server that answers.
	void expect_not_drawn_back(Server &server) const
	{
		int count = 0;

		EXPECT_TRUE(sometimes([&] {
			count = drawn_back(server);
			return count <= kFew;
		})) << count;
	}

	Fd device = open_device(), channel, connection;
};

TEST_F(WakeHereTest, OnlyWhereItIsAskedFor)
{
	make(0);
	Server server(channel);

	if (busy())
		GTEST_SKIP() << "the processors are busy";
	expect_not_drawn(server);
}

TEST_F(WakeHereTest, AChannelAsks)
{
	make(STPLR_CHANNEL_WAKE_HERE);
	Server server(channel);

	if (busy())
		GTEST_SKIP() << "the processors are busy";
	expect_drawn(server);
}

TEST_F(WakeHereTest, TheParameterAsksForAll)
{
	make(0);
	Server server(channel);

	if (busy())
		GTEST_SKIP() << "the processors are busy";
	{
		Parameter here("wake_here", 1);

		expect_drawn(server);
	}
	expect_not_drawn(server);
}

TEST_F(WakeHereTest, AnAcceptedChannelAsksAsItsListeningOne)
{
	Fd listening =
		channel_of(device, "listening", STPLR_CHANNEL_LISTEN | STPLR_CHANNEL_WAKE_HERE, 0);
	connection = new_connection(device, "listening");
	stplr_channel_accept args = accept_args();
	channel.reset(channel_accept(listening, args));
	ASSERT_GE(channel, 0);
	Server server(channel);

	if (busy())
		GTEST_SKIP() << "the processors are busy";
	expect_drawn(server);
}

// Who answers and waits draws the client.
TEST_F(WakeHereTest, TheServerWhoWaitsAsWell)
{
	make(STPLR_CHANNEL_WAKE_HERE);
	Server server(channel, Server::kBound | Server::kHesitates);

	if (busy())
		GTEST_SKIP() << "the processors are busy";
	int count = 0;
	EXPECT_TRUE(sometimes([&] {
		count = drawn_back(server);
		return kernel_can() ? count >= kMost : count <= kFew;
	})) << count;
}

// Who answers and does not wait may have other things to do.
TEST_F(WakeHereTest, TheServerWhoDoesNotWaitDrawsNobody)
{
	make(STPLR_CHANNEL_WAKE_HERE);
	Server server(channel, Server::kBound | Server::kPolls | Server::kHesitates);

	if (busy())
		GTEST_SKIP() << "the processors are busy";
	expect_not_drawn_back(server);
}

// A client that shares its processor draws nobody there, and what it shares it with goes on.
TEST_F(WakeHereTest, WhereAThreadIsBusyNobodyIsDrawn)
{
	make(STPLR_CHANNEL_WAKE_HERE);
	Bound here(0);
	std::atomic<bool> over{false}, begun{false};
	std::atomic<int64_t> took{0};
	Thread thread([&] {
		while (!over) {
			took = run_ns(CLOCK_THREAD_CPUTIME_ID);
			begun = true;
		}
		return 0;
	});
	ASSERT_TRUE(eventually([&] { return begun.load(); }));
	Fd mine = std::move(channel);
	cpu_set_t both;
	CPU_ZERO(&both);
	CPU_SET(0, &both);
	CPU_SET(1, &both);
	// what this thread makes is bound like it
	auto server = [&] {
		Bound away(1);
		return std::make_unique<Server>(mine);
	}();
	ASSERT_EQ(0, sched_setaffinity(server->thread().tid(), sizeof(both), &both));

	int count = 0;
	const auto calls = [&] {
		const int64_t took_before = took, before = now(CLOCK_MONOTONIC);

		count = 0;
		for (int i = 0; i < kCalls; i++)
			count += ask() == 0;
		return double(took - took_before) / (now(CLOCK_MONOTONIC) - before);
	};
	double share = 0;
	EXPECT_TRUE(sometimes([&] {
		share = calls();
		return busy() || (count <= kFew && share > 0.3);
	})) << count
	    << " of " << kCalls << " drawn; the busy thread had " << share;
	over = true;
	EXPECT_EQ(0, thread.join());
}

// One that may not come is woken where it is; and looks on both sides need no wake-up at all.
TEST_F(WakeHereTest, WhoIsBoundElsewhereIsLookedForAsEver)
{
	Bound here(0);

	EXPECT_TRUE(eventually([&] {
		// nobody has looked in vain yet
		make(STPLR_CHANNEL_WAKE_HERE, STPLR_SPIN_MAX);
		Server server(channel, Server::kBound);
		rusage before, after;

		EXPECT_EQ(0, getrusage(RUSAGE_THREAD, &before));
		for (int i = 0; i < kCalls; i++)
			EXPECT_EQ(1, ask());
		EXPECT_EQ(0, getrusage(RUSAGE_THREAD, &after));
		return busy() || after.ru_nvcsw - before.ru_nvcsw <= kCalls / 2;
	}));
}

// Who has drawn the server does not look for what it cannot do meanwhile.
TEST_F(WakeHereTest, WhoIsDrawnIsNotLookedFor)
{
	make(STPLR_CHANNEL_WAKE_HERE); // the server sleeps at once
	stplr_connect_attach args = attach_args("here", STPLR_CONNECT_SPIN);
	args.spin_us = STPLR_SPIN_MAX;
	connection.reset(connect_attach(device, args));
	ASSERT_GE(connection, 0);
	Server server(channel);

	if (busy() || !kernel_can())
		GTEST_SKIP() << "nobody is drawn";
	const auto looks = [] {
		return number_in("/sys/kernel/debug/stplr/stplr-0/counters", "spins_in_vain");
	};
	uint64_t count = 0;
	EXPECT_TRUE(sometimes([&] {
		const uint64_t before = looks();

		drawn(server);
		count = looks() - before;
		return count <= kFew;
	})) << count;
}

// Real-time threads are where the scheduler, or who made them so, wants them. The server keeps its
// own priority: as a client's, which is lent before it is woken, it would not be drawn itself.
TEST_F(WakeHereTest, RealTimeClientsDrawNobody)
{
	make(STPLR_CHANNEL_WAKE_HERE | STPLR_CHANNEL_FIXED_PRIORITY);
	Server server(channel);
	Worker client(fifo(10));

	if (busy())
		GTEST_SKIP() << "the processors are busy";
	EXPECT_TRUE(client.run([&] { expect_not_drawn(server); }));
}

TEST_F(WakeHereTest, RealTimeServersAreNotDrawn)
{
	make(STPLR_CHANNEL_WAKE_HERE);
	Server server(channel);
	schedule(server.thread().tid(), fifo(10));

	if (busy())
		GTEST_SKIP() << "the processors are busy";
	expect_not_drawn(server);
}

TEST_F(WakeHereTest, RealTimeServersDrawNobody)
{
	make(STPLR_CHANNEL_WAKE_HERE);
	Server server(channel, Server::kBound | Server::kHesitates);
	schedule(server.thread().tid(), fifo(10));

	if (busy())
		GTEST_SKIP() << "the processors are busy";
	expect_not_drawn_back(server);
}

// Many of them at once: nobody waits for ever, whoever is drawn wherever.
TEST_F(WakeHereTest, ManyClientsAndServers)
{
	constexpr int kThreads = 4, kRounds = 500;
	make(STPLR_CHANNEL_WAKE_HERE, 20);
	Server first(channel), second(channel);
	std::vector<std::unique_ptr<Thread>> clients;

	for (int i = 0; i < kThreads; i++)
		clients.push_back(std::make_unique<Thread>([this] {
			Fd own = new_connection(device, "here");

			for (int call = 0; call < kRounds * test_repeat(); call++)
				if (ask(own) < 0)
					return 1;
			return 0;
		}));
	for (auto &client : clients)
		EXPECT_EQ(0, client->join());
}

} // namespace
