// SPDX-License-Identifier: MIT
// Deadlines: until when to be SEND-blocked, REPLY-blocked or RECEIVE-blocked, and not waiting at
// all.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"

namespace
{

// A deadline must not be early; how late depends on the machine.
constexpr int64_t kLateMs = 8000;

class DeadlineTest : public PairTest, public testing::WithParamInterface<uint32_t>
{
protected:
	void expect_on_time(int64_t deadline)
	{
		int64_t time = now(clock);
		EXPECT_GE(time, deadline);
		EXPECT_LT(time, deadline + kLateMs * 1000000);
	}

	stplr_msg_send sending(int64_t send_deadline, int64_t reply_deadline)
	{
		stplr_msg_send args = send_args(buffer("x"), {});
		args.clock = clock;
		args.send_deadline = send_deadline;
		args.reply_deadline = reply_deadline;
		return args;
	}

	const uint32_t clock = GetParam();
};

TEST_P(DeadlineTest, Receive)
{
	stplr_msg_receive args = receive_args({}, in_ms(60, clock));
	args.clock = clock;
	EXPECT_EQ(-ETIMEDOUT, msg_receive(channel, args));
	expect_on_time(args.deadline);
}

TEST_P(DeadlineTest, ReceiveThatNeedsNoWaiting)
{
	for (int64_t deadline : {int64_t(1), in_ms(-1000, clock), INT64_MAX}) {
		OneWaySender client(connection, "x");
		ASSERT_TRUE(client.wait_blocked());
		stplr_msg_receive args = receive_args({}, deadline);
		args.clock = clock;
		EXPECT_EQ(0, msg_receive(channel, args)) << deadline;
		// No room: the message is truncated and to be released.
		EXPECT_EQ(0, reply(channel, args.info.rcvid));
		EXPECT_EQ(0, client.finish());
	}
}

TEST_P(DeadlineTest, ReceiveInThePast)
{
	for (int64_t deadline : {int64_t(1), in_ms(-1, clock)}) {
		stplr_msg_receive args = receive_args({}, deadline);
		args.clock = clock;
		EXPECT_EQ(-ETIMEDOUT, msg_receive(channel, args));
	}
}

TEST_P(DeadlineTest, ReceiveThatIsServedInTime)
{
	Thread server([&] {
		stplr_msg_receive args = receive_args({}, in_ms(60000, clock));
		args.clock = clock;
		long result = msg_receive(channel, args);
		return result ?: reply(channel, args.info.rcvid);
	});
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	EXPECT_EQ(0, send_receive(connection, "x").result);
	EXPECT_EQ(0, server.join());
}

TEST_P(DeadlineTest, SendBlocked)
{
	stplr_msg_send args = sending(in_ms(60, clock), STPLR_DEADLINE_NONE);
	EXPECT_EQ(-ETIMEDOUT, msg_send_receive(connection, args));
	expect_on_time(args.send_deadline);
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result) << "withdrawn";

	stplr_msg_send one_way = send_args(buffer("x"));
	one_way.clock = clock;
	one_way.send_deadline = in_ms(60, clock);
	EXPECT_EQ(-ETIMEDOUT, msg_send(connection, one_way));
	expect_on_time(one_way.send_deadline);
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result) << "withdrawn";
}

TEST_P(DeadlineTest, SendDeadlineEndsWithTheReceive)
{
	// It was received in time: however long the reply takes.
	stplr_msg_send args = sending(in_ms(1000, clock), STPLR_DEADLINE_NONE);
	Thread server([&] {
		Received message = receive(channel);
		while (now(clock) < args.send_deadline)
			sleep_ms(20);
		sleep_ms(50);
		return reply(channel, message.rcvid());
	});
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	stplr_msg_send sent = args;
	EXPECT_EQ(0, msg_send_receive(connection, sent));
	EXPECT_EQ(0, server.join());
}

TEST_P(DeadlineTest, ReplyBlocked)
{
	stplr_msg_send args = sending(STPLR_DEADLINE_NONE, in_ms(500, clock));
	Thread client([&] { return msg_send_receive(connection, args); });
	Received message = receive(channel);
	ASSERT_EQ(0, message.result);
	EXPECT_EQ(-ETIMEDOUT, client.join());
	expect_on_time(args.reply_deadline);
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid()));
}

