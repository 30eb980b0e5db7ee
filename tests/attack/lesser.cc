// SPDX-License-Identifier: MIT
// A channel's, or a connection's, descriptor in a process that may do less: inherited, or handed
// over. It is a right to what the descriptor does, and to nothing else of who made it.
#include <signal.h>

#include <cerrno>

#include "attack.h"
#include "support/memory.h"
#include "support/pulse.h"

namespace
{

class Lesser : public AttackTest
{
protected:
	int chid = 0;
	Fd channel = new_channel(device, "victim", STPLR_CHANNEL_ATTACH_ANY | STPLR_CHANNEL_CREATOR,
				 &chid);
	Fd connection = new_connection(device, 0, chid);
};

// Its close, and its death, end nothing of the creator's: not the channel, not a message that that
// has received.
TEST_F(Lesser, EndOfAnHeir)
{
	Sender client(connection, "x");
	Received message = receive(channel);
	for (int how = 0; how < 3; how++) {
		Child heir(as(kAttacker, [&](Child &self) {
			Fd copy(dup(channel));
			if (how == 0)
				channel.reset();
			copy.reset();
			if (how == 1)
				raise(SIGKILL);
			if (how == 2)
				self.hear();
			return 0;
		}));
		if (how == 2)
			heir.kill(SIGSEGV);
		heir.wait();
		EXPECT_FALSE(client.done());
	}
	EXPECT_EQ(0, reply(channel, message.rcvid(), "still"));
	EXPECT_EQ("still", client.finish().text);
}

// Its registered buffers are the creator's memory, which it cannot name.
TEST_F(Lesser, BuffersOfTheCreator)
{
	Mapping memory(4 * page_size());
	fill_pattern(memory.data(), memory.size(), 1);
	stplr_buffer_register args =
		register_args(memory.data(), memory.size(), STPLR_BUFFER_WRITE);
	ASSERT_EQ(0, buffer_register(connection, args));
	stplr_buffer_register servers =
		register_args(memory.data(), memory.size(), STPLR_BUFFER_WRITE);
	ASSERT_EQ(0, buffer_register(channel, servers));
	Child attacker(as(kAttacker, [&](Child &) {
		for (uint64_t index = 0; index < 300; index++) {
			stplr_msg_send send = {};
			send.send.addr = STPLR_REGISTERED(index, 0);
			send.send.len = 100;
			send.flags = STPLR_SEND_REGISTERED;
			send.send_deadline = STPLR_DEADLINE_POLL;
			EXPECT_EQ(-EINVAL, call(connection, STPLR_MSG_SEND, &send));
			stplr_msg_receive take = {};
			take.buffer.addr = STPLR_REGISTERED(index, 0);
			take.buffer.len = 100;
			take.flags = STPLR_RECEIVE_REGISTERED;
			EXPECT_EQ(-EINVAL, call(channel, STPLR_MSG_RECEIVE, &take));
		}
		return 0;
	}));
	attacker.expect_success();
	EXPECT_TRUE(expect_pattern(memory.data(), memory.size(), 1));
}

// What it sends over an inherited connection is its own, not the opener's.
TEST_F(Lesser, WhoSends)
{
	Child attacker(as(kAttacker, [&](Child &) { return int(send_queued(connection, "x")); }));
	attacker.expect_success();
	Received message = receive(channel);
	EXPECT_EQ(kAttacker, message.info.uid);
	EXPECT_EQ(kAttacker, message.info.gid);
}

// An event that it registers there is its own, too: it reaches its process, and whom it may signal.
TEST_F(Lesser, EventsOverIt)
{
	Child attacker(as(kAttacker, [&](Child &self) {
		signal(SIGUSR2, SIG_IGN);
		stplr_event_register args = {};
		args.type = STPLR_EVENT_SIGNAL;
		args.fd = -1;
		args.signo = SIGUSR2;
		EXPECT_EQ(0, call(connection, STPLR_EVENT_REGISTER, &args));
		self.tell(args.id);
		self.hear();
		return 0;
	}));
	stplr_event_deliver deliver = {};
	deliver.id = uint32_t(attacker.hear());
	// Delivered: the process is ended by it, were it not ignored; the test's own has no
	// handler.
	signal(SIGUSR2, SIG_DFL);
	EXPECT_EQ(0, call(channel, STPLR_EVENT_DELIVER, &deliver));
	attacker.tell(0);
	attacker.expect_success();
	EXPECT_EQ(-ESRCH, call(channel, STPLR_EVENT_DELIVER, &deliver));
}

// An heir is killed while its message waits for an answer, parked; somebody else holds the
// connection still.
TEST_F(Lesser, AnswerToTheDead)
{
	Child attacker(as(kAttacker, [&](Child &self) {
		char room[16] = {};
		stplr_msg_send args = send_args(buffer("x"), buffer(room, sizeof(room)));
		Thread caller([&] { return msg_send_receive(connection, args); });
		self.hear();
		caller.signal(SIGUSR1);
		EXPECT_EQ(-EINTR, caller.join());
		return 0;
	}));
	Received message = receive(channel);
	attacker.tell(0);
	attacker.expect_success();
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid(), "for whom?"));
}

} // namespace
