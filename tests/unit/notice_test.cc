// SPDX-License-Identifier: MIT
// What the module tells a server of its clients, and a client of its server, by pulses.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "support/memory.h"
#include "support/module.h"
#include "support/pulse.h"
#include "support/race.h"

namespace
{

class NoticeTest : public testing::Test
{
protected:
	NoticeTest() : device(open_device()) {}

	Fd device;
};

// Disconnect

class DisconnectTest : public NoticeTest
{
protected:
	DisconnectTest()
		: channel(new_channel(device, "disconnect", STPLR_CHANNEL_DISCONNECT, &chid))
	{
	}

	int chid = 0;
	Fd channel;
};

TEST_F(DisconnectTest, TellsOfTheLastConnectionOfAProcess)
{
	Child client([&](Child &self) {
		Fd one = new_connection(device, "disconnect");
		Fd two = new_connection(device, "disconnect");
		self.tell(1);
		self.hear();
		one.reset();
		self.tell(1);
		self.hear();
		return 0;
	});
	client.hear();
	client.tell(1);
	client.hear();
	EXPECT_EQ(-EAGAIN, receive_pulse(channel).result);
	client.tell(1);
	client.expect_success();
	ReceivedPulse received = await_pulse(channel);
	EXPECT_EQ(STPLR_PULSE_DISCONNECT, received.pulse.code);
	EXPECT_LT(0, received.pulse.scoid);
	EXPECT_EQ(uint32_t(received.pulse.scoid), received.info.scoid);
	EXPECT_EQ(-EAGAIN, receive_pulse(channel).result);
}

TEST_F(DisconnectTest, TellsTheSameIdAsItsMessages)
{
	Child client([&](Child &) {
		Fd own = new_connection(device, "disconnect");
		return send_one_way(own, "x") ? 1 : 0;
	});
	Received message = receive(channel);
	ReceivedPulse received = await_pulse(channel);
	EXPECT_EQ(message.info.scoid, uint32_t(received.pulse.scoid));
}

TEST_F(DisconnectTest, AtDetach)
{
	Fd connection = new_connection(device, "disconnect");
	ASSERT_EQ(0, connect_detach(connection));
	EXPECT_EQ(STPLR_PULSE_DISCONNECT, receive_pulse(channel).pulse.code);
	connection.reset();
	EXPECT_EQ(-EAGAIN, receive_pulse(channel).result);
}

TEST_F(DisconnectTest, WhenTheClientIsKilledInACall)
{
	Child client([&](Child &) {
		Fd own = new_connection(device, "disconnect");
		send_receive(own, "x");
		return 1;
	});
	Received message = receive(channel);
	client.kill(SIGKILL);
	client.wait();
	EXPECT_EQ(STPLR_PULSE_DISCONNECT, await_pulse(channel).pulse.code);
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid()));
}

TEST_F(DisconnectTest, NotWithoutTheFlag)
{
	Fd other = new_channel(device, "silent");
	new_connection(device, "silent").reset();
	EXPECT_EQ(-EAGAIN, receive_pulse(other).result);
}

TEST_F(DisconnectTest, NotOfAnAttachThatFailed)
{
	stplr_connect_attach args = attach_args("disconnect");
	args.flags = STPLR_CONNECT_UID;
	args.uid = 12345;
	EXPECT_EQ(-EPERM, connect_attach(device, args));
	EXPECT_EQ(-EFAULT, call(device, STPLR_CONNECT_ATTACH, nullptr));
	// One that fails last of all, where its result cannot be written.
	Mapping page(page_size());
	*reinterpret_cast<stplr_connect_attach *>(page.data()) = attach_args("disconnect");
	page.protect(PROT_READ, 0, page.size());
	EXPECT_EQ(-EFAULT, call(device, STPLR_CONNECT_ATTACH, page.data()));
	EXPECT_EQ(-EAGAIN, receive_pulse(channel).result);
}

