// SPDX-License-Identifier: MIT
// Pairs of events that meet, in both orders and in between. Whichever comes first, both sides see
// the same story, nothing is lost, and nobody hangs. (What must come of an order that can be made
// is in the suites of its subject: detach_test, death_test, signal_test, accept_test and so on.)
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"
#include "support/race.h"
#include "support/watchdog.h"

namespace
{

constexpr size_t kLarge = 1 << 20;

class RaceTest : public PairTest
{
protected:
	explicit RaceTest(int64_t least_ns = 0) : race(1, least_ns) {}

	// So many rounds; more if an outcome that is expected has not come.
	bool again(int round, int usual) const
	{
		usual *= test_repeat();
		return !HasFailure() && (round < usual || (round < 20 * usual && !race.all_seen()));
	}

	Race race;
};

// A client that goes on waiting when a signal has parked its message.
struct StubbornClient {
	explicit StubbornClient(int connection)
		: thread([this, connection] {
			  long result = msg_send_receive(connection, args);
			  if (result != -EINTR || args.token == 0)
				  return result;
			  parked = true;
			  return msg_send_receive(connection, args);
		  })
	{
	}

	char room[64] = {};
	stplr_msg_send args = send_args(buffer("x"), buffer(room, sizeof(room)));
	bool parked = false;
	Thread thread;
};

TEST_F(RaceTest, SignalAndReply)
{
	race.expect({"the signal first", "the reply first"});
	for (int round = 0; again(round, 50); round++) {
		StubbornClient client(connection);
		Received message = receive(channel);
		std::string text = std::to_string(round);
		auto [signalled, replied] = race.run(
			[&] {
				client.thread.signal(SIGUSR1);
				return 0;
			},
			[&] { return reply(channel, message.rcvid(), text); });
		EXPECT_EQ(0, replied);
		EXPECT_EQ(0, client.thread.join());
		EXPECT_EQ(text, client.room);
		race.count(client.parked ? "the signal first" : "the reply first");
	}
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
	race.check();
}

TEST_F(RaceTest, SignalAndReceive)
{
	race.expect({"received", "withdrawn"});
	for (int round = 0; again(round, 50); round++) {
		StubbornClient client(connection);
		ASSERT_TRUE(client.thread.wait_blocked(STPLR_MSG_SEND_RECEIVE));
		Received message;
		auto [signalled, received] = race.run(
			[&] {
				client.thread.signal(SIGUSR1);
				return 0;
			},
			[&] {
				message = poll_receive(channel);
				return message.result;
			});
		if (received == 0) {
			EXPECT_EQ(0, reply(channel, message.rcvid(), "y"));
			EXPECT_EQ(0, client.thread.join());
			EXPECT_STREQ("y", client.room);
			race.count("received");
		} else {
			EXPECT_EQ(-EAGAIN, received);
			EXPECT_EQ(-EINTR, client.thread.join());
			EXPECT_FALSE(client.parked);
			race.count("withdrawn");
		}
	}
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
	race.check();
}

TEST_F(RaceTest, DeadlineAndReceive)
{
	// The client must be waiting before its deadline comes: how long that takes, and how late
	// timers are, is what this machine has shown so far.
	int64_t ahead = 2000000, spread = 50000;
	int same = 0;
	std::string last;
	race.expect({"received", "timed out"});
	for (int round = 0; again(round, 50); round++) {
		stplr_msg_send args = send_args(buffer("x"));
		args.send_deadline = now(CLOCK_MONOTONIC) + ahead;
		Thread client([&] { return msg_send(connection, args); });
		while (!blocked_in(getpid(), client.tid(), STPLR_MSG_SEND) &&
		       now(CLOCK_MONOTONIC) < args.send_deadline)
			;
		if (now(CLOCK_MONOTONIC) > args.send_deadline - spread)
			ahead = std::min<int64_t>(2 * ahead, 1000000000);
		// The receive is tried around the deadline.
		const int64_t at = args.send_deadline + spread * (round % 20 - 10) / 10;
		while (now(CLOCK_MONOTONIC) < at)
			;
		Received message = poll_receive(channel);
		long sent = client.join();
		if (message.result == 0)
			EXPECT_EQ(0, sent) << result_name(sent);
		else
			EXPECT_EQ(-ETIMEDOUT, sent);
		const std::string outcome = message.result == 0 ? "received" : "timed out";
		race.count(outcome);
		same = outcome == last ? same + 1 : 0;
		last = outcome;
		if (same >= 20) {
			spread = std::min<int64_t>(2 * spread, ahead / 2);
			same = 0;
		}
	}
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
	race.check();
}

TEST_F(RaceTest, TwoFirstPulses)
{
	// Each would make the channel's pool: one is made, and holds as many pulses as it should.
	for (int round = 0; again(round, 50); round++) {
		Fd own = new_channel(device, "first");
		Fd one = new_connection(device, "first"), two = new_connection(device, "first");
		stplr_pulse_send args = {};
		args.priority = STPLR_PRIORITY_OWN;
		auto [first, second] = race.run([&] { return call(one, STPLR_PULSE_SEND, &args); },
						[&] { return call(two, STPLR_PULSE_SEND, &args); });
		EXPECT_EQ(0, first) << result_name(first);
		EXPECT_EQ(0, second) << result_name(second);
		for (int i = 2; i < STPLR_PULSES_DEFAULT; i++)
			ASSERT_EQ(0, call(one, STPLR_PULSE_SEND, &args)) << i;
		EXPECT_EQ(-EAGAIN, call(two, STPLR_PULSE_SEND, &args));
		char pulse[sizeof(stplr_pulse)];
		for (int i = 0; i < STPLR_PULSES_DEFAULT; i++) {
			stplr_msg_receive taken =
				receive_args(buffer(pulse, sizeof(pulse)), STPLR_DEADLINE_POLL);
			ASSERT_EQ(0, msg_receive(own, taken)) << i;
		}
	}
}

// A server process that closes its last descriptor of a channel while a thread of it receives.
class ClosingServer
{
public:
	// Makes a descriptor each round.
	ClosingServer(std::function<Fd()> descriptor)
		: child_([descriptor = std::move(descriptor)](Child &self) {
			  Race race;
			  while (self.hear()) {
				  Fd channel = descriptor();
				  int fd = channel.release();
				  self.tell(fd < 0 ? fd : 0);
				  self.hear();
				  long received =
					  race.run([=] { return close(fd); },
						   [=] { return poll_receive(fd, 1 << 19).result; })
						  .second;
				  self.tell(received);
			  }
			  return 0;
		  })
	{
	}
	// The result of its receive: 0, or EBADF if it came too late.
	void open()
	{
		child_.tell(1);
		EXPECT_EQ(0, child_.hear());
	}
	long close_and_receive()
	{
		child_.tell(0);
		return child_.hear();
	}
	void end()
	{
		child_.tell(0);
		child_.expect_success();
	}
	pid_t pid() const
	{
		return child_.pid();
	}

private:
	Child child_;
};

TEST_F(RaceTest, CloseAndReceive)
{
	race.expect({"received", "closed"});
	// Others have the channel too: what the process received ends with it, what it did not is
	// theirs.
	pid_t owner = getpid();
	int original = channel;
	ClosingServer server([=] {
		static Fd process(syscall(SYS_pidfd_open, owner, 0));
		close(original);
		return Fd(syscall(SYS_pidfd_getfd, int(process), original, 0));
	});
	// Long, so that the close finds it being copied as well.
	const std::string text(1 << 19, 'x');
	for (int round = 0; again(round, 40); round++) {
		server.open();
		Sender client(connection, text);
		ASSERT_TRUE(client.wait_blocked());
		long received = server.close_and_receive();
		if (received == 0) {
			EXPECT_EQ(-ESRCH, client.finish().result);
			race.count("received");
		} else {
			EXPECT_EQ(-EBADF, received) << result_name(received);
			EXPECT_FALSE(client.done());
			Received message = poll_receive(channel);
			EXPECT_EQ(0, reply(channel, message.rcvid(), "y"));
			EXPECT_EQ("y", client.finish().text);
			race.count("closed");
		}
	}
	server.end();
	race.check();
}

TEST_F(RaceTest, CloseBeforeReceive)
{
	// The thread that waits to receive has the channel still, its process has not: what it gets
	// nobody can answer.
	Child server([this](Child &self) {
		int fd = channel.release();
		Thread receiver([fd] { return receive(fd).result; });
		EXPECT_TRUE(receiver.wait_blocked(STPLR_MSG_RECEIVE));
		close(fd);
		self.tell(0);
		EXPECT_EQ(0, receiver.join());
		self.hear();
		return 0;
	});
	server.hear();
	EXPECT_EQ(-ESRCH, send_receive(connection, "x").result);
	server.tell(0);
	server.expect_success();
}

TEST_F(RaceTest, LastCloseAndReceive)
{
	race.expect({"received", "closed"});
	// Nobody else has the channel: it ends, and its client's call with it, in any case.
	ClosingServer server([this] { return new_channel(device, "closing"); });
	for (int round = 0; again(round, 40); round++) {
		server.open();
		Fd mine = new_connection(device, "closing");
		Sender client(mine, "x");
		ASSERT_TRUE(client.wait_blocked());
		long received = server.close_and_receive();
		EXPECT_TRUE(received == 0 || received == -EBADF) << result_name(received);
		EXPECT_EQ(-ESRCH, client.finish().result);
		race.count(received == 0 ? "received" : "closed");
	}
	server.end();
	race.check();
}

TEST_F(RaceTest, ClientsCloseAndReceive)
{
	// A queued message does not care.
	for (int round = 0; again(round, 50); round++) {
		Fd mine = new_connection(device, 0, chid);
		ASSERT_EQ(0, send_queued(mine, std::to_string(round)));
		Received message;
		race.run(
			[&] {
				mine.reset();
				return 0;
			},
			[&] { return (message = poll_receive(channel)).result; });
		EXPECT_EQ(std::to_string(round), message.text);
	}
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

TEST_F(RaceTest, ClientsCloseAndReply)
{
	race.expect({"the reply first", "the close first"});
	// A parked message, whose connection ends.
	for (int round = 0; again(round, 50); round++) {
		Fd mine = new_connection(device, 0, chid);
		char room[64];
		stplr_msg_send args = send_args(buffer("x"), buffer(room, sizeof(room)));
		Thread client([&] { return msg_send_receive(mine, args); });
		Received message = receive(channel);
		ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
		client.signal(SIGUSR1);
		ASSERT_EQ(-EINTR, client.join());
		ASSERT_NE(0u, args.token);
		long replied = race.run(
					   [&] {
						   mine.reset();
						   return 0;
					   },
					   [&] { return reply(channel, message.rcvid(), "y"); })
				       .second;
		EXPECT_TRUE(replied == 0 || replied == -ESRCH) << result_name(replied);
		race.count(replied == 0 ? "the reply first" : "the close first");
	}
	race.check();
}

// Clients that die while their bytes are copied.
class KillRaceTest : public RaceTest
{
protected:
	// A kill takes no time, but copying does.
	KillRaceTest() : RaceTest(3000000), bytes(kLarge)
	{
		fill_pattern(bytes.data(), kLarge, 1);
	}

	int send_large()
	{
		std::vector<char> room(kLarge);
		stplr_msg_send args =
			send_args(buffer(bytes.data(), kLarge), buffer(room.data(), kLarge));
		return int(msg_send_receive(connection, args));
	}

	std::vector<char> bytes;
	// Shared: else each fork would have it copied by the faults of the next receive.
	Mapping in{kLarge, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS};
};

TEST_F(KillRaceTest, KillAndReceive)
{
	race.expect({"received", "killed"});
	for (int round = 0; again(round, 30); round++) {
		Child client([this](Child &) { return send_large(); });
		ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
		stplr_msg_receive args =
			receive_args(buffer(in.data(), kLarge), STPLR_DEADLINE_POLL);
		auto [killed, received] = race.run(
			[&] {
				client.kill(SIGKILL);
				return 0;
			},
			[&] { return msg_receive(channel, args); });
		EXPECT_TRUE(WIFSIGNALED(client.wait()));
		if (received == 0) {
			EXPECT_TRUE(expect_pattern(in.data(), kLarge, 1));
			EXPECT_EQ(-ESRCH, reply(channel, args.info.rcvid, "late"));
		} else {
			EXPECT_EQ(-EAGAIN, received);
		}
		EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
		race.count(received == 0 ? "received" : "killed");
	}
	race.check();
}

TEST_F(KillRaceTest, KillAndReply)
{
	race.expect({"replied", "killed"});
	for (int round = 0; again(round, 30); round++) {
		Child client([this](Child &) { return send_large(); });
		Received message = receive(channel);
		ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
		stplr_msg_reply args = reply_args(message.rcvid(), buffer(bytes.data(), kLarge));
		auto [killed, replied] = race.run(
			[&] {
				client.kill(SIGKILL);
				return 0;
			},
			[&] { return msg_reply(channel, args); });
		int status = client.wait();
		EXPECT_TRUE(replied == 0 || replied == -ESRCH) << result_name(replied);
		if (WIFEXITED(status))
			EXPECT_EQ(0, replied) << "the client got what was not given";
		race.count(replied == 0 ? "replied" : "killed");
	}
	race.check();
}

TEST_F(KillRaceTest, KilledServerAndItsReply)
{
	race.expect({"replied", "killed"});
	// A client gets all of the reply, or ESRCH.
	std::vector<char> room(kLarge);
	for (int round = 0; again(round, 25); round++) {
		Child server([this](Child &self) {
			Received message = receive(channel);
			self.tell(0);
			int64_t moment = self.hear();
			stplr_msg_reply args =
				reply_args(message.rcvid(), buffer(bytes.data(), kLarge));
			while (now(CLOCK_MONOTONIC) < moment)
				;
			msg_reply(channel, args);
			pause();
			return 1;
		});
		stplr_msg_send args = send_args(buffer("x"), buffer(room.data(), kLarge));
		poison_bytes(room.data(), kLarge);
		Thread client([&] { return msg_send_receive(connection, args); });
		server.hear();
		int64_t moment = in_ms(3);
		server.tell(moment);
		moment += (round % 40 - 10) * 150000;
		while (now(CLOCK_MONOTONIC) < moment)
			;
		server.kill(SIGKILL);
		server.wait();
		long result = client.join();
		if (result == 0)
			EXPECT_TRUE(expect_pattern(room.data(), kLarge, 1));
		else
			EXPECT_EQ(-ESRCH, result) << result_name(result);
		race.count(result == 0 ? "replied" : "killed");
	}
	race.check();
}

TEST_F(RaceTest, DestroyAndConnectByName)
{
	race.expect({"connected", "destroyed"});
	for (int round = 0; again(round, 50); round++) {
		// The name is free as soon as the last round's channel has ended.
		Fd mine = new_channel(device, "doomed");
		stplr_connect_attach args = attach_args("doomed");
		auto [destroyed, connected] =
			race.run([&] { return channel_destroy(mine); },
				 [&] { return connect_attach(device, args); });
		EXPECT_EQ(0, destroyed);
		if (connected >= 0) {
			Fd late(connected);
			EXPECT_EQ(-ESRCH, send_one_way(late, "x"));
		} else {
			EXPECT_EQ(-ENOENT, connected) << result_name(connected);
		}
		race.count(connected >= 0 ? "connected" : "destroyed");
	}
	race.check();
}

TEST_F(RaceTest, DestroyAndConnectById)
{
	race.expect({"connected", "destroyed"});
	for (int round = 0; again(round, 50); round++) {
		int id;
		Fd mine = new_channel(device, {}, 0, &id);
		stplr_connect_attach args = attach_args(0, id);
		auto [destroyed, connected] =
			race.run([&] { return channel_destroy(mine); },
				 [&] { return connect_attach(device, args); });
		EXPECT_EQ(0, destroyed);
		if (connected >= 0) {
			Fd late(connected);
			EXPECT_EQ(-ESRCH, send_one_way(late, "x"));
		} else {
			EXPECT_EQ(-ESRCH, connected) << result_name(connected);
		}
		race.count(connected >= 0 ? "connected" : "destroyed");
	}
	race.check();
}

TEST_F(RaceTest, DestroyAndSend)
{
	for (int round = 0; again(round, 50); round++) {
		int id;
		Fd mine = new_channel(device, {}, 0, &id);
		Fd client = new_connection(device, 0, id);
		auto [destroyed, sent] = race.run([&] { return channel_destroy(mine); },
						  [&] { return send_receive(client, "x").result; });
		EXPECT_EQ(0, destroyed);
		EXPECT_EQ(-ESRCH, sent);
	}
}

class AcceptRaceTest : public RaceTest
{
protected:
	long accept()
	{
		stplr_channel_accept args = accept_args(STPLR_DEADLINE_POLL);
		return channel_accept(listener, args);
	}

	Fd listener = new_channel(device, "listener", STPLR_CHANNEL_LISTEN);
};

TEST_F(AcceptRaceTest, AcceptAndClientsClose)
{
	race.expect({"accepted", "closed"});
	for (int round = 0; again(round, 50); round++) {
		Fd client = new_connection(device, "listener");
		auto [closed, accepted] = race.run(
			[&] {
				client.reset();
				return 0;
			},
			[&] { return accept(); });
		if (accepted >= 0) {
			Fd mine(accepted);
			EXPECT_EQ(-EPIPE, poll_receive(mine).result);
		} else {
			EXPECT_EQ(-EAGAIN, accepted) << result_name(accepted);
		}
		EXPECT_EQ(-EAGAIN, accept()) << "a second time";
		race.count(accepted >= 0 ? "accepted" : "closed");
	}
	race.check();
}

TEST_F(AcceptRaceTest, AcceptThatFailsAndClientsClose)
{
	// Wherever the connection is then: it is not handed out afterwards.
	Mapping page(page_size());
	*reinterpret_cast<stplr_channel_accept *>(page.data()) = accept_args(STPLR_DEADLINE_POLL);
	page.protect(PROT_READ, 0, page.size());
	race.expect({"put back", "closed"});
	for (int round = 0; again(round, 100); round++) {
		Fd client = new_connection(device, "listener");
		auto [closed, failed] = race.run(
			[&] {
				client.reset();
				return 0;
			},
			[&] {
				int times = 0;
				while (times < 20 &&
				       call(listener, STPLR_CHANNEL_ACCEPT, page.data()) == -EFAULT)
					times++;
				return times;
			});
		EXPECT_EQ(-EAGAIN, accept());
		race.count(failed ? "put back" : "closed");
	}
	race.check();
}

TEST_F(AcceptRaceTest, AcceptAndListenersEnd)
{
	race.expect({"accepted", "destroyed"});
	for (int round = 0; again(round, 50); round++) {
		Fd connection = new_connection(device, "listener");
		Sender client(connection, "x");
		ASSERT_TRUE(client.wait_blocked());
		auto [destroyed, accepted] = race.run([&] { return channel_destroy(listener); },
						      [&] { return accept(); });
		EXPECT_EQ(0, destroyed);
		if (accepted >= 0) {
			// It outlives its listener.
			Fd mine(accepted);
			Received message = poll_receive(mine);
			EXPECT_EQ("x", message.text);
			EXPECT_EQ(0, reply(mine, message.rcvid(), "y"));
			EXPECT_EQ("y", client.finish().text);
		} else {
			EXPECT_EQ(-ESRCH, accepted) << result_name(accepted);
			EXPECT_EQ(-ESRCH, client.finish().result);
		}
		race.count(accepted >= 0 ? "accepted" : "destroyed");
		listener = new_channel(device, "listener", STPLR_CHANNEL_LISTEN);
	}
	race.check();
}

TEST_F(AcceptRaceTest, ConnectAndListenersEnd)
{
	race.expect({"connected", "destroyed"});
	for (int round = 0; again(round, 50); round++) {
		stplr_connect_attach args = attach_args("listener");
		auto [destroyed, connected] =
			race.run([&] { return channel_destroy(listener); },
				 [&] { return connect_attach(device, args); });
		EXPECT_EQ(0, destroyed);
		if (connected >= 0) {
			Fd late(connected);
			EXPECT_EQ(-ESRCH, send_one_way(late, "x"));
		} else {
			EXPECT_TRUE(connected == -ENOENT || connected == -ESRCH)
				<< result_name(connected);
		}
		race.count(connected >= 0 ? "connected" : "destroyed");
		listener = new_channel(device, "listener", STPLR_CHANNEL_LISTEN);
	}
	race.check();
}

// By the length of the reply.
class DetachRaceTest : public RaceTest, public testing::WithParamInterface<size_t>
{
};

TEST_P(DetachRaceTest, DetachAndReply)
{
	race.expect({"replied", "detached"});
	std::vector<char> bytes(GetParam()), room(GetParam());
	fill_pattern(bytes.data(), bytes.size(), 1);
	for (int round = 0; again(round, 30); round++) {
		Fd mine = new_connection(device, 0, chid);
		poison_bytes(room.data(), room.size());
		stplr_msg_send args = send_args(buffer("x"), buffer(room.data(), room.size()));
		Thread client([&] { return msg_send_receive(mine, args); });
		Received message = receive(channel);
		stplr_msg_reply answer =
			reply_args(message.rcvid(), buffer(bytes.data(), bytes.size()));
		auto [detached, replied] = race.run([&] { return connect_detach(mine); },
						    [&] { return msg_reply(channel, answer); });
		EXPECT_EQ(0, detached);
		long result = client.join();
		if (replied == 0) {
			EXPECT_EQ(0, result)
				<< "the server was told otherwise: " << result_name(result);
			EXPECT_TRUE(expect_pattern(room.data(), room.size(), 1));
		} else {
			EXPECT_EQ(-ESRCH, replied) << result_name(replied);
			EXPECT_EQ(-EBADF, result) << result_name(result);
		}
		race.count(replied == 0 ? "replied" : "detached");
	}
	race.check();
}

TEST_P(DetachRaceTest, DetachAndReceive)
{
	race.expect({"received", "detached"});
	std::vector<char> bytes(GetParam()), in(GetParam());
	fill_pattern(bytes.data(), bytes.size(), 1);
	for (int round = 0; again(round, 30); round++) {
		Fd mine = new_connection(device, 0, chid);
		stplr_msg_send args = send_args(buffer(bytes.data(), bytes.size()));
		Thread client([&] { return msg_send(mine, args); });
		ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND));
		stplr_msg_receive taken =
			receive_args(buffer(in.data(), in.size()), STPLR_DEADLINE_POLL);
		auto [detached, received] = race.run([&] { return connect_detach(mine); },
						     [&] { return msg_receive(channel, taken); });
		EXPECT_EQ(0, detached);
		long result = client.join();
		if (received == 0) {
			EXPECT_EQ(0, result) << result_name(result);
			EXPECT_TRUE(expect_pattern(in.data(), in.size(), 1));
		} else {
			EXPECT_EQ(-EAGAIN, received) << result_name(received);
			EXPECT_EQ(-EBADF, result) << result_name(result);
		}
		race.count(received == 0 ? "received" : "detached");
	}
	race.check();
}

