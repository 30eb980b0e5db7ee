// SPDX-License-Identifier: MIT
// Replying: once, by the process that received, and never to another message.
#include <gtest/gtest.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"

namespace
{

class ReplyTest : public PairTest
{
};

TEST_F(ReplyTest, StatusIsHandedOverAsItIs)
{
	for (int status : {0, 1, -1, INT_MAX, INT_MIN, 4095, -4095, -512}) {
		Sender client(connection, "x");
		Received message = receive(channel);
		EXPECT_EQ(0, reply(channel, message.rcvid(), "", status));
		EXPECT_EQ(0, client.finish().result);
		EXPECT_EQ(status, client.finish().status);
	}
}

TEST_F(ReplyTest, ErrorIsTheClientsErrno)
{
	for (int error : {1, EINTR, EAGAIN, ESRCH, EPROTO, 200, 511}) {
		Sender client(connection, "x");
		Received message = receive(channel);
		EXPECT_EQ(0, reply_error(channel, message.rcvid(), error));
		EXPECT_EQ(-error, client.finish().result) << error;
	}
}

TEST_F(ReplyTest, ErrorMustBeAnErrno)
{
	Sender client(connection, "x");
	Received message = receive(channel);

	for (uint32_t error : {512u, 516u, 4095u, 4096u, 1u << 31, ~0u, uint32_t(-EPROTO)}) {
		stplr_msg_reply args = reply_args(message.rcvid());
		args.error = error;
		EXPECT_EQ(-EINVAL, msg_reply(channel, args)) << error;
	}
	// An error comes without data.
	stplr_msg_reply args = reply_args(message.rcvid(), buffer("data"));
	args.error = EIO;
	EXPECT_EQ(-EINVAL, msg_reply(channel, args));
	EXPECT_FALSE(client.done());
	EXPECT_EQ(0, reply_error(channel, message.rcvid(), EIO));
	EXPECT_EQ(-EIO, client.finish().result);
}

TEST_F(ReplyTest, ShortenedToTheRoom)
{
	Sender client(connection, "x", 4);
	Received message = receive(channel);
	EXPECT_EQ(4u, message.info.dst_len);
	stplr_msg_reply args = reply_args(message.rcvid(), buffer("longer"));
	EXPECT_EQ(0, msg_reply(channel, args));
	EXPECT_EQ(4u, args.len) << "bytes the client gets";
	EXPECT_EQ("long", client.finish().text);
	EXPECT_EQ(6u, client.finish().total);
}

TEST_F(ReplyTest, NoTruncLetsTheClientWait)
{
	Sender client(connection, "x", 4);
	Received message = receive(channel);
	stplr_msg_reply args = reply_args(message.rcvid(), buffer("longer"));
	args.flags = STPLR_REPLY_NO_TRUNC;
	EXPECT_EQ(-EMSGSIZE, msg_reply(channel, args));
	ASSERT_TRUE(client.wait_blocked());
	args = reply_args(message.rcvid(), buffer("fits"));
	args.flags = STPLR_REPLY_NO_TRUNC;
	EXPECT_EQ(0, msg_reply(channel, args));
	EXPECT_EQ(4u, args.len);
	EXPECT_EQ("fits", client.finish().text);
}

TEST_F(ReplyTest, ShorterThanTheRoom)
{
	Sender client(connection, "x", 100);
	Received message = receive(channel);
	stplr_msg_reply args = reply_args(message.rcvid(), buffer("short"));
	EXPECT_EQ(0, msg_reply(channel, args));
	EXPECT_EQ(5u, args.len);
	EXPECT_EQ("short", client.finish().text);
	EXPECT_EQ(5u, client.finish().total);
}

TEST_F(ReplyTest, OnlyOnce)
{
	Sender client(connection, "x");
	Received message = receive(channel);
	EXPECT_EQ(0, reply(channel, message.rcvid(), "first"));
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid(), "second"));
	EXPECT_EQ(-ESRCH, reply_error(channel, message.rcvid(), EIO));
	EXPECT_EQ("first", client.finish().text);
}