TEST_F(DisconnectTest, NotLostToAFullPool)
{
	Fd filler = new_connection(device, "disconnect");
	while (!pulse_send(filler, 1, 0, 0))
		;
	constexpr int kClients = 10;
	for (int i = 0; i < kClients; i++)
		Child([&](Child &) {
			return new_connection(device, "disconnect") < 0;
		}).expect_success();
	std::vector<int> ids;
	for (int i = 0; i < STPLR_PULSES_DEFAULT + kClients; i++) {
		ReceivedPulse received = receive_pulse(channel);
		ASSERT_EQ(0, received.result);
		if (received.pulse.code == STPLR_PULSE_DISCONNECT)
			ids.push_back(received.pulse.scoid);
	}
	EXPECT_EQ(size_t(kClients), ids.size());
}

TEST_F(DisconnectTest, IdIsNotAnothersBeforeItWasReceived)
{
	for (int i = 0; i < 3; i++)
		Child([&](Child &) {
			return new_connection(device, "disconnect") < 0;
		}).expect_success();
	std::vector<int> ids;
	for (int i = 0; i < 3; i++)
		ids.push_back(await_pulse(channel).pulse.scoid);
	EXPECT_NE(ids[0], ids[1]);
	EXPECT_NE(ids[1], ids[2]);
	EXPECT_NE(ids[0], ids[2]);
}

TEST_F(DisconnectTest, AConnectionAfterItIsAnotherClient)
{
	Fd connection = new_connection(device, "disconnect");
	connection.reset();
	connection = new_connection(device, "disconnect");
	connection.reset();
	EXPECT_EQ(STPLR_PULSE_DISCONNECT, receive_pulse(channel).pulse.code);
	EXPECT_EQ(STPLR_PULSE_DISCONNECT, receive_pulse(channel).pulse.code);
	EXPECT_EQ(-EAGAIN, receive_pulse(channel).result);
}

TEST_F(DisconnectTest, NobodyIsToldOnceTheChannelEnded)
{
	Fd connection = new_connection(device, "disconnect");
	ASSERT_EQ(0, channel_destroy(channel));
	connection.reset();
	EXPECT_EQ(-ESRCH, receive_pulse(channel).result);
}

// A server that does not receive them does not let a client fill the kernel's memory.
TEST_F(DisconnectTest, ClientsUserHasABound)
{
	Parameter limit("user_messages", 5);
	stplr_connect_attach args = attach_args("disconnect");
	int connected = 0;
	long fd;
	while ((fd = connect_attach(device, args)) >= 0) {
		connected++;
		close(fd);
		args = attach_args("disconnect");
	}
	EXPECT_EQ(-EDQUOT, fd);
	EXPECT_EQ(5, connected);
	EXPECT_EQ(STPLR_PULSE_DISCONNECT, receive_pulse(channel).pulse.code);
	EXPECT_LE(0, new_connection(device, "disconnect"));
}

// Told once, after all that the client sent.
TEST_F(DisconnectTest, CloseAgainstReceive)
{
	Race race;
	race.expect({"the close first", "the receive first"});
	for (int round = 0; round < 50 || (round < 1000 && !race.all_seen()); round++) {
		Fd mine = new_connection(device, "disconnect");
		ReceivedPulse received;
		race.run(
			[&]() -> long {
				pulse_send(mine, 7, round);
				mine.reset();
				return 0;
			},
			[&] { return (received = receive_pulse(channel)).result; });
		race.count(received.result ? "the receive first" : "the close first");
		if (received.result)
			received = await_pulse(channel);
		ASSERT_EQ(7, received.pulse.code);
		EXPECT_EQ(uint64_t(round), received.pulse.value);
		EXPECT_EQ(STPLR_PULSE_DISCONNECT, await_pulse(channel).pulse.code);
		EXPECT_EQ(-EAGAIN, receive_pulse(channel).result);
	}
	race.check();
}

TEST_F(DisconnectTest, NotForListeningChannels)
{
	stplr_channel_create args =
		channel_args("x", STPLR_CHANNEL_LISTEN | STPLR_CHANNEL_DISCONNECT);
	EXPECT_EQ(-EINVAL, channel_create(device, args));
}

// Unblock

volatile sig_atomic_t handled;
void handle(int)
{
	handled = handled + 1;
}

void on_signal(int signo, int flags = 0)
{
	struct sigaction action = {};
	action.sa_handler = handle;
	action.sa_flags = flags;
	sigaction(signo, &action, nullptr);
}

