// SPDX-License-Identifier: MIT
// Either side dies while it, or its peer, is blocked in each state.
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"
#include "support/sched.h"

namespace
{

class DeathTest : public testing::Test
{
protected:
	Fd device = open_device();
};

// The server is a process of its own; nobody else holds the channel.
class ServerDeathTest : public DeathTest
{
protected:
	ServerDeathTest()
		: server([this](Child &self) {
			  Fd channel = new_channel(device, "mortal");
			  self.tell(0);
			  return serve(self, channel);
		  })
	{
		server.hear();
		connection = new_connection(device, "mortal");
	}

	// Told how many to receive (with how much room) and then idles.
	int serve(Child &self, int channel)
	{
		for (;;) {
			int64_t room = self.hear();
			if (room < 0)
				return 0;
			self.tell(receive(channel, room).result);
		}
	}

	Child server;
	Fd connection;
};

TEST_F(ServerDeathTest, WhileTheClientIsQueued)
{
	Sender two_way(connection, "x");
	OneWaySender one_way(connection, "x");
	ASSERT_TRUE(two_way.wait_blocked());
	ASSERT_TRUE(one_way.wait_blocked());
	server.kill(SIGKILL);
	EXPECT_EQ(-ESRCH, two_way.finish().result);
	EXPECT_EQ(-ESRCH, one_way.finish());
	EXPECT_EQ(-ESRCH, send_receive(connection, "y").result);
}

TEST_F(ServerDeathTest, WhileTheClientWaitsForItsReply)
{
	Sender client(connection, "x");
	server.tell(100);
	EXPECT_EQ(0, server.hear());
	ASSERT_TRUE(client.wait_blocked());
	server.kill(SIGKILL);
	EXPECT_EQ(-ESRCH, client.finish().result);
}

TEST_F(ServerDeathTest, WhileATruncatedOneWayMessageIsHeld)
{
	OneWaySender client(connection, "longer than that");
	server.tell(4);
	EXPECT_EQ(0, server.hear());
	ASSERT_TRUE(client.wait_blocked());
	server.kill(SIGKILL);
	EXPECT_EQ(-ESRCH, client.finish());
}

TEST_F(ServerDeathTest, WhileLargeMessagesAreInEveryState)
{
	std::vector<char> bytes(1 << 20), room(1 << 20);
	auto large = [&] {
		stplr_msg_send args = send_args(buffer(bytes.data(), bytes.size()),
						buffer(room.data(), room.size()));
		return msg_send_receive(connection, args);
	};
	Thread received(large);
	server.tell(1 << 20);
	EXPECT_EQ(0, server.hear());
	Thread partly(large);
	server.tell(1000);
	EXPECT_EQ(0, server.hear());
	Thread queued(large);
	ASSERT_TRUE(queued.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	server.kill(SIGKILL);
	EXPECT_EQ(-ESRCH, received.join());
	EXPECT_EQ(-ESRCH, partly.join());
	EXPECT_EQ(-ESRCH, queued.join());
}

TEST_F(ServerDeathTest, WithoutAWord)
{
	// Exits without closing anything, with a message received and one queued.
	Sender received(connection, "x");
	server.tell(100);
	EXPECT_EQ(0, server.hear());
	Sender queued(connection, "y");
	ASSERT_TRUE(queued.wait_blocked());
	server.tell(-1);
	server.expect_success();
	EXPECT_EQ(-ESRCH, received.finish().result);
	EXPECT_EQ(-ESRCH, queued.finish().result);
}

TEST_F(ServerDeathTest, ByACrash)
{
	Sender client(connection, "x");
	server.tell(100);
	EXPECT_EQ(0, server.hear());
	server.kill(SIGSEGV);
	EXPECT_EQ(-ESRCH, client.finish().result);
	EXPECT_TRUE(WIFSIGNALED(server.wait()));
}

TEST_F(ServerDeathTest, WhileReceiving)
{
	server.tell(100);
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	server.kill(SIGKILL);
	EXPECT_EQ(SIGKILL, WTERMSIG(server.wait()));
	EXPECT_EQ(-ESRCH, send_receive(connection, "x").result);
}

// The channel is shared with this process, which goes on after the receiver is gone.
class ReceiverDeathTest : public PairTest
{
protected:
	std::unique_ptr<Child> receiver(size_t room = 100)
	{
		return std::make_unique<Child>([this, room](Child &self) {
			self.tell(receive(channel, room).rcvid());
			self.hear();
			return 0;
		});
	}
};

TEST_F(ReceiverDeathTest, WakesItsOwnClientsOnly)
{
	auto one = receiver(), two = receiver();
	ASSERT_TRUE(one->wait_blocked(STPLR_MSG_RECEIVE));
	ASSERT_TRUE(two->wait_blocked(STPLR_MSG_RECEIVE));
	Sender first(connection, "first");
	ASSERT_TRUE(first.wait_blocked());
	ASSERT_TRUE(eventually([&] { return one->spoke() || two->spoke(); }));
	bool one_was_first = one->spoke();
	Sender second(connection, "second");
	one->hear();
	two->hear();
	Sender third(connection, "third");
	ASSERT_TRUE(second.wait_blocked());
	ASSERT_TRUE(third.wait_blocked());

	one->kill(SIGKILL);
	one->wait();
	Sender &victim = one_was_first ? first : second, &other = one_was_first ? second : first;
	EXPECT_EQ(-ESRCH, victim.finish().result);
	EXPECT_TRUE(other.wait_blocked());
	EXPECT_TRUE(third.wait_blocked()) << "queued: whoever still holds the channel may take it";
	Received message = receive(channel);
	EXPECT_EQ("third", message.text);
	EXPECT_EQ(0, reply(channel, message.rcvid(), "saved"));
	EXPECT_EQ("saved", third.finish().text);
	two->kill(SIGKILL);
	EXPECT_EQ(-ESRCH, other.finish().result);
}

TEST_F(ReceiverDeathTest, TruncatedOneWay)
{
	OneWaySender client(connection, "longer than that");
	auto holder = receiver(3);
	holder->hear();
	ASSERT_TRUE(client.wait_blocked());
	holder->kill(SIGKILL);
	EXPECT_EQ(-ESRCH, client.finish());
}

TEST_F(ReceiverDeathTest, ReceiverThatClosesItsLastDescriptor)
{
	// It lives on, the channel lives on, but its messages are lost to it.
	Child server([&](Child &self) {
		Fd copy(dup(channel));
		Received message = receive(channel);
		self.tell(message.rcvid());
		self.hear();
		channel.reset();
		self.tell(0);
		self.hear();
		copy.reset();
		self.tell(0);
		self.hear();
		return 0;
	});
	Sender client(connection, "x");
	server.hear();
	server.tell(0);
	server.hear();
	EXPECT_TRUE(client.wait_blocked()) << "one descriptor is left";
	server.tell(0);
	server.hear();
	EXPECT_EQ(-ESRCH, client.finish().result);
	// The channel goes on.
	Sender other(connection, "y");
	Received message = receive(channel);
	EXPECT_EQ("y", message.text);
	EXPECT_EQ(0, reply(channel, message.rcvid(), "z"));
	EXPECT_EQ("z", other.finish().text);
	server.tell(0);
	server.expect_success();
}

TEST_F(ReceiverDeathTest, OtherHoldersCloseIsNotTheReceivers)
{
	// A process that shares the channel but received nothing closes it: nobody is disturbed.
	Sender client(connection, "x");
	Received message = receive(channel);
	Child holder([&](Child &) {
		channel.reset();
		return 0;
	});
	holder.expect_success();
	Child killed([&](Child &self) {
		self.tell(0);
		pause();
		return 0;
	});
	killed.hear();
	killed.kill(SIGKILL);
	killed.wait();
	EXPECT_TRUE(client.wait_blocked());
	EXPECT_EQ(0, reply(channel, message.rcvid(), "fine"));
	EXPECT_EQ("fine", client.finish().text);
}

TEST_F(ReceiverDeathTest, WithATableThatAnotherProcessHasToo)
{
	// Its descriptors outlive it there: its message ends once the other has closed them.
	Child holder([&](Child &self) {
		pid_t receiver = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
		if (!receiver)
			_exit(receive(channel).result ? 1 : 0);
		int status = -1;
		waitpid(receiver, &status, 0);
		self.tell(status);
		self.hear();
		channel.reset();
		self.hear();
		return 0;
	});
	Sender client(connection, "x");
	EXPECT_EQ(0, holder.hear());
	EXPECT_TRUE(client.wait_blocked());
	holder.tell(0);
	EXPECT_EQ(-ESRCH, client.finish().result);
	holder.tell(0);
	holder.expect_success();
}

TEST_F(ReceiverDeathTest, WhoseTableAnotherProcessHasClosedItIn)
{
	// It has the message, and nothing to answer it by.
	Child holder([&](Child &self) {
		pid_t receiver = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
		if (!receiver) {
			receive(channel);
			pause();
		}
		EXPECT_TRUE(eventually(
			[&] { return blocked_in(receiver, receiver, STPLR_MSG_RECEIVE); }));
		channel.reset();
		self.tell(0);
		self.hear();
		kill(receiver, SIGKILL);
		waitpid(receiver, nullptr, 0);
		return testing::Test::HasFailure();
	});
	holder.hear();
	Sender client(connection, "x");
	EXPECT_EQ(-ESRCH, client.finish().result);
	holder.tell(0);
	holder.expect_success();
}

TEST_F(ReceiverDeathTest, ThreadWithATableOfItsOwn)
{
	// It takes nothing from its process, which receives and answers as before.
	Sender client(connection, "x");
	Received message = receive(channel);
	pid_t dead;
	{
		Thread own([] { return unshare(CLONE_FILES); });
		EXPECT_EQ(0, own.join());
		dead = own.tid();
	}
	ASSERT_TRUE(eventually([&] { return !thread_state(getpid(), dead); }));
	EXPECT_TRUE(client.wait_blocked());
	EXPECT_EQ(0, reply(channel, message.rcvid(), "y"));
	EXPECT_EQ("y", client.finish().text);
}

TEST_F(ReceiverDeathTest, ExecOfTheReceiver)
{
	// The channel is close-on-exec: its messages go with it.
	Sender client(connection, "x");
	Child server([&](Child &self) {
		self.tell(receive(channel).rcvid());
		self.hear();
		execl("/bin/sleep", "sleep", "60", nullptr);
		return 99;
	});
	server.hear();
	EXPECT_FALSE(client.done());
	server.tell(0);
	EXPECT_EQ(-ESRCH, client.finish().result);
	server.kill(SIGKILL);
}

TEST_F(DeathTest, CreatorFlagEndsTheChannelWithItsCreator)
{
	Child creator([&](Child &self) {
		Fd channel = new_channel(device, "creator", STPLR_CHANNEL_CREATOR);
		Child *sibling = new Child([&](Child &) {
			prctl(PR_SET_PDEATHSIG, 0);
			alarm(80);
			return echo_until_error(channel) == -ESRCH ? 0 : 1;
		});
		EXPECT_TRUE(sibling->wait_blocked(STPLR_MSG_RECEIVE));
		self.tell(sibling->pid());
		pause();
		return 0;
	});
	pid_t sibling = creator.hear();
	ASSERT_GT(sibling, 0);
	Fd connection = new_connection(device, "creator");
	EXPECT_EQ("alive", send_receive(connection, "alive").text);
	creator.kill(SIGKILL);
	creator.wait();
	EXPECT_TRUE(eventually([&] {
		stplr_msg_send args = send_args(buffer("x"), {});
		args.reply_deadline = args.send_deadline = in_ms(100);
		return msg_send_receive(connection, args) == -ESRCH;
	}));
	// The sibling's receive ended too; it exits by itself.
	EXPECT_TRUE(eventually(
		[&] { return kill(sibling, 0) < 0 || thread_state(sibling, sibling) == 'Z'; }));
}

TEST_F(DeathTest, HeirsOfAChannelWithTheCreatorFlag)
{
	Child creator([&](Child &self) {
		Fd channel = new_channel(device, "creator", STPLR_CHANNEL_CREATOR);
		self.tell(channel.get());
		pause();
		return 0;
	});
	int fd = creator.hear();
	Fd connection = new_connection(device, "creator");
	Fd heir = fd_of(creator.pid(), fd);
	// An heir that leaves takes nothing with it but what it has received.
	Child leaver([&](Child &self) {
		Fd own = std::move(heir);
		Received message = receive(own);
		self.tell(message.result);
		self.hear();
		return 0;
	});
	Sender lost(connection, "lost"), kept(connection, "kept");
	EXPECT_EQ(0, leaver.hear());
	Received message = receive(heir);
	Sender &its = message.text == "kept" ? kept : lost, &other = &its == &kept ? lost : kept;
	Sender queued(connection, "queued");
	ASSERT_TRUE(queued.wait_blocked());
	leaver.tell(0);
	leaver.expect_success();
	EXPECT_EQ(-ESRCH, other.finish().result);
	EXPECT_TRUE(its.wait_blocked());
	EXPECT_TRUE(queued.wait_blocked());
	// With its creator it ends for whoever is left.
	Thread waiting([&] {
		receive(heir);
		return receive(heir).result;
	});
	ASSERT_TRUE(waiting.wait_blocked(STPLR_MSG_RECEIVE));
	creator.kill(SIGKILL);
	EXPECT_EQ(-ESRCH, its.finish().result);
	EXPECT_EQ(-ESRCH, queued.finish().result);
	EXPECT_EQ(-ESRCH, waiting.join());
	EXPECT_EQ(-ESRCH, reply(heir, message.rcvid()));
	EXPECT_EQ(-ESRCH, receive(heir).result);
	EXPECT_EQ(-ESRCH, send_receive(connection, "x").result);
}

TEST_F(DeathTest, WithoutTheFlagTheChannelOutlivesItsCreator)
{
	Child creator([&](Child &self) {
		Fd channel = new_channel(device, "heirs");
		Child *sibling = new Child([&](Child &) {
			prctl(PR_SET_PDEATHSIG, 0);
			alarm(80);
			return echo_until_error(channel) == -ESRCH ? 0 : 1;
		});
		EXPECT_TRUE(sibling->wait_blocked(STPLR_MSG_RECEIVE));
		self.tell(sibling->pid());
		pause();
		return 0;
	});
	pid_t sibling = creator.hear();
	ASSERT_GT(sibling, 0);
	Fd connection = new_connection(device, "heirs");
	creator.kill(SIGKILL);
	creator.wait();
	for (int i = 0; i < 20; i++)
		EXPECT_EQ("alive", send_receive(connection, "alive").text);
	kill(sibling, SIGKILL);
}

class ClientDeathTest : public PairTest
{
};

TEST_F(ClientDeathTest, WhileQueued)
{
	Child one_way([&](Child &) { return int(send_one_way(connection, "x")); });
	Child two_way([&](Child &) { return int(send_receive(connection, "x").result); });
	ASSERT_TRUE(one_way.wait_blocked(STPLR_MSG_SEND));
	ASSERT_TRUE(two_way.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	one_way.kill(SIGKILL);
	two_way.kill(SIGKILL);
	EXPECT_EQ(SIGKILL, WTERMSIG(one_way.wait()));
	EXPECT_EQ(SIGKILL, WTERMSIG(two_way.wait()));
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

TEST_F(ClientDeathTest, WhileWaitingForTheReply)
{
	std::vector<char> room(1 << 20);
	for (size_t size : {size_t(10), room.size()}) {
		Child client([&](Child &) {
			stplr_msg_send args = send_args(buffer("x"), buffer(room.data(), size));
			return int(msg_send_receive(connection, args));
		});
		Received message = receive(channel);
		client.kill(SIGKILL);
		EXPECT_EQ(SIGKILL, WTERMSIG(client.wait()))
			<< "a silent server does not hold a killed client";
		EXPECT_EQ(-ESRCH, reply(channel, message.rcvid()));
	}
}

TEST_F(ClientDeathTest, InTheMiddleOfALongCopy)
{
	// The copy does not go on to its end for nobody: the last byte never arrives.
	constexpr size_t kSize = 8 << 20;
	// Shared: that the client was forked takes no page away.
	Mapping into(kSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	volatile char *first = into.data(), *last = into.end() - 1;
	memset(into.data(), 0, kSize);
	bool early = false;
	for (int round = 0; round < 20 && !early; round++) {
		Child client([&](Child &) {
			std::vector<char> bytes(kSize, 'x');
			stplr_msg_send args = send_args(buffer(bytes.data(), kSize));
			return int(msg_send(connection, args));
		});
		ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND));
		*first = *last = 0;
		Thread killer([&] {
			while (!*first)
				;
			client.kill(SIGKILL);
			return 0;
		});
		stplr_msg_receive args =
			receive_args(buffer(into.data(), kSize), STPLR_DEADLINE_POLL);
		long result = msg_receive(channel, args);
		EXPECT_TRUE(result == 0 || result == -EAGAIN) << result_name(result);
		killer.join();
		early = !*last;
	}
	EXPECT_TRUE(early);
}

TEST_F(ClientDeathTest, OneThreadOfMany)
{
	// exit_group of a process with threads in every state.
	Child client([&](Child &self) {
		Thread queued([&] { return send_receive(connection, "queued").result; });
		Thread other([&] { return send_receive(connection, "other").result; });
		queued.wait_blocked(STPLR_MSG_SEND_RECEIVE);
		other.wait_blocked(STPLR_MSG_SEND_RECEIVE);
		self.tell(0);
		self.hear();
		_exit(0);
		return 0;
	});
	client.hear();
	Received message = receive(channel);
	client.tell(0);
	client.expect_success();
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid()));
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

TEST_F(ClientDeathTest, DoesNotDisturbOthers)
{
	std::vector<std::unique_ptr<Child>> victims;
	std::vector<std::unique_ptr<Sender>> survivors;
	for (int i = 0; i < 6; i++) {
		victims.push_back(std::make_unique<Child>(
			[&](Child &) { return int(send_receive(connection, "victim").result); }));
		ASSERT_TRUE(victims.back()->wait_blocked(STPLR_MSG_SEND_RECEIVE));
		survivors.push_back(
			std::make_unique<Sender>(connection, "survivor " + std::to_string(i)));
		ASSERT_TRUE(survivors.back()->wait_blocked());
	}
	for (auto &victim : victims)
		victim->kill(SIGKILL);
	for (auto &victim : victims)
		victim->wait();
	for (int i = 0; i < 6; i++) {
		Received message = poll_receive(channel);
		EXPECT_EQ("survivor " + std::to_string(i), message.text);
		EXPECT_EQ(0, reply(channel, message.rcvid(), "ok"));
		EXPECT_EQ("ok", survivors[i]->finish().text);
	}
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

TEST_F(ClientDeathTest, BothAtOnce)
{
	for (int i = 0; i < 10; i++) {
		Child server([&](Child &self) {
			Fd own = new_channel(device, "both");
			self.tell(0);
			echo_until_error(own);
			return 0;
		});
		server.hear();
		Child client([&](Child &self) {
			Fd own = new_connection(device, "both");
			self.tell(0);
			while (send_receive(own, "x").result == 0)
				;
			return 0;
		});
		client.hear();
		sleep_ms(i);
		(i % 2 ? client : server).kill(SIGKILL);
		(i % 2 ? server : client).kill(SIGKILL);
		client.wait();
		server.wait();
	}
	EXPECT_GE(new_channel(device, "both"), 0);
}

TEST_F(ClientDeathTest, ChannelDestroyedWithManyBlocked)
{
	constexpr int kProcesses = 8, kThreads = 32;
	std::vector<std::unique_ptr<Child>> clients;
	for (int i = 0; i < kProcesses; i++)
		clients.push_back(std::make_unique<Child>([&](Child &self) {
			std::vector<std::unique_ptr<Thread>> threads;
			for (int t = 0; t < kThreads; t++)
				threads.push_back(std::make_unique<Thread>([&, t] {
					return t % 3 ? send_receive(connection, "x").result
						     : send_one_way(connection, "x");
				}));
			for (int t = 0; t < kThreads; t++)
				threads[t]->wait_blocked(t % 3 ? STPLR_MSG_SEND_RECEIVE
							       : STPLR_MSG_SEND);
			self.tell(0);
			for (auto &thread : threads)
				EXPECT_EQ(-ESRCH, thread->join());
			return 0;
		}));
	for (auto &client : clients)
		client->hear();
	// Some received, unanswered.
	for (int i = 0; i < 20; i++) {
		Received message = poll_receive(channel, 0);
		ASSERT_EQ(0, message.result);
	}
	ASSERT_EQ(0, channel_destroy(channel));
	for (auto &client : clients)
		client->expect_success();
}

// Whoever copies a message may not run for long: then its client is not kept from dying. The server
// is on a processor that a real-time thread takes away from it, at various moments of the copy.
class StoppedCopier : public DeathTest, public testing::WithParamInterface<bool>
{
protected:
	static constexpr size_t kSize = 8 << 20;
	static constexpr int kRounds = 12;

	struct Shared {
		std::atomic<int64_t> whole;
		std::atomic<bool> stopped, enough;
	};

	StoppedCopier()
	{
		std::ifstream("/proc/sys/kernel/sched_rt_runtime_us") >> runtime;
		set_runtime(-1);
	}
	~StoppedCopier() override
	{
		set_runtime(runtime);
		munmap(shared, sizeof(*shared));
	}
	static void set_runtime(long us)
	{
		std::ofstream file("/proc/sys/kernel/sched_rt_runtime_us");
		EXPECT_TRUE(file << us << std::flush);
	}
	static void sleep_ns(int64_t ns)
	{
		timespec time = {0, ns};
		nanosleep(&time, nullptr);
	}

	// Takes one message, and measures the copy in round -1; from round 0 on it is stopped in
	// it.
	int serve(Child &self, int round) const
	{
		Bound there(1);
		Mapping bytes(kSize);
		memset(bytes.data(), 2, kSize);
		Fd channel = new_channel(device, "copied");
		self.tell(0);
		self.hear();

		std::atomic<bool> begun{false};
		Thread hog([&] {
			schedule(0, fifo(1));
			while (!begun)
				sleep_ns(20000);
			sleep_ns(shared->whole * round / kRounds);
			shared->stopped = true;
			while (!shared->enough)
				continue;
			return 0;
		});
		int64_t start = now(CLOCK_MONOTONIC);
		begun = !replies;
		stplr_msg_receive take = receive_args(buffer(bytes.data(), kSize));
		take.deadline = STPLR_DEADLINE_POLL;
		long result = msg_receive(channel, take);
		stplr_msg_reply answer =
			reply_args(take.info.rcvid, buffer(bytes.data(), replies ? kSize : 1));
		if (replies)
			start = now(CLOCK_MONOTONIC);
		begun = true;
		if (result == 0)
			result = msg_reply(channel, answer);
		if (round < 0)
			shared->whole = now(CLOCK_MONOTONIC) - start;
		hog.join();
		return round < 0 ? result != 0 : 0;
	}

	bool replies = GetParam();
	long runtime = 0;
	Shared *shared = static_cast<Shared *>(mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
						    MAP_SHARED | MAP_ANONYMOUS, -1, 0));
};

TEST_P(StoppedCopier, KeepsNoClientThatIsKilled)
{
	Bound here(0);
	for (int round = -1; round < kRounds; round++) {
		shared->stopped = false;
		shared->enough = round < 0;
		Child server([&](Child &self) { return serve(self, round); });
		server.hear();
		Child client([&](Child &) {
			Mapping bytes(kSize);
			memset(bytes.data(), 1, kSize);
			Fd own_device = open_device();
			Fd connection = new_connection(own_device, "copied");
			stplr_msg_send args = send_args(buffer(bytes.data(), replies ? 1 : kSize),
							buffer(bytes.data(), replies ? kSize : 1));
			return msg_send_receive(connection, args) != 0;
		});
		ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
		server.tell(0);
		while (!shared->stopped)
			sleep_ms(1);
		if (round >= 0) {
			client.kill(SIGKILL);
			int left = 3000;
			while (left-- && thread_state(client.pid(), client.pid()) != 'Z')
				sleep_ms(1);
			EXPECT_LT(0, left) << "round " << round << " of " << kRounds;
			shared->enough = true;
			client.wait();
		} else {
			client.expect_success();
		}
		server.expect_success();
	}
}

INSTANTIATE_TEST_SUITE_P(Copies, StoppedCopier, testing::Bool(), [](const auto &info) {
	return std::string(info.param ? "ItsReply" : "ItsMessage");
});

} // namespace