TEST_F(ReplyTest, DoubleReplyDoesNotHitTheNextMessage)
{
	Sender first(connection, "first");
	Received message = receive(channel);
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	first.finish();
	// The same connection, the same thread's place, perhaps the same memory in the kernel.
	Sender second(connection, "second");
	Received next = receive(channel);
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid(), "stray"));
	EXPECT_FALSE(second.done());
	EXPECT_EQ(0, reply(channel, next.rcvid(), "right"));
	EXPECT_EQ("right", second.finish().text);
}

TEST_F(ReplyTest, LateAfterTheClientTimedOut)
{
	stplr_msg_send args = send_args(buffer("x"), {});
	args.reply_deadline = in_ms(300);
	Thread client([&] { return msg_send_receive(connection, args); });
	Received message = receive(channel);
	EXPECT_EQ(-ETIMEDOUT, client.join());
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid(), "late"));
}

TEST_F(ReplyTest, LateAfterTheClientDied)
{
	Child client([&](Child &) { return int(send_receive(connection, "x").result); });
	Received message = receive(channel);
	client.kill(SIGKILL);
	client.wait();
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid(), "late"));
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

TEST_F(ReplyTest, ForgedIds)
{
	Sender client(connection, "x");
	ASSERT_TRUE(client.wait_blocked());
	// Nothing was received yet: no id is right.
	for (int rcvid : {1, 2, 3, INT_MAX})
		EXPECT_EQ(-ESRCH, reply(channel, rcvid)) << rcvid;
	Received message = receive(channel);
	for (int rcvid = 1; rcvid < 200; rcvid++)
		if (rcvid != message.rcvid())
			EXPECT_EQ(-ESRCH, reply(channel, rcvid)) << rcvid;
	EXPECT_EQ(-ESRCH, reply(channel, INT_MAX));
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid() ^ 0x10000));
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid() ^ 0x40000000));
	for (int rcvid : {0, -1, INT_MIN, -message.rcvid()})
		EXPECT_EQ(-EINVAL, reply(channel, rcvid)) << rcvid;
	EXPECT_FALSE(client.done());
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, client.finish().result);
}

TEST_F(ReplyTest, OtherChannelsMessage)
{
	Fd other = new_channel(device);
	Sender client(connection, "x");
	Received message = receive(channel);
	EXPECT_EQ(-ESRCH, reply(other, message.rcvid(), "forged"));
	EXPECT_FALSE(client.done());
	EXPECT_EQ(0, reply(channel, message.rcvid(), "real"));
	EXPECT_EQ("real", client.finish().text);
}

TEST_F(ReplyTest, OtherProcessesMessage)
{
	Sender client(connection, "x");
	Received message = receive(channel);
	// The child shares the channel, but did not receive.
	Child child([&](Child &) {
		EXPECT_EQ(-ESRCH, reply(channel, message.rcvid(), "forged"));
		EXPECT_EQ(-ESRCH, reply_error(channel, message.rcvid(), EIO));
		return 0;
	});
	child.expect_success();
	EXPECT_FALSE(client.done());
	EXPECT_EQ(0, reply(channel, message.rcvid(), "real"));
	EXPECT_EQ("real", client.finish().text);
}

TEST_F(ReplyTest, MessageOfAChildIsTheChilds)
{
	Sender client(connection, "x");
	Child child([&](Child &self) {
		Received message = receive(channel);
		self.tell(message.rcvid());
		self.hear();
		return int(reply(channel, message.rcvid(), "child"));
	});
	int rcvid = child.hear();
	EXPECT_EQ(-ESRCH, reply(channel, rcvid, "parent"));
	child.tell(0);
	child.expect_success();
	EXPECT_EQ("child", client.finish().text);
}

