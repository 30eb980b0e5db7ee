// SPDX-License-Identifier: MIT
// Signals: a queued message is withdrawn, a received one is parked and waited for again; none is
// lost or doubled.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"
#include "support/watchdog.h"

namespace
{

// SIGUSR1's handler has no SA_RESTART (main.cc), SIGUSR2's has it.
class SignalTest : public PairTest
{
protected:
	SignalTest()
	{
		struct sigaction restart = {};

		restart.sa_handler = [](int) { handled++; };
		restart.sa_flags = SA_RESTART;
		sigaction(SIGUSR2, &restart, nullptr);
		handled = 0;
	}

	// A client whose call was parked by a signal: its thread waits for a go between its calls.
	struct Parked {
		Parked(int connection, stplr_buffer send, stplr_buffer reply,
		       int64_t reply_deadline = STPLR_DEADLINE_NONE)
			: args(with_deadline(send_args(send, reply), reply_deadline)),
			  thread([this, connection] {
				  long result = msg_send_receive(connection, args);
				  EXPECT_EQ(-EINTR, result);
				  EXPECT_NE(0u, args.token) << "not parked";
				  interrupted = true;
				  while (!go)
					  sleep_ms(1);
				  if (drop_first)
					  drop_result = send_one_way(connection, "drops it");
				  return msg_send_receive(connection, args);
			  })
		{
		}
		~Parked()
		{
			go = true;
		}
		static stplr_msg_send with_deadline(stplr_msg_send args, int64_t reply_deadline)
		{
			args.reply_deadline = reply_deadline;
			return args;
		}
		// Parks it, once it is REPLY-blocked.
		void park()
		{
			ASSERT_TRUE(thread.wait_blocked(STPLR_MSG_SEND_RECEIVE));
			thread.signal(SIGUSR1);
			ASSERT_TRUE(eventually([this] { return bool(interrupted); }));
		}
		long resume()
		{
			go = true;
			return thread.join();
		}

		stplr_msg_send args;
		std::atomic<bool> interrupted{false}, go{false};
		bool drop_first = false;
		long drop_result = 1;
		Thread thread;
	};

