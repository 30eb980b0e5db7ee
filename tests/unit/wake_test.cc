// SPDX-License-Identifier: MIT
// A sender that is held up between queueing and waking (by tests/module/stplr_late_waker.c; a
// preemptible kernel may do it by running another thread) holds nobody else up.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>

#include "support/calls.h"
#include "support/ipc.h"
#include "support/module.h"
#include "support/pulse.h"
#include "support/sched.h"

namespace
{

constexpr int kLateMs = 1000;

class WakeTest : public PairTest
{
	// All but the late thread, which keeps its processor to itself meanwhile.
	Bound here_{0};

protected:
	static void SetUpTestSuite()
	{
		load_test_module("stplr_late_waker");
		set_module_parameter("stplr_late_waker", "ms", kLateMs);
	}

	static void TearDownTestSuite()
	{
		unload_test_module("stplr_late_waker");
	}

	// Does `first` in a thread whose wake-ups are late, and meanwhile `second`, whose receiver
	// is to be awake long before the other sender wakes anybody.
	void expect_woken(Thread &receiver, const std::function<long()> &first,
			  const std::function<long()> &second)
	{
		std::atomic<bool> go{false};
		Thread late([&] {
			Bound away(1);
			while (!go)
				sleep_ms(1);
			return first();
		});
		set_module_parameter("stplr_late_waker", "tid", late.tid());
		int64_t start = now(CLOCK_MONOTONIC);
		go = true;
		// Not yet awake, and no longer waiting: what came is queued.
		sleep_ms(kLateMs / 5);
		EXPECT_FALSE(receiver.done());
		EXPECT_EQ(0, second());
		EXPECT_EQ(0, receiver.join());
		EXPECT_LT(now(CLOCK_MONOTONIC) - start, kLateMs * INT64_C(1000000) * 3 / 4);
		set_module_parameter("stplr_late_waker", "tid", 0);
		EXPECT_EQ(0, late.join());
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

} // namespace