INSTANTIATE_TEST_SUITE_P(Sizes, DetachRaceTest, testing::Values(10, 3000, 300000),
			 [](const auto &info) { return "Bytes" + std::to_string(info.param); });

// What a server's child does that may have been left the channel.
[[noreturn]] void serve_until_told(int channel)
{
	alarm(60);
	for (;;) {
		Received message = receive(channel);
		if (message.result < 0 || message.text == "stop")
			_exit(0);
		reply(channel, message.rcvid(), message.text);
	}
}

TEST_F(RaceTest, ForkAndDeath)
{
	race.expect({"the fork first", "the death first"});
	for (int round = 0; again(round, 25); round++) {
		Child server([&](Child &self) {
			channel.reset();
			connection.reset();
			Fd own = new_channel(device, "forks");
			self.tell(0);
			self.tell(receive(own).result);
			self.hear();
			// How long a fork takes is to be known before.
			Race last(round + 1);
			for (int i = 0; i < 3; i++)
				last.run(
					[] {
						pid_t child = fork();
						if (child == 0)
							_exit(0);
						return long(child);
					},
					[] { return 0; });
			last.run(
				[&] {
					if (fork() == 0)
						serve_until_told(own);
					return 0;
				},
				[] { return kill(getpid(), SIGKILL); });
			return 1;
		});
		server.hear();
		Fd mine = new_connection(device, "forks");
		Sender received(mine, "received");
		EXPECT_EQ(0, server.hear());
		Sender queued(mine, "queued");
		ASSERT_TRUE(queued.wait_blocked());
		server.tell(0);
		EXPECT_EQ(SIGKILL, WTERMSIG(server.wait()));
		EXPECT_EQ(-ESRCH, received.finish().result) << "its receiver is dead";
		const Sent &sent = queued.finish();
		if (sent.result == 0) {
			EXPECT_EQ("queued", sent.text);
			EXPECT_EQ(0, send_one_way(mine, "stop"));
			// The name is free once the last holder is gone.
			EXPECT_TRUE(eventually([&] {
				stplr_connect_info info;
				connect_info(mine, info);
				return (info.flags & STPLR_CONNECT_ENDED) != 0;
			}));
		} else {
			EXPECT_EQ(-ESRCH, sent.result) << result_name(sent.result);
		}
		race.count(sent.result == 0 ? "the fork first" : "the death first");
	}
	race.check();
}

