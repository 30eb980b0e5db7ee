// SPDX-License-Identifier: MIT
// Kernel code that sends pulses, from hard interrupts: tests/module/stplr_pulser.c.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "support/module.h"
#include "support/pulse.h"

namespace
{

// What the driver did.
struct Told {
	unsigned long long sent, refused;
	unsigned left;
};

class SourceTest : public PairTest
{
protected:
	static void SetUpTestSuite()
	{
		load_test_module("stplr_pulser");
	}

	static void TearDownTestSuite()
	{
		unload_test_module("stplr_pulser");
	}

	Fd pulser()
	{
		return open_test_device("stplr-pulser");
	}

	// Its result or -errno.
	long start(int pulser, int fd, unsigned period_ns, unsigned count, unsigned burst = 1)
	{
		std::string text = std::to_string(fd) + " " + std::to_string(period_ns) + " " +
				   std::to_string(count) + " " + std::to_string(burst);
		long result = write(pulser, text.data(), text.size());
		return result < 0 ? -errno : 0;
	}

	Told told(int pulser)
	{
		char text[64] = {};
		Told told = {};
		EXPECT_LT(0, read(pulser, text, sizeof(text) - 1));
		EXPECT_EQ(3, sscanf(text, "%llu %llu %u", &told.sent, &told.refused, &told.left));
		return told;
	}
};

TEST_F(SourceTest, EveryPulseArrivesInOrder)
{
	Fd driver = pulser();
	// Room for all: on a slow machine the driver is faster.
	stplr_channel_create args = channel_args("roomy");
	args.pulses = 300;
	Fd roomy(channel_create(device, args));
	Fd client = new_connection(device, "roomy");
	ASSERT_EQ(0, start(driver, client, 200000, 300));
	for (int i = 0; i < 300; i++) {
		ReceivedPulse received = await_pulse(roomy);
		ASSERT_EQ(0, received.result);
		EXPECT_EQ(42, received.pulse.code);
		EXPECT_EQ(uint64_t(i), received.pulse.value);
		EXPECT_EQ(50, received.info.priority);
		EXPECT_EQ(unsigned(STPLR_INFO_KERNEL), received.info.flags);
		EXPECT_EQ(0, received.info.pid);
	}
	// The place of one of a driver's is used for a process's: that is no driver's.
	ASSERT_EQ(0, pulse_send(client, 1, 0, 0));
	EXPECT_EQ(0u, await_pulse(roomy).info.flags);
	EXPECT_EQ(300u, told(driver).sent);
}

// The receiver holds the channel's lock all the time: what interrupts send must not wait for it.
TEST_F(SourceTest, WhileTheChannelIsBusy)
{
	Fd driver = pulser();
	std::atomic<bool> stop{false};
	EchoServer server(channel);
	Fd client = new_connection(device, getpid(), chid);
	Fd other_channel = new_channel(device, "pulses");
	Fd other = new_connection(device, "pulses");
	Thread busy([&]() -> long {
		while (!stop) {
			long result = pulse_send(other, 1, 0, 0);
			if (result && result != -EAGAIN)
				return result;
			receive_pulse(other_channel);
		}
		return 0;
	});
	ASSERT_EQ(0, start(driver, other, 20000, 2000));
	EXPECT_TRUE(eventually([&] { return told(driver).left == 0; }));
	stop = true;
	EXPECT_EQ(0, busy.join());
	EXPECT_EQ(2000u, told(driver).sent + told(driver).refused);
	EXPECT_EQ(0, channel_destroy(channel));
	server.finish();
}

TEST_F(SourceTest, FullPoolIsCountedAndTheRestArrives)
{
	Fd driver = pulser();
	ASSERT_EQ(0, start(driver, connection, 1000000, 10, 50));
	EXPECT_TRUE(eventually([&] { return told(driver).left == 0; }));
	Told result = told(driver);
	EXPECT_EQ(unsigned(STPLR_PULSES_DEFAULT), result.sent);
	EXPECT_EQ(500u - STPLR_PULSES_DEFAULT, result.refused);
	for (unsigned i = 0; i < result.sent; i++)
		EXPECT_EQ(uint64_t(i), await_pulse(channel).pulse.value);
	EXPECT_EQ(-EAGAIN, receive_pulse(channel).result);
}

TEST_F(SourceTest, OutlivesTheDescriptor)
{
	Fd driver = pulser();
	ASSERT_EQ(0, start(driver, connection, 500000, 20));
	connection.reset();
	for (int i = 0; i < 20; i++)
		EXPECT_EQ(uint64_t(i), await_pulse(channel).pulse.value);
}

TEST_F(SourceTest, EndsWithADetach)
{
	Fd driver = pulser();
	ASSERT_EQ(0, start(driver, connection, 500000, 1000));
	ASSERT_EQ(0, await_pulse(channel).result);
	ASSERT_EQ(0, connect_detach(connection));
	Told before = told(driver);
	EXPECT_TRUE(eventually([&] { return told(driver).refused >= before.refused + 20; }));
	EXPECT_LE(told(driver).sent, before.sent + 1) << "one may have been on its way";
}

TEST_F(SourceTest, EndOfTheChannelAtAnyTime)
{
	// In the midst of pulses: some were received, and more came when it had ended.
	int amidst[2] = {0, 0};
	for (int round = 0; round < 30 || (round < 600 && !(amidst[0] && amidst[1])); round++) {
		Fd own = new_channel(device, "round");
		Fd client = new_connection(device, "round");
		Fd driver = pulser();
		int received = 0;
		ASSERT_EQ(0, start(driver, client, 3000, 10000, 3));
		for (int i = 0; i < round % 30 * 10; i++)
			received += receive_pulse(own).result == 0;
		if (round % 2)
			client.reset();
		own.reset();
		Told at_the_end = told(driver);
		if (received && at_the_end.left &&
		    eventually([&] { return told(driver).left < at_the_end.left; }))
			amidst[round % 2]++;
		driver.reset();
	}
	EXPECT_LT(0, amidst[0]);
	EXPECT_LT(0, amidst[1]) << "with the client's descriptor closed";
}

TEST_F(SourceTest, BadDescriptors)
{
	Fd driver = pulser();
	EXPECT_EQ(-EBADF, start(driver, 1000, 1000, 1));
	EXPECT_EQ(-ENOTTY, start(driver, channel, 1000, 1));
	EXPECT_EQ(-ENOTTY, start(driver, device, 1000, 1));
}

} // namespace