class UnblockTest : public NoticeTest
{
protected:
	UnblockTest() : channel(new_channel(device, "unblock", STPLR_CHANNEL_UNBLOCK))
	{
		on_signal(SIGUSR1);
		handled = 0;
		connection = new_connection(device, "unblock");
	}
	~UnblockTest() override
	{
		signal(SIGUSR1, SIG_DFL);
	}

	uint32_t info_flags(int rcvid)
	{
		stplr_msg_info info = {};
		info.rcvid = rcvid;
		EXPECT_EQ(0, call(channel, STPLR_MSG_INFO, &info));
		return info.flags;
	}

	Fd channel, connection;
};

TEST_F(UnblockTest, SignalIsToldAndTheClientGoesOnWaiting)
{
	Sender client(connection, "x");
	Received message = receive(channel);
	ASSERT_TRUE(client.wait_blocked());
	EXPECT_EQ(0u, info_flags(message.rcvid()));
	client.thread().signal(SIGUSR1);
	ReceivedPulse received = await_pulse(channel);
	EXPECT_EQ(STPLR_PULSE_UNBLOCK, received.pulse.code);
	EXPECT_EQ(uint64_t(message.rcvid()), received.pulse.value);
	EXPECT_EQ(message.info.scoid, uint32_t(received.pulse.scoid));
	EXPECT_EQ(message.info.coid, received.info.coid);
	EXPECT_EQ(uint32_t(STPLR_INFO_UNBLOCK), info_flags(message.rcvid()));
	// Only being killed ends this wait.
	EXPECT_TRUE(client.thread().wait_killable());
	client.thread().signal(SIGUSR1);
	EXPECT_EQ(-EAGAIN, receive_pulse(channel).result) << "told twice";

	EXPECT_EQ(0, reply(channel, message.rcvid(), "late", 5));
	EXPECT_EQ(0, client.finish().result);
	EXPECT_EQ("late", client.finish().text);
	EXPECT_EQ(5, client.finish().status);
	EXPECT_LT(0, handled);
}

TEST_F(UnblockTest, ServerMayEndIt)
{
	Sender client(connection, "x");
	Received message = receive(channel);
	ASSERT_TRUE(client.wait_blocked());
	client.thread().signal(SIGUSR1);
	await_pulse(channel);
	EXPECT_EQ(0, reply_error(channel, message.rcvid(), EINTR));
	EXPECT_EQ(-EINTR, client.finish().result);
}

TEST_F(UnblockTest, DeadlineIsTold)
{
	Thread client([&]() -> long {
		stplr_msg_send args = send_args(buffer("x"), {});
		args.reply_deadline = in_ms(30);
		args.clock = 1;
		long result = call(connection, STPLR_MSG_SEND_RECEIVE, &args);
		return result ? result : args.status;
	});
	Received message = receive(channel);
	ReceivedPulse received = await_pulse(channel);
	EXPECT_EQ(STPLR_PULSE_UNBLOCK, received.pulse.code);
	EXPECT_EQ(uint64_t(message.rcvid()), received.pulse.value);
	EXPECT_FALSE(client.done());
	EXPECT_EQ(0, reply(channel, message.rcvid(), {}, 7));
	EXPECT_EQ(7, client.join());
}

TEST_F(UnblockTest, SendBlockedClientsAreFreeAsEver)
{
	Sender client(connection, "x");
	ASSERT_TRUE(client.wait_blocked());
	client.thread().signal(SIGUSR1);
	EXPECT_EQ(-EINTR, client.finish().result);
	stplr_msg_send args = send_args(buffer("x"), {});
	args.send_deadline = in_ms(10);
	args.clock = 1;
	EXPECT_EQ(-ETIMEDOUT, msg_send_receive(connection, args));
	EXPECT_EQ(-EAGAIN, receive_pulse(channel).result);
}

TEST_F(UnblockTest, NotReceivedBeforeTheReplyIsForgotten)
{
	Sender client(connection, "x");
	Received message = receive(channel);
	ASSERT_TRUE(client.wait_blocked());
	client.thread().signal(SIGUSR1);
	EXPECT_TRUE(eventually(
		[&] { return info_flags(message.rcvid()) == uint32_t(STPLR_INFO_UNBLOCK); }));
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, client.finish().result);
	EXPECT_EQ(-EAGAIN, receive_pulse(channel).result);
	// the next message starts anew
	Sender next(connection, "y");
	message = receive(channel);
	EXPECT_EQ(0u, info_flags(message.rcvid()));
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, next.finish().result);
}