// Memory that goes while a transfer uses it: by the size of the message.
class UnmapRaceTest : public RaceTest, public testing::WithParamInterface<size_t>
{
protected:
	// Memory that can be taken away without anybody else getting the place.
	struct Fleeting {
		explicit Fleeting(size_t size) : mapping(size) {}
		long unmap()
		{
			void *place = mmap(mapping.data(), mapping.size(), PROT_NONE,
					   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
			return place == MAP_FAILED ? -errno : 0;
		}
		Mapping mapping;
	};

	const size_t size = GetParam();
	std::vector<char> bytes = std::vector<char>(size), in = std::vector<char>(size);
};

TEST_P(UnmapRaceTest, MessageAndReceive)
{
	// Once it is queued, it is what it was.
	for (int round = 0; again(round, 20); round++) {
		Fleeting message(size);
		fill_pattern(message.mapping.data(), size, round);
		stplr_msg_send args = send_args(buffer(message.mapping.data(), size));
		Thread client([&] { return msg_send(connection, args); });
		ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND));
		stplr_msg_receive taken =
			receive_args(buffer(in.data(), size), STPLR_DEADLINE_POLL);
		auto [unmapped, received] = race.run([&] { return message.unmap(); },
						     [&] { return msg_receive(channel, taken); });
		EXPECT_EQ(0, unmapped);
		EXPECT_EQ(0, received);
		EXPECT_EQ(0, client.join());
		EXPECT_TRUE(expect_pattern(in.data(), size, round));
	}
}