	static std::atomic<int> handled;
	char room[64] = {};
};

std::atomic<int> SignalTest::handled;

TEST_F(SignalTest, ReceiveIsInterrupted)
{
	Thread server([&] { return receive(channel).result; });
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	server.signal(SIGUSR1);
	EXPECT_EQ(-EINTR, server.join());
}

TEST_F(SignalTest, ReceiveStartsOver)
{
	Thread server([&] { return receive(channel).text == "x" ? 0l : 1l; });
	for (int i = 1; i <= 3; i++) {
		ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
		server.signal(SIGUSR2);
		ASSERT_TRUE(eventually([&] { return handled == i; }));
	}
	EXPECT_EQ(0, send_one_way(connection, "x"));
	EXPECT_EQ(0, server.join());
}

TEST_F(SignalTest, QueuedMessageIsWithdrawn)
{
	stplr_msg_send args = send_args(buffer("x"), buffer(room, sizeof(room)));
	Thread two_way([&] { return msg_send_receive(connection, args); });
	OneWaySender one_way(connection, "y");
	ASSERT_TRUE(two_way.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	ASSERT_TRUE(one_way.wait_blocked());
	two_way.signal(SIGUSR1);
	one_way.thread().signal(SIGUSR1);
	EXPECT_EQ(-EINTR, two_way.join());
	EXPECT_EQ(0u, args.token) << "nothing was received, nothing is parked";
	EXPECT_EQ(-EINTR, one_way.finish());
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

TEST_F(SignalTest, QueuedMessageIsSentAgain)
{
	Sender client(connection, "x");
	for (int i = 1; i <= 3; i++) {
		ASSERT_TRUE(client.wait_blocked());
		client.thread().signal(SIGUSR2);
		ASSERT_TRUE(eventually([&] { return handled == i; }));
	}
	ASSERT_TRUE(client.wait_blocked());
	Received message = poll_receive(channel);
	EXPECT_EQ("x", message.text);
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result) << "sent twice";
	EXPECT_EQ(0, reply(channel, message.rcvid(), "y"));
	EXPECT_EQ("y", client.finish().text);
}

TEST_F(SignalTest, DeadlineIsNotExtendedByRestarts)
{
	stplr_msg_send args = send_args(buffer("x"), {});
	args.send_deadline = in_ms(400);
	Thread client([&] { return msg_send_receive(connection, args); });
	while (!client.done() && now(CLOCK_MONOTONIC) < args.send_deadline + 20000000000) {
		client.signal(SIGUSR2);
		sleep_ms(5);
	}
	EXPECT_EQ(-ETIMEDOUT, client.join());
	EXPECT_GT(handled, 0);
	EXPECT_LT(now(CLOCK_MONOTONIC), args.send_deadline + 8000000000);
}

TEST_F(SignalTest, ParkedMessageIsWaitedForAgain)
{
	Parked client(connection, buffer("x"), buffer(room, sizeof(room)));
	Received message = receive(channel);
	client.park();
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
	client.go = true;
	ASSERT_TRUE(client.thread.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result) << "sent again";
	EXPECT_EQ(0, reply(channel, message.rcvid(), "the same", 3));
	EXPECT_EQ(0, client.thread.join());
	EXPECT_EQ("the same", std::string(room));
	EXPECT_EQ(8u, client.args.reply_len);
	EXPECT_EQ(8u, client.args.reply_total);
	EXPECT_EQ(3, client.args.status);
	EXPECT_EQ(0u, client.args.token) << "ready for the next message";
}

TEST_F(SignalTest, RepliedWhileParked)
{
	Parked client(connection, buffer("x"), buffer(room, sizeof(room)));
	Received message = receive(channel);
	client.park();
	stplr_msg_reply answer = reply_args(message.rcvid(), buffer("meanwhile"));
	answer.status = 9;
	EXPECT_EQ(0, msg_reply(channel, answer));
	EXPECT_EQ(9u, answer.len);
	EXPECT_EQ(0, client.resume());
	EXPECT_EQ("meanwhile", std::string(room));
	EXPECT_EQ(9, client.args.status);
}

TEST_F(SignalTest, LargeReplyWhileParked)
{
	constexpr size_t kSize = 700000;
	Mapping reply_room(kSize), bytes(kSize);
	fill_pattern(bytes.data(), kSize, 1);
	poison_bytes(reply_room.data(), kSize);
	Parked client(connection, buffer(bytes.data(), kSize), buffer(reply_room.data(), kSize));
	Received message = receive(channel, 1000);
	client.park();
	// The message can still be read, the room written.
	std::vector<char> rest(kSize - 1000);
	stplr_msg_data data = data_args(message.rcvid(), buffer(rest.data(), rest.size()), 1000);
	EXPECT_EQ(0, msg_read(channel, data));
	EXPECT_EQ(rest.size(), data.len);
	EXPECT_TRUE(expect_pattern(rest.data(), rest.size(), 1, 1000));
	fill_pattern(rest.data(), 5000, 2, kSize - 5000);
	data = data_args(message.rcvid(), buffer(rest.data(), 5000), kSize - 5000);
	EXPECT_EQ(0, msg_write(channel, data));
	EXPECT_EQ(5000u, data.len);
	fill_pattern(bytes.data(), kSize - 5000, 2);
	stplr_msg_reply answer = reply_args(message.rcvid(), buffer(bytes.data(), kSize - 5000));
	EXPECT_EQ(0, msg_reply(channel, answer));
	EXPECT_EQ(0, client.resume());
	EXPECT_EQ(kSize - 5000, client.args.reply_len);
	EXPECT_TRUE(expect_pattern(reply_room.data(), kSize, 2));
}

TEST_F(SignalTest, OneWayMessageReadInPart)
{
	constexpr size_t kSize = 50000, kPart = 1000;
	std::vector<char> bytes(kSize), got(kSize);
	fill_pattern(bytes.data(), kSize, 7);
	stplr_msg_send args = send_args(buffer(bytes.data(), kSize));
	std::atomic<bool> go{false};
	std::atomic<long> interrupted{0};
	Thread client([&] {
		interrupted = msg_send(connection, args);
		while (!go)
			sleep_ms(1);
		return msg_send(connection, args);
	});
	Received message = receive(channel, kPart);
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND));
	client.signal(SIGUSR1);
	EXPECT_TRUE(eventually([&] { return interrupted != 0; }));
	EXPECT_EQ(-EINTR, interrupted);
	EXPECT_NE(0u, args.token) << "not parked";
	// As with a call that wants a reply, the sender's memory is still the server's to read.
	memcpy(got.data(), message.text.data(), kPart);
	stplr_msg_data rest = data_args(message.rcvid(), buffer(got.data() + kPart, kSize), kPart);
	EXPECT_EQ(0, msg_read(channel, rest));
	EXPECT_EQ(kSize - kPart, rest.len);
	EXPECT_TRUE(expect_pattern(got.data(), kSize, 7));
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result) << "sent again";
	go = true;
	EXPECT_EQ(0, client.join());
	EXPECT_EQ(0u, args.token);
}