TEST_F(ReplyTest, AnyThreadOfTheProcess)
{
	Sender client(connection, "x");
	Received message = receive(channel);
	Thread worker([&] { return reply(channel, message.rcvid(), "worker"); });
	EXPECT_EQ(0, worker.join());
	EXPECT_EQ("worker", client.finish().text);
}

TEST_F(ReplyTest, ReceivingThreadMayEnd)
{
	Sender client(connection, "x");
	int rcvid = 0;
	Thread receiver([&] {
		rcvid = receive(channel).rcvid();
		return 0;
	});
	EXPECT_EQ(0, receiver.join());
	EXPECT_TRUE(client.wait_blocked());
	EXPECT_EQ(0, reply(channel, rcvid, "main"));
	EXPECT_EQ("main", client.finish().text);
}

TEST_F(ReplyTest, UnreadableReplyIsStillToBeAnswered)
{
	Mapping none(2 * page_size());
	none.protect(PROT_NONE, page_size(), page_size());
	for (size_t room : {size_t(64), 64 * page_size()}) {
		Sender client(connection, "x", room);
		Received message = receive(channel);
		stplr_msg_reply args =
			reply_args(message.rcvid(), buffer(none.data() + page_size(), 64));
		EXPECT_EQ(-EFAULT, msg_reply(channel, args));
		// Half of it can be read.
		args = reply_args(message.rcvid(), buffer(none.data() + page_size() - 32, 64));
		EXPECT_EQ(-EFAULT, msg_reply(channel, args));
		args = reply_args(message.rcvid(), stplr_buffer{1ull << 63, 64});
		EXPECT_EQ(-EFAULT, msg_reply(channel, args));
		EXPECT_FALSE(client.done());
		EXPECT_EQ(0, reply(channel, message.rcvid(), "readable"));
		EXPECT_EQ("readable", client.finish().text);
	}
}

TEST_F(ReplyTest, LongerThanTheMaximum)
{
	stplr_version version;
	ASSERT_EQ(0, stplr_version_get(device, version));
	Mapping huge(version.message_max + 1, PROT_READ,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
	Sender client(connection, "x");
	Received message = receive(channel);
	stplr_msg_reply args = reply_args(message.rcvid(), buffer(huge.data(), huge.size()));
	EXPECT_EQ(-EMSGSIZE, msg_reply(channel, args));
	EXPECT_FALSE(client.done());
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, client.finish().result);
}

TEST_F(ReplyTest, UnwritableStructure)
{
	// The reply cannot be told its length: either it was given, or it can still be.
	Mapping page(page_size());
	Sender client(connection, "x");
	Received message = receive(channel);
	auto *args = reinterpret_cast<stplr_msg_reply *>(page.data());
	*args = reply_args(message.rcvid(), buffer("first"));
	page.protect(PROT_READ, 0, page_size());
	long result = call(channel, STPLR_MSG_REPLY, args);
	EXPECT_EQ(-EFAULT, result);
	result = reply(channel, message.rcvid(), "second");
	EXPECT_TRUE(result == 0 || result == -ESRCH) << result_name(result);
	EXPECT_EQ(result == 0 ? "second" : "first", client.finish().text);
}

TEST_F(ReplyTest, ReplyDoesNotWait)
{
	// The client is stopped: its reply is given all the same.
	Child client([&](Child &self) {
		Sent sent = send_receive(connection, "x");
		self.tell(sent.text == "y");
		return int(sent.result);
	});
	Received message = receive(channel);
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	client.kill(SIGSTOP);
	ASSERT_TRUE(eventually([&] { return thread_state(client.pid(), client.pid()) == 'T'; }));
	EXPECT_EQ(0, reply(channel, message.rcvid(), "y"));
	client.kill(SIGCONT);
	EXPECT_EQ(1, client.hear());
	client.expect_success();
}

TEST_F(ReplyTest, OneWayMessageHasNoReply)
{
	OneWaySender client(connection, "note");
	Received message = receive(channel);
	EXPECT_EQ(0, client.finish());
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid(), "x"));
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid()));
}

} // namespace
