// SPDX-License-Identifier: MIT
// STPLR_SEND_PARK: a client that leaves a call with the server after a moment, and takes it up
// again.
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "support/ipc.h"

namespace
{

class ParkTest : public PairTest
{
protected:
	static stplr_msg_send parking(const char *text, char *room, size_t size,
				      int64_t reply_deadline = STPLR_DEADLINE_NONE)
	{
		stplr_msg_send args = send_args(buffer(text), buffer(room, size));

		args.reply_deadline = reply_deadline;
		args.flags = STPLR_SEND_PARK;
		return args;
	}

	// Sends and is let go, with a server that has the message and works.
	void park(stplr_msg_send &args)
	{
		Thread server([&] {
			message = receive(channel);
			return message.result;
		});

		EXPECT_EQ(-EINPROGRESS, msg_send_receive(connection, args));
		EXPECT_NE(0u, args.token);
		ASSERT_EQ(0, server.join());
	}

	long resume(stplr_msg_send &args)
	{
		args.flags &= ~STPLR_SEND_PARK;
		return msg_send_receive(connection, args);
	}

	Received message = {};
	char room[64] = {};
};

int64_t now_ms()
{
	timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

TEST_F(ParkTest, AServerThatWorksLetsItsClientGo)
{
	stplr_msg_send args = parking("x", room, sizeof(room));
	const int64_t start = now_ms();

	park(args);
	EXPECT_GE(now_ms() - start, 10 - 1);
	ASSERT_EQ(0, reply(channel, message.rcvid(), "answer", 7));
	EXPECT_EQ(0, resume(args));
	EXPECT_EQ("answer", std::string(room, args.reply_len));
	EXPECT_EQ(7, args.status);
	EXPECT_EQ(0u, args.token);
}

TEST_F(ParkTest, TheMomentIsShort)
{
	EXPECT_TRUE(sometimes([&] {
		stplr_msg_send args = parking("x", room, sizeof(room));
		Thread server([&] {
			message = receive(channel);
			return message.result;
		});
		if (!server.wait_blocked(STPLR_MSG_RECEIVE))
			return false;
		const int64_t start = now_ms();
		EXPECT_EQ(-EINPROGRESS, msg_send_receive(connection, args));
		const int64_t took = now_ms() - start;
		EXPECT_EQ(0, server.join());
		EXPECT_EQ(0, reply(channel, message.rcvid()));
		EXPECT_EQ(0, resume(args));
		return took <= 30;
	}));
}

TEST_F(ParkTest, AnAnswerWithinTheMomentIsAsEver)
{
	EchoServer server(channel);
	int parked = 0;

	for (int i = 0; i < 2000; i++) {
		const std::string text = std::to_string(i);
		stplr_msg_send args = parking(text.c_str(), room, sizeof(room));
		long result = msg_send_receive(connection, args);

		if (result == -EINPROGRESS) { // on a machine that has much else to do
			parked++;
			result = resume(args);
		}
		ASSERT_EQ(0, result);
		ASSERT_EQ(text, std::string(room, args.reply_len));
	}
	EXPECT_LT(parked, 200);
	channel_destroy(channel);
	server.finish();
}

TEST_F(ParkTest, TakenUpAgainItWaits)
{
	stplr_msg_send args = parking("x", room, sizeof(room));

	park(args);
	// By another thread than the one that sent.
	Thread client([&] { return resume(args); });
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	ASSERT_EQ(0, reply(channel, message.rcvid(), "late"));
	EXPECT_EQ(0, client.join());
	EXPECT_EQ("late", std::string(room, args.reply_len));
}

TEST_F(ParkTest, TakenUpAgainASignalLeavesItThere)
{
	stplr_msg_send args = parking("x", room, sizeof(room));

	park(args);
	Thread client([&] { return resume(args); });
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	client.signal(SIGUSR1);
	EXPECT_EQ(-EINTR, client.join());
	EXPECT_NE(0u, args.token);
	ASSERT_EQ(0, reply(channel, message.rcvid(), "late"));
	EXPECT_EQ(0, resume(args));
}

TEST_F(ParkTest, AskedAgainItTellsWhetherTheReplyHasCome)
{
	stplr_msg_send args = parking("x", room, sizeof(room));

	park(args);
	for (int i = 0; i < 3; i++) {
		stplr_msg_send old = args;

		EXPECT_EQ(-EINPROGRESS, msg_send_receive(connection, args));
		EXPECT_NE(0u, args.token);
		EXPECT_NE(old.token, args.token);
		EXPECT_EQ(-ENOENT, msg_send_receive(connection, old));
	}
	ASSERT_EQ(0, reply(channel, message.rcvid(), "now"));
	EXPECT_EQ(0, msg_send_receive(connection, args));
	EXPECT_EQ("now", std::string(room, args.reply_len));
}

TEST_F(ParkTest, OneThreadAsksManyServersAtOnce)
{
	constexpr int kMany = 20;
	struct Server {
		Fd channel, connection;
		std::string name;
		char room[64];
		stplr_msg_send args;
		Received message;
	};
	std::vector<Server> servers(kMany);

	for (Server &server : servers) {
		int number = 0;
		server.channel = new_channel(device, {}, 0, &number);
		server.connection = new_connection(device, 0, number);
	}
	Thread worker([&] {
		for (Server &server : servers)
			server.message = receive(server.channel);
		// In the opposite order.
		std::for_each(servers.rbegin(), servers.rend(), [&](Server &server) {
			reply(server.channel, server.message.rcvid(), server.message.text);
		});
		return 0;
	});
	for (int i = 0; i < kMany; i++) {
		Server &server = servers[i];
		server.name = std::to_string(i);
		server.args = parking(server.name.c_str(), server.room, sizeof(server.room));
		const long result = msg_send_receive(server.connection, server.args);
		// The last may have its answer within its moment.
		if (i + 1 < kMany)
			EXPECT_EQ(-EINPROGRESS, result);
		if (!result)
			server.name.clear();
	}
	for (Server &server : servers) {
		server.args.flags = 0;
		if (!server.name.empty())
			EXPECT_EQ(0, msg_send_receive(server.connection, server.args));
		EXPECT_EQ(server.message.text, std::string(server.room, server.args.reply_len));
	}
	EXPECT_EQ(0, worker.join());
}

// Each of them has a message of its own.
TEST_F(ParkTest, ManyThreadsOfOneConnection)
{
	constexpr int kMany = 8;
	struct Client {
		char room[64];
		stplr_msg_send args;
		long result = 1;
	};
	std::vector<Client> clients(kMany);
	std::vector<std::unique_ptr<Thread>> threads;
	std::vector<Received> messages;

	for (Client &client : clients)
		threads.push_back(std::make_unique<Thread>([&] {
			client.args = parking("x", client.room, sizeof(client.room));
			client.result = msg_send_receive(connection, client.args);
			while (threads.size() < kMany)
				sleep_ms(1);
			return client.result;
		}));
	for (int i = 0; i < kMany; i++)
		messages.push_back(receive(channel));
	for (auto &thread : threads)
		EXPECT_EQ(-EINPROGRESS, thread->join());
	for (const Received &one : messages)
		EXPECT_EQ(0, reply(channel, one.rcvid(), "y"));
	for (Client &client : clients) {
		EXPECT_EQ(0, resume(client.args));
		EXPECT_EQ("y", std::string(client.room, client.args.reply_len));
	}
}

// SEND-blocked it stays, whatever time goes by, and its moment begins when it is received.
TEST_F(ParkTest, OnlyWhatWasReceivedIsParked)
{
	stplr_msg_send args = parking("x", room, sizeof(room), in_ms(kPatienceMs));
	Thread client([&] { return msg_send_receive(connection, args); });

	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	sleep_ms(100); // ten moments; there is nothing to wait for
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	EXPECT_FALSE(client.done());
	message = receive(channel);
	EXPECT_EQ(-EINPROGRESS, client.join());
	ASSERT_EQ(0, reply(channel, message.rcvid(), "y"));
	EXPECT_EQ(0, resume(args));
}

TEST_F(ParkTest, DeadlinesGoOn)
{
	stplr_msg_send args = parking("x", room, sizeof(room), in_ms(1000));

	park(args);
	EXPECT_EQ(-ETIMEDOUT, resume(args));
	EXPECT_EQ(0u, args.token);
	EXPECT_GE(in_ms(0), args.reply_deadline);
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid())) << "nobody waits";

