// SPDX-License-Identifier: MIT
// STPLR_SEND_TELL: a call that fails says whether the server had received the message.
#include <gtest/gtest.h>

#include <cerrno>

#include "support/ipc.h"

namespace
{

constexpr int kUntold = 77;

class TellTest : public PairTest
{
protected:
	// A two-way send that tells; its result, and what it told.
	struct Told {
		long result;
		int status;
	};

	Told send(uint32_t flags = STPLR_SEND_TELL, int64_t reply_deadline = STPLR_DEADLINE_NONE)
	{
		stplr_msg_send args = {};
		args.send = buffer("x");
		args.send_deadline = STPLR_DEADLINE_NONE;
		args.reply_deadline = reply_deadline;
		args.clock = CLOCK_MONOTONIC;
		args.flags = flags;
		args.status = kUntold;
		Told told = {};
		told.result = call(connection, STPLR_MSG_SEND_RECEIVE, &args);
		told.status = args.status;
		return told;
	}
};

TEST_F(TellTest, ADeadChannelHasNotReceived)
{
	ASSERT_EQ(0, channel_destroy(channel));
	Told told = send();
	EXPECT_EQ(-ESRCH, told.result);
	EXPECT_EQ(kUntold, told.status);
}

TEST_F(TellTest, AMessageThatWasStillQueuedWasNotReceived)
{
	Told told = {};
	Thread client([&] {
		told = send();
		return told.result;
	});
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	ASSERT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, client.join());
	EXPECT_EQ(kUntold, told.status);
}

TEST_F(TellTest, OneThatWasReceivedWas)
{
	Told told = {};
	Thread client([&] {
		told = send();
		return told.result;
	});
	ASSERT_EQ(0, receive(channel).result);
	ASSERT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, client.join());
	EXPECT_EQ(1, told.status);
}

TEST_F(TellTest, SoWasOneWhoseReplyComesTooLate)
{
	Told told = {};
	Thread client([&] {
		told = send(STPLR_SEND_TELL, in_ms(100));
		return told.result;
	});
	ASSERT_EQ(0, receive(channel).result);
	EXPECT_EQ(-ETIMEDOUT, client.join());
	EXPECT_EQ(1, told.status);
}

TEST_F(TellTest, NothingIsToldUnasked)
{
	Told told = {};
	Thread client([&] {
		told = send(0);
		return told.result;
	});
	ASSERT_EQ(0, receive(channel).result);
	ASSERT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, client.join());
	EXPECT_EQ(kUntold, told.status);
}

TEST_F(TellTest, AQueuedMessageHasNothingToTell)
{
	stplr_msg_send args = {};
	args.send = buffer("x");
	args.send_deadline = STPLR_DEADLINE_NONE;
	args.flags = STPLR_SEND_QUEUED | STPLR_SEND_TELL;
	EXPECT_EQ(-EINVAL, call(connection, STPLR_MSG_SEND, &args));
}

} // namespace