TEST_P(UnmapRaceTest, MessageAndSend)
{
	race.expect({"sent", "unmapped"});
	// While it is being sent: all of it, or EFAULT.
	for (int round = 0; again(round, 20); round++) {
		Fleeting message(size);
		fill_pattern(message.mapping.data(), size, round);
		stplr_msg_send args = send_args(buffer(message.mapping.data(), size));
		args.flags = STPLR_SEND_QUEUED;
		auto [unmapped, sent] = race.run([&] { return message.unmap(); },
						 [&] { return msg_send(connection, args); });
		EXPECT_EQ(0, unmapped);
		stplr_msg_receive taken =
			receive_args(buffer(in.data(), size), STPLR_DEADLINE_POLL);
		if (sent == 0) {
			EXPECT_EQ(0, msg_receive(channel, taken));
			EXPECT_TRUE(expect_pattern(in.data(), size, round));
		} else {
			EXPECT_EQ(-EFAULT, sent) << result_name(sent);
			EXPECT_EQ(-EAGAIN, msg_receive(channel, taken));
		}
		race.count(sent == 0 ? "sent" : "unmapped");
	}
	race.check();
}

TEST_P(UnmapRaceTest, RoomAndReply)
{
	// The server is not concerned; the client's result is success or EFAULT.
	fill_pattern(bytes.data(), size, 1);
	for (int round = 0; again(round, 20); round++) {
		Fleeting room(size);
		stplr_msg_send args = send_args(buffer("x"), buffer(room.mapping.data(), size));
		Thread client([&] { return msg_send_receive(connection, args); });
		Received message = receive(channel);
		stplr_msg_reply answer = reply_args(message.rcvid(), buffer(bytes.data(), size));
		auto [unmapped, replied] = race.run([&] { return room.unmap(); },
						    [&] { return msg_reply(channel, answer); });
		EXPECT_EQ(0, unmapped);
		EXPECT_EQ(0, replied);
		EXPECT_EQ(size, answer.len);
		long result = client.join();
		EXPECT_TRUE(result == 0 || result == -EFAULT) << result_name(result);
		race.count(result_name(result));
	}
}

