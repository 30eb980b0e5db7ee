// SPDX-License-Identifier: MIT
// STPLR_CHANNEL_SHUTDOWN: receive nothing more, answer what was received.
#include <gtest/gtest.h>
#include <time.h>

#include <cerrno>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/poll.h"

namespace
{

using ShutdownTest = PairTest;

TEST_F(ShutdownTest, EndsReceives)
{
	Thread receiver([&] { return receive(channel).result; });
	Thread looper([&] {
		stplr_msg_reply_receive args = reply_receive_args(reply_args(0), receive_args({}));
		return msg_reply_receive(channel, args);
	});
	ASSERT_TRUE(receiver.wait_blocked(STPLR_MSG_RECEIVE));
	ASSERT_TRUE(looper.wait_blocked(STPLR_MSG_REPLY_RECEIVE));
	EXPECT_EQ(0, channel_shutdown(channel));
	EXPECT_EQ(-ESHUTDOWN, receiver.join());
	EXPECT_EQ(-ESHUTDOWN, looper.join());
	// Present and future.
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(-ESHUTDOWN, receive(channel).result);
	EXPECT_EQ(-ESHUTDOWN, poll_receive(channel).result);
}

TEST_F(ShutdownTest, EndsQueuedAndLaterSends)
{
	Sender two_way(connection, "x");
	OneWaySender one_way(connection, "y");
	ASSERT_TRUE(two_way.wait_blocked());
	ASSERT_TRUE(one_way.wait_blocked());
	EXPECT_EQ(0, channel_shutdown(channel));
	EXPECT_EQ(-ESRCH, two_way.finish().result);
	EXPECT_EQ(-ESRCH, one_way.finish());
	EXPECT_EQ(-ESRCH, send_receive(connection, "x").result);
	EXPECT_EQ(-ESRCH, send_one_way(connection, "x"));
	EXPECT_EQ(-ESRCH, send_queued(connection, "x"));
}

TEST_F(ShutdownTest, WhatWasReceivedCanBeAnswered)
{
	Sender one(connection, "one"), two(connection, "two");
	Received first = receive(channel), second = receive(channel, 1);
	EXPECT_EQ(0, channel_shutdown(channel));
	EXPECT_TRUE(one.wait_blocked());
	EXPECT_TRUE(two.wait_blocked());
	char rest[8] = {};
	stplr_msg_data data = data_args(second.rcvid(), buffer(rest, sizeof(rest)), 1);
	EXPECT_EQ(0, msg_read(channel, data));
	EXPECT_EQ(2u, data.len);
	EXPECT_EQ(0, reply(channel, first.rcvid(), "re: " + first.text));
	// In a server's loop the reply is given before the end is told.
	stplr_msg_reply_receive args =
		reply_receive_args(reply_args(second.rcvid(), buffer("last")), receive_args({}));
	EXPECT_EQ(-ESHUTDOWN, msg_reply_receive(channel, args));
	EXPECT_EQ(0, args.reply.rcvid);
	Sender &of_first = first.text == "one" ? one : two,
	       &of_second = first.text == "one" ? two : one;
	EXPECT_EQ("re: " + first.text, of_first.finish().text);
	EXPECT_EQ("last", of_second.finish().text);
}

TEST_F(ShutdownTest, HangsUp)
{
	Thread poller([&] { return wait_events(channel); });
	ASSERT_TRUE(poller.wait_asleep());
	EXPECT_EQ(0, channel_shutdown(channel));
	EXPECT_TRUE(poller.join() & POLLHUP);
	EXPECT_TRUE(events(channel) & POLLHUP);
}

TEST_F(ShutdownTest, AgainAndThenDestroyed)
{
	Sender client(connection, "x");
	Received message = receive(channel);
	EXPECT_EQ(0, channel_shutdown(channel));
	EXPECT_EQ(0, channel_shutdown(channel)) << "level triggered";
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, client.finish().result);
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid()));
	EXPECT_EQ(-ESRCH, receive(channel).result) << "destroyed counts more";
}

TEST_F(ShutdownTest, ServersThreadsComeOut)
{
	// What it is for: a server ends its own threads, each of which finishes its message first.
	std::vector<std::unique_ptr<Thread>> servers;
	for (int i = 0; i < 4; i++)
		servers.push_back(
			std::make_unique<Thread>([&] { return echo_until_error(channel); }));
	Child client([&](Child &self) {
		int64_t done = 0;
		long result;
		while ((result = send_receive(connection, "x").result) == 0)
			if (++done == 50)
				self.tell(0);
		EXPECT_EQ(-ESRCH, result);
		return 0;
	});
	client.hear();
	EXPECT_EQ(0, channel_shutdown(channel));
	for (auto &server : servers)
		EXPECT_EQ(-ESHUTDOWN, server->join());
	client.expect_success();
}

} // namespace
