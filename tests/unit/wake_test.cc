// SPDX-License-Identifier: MIT
// A sender that is held up between queueing and waking (by tests/module/stplr_late_waker.c; a
// preemptible kernel may do it by running another thread) holds nobody else up. Whoever is held
// up before it waits misses nothing; before it tells something, it tells nothing that was taken
// back meanwhile.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <functional>

#include "support/calls.h"
#include "support/ipc.h"
#include "support/module.h"
#include "support/pulse.h"
#include "support/sched.h"

namespace
{

constexpr int kLateMs = 1000, kShortMs = 200;

class WakeTest : public PairTest
{
	// All but the late thread, which keeps its processor to itself meanwhile.
	Bound here_{0};

protected:
	static void SetUpTestSuite()
	{
		load_test_module("stplr_late_waker");
	}

	static void TearDownTestSuite()
	{
		unload_test_module("stplr_late_waker");
	}

	// What comes of `late` in a thread that is held up so long where it wakes, tells or is
	// about to wait; and `meanwhile` what does.
	static long held_up(int ms, const std::function<long()> &late,
			    const std::function<void()> &meanwhile)
	{
		std::atomic<bool> go{false};
		Thread thread([&] {
			Bound away(1);
			while (!go)
				sleep_ms(1);
			return late();
		});
		set_module_parameter("stplr_late_waker", "ms", ms);
		set_module_parameter("stplr_late_waker", "tid", thread.tid());
		go = true;
		sleep_ms(ms / 5);
		meanwhile();
		set_module_parameter("stplr_late_waker", "tid", 0);
		return thread.join();
	}

	// Does `first` in a thread whose wake-ups are late, and meanwhile `second`, whose receiver
	// is to be awake long before the other sender wakes anybody.
	static void expect_woken(Thread &receiver, const std::function<long()> &first,
				 const std::function<long()> &second)
	{
		const int64_t start = now(CLOCK_MONOTONIC);
		long result = held_up(kLateMs, first, [&] {
			// Not yet awake, and no longer waiting: what came is queued.
			EXPECT_FALSE(receiver.done());
			EXPECT_EQ(0, second());
			EXPECT_EQ(0, receiver.join());
			EXPECT_LT(now(CLOCK_MONOTONIC) - start, kLateMs * INT64_C(1000000) * 3 / 4);
		});
		EXPECT_EQ(0, result);
	}
};

TEST_F(WakeTest, Messages)
{
	Thread receiver([this] {
		for (;;) {
			Received message = receive(channel);
			if (message.result || message.text == "in time")
				return message.result ?: reply(channel, message.rcvid(), "answer");
		}
	});
	ASSERT_TRUE(receiver.wait_blocked(STPLR_MSG_RECEIVE));
	expect_woken(
		receiver, [this] { return send_one_way(connection, "late"); },
		[this] { return send_receive(connection, "in time").result; });
}

TEST_F(WakeTest, QueuedMessages)
{
	Thread receiver([this] { return receive(channel).result; });
	ASSERT_TRUE(receiver.wait_blocked(STPLR_MSG_RECEIVE));
	expect_woken(
		receiver, [this] { return send_queued(connection, "late"); },
		[this] { return send_queued(connection, "in time"); });
}

TEST_F(WakeTest, MessageAfterPulse)
{
	Thread receiver([this] { return receive(channel).result; });
	ASSERT_TRUE(receiver.wait_blocked(STPLR_MSG_RECEIVE));
	expect_woken(
		receiver, [this] { return pulse_send(connection, 1); },
		[this] { return send_queued(connection, "in time"); });
}

TEST_F(WakeTest, PulseAfterMessage)
{
	Thread receiver([this] { return receive(channel).result; });
	ASSERT_TRUE(receiver.wait_blocked(STPLR_MSG_RECEIVE));
	expect_woken(
		receiver, [this] { return send_queued(connection, "late"); },
		[this] { return pulse_send(connection, 1); });
}

TEST_F(WakeTest, PulsesOnly)
{
	Thread receiver([this] { return await_pulse(channel).result; });
	ASSERT_TRUE(receiver.wait_blocked(STPLR_MSG_RECEIVE));
	expect_woken(
		receiver, [this] { return pulse_send(connection, 1); },
		[this] { return pulse_send(connection, 2); });
}

TEST_F(WakeTest, Accept)
{
	Fd listener = new_channel(device, "wake", STPLR_CHANNEL_LISTEN);
	Fd clients[2], accepted;
	auto connect = [&](Fd &client) -> long {
		client = new_connection(device, "wake");
		return client >= 0 ? 0 : -1;
	};
	Thread receiver([&]() -> long {
		stplr_channel_accept args = accept_args();
		accepted.reset(channel_accept(listener, args));
		return accepted >= 0 ? 0 : -1;
	});
	ASSERT_TRUE(receiver.wait_blocked(STPLR_CHANNEL_ACCEPT));
	expect_woken(
		receiver, [&] { return connect(clients[0]); }, [&] { return connect(clients[1]); });
}

// Whoever has not found a name, and does not wait yet when it comes, does not miss it.
TEST_F(WakeTest, NameThatComesBeforeItIsWaitedFor)
{
	Fd named;
	stplr_connect_attach args = attach_args("late");
	args.deadline = in_ms(kPatienceMs);
	args.clock = CLOCK_MONOTONIC;
	long result = held_up(
		kShortMs, [&] { return connect_attach(device, args); },
		[&] { named = new_channel(device, "late"); });
	EXPECT_GE(Fd(result), 0) << result_name(result);
	EXPECT_LT(now(CLOCK_MONOTONIC), args.deadline) << "found when the time was up";
}

// Of a connection that is closed nobody is told, however far the telling was.
TEST_F(WakeTest, ConnectionClosedAsItsEndIsTold)
{
	Fd own = new_channel(device);
	stplr_connect_notify args = {};
	args.channel = own;
	ASSERT_EQ(0, call(connection, STPLR_CONNECT_NOTIFY, &args));
	long result = held_up(
		kShortMs, [&] { return channel_destroy(channel); }, [&] { connection.reset(); });
	EXPECT_EQ(0, result);
	EXPECT_EQ(-EAGAIN, receive_pulse(own).result);
}

} // namespace