TEST_P(UnmapRaceTest, ReceiversBufferAndReceive)
{
	race.expect({"received", "unmapped"});
	// What cannot be received stays queued.
	for (int round = 0; again(round, 20); round++) {
		Fleeting place(size);
		fill_pattern(bytes.data(), size, round);
		stplr_msg_send args = send_args(buffer(bytes.data(), size));
		Thread client([&] { return msg_send(connection, args); });
		ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND));
		stplr_msg_receive taken =
			receive_args(buffer(place.mapping.data(), size), STPLR_DEADLINE_POLL);
		auto [unmapped, received] = race.run([&] { return place.unmap(); },
						     [&] { return msg_receive(channel, taken); });
		EXPECT_EQ(0, unmapped);
		if (received != 0) {
			EXPECT_EQ(-EFAULT, received) << result_name(received);
			EXPECT_FALSE(client.done());
			taken = receive_args(buffer(in.data(), size), STPLR_DEADLINE_POLL);
			EXPECT_EQ(0, msg_receive(channel, taken));
			EXPECT_TRUE(expect_pattern(in.data(), size, round));
		}
		EXPECT_EQ(0, client.join());
		race.count(received == 0 ? "received" : "unmapped");
	}
	race.check();
}

TEST_P(UnmapRaceTest, ServersBytesAndReply)
{
	race.expect({"replied", "unmapped"});
	// What cannot be replied is still to be answered.
	for (int round = 0; again(round, 20); round++) {
		Fleeting place(size);
		fill_pattern(place.mapping.data(), size, round);
		poison_bytes(in.data(), size);
		stplr_msg_send args = send_args(buffer("x"), buffer(in.data(), size));
		Thread client([&] { return msg_send_receive(connection, args); });
		Received message = receive(channel);
		stplr_msg_reply answer =
			reply_args(message.rcvid(), buffer(place.mapping.data(), size));
		auto [unmapped, replied] = race.run([&] { return place.unmap(); },
						    [&] { return msg_reply(channel, answer); });
		EXPECT_EQ(0, unmapped);
		if (replied != 0) {
			EXPECT_EQ(-EFAULT, replied) << result_name(replied);
			EXPECT_FALSE(client.done());
			EXPECT_EQ(0, reply(channel, message.rcvid()));
			EXPECT_EQ(0, client.join());
		} else {
			EXPECT_EQ(0, client.join());
			EXPECT_TRUE(expect_pattern(in.data(), size, round));
		}
		race.count(replied == 0 ? "replied" : "unmapped");
	}
	race.check();
}

INSTANTIATE_TEST_SUITE_P(Sizes, UnmapRaceTest, testing::Values(500, 3000, 300000),
			 [](const auto &info) { return "Bytes" + std::to_string(info.param); });

} // namespace
