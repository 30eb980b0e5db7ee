// SPDX-License-Identifier: MIT
// Sending: rendezvous, one way and two way, what the receiver learns about the sender.
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <memory>
#include <vector>

#include "support/ipc.h"

namespace
{

class SendTest : public PairTest
{
};

TEST_F(SendTest, BeforeTheReceive)
{
	Sender client(connection, "question");
	ASSERT_TRUE(client.wait_blocked());
	Received message = receive(channel);
	EXPECT_EQ(0, message.result);
	EXPECT_EQ("question", message.text);
	EXPECT_FALSE(client.done());
	EXPECT_EQ(0, reply(channel, message.rcvid(), "answer", 42));
	EXPECT_EQ(0, client.finish().result);
	EXPECT_EQ("answer", client.finish().text);
	EXPECT_EQ(6u, client.finish().total);
	EXPECT_EQ(42, client.finish().status);
}

TEST_F(SendTest, AfterTheReceive)
{
	Thread server([&] {
		Received message = receive(channel);
		EXPECT_EQ("question", message.text);
		return reply(channel, message.rcvid(), "answer", -7);
	});
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	Sent sent = send_receive(connection, "question");
	EXPECT_EQ(0, sent.result);
	EXPECT_EQ("answer", sent.text);
	EXPECT_EQ(-7, sent.status);
	EXPECT_EQ(0, server.join());
}

TEST_F(SendTest, OneWayReturnsWhenReceived)
{
	OneWaySender client(connection, "note");
	ASSERT_TRUE(client.wait_blocked());
	Received message = receive(channel);
	EXPECT_EQ("note", message.text);
	EXPECT_EQ(uint32_t(STPLR_KIND_SEND), message.info.kind);
	EXPECT_EQ(uint32_t(STPLR_INFO_NO_REPLY), message.info.flags);
	EXPECT_EQ(0, client.finish());
	// Nobody waits for a reply.
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid()));
}

TEST_F(SendTest, OneWayAfterTheReceive)
{
	Thread server([&] {
		Received message = receive(channel);
		EXPECT_EQ("note", message.text);
		return message.result;
	});
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	EXPECT_EQ(0, send_one_way(connection, "note"));
	EXPECT_EQ(0, server.join());
}

TEST_F(SendTest, OneWayOutputs)
{
	EchoServer server(channel);
	stplr_msg_send args = send_args(buffer("x"));

	EXPECT_EQ(0, msg_send(connection, args));
	EXPECT_TRUE(args.reply_len == 0 || poisoned(args.reply_len)) << args.reply_len;
	EXPECT_TRUE(args.reply_total == 0 || poisoned(args.reply_total)) << args.reply_total;
	EXPECT_EQ(0u, args.token);
	EXPECT_EQ(0, channel_destroy(channel));
	server.finish();
}

TEST_F(SendTest, TwoWayKind)
{
	Sender client(connection, "x", 77);
	Received message = receive(channel);
	EXPECT_EQ(uint32_t(STPLR_KIND_SEND_RECEIVE), message.info.kind);
	EXPECT_EQ(0u, message.info.flags);
	EXPECT_EQ(1u, message.info.src_len);
	EXPECT_EQ(1u, message.info.len);
	EXPECT_EQ(77u, message.info.dst_len);
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, client.finish().result);
}

TEST_F(SendTest, EmptyBothWays)
{
	Sender client(connection, "", 0);
	Received message = receive(channel, 0);
	EXPECT_EQ(0, message.result);
	EXPECT_EQ(0u, message.info.src_len);
	EXPECT_EQ(0u, message.info.dst_len);
	EXPECT_EQ(0u, message.info.flags);
	EXPECT_EQ(0, reply(channel, message.rcvid(), "", 5));
	EXPECT_EQ(0, client.finish().result);
	EXPECT_EQ(0u, client.finish().total);
	EXPECT_EQ(5, client.finish().status);
}

