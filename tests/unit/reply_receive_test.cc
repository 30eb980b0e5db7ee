// SPDX-License-Identifier: MIT
// STPLR_MSG_REPLY_RECEIVE: a server's loop in one call.
#include <gtest/gtest.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "support/ipc.h"
#include "support/memory.h"

namespace
{

class ReplyReceiveTest : public PairTest
{
protected:
	ReplyReceiveTest()
	{
		poison_bytes(room, sizeof(room));
	}

	stplr_msg_reply_receive loop_args(int64_t deadline = STPLR_DEADLINE_NONE)
	{
		return reply_receive_args(reply_args(0),
					  receive_args(buffer(room, sizeof(room)), deadline));
	}

	std::string received(const stplr_msg_reply_receive &args)
	{
		return std::string(room, args.receive.info.len);
	}

	char room[256];
};

TEST_F(ReplyReceiveTest, NothingToAnswerYet)
{
	OneWaySender client(connection, "first");
	stplr_msg_reply_receive args = loop_args();

	ASSERT_EQ(0, msg_reply_receive(channel, args));
	EXPECT_EQ("first", received(args));
	EXPECT_EQ(0, client.finish());
}

TEST_F(ReplyReceiveTest, AnswersAndTakesTheNext)
{
	Sender first(connection, "first");
	ASSERT_TRUE(first.wait_blocked());
	Sender second(connection, "second");
	ASSERT_TRUE(second.wait_blocked());
	stplr_msg_reply_receive args = loop_args();

	ASSERT_EQ(0, msg_reply_receive(channel, args));
	EXPECT_EQ("first", received(args));
	args.reply = reply_args(args.receive.info.rcvid, buffer("one"));
	args.reply.status = 1;
	ASSERT_EQ(0, msg_reply_receive(channel, args));
	EXPECT_EQ(0, args.reply.rcvid);
	EXPECT_EQ(3u, args.reply.len);
	EXPECT_EQ("second", received(args));
	EXPECT_EQ("one", first.finish().text);
	EXPECT_EQ(1, first.finish().status);

	args.reply = reply_args(args.receive.info.rcvid);
	args.reply.error = EPROTO;
	args.receive = receive_args(buffer(room, sizeof(room)), STPLR_DEADLINE_POLL);
	EXPECT_EQ(-EAGAIN, msg_reply_receive(channel, args));
	EXPECT_EQ(0, args.reply.rcvid) << "the reply was given";
	EXPECT_EQ(-EPROTO, second.finish().result);
}

TEST_F(ReplyReceiveTest, WaitsForTheNext)
{
	Sender first(connection, "first");
	Received message = receive(channel);
	stplr_msg_reply_receive args = loop_args();
	args.reply = reply_args(message.rcvid(), buffer("one"));
	Thread server([&] { return msg_reply_receive(channel, args); });

	EXPECT_EQ("one", first.finish().text);
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_REPLY_RECEIVE));
	EXPECT_EQ(0, send_one_way(connection, "second"));
	EXPECT_EQ(0, server.join());
	EXPECT_EQ("second", received(args));
}

TEST_F(ReplyReceiveTest, ReplyAndBufferMayBeTheSameMemory)
{
	Sender first(connection, "first");
	stplr_msg_reply_receive args = loop_args();
	ASSERT_EQ(0, msg_reply_receive(channel, args));
	Sender second(connection, "second");
	ASSERT_TRUE(second.wait_blocked());
	args.reply = reply_args(args.receive.info.rcvid, buffer(room, args.receive.info.len));
	ASSERT_EQ(0, msg_reply_receive(channel, args));
	EXPECT_EQ("first", first.finish().text) << "answered before the next was taken";
	EXPECT_EQ("second", received(args));
	EXPECT_EQ(0, reply(channel, args.receive.info.rcvid));
	EXPECT_EQ(0, second.finish().result);
}

TEST_F(ReplyReceiveTest, FailedReplyReceivesNothing)
{
	OneWaySender waiting(connection, "waits");
	ASSERT_TRUE(waiting.wait_blocked());
	stplr_msg_reply_receive args = loop_args();
	args.reply = reply_args(12345, buffer("nobody"));
	EXPECT_EQ(-ESRCH, msg_reply_receive(channel, args));
	EXPECT_EQ(12345, args.reply.rcvid) << "not the channel's end";
	EXPECT_TRUE(expect_poison(room, sizeof(room)));
	EXPECT_FALSE(waiting.done());
	EXPECT_EQ("waits", receive(channel).text);
	EXPECT_EQ(0, waiting.finish());
}

TEST_F(ReplyReceiveTest, UnreadableReplyKeepsItsId)
{
	Sender client(connection, "x");
	Received message = receive(channel);
	Mapping none(page_size(), PROT_NONE);
	stplr_msg_reply_receive args = loop_args(STPLR_DEADLINE_POLL);
	args.reply = reply_args(message.rcvid(), buffer(none.data(), 10));
	EXPECT_EQ(-EFAULT, msg_reply_receive(channel, args));
	EXPECT_EQ(message.rcvid(), args.reply.rcvid);
	EXPECT_FALSE(client.done());
	args.reply = reply_args(message.rcvid(), buffer("fine"));
	EXPECT_EQ(-EAGAIN, msg_reply_receive(channel, args));
	EXPECT_EQ("fine", client.finish().text);
}