TEST_F(UnblockTest, ReplyThatFailsTellsNobodyAgain)
{
	Sender client(connection, "x");
	Received message = receive(channel);
	ASSERT_TRUE(client.wait_blocked());
	client.thread().signal(SIGUSR1);
	await_pulse(channel);
	stplr_msg_reply bad = reply_args(message.rcvid(), buffer(reinterpret_cast<void *>(8), 64));
	EXPECT_EQ(-EFAULT, msg_reply(channel, bad));
	EXPECT_EQ(-EAGAIN, receive_pulse(channel).result) << "told twice";
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, client.finish().result);
}

TEST_F(UnblockTest, SignalInTheMiddleOfAReplyThatFails)
{
	// While it was copied there was nothing to tell; its last page cannot be read.
	constexpr size_t kSize = 8 << 20;
	Mapping room(kSize), answer(kSize);
	memset(answer.data(), 'x', kSize);
	answer.protect(PROT_NONE, kSize - page_size(), page_size());
	// All of it is copied to the client's own memory.
	stplr_buffer_register registered = register_args(room.data(), kSize, STPLR_BUFFER_WRITE);
	ASSERT_EQ(0, buffer_register(connection, registered));
	stplr_msg_send args =
		send_args(buffer("x"), {STPLR_REGISTERED(registered.index, 0), kSize});
	args.flags = STPLR_REPLY_REGISTERED;
	Thread client([&] { return msg_send_receive(connection, args); });
	Received message = receive(channel);
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	Thread server([&] {
		stplr_msg_reply bad = reply_args(message.rcvid(), buffer(answer.data(), kSize));
		return msg_reply(channel, bad);
	});
	while (!*static_cast<volatile char *>(room.data()) && !server.done())
		;
	client.signal(SIGUSR1);
	EXPECT_EQ(STPLR_PULSE_UNBLOCK, await_pulse(channel).pulse.code);
	EXPECT_EQ(-EFAULT, server.join());
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, client.join());
}

TEST_F(UnblockTest, FatalSignalsFree)
{
	for (int signo : {SIGKILL, SIGTERM, SIGQUIT}) {
		for (bool told : {false, true}) {
			Child client([&](Child &) {
				on_signal(SIGUSR1);
				send_receive(connection, "x");
				return 1;
			});
			Received message = receive(channel);
			ASSERT_TRUE(client.wait_asleep());
			if (told) {
				client.kill(SIGUSR1);
				await_pulse(channel);
			}
			client.kill(signo);
			int status = client.wait();
			EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signo)
				<< signo << (told ? " after another signal: " : ": ") << status;
			EXPECT_EQ(-ESRCH, reply(channel, message.rcvid()));
			EXPECT_EQ(-EAGAIN, receive_pulse(channel).result);
		}
	}
}

TEST_F(UnblockTest, StopAndContinueTellNobody)
{
	Child client([&](Child &) {
		Sent sent = send_receive(connection, "x");
		return sent.result == 0 && sent.text == "answer" ? 0 : 1;
	});
	Received message = receive(channel);
	ASSERT_TRUE(client.wait_asleep());
	client.kill(SIGSTOP);
	int status;
	ASSERT_EQ(client.pid(), waitpid(client.pid(), &status, WUNTRACED));
	client.kill(SIGCONT);
	ASSERT_TRUE(client.wait_asleep());
	EXPECT_EQ(-EAGAIN, receive_pulse(channel).result);
	EXPECT_EQ(0u, info_flags(message.rcvid()));
	EXPECT_EQ(0, reply(channel, message.rcvid(), "answer"));
	client.expect_success();
}

TEST_F(UnblockTest, EndOfTheChannelFrees)
{
	Sender client(connection, "x");
	receive(channel);
	ASSERT_TRUE(client.wait_blocked());
	client.thread().signal(SIGUSR1);
	await_pulse(channel);
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, client.finish().result);
}

TEST_F(UnblockTest, DetachFrees)
{
	Sender client(connection, "x");
	receive(channel);
	ASSERT_TRUE(client.wait_blocked());
	client.thread().signal(SIGUSR1);
	await_pulse(channel);
	EXPECT_EQ(0, connect_detach(connection));
	EXPECT_EQ(-EBADF, client.finish().result);
}

