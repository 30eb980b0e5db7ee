// SPDX-License-Identifier: MIT
// Looking for a moment before sleeping, on two processors: what comes soon needs no sleep, what
// comes late costs no more than a look now and then, and nothing that comes at the last moment is
// missed.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <time.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <string>

#include "support/ipc.h"
#include "support/module.h"
#include "support/pulse.h"
#include "support/sched.h"
#include "support/thread.h"
#include "support/watchdog.h"

namespace
{

constexpr int kLongest = STPLR_SPIN_MAX;

uint64_t in_vain()
{
	return number_in("/sys/kernel/debug/stplr/stplr-0/counters", "spins_in_vain");
}

uint64_t in_vain_ns()
{
	return number_in("/sys/kernel/debug/stplr/stplr-0/counters", "spins_in_vain_ns");
}

// How often the calling thread has slept.
long sleeps()
{
	rusage usage;

	EXPECT_EQ(0, getrusage(RUSAGE_THREAD, &usage));
	return usage.ru_nvcsw;
}

void work_us(int64_t us)
{
	const int64_t end = now(CLOCK_MONOTONIC) + us * 1000;

	while (now(CLOCK_MONOTONIC) < end)
		;
}

Fd channel_that_looks(int device, std::string_view name, int us)
{
	stplr_channel_create args = channel_args(name, STPLR_CHANNEL_SPIN);

	args.spin_us = us;
	Fd channel(channel_create(device, args));
	EXPECT_GE(channel, 0);
	return channel;
}

Fd connection_that_looks(int device, std::string_view name, int us)
{
	stplr_connect_attach args = attach_args(name, STPLR_CONNECT_SPIN);

	args.spin_us = us;
	Fd connection(connect_attach(device, args));
	EXPECT_GE(connection, 0);
	return connection;
}

class SpinTest : public testing::Test
{
	// The server has the other processor to itself.
	Bound here_{0};

protected:
	void make(int server_us, int client_us)
	{
		channel.reset(); // its name is free then
		channel = channel_that_looks(device, "looks", server_us);
		connection = connection_that_looks(device, "looks", client_us);
	}
	void SetUp() override
	{
		make(kLongest, kLongest);
	}
	// Where every processor is busy, nobody looks.
	static bool busy()
	{
		return getenv("STPLR_TEST_LOAD");
	}

	Fd device = open_device(), channel, connection;

	// Answers on processor 1 what it receives on the channel, after `work`, until the channel
	// is shut down.
	class Server
	{
	public:
		explicit Server(
			int channel, std::function<void()> work = [] {})
			: channel_(channel), thread_([this, work] {
				  Bound away(1);
				  for (;;) {
					  Received message = receive(channel_);
					  if (message.result)
						  return message.result;
					  work();
					  long result =
						  reply(channel_, message.rcvid(), message.text);
					  if (result)
						  return result;
				  }
			  })
		{
		}
		~Server()
		{
			EXPECT_EQ(0, channel_shutdown(channel_));
			EXPECT_EQ(-ESHUTDOWN, thread_.join());
		}
		Thread &thread()
		{
			return thread_;
		}

	private:
		int channel_;
		Thread thread_;
	};

	void call(int number, int over)
	{
		const std::string text = std::to_string(number);
		Sent sent = send_receive(over, text);

		ASSERT_EQ(0, sent.result);
		ASSERT_EQ(text, sent.text);
	}
	void call(int number)
	{
		call(number, connection);
	}