TEST_F(SignalTest, ErrorWhileParked)
{
	Parked client(connection, buffer("x"), buffer(room, sizeof(room)));
	Received message = receive(channel);
	client.park();
	EXPECT_EQ(0, reply_error(channel, message.rcvid(), EPROTO));
	EXPECT_EQ(-EPROTO, client.resume());
}

TEST_F(SignalTest, ParkedAgainAndAgain)
{
	stplr_msg_send args = send_args(buffer("x"), buffer(room, sizeof(room)));
	int interruptions = 0;
	Thread client([&] {
		long result;
		while ((result = msg_send_receive(connection, args)) == -EINTR)
			interruptions++;
		return result;
	});
	Received message = receive(channel);
	for (int i = 0; i < 10; i++) {
		ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
		client.signal(SIGUSR1);
	}
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
	EXPECT_EQ(0, reply(channel, message.rcvid(), "once"));
	EXPECT_EQ(0, client.join());
	EXPECT_EQ("once", std::string(room));
	EXPECT_GT(interruptions, 0);
}

TEST_F(SignalTest, ReplyBlockedStartsOver)
{
	Sender client(connection, "x");
	Received message = receive(channel);
	for (int i = 1; i <= 5; i++) {
		ASSERT_TRUE(client.wait_blocked());
		client.thread().signal(SIGUSR2);
		ASSERT_TRUE(eventually([&] { return handled == i; }));
	}
	ASSERT_TRUE(client.wait_blocked());
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
	EXPECT_EQ(0, reply(channel, message.rcvid(), "y"));
	EXPECT_EQ("y", client.finish().text);
}

TEST_F(SignalTest, AnotherSendDropsTheParkedMessage)
{
	Parked client(connection, buffer("x"), buffer(room, sizeof(room)));
	Received message = receive(channel);
	client.park();
	client.drop_first = true;
	client.go = true;
	EXPECT_EQ("drops it", receive(channel).text);
	EXPECT_EQ(-ENOENT, client.thread.join()) << "it is parked no more";
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid(), "late"));
	EXPECT_EQ(0, client.drop_result);
	EXPECT_EQ(0, room[0]);
}

TEST_F(SignalTest, AnotherThreadsSendDropsNothing)
{
	Parked client(connection, buffer("x"), buffer(room, sizeof(room)));
	Received message = receive(channel);
	client.park();
	OneWaySender other(connection, "other");
	EXPECT_EQ("other", receive(channel).text);
	EXPECT_EQ(0, other.finish());
	EXPECT_EQ(0, reply(channel, message.rcvid(), "still"));
	EXPECT_EQ(0, client.resume());
	EXPECT_EQ("still", std::string(room));
}