	// One that is sooner than the moment. (On a slow machine the message may come too late.)
	args = parking("y", room, sizeof(room), in_ms(4));
	Thread server([&] {
		message = receive(channel);
		return message.result;
	});
	const long result = msg_send_receive(connection, args);
	EXPECT_TRUE(result == -ETIMEDOUT || result == -EINPROGRESS) << result;
	server.join();
}

// A server may choose any error, EINPROGRESS, too.
TEST_F(ParkTest, AnAnswerUsesTheTokenUp)
{
	stplr_msg_send args = parking("x", room, sizeof(room));

	park(args);
	ASSERT_EQ(0, reply_error(channel, message.rcvid(), EINPROGRESS));
	EXPECT_EQ(-EINPROGRESS, resume(args));
	EXPECT_EQ(0u, args.token);
}

// Its descriptors are its own; what the process waits for is not.
TEST_F(ParkTest, AThreadThatEndsTakesNothingAlong)
{
	stplr_msg_send args = parking("x", room, sizeof(room));

	park(args);
	Thread own_table([] { return unshare(CLONE_FILES); });
	EXPECT_EQ(0, own_table.join());
	EXPECT_TRUE(eventually([&] { return !thread_state(getpid(), own_table.tid()); }));
	ASSERT_EQ(0, reply(channel, message.rcvid(), "late"));
	EXPECT_EQ(0, resume(args));
	EXPECT_EQ("late", std::string(room, args.reply_len));
}

