// SPDX-License-Identifier: MIT
// Receiving: order, lengths, truncation, and that a failed receive loses nothing.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <set>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"
#include "support/module.h"

namespace
{

class ReceiveTest : public PairTest
{
protected:
	// Queues clients one after the other, so that their order is known.
	void queue(const std::string &text)
	{
		clients.push_back(std::make_unique<OneWaySender>(connection, text));
		ASSERT_TRUE(clients.back()->wait_blocked());
	}

	// One that has that nice value or, above 40, that real-time priority plus 40.
	void queue_with_priority(const std::string &text, int priority)
	{
		priority_clients.push_back(std::make_unique<Thread>([=]() -> long {
			sched_param param = {};
			if (priority > 40) {
				param.sched_priority = priority - 40;
				EXPECT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &param));
			} else {
				EXPECT_EQ(0, setpriority(PRIO_PROCESS, own_tid(), 19 - priority));
			}
			return send_one_way(connection, text);
		}));
		ASSERT_TRUE(priority_clients.back()->wait_blocked(STPLR_MSG_SEND));
	}

	std::vector<std::unique_ptr<OneWaySender>> clients;
	std::vector<std::unique_ptr<Thread>> priority_clients;
};

TEST_F(ReceiveTest, FirstComeFirstServed)
{
	for (int i = 0; i < 12; i++)
		queue("message " + std::to_string(i));
	for (int i = 0; i < 12; i++)
		EXPECT_EQ("message " + std::to_string(i), receive(channel).text);
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
	for (auto &client : clients)
		EXPECT_EQ(0, client->finish());
}

TEST_F(ReceiveTest, HigherPriorityFirst)
{
	queue_with_priority("normal", 19);
	queue_with_priority("nice", 5);
	queue_with_priority("urgent", 60);
	queue_with_priority("keen", 39);
	queue_with_priority("most urgent", 139);
	queue_with_priority("nicest", 0);
	const struct {
		const char *text;
		int priority;
	} order[] = {
		{"most urgent", 139}, {"urgent", 60}, {"keen", 39},
		{"normal", 19},       {"nice", 5},    {"nicest", 0},
	};
	for (const auto &expected : order) {
		Received message = receive(channel);
		EXPECT_EQ(expected.text, message.text);
		EXPECT_EQ(expected.priority, message.info.priority);
	}
	for (auto &client : priority_clients)
		EXPECT_EQ(0, client->join());
}

TEST_F(ReceiveTest, FirstComeFirstServedWithinAPriority)
{
	for (int i = 0; i < 4; i++) {
		queue_with_priority("low " + std::to_string(i), 3);
		queue_with_priority("high " + std::to_string(i), 50);
	}
	for (const char *level : {"high ", "low "})
		for (int i = 0; i < 4; i++)
			EXPECT_EQ(level + std::to_string(i), receive(channel).text);
}

TEST_F(ReceiveTest, LastComeReceiverIsServedFirst)
{
	std::vector<std::unique_ptr<Thread>> servers;
	std::vector<int> served;

	for (int i = 0; i < 4; i++) {
		servers.push_back(std::make_unique<Thread>([&, i] {
			Received message = receive(channel);
			served.push_back(i);
			return reply(channel, message.rcvid());
		}));
		ASSERT_TRUE(servers.back()->wait_blocked(STPLR_MSG_RECEIVE));
	}
	for (int i = 3; i >= 0; i--) {
		EXPECT_EQ(0, send_receive(connection, "x").result);
		EXPECT_EQ(0, servers[i]->join());
		ASSERT_EQ(size_t(4 - i), served.size());
		EXPECT_EQ(i, served.back());
	}
}

TEST_F(ReceiveTest, TruncationIsVisible)
{
	Sender client(connection, "hello, world");
	Received message = receive(channel, 5);
	EXPECT_EQ(0, message.result);
	EXPECT_EQ("hello", message.text);
	EXPECT_EQ(5u, message.info.len);
	EXPECT_EQ(12u, message.info.src_len);
	EXPECT_EQ(uint32_t(STPLR_INFO_TRUNCATED), message.info.flags);
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, client.finish().result);
}

TEST_F(ReceiveTest, ExactFitIsNotTruncated)
{
	for (size_t size : {0, 1, 64, 4096, 10000, 300000}) {
		std::string text(size, 't');
		OneWaySender client(connection, text);
		Received message = receive(channel, size);
		EXPECT_EQ(text, message.text);
		EXPECT_EQ(uint32_t(STPLR_INFO_NO_REPLY), message.info.flags);
		EXPECT_EQ(0, client.finish());
	}
}