TEST_F(SignalTest, AnotherThreadsSendDropsWhatTheDeadLeft)
{
	Received message;
	pid_t dead;
	{
		stplr_msg_send args = send_args(buffer("x"), buffer(room, sizeof(room)));
		Thread client([&] { return msg_send_receive(connection, args); });
		message = receive(channel);
		ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
		client.signal(SIGUSR1);
		EXPECT_EQ(-EINTR, client.join());
		dead = client.tid();
	}
	ASSERT_TRUE(eventually([&] { return !thread_state(getpid(), dead); }));
	OneWaySender other(connection, "other");
	EXPECT_EQ("other", receive(channel).text);
	EXPECT_EQ(0, other.finish());
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid(), "late"));
}

TEST_F(SignalTest, UnknownTokens)
{
	for (uint64_t token : {uint64_t(1), uint64_t(12345), ~uint64_t(0)}) {
		stplr_msg_send args = send_args(buffer("x"), buffer(room, sizeof(room)));
		args.token = token;
		EXPECT_EQ(-ENOENT, msg_send_receive(connection, args)) << token;
	}
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

TEST_F(SignalTest, BadRoomUsesUpNoToken)
{
	Parked client(connection, buffer("x"), buffer(room, sizeof(room)));
	Received message = receive(channel);
	client.park();
	stplr_msg_send again = client.args;
	again.reply.addr = ~uint64_t(0);
	EXPECT_EQ(-EFAULT, msg_send_receive(connection, again));
	EXPECT_EQ(client.args.token, again.token) << "the message is parked as before";
	EXPECT_EQ(0, reply(channel, message.rcvid(), "still"));
	EXPECT_EQ(0, client.resume());
	EXPECT_EQ("still", std::string(room));
}

TEST_F(SignalTest, ForkedProcesssToken)
{
	// The same structure at the same address, over the same connection: but what the reply goes
	// to is the parent's memory.
	Parked client(connection, buffer("x"), buffer(room, sizeof(room)));
	Received message = receive(channel);
	client.park();
	Child child([&](Child &) {
		stplr_msg_send args = client.args;
		EXPECT_EQ(-ENOENT, call(connection, STPLR_MSG_SEND_RECEIVE, &args));
		EXPECT_EQ(0u, args.token) << "used up";
		EXPECT_EQ(-ENOENT, call(connection, STPLR_MSG_SEND_RECEIVE, &client.args));
		EXPECT_EQ("", std::string(room));
		return 0;
	});
	child.expect_success();
	EXPECT_EQ(0, reply(channel, message.rcvid(), "mine"));
	EXPECT_EQ(0, client.resume());
	EXPECT_STREQ("mine", room);
}

TEST_F(SignalTest, OtherConnectionsToken)
{
	Fd other = new_connection(device, 0, chid);
	Parked client(connection, buffer("x"), buffer(room, sizeof(room)));
	Received message = receive(channel);
	client.park();
	char stolen[64] = {};
	stplr_msg_send thief = send_args(buffer("x"), buffer(stolen, sizeof(stolen)));
	thief.token = client.args.token;
	EXPECT_EQ(-ENOENT, msg_send_receive(other, thief));
	EXPECT_EQ(0, reply(channel, message.rcvid(), "mine"));
	EXPECT_EQ(0, client.resume());
	EXPECT_EQ("mine", std::string(room));
	EXPECT_EQ(0, stolen[0]);
}

TEST_F(SignalTest, TwoParkedOnOneConnection)
{
	char other_room[64] = {}, stray_room[64] = {};
	Parked one(connection, buffer("one"), buffer(room, sizeof(room)));
	Received first = receive(channel);
	one.park();
	Parked two(connection, buffer("two"), buffer(other_room, sizeof(other_room)));
	Received second = receive(channel);
	two.park();
	EXPECT_NE(one.args.token, two.args.token);
	stplr_msg_send stray = send_args(buffer("x"), buffer(stray_room, sizeof(stray_room)));
	stray.token = one.args.token + two.args.token;
	EXPECT_EQ(-ENOENT, msg_send_receive(connection, stray));
	EXPECT_EQ(0, reply(channel, second.rcvid(), "to two"));
	EXPECT_EQ(0, reply(channel, first.rcvid(), "to one"));
	EXPECT_EQ(0, two.resume());
	EXPECT_EQ(0, one.resume());
	EXPECT_EQ("to one", std::string(room));
	EXPECT_EQ("to two", std::string(other_room));
}

TEST_F(SignalTest, ChannelEndsWhileParked)
{
	Parked client(connection, buffer("x"), buffer(room, sizeof(room)));
	Received message = receive(channel);
	client.park();
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, client.resume());
}