TEST_F(ParkTest, TheNextSendDropsIt)
{
	stplr_msg_send args = parking("x", room, sizeof(room));

	park(args);
	EXPECT_EQ(0, send_queued(connection, "z"));
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid()));
	EXPECT_EQ(-ENOENT, resume(args));
}

TEST_F(ParkTest, ItEndsWithItsChannelOrConnection)
{
	stplr_msg_send args = parking("x", room, sizeof(room));

	park(args);
	ASSERT_EQ(0, channel_destroy(channel));
	args.flags = STPLR_SEND_TELL;
	EXPECT_EQ(-ESRCH, call(connection, STPLR_MSG_SEND_RECEIVE, &args));
	EXPECT_EQ(1, args.status) << "the server had it";

	channel = new_channel(device, {}, 0, &chid);
	connection = new_connection(device, 0, chid);
	args = parking("x", room, sizeof(room));
	park(args);
	connection = Fd();
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid()));
}

// A timer may be left running when its connection goes.
TEST_F(ParkTest, ConnectionsComeAndGo)
{
	EchoServer server(channel);

	for (int i = 0; i < 300; i++) {
		Fd brief = new_connection(device, 0, chid);
		stplr_msg_send args = parking("x", room, sizeof(room));
		const long result = msg_send_receive(brief, args);

		EXPECT_TRUE(!result || result == -EINPROGRESS) << result;
	}
	channel_destroy(channel);
	server.finish();
}

TEST_F(ParkTest, OneWayMessagesAreNotParked)
{
	stplr_msg_send args = send_args(buffer("x"));

	args.flags = STPLR_SEND_PARK;
	EXPECT_EQ(-EINVAL, msg_send(connection, args));
	args.flags |= STPLR_SEND_QUEUED;
	EXPECT_EQ(-EINVAL, msg_send(connection, args));
}

} // namespace
