// SPDX-License-Identifier: MIT
// Taking time that is others': by floods, by priorities, by making the module's walks long.
#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "attack.h"
#include "support/module.h"
#include "support/pulse.h"
#include "support/sched.h"

namespace
{

class Starve : public AttackTest
{
};

// Many clients of the attacker's send as fast as they can. A client that is worth more does
// not wait for them.
TEST_F(Starve, FloodOfMessages)
{
	Service service;
	Fd connection = new_connection(device, "service");
	Child attacker(as(kAttacker, [](Child &self) {
		Fd own_device = open_device();
		std::vector<Fd> connections;
		std::vector<std::unique_ptr<Thread>> threads;
		std::atomic<bool> stop{false};
		for (int i = 0; i < 40; i++) {
			connections.push_back(new_connection(own_device, "service"));
			threads.push_back(
				std::make_unique<Thread>([&stop, fd = connections.back().get()] {
					while (!stop)
						if (send_receive(fd, "flood").result)
							return 1;
					return 0;
				}));
		}
		self.tell(0);
		self.hear();
		stop = true;
		threads.clear();
		return 0;
	}));
	attacker.hear();
	Worker victim(fifo(10));
	victim.run([&] {
		for (int i = 0; i < 20; i++) {
			char room[8];
			stplr_msg_send args = send_args(buffer("x"), buffer(room, sizeof(room)));
			args.clock = CLOCK_MONOTONIC;
			args.reply_deadline = args.send_deadline = in_ms(2000);
			long result = msg_send_receive(connection, args);
			EXPECT_EQ(0, result) << result_name(result);
		}
	});
	attacker.tell(0);
	attacker.expect_success();
}

// Pulses do not pass messages of clients that are worth more, whatever priority they claim.
TEST_F(Starve, PulsesOfAHighPriority)
{
	int chid;
	Fd channel = new_channel(device, {}, STPLR_CHANNEL_ATTACH_ANY, &chid);
	Fd connection = new_connection(device, 0, chid);
	Child attacker(as(kAttacker, [chid](Child &) {
		Fd own_device = open_device();
		Fd own = new_connection(own_device, getppid(), chid);
		for (int i = 0; i < 50; i++)
			EXPECT_EQ(0, pulse_send(own, 1, i, 140));
		return 0;
	}));
	attacker.expect_success();
	Worker victim(fifo(1));
	victim.start([&] { send_receive(connection, "urgent"); });
	ASSERT_TRUE(victim.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	Received message = receive(channel);
	EXPECT_EQ("urgent", message.text);
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	victim.finish();
	while (receive_pulse(channel).result == 0)
		;
}

// Threads that wait for pulses on a channel of the attacker's: what a send there costs with many
// must not be much more than with few, for it is spent with a lock held and no other thread
// allowed.
TEST_F(Starve, ThreadsThatWaitForPulses)
{
	auto cost = [this](int threads) {
		Child attacker(as(kAttacker, [threads](Child &self) {
			setpriority(PRIO_PROCESS, 0, 19);
			Fd own_device = open_device();
			int chid;
			Fd own = new_channel(own_device, {}, STPLR_CHANNEL_ATTACH_ANY, &chid);
			std::vector<std::unique_ptr<Thread>> waiting;
			for (int i = 0; i < threads; i++) {
				waiting.push_back(std::make_unique<Thread>([&] {
					return receive(own, 64, STPLR_DEADLINE_NONE,
						       STPLR_RECEIVE_PULSE)
						.result;
				}));
			}
			for (auto &thread : waiting)
				EXPECT_TRUE(thread->wait_blocked(STPLR_MSG_RECEIVE));
			self.tell(chid);
			self.hear();
			channel_destroy(own);
			return 0;
		}));
		Fd connection = new_connection(device, attacker.pid(), int(attacker.hear()));
		char room[1];
		// In time of a processor: it waits for nobody, but has to be queued to be looked
		// at.
		int64_t took = shortest(20, CLOCK_THREAD_CPUTIME_ID, [&] {
			stplr_msg_send args = send_args(buffer("x"), buffer(room, sizeof(room)));
			args.clock = CLOCK_MONOTONIC;
			args.send_deadline = args.reply_deadline = in_ms(3);
			EXPECT_EQ(-ETIMEDOUT, msg_send_receive(connection, args));
		});
		attacker.tell(0);
		attacker.expect_success();
		return took;
	};
	int64_t few = cost(4), many = cost(400);
	if (getenv("ATTACK_TIMES"))
		printf("        %lld ns, %lld ns\n", (long long)few, (long long)many);
	EXPECT_LT(many, few + few / 2 + 100000) << few << " ns with few";
}

// Fills the parent's queue, and has threads wait for room there until it is told that it is over.
int wait_for_room(Child &self, int chid, int threads)
{
	Fd own_device = open_device();
	Fd own = new_connection(own_device, getppid(), chid);

	while (send_queued(own, "x", STPLR_DEADLINE_POLL) == 0)
		;
	std::vector<std::unique_ptr<Thread>> waiting;
	for (int i = 0; i < threads; i++)
		waiting.push_back(std::make_unique<Thread>([&] { return send_queued(own, "y"); }));
	for (auto &thread : waiting)
		EXPECT_TRUE(thread->wait_blocked(STPLR_MSG_SEND));
	self.tell(0);
	self.hear();
	connect_detach(own);
	return 0;
}

// Senders that wait for room in a queue: a receive makes room for one of them, and is not to pay
// for all.
TEST_F(Starve, SendersThatWaitForRoom)
{
	Parameter bound("channel_queued", 60);
	auto cost = [this](int threads) {
		int chid;
		Fd channel = new_channel(device, {}, STPLR_CHANNEL_ATTACH_ANY, &chid);
		Child attacker(as(kAttacker, [threads, chid](Child &self) {
			return wait_for_room(self, chid, threads);
		}));
		attacker.hear();
		int64_t took = shortest(20, CLOCK_THREAD_CPUTIME_ID, [&] {
			EXPECT_EQ(0, receive(channel, 64, STPLR_DEADLINE_POLL).result);
			sleep_ms(5);
		});
		attacker.tell(0);
		attacker.expect_success();
		return took;
	};
	int64_t few = cost(1), many = cost(200);
	if (getenv("ATTACK_TIMES"))
		printf("        %lld ns, %lld ns\n", (long long)few, (long long)many);
	EXPECT_LT(many, few + few / 2 + 100000) << few << " ns with one";
}

// Many of the attacker's threads wait for room: somebody else finds some all the same.
TEST_F(Starve, RoomBesideWhoWaitsForRoom)
{
	Parameter bound("channel_queued", 10);
	int chid;
	Fd channel = new_channel(device, {}, STPLR_CHANNEL_ATTACH_ANY, &chid);
	Child attacker(
		as(kAttacker, [chid](Child &self) { return wait_for_room(self, chid, 30); }));
	attacker.hear();
	Child victim(as(kVictim, [chid](Child &) {
		Fd own_device = open_device();
		return send_queued(new_connection(own_device, getppid(), chid), "z") != 0;
	}));
	victim.expect_success();
	attacker.tell(0);
	attacker.expect_success();
}

// After so long many of something are many enough, where each takes long.
constexpr int kEnoughMs = 8000;

// What the thread's processor spends on that, in ns.
int64_t cost_of(const std::function<void()> &what)
{
	return shortest(30, CLOCK_THREAD_CPUTIME_ID,
			[&what] {
				for (int i = 0; i < 10; i++)
					what();
			}) /
	       10;
}

// With many of something it may cost no more than with few.
void expect_no_dearer(int64_t many, int64_t few)
{
	if (getenv("ATTACK_TIMES"))
		printf("        %lld ns, %lld ns\n", (long long)few, (long long)many);
	EXPECT_LT(many, 3 * few + 1000) << few << " ns with few";
}

// A server that leaves messages unanswered, and chooses which: to find one, with the channel's lock
// held, costs no more than with few of them.
TEST_F(Starve, MessagesLeftUnanswered)
{
	Parameter connection_bound("connection_queued", 100000);
	Child attacker(as(kAttacker, [](Child &) {
		// those whose ids have the same top bits, multiplied as the kernel's hashes do it
		auto chosen = [](uint32_t rcvid) { return (rcvid * 0x61c88647u) >> 24 == 0; };
		Fd own_device = open_device();
		int chid, oldest = 0, left = 0;
		Fd own = new_channel(own_device, {}, 0, &chid);
		Fd connection = new_connection(own_device, 0, chid);
		auto look = [&] {
			stplr_msg_info info = {};
			info.rcvid = oldest;
			EXPECT_EQ(0, call(own, STPLR_MSG_INFO, &info));
		};
		int64_t few = 0;
		const int64_t end = in_ms(kEnoughMs);
		for (int rcvid = 1; left < 600 && now(CLOCK_MONOTONIC) < end; rcvid++) {
			// one that is received in part stays until the rest is read
			bool keep = chosen(rcvid);
			EXPECT_EQ(0, send_queued(connection, keep ? "xy" : "x"));
			Received message = receive(own, 1);
			EXPECT_EQ(rcvid, message.rcvid());
			left += keep;
			if (keep && left == 1) {
				oldest = rcvid;
				few = cost_of(look);
			}
		}
		expect_no_dearer(cost_of(look), few);
		return 0;
	}));
	attacker.expect_success();
}

// Threads of the attacker's have left messages parked: what another send over the connection costs.
TEST_F(Starve, MessagesLeftParked)
{
	int chid;
	Fd channel = new_channel(device, {}, STPLR_CHANNEL_ATTACH_ANY, &chid);
	Child attacker(as(kAttacker, [&](Child &) {
		Fd own_device = open_device();
		Fd own = new_connection(own_device, getppid(), chid);
		std::vector<std::unique_ptr<Thread>> threads;
		auto park = [&](int many) {
			const int64_t end = in_ms(kEnoughMs);
			while (threads.size() < size_t(many) && now(CLOCK_MONOTONIC) < end) {
				threads.push_back(std::make_unique<Thread>([&] {
					char room[1] = {};
					stplr_msg_send args =
						send_args(buffer("x"), buffer(room, sizeof(room)));
					EXPECT_EQ(-EINTR, msg_send_receive(own, args));
					return poll(nullptr, 0, -1);
				}));
				EXPECT_EQ(0, receive(channel).result);
				EXPECT_TRUE(threads.back()->wait_blocked(STPLR_MSG_SEND_RECEIVE));
				threads.back()->signal(SIGUSR1);
			}
			EXPECT_TRUE(threads.back()->wait_asleep());
		};
		auto send = [&] {
			stplr_msg_send args = send_args(buffer("x"));
			args.send_deadline = STPLR_DEADLINE_POLL;
			EXPECT_EQ(-EAGAIN, msg_send(own, args));
		};
		park(4);
		int64_t few = cost_of(send);
		park(300);
		expect_no_dearer(cost_of(send), few);
		return 0;
	}));
	attacker.expect_success();
}

// Threads of the attacker's wait for names that nobody has: what it costs to have one.
TEST_F(Starve, ThreadsThatWaitForNames)
{
	auto have = [this] { new_channel(device, "wanted"); };
	int64_t few = cost_of(have);
	Child attacker(as(kAttacker, [](Child &self) {
		Fd own_device = open_device();
		std::vector<std::unique_ptr<Thread>> threads;
		const int64_t end = in_ms(kEnoughMs);
		for (int i = 0; i < 1000 && now(CLOCK_MONOTONIC) < end; i++) {
			threads.push_back(std::make_unique<Thread>([&, i] {
				std::string name = "nobody-has-" + std::to_string(i);
				stplr_connect_attach args = attach_args(name);
				args.deadline = STPLR_DEADLINE_NONE;
				return connect_attach(own_device, args);
			}));
		}
		for (auto &thread : threads)
			EXPECT_TRUE(thread->wait_blocked(STPLR_CONNECT_ATTACH));
		self.tell(0);
		self.hear();
		threads.clear();
		return 0;
	}));
	attacker.hear();
	expect_no_dearer(cost_of(have), few);
	attacker.tell(0);
	attacker.expect_success();
}

// A channel that many have to do with is found and left by others as fast as ever; so is a device.
TEST_F(Starve, ManyConnections)
{
	Service service;
	auto attach = [this] { new_connection(device, "service"); };
	int64_t alone = shortest(20, CLOCK_MONOTONIC, attach);
	Child attacker(as(kAttacker, [](Child &self) {
		Fd own_device = open_device();
		std::vector<Fd> connections;
		for (int i = 0; i < 900; i++)
			connections.push_back(new_connection(own_device, "service"));
		self.tell(0);
		self.hear();
		return 0;
	}));
	attacker.hear();
	EXPECT_LT(shortest(20, CLOCK_MONOTONIC, attach), 2 * alone + 100000)
		<< alone << " ns alone";
	attacker.tell(0);
	attacker.expect_success();
}

} // namespace