TEST_P(DeadlineTest, ReplyDeadlineDoesNotEndTheQueueing)
{
	// Only the time REPLY-blocked counts: not received yet, it waits on.
	stplr_msg_send args = sending(STPLR_DEADLINE_NONE, in_ms(30, clock));
	Thread client([&] { return msg_send_receive(connection, args); });
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	while (now(clock) < args.reply_deadline + 30000000)
		sleep_ms(10);
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	Received message = poll_receive(channel);
	EXPECT_EQ(0, message.result);
	EXPECT_EQ(-ETIMEDOUT, client.join());
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid()));
}

TEST_P(DeadlineTest, SendInThePast)
{
	for (int64_t deadline : {int64_t(1), in_ms(-1, clock)}) {
		stplr_msg_send args = sending(deadline, STPLR_DEADLINE_NONE);
		EXPECT_EQ(-ETIMEDOUT, msg_send_receive(connection, args));
		stplr_msg_send one_way = send_args(buffer("x"));
		one_way.clock = clock;
		one_way.send_deadline = deadline;
		EXPECT_EQ(-ETIMEDOUT, msg_send(connection, one_way));
	}
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

TEST_P(DeadlineTest, SendInThePastToAWaitingServer)
{
	// Nothing has to be waited for.
	Thread server([&] {
		Received message = receive(channel);
		return reply(channel, message.rcvid());
	});
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	stplr_msg_send args = sending(1, STPLR_DEADLINE_NONE);
	EXPECT_EQ(0, msg_send_receive(connection, args));
	EXPECT_EQ(0, server.join());
}

TEST_P(DeadlineTest, FarFuture)
{
	for (int64_t deadline : {INT64_MAX, INT64_MAX - 1, in_ms(1000000000, clock)}) {
		stplr_msg_send args = sending(deadline, deadline);
		Thread client([&] { return msg_send_receive(connection, args); });
		ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
		stplr_msg_receive taken = receive_args({}, deadline);
		taken.clock = clock;
		EXPECT_EQ(0, msg_receive(channel, taken));
		EXPECT_EQ(0, reply(channel, taken.info.rcvid));
		EXPECT_EQ(0, client.join());
	}
}

TEST_P(DeadlineTest, LargeMessageTimesOut)
{
	std::vector<char> bytes(1 << 20);
	stplr_msg_send args = sending(in_ms(60, clock), STPLR_DEADLINE_NONE);
	args.send = buffer(bytes.data(), bytes.size());
	args.reply = args.send;
	EXPECT_EQ(-ETIMEDOUT, msg_send_receive(connection, args));
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
	args.send_deadline = STPLR_DEADLINE_NONE;
	args.reply_deadline = in_ms(500, clock);
	Thread client([&] { return msg_send_receive(connection, args); });
	Received message = receive(channel, 100);
	ASSERT_EQ(0, message.result);
	EXPECT_EQ(-ETIMEDOUT, client.join());
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid()));
}

INSTANTIATE_TEST_SUITE_P(Clocks, DeadlineTest,
			 testing::Values(CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME),
			 [](const auto &info) {
				 return info.param == CLOCK_REALTIME    ? "Realtime"
					: info.param == CLOCK_MONOTONIC ? "Monotonic"
									: "Boottime";
			 });

class PollingTest : public PairTest
{
protected:
	stplr_msg_send polling()
	{
		stplr_msg_send args = send_args(buffer("x"), {});
		args.send_deadline = STPLR_DEADLINE_POLL;
		return args;
	}
};

TEST_F(PollingTest, ReceiveOnlyWhatIsThere)
{
	EXPECT_EQ(-EAGAIN, receive(channel, 10, STPLR_DEADLINE_POLL).result);
	OneWaySender client(connection, "x");
	ASSERT_TRUE(client.wait_blocked());
	EXPECT_EQ(0, receive(channel, 10, STPLR_DEADLINE_POLL).result);
	EXPECT_EQ(0, client.finish());
}

TEST_F(PollingTest, SendOnlyToAWaitingServer)
{
	stplr_msg_send args = polling();
	EXPECT_EQ(-EAGAIN, msg_send_receive(connection, args));
	stplr_msg_send one_way = send_args(buffer("x"));
	one_way.send_deadline = STPLR_DEADLINE_POLL;
	EXPECT_EQ(-EAGAIN, msg_send(connection, one_way));
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);

	Thread server([&] {
		EXPECT_EQ("x", receive(channel).text);
		Received message = receive(channel);
		EXPECT_TRUE(eventually(
			[] { return blocked_in(getpid(), getpid(), STPLR_MSG_SEND_RECEIVE); }));
		return reply(channel, message.rcvid());
	});
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	EXPECT_EQ(0, msg_send(connection, one_way));
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	// A reply is waited for.
	args = polling();
	EXPECT_EQ(0, msg_send_receive(connection, args));
	EXPECT_EQ(0, server.join());
}