TEST_F(ReceiveTest, NoRoomAtAll)
{
	Sender client(connection, "hello");
	Received message = receive(channel, 0);
	EXPECT_EQ(0, message.result);
	EXPECT_EQ(0u, message.info.len);
	EXPECT_EQ(5u, message.info.src_len);
	EXPECT_EQ(uint32_t(STPLR_INFO_TRUNCATED), message.info.flags);
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, client.finish().result);
}

TEST_F(ReceiveTest, NoTruncLeavesTheMessageAtTheHead)
{
	queue("first, long");
	queue("second");
	Received refused = receive(channel, 10, STPLR_DEADLINE_NONE, STPLR_RECEIVE_NO_TRUNC);
	EXPECT_EQ(-EMSGSIZE, refused.result);
	EXPECT_EQ(0, refused.info.rcvid);
	EXPECT_EQ(11u, refused.info.src_len) << "the room needed";
	EXPECT_FALSE(clients[0]->done());

	EXPECT_EQ(-EMSGSIZE,
		  receive(channel, 0, STPLR_DEADLINE_POLL, STPLR_RECEIVE_NO_TRUNC).result);
	Received message = receive(channel, 11, STPLR_DEADLINE_NONE, STPLR_RECEIVE_NO_TRUNC);
	EXPECT_EQ("first, long", message.text);
	EXPECT_EQ("second", receive(channel).text);
}

TEST_F(ReceiveTest, NoTruncForAWaitingReceiver)
{
	Thread server([&] {
		Received refused = receive(channel, 3, STPLR_DEADLINE_NONE, STPLR_RECEIVE_NO_TRUNC);
		EXPECT_EQ(5u, refused.info.src_len);
		return refused.result;
	});
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	OneWaySender client(connection, "hello");
	EXPECT_EQ(-EMSGSIZE, server.join());
	EXPECT_EQ("hello", receive(channel).text);
	EXPECT_EQ(0, client.finish());
}

TEST_F(ReceiveTest, NoTruncLeavesItToOneWithRoom)
{
	Thread roomy([&] { return receive(channel).text == "hello" ? 0l : 1l; });
	ASSERT_TRUE(roomy.wait_blocked(STPLR_MSG_RECEIVE));
	Thread narrow([&] {
		return receive(channel, 3, STPLR_DEADLINE_NONE, STPLR_RECEIVE_NO_TRUNC).result;
	});
	ASSERT_TRUE(narrow.wait_blocked(STPLR_MSG_RECEIVE));
	OneWaySender client(connection, "hello");
	EXPECT_EQ(-EMSGSIZE, narrow.join());
	EXPECT_EQ(0, roomy.join());
	EXPECT_EQ(0, client.finish());
}

TEST_F(ReceiveTest, UnwritableBufferLeavesTheMessageQueued)
{
	Mapping none(3 * page_size());
	none.protect(PROT_NONE, page_size(), page_size());
	std::string large(2 * page_size(), 'l');

	for (const std::string &text : {std::string("small"), large}) {
		OneWaySender first(connection, text);
		ASSERT_TRUE(first.wait_blocked());
		OneWaySender second(connection, "second");
		ASSERT_TRUE(second.wait_blocked());

		stplr_msg_receive args =
			receive_args(buffer(none.data() + page_size(), text.size()));
		EXPECT_EQ(-EFAULT, msg_receive(channel, args));
		// Half of it can be written.
		args = receive_args(buffer(none.data() + page_size() - 2, text.size()));
		EXPECT_EQ(-EFAULT, msg_receive(channel, args));
		EXPECT_FALSE(first.done());

		EXPECT_EQ(text, receive(channel, 1 << 20).text) << "still the first";
		EXPECT_EQ("second", receive(channel).text);
		EXPECT_EQ(0, first.finish());
		EXPECT_EQ(0, second.finish());
	}
}

TEST_F(ReceiveTest, UnwritableBufferWithoutAMessage)
{
	// It cannot be the caller's: refused at once.
	stplr_msg_receive args = receive_args(stplr_buffer{1ull << 63, 4096});
	EXPECT_EQ(-EFAULT, msg_receive(channel, args));
	char room[16];
	const stplr_iovec parts[] = {part(room, sizeof(room)), {1ull << 63, 8192}};
	args = receive_args(buffer(parts, 2), STPLR_DEADLINE_POLL);
	args.flags = STPLR_RECEIVE_VECTOR;
	EXPECT_EQ(-EFAULT, msg_receive(channel, args));
}

