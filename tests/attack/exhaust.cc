// SPDX-License-Identifier: MIT
// Using up what others need. The attacker takes all that its bounds allow; another user's client
// gets its answer as before.
#include <sys/resource.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "attack.h"
#include "support/memory.h"
#include "support/module.h"
#include "support/pulse.h"

namespace
{

// Calls it until it fails, and expects how.
void until(long error, const std::function<long()> &take)
{
	long result;

	while ((result = take()) >= 0)
		;
	EXPECT_EQ(error, result) << result_name(result);
}

// Smaller bounds than usual, which are reached sooner.
class Exhaust : public AttackTest
{
protected:
	Parameter channels{"user_channels", 50};
	Parameter connections{"user_connections", 100};
	Parameter messages{"user_messages", 100};
	Parameter events{"user_events", 100};
	Parameter memory{"user_memory", 4};

	// What the attacker does, and then keeps while somebody else wants to be served.
	void attack(std::function<void(int device)> body)
	{
		Child attacker(as(kAttacker, [&](Child &self) {
			Fd own_device = open_device();
			body(own_device);
			self.tell(0);
			self.hear();
			return 0;
		}));
		attacker.hear();
		expect_served("service");
		attacker.tell(0);
		attacker.expect_success();
	}
};

TEST_F(Exhaust, Channels)
{
	Service service;
	attack([](int own_device) {
		until(-EDQUOT, [&] {
			stplr_channel_create args = channel_args();
			return channel_create(own_device, args);
		});
	});
}

TEST_F(Exhaust, Connections)
{
	Service service;
	attack([](int own_device) {
		until(-EDQUOT, [&] {
			stplr_connect_attach args = attach_args("service");
			return connect_attach(own_device, args);
		});
	});
}

TEST_F(Exhaust, Events)
{
	Service service;
	attack([](int own_device) {
		until(-EDQUOT, [&] {
			stplr_event_register args = {};
			args.type = STPLR_EVENT_SIGNAL;
			args.fd = -1;
			args.signo = SIGUSR1;
			return call(own_device, STPLR_EVENT_REGISTER, &args);
		});
	});
}

// Its own memory of messages, in a channel of its own that nobody reads.
TEST_F(Exhaust, Memory)
{
	Service service;
	attack([](int own_device) {
		int chid;
		Fd own = new_channel(own_device, {}, 0, &chid);
		static std::vector<Fd> kept;
		std::string bytes(60000, 'x');
		long result = 0;
		while (result == 0) {
			kept.push_back(new_connection(own_device, 0, chid));
			for (int i = 0; i < 20 && result == 0; i++)
				result = send_queued(kept.back(), bytes, STPLR_DEADLINE_POLL);
		}
		EXPECT_EQ(-ENOBUFS, result) << result_name(result);
		own.release();
	});
}

// The pulses of a channel that it shares with others; two such users, who take turns, each over as
// many connections as it likes.
TEST_F(Exhaust, PulsesOfASharedChannel)
{
	stplr_channel_create args = channel_args("service");
	args.mode = 0666;
	Fd channel(channel_create(device, args));
	for (int round = 0; round < 4; round++) {
		Child attacker(as(round % 2 ? kBystander : kAttacker, [&](Child &) {
			Fd own_device = open_device();
			Fd own = new_connection(own_device, "service");
			until(-EAGAIN, [&] { return pulse_send(own, 1); });
			return 0;
		}));
		attacker.expect_success();
	}
	Child victim(as(kVictim, [&](Child &) {
		Fd own_device = open_device();
		Fd own = new_connection(own_device, "service");
		EXPECT_EQ(0, pulse_send(own, 1));
		return 0;
	}));
	victim.expect_success();
}

// The queue of a channel that it shares with others, likewise.
TEST_F(Exhaust, QueueOfASharedChannel)
{
	Parameter bound("channel_queued", 50);
	stplr_channel_create args = channel_args("service");
	args.mode = 0666;
	Fd channel(channel_create(device, args));
	for (int round = 0; round < 4; round++) {
		Child attacker(as(round % 2 ? kBystander : kAttacker, [&](Child &) {
			Fd own_device = open_device();
			Fd own = new_connection(own_device, "service");
			until(-EAGAIN, [&] { return send_queued(own, "x", STPLR_DEADLINE_POLL); });
			return 0;
		}));
		attacker.expect_success();
	}
	Child victim(as(kVictim, [&](Child &) {
		Fd own_device = open_device();
		Fd own = new_connection(own_device, "service");
		EXPECT_EQ(0, send_queued(own, "x", STPLR_DEADLINE_POLL));
		return 0;
	}));
	victim.expect_success();
}

// However many of one user's threads wait for room, another user's is let in before them.
TEST_F(Exhaust, LineBeforeASharedChannel)
{
	Parameter bound("channel_queued", 8);
	stplr_channel_create args = channel_args("service");
	args.mode = 0666;
	Fd channel(channel_create(device, args));
	Child attacker(as(kAttacker, [&](Child &self) {
		Fd own_device = open_device();
		Fd own[4];
		std::vector<std::unique_ptr<Thread>> waiting;
		for (Fd &one : own) {
			one = new_connection(own_device, "service");
			until(-EAGAIN,
			      [&] { return send_queued(one, "attacker", STPLR_DEADLINE_POLL); });
			for (int i = 0; i < 4; i++) {
				waiting.push_back(std::make_unique<Thread>(
					[&one] { return send_queued(one, "attacker"); }));
				EXPECT_TRUE(waiting.back()->wait_blocked(STPLR_MSG_SEND));
			}
		}
		self.tell(0);
		for (auto &thread : waiting)
			thread->join();
		return 0;
	}));
	attacker.hear();
	Child victim(as(kVictim, [&](Child &self) {
		Fd own_device = open_device();
		Fd own = new_connection(own_device, "service");
		// the first finds the room that is left for others
		for (int i = 0; i < 2; i++)
			EXPECT_EQ(0, send_queued(own, "victim", STPLR_DEADLINE_POLL));
		self.tell(0);
		EXPECT_EQ(0, send_queued(own, "victim", in_ms(kPatienceMs)));
		self.tell(0);
		return 0;
	}));
	victim.hear();
	ASSERT_TRUE(victim.wait_blocked(STPLR_MSG_SEND));
	// The attacker has four of seven, the victim two: it is the next, once it leaves as many.
	EXPECT_EQ("attacker", receive(channel).text);
	EXPECT_EQ("attacker", receive(channel).text);
	victim.hear();
	victim.expect_success();
	EXPECT_EQ(0, channel_destroy(channel));
	attacker.expect_success();
}

// Of both, what is left for the channel's owner.
TEST_F(Exhaust, OwnersShareOfAChannel)
{
	Parameter bound("channel_queued", 50);
	stplr_channel_create args = channel_args("service");
	args.mode = 0666;
	Fd channel(channel_create(device, args));
	Child attacker(as(kAttacker, [](Child &) {
		Fd own_device = open_device();
		Fd own = new_connection(own_device, "service");
		until(-EAGAIN, [&] { return pulse_send(own, 1); });
		until(-EAGAIN, [&] { return send_queued(own, "x", STPLR_DEADLINE_POLL); });
		return 0;
	}));
	attacker.expect_success();
	Fd own = new_connection(device, "service");
	EXPECT_EQ(0, pulse_send(own, 1));
	EXPECT_EQ(0, send_queued(own, "x", STPLR_DEADLINE_POLL));
}

// A server's answers are charged to the client who has room for them; it must not spend all that
// its client's user has.
TEST_F(Exhaust, ClientsMemoryByWriting)
{
	Child client(as(kVictim, [](Child &self) {
		Fd own_device = open_device();
		int chid;
		Fd own = new_channel(own_device, "client", STPLR_CHANNEL_ATTACH_ANY, &chid);
		self.tell(chid);
		stplr_connect_attach attach = attach_args("server");
		attach.deadline = in_ms(kPatienceMs);
		attach.clock = CLOCK_MONOTONIC;
		Fd connection(connect_attach(own_device, attach));
		// room that it offers, and would never touch
		Mapping room(16 << 20);
		stplr_msg_send args = send_args(buffer("x"), buffer(room.data(), room.size()));
		Thread call([&] { return msg_send_receive(connection, args); });
		self.hear();
		// another of its programs wants to send
		Fd to_own = new_connection(own_device, 0, chid);
		long result = send_queued(to_own, std::string(60000, 'y'), STPLR_DEADLINE_POLL);
		EXPECT_EQ(0, result) << result_name(result);
		EXPECT_EQ(0, connect_detach(connection));
		call.join();
		return 0;
	}));
	client.hear();
	Child server(as(kAttacker, [](Child &self) {
		Fd own_device = open_device();
		stplr_channel_create args = channel_args("server");
		args.mode = 0666;
		Fd channel(channel_create(own_device, args));
		Received message = receive(channel);
		// the same bytes again and again, each time a chunk of the client's
		std::string bytes(100000, 'z');
		long result = 0;
		for (int i = 0; i < 1000 && result == 0; i++) {
			stplr_msg_data data = data_args(message.rcvid(), buffer(bytes),
							(8 << 20) + i % 8 * 100000);
			result = msg_write(channel, data);
		}
		self.tell(result);
		self.hear();
		return 0;
	}));
	server.hear();
	client.tell(0);
	client.expect_success();
	server.tell(0);
	server.expect_success();
}

// However little room there is, the same bytes can be written to it again and again; what that may
// hold has a bound, and in the end nobody pays for it any more.
TEST_F(Exhaust, OneMessagesMemory)
{
	Parameter more("user_memory", 64);
	Child server(as(kAttacker, [](Child &self) {
		Fd own_device = open_device();
		int chid;
		Fd own = new_channel(own_device, {}, STPLR_CHANNEL_ATTACH_ANY, &chid);
		self.tell(chid);
		Received message = receive(own);
		std::string bytes(100000, 'z');
		int written = 0;
		until(-ENOBUFS, [&] {
			stplr_msg_data data = data_args(message.rcvid(), buffer(bytes), 500000);
			return ++written < 200 ? msg_write(own, data) : -ENOTRECOVERABLE;
		});
		EXPECT_GE(written, 10);
		EXPECT_EQ(0, reply(own, message.rcvid()));
		return 0;
	}));
	Fd connection = new_connection(device, server.pid(), int(server.hear()));
	Mapping room(1000000);
	stplr_msg_send args = send_args(buffer("x"), buffer(room.data(), room.size()));
	EXPECT_EQ(0, msg_send_receive(connection, args));
	EXPECT_EQ('z', room.data()[599999]);
	server.expect_success();
}

// Who inherits a connection spends what its opener may have.
TEST_F(Exhaust, OpenersMemoryByAnHeir)
{
	int chid;
	Fd channel = new_channel(device, {}, STPLR_CHANNEL_ATTACH_ANY, &chid);
	Fd inherited = new_connection(device, 0, chid);
	Child attacker(as(kAttacker, [&](Child &self) {
		std::string bytes(60000, 'x');
		until(-ENOBUFS, [&] { return send_queued(inherited, bytes, STPLR_DEADLINE_POLL); });
		self.tell(0);
		self.hear();
		return 0;
	}));
	attacker.hear();
	// another connection of root's
	Fd own = new_connection(device, 0, chid);
	EXPECT_EQ(0, send_queued(own, std::string(60000, 'y'), STPLR_DEADLINE_POLL));
	attacker.tell(0);
	attacker.expect_success();
}

// Connections that nobody accepts yet fill a backlog; the server's accepting makes room for others
// in their turn.
TEST_F(Exhaust, Backlog)
{
	stplr_channel_create args = channel_args("listener", STPLR_CHANNEL_LISTEN);
	args.mode = 0666;
	args.backlog = 10;
	Fd listener(channel_create(device, args));
	Child attacker(as(kAttacker, [](Child &self) {
		Fd own_device = open_device();
		until(-EAGAIN, [&] {
			stplr_connect_attach attach = attach_args("listener");
			return connect_attach(own_device, attach);
		});
		self.tell(0);
		self.hear();
		return 0;
	}));
	attacker.hear();
	Child victim(as(kVictim, [](Child &) {
		Fd own_device = open_device();
		stplr_connect_attach attach = attach_args("listener");
		attach.clock = CLOCK_MONOTONIC;
		attach.deadline = in_ms(kPatienceMs);
		EXPECT_GE(Fd(connect_attach(own_device, attach)), 0);
		return 0;
	}));
	ASSERT_TRUE(victim.wait_blocked(STPLR_CONNECT_ATTACH));
	stplr_channel_accept accept = accept_args(STPLR_DEADLINE_POLL);
	EXPECT_GE(Fd(channel_accept(listener, accept)), 0);
	victim.expect_success();
	attacker.tell(0);
	attacker.expect_success();
}

} // namespace