TEST_F(PollingTest, LargeMessageToAWaitingServer)
{
	std::vector<char> bytes(1 << 20), room(1 << 20);
	fill_pattern(bytes.data(), bytes.size(), 1);
	Thread server([&] {
		stplr_msg_receive args = receive_args(buffer(room.data(), room.size()));
		return msg_receive(channel, args);
	});
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	stplr_msg_send args = send_args(buffer(bytes.data(), bytes.size()));
	args.send_deadline = STPLR_DEADLINE_POLL;
	EXPECT_EQ(0, msg_send(connection, args));
	EXPECT_EQ(0, server.join());
	EXPECT_TRUE(expect_pattern(room.data(), room.size(), 1));
}

TEST_F(PollingTest, NonblockingDescriptorOverridesDeadlines)
{
	ASSERT_EQ(0, fcntl(channel, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, receive(channel).result);
	EXPECT_EQ(-EAGAIN, receive(channel, 10, in_ms(60000)).result);
	ASSERT_EQ(0, fcntl(connection, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, send_receive(connection, "x").result);
	EXPECT_EQ(-EAGAIN, send_one_way(connection, "x"));
	stplr_msg_send args = send_args(buffer("x"), {});
	args.send_deadline = in_ms(60000);
	EXPECT_EQ(-EAGAIN, msg_send_receive(connection, args));
}

TEST_F(PollingTest, NonblockingClientWaitsForItsReply)
{
	ASSERT_EQ(0, fcntl(connection, F_SETFL, O_NONBLOCK));
	Thread server([&] {
		Received message = receive(channel);
		EXPECT_TRUE(eventually(
			[] { return blocked_in(getpid(), getpid(), STPLR_MSG_SEND_RECEIVE); }));
		return reply(channel, message.rcvid(), "late");
	});
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	EXPECT_EQ("late", send_receive(connection, "x").text);
	EXPECT_EQ(0, server.join());
}

TEST_F(PollingTest, ReplyDeadlineOfZeroDoesNotWaitForTheReply)
{
	// Received, but its reply cannot be there yet.
	std::atomic<bool> returned{false};
	Thread server([&] {
		Received message = receive(channel);
		EXPECT_TRUE(eventually([&] { return returned.load(); }));
		return reply(channel, message.rcvid());
	});
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	stplr_msg_send args = send_args(buffer("x"), {});
	args.reply_deadline = STPLR_DEADLINE_POLL;
	long result = msg_send_receive(connection, args);
	returned = true;
	EXPECT_TRUE(result == -EAGAIN || result == -ETIMEDOUT) << result_name(result);
	EXPECT_EQ(-ESRCH, server.join());
}

// The clocks of a time namespace are the ones that its programs read.
TEST(TimeNamespaceTest, DeadlinesAreByItsClocks)
{
	const bool run = in_time_namespace({"monotonic 100000 0", "boottime 500 500000000"}, [] {
		Fd device = open_device();
		Fd channel = new_channel(device);
		for (uint32_t clock : {CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME}) {
			stplr_msg_receive args = receive_args({}, in_ms(60, clock));
			args.clock = clock;
			EXPECT_EQ(-ETIMEDOUT, msg_receive(channel, args)) << clock;
			EXPECT_GE(now(clock), args.deadline) << clock;
			EXPECT_LT(now(clock), args.deadline + kLateMs * 1000000) << clock;
			args.deadline = INT64_MAX;
			Thread receiver([&] { return msg_receive(channel, args); });
			EXPECT_TRUE(receiver.wait_blocked(STPLR_MSG_RECEIVE)) << clock;
			receiver.signal(SIGUSR1);
			EXPECT_EQ(-EINTR, receiver.join());
			args.deadline = STPLR_DEADLINE_POLL;
			EXPECT_EQ(-EAGAIN, msg_receive(channel, args)) << clock;
		}
	});
	if (!run)
		GTEST_SKIP() << "this kernel has no time namespaces";
}

} // namespace