TEST_F(SendTest, AddressOfNothingIsNotLookedAt)
{
	stplr_msg_send args = send_args(stplr_buffer{~0ull, 0}, stplr_buffer{1, 0});
	Thread client([&] { return msg_send_receive(connection, args); });
	stplr_msg_receive taken = receive_args(stplr_buffer{~0ull - 4095, 0});

	ASSERT_EQ(0, msg_receive(channel, taken));
	stplr_msg_reply answer = reply_args(taken.info.rcvid, stplr_buffer{~0ull, 0});
	EXPECT_EQ(0, msg_reply(channel, answer));
	EXPECT_EQ(0u, answer.len);
	EXPECT_EQ(0, client.join());
	EXPECT_EQ(0u, args.reply_len);
	EXPECT_EQ(0u, args.reply_total);
}

TEST_F(SendTest, RoomMayBeLargerThanAnyReply)
{
	stplr_version version;
	ASSERT_EQ(0, stplr_version_get(device, version));
	size_t huge = version.message_max * 64;
	void *room = mmap(nullptr, huge, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, room);
	stplr_msg_send args = send_args(buffer("x"), buffer(room, huge));
	Thread client([&] { return msg_send_receive(connection, args); });
	Received message = receive(channel);

	EXPECT_EQ(huge, message.info.dst_len);
	EXPECT_EQ(0, reply(channel, message.rcvid(), "small"));
	EXPECT_EQ(0, client.join());
	EXPECT_EQ(5u, args.reply_len);
	EXPECT_EQ(5u, args.reply_total);
	EXPECT_EQ(0, memcmp(room, "small", 6));
	munmap(room, huge);
}

TEST_F(SendTest, LongerThanTheMaximum)
{
	stplr_version version;
	ASSERT_EQ(0, stplr_version_get(device, version));
	size_t size = version.message_max + 1;
	void *bytes =
		mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, bytes);
	stplr_msg_send args = send_args(buffer(bytes, size));

	EXPECT_EQ(-EMSGSIZE, msg_send(connection, args));
	args = send_args(buffer(bytes, size), {});
	EXPECT_EQ(-EMSGSIZE, msg_send_receive(connection, args));
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
	munmap(bytes, size);
}

