// SPDX-License-Identifier: MIT
// Servers work at their clients' priority, from the send to the end of the message.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/pulse.h"
#include "support/sched.h"
#include "support/watchdog.h"

namespace
{

// A server of this process, step by step.
class Server
{
public:
	explicit Server(int channel, const Scheduling &scheduling = other(10))
		: thread(scheduling), channel_(channel)
	{
	}

	// Waits for a message in a receive.
	void wait()
	{
		thread.start([this] { message = receive(channel_); });
		ASSERT_TRUE(thread.wait_blocked(STPLR_MSG_RECEIVE));
	}
	// Its receive has ended with that message.
	void received(std::string_view text)
	{
		ASSERT_TRUE(thread.finish());
		EXPECT_EQ(text, message.text) << result_name(message.result);
	}
	void take(std::string_view text)
	{
		thread.start([this] { message = receive(channel_); });
		received(text);
	}
	void answer()
	{
		thread.run(
			[this] { EXPECT_EQ(0, reply(channel_, message.rcvid(), message.text)); });
	}

	Worker thread;
	Received message = {};

private:
	int channel_;
};

// A client of this process.
class Client
{
public:
	Client(int connection, const Scheduling &scheduling)
		: thread(scheduling), connection_(connection)
	{
	}

	void send(std::string text)
	{
		thread.start([this, text] { sent = send_receive(connection_, text); });
	}
	void blocked()
	{
		ASSERT_TRUE(thread.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	}
	void answered()
	{
		ASSERT_TRUE(thread.finish());
		EXPECT_EQ(0, sent.result) << result_name(sent.result);
	}
	void failed(int error)
	{
		ASSERT_TRUE(thread.finish());
		EXPECT_EQ(-error, sent.result) << result_name(sent.result);
	}

	Worker thread;
	Sent sent = {};

private:
	int connection_;
};

class PriorityTest : public PairTest
{
};

constexpr Scheduling kServer = {SCHED_OTHER, 10, 0, false};

// What a server of the scheduling `own` looks like while it works for a client.
Scheduling while_working(const Scheduling &own, const Scheduling &client)
{
	Fd device = open_device();
	Fd channel = new_channel(device, "while-working");
	Fd connection = new_connection(device, "while-working");
	Server server(channel, own);
	Client sender(connection, client);

	server.wait();
	EXPECT_EQ(own, server.thread.scheduling());
	sender.send("x");
	server.received("x");
	Scheduling working = server.thread.scheduling();
	EXPECT_EQ(working, server.thread.scheduling()) << "until it is answered";
	server.answer();
	EXPECT_EQ(own, server.thread.scheduling()) << "answered";
	sender.answered();
	server.wait();
	EXPECT_EQ(own, server.thread.scheduling()) << "waiting again";
	channel_destroy(channel);
	server.thread.finish();
	EXPECT_EQ(-ESRCH, server.message.result);
	return working;
}

TEST(PriorityClasses, NiceValuesAreNotLent)
{
	EXPECT_EQ(other(10), while_working(other(10), other(0)));
	EXPECT_EQ(other(0), while_working(other(0), other(-20)));
}

TEST(PriorityClasses, EqualOrHigherStays)
{
	EXPECT_EQ(other(0), while_working(other(0), other(0)));
	EXPECT_EQ(other(-5), while_working(other(-5), other(7)));
	EXPECT_EQ(fifo(10), while_working(fifo(10), fifo(10)));
	EXPECT_EQ(fifo(10), while_working(fifo(10), fifo(9)));
	EXPECT_EQ(fifo(1), while_working(fifo(1), other(-20)));
}

TEST(PriorityClasses, RealTimeOverOther)
{
	EXPECT_EQ((Scheduling{SCHED_FIFO, 0, 1, true}), while_working(other(10), fifo(1)));
	EXPECT_EQ((Scheduling{SCHED_FIFO, 0, 99, true}), while_working(other(-20), fifo(99)));
	EXPECT_EQ((Scheduling{SCHED_FIFO, 0, 30, true}),
		  while_working(other(0), {SCHED_RR, 0, 30, false}));
}

TEST(PriorityClasses, RealTimeKeepsItsPolicy)
{
	EXPECT_EQ((Scheduling{SCHED_RR, 0, 50, true}),
		  while_working({SCHED_RR, 0, 10, false}, fifo(50)));
	EXPECT_EQ((Scheduling{SCHED_FIFO, 0, 50, true}), while_working(fifo(10), fifo(50)));
}

TEST(PriorityClasses, BatchAndIdle)
{
	for (const Scheduling &own :
	     {Scheduling{SCHED_BATCH, 10, 0, false}, Scheduling{SCHED_IDLE, 0, 0, false}}) {
		EXPECT_EQ(own, while_working(own, other(0)));
		EXPECT_EQ((Scheduling{SCHED_FIFO, 0, 3, true}), while_working(own, fifo(3)));
	}
}

TEST(PriorityClasses, ResetOnForkOfItsOwnStays)
{
	EXPECT_EQ((Scheduling{SCHED_FIFO, 0, 3, true}),
		  while_working({SCHED_OTHER, 0, 0, true}, fifo(3)));
}

TEST_F(PriorityTest, DeadlineIsNeitherLentNorOverridden)
{
	Server server(channel);
	server.wait();
	Worker client;
	schedule_deadline(client.tid());
	client.start([&] { send_receive(connection, "deadline"); });
	server.received("deadline");
	EXPECT_EQ(140, server.message.info.priority);
	EXPECT_EQ(kServer, server.thread.scheduling());
	server.answer();
	client.finish();

	schedule_deadline(server.thread.tid());
	Scheduling own = server.thread.scheduling();
	server.wait();
	Client rt(connection, fifo(50));
	rt.send("x");
	server.received("x");
	EXPECT_EQ(own, server.thread.scheduling());
	server.answer();
	rt.answered();
}

TEST_F(PriorityTest, WhatTheServerSees)
{
	// Before, during, after: what the scheduler goes by.
	Server server(channel);
	server.wait();
	EXPECT_EQ(nice_priority(10), server.thread.priority());
	Client client(connection, fifo(20));
	client.send("x");
	server.received("x");
	EXPECT_EQ(rt_priority(20), server.message.info.priority);
	EXPECT_EQ(rt_priority(20), server.thread.priority());
	server.answer();
	client.answered();
	EXPECT_EQ(nice_priority(10), server.thread.priority());
	server.wait();
	EXPECT_EQ(nice_priority(10), server.thread.priority());
	Client low(connection, other(19));
	low.send("y");
	server.received("y");
	EXPECT_EQ(nice_priority(10), server.thread.priority());
	server.answer();
	low.answered();
}

TEST_F(PriorityTest, RaisedAlreadyAtTheSend)
{
	Server server(channel);
	Client low(connection, other(15)), high(connection, fifo(20));
	low.send("low");
	server.take("low");
	EXPECT_EQ(nice_priority(10), server.thread.priority());
	high.send("high");
	high.blocked();
	EXPECT_EQ(rt_priority(20), server.thread.priority()) << "it keeps a high one waiting";
	server.answer();
	low.answered();
	EXPECT_EQ(rt_priority(20), server.thread.priority());
	server.take("high");
	EXPECT_EQ(rt_priority(20), server.thread.priority());
	server.answer();
	high.answered();
	EXPECT_EQ(kServer, server.thread.scheduling());
}

TEST_F(PriorityTest, RaisedAfterItHasAnsweredToo)
{
	// Between the reply and the next receive a client may wait just as well.
	Server server(channel);
	Client low(connection, other(15)), high(connection, fifo(20));
	low.send("low");
	server.take("low");
	server.answer();
	low.answered();
	high.send("high");
	high.blocked();
	EXPECT_EQ(rt_priority(20), server.thread.priority());
	server.take("high");
	server.answer();
	high.answered();
}

TEST_F(PriorityTest, EachMessageAnew)
{
	// Taken one after the other without waiting, each at its own sender's priority.
	Server server(channel);
	Client a(connection, fifo(30)), b(connection, fifo(10)), c(connection, other(0)),
		d(connection, other(19));
	a.send("a");
	a.blocked();
	b.send("b");
	b.blocked();
	c.send("c");
	c.blocked();
	d.send("d");
	d.blocked();
	server.take("a");
	EXPECT_EQ((Scheduling{SCHED_FIFO, 0, 30, true}), server.thread.scheduling());
	server.answer();
	EXPECT_EQ((Scheduling{SCHED_FIFO, 0, 10, true}), server.thread.scheduling()) << "b waits";
	server.take("b");
	EXPECT_EQ((Scheduling{SCHED_FIFO, 0, 10, true}), server.thread.scheduling());
	server.answer();
	EXPECT_EQ(kServer, server.thread.scheduling());
	server.take("c");
	EXPECT_EQ(kServer, server.thread.scheduling());
	server.answer();
	server.take("d");
	EXPECT_EQ(kServer, server.thread.scheduling());
	server.answer();
	a.answered();
	b.answered();
	c.answered();
	d.answered();
}

TEST_F(PriorityTest, AllBusyThreadsOfAPool)
{
	std::vector<std::unique_ptr<Server>> pool;
	std::vector<std::unique_ptr<Client>> clients;
	for (int i = 0; i < 4; i++) {
		pool.push_back(std::make_unique<Server>(channel, other(i)));
		clients.push_back(std::make_unique<Client>(connection, other(19)));
		clients.back()->send("low");
		pool.back()->take("low");
	}
	Client high(connection, fifo(20));
	high.send("high");
	high.blocked();
	for (auto &server : pool)
		EXPECT_EQ(rt_priority(20), server->thread.priority());
	pool[2]->answer();
	pool[2]->take("high");
	for (int i = 0; i < 4; i++) {
		if (i == 2)
			EXPECT_EQ(rt_priority(20), pool[i]->thread.priority());
		else
			EXPECT_EQ(other(i), pool[i]->thread.scheduling()) << "it has been taken";
	}
	pool[2]->answer();
	high.answered();
	EXPECT_EQ(other(2), pool[2]->thread.scheduling());
	for (int i = 0; i < 4; i++) {
		if (i != 2)
			pool[i]->answer();
		clients[i]->answered();
	}
	channel_destroy(channel);
}

TEST_F(PriorityTest, OnlyTheThreadThatIsWoken)
{
	Server busy(channel), waiting(channel), spare(channel);
	Client low(connection, other(15)), high(connection, fifo(20));
	low.send("low");
	busy.take("low");
	spare.wait();
	waiting.wait();
	high.send("high");
	waiting.received("high");
	EXPECT_EQ(rt_priority(20), waiting.thread.priority());
	EXPECT_EQ(nice_priority(10), busy.thread.priority());
	EXPECT_EQ(nice_priority(10), spare.thread.priority());
	waiting.answer();
	busy.answer();
	high.answered();
	low.answered();
	channel_destroy(channel);
}

TEST_F(PriorityTest, OneThatWaitsForPulsesIsNotBusy)
{
	Server busy(channel), pulses(channel);
	Client low(connection, other(15)), high(connection, fifo(20));
	low.send("low");
	pulses.take("low");
	pulses.answer();
	low.answered();
	pulses.thread.start([&] { receive_pulse(channel, STPLR_DEADLINE_NONE); });
	ASSERT_TRUE(pulses.thread.wait_blocked(STPLR_MSG_RECEIVE));
	low.send("low");
	busy.take("low");
	high.send("high");
	high.blocked();
	EXPECT_EQ(rt_priority(20), busy.thread.priority());
	EXPECT_EQ(nice_priority(10), pulses.thread.priority());
	channel_destroy(channel);
}

// A message that has raised it is not what it waits for.
TEST_F(PriorityTest, AWaitForPulsesEndsIt)
{
	Server server(channel);
	Client low(connection, other(15)), high(connection, fifo(20));
	low.send("low");
	server.take("low");
	high.send("high");
	high.blocked();
	EXPECT_EQ(rt_priority(20), server.thread.priority());
	server.thread.start([&] { receive_pulse(channel, STPLR_DEADLINE_NONE); });
	ASSERT_TRUE(server.thread.wait_blocked(STPLR_MSG_RECEIVE));
	EXPECT_EQ(nice_priority(10), server.thread.priority());
	channel_destroy(channel);
}

TEST_F(PriorityTest, PulsesLendNothing)
{
	Server server(channel);
	Client low(connection, other(15)), high(connection, fifo(20));
	low.send("low");
	server.take("low");
	Worker pulser(fifo(30));
	pulser.run([&] { EXPECT_EQ(0, pulse_send(connection, 1, 2, rt_priority(30))); });
	EXPECT_EQ(nice_priority(10), server.thread.priority());
	server.answer();
	low.answered();
	server.thread.run([&] { EXPECT_EQ(1, await_pulse(channel).pulse.code); });
	EXPECT_EQ(nice_priority(10), server.thread.priority());

	// Nor does receiving one end what a message lends.
	high.send("high");
	server.take("high");
	EXPECT_EQ(0, pulse_send(connection, 3));
	server.thread.run([&] { EXPECT_EQ(3, await_pulse(channel).pulse.code); });
	EXPECT_EQ(rt_priority(20), server.thread.priority());
	server.answer();
	high.answered();
	EXPECT_EQ(kServer, server.thread.scheduling());
}

TEST_F(PriorityTest, WhoeverAnswersEndsIt)
{
	Server server(channel), other_thread(channel);
	Client high(connection, fifo(20)), low(connection, other(19));
	low.send("low");
	server.take("low");
	high.send("high");
	high.blocked();
	EXPECT_EQ(rt_priority(20), server.thread.priority());
	server.thread.run([&] { server.message = receive(channel); });
	server.thread.run([&] { EXPECT_EQ(-EAGAIN, poll_receive(channel).result); });
	EXPECT_EQ(rt_priority(20), server.thread.priority()) << "it has a message to answer";
	other_thread.message = server.message;
	other_thread.answer();
	high.answered();
	EXPECT_EQ(kServer, server.thread.scheduling());
}

// One that has messages of several clients runs at the highest of those.
TEST_F(PriorityTest, SeveralMessagesAtATime)
{
	Server server(channel);
	Client a(connection, fifo(20)), b(connection, fifo(30)), c(connection, fifo(25));
	std::vector<Received> messages;
	int expected[] = {20, 30, 30};
	for (Client *client : {&a, &b, &c}) {
		client->send("x");
		client->blocked();
		server.take("x");
		messages.push_back(server.message);
		EXPECT_EQ(rt_priority(expected[messages.size() - 1]), server.thread.priority());
	}
	server.thread.run([&] { EXPECT_EQ(0, reply(channel, messages[1].rcvid(), "x")); });
	EXPECT_EQ(rt_priority(25), server.thread.priority());
	server.thread.run([&] { EXPECT_EQ(0, reply(channel, messages[0].rcvid(), "x")); });
	EXPECT_EQ(rt_priority(25), server.thread.priority());
	server.thread.run([&] { EXPECT_EQ(0, reply(channel, messages[2].rcvid(), "x")); });
	EXPECT_EQ(kServer, server.thread.scheduling());
	a.answered();
	b.answered();
	c.answered();
}

TEST_F(PriorityTest, OneThatPollsIsBusyToo)
{
	Server server(channel);
	Client high(connection, fifo(20));
	high.send("high");
	server.take("high");
	server.answer();
	high.answered();
	EXPECT_EQ(kServer, server.thread.scheduling());
	std::atomic<bool> polling{false};
	server.thread.start([&] {
		pollfd poller = {channel, POLLIN, 0};
		polling = true;
		poll(&poller, 1, kPatienceMs);
	});
	EXPECT_TRUE(eventually(
		[&] { return polling && thread_state(getpid(), server.thread.tid()) == 'S'; }));
	high.send("high");
	high.blocked();
	EXPECT_EQ(rt_priority(20), server.thread.priority());
	server.thread.finish();
	server.take("high");
	server.answer();
	high.answered();
}

TEST_F(PriorityTest, AClientThatLeavesLendsNothingAnyMore)
{
	Server server(channel);
	Client low(connection, other(15));
	low.send("low");
	server.take("low");
	Worker impatient(fifo(20));
	impatient.run([&] {
		stplr_msg_send args = send_args(buffer("x"), {});
		args.send_deadline = args.reply_deadline = in_ms(20);
		EXPECT_EQ(-ETIMEDOUT, msg_send_receive(connection, args));
	});
	EXPECT_EQ(kServer, server.thread.scheduling());
	server.answer();
	low.answered();
	// Nor does one whose message was received.
	impatient.start([&] {
		stplr_msg_send args = send_args(buffer("x"), {});
		args.send_deadline = in_ms(kPatienceMs);
		args.reply_deadline = in_ms(200);
		EXPECT_EQ(-ETIMEDOUT, msg_send_receive(connection, args));
	});
	server.take("x");
	EXPECT_EQ(rt_priority(20), server.thread.priority());
	impatient.finish();
	EXPECT_EQ(kServer, server.thread.scheduling());
}

// A client that has left the call for a signal's handler may never come back.
TEST_F(PriorityTest, AParkedMessageLendsNothing)
{
	Server server(channel);
	Worker client(fifo(20));
	stplr_msg_send args = send_args(buffer("x"), {});
	client.start([&] { EXPECT_EQ(-EINTR, msg_send_receive(connection, args)); });
	server.take("x");
	EXPECT_EQ(rt_priority(20), server.thread.priority());
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	ASSERT_EQ(0, syscall(SYS_tgkill, getpid(), client.tid(), SIGUSR1));
	ASSERT_TRUE(client.finish());
	EXPECT_NE(0u, args.token);
	EXPECT_EQ(kServer, server.thread.scheduling());
	client.start([&] { EXPECT_EQ(0, msg_send_receive(connection, args)); });
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	EXPECT_EQ(rt_priority(20), server.thread.priority()) << "it waits again";
	server.answer();
	client.finish();
	EXPECT_EQ(kServer, server.thread.scheduling());
}

TEST_F(PriorityTest, OneWayAndQueued)
{
	Server server(channel);
	server.wait();
	Worker client(fifo(20));
	client.start([&] { EXPECT_EQ(0, send_one_way(connection, "one way")); });
	server.received("one way");
	EXPECT_EQ(kServer, server.thread.scheduling()) << "its client has gone on";
	client.finish();
	client.start([&] { EXPECT_EQ(0, send_one_way(connection, "in parts")); });
	server.thread.run([&] { server.message = receive(channel, 3); });
	EXPECT_EQ(rt_priority(20), server.thread.priority()) << "its client waits for the rest";
	server.answer();
	client.finish();
	EXPECT_EQ(kServer, server.thread.scheduling());
	// Nobody waits for a queued one, so it raises nobody, nor does it hide one behind it.
	client.run([&] { EXPECT_EQ(0, send_queued(connection, "queued")); });
	EXPECT_EQ(kServer, server.thread.scheduling());
	Client behind(connection, fifo(10));
	behind.send("behind");
	behind.blocked();
	EXPECT_EQ(rt_priority(10), server.thread.priority());
	server.take("queued");
	EXPECT_EQ(rt_priority(10), server.thread.priority());
	server.take("behind");
	server.answer();
	behind.answered();
	EXPECT_EQ(kServer, server.thread.scheduling());
}

// What it is for: on one processor, a thread in between that never gives way.
TEST_F(PriorityTest, ASpinnerInBetweenHoldsUpNobody)
{
	using std::chrono::steady_clock;
	constexpr auto kSpin = std::chrono::seconds(4);

	for (bool busy : {false, true}) {
		Worker server(fifo(10)), low(fifo(5)), high(fifo(20)), spinner(fifo(15));
		std::atomic<bool> answered{false}, gave_up{false};
		cpu_set_t one;
		CPU_ZERO(&one);
		CPU_SET(0, &one);
		for (Worker *worker : {&server, &low, &high, &spinner})
			ASSERT_EQ(0, sched_setaffinity(worker->tid(), sizeof(one), &one));

		server.start([&] {
			for (int i = 0; i < 1 + busy; i++) {
				Received message = receive(channel);
				auto end = steady_clock::now() + std::chrono::milliseconds(100);
				while (busy && i == 0 && steady_clock::now() < end)
					;
				reply(channel, message.rcvid());
			}
		});
		ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
		if (busy)
			low.start([&] { send_receive(connection, "low"); });
		high.start([&] {
			sleep_ms(30);
			EXPECT_EQ(0, send_receive(connection, "high").result);
			answered = true;
		});
		spinner.start([&] {
			sleep_ms(20);
			auto end = steady_clock::now() + kSpin;
			while (!answered && !gave_up)
				gave_up = steady_clock::now() > end;
		});
		for (Worker *worker : {&server, &low, &high, &spinner})
			ASSERT_TRUE(worker->finish());
		EXPECT_FALSE(gave_up) << (busy ? "a busy" : "a waiting") << " server";
	}
}

// What the owner does meanwhile

TEST_F(PriorityTest, AChangeOfItsOwnerStays)
{
	Server server(channel);
	Client high(connection, fifo(20));
	server.wait();
	high.send("x");
	server.received("x");
	schedule(server.thread.tid(), fifo(5));
	EXPECT_EQ(fifo(5), server.thread.scheduling());
	server.answer();
	high.answered();
	server.wait();
	EXPECT_EQ(fifo(5), server.thread.scheduling());
	// That is its own now.
	high.send("x");
	server.received("x");
	EXPECT_EQ((Scheduling{SCHED_FIFO, 0, 20, true}), server.thread.scheduling());
	server.answer();
	high.answered();
	server.wait();
	EXPECT_EQ(fifo(5), server.thread.scheduling());
	channel_destroy(channel);
}

TEST_F(PriorityTest, ANiceValueOfItsOwnerStays)
{
	Server server(channel);
	Client high(connection, fifo(20)), nice(connection, other(0));
	server.wait();
	high.send("x");
	server.received("x");
	ASSERT_EQ(0, setpriority(PRIO_PROCESS, server.thread.tid(), 5));
	server.answer();
	high.answered();
	server.wait();
	EXPECT_EQ(other(5), server.thread.scheduling());
	nice.send("y");
	server.received("y");
	ASSERT_EQ(0, setpriority(PRIO_PROCESS, server.thread.tid(), 7));
	server.answer();
	nice.answered();
	server.wait();
	EXPECT_EQ(other(7), server.thread.scheduling());
	channel_destroy(channel);
}

// How an ordinary user's server, of RLIMIT_RTPRIO `limit`, runs for a client of FIFO 20.
struct ServersTurn {
	Scheduling raised, after;
};

void tell(Child &parent, const Scheduling &scheduling)
{
	for (int part : {scheduling.policy, scheduling.nice, scheduling.rt})
		parent.tell(part);
}

Scheduling hear_scheduling(Child &child)
{
	Scheduling scheduling;

	for (int *part : {&scheduling.policy, &scheduling.nice, &scheduling.rt})
		*part = child.hear();
	return scheduling;
}

// What it does while it is raised is `change`.
template <typename Change>
ServersTurn users_server(uint32_t flags, rlim_t limit, uint32_t channel_flags, Change change)
{
	Fd device = open_device();
	Child server([&](Child &self) {
		rlimit rt = {limit, limit};
		EXPECT_EQ(0, setrlimit(RLIMIT_RTPRIO, &rt));
		schedule(0, other(10));
		become_user(1234, 1234);
		Fd own = new_channel(device, "users", channel_flags);
		self.tell(0);
		Received message = receive(own);
		tell(self, scheduling(0));
		change();
		EXPECT_EQ(0, reply(own, message.rcvid()));
		tell(self, scheduling(0));
		return 0;
	});
	server.hear();
	Fd connection = new_connection(device, "users", flags);
	Client client(connection, fifo(20));
	client.send("x");
	ServersTurn turn;
	turn.raised = hear_scheduling(server);
	turn.after = hear_scheduling(server);
	client.answered();
	server.expect_success();
	return turn;
}

// What the server sets while it is raised, and what becomes of it.
Scheduling after_its_own_change(rlim_t limit, const Scheduling &change)
{
	ServersTurn turn = users_server(STPLR_CONNECT_LEND, limit, 0, [&] {
		schedule(0, change);
		EXPECT_EQ(change, scheduling(0)) << "what Linux allows a thread of FIFO 20";
	});

	EXPECT_EQ(20, turn.raised.rt);
	return turn.after;
}

TEST(PriorityOwner, WhatOnlyTheLoanAllowsGoesWithIt)
{
	EXPECT_EQ(other(10), after_its_own_change(0, {SCHED_FIFO, 0, 19, true}));
	EXPECT_EQ(other(10), after_its_own_change(5, {SCHED_FIFO, 0, 6, true}));
	EXPECT_EQ(fifo(5), after_its_own_change(5, {SCHED_FIFO, 0, 5, true}));
	EXPECT_EQ(SCHED_BATCH, after_its_own_change(0, {SCHED_BATCH, 10, 0, true}).policy);
}

TEST_F(PriorityTest, TheTimersSlackStays)
{
	Server server(channel);
	Client client(connection, fifo(20));
	server.thread.run([] { EXPECT_EQ(0, prctl(PR_SET_TIMERSLACK, 123456)); });
	client.send("x");
	server.take("x");
	EXPECT_EQ(rt_priority(20), server.thread.priority());
	server.answer();
	client.answered();
	server.thread.run([] { EXPECT_EQ(123456, prctl(PR_GET_TIMERSLACK)); });
}

TEST_F(PriorityTest, AChangeWhileItWaitsIsNoticed)
{
	Server server(channel, fifo(30));
	Client client(connection, fifo(20));
	server.wait();
	schedule(server.thread.tid(), fifo(10));
	client.send("x");
	server.received("x");
	EXPECT_EQ(rt_priority(20), server.thread.priority());
	server.answer();
	client.answered();
	server.wait();
	EXPECT_EQ(fifo(10), server.thread.scheduling());
	channel_destroy(channel);
}

TEST_F(PriorityTest, ChildrenDoNotKeepIt)
{
	Child server([&](Child &self) {
		schedule(0, other(10));
		Received message = receive(channel);
		EXPECT_EQ((Scheduling{SCHED_FIFO, 0, 20, true}), scheduling(0));
		Child child([&](Child &) {
			EXPECT_EQ(other(0), scheduling(0));
			return 0;
		});
		child.expect_success();
		EXPECT_EQ(0, reply(channel, message.rcvid()));
		self.tell(0);
		return 0;
	});
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	Client high(connection, fifo(20));
	high.send("x");
	server.hear();
	high.answered();
	server.expect_success();
}

// Who may

TEST_F(PriorityTest, FixedPriority)
{
	Fd fixed = new_channel(device, "fixed", STPLR_CHANNEL_FIXED_PRIORITY);
	Fd to_fixed = new_connection(device, "fixed");
	Server server(fixed);
	Client high(to_fixed, fifo(20)), higher(to_fixed, fifo(30));
	server.wait();
	high.send("high");
	server.received("high");
	EXPECT_EQ(rt_priority(20), server.message.info.priority);
	EXPECT_EQ(kServer, server.thread.scheduling());
	higher.send("higher");
	higher.blocked();
	EXPECT_EQ(kServer, server.thread.scheduling());
	server.answer();
	high.answered();
	server.take("higher");
	EXPECT_EQ(kServer, server.thread.scheduling());
	server.answer();
	higher.answered();
}

// What the server works at, over a connection that has the flags.
Scheduling raised_server(uint32_t flags, rlim_t limit, uint32_t channel_flags = 0)
{
	ServersTurn turn = users_server(flags, limit, channel_flags, [] {});

	EXPECT_EQ(other(10), turn.after);
	return turn.raised;
}

TEST(PriorityLimits, AreTheCreators)
{
	EXPECT_EQ(other(10), raised_server(0, 0));
	EXPECT_EQ(fifo(20), raised_server(0, 20));
	EXPECT_EQ(fifo(20), raised_server(0, 99));
	EXPECT_EQ(fifo(5), raised_server(0, 5)) << "as far as it may";
}

TEST(PriorityLimits, DoNotCountWithTheClientsConsent)
{
	EXPECT_EQ(fifo(20), raised_server(STPLR_CONNECT_LEND, 0));
	EXPECT_EQ(fifo(20), raised_server(STPLR_CONNECT_LEND, 5));
	EXPECT_EQ(other(10), raised_server(STPLR_CONNECT_LEND, 0, STPLR_CHANNEL_FIXED_PRIORITY));
}

TEST_F(PriorityTest, AcceptedChannelsDoAsTheirListener)
{
	for (uint32_t flags : {0U, STPLR_CHANNEL_FIXED_PRIORITY}) {
		Fd listener = new_channel(device, "listener", STPLR_CHANNEL_LISTEN | flags);
		Fd to_listener = new_connection(device, "listener");
		stplr_channel_accept args = accept_args();
		Fd accepted(channel_accept(listener, args));
		ASSERT_GE(accepted, 0);
		Server server(accepted);
		Client high(to_listener, fifo(20));
		server.wait();
		high.send("x");
		server.received("x");
		EXPECT_EQ(flags ? nice_priority(10) : rt_priority(20), server.thread.priority());
		server.answer();
		high.answered();
		server.wait();
		EXPECT_EQ(kServer, server.thread.scheduling());
		channel_destroy(accepted);
	}
}

// Chains

// A server whose thread is a client of the next one while it works.
class ChainTest : public PriorityTest
{
protected:
	struct Link {
		Fd channel, connection;
		std::unique_ptr<Server> server;
	};