// Signals and replies at any distance: one result each, and never a stale notice.
TEST_F(UnblockTest, SignalAgainstReply)
{
	for (int round = 0; round < 300; round++) {
		Sender client(connection, "x");
		Received message = receive(channel);
		ASSERT_LT(0, message.rcvid());
		std::atomic<bool> go{false};
		Thread signaller([&]() -> long {
			while (!go)
				;
			for (volatile int i = 0; i < round * 20; i = i + 1)
				;
			client.thread().signal(SIGUSR1);
			return 0;
		});
		go = true;
		ASSERT_EQ(0, reply(channel, message.rcvid(), "answer"));
		EXPECT_EQ(0, client.finish().result);
		EXPECT_EQ("answer", client.finish().text);
		signaller.join();
		ReceivedPulse stale = receive_pulse(channel);
		EXPECT_EQ(-EAGAIN, stale.result)
			<< stale.pulse.code << " for " << stale.pulse.value;
	}
}

TEST_F(UnblockTest, AcceptedChannelsHaveIt)
{
	Fd listener = new_channel(device, "listener", STPLR_CHANNEL_LISTEN | STPLR_CHANNEL_UNBLOCK);
	Fd own = new_connection(device, "listener");
	stplr_channel_accept args = accept_args();
	Fd accepted(channel_accept(listener, args));
	Sender client(own, "x");
	Received message = receive(accepted);
	ASSERT_TRUE(client.wait_blocked());
	client.thread().signal(SIGUSR1);
	EXPECT_EQ(STPLR_PULSE_UNBLOCK, await_pulse(accepted).pulse.code);
	EXPECT_EQ(0, reply(accepted, message.rcvid()));
	EXPECT_EQ(0, client.finish().result);
}

// The end of the server's channel

class DeathTest : public NoticeTest
{
protected:
	DeathTest()
		: server(new_channel(device, "server")), own(new_channel(device)),
		  connection(new_connection(device, "server"))
	{
	}

	long notify(int fd, int channel, uint64_t value, int priority = STPLR_PRIORITY_OWN)
	{
		stplr_connect_notify args = {};
		args.channel = channel;
		args.value = value;
		args.priority = priority;
		return call(fd, STPLR_CONNECT_NOTIFY, &args);
	}

	Fd server, own, connection;
};

TEST_F(DeathTest, IsTold)
{
	ASSERT_EQ(0, notify(connection, own, 77, 30));
	EXPECT_EQ(-EAGAIN, receive_pulse(own).result);
	server.reset();
	ReceivedPulse received = receive_pulse(own);
	ASSERT_EQ(0, received.result);
	EXPECT_EQ(STPLR_PULSE_CONNECTION_DEATH, received.pulse.code);
	EXPECT_EQ(77u, received.pulse.value);
	EXPECT_EQ(30, received.info.priority);
	stplr_connect_info info;
	ASSERT_EQ(0, connect_info(connection, info));
	EXPECT_EQ(info.coid, received.info.coid);
	EXPECT_EQ(-EAGAIN, receive_pulse(own).result);
}

TEST_F(DeathTest, IsToldAtOnceIfItCameFirst)
{
	ASSERT_EQ(0, channel_destroy(server));
	ASSERT_EQ(0, notify(connection, own, 1));
	EXPECT_EQ(STPLR_PULSE_CONNECTION_DEATH, receive_pulse(own).pulse.code);
	// and again, if asked again
	ASSERT_EQ(0, notify(connection, own, 2));
	EXPECT_EQ(2u, receive_pulse(own).pulse.value);
}

TEST_F(DeathTest, OfAKilledServer)
{
	Child process([&](Child &self) {
		Fd channel = new_channel(device, "killed");
		self.tell(1);
		self.hear();
		return 0;
	});
	process.hear();
	Fd client = new_connection(device, "killed");
	ASSERT_EQ(0, notify(client, own, 5));
	process.kill(SIGKILL);
	EXPECT_EQ(5u, await_pulse(own).pulse.value);
}

TEST_F(DeathTest, EveryConnectionIsTold)
{
	std::vector<Fd> connections;
	for (int i = 0; i < 200; i++) {
		connections.push_back(new_connection(device, "server"));
		ASSERT_EQ(0, notify(connections.back(), own, i));
	}
	server.reset();
	for (int i = 0; i < 200; i++)
		EXPECT_EQ(uint64_t(i), receive_pulse(own).pulse.value);
}

