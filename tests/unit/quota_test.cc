// SPDX-License-Identifier: MIT
// Bounds: everything a user can make grow ends with the errno that says so, and what is given back
// can be had again.
#include <gtest/gtest.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"
#include "support/module.h"
#include "support/pulse.h"

namespace
{

constexpr unsigned kUser = 4001, kGroup = 4101;

// Each test body runs as an ordinary user, who has nothing yet.
class QuotaTest : public testing::Test
{
protected:
	void as_user(std::function<void()> body)
	{
		Child child([&](Child &) {
			become_user(kUser, kGroup);
			body();
			return 0;
		});
		child.expect_success();
	}

	long create()
	{
		stplr_channel_create args = channel_args();
		return channel_create(device, args);
	}

	long attach(int chid)
	{
		stplr_connect_attach args = attach_args(0, chid);
		return connect_attach(device, args);
	}

	Fd device = open_device();
};

TEST_F(QuotaTest, Channels)
{
	Parameter limit("user_channels", 3);
	as_user([&] {
		std::vector<Fd> channels;
		for (int i = 0; i < 3; i++) {
			channels.emplace_back(create());
			ASSERT_GE(channels.back(), 0);
		}
		EXPECT_EQ(-EDQUOT, create());
		Child other([&](Child &) { return create() == -EDQUOT ? 0 : 1; });
		other.expect_success();
		channels.pop_back();
		EXPECT_GE(Fd(create()), 0);
	});
	// Other users have their own.
	Child other([&](Child &) {
		become_user(kUser + 1, kGroup);
		return Fd(create()) >= 0 ? 0 : 1;
	});
	other.expect_success();
}

// What clients keep of a server does not count as the server's.
// Of those beyond the bound a channel knows nothing: it keeps no memory for them.
TEST_F(QuotaTest, ThreadsThatReceive)
{
	if (kernel_checks_memory())
		GTEST_SKIP() << "so many threads take a kernel that checks itself its time";
	Child server([&](Child &) {
		Fd channel(create());
		std::atomic<int> received{0};
		std::vector<uint64_t> memory;
		int threads = 0;
		for (int wanted : {1000, 1024, 1040}) {
			for (; threads < wanted; threads++)
				std::thread([&] {
					poll_receive(channel);
					received++;
					pause();
				}).detach();
			EXPECT_TRUE(eventually([&] { return received == wanted; }));
			memory.push_back(objects("memory"));
		}
		EXPECT_LT(memory[0], memory[1]);
		EXPECT_EQ(memory[1], memory[2]);
		return 0; // with all of them
	});
	server.expect_success();
}

TEST_F(QuotaTest, EndedChannels)
{
	Parameter limit("user_channels", 2);
	as_user([&] {
		std::vector<Fd> clients;
		for (int i = 0; i < 5; i++) {
			int chid;
			Fd channel = new_channel(device, {}, 0, &chid);
			clients.emplace_back(attach(chid));
			ASSERT_GE(clients.back(), 0);
			ASSERT_EQ(0, pulse_send(clients.back(), 1));
			if (i % 2)
				ASSERT_EQ(0, channel_destroy(channel));
		}
	});
}

TEST_F(QuotaTest, AcceptedChannels)
{
	Parameter limit("user_channels", 1);
	as_user([&] {
		int chid;
		Fd listener = new_channel(device, {}, STPLR_CHANNEL_LISTEN, &chid);
		std::vector<Fd> clients, accepted;
		for (int i = 0; i < 5; i++) {
			clients.emplace_back(attach(chid));
			ASSERT_GE(clients.back(), 0);
			stplr_channel_accept args = accept_args(STPLR_DEADLINE_POLL);
			accepted.emplace_back(channel_accept(listener, args));
			ASSERT_GE(accepted.back(), 0);
		}
		EXPECT_EQ(-EDQUOT, create());
	});
}

TEST_F(QuotaTest, PoolOfAnotherUsersChannel)
{
	// A pool is what the first pulse's sender pays for: not the server, who did not ask for it.
	stplr_channel_create args = channel_args("pool");
	args.mode = 0666;
	Fd channel(channel_create(device, args));
	Parameter limit("user_memory", 1);
	as_user([&] {
		int chid;
		Fd own = new_channel(device, {}, 0, &chid);
		Fd to_own = new_connection(device, 0, chid);
		Fd connection = new_connection(device, "pool");
		std::vector<char> fits(1 << 20);
		ASSERT_EQ(0, send_queued(to_own, {fits.data(), fits.size()}));
		ASSERT_EQ(0, receive(own, fits.size()).result);
		ASSERT_EQ(0, pulse_send(connection, 1));
		EXPECT_EQ(-ENOBUFS, send_queued(to_own, {fits.data(), fits.size()}));
	});
}

TEST_F(QuotaTest, Connections)
{
	Parameter limit("user_connections", 3);
	as_user([&] {
		int chid;
		Fd channel = new_channel(device, {}, 0, &chid);
		std::vector<Fd> connections;
		for (int i = 0; i < 3; i++) {
			connections.emplace_back(attach(chid));
			ASSERT_GE(connections.back(), 0);
		}
		EXPECT_EQ(-EDQUOT, attach(chid));
		Fd copy(dup(connections.back()));
		EXPECT_EQ(-EDQUOT, attach(chid));
		connections.pop_back();
		EXPECT_EQ(-EDQUOT, attach(chid)) << "a copy of the descriptor holds it";
		copy.reset();
		EXPECT_GE(Fd(attach(chid)), 0);
	});
}

TEST_F(QuotaTest, Messages)
{
	Parameter limit("user_messages", 2);
	as_user([&] {
		int chid;
		Fd channel = new_channel(device, {}, 0, &chid);
		Fd connection = new_connection(device, 0, chid);
		std::vector<std::unique_ptr<OneWaySender>> clients;
		// One with the connection, two beyond.
		for (int i = 0; i < 3; i++) {
			clients.push_back(std::make_unique<OneWaySender>(connection, "x"));
			ASSERT_TRUE(clients.back()->wait_blocked());
		}
		EXPECT_EQ(-EDQUOT, send_one_way(connection, "y"));
		EXPECT_EQ(0, poll_receive(channel).result);
		EXPECT_EQ(0, clients[0]->finish());
		OneWaySender again(connection, "again");
		ASSERT_TRUE(again.wait_blocked());
		while (poll_receive(channel).result == 0)
			;
		EXPECT_EQ(0, again.finish());
	});
}

TEST_F(QuotaTest, MemoryOfMessages)
{
	Parameter limit("user_memory", 1);
	as_user([&] {
		int chid;
		Fd channel = new_channel(device, {}, 0, &chid);
		Fd connection = new_connection(device, 0, chid);
		std::vector<char> large(3 << 20), fits(600000);
		stplr_msg_send args = send_args(buffer(large.data(), large.size()));
		EXPECT_EQ(-ENOBUFS, msg_send(connection, args));
		EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
		// Two that fit alone do not fit together; when the first is through, another does.
		stplr_msg_send small = send_args(buffer(fits.data(), fits.size()));
		Thread first([&] { return msg_send(connection, small); });
		ASSERT_TRUE(first.wait_blocked(STPLR_MSG_SEND));
		stplr_msg_send second = small;
		EXPECT_EQ(-ENOBUFS, msg_send(connection, second));
		EXPECT_EQ(0, poll_receive(channel, fits.size()).result);
		EXPECT_EQ(0, first.join());
		Thread third([&] { return msg_send(connection, second); });
		ASSERT_TRUE(third.wait_blocked(STPLR_MSG_SEND));
		EXPECT_EQ(0, poll_receive(channel, fits.size()).result);
		EXPECT_EQ(0, third.join());
	});
}

TEST_F(QuotaTest, MemoryOfReplies)
{
	// A client that has most of what it may in one message has no memory for another's large
	// reply. The server is another user, who has all of its own.
	Parameter limit("user_memory", 8);
	int chid;
	Fd channel = new_channel(device, {}, STPLR_CHANNEL_ATTACH_ANY, &chid);
	Child client([&](Child &self) {
		become_user(kUser, kGroup);
		Fd connection = new_connection(device, getppid(), chid);
		std::vector<char> most(6 << 20), room(3 << 20);
		stplr_msg_send holding = send_args(buffer(most.data(), most.size()));
		Thread holder([&] { return msg_send(connection, holding); });
		EXPECT_TRUE(holder.wait_blocked(STPLR_MSG_SEND));
		self.tell(0);
		stplr_msg_send args = send_args(buffer("x"), buffer(room.data(), room.size()));
		EXPECT_EQ(-ENOBUFS, msg_send_receive(connection, args));
		EXPECT_EQ(0, msg_send_receive(connection, args));
		EXPECT_EQ(5u, args.reply_len);
		return int(holder.join());
	});
	client.hear();
	Received holding = receive(channel, 0);
	ASSERT_EQ(0, holding.result);
	std::vector<char> large(3 << 20);
	Received message = receive(channel);
	stplr_msg_reply answer = reply_args(message.rcvid(), buffer(large.data(), large.size()));
	EXPECT_EQ(0, msg_reply(channel, answer)) << "the client's failure, not the server's";
	// A write more than the client may have is told to the server, and the message goes on.
	message = receive(channel);
	stplr_msg_data data = data_args(message.rcvid(), buffer(large.data(), large.size()));
	EXPECT_EQ(-ENOBUFS, msg_write(channel, data));
	EXPECT_EQ(0, reply(channel, message.rcvid(), "small"));
	EXPECT_EQ(0, reply(channel, holding.rcvid()));
	client.expect_success();
}

TEST_F(QuotaTest, QueuedMessages)
{
	Parameter limit("user_messages", 2);
	as_user([&] {
		int chid;
		Fd channel = new_channel(device, {}, 0, &chid);
		Fd connection = new_connection(device, 0, chid);
		int sent = 0;
		long result;
		while ((result = send_queued(connection, "x", STPLR_DEADLINE_POLL)) == 0)
			sent++;
		EXPECT_TRUE(result == -EAGAIN || result == -EDQUOT) << result_name(result);
		EXPECT_LE(sent, 3);
		EXPECT_GT(sent, 0);
		for (int i = 0; i < sent; i++)
			EXPECT_EQ(0, poll_receive(channel).result);
		EXPECT_EQ(0, send_queued(connection, "x", STPLR_DEADLINE_POLL)) << "given back";
	});
}

TEST_F(QuotaTest, LongestMessage)
{
	Parameter limit("message_max", 8192);
	stplr_version version;
	ASSERT_EQ(0, stplr_version_get(device, version));
	EXPECT_EQ(8192u, version.message_max);
	int chid;
	Fd channel = new_channel(device, {}, 0, &chid);
	Fd connection = new_connection(device, 0, chid);
	EXPECT_EQ(-EMSGSIZE, send_one_way(connection, std::string(8193, 'x')));
	OneWaySender client(connection, std::string(8192, 'x'));
	EXPECT_EQ(8192u, receive(channel, 10000).info.len);
	EXPECT_EQ(0, client.finish());
}

} // namespace