TEST_F(SignalTest, DeadlineWhileParked)
{
	int64_t deadline = in_ms(1500);
	Parked client(connection, buffer("x"), buffer(room, sizeof(room)), deadline);
	Received message = receive(channel);
	client.park();
	while (now(CLOCK_MONOTONIC) < deadline)
		sleep_ms(10);
	EXPECT_EQ(-ETIMEDOUT, client.resume());
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid()));
}

TEST_F(SignalTest, ConnectionClosedWhileParked)
{
	Child client([&](Child &self) {
		stplr_msg_send args = send_args(buffer("x"), {});
		EXPECT_EQ(-EINTR, msg_send_receive(connection, args));
		self.tell(0);
		self.hear();
		return 0;
	});
	Received message = receive(channel);
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	client.kill(SIGUSR1);
	client.hear();
	connection.reset();
	client.tell(0);
	client.expect_success();
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid(), "nobody"));
}

TEST_F(SignalTest, StopAndContinue)
{
	// In both states, several times: nothing is seen of it.
	Child client([&](Child &self) {
		Sent sent = send_receive(connection, "x");
		self.tell(sent.text == "y");
		return int(sent.result);
	});
	auto stop_and_continue = [&] {
		ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
		client.kill(SIGSTOP);
		ASSERT_TRUE(eventually(
			[&] { return thread_state(client.pid(), client.pid()) == 'T'; }));
		client.kill(SIGCONT);
	};
	for (int i = 0; i < 3; i++)
		stop_and_continue();
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	Received message = receive(channel);
	EXPECT_EQ("x", message.text);
	for (int i = 0; i < 3; i++)
		stop_and_continue();
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
	EXPECT_EQ(0, reply(channel, message.rcvid(), "y"));
	EXPECT_EQ(1, client.hear());
	client.expect_success();
}

TEST_F(SignalTest, StoppedServer)
{
	Child server([&](Child &) { return echo_until_error(channel) == -ESRCH ? 0 : 1; });
	for (int i = 0; i < 3; i++) {
		ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
		server.kill(SIGSTOP);
		ASSERT_TRUE(eventually(
			[&] { return thread_state(server.pid(), server.pid()) == 'T'; }));
		Sender client(connection, "patience");
		EXPECT_TRUE(client.wait_blocked());
		server.kill(SIGCONT);
		EXPECT_EQ("patience", client.finish().text);
	}
	EXPECT_EQ(0, channel_destroy(channel));
	server.expect_success();
}

TEST_F(SignalTest, TracedClient)
{
	Child client([&](Child &self) {
		Sent sent = send_receive(connection, "x");
		self.tell(sent.text == "y");
		return int(sent.result);
	});
	auto attach_and_detach = [&] {
		int status;
		ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
		ASSERT_EQ(0, ptrace(PTRACE_SEIZE, client.pid(), nullptr, nullptr))
			<< strerror(errno);
		ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, client.pid(), nullptr, nullptr));
		ASSERT_EQ(client.pid(), waitpid(client.pid(), &status, __WALL));
		ASSERT_TRUE(WIFSTOPPED(status));
		ASSERT_EQ(0, ptrace(PTRACE_DETACH, client.pid(), nullptr, nullptr));
	};
	attach_and_detach();
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	Received message = receive(channel);
	attach_and_detach();
	attach_and_detach();
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
	EXPECT_EQ(0, reply(channel, message.rcvid(), "y"));
	EXPECT_EQ(1, client.hear());
	client.expect_success();
}