TEST_F(SendTest, LengthsBeyondAllMemory)
{
	// Either what the header says of parts, or of addresses that cannot be the caller's.
	auto refused = [](long result) { return result == -EINVAL || result == -EFAULT; };

	for (uint64_t length : {uint64_t(1) << 63, ~uint64_t(0)}) {
		stplr_msg_send args = send_args(stplr_buffer{4096, length}, {});
		EXPECT_PRED1(refused, msg_send_receive(connection, args));
		args = send_args(buffer("x"), stplr_buffer{4096, length});
		EXPECT_PRED1(refused, msg_send_receive(connection, args));
	}
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

TEST_F(SendTest, SendersIdentity)
{
	Child client([&](Child &self) {
		gid_t groups[] = {4102};
		if (setgroups(1, groups) || setresgid(4101, 4103, 4101) ||
		    setresuid(4001, 4002, 4001))
			return 96;
		Thread other([&] {
			self.tell(own_tid());
			return send_receive(connection, "from a thread").result;
		});
		return int(other.join());
	});
	int tid = client.hear();
	Received message = receive(channel);
	EXPECT_EQ(client.pid(), message.info.pid);
	EXPECT_EQ(tid, message.info.tid);
	EXPECT_EQ(4002u, message.info.uid) << "the effective user";
	EXPECT_EQ(4103u, message.info.gid);
	EXPECT_NE(client.pid(), message.info.tid);
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	client.expect_success();
}

TEST_F(SendTest, IdentityIsTheSendersNotTheOpeners)
{
	// The connection was opened here, the message comes from a child.
	Child client([&](Child &) { return int(send_receive(connection, "x").result); });
	Received message = receive(channel);
	EXPECT_EQ(client.pid(), message.info.pid);
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	client.expect_success();
}

TEST_F(SendTest, UserInAnotherNamespace)
{
	// A receiver in a user namespace that maps nobody sees the overflow user.
	Child server([&](Child &self) {
		if (unshare(CLONE_NEWUSER))
			return 95;
		self.tell(0);
		Received message = receive(channel);
		EXPECT_EQ(65534u, message.info.uid);
		EXPECT_EQ(65534u, message.info.gid);
		EXPECT_EQ(getppid(), message.info.pid);
		return int(reply(channel, message.rcvid()));
	});
	server.hear();
	EXPECT_EQ(0, send_receive(connection, "x").result);
	server.expect_success();
}

TEST_F(SendTest, ScoidNamesTheClientProcess)
{
	Fd second = new_connection(device, 0, chid);
	uint32_t own[2], childs;
	int i = 0;

	for (int fd : {connection.get(), second.get()}) {
		OneWaySender client(fd, "x");
		own[i++] = receive(channel).info.scoid;
		EXPECT_EQ(0, client.finish());
	}
	EXPECT_EQ(own[0], own[1]) << "one process, two connections";

	Child client([&](Child &self) {
		Fd mine = new_connection(device, getppid(), chid);
		EXPECT_EQ(0, send_one_way(mine, "x"));
		self.hear();
		return 0;
	});
	childs = receive(channel).info.scoid;
	EXPECT_NE(own[0], childs);
	client.tell(0);
	client.expect_success();
}

TEST_F(SendTest, PriorityOfNiceValues)
{
	const struct {
		int nice, priority;
	} levels[] = {{0, 19}, {19, 0}, {-20, 39}, {5, 14}};

	for (const auto &level : levels) {
		Child client([&](Child &) {
			if (setpriority(PRIO_PROCESS, 0, level.nice))
				return 95;
			return int(send_one_way(connection, "x"));
		});
		EXPECT_EQ(level.priority, receive(channel).info.priority) << "nice " << level.nice;
		client.expect_success();
	}
}

TEST_F(SendTest, PriorityOfPolicies)
{
	const struct {
		int policy, rt, priority;
	} levels[] = {
		{SCHED_FIFO, 1, 41},  {SCHED_FIFO, 99, 139}, {SCHED_RR, 50, 90},
		{SCHED_BATCH, 0, 19}, {SCHED_IDLE, 0, 19},
	};

	for (const auto &level : levels) {
		Child client([&](Child &) {
			sched_param param = {};
			param.sched_priority = level.rt;
			if (sched_setscheduler(0, level.policy, &param))
				return 95;
			return int(send_one_way(connection, "x"));
		});
		EXPECT_EQ(level.priority, receive(channel).info.priority)
			<< "policy " << level.policy;
		client.expect_success();
	}
}

TEST_F(SendTest, ManyThreadsOnOneConnection)
{
	constexpr int kThreads = 16;
	std::vector<std::unique_ptr<Sender>> clients;

	for (int i = 0; i < kThreads; i++)
		clients.push_back(
			std::make_unique<Sender>(connection, "message " + std::to_string(i)));
	for (auto &client : clients)
		ASSERT_TRUE(client->wait_blocked());
	std::vector<Received> messages;
	for (int i = 0; i < kThreads; i++)
		messages.push_back(receive(channel));
	// Answered in another order than they came.
	for (int i = kThreads - 1; i >= 0; i--)
		EXPECT_EQ(0, reply(channel, messages[i].rcvid(), "re: " + messages[i].text));
	for (int i = 0; i < kThreads; i++) {
		EXPECT_EQ(0, clients[i]->finish().result);
		EXPECT_EQ("re: message " + std::to_string(i), clients[i]->finish().text);
	}
}

TEST_F(SendTest, ClosingTheDescriptorOfABlockedThread)
{
	// The blocked call holds the file: it goes on, as read(2) does.
	Sender client(connection, "x");
	ASSERT_TRUE(client.wait_blocked());
	connection.reset();
	Received message = receive(channel);
	EXPECT_EQ("x", message.text);
	EXPECT_EQ(0, reply(channel, message.rcvid(), "y"));
	EXPECT_EQ("y", client.finish().text);
}

TEST_F(SendTest, ServerSendingToItself)
{
	// With the server's other thread receiving; its own single thread would wait for itself,
	// until a deadline.
	stplr_msg_send args = send_args(buffer("me"), {});
	args.send_deadline = in_ms(30);
	EXPECT_EQ(-ETIMEDOUT, msg_send_receive(connection, args));
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result) << "withdrawn";
}

} // namespace