	void add(uint32_t flags = 0)
	{
		std::string name = "link-" + std::to_string(links.size());
		auto link = std::make_unique<Link>();

		link->channel = new_channel(device, name, flags);
		link->connection = new_connection(device, name);
		link->server =
			std::make_unique<Server>(link->channel, other(10 + int(links.size())));
		links.push_back(std::move(link));
	}
	// The servers work on one message, each waiting for the next, the last for nobody.
	void connect(Client &client, const std::string &text)
	{
		client.send(text);
		for (size_t i = 0; i < links.size(); i++) {
			links[i]->server->take(text);
			if (i + 1 < links.size())
				pass_on(i, text);
		}
	}
	void pass_on(size_t i, const std::string &text)
	{
		links[i]->server->thread.start(
			[this, i, text] { send_receive(links[i + 1]->connection, text); });
		ASSERT_TRUE(links[i]->server->thread.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	}
	void answer_all(Client &client)
	{
		for (size_t i = links.size(); i-- > 0;) {
			links[i]->server->thread.finish();
			links[i]->server->answer();
		}
		client.answered();
	}
	int priority(size_t i)
	{
		return links[i]->server->thread.priority();
	}
	// Soon: it may be another thread that carries it out, and on rt it may be preempted.
	void expect(size_t i, int expected)
	{
		EXPECT_TRUE(eventually([&] { return priority(i) == expected; }))
			<< "server " << i << ": " << priority(i) << ", not " << expected;
	}
	void expect_all(int expected)
	{
		for (size_t i = 0; i < links.size(); i++)
			expect(i, expected);
	}
	void expect_own()
	{
		for (size_t i = 0; i < links.size(); i++) {
			Worker &thread = links[i]->server->thread;
			EXPECT_EQ(other(10 + int(i)), thread.scheduling()) << "server " << i;
		}
	}

	std::vector<std::unique_ptr<Link>> links;
};

TEST_F(ChainTest, EachServerSendsAtWhatItWasLent)
{
	for (int i = 0; i < 3; i++)
		add();
	Client high(links[0]->connection, fifo(20));
	connect(high, "high");
	expect_all(rt_priority(20));
	EXPECT_EQ(rt_priority(20), links[2]->server->message.info.priority);
	answer_all(high);
	expect_own();
}

TEST_F(ChainTest, RaisedAtTheSendThroughAllOfThem)
{
	for (int i = 0; i < 3; i++)
		add();
	Client low(links[0]->connection, other(19)), high(links[0]->connection, fifo(20));
	connect(low, "low");
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(nice_priority(10 + i), priority(i));
	high.send("high");
	high.blocked();
	expect_all(rt_priority(20));
	answer_all(low);
	links[0]->server->take("high");
	links[0]->server->answer();
	high.answered();
	expect_own();
}

TEST_F(ChainTest, ADepthOfTen)
{
	for (int i = 0; i < 9; i++)
		add();
	Client low(links[0]->connection, other(19)), high(links[0]->connection, fifo(20));
	connect(low, "low");
	high.send("high");
	high.blocked();
	expect_all(rt_priority(20));
	answer_all(low);
	links[0]->server->take("high");
	links[0]->server->answer();
	high.answered();
	expect_own();
}

TEST_F(ChainTest, AQueuedMessageMovesUp)
{
	add();
	add();
	Client low(links[0]->connection, other(19)), high(links[0]->connection, fifo(20)),
		busy(links[1]->connection, other(19)), middle(links[1]->connection, fifo(10));
	// The second server is busy; the first one's message waits behind that of a FIFO 10.
	busy.send("busy");
	links[1]->server->take("busy");
	low.send("low");
	links[0]->server->take("low");
	pass_on(0, "passed on");
	middle.send("middle");
	middle.blocked();
	EXPECT_EQ(rt_priority(10), priority(1));
	high.send("high");
	high.blocked();
	expect_all(rt_priority(20));
	links[1]->server->answer();
	busy.answered();
	links[1]->server->take("passed on");
	EXPECT_EQ(rt_priority(20), priority(1));
	EXPECT_EQ(rt_priority(20), links[1]->server->message.info.priority);
	links[1]->server->answer();
	links[0]->server->thread.finish();
	links[0]->server->answer();
	low.answered();
	links[1]->server->take("middle");
	EXPECT_EQ(rt_priority(10), priority(1));
	links[1]->server->answer();
	middle.answered();
	links[0]->server->take("high");
	links[0]->server->answer();
	high.answered();
	expect_own();
}

TEST_F(ChainTest, OnlyTheThreadThatWorksForIt)
{
	add();
	add();
	Client low(links[0]->connection, other(19)), high(links[0]->connection, fifo(20)),
		unrelated(links[1]->connection, other(19));
	connect(low, "low");
	Server bystander(links[1]->channel, other(15));
	unrelated.send("unrelated");
	bystander.take("unrelated");
	high.send("high");
	high.blocked();
	expect_all(rt_priority(20));
	EXPECT_EQ(nice_priority(15), bystander.thread.priority());
	bystander.answer();
	unrelated.answered();
	answer_all(low);
	links[0]->server->take("high");
	links[0]->server->answer();
	high.answered();
}

TEST_F(ChainTest, AFixedOneEndsIt)
{
	add();
	add(STPLR_CHANNEL_FIXED_PRIORITY);
	add();
	Client low(links[0]->connection, other(19)), high(links[0]->connection, fifo(20));
	connect(low, "low");
	high.send("high");
	high.blocked();
	EXPECT_EQ(rt_priority(20), priority(0));
	EXPECT_EQ(nice_priority(11), priority(1));
	EXPECT_EQ(nice_priority(12), priority(2));
	answer_all(low);
	links[0]->server->take("high");
	links[0]->server->answer();
	high.answered();
}

// Two servers that wait for each other: a deadlock of theirs, not of the kernel's. They do not keep
// what nobody lends them any more.
TEST_F(ChainTest, ACycleEnds)
{
	add();
	add();
	Fd outside = new_connection(device, "link-0");
	Client low(outside, other(19)), high(outside, fifo(20));
	connect(low, "low");
	links[1]->server->thread.start([&] { send_receive(links[0]->connection, "back"); });
	ASSERT_TRUE(links[1]->server->thread.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	high.send("high");
	high.blocked();
	expect_all(rt_priority(20));
	EXPECT_EQ(0, connect_detach(outside));
	low.failed(EBADF);
	high.failed(EBADF);
	expect(0, nice_priority(10));
	expect(1, nice_priority(11));
	channel_destroy(links[0]->channel);
	channel_destroy(links[1]->channel);
}

// Each thread of a pool may be blocked elsewhere: the way to whom it waits for is not too long.
TEST_F(ChainTest, ManyBusyOnesHideNoChain)
{
	add();
	add();
	std::vector<std::unique_ptr<Server>> pool;
	std::vector<std::unique_ptr<Client>> clients;
	Client low(links[0]->connection, other(19)), high(links[0]->connection, fifo(20));
	connect(low, "low");
	for (int i = 0; i < 31; i++) {
		pool.push_back(std::make_unique<Server>(links[0]->channel));
		clients.push_back(std::make_unique<Client>(links[0]->connection, other(19)));
		clients.back()->send("another");
		pool.back()->take("another");
	}
	high.send("high");
	high.blocked();
	EXPECT_EQ(rt_priority(20), pool[30]->thread.priority());
	expect_all(rt_priority(20));
	channel_destroy(links[0]->channel);
	channel_destroy(links[1]->channel);
}

// Ends

TEST_F(PriorityTest, TheEndOfTheChannelEndsIt)
{
	for (bool close : {false, true}) {
		Fd own = new_channel(device, "mortal");
		Fd to_own = new_connection(device, "mortal");
		Server server(own), busy(own);
		Client high(to_own, fifo(20)), low(to_own, other(19)), higher(to_own, fifo(30));
		high.send("high");
		server.take("high");
		low.send("low");
		busy.take("low");
		EXPECT_EQ(rt_priority(20), server.thread.priority());
		higher.send("higher");
		higher.blocked();
		EXPECT_EQ(rt_priority(30), server.thread.priority());
		EXPECT_EQ(rt_priority(30), busy.thread.priority());
		if (close)
			own.reset();
		else
			channel_destroy(own);
		EXPECT_EQ(kServer, server.thread.scheduling());
		EXPECT_EQ(kServer, busy.thread.scheduling());
		high.failed(ESRCH);
		low.failed(ESRCH);
		higher.failed(ESRCH);
	}
}

TEST_F(PriorityTest, ClosingTheLastDescriptorEndsIt)
{
	// The channel lives on in this process; the server's closes it, and lives on, too.
	Child server([&](Child &self) {
		schedule(0, other(10));
		Received message = receive(channel);
		EXPECT_EQ(rt_priority(20), effective_priority(getpid(), getpid()));
		channel.reset();
		EXPECT_EQ(other(10), scheduling(0));
		self.tell(0);
		self.hear();
		EXPECT_EQ(other(10), scheduling(0));
		return 0;
	});
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	Client high(connection, fifo(20));
	high.send("x");
	high.failed(ESRCH);
	server.hear();
	// It is nobody's server any more: what waits here is not its business.
	Client waiting(connection, fifo(30));
	waiting.send("y");
	waiting.blocked();
	EXPECT_EQ(other(10), scheduling(server.pid()));
	server.tell(0);
	server.expect_success();
	channel_destroy(channel);
	waiting.failed(ESRCH);
}

TEST_F(PriorityTest, ClosingItWhileAnotherThreadReceivesEndsItToo)
{
	// The channel lives on in this process.
	Child server([&](Child &self) {
		Server waits(channel);
		waits.wait();
		channel.reset();
		self.tell(0);
		EXPECT_TRUE(waits.thread.finish());
		EXPECT_EQ(other(10), waits.thread.scheduling());
		return 0;
	});
	server.hear();
	Client high(connection, fifo(20));
	high.send("x");
	high.failed(ESRCH);
	server.expect_success();
}

// By another thread than the first: it gets that one's id.
TEST_F(PriorityTest, ExecutingAProgramEndsIt)
{
	char path[] = "/tmp/priority_test_XXXXXX";
	Fd output(mkstemp(path));
	Child server([&](Child &) {
		Server waits(channel);
		waits.take("x");
		EXPECT_EQ(rt_priority(20), waits.thread.priority());
		waits.thread.run([&] {
			dup2(output, 1);
			execl("/bin/cat", "cat", "/proc/self/stat", nullptr);
		});
		return 1;
	});
	Client high(connection, fifo(20));
	high.send("x");
	high.failed(ESRCH);
	server.expect_success();
	std::ifstream file(path);
	std::string line, word;
	std::getline(file, line);
	std::istringstream words(line.substr(line.rfind(')') + 1));
	std::vector<std::string> fields;
	while (words >> word)
		fields.push_back(word);
	ASSERT_LT(38u, fields.size()) << line;
	EXPECT_EQ("10", fields[16]) << "nice";
	EXPECT_EQ(std::to_string(SCHED_OTHER), fields[38]) << "policy";
	unlink(path);
}

TEST_F(PriorityTest, ShutdownLeavesItToTheAnswer)
{
	Server server(channel);
	Client high(connection, fifo(20));
	high.send("high");
	server.take("high");
	channel_shutdown(channel);
	EXPECT_EQ(rt_priority(20), server.thread.priority()) << "it is still to be answered";
	server.answer();
	high.answered();
	EXPECT_EQ(kServer, server.thread.scheduling());
	server.thread.run([&] { EXPECT_EQ(-ESHUTDOWN, receive(channel).result); });
}

// What it is worth by itself counts on a channel that it comes to raised.
TEST_F(PriorityTest, RaisedByTwoChannels)
{
	Fd first = new_channel(device, "first");
	Fd to_first = new_connection(device, "first");
	Server server(first);
	Client one(to_first, fifo(30)), queued(connection, fifo(20)), high(connection, fifo(80));
	one.send("one");
	server.take("one");
	EXPECT_EQ(rt_priority(30), server.thread.priority());
	queued.send("queued");
	queued.blocked();
	server.thread.run([&] { EXPECT_EQ("queued", receive(channel).text); });
	EXPECT_EQ(rt_priority(30), server.thread.priority());
	high.send("high");
	high.blocked();
	EXPECT_EQ(rt_priority(80), server.thread.priority());
	server.answer();
	one.answered();
	EXPECT_EQ(rt_priority(80), server.thread.priority());
	channel_destroy(channel);
	EXPECT_EQ(kServer, server.thread.scheduling());
}

TEST_F(PriorityTest, OneThreadOnTwoChannels)
{
	Fd second = new_channel(device, "second");
	Fd to_second = new_connection(device, "second");
	Worker server(other(10));
	auto take = [&](int from) {
		Received message = receive(from);
		EXPECT_EQ(0, message.result);
		EXPECT_EQ(0, reply(from, message.rcvid()));
	};
	Client high(connection, fifo(20)), low(to_second, other(19)), higher(to_second, fifo(30));
	high.send("x");
	server.run([&] { take(channel); });
	high.answered();
	EXPECT_EQ(other(10), server.scheduling());
	low.send("y");
	low.blocked();
	server.run([&] { take(second); });
	low.answered();

	high.send("x");
	server.run([&] { take(channel); });
	high.answered();
	higher.send("y");
	higher.blocked();
	EXPECT_EQ(rt_priority(30), server.priority());
	channel_destroy(channel);
	EXPECT_EQ(rt_priority(30), server.priority()) << "the other channel's matter";
	server.run([&] { take(second); });
	higher.answered();
	EXPECT_EQ(other(10), server.scheduling());
	higher.send("y");
	higher.blocked();
	EXPECT_EQ(rt_priority(30), server.priority());
	channel_destroy(second);
	EXPECT_EQ(other(10), server.scheduling());
}

TEST_F(PriorityTest, DeathOfTheRaisedServer)
{
	for (int i = 0; i < 3; i++) {
		Child server([&](Child &self) {
			schedule(0, other(10));
			receive(channel);
			self.tell(0);
			self.hear();
			return 0;
		});
		ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
		Client high(connection, fifo(20)), higher(connection, fifo(30));
		high.send("x");
		server.hear();
		higher.send("y");
		higher.blocked();
		EXPECT_EQ(rt_priority(30), effective_priority(server.pid(), server.pid()));
		server.kill(SIGKILL);
		server.wait();
		high.failed(ESRCH);
		// What was not received is another's now, who is raised for it.
		Server heir(channel);
		heir.take("y");
		EXPECT_EQ(rt_priority(30), heir.thread.priority());
		heir.answer();
		higher.answered();
		EXPECT_EQ(kServer, heir.thread.scheduling());
	}
}

TEST_F(PriorityTest, DeathOfTheMiddleOfAChain)
{
	Fd last = new_channel(device, "last");
	Fd to_last = new_connection(device, "last");
	Child middle([&](Child &self) {
		schedule(0, other(10));
		Fd own = new_channel(device, "middle");
		Fd onward = new_connection(device, "last");
		self.tell(0);
		Received message = receive(own);
		send_receive(onward, message.text);
		return 0;
	});
	middle.hear();
	Fd to_middle = new_connection(device, "middle");
	Server end(last);
	Client low(to_middle, other(15)), high(to_middle, fifo(20));
	end.wait();
	low.send("low");
	end.received("low");
	high.send("high");
	high.blocked();
	EXPECT_EQ(rt_priority(20), effective_priority(middle.pid(), middle.pid()));
	EXPECT_EQ(rt_priority(20), end.thread.priority());
	middle.kill(SIGKILL);
	middle.wait();
	low.failed(ESRCH);
	high.failed(ESRCH);
	EXPECT_EQ(kServer, end.thread.scheduling()) << "its client is dead";
	end.thread.run([&] { EXPECT_EQ(-ESRCH, reply(last, end.message.rcvid())); });
	end.wait();
	EXPECT_EQ(kServer, end.thread.scheduling());
	channel_destroy(last);
}

TEST_F(PriorityTest, ManyThreadsComeAndGo)
{
	// Workers of dead threads are let go, and those that live are still known.
	Server server(channel);
	for (int i = 0; i < 300 * test_repeat(); i++) {
		Thread passing([&] { return poll_receive(channel).result; });
		EXPECT_EQ(-EAGAIN, passing.join());
	}
	Client low(connection, other(19)), high(connection, fifo(20));
	low.send("low");
	server.take("low");
	high.send("high");
	high.blocked();
	EXPECT_EQ(rt_priority(20), server.thread.priority());
	channel_destroy(channel);
}

// All at once: at the end everybody is what they were.
TEST_F(PriorityTest, Stress)
{
	constexpr int kServers = 3, kClients = 6;
	Fd second = new_channel(device, "stress");
	Fd to_second = new_connection(device, "stress");
	std::atomic<bool> stop{false};
	std::atomic<long> answered{0};
	std::vector<std::unique_ptr<Worker>> servers, clients;

	auto serve = [&](int from, int onward) {
		for (;;) {
			Received message = receive(from, 64, in_ms(5));
			if (message.result == -ESRCH)
				return;
			if (message.result)
				continue;
			if (onward >= 0)
				send_receive(onward, message.text, 64);
			reply(from, message.rcvid(), message.text);
		}
	};
	for (int i = 0; i < kServers; i++) {
		servers.push_back(std::make_unique<Worker>(other(10 + i)));
		servers.back()->start([&] { serve(channel, to_second); });
		servers.push_back(std::make_unique<Worker>(i ? other(5 + i) : fifo(1)));
		servers.back()->start([&] { serve(second, -1); });
	}
	for (int i = 0; i < kClients; i++) {
		clients.push_back(std::make_unique<Worker>());
		clients.back()->start([&, i] {
			std::minstd_rand random(i + 1);
			while (!stop) {
				int level = random() % 30;
				schedule(0, level < 10 ? fifo(2 + level) : other(level - 15));
				stplr_msg_send args = send_args(buffer("x"), {});
				if (random() % 4 == 0)
					args.send_deadline = args.reply_deadline = in_ms(1);
				if (msg_send_receive(random() % 2 ? connection : to_second, args) ==
				    0)
					answered++;
			}
		});
	}
	sleep_ms(1500 * test_repeat());
	stop = true;
	for (auto &client : clients)
		ASSERT_TRUE(client->finish());
	sleep_ms(50);
	for (int i = 0; i < kServers; i++) {
		ASSERT_TRUE(servers[2 * i]->wait_blocked(STPLR_MSG_RECEIVE));
		EXPECT_EQ(other(10 + i), servers[2 * i]->scheduling());
		ASSERT_TRUE(servers[2 * i + 1]->wait_blocked(STPLR_MSG_RECEIVE));
		EXPECT_EQ(i ? other(5 + i) : fifo(1), servers[2 * i + 1]->scheduling());
	}
	EXPECT_GT(answered, 100);
	channel_destroy(channel);
	channel_destroy(second);
	for (auto &server : servers)
		server->finish();
}

} // namespace