TEST_F(ReceiveTest, UnwritableStructureLeavesTheMessageQueued)
{
	Mapping page(page_size());
	auto *args = reinterpret_cast<stplr_msg_receive *>(page.data());
	char room[16];
	*args = receive_args(buffer(room, sizeof(room)));
	page.protect(PROT_READ, 0, page_size());
	OneWaySender one_way(connection, "one way");
	ASSERT_TRUE(one_way.wait_blocked());
	Sender two_way(connection, "two way");
	ASSERT_TRUE(two_way.wait_blocked());

	EXPECT_EQ(-EFAULT, call(channel, STPLR_MSG_RECEIVE, args));
	EXPECT_EQ("one way", receive(channel).text);
	EXPECT_EQ(0, one_way.finish());
	EXPECT_EQ(-EFAULT, call(channel, STPLR_MSG_RECEIVE, args));
	Received message = receive(channel);
	EXPECT_EQ("two way", message.text);
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, two_way.finish().result);
}

TEST_F(ReceiveTest, PollsWithoutAMessage)
{
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
	queue("x");
	EXPECT_EQ("x", poll_receive(channel).text);
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

TEST_F(ReceiveTest, ManyReceivedBeforeAnyReply)
{
	constexpr int kMessages = 40;
	std::vector<std::unique_ptr<Sender>> senders;
	std::vector<Received> messages;
	std::set<int> rcvids;

	for (int i = 0; i < kMessages; i++)
		senders.push_back(std::make_unique<Sender>(connection, std::to_string(i)));
	for (int i = 0; i < kMessages; i++) {
		messages.push_back(receive(channel));
		EXPECT_TRUE(rcvids.insert(messages.back().rcvid()).second) << "an rcvid twice";
	}
	for (const Received &message : messages)
		EXPECT_EQ(0, reply(channel, message.rcvid(), message.text + "!"));
	for (int i = 0; i < kMessages; i++)
		EXPECT_EQ(std::to_string(i) + "!", senders[i]->finish().text);
}

TEST_F(ReceiveTest, RcvidsDoNotComeAgainSoon)
{
	std::set<int> rcvids;

	for (int i = 0; i < 500; i++) {
		OneWaySender client(connection, "x");
		Received message = receive(channel);
		ASSERT_TRUE(rcvids.insert(message.rcvid()).second)
			<< message.rcvid() << " again after " << i;
		client.finish();
	}
}

TEST_F(ReceiveTest, RcvidsAfterTheLast)
{
	// They begin anew, without those that are still to be answered.
	Sender held(connection, "held");
	Received oldest = receive(channel);
	load_test_module("stplr_rcvids");
	set_module_parameter("stplr_rcvids", "channel", channel);
	unload_test_module("stplr_rcvids");
	Sender last(connection, "last");
	Received at_last = receive(channel);
	Sender next(connection, "next");
	Received after = receive(channel);
	EXPECT_EQ(1, oldest.rcvid());
	EXPECT_EQ(INT32_MAX, at_last.rcvid());
	EXPECT_EQ(2, after.rcvid());
	for (const Received *message : {&after, &at_last, &oldest})
		EXPECT_EQ(0, reply(channel, message->rcvid(), message->text + "!"));
	EXPECT_EQ("held!", held.finish().text);
	EXPECT_EQ("last!", last.finish().text);
	EXPECT_EQ("next!", next.finish().text);
}

TEST_F(ReceiveTest, SharedChannelServesEachMessageOnce)
{
	// Two processes receive from one channel.
	auto body = [&](Child &) { return echo_until_error(channel) == -ESRCH ? 0 : 1; };
	Child one(body), two(body);
	ASSERT_TRUE(one.wait_blocked(STPLR_MSG_RECEIVE));
	ASSERT_TRUE(two.wait_blocked(STPLR_MSG_RECEIVE));
	for (int i = 0; i < 100; i++) {
		std::string text = std::to_string(i);
		ASSERT_EQ(text, send_receive(connection, text).text);
	}
	EXPECT_EQ(0, channel_destroy(channel));
	one.expect_success();
	two.expect_success();
}

} // namespace
