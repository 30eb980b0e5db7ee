// SPDX-License-Identifier: MIT
// Numbers that somebody else was given: rcvids, tokens, cookies, ids of clients, of connections and
// of events. Who guesses them gets nothing by it.
#include <signal.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "attack.h"
#include "support/memory.h"
#include "support/pulse.h"

namespace
{

class Forge : public AttackTest
{
protected:
	int chid = 0;
	Fd channel = new_channel(device, "victim", STPLR_CHANNEL_ATTACH_ANY, &chid);
	Fd connection = new_connection(device, 0, chid);
};

// The attacker has inherited the channel, and so may receive; but what the victim received is the
// victim's.
TEST_F(Forge, RcvidsOnASharedChannel)
{
	Sender client(connection, "secret");
	Received message = receive(channel);
	ASSERT_LT(0, message.rcvid());
	Child attacker(as(kAttacker, [this](Child &) {
		char bytes[64];
		poison_bytes(bytes, sizeof(bytes));
		for (int id = 1; id < 5000; id++) {
			stplr_msg_reply answer = reply_args(id, buffer("forged"));
			EXPECT_EQ(-ESRCH, msg_reply(channel, answer));
			stplr_msg_data data = data_args(id, buffer(bytes, sizeof(bytes)));
			EXPECT_EQ(-ESRCH, msg_read(channel, data));
			EXPECT_EQ(-ESRCH, msg_write(channel, data));
			stplr_msg_info info = {};
			info.rcvid = id;
			EXPECT_EQ(-ESRCH, call(channel, STPLR_MSG_INFO, &info));
		}
		for (size_t i = 0; i < sizeof(bytes); i++)
			EXPECT_EQ(kPoison, (unsigned char)(bytes[i]));
		return 0;
	}));
	attacker.expect_success();
	EXPECT_EQ(0, reply(channel, message.rcvid(), "true"));
	EXPECT_EQ("true", client.finish().text);
}

// A client and the attacker share a connection: the message that one has parked is not the other's.
TEST_F(Forge, TokensOnASharedConnection)
{
	char room[64] = {};
	stplr_msg_send args = send_args(buffer("x"), buffer(room, sizeof(room)));
	Thread client([&] { return msg_send_receive(connection, args); });
	Received message = receive(channel);
	client.signal(SIGUSR1);
	ASSERT_EQ(-EINTR, client.join());
	ASSERT_NE(0u, args.token);
	Child attacker(as(kAttacker, [this](Child &) {
		char stolen[64];
		for (uint64_t token = 1; token < 2000; token++) {
			stplr_msg_send guess =
				send_args(buffer("x"), buffer(stolen, sizeof(stolen)));
			guess.token = token;
			guess.reply_deadline = in_ms(100);
			guess.clock = CLOCK_MONOTONIC;
			EXPECT_EQ(-ENOENT, call(connection, STPLR_MSG_SEND_RECEIVE, &guess))
				<< token;
		}
		return 0;
	}));
	attacker.expect_success();
	// Nor does the client itself get it by another call than the one that sent it.
	stplr_msg_send one_way = send_args(buffer("x"));
	one_way.token = args.token;
	EXPECT_EQ(-ENOENT, call(connection, STPLR_MSG_SEND, &one_way));
	EXPECT_EQ(0, reply(channel, message.rcvid(), "for the client"));
	EXPECT_EQ(0, msg_send_receive(connection, args));
	EXPECT_STREQ("for the client", room);
}

// The attacker is a server: other servers' clients and connections are none of its business.
TEST_F(Forge, IdsOfOthersClients)
{
	Sender client(connection, "x");
	Received message = receive(channel);
	Child attacker(as(kAttacker, [](Child &) {
		Fd own_device = open_device();
		Fd own = new_channel(own_device);
		for (uint32_t id = 0; id < 2000; id++) {
			stplr_client_cookie cookie = {};
			cookie.cookie = 666;
			cookie.coid = id;
			EXPECT_EQ(-ESRCH, call(own, STPLR_CLIENT_COOKIE, &cookie));
			stplr_client_info info = {};
			info.scoid = id;
			EXPECT_EQ(-ESRCH, call(own, STPLR_CLIENT_INFO, &info));
		}
		return 0;
	}));
	attacker.expect_success();
	EXPECT_EQ(0u, message.info.cookie);
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	client.finish();
	Sender again(connection, "y");
	message = receive(channel);
	EXPECT_EQ(0u, message.info.cookie);
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	again.finish();
}

// A client has allowed its server to notify it. Another server may not; nor may another client take
// it back.
TEST_F(Forge, EventsOfOthers)
{
	int own_chid;
	Fd own = new_channel(device, {}, 0, &own_chid);
	Fd to_own = new_connection(device, 0, own_chid);
	std::vector<uint32_t> ids;
	for (int fd : {connection.get(), device.get()}) {
		stplr_event_register args = {};
		args.type = STPLR_EVENT_PULSE;
		args.fd = to_own;
		args.flags = STPLR_EVENT_UPDATE;
		ASSERT_EQ(0, call(fd, STPLR_EVENT_REGISTER, &args));
		ids.push_back(args.id);
	}
	Child attacker(as(kAttacker, [&](Child &) {
		Fd own_device = open_device();
		int its_chid;
		Fd its = new_channel(own_device, {}, 0, &its_chid);
		Fd to_its = new_connection(own_device, 0, its_chid);
		auto deliver = [&](uint32_t id) {
			stplr_event_deliver args = {};
			args.id = id;
			args.value = 666;
			args.flags = STPLR_DELIVER_VALUE;
			return call(its, STPLR_EVENT_DELIVER, &args);
		};
		for (uint32_t id = 0; id < ids.back() + 1000; id++) {
			long result = deliver(id);
			EXPECT_TRUE(result == -ENOENT || result == -EACCES) << id;
			EXPECT_EQ(-ENOENT, call(own_device, STPLR_EVENT_UNREGISTER, &id));
			EXPECT_EQ(-ENOENT, call(to_its, STPLR_EVENT_UNREGISTER, &id));
		}
		for (uint32_t id : ids)
			EXPECT_EQ(-EACCES, deliver(id));
		return 0;
	}));
	attacker.expect_success();
	EXPECT_EQ(-EAGAIN, receive_pulse(own).result);
}

// Pulses by which the system speaks, and those of real-time threads, cannot be sent by just
// anybody.
TEST_F(Forge, PulsesOfTheSystem)
{
	Child attacker(as(kAttacker, [this](Child &) {
		Fd own_device = open_device();
		Fd own = new_connection(own_device, getppid(), chid);
		for (int code = -128; code < 0; code++)
			EXPECT_EQ(-EINVAL, pulse_send(own, code, 1));
		EXPECT_EQ(0, pulse_send(own, 1, 2, 140));
		return 0;
	}));
	attacker.expect_success();
	ReceivedPulse received = receive_pulse(channel);
	ASSERT_EQ(0, received.result);
	EXPECT_EQ(1, received.pulse.code);
	EXPECT_LE(received.info.priority, 19) << "above the sender's own";
}

// A queued message outlives its sender. What the server asks then by its ids must not be told of
// another client.
TEST_F(Forge, IdsThatComeAgain)
{
	Child dead(as(kAttacker, [this](Child &) {
		Fd own_device = open_device();
		Fd own = new_connection(own_device, getppid(), chid);
		EXPECT_EQ(0, send_queued(own, "from the attacker"));
		return 0;
	}));
	dead.expect_success();
	Received message = receive(channel);
	ASSERT_EQ(0, message.result);
	// The next client is root, say.
	Child root([this](Child &self) {
		Fd own_device = open_device();
		Fd own = new_connection(own_device, getppid(), chid);
		self.tell(0);
		self.hear();
		return 0;
	});
	root.hear();
	stplr_client_info info = {};
	info.scoid = message.info.scoid;
	EXPECT_EQ(-ESRCH, call(channel, STPLR_CLIENT_INFO, &info))
		<< "it speaks of user " << info.euid;
	stplr_client_cookie cookie = {};
	cookie.coid = message.info.coid;
	EXPECT_EQ(-ESRCH, call(channel, STPLR_CLIENT_COOKIE, &cookie));
	root.tell(0);
	root.expect_success();
}

} // namespace