	// In how many of 200 calls the client has slept.
	long sleeps_of_200()
	{
		const long before = sleeps();

		for (int i = 0; i < 200 && !HasFatalFailure(); i++)
			call(i);
		return sleeps() - before;
	}
};

TEST_F(SpinTest, WhatComesSoonNeedsNoSleep)
{
	Server server(channel);

	if (busy())
		GTEST_SKIP() << "the processors are busy";

	EXPECT_TRUE(eventually([this] { return sleeps_of_200() < 20; }));
}

TEST_F(SpinTest, WithoutLooksBothSleep)
{
	Parameter spin("spin_us", 0);
	Server server(channel);
	const uint64_t before = in_vain();

	EXPECT_TRUE(eventually([this] { return sleeps_of_200() > 150; }));
	EXPECT_EQ(before, in_vain());
}

// One look after the last answer, and no more: a server that nobody calls sleeps.
TEST_F(SpinTest, AnIdleServerSleeps)
{
	Server server(channel);

	sleeps_of_200();
	ASSERT_TRUE(server.thread().wait_blocked(STPLR_MSG_RECEIVE));
	const uint64_t before = in_vain();
	sleep_ms(50);
	EXPECT_TRUE(server.thread().wait_blocked(STPLR_MSG_RECEIVE));
	EXPECT_EQ(before, in_vain());
}

// A server that works for longer than a look is looked for less and less often.
TEST_F(SpinTest, LongWaitsAreNotLookedFor)
{
	make(0, 100);
	Server server(channel, [] { work_us(1000); });
	const uint64_t before = in_vain(), before_ns = in_vain_ns();
	constexpr int kCalls = 300;

	for (int i = 0; i < kCalls; i++)
		call(i);
	// 1, 2, 4, ... 128 waits apart; those that something else ends at once come again
	EXPECT_LE(in_vain() - before, kCalls / 5u);
	if (in_vain() > before)
		EXPECT_GT(in_vain_ns(), before_ns);
}

// The look for a server's answer ends when the server sleeps.
TEST_F(SpinTest, ALookEndsWhenTheServerSleeps)
{
	make(0, kLongest);
	Server server(channel, [] { sleep_ms(10); });

	if (busy())
		GTEST_SKIP() << "the processors are busy";
	// each connection's first call is one with a look; one may end early for something else
	int early = 0;
	EXPECT_TRUE(eventually([&] {
		Fd client = connection_that_looks(device, "looks", kLongest);
		const uint64_t before = in_vain_ns(), looks = in_vain();

		call(1, client);
		if (in_vain() > looks)
			early = in_vain_ns() - before < kLongest * 1000u ? early + 1 : 0;
		return early == 5;
	}));
}

// Where another thread wants the processor, nobody looks.
TEST_F(SpinTest, OthersGoFirst)
{
	make(kLongest, 0);
	std::atomic<bool> over{false};
	Thread other([&over] {
		Bound away(1);
		while (!over)
			;
		return 0;
	});
	Server server(channel);

	// both are there
	call(0);
	ASSERT_TRUE(server.thread().wait_blocked(STPLR_MSG_RECEIVE));
	const uint64_t before = in_vain_ns();
	for (int i = 0; i < 20; i++) {
		call(i);
		ASSERT_TRUE(server.thread().wait_blocked(STPLR_MSG_RECEIVE));
	}
	EXPECT_LT(in_vain_ns() - before, kLongest * 1000u / 2);
	over = true;
	EXPECT_EQ(0, other.join());
}

// What a channel says holds for its server and clients, what a connection says for those; but the
// parameter is everybody's switch.
TEST_F(SpinTest, ChannelAndConnectionHaveTheirOwn)
{
	make(0, kLongest);
	Fd client = new_connection(device, "looks");
	Server server(channel, [] { sleep_ms(1); });
	const uint64_t before = in_vain();

	for (int i = 0; i < 20; i++)
		call(i, client);
	EXPECT_EQ(before, in_vain());
	{
		Parameter off("spin_us", 0);

		for (int i = 0; i < 20; i++)
			call(i);
		EXPECT_EQ(before, in_vain());
	}
	if (busy())
		GTEST_SKIP() << "the processors are busy";
	// the server sleeps, and so each look of the client's ends early
	EXPECT_TRUE(eventually([&] {
		call(1);
		return in_vain() > before;
	}));
}

// Real-time threads look only where that is asked for. The server sleeps at once, so that all looks
// are the client's.
TEST_F(SpinTest, RealTimeThreadsAskForIt)
{
	Parameter spin("spin_us", kLongest);
	Fd plain = new_channel(device, "plain"), usual = new_connection(device, "plain");
	Server server(plain, [] { sleep_ms(1); });
	schedule(server.thread().tid(), fifo(5));
	ASSERT_TRUE(server.thread().wait_blocked(STPLR_MSG_RECEIVE));
	Worker client(fifo(10));

	EXPECT_TRUE(client.run([&] {
		const uint64_t before = in_vain();

		for (int i = 0; i < 20; i++)
			call(i, usual);
		EXPECT_EQ(before, in_vain());
		if (busy())
			return;
		EXPECT_TRUE(eventually([&] {
			call(1, connection_that_looks(device, "plain", kLongest));
			return in_vain() > before;
		}));
	}));
}

TEST_F(SpinTest, BadLengths)
{
	stplr_channel_create create = channel_args("bad");
	create.spin_us = 1;
	EXPECT_EQ(-EINVAL, channel_create(device, create));
	create.flags = STPLR_CHANNEL_SPIN;
	create.spin_us = kLongest + 1;
	EXPECT_EQ(-EINVAL, channel_create(device, create));
	create.spin_us = UINT32_MAX;
	EXPECT_EQ(-EINVAL, channel_create(device, create));
	create.spin_us = kLongest;
	Fd longest(channel_create(device, create));
	EXPECT_GE(longest, 0);

	stplr_connect_attach attach = attach_args("bad");
	attach.spin_us = 1;
	EXPECT_EQ(-EINVAL, connect_attach(device, attach));
	attach.flags = STPLR_CONNECT_SPIN;
	attach.spin_us = kLongest + 1;
	EXPECT_EQ(-EINVAL, connect_attach(device, attach));
	attach.spin_us = UINT32_MAX;
	EXPECT_EQ(-EINVAL, connect_attach(device, attach));
	attach.spin_us = kLongest;
	Fd attached(connect_attach(device, attach));
	EXPECT_GE(attached, 0);
}

// Answers, messages and pulses that come about when a look ends and the sleep begins: none is
// missed, in either direction. What is, hangs, and the watchdog ends the test.
TEST_F(SpinTest, TheEndOfALookMissesNothing)
{
	constexpr int kSpin = 20, kRounds = 3000;
	make(kSpin, kSpin);
	std::atomic<unsigned> rounds{0};
	Server server(channel, [&rounds] { work_us(rounds++ % (3 * kSpin)); });

	for (int i = 0; i < kRounds * test_repeat() && !HasFatalFailure(); i++) {
		call(i);
		work_us(i % (4 * kSpin + 1));
	}
}

TEST_F(SpinTest, TheEndOfALookMissesNoPulse)
{
	constexpr int kSpin = 20, kRounds = 3000;
	make(kSpin, kSpin);
	std::atomic<int> received{0};
	Thread receiver([&] {
		Bound away(1);
		for (int i = 0; i < kRounds; i++) {
			ReceivedPulse received_pulse = await_pulse(channel);
			if (received_pulse.result)
				return received_pulse.result;
			EXPECT_EQ(static_cast<uint64_t>(i), received_pulse.pulse.value);
			received = i + 1;
		}
		return 0L;
	});

	for (int i = 0; i < kRounds && !HasFailure(); i++) {
		EXPECT_EQ(0, pulse_send(connection, 1, i));
		// the next one comes when it waits again, or is about to
		while (received <= i && !HasFailure())
			;
		work_us(i % (4 * kSpin + 1));
	}
	EXPECT_EQ(0, receiver.join());
}

} // namespace