TEST_F(SignalTest, IgnoredSignalsDoNothing)
{
	Child client([&](Child &self) {
		signal(SIGUSR1, SIG_IGN);
		self.tell(0);
		return send_receive(connection, "x").text == "y" ? 0 : 1;
	});
	client.hear();
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	client.kill(SIGUSR1);
	client.kill(SIGCHLD);
	client.kill(SIGWINCH);
	Received message = receive(channel);
	client.kill(SIGUSR1);
	client.kill(SIGURG);
	EXPECT_EQ(0, reply(channel, message.rcvid(), "y"));
	client.expect_success();
}

// A timer signal every millisecond over many calls; each message carries its number, and the server
// expects each number once.
class TimerSignalTest : public SignalTest, public testing::WithParamInterface<int>
{
};

TEST_P(TimerSignalTest, LosesAndDoublesNothing)
{
	const bool restart = GetParam() & 1, large = GetParam() & 2;
	const int64_t calls = (large ? 400 : 2000) * test_repeat();
	const size_t size = large ? 200000 : 16;

	Child client([&](Child &self) {
		struct sigaction tick = {};
		tick.sa_handler = [](int) { handled++; };
		tick.sa_flags = restart ? SA_RESTART : 0;
		sigaction(SIGALRM, &tick, nullptr);
		itimerval every = {{0, 1000}, {0, 1000}};
		setitimer(ITIMER_REAL, &every, nullptr);
		std::vector<char> message(size), answer(size);
		int64_t interrupted = 0;
		for (int64_t i = 0; i < calls; i++) {
			fill_pattern(message.data(), size, i);
			memcpy(message.data(), &i, sizeof(i));
			poison(answer[0]);
			stplr_msg_send args = send_args(buffer(message.data(), size),
							buffer(answer.data(), size));
			long result;
			while ((result = msg_send_receive(connection, args)) == -EINTR)
				interrupted++;
			EXPECT_EQ(0, result);
			EXPECT_EQ(size, args.reply_len);
			EXPECT_EQ(0, memcmp(&i, answer.data(), sizeof(i)))
				<< "another message's reply";
			EXPECT_TRUE(expect_pattern(answer.data() + 8, size - 8, i + 1, 8));
			if (HasFailure())
				return 1;
		}
		itimerval never = {};
		setitimer(ITIMER_REAL, &never, nullptr);
		EXPECT_GT(handled, 0);
		if (restart)
			EXPECT_EQ(0, interrupted);
		self.tell(handled);
		return 0;
	});

	std::vector<char> bytes(size);
	for (int64_t expected = 0; expected < calls; expected++) {
		stplr_msg_receive args =
			receive_args(buffer(bytes.data(), size), in_ms(kPatienceMs));
		ASSERT_EQ(0, msg_receive(channel, args));
		int64_t number;
		memcpy(&number, bytes.data(), sizeof(number));
		ASSERT_EQ(expected, number) << "lost or doubled";
		ASSERT_TRUE(expect_pattern(bytes.data() + 8, size - 8, number, 8));
		if (expected % 16 == 0)
			usleep(1500);
		fill_pattern(bytes.data() + 8, size - 8, number + 1, 8);
		stplr_msg_reply answer = reply_args(args.info.rcvid, buffer(bytes.data(), size));
		ASSERT_EQ(0, msg_reply(channel, answer));
	}
	EXPECT_GT(client.hear(), 0);
	client.expect_success();
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

INSTANTIATE_TEST_SUITE_P(Kinds, TimerSignalTest, testing::Range(0, 4), [](const auto &info) {
	return std::string(info.param & 1 ? "Restarting" : "Interrupting") +
	       (info.param & 2 ? "Large" : "Small");
});

} // namespace