TEST_F(DeathTest, NotAfterItWasTakenBack)
{
	ASSERT_EQ(0, notify(connection, own, 1));
	ASSERT_EQ(0, notify(connection, -1, 0, 0));
	server.reset();
	EXPECT_EQ(-EAGAIN, receive_pulse(own).result);
}

TEST_F(DeathTest, ClosingTheConnectionTakesItBack)
{
	ASSERT_EQ(0, notify(connection, own, 1));
	server.reset();
	connection.reset();
	EXPECT_EQ(-EAGAIN, receive_pulse(own).result);
}

TEST_F(DeathTest, TheLastAskedForCounts)
{
	Fd other = new_channel(device);
	ASSERT_EQ(0, notify(connection, own, 1));
	ASSERT_EQ(0, notify(connection, other, 2));
	server.reset();
	EXPECT_EQ(-EAGAIN, receive_pulse(own).result);
	EXPECT_EQ(2u, receive_pulse(other).pulse.value);
}

TEST_F(DeathTest, ToAChannelThatEnded)
{
	ASSERT_EQ(0, notify(connection, own, 1));
	own.reset();
	server.reset();
	EXPECT_EQ(0, connect_detach(connection));
}

TEST_F(DeathTest, OneWatchesItself)
{
	Fd self = new_connection(device, "server");
	ASSERT_EQ(0, notify(self, server, 1));
	server.reset();
}

TEST_F(DeathTest, TwoWatchEachOther)
{
	Fd other = new_channel(device, "other");
	Fd to_other = new_connection(device, "other");
	ASSERT_EQ(0, notify(connection, other, 1));
	ASSERT_EQ(0, notify(to_other, server, 2));
	server.reset();
	EXPECT_EQ(1u, receive_pulse(other).pulse.value);
	other.reset();
}

TEST_F(DeathTest, BadArguments)
{
	EXPECT_EQ(-EBADF, notify(connection, 1000, 0));
	EXPECT_EQ(-ENOTTY, notify(connection, device, 0));
	EXPECT_EQ(-EINVAL, notify(connection, -2, 0));
	EXPECT_EQ(-EINVAL, notify(connection, own, 0, 141));
	EXPECT_EQ(-EINVAL, notify(connection, own, 0, -2));
	EXPECT_EQ(-EINVAL, notify(connection, -1, 1, 0));
	EXPECT_EQ(-EINVAL, notify(connection, -1, 0, STPLR_PRIORITY_OWN));
	stplr_connect_notify args = {};
	args.channel = own;
	args.flags = 1;
	EXPECT_EQ(-EINVAL, call(connection, STPLR_CONNECT_NOTIFY, &args));
	args.flags = 0;
	args.reserved = 1;
	EXPECT_EQ(-EINVAL, call(connection, STPLR_CONNECT_NOTIFY, &args));
	EXPECT_EQ(-EFAULT, call(connection, STPLR_CONNECT_NOTIFY, nullptr));
	EXPECT_EQ(-ENOTTY, notify(own, own, 0));
	Fd other_device = open_device(1);
	Fd elsewhere = new_channel(other_device);
	EXPECT_EQ(-EINVAL, notify(connection, elsewhere, 0));
	Fd listener = new_channel(device, {}, STPLR_CHANNEL_LISTEN);
	EXPECT_EQ(-EINVAL, notify(connection, listener, 0));
	ASSERT_EQ(0, connect_detach(connection));
	EXPECT_EQ(-EBADF, notify(connection, own, 0));
}

TEST_F(DeathTest, EndAgainstClose)
{
	for (int round = 0; round < 200; round++) {
		Fd channel = new_channel(device, "round");
		Fd client = new_connection(device, "round");
		ASSERT_EQ(0, notify(client, own, round));
		Thread ender([&]() -> long {
			channel.reset();
			return 0;
		});
		for (volatile int i = 0; i < round * 30; i = i + 1)
			;
		client.reset();
		ender.join();
		long result = receive_pulse(own).result;
		EXPECT_EQ(-EAGAIN, result) << "told of a connection that is closed";
	}
}

} // namespace