TEST_F(ReplyReceiveTest, ReceivesErrorsAfterTheReply)
{
	// Each leaves reply.rcvid 0, so that calling again is right.
	Sender one(connection, "one"), two(connection, "two"), three(connection, "three");
	Received messages[3] = {receive(channel), receive(channel), receive(channel)};

	stplr_msg_reply_receive args = loop_args(in_ms(20));
	args.reply = reply_args(messages[0].rcvid());
	EXPECT_EQ(-ETIMEDOUT, msg_reply_receive(channel, args));
	EXPECT_EQ(0, args.reply.rcvid);

	args = loop_args();
	args.reply = reply_args(messages[1].rcvid());
	Thread server([&] { return msg_reply_receive(channel, args); });
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_REPLY_RECEIVE));
	server.signal(SIGUSR1);
	EXPECT_EQ(-EINTR, server.join());
	EXPECT_EQ(0, args.reply.rcvid);

	OneWaySender next(connection, "too long for that");
	ASSERT_TRUE(next.wait_blocked());
	args = loop_args();
	args.receive = receive_args(buffer(room, 3));
	args.receive.flags = STPLR_RECEIVE_NO_TRUNC;
	args.reply = reply_args(messages[2].rcvid());
	EXPECT_EQ(-EMSGSIZE, msg_reply_receive(channel, args));
	EXPECT_EQ(0, args.reply.rcvid);
	EXPECT_EQ(17u, args.receive.info.src_len);

	// And again, unchanged: only the receive is left.
	args.receive = receive_args(buffer(room, sizeof(room)));
	EXPECT_EQ(0, msg_reply_receive(channel, args));
	EXPECT_EQ("too long for that", received(args));
	EXPECT_EQ(0, one.finish().result);
	EXPECT_EQ(0, two.finish().result);
	EXPECT_EQ(0, three.finish().result);
	EXPECT_EQ(0, next.finish());
}

TEST_F(ReplyReceiveTest, UnwritableReceiveBufferAfterTheReply)
{
	Sender client(connection, "x");
	Received message = receive(channel);
	OneWaySender next(connection, "next");
	ASSERT_TRUE(next.wait_blocked());
	Mapping none(page_size(), PROT_NONE);
	stplr_msg_reply_receive args = loop_args();
	args.reply = reply_args(message.rcvid(), buffer("given"));
	args.receive.buffer = buffer(none.data(), 64);
	EXPECT_EQ(-EFAULT, msg_reply_receive(channel, args));
	if (args.reply.rcvid == 0)
		EXPECT_EQ("given", client.finish().text);
	else
		EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ("next", receive(channel).text);
	EXPECT_EQ(0, next.finish());
}

TEST_F(ReplyReceiveTest, ChannelsEnd)
{
	Sender client(connection, "x");
	Received message = receive(channel);
	stplr_msg_reply_receive args = loop_args();
	args.reply = reply_args(message.rcvid(), buffer("last"));
	Thread server([&] { return msg_reply_receive(channel, args); });
	EXPECT_EQ("last", client.finish().text);
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_REPLY_RECEIVE));
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, server.join());
	EXPECT_EQ(0, args.reply.rcvid);
	EXPECT_EQ(-ESRCH, msg_reply_receive(channel, args));
}

TEST_F(ReplyReceiveTest, RestartedCallDoesNotReplyTwice)
{
	// A handler with SA_RESTART while it waits: the call starts over with the reply already
	// given.
	struct sigaction restart = {}, before;
	restart.sa_handler = [](int) {};
	restart.sa_flags = SA_RESTART;
	sigaction(SIGUSR2, &restart, &before);
	Sender client(connection, "x");
	Received message = receive(channel);
	stplr_msg_reply_receive args = loop_args();
	args.reply = reply_args(message.rcvid(), buffer("once"));
	Thread server([&] { return msg_reply_receive(channel, args); });
	EXPECT_EQ("once", client.finish().text);
	for (int i = 0; i < 5; i++) {
		ASSERT_TRUE(server.wait_blocked(STPLR_MSG_REPLY_RECEIVE));
		server.signal(SIGUSR2);
	}
	EXPECT_EQ(0, send_one_way(connection, "next"));
	EXPECT_EQ(0, server.join());
	EXPECT_EQ("next", received(args));
	sigaction(SIGUSR2, &before, nullptr);
}

TEST_F(ReplyReceiveTest, ServesThousands)
{
	Thread server([&] {
		stplr_msg_reply_receive args = loop_args();
		for (;;) {
			long result = msg_reply_receive(channel, args);
			if (result < 0)
				return result;
			args.reply = reply_args(args.receive.info.rcvid,
						buffer(room, args.receive.info.len));
			poison(args.receive.info);
		}
	});
	for (int i = 0; i < 2000; i++) {
		std::string text = "message " + std::to_string(i);
		Sent sent = send_receive(connection, text, 100);
		ASSERT_EQ(0, sent.result);
		ASSERT_EQ(text, sent.text);
	}
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, server.join());
}

} // namespace
