// SPDX-License-Identifier: MIT
// Listening channels: a channel of its own for each connection.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"
#include "support/poll.h"
#include "support/rights.h"

namespace
{

class AcceptTest : public testing::Test
{
protected:
	AcceptTest()
	{
		listener = listen("listener", 0);
	}

	Fd listen(std::string_view name, uint32_t backlog)
	{
		stplr_channel_create args = channel_args(name, STPLR_CHANNEL_LISTEN);
		args.backlog = backlog;
		long fd = channel_create(device, args);
		EXPECT_GE(fd, 0) << result_name(fd);
		return Fd(fd);
	}

	Fd connect(std::string_view name = "listener")
	{
		return new_connection(device, name);
	}

	long try_connect(std::string_view name, int64_t deadline = STPLR_DEADLINE_POLL)
	{
		stplr_connect_attach args = attach_args(name);
		args.deadline = deadline;
		args.clock = CLOCK_MONOTONIC;
		return connect_attach(device, args);
	}

	long try_accept(int64_t deadline = STPLR_DEADLINE_POLL)
	{
		stplr_channel_accept args = accept_args(deadline);
		return channel_accept(listener, args);
	}

	Fd accept()
	{
		long fd = try_accept(in_ms(kPatienceMs));
		EXPECT_GE(fd, 0) << result_name(fd);
		return Fd(fd);
	}

	Fd device = open_device();
	Fd listener;
};

TEST_F(AcceptTest, EachConnectionGetsItsOwnChannel)
{
	Fd one = connect(), two = connect();
	Fd first = accept(), second = accept();
	Sender to_second(two, "two");
	ASSERT_TRUE(to_second.wait_blocked());
	Sender to_first(one, "one");
	ASSERT_TRUE(to_first.wait_blocked());
	Received from_one = poll_receive(first), from_two = poll_receive(second);
	EXPECT_EQ("one", from_one.text);
	EXPECT_EQ("two", from_two.text);
	EXPECT_EQ(-ESRCH, reply(first, from_two.rcvid() + 1, "forged"));
	EXPECT_EQ(0, reply(second, from_two.rcvid(), "2"));
	EXPECT_EQ(0, reply(first, from_one.rcvid(), "1"));
	EXPECT_EQ("1", to_first.finish().text);
	EXPECT_EQ("2", to_second.finish().text);
}

TEST_F(AcceptTest, ClientMaySendBeforeItIsAccepted)
{
	Fd connection = connect();
	Sender client(connection, "early");
	ASSERT_TRUE(client.wait_blocked());
	Fd channel = accept();
	Received message = receive(channel);
	EXPECT_EQ("early", message.text);
	EXPECT_EQ(0, reply(channel, message.rcvid(), "bird"));
	EXPECT_EQ("bird", client.finish().text);
}

TEST_F(AcceptTest, WhoConnected)
{
	stplr_channel_create create = channel_args("for.all", STPLR_CHANNEL_LISTEN);
	create.mode = 0666;
	listener.reset(channel_create(device, create));
	ASSERT_GE(listener, 0);
	Child client([&](Child &) {
		become_user(4001, 4101);
		stplr_connect_attach attach = attach_args("for.all");
		Fd mine(connect_attach(device, attach));
		EXPECT_GE(mine, 0);
		EXPECT_EQ(0, send_one_way(mine, std::to_string(attach.coid)));
		return 0;
	});
	stplr_channel_accept args = accept_args();
	Fd channel(channel_accept(listener, args));
	ASSERT_GE(channel, 0);
	EXPECT_EQ(client.pid(), args.pid);
	EXPECT_EQ(4001u, args.uid);
	EXPECT_EQ(4101u, args.gid);
	EXPECT_EQ(0u, args.reserved);
	Received message = receive(channel);
	EXPECT_EQ(args.scoid, message.info.scoid);
	EXPECT_EQ(args.coid, message.info.coid);
	EXPECT_EQ(std::to_string(args.coid), message.text);
	client.expect_success();
}

TEST_F(AcceptTest, FirstComeFirstServed)
{
	std::vector<uint32_t> ids;
	std::vector<Fd> connections;
	for (int i = 0; i < 10; i++) {
		stplr_connect_attach args = attach_args("listener");
		connections.emplace_back(connect_attach(device, args));
		ASSERT_GE(connections.back(), 0);
		ids.push_back(args.coid);
	}
	for (uint32_t id : ids) {
		stplr_channel_accept args = accept_args(STPLR_DEADLINE_POLL);
		Fd channel(channel_accept(listener, args));
		ASSERT_GE(channel, 0);
		EXPECT_EQ(id, args.coid);
	}
	EXPECT_EQ(-EAGAIN, try_accept());
}

TEST_F(AcceptTest, ClosedBeforeItWasAcceptedIsNotSeen)
{
	Fd one = connect(), two = connect();
	one.reset();
	Fd channel = accept();
	OneWaySender client(two, "two");
	EXPECT_EQ("two", receive(channel).text);
	EXPECT_EQ(0, client.finish());
	EXPECT_EQ(-EAGAIN, try_accept());
	connect();
	EXPECT_EQ(-EAGAIN, try_accept());
}

// A server that waits sees nothing of an attach that fails, and its place in the backlog is free.
TEST_F(AcceptTest, AnAttachThatFailsIsNotSeen)
{
	Fd narrow = listen("narrow", 1);
	Thread waiting([&] {
		stplr_channel_accept args = accept_args(in_ms(kPatienceMs));
		return channel_accept(narrow, args);
	});
	ASSERT_TRUE(waiting.wait_blocked(STPLR_CHANNEL_ACCEPT));
	for (int i = 0; i < 3; i++) {
		// Its result cannot be written.
		Mapping page(page_size());
		*reinterpret_cast<stplr_connect_attach *>(page.data()) = attach_args("narrow");
		page.protect(PROT_READ, 0, page.size());
		EXPECT_EQ(-EFAULT, call(device, STPLR_CONNECT_ATTACH, page.data()));
		EXPECT_TRUE(waiting.wait_blocked(STPLR_CHANNEL_ACCEPT));
		// Nor is there a descriptor for it.
		rlimit none = {3, 3}, before;
		getrlimit(RLIMIT_NOFILE, &before);
		none.rlim_max = before.rlim_max;
		setrlimit(RLIMIT_NOFILE, &none);
		stplr_connect_attach args = attach_args("narrow");
		long result = connect_attach(device, args);
		setrlimit(RLIMIT_NOFILE, &before);
		EXPECT_EQ(-EMFILE, result);
	}
	EXPECT_TRUE(waiting.wait_blocked(STPLR_CHANNEL_ACCEPT));
	Fd client = connect("narrow");
	EXPECT_GE(Fd(waiting.join()), 0);
}

TEST_F(AcceptTest, WaitsForAConnection)
{
	Thread server([&] {
		Fd channel = accept();
		return echo_until_error(channel);
	});
	ASSERT_TRUE(server.wait_blocked(STPLR_CHANNEL_ACCEPT));
	{
		Fd connection = connect();
		EXPECT_EQ("x", send_receive(connection, "x").text);
	}
	EXPECT_EQ(-EPIPE, server.join());
}

TEST_F(AcceptTest, Deadlines)
{
	EXPECT_EQ(-EAGAIN, try_accept());
	int64_t deadline = in_ms(50);
	EXPECT_EQ(-ETIMEDOUT, try_accept(deadline));
	EXPECT_GE(now(CLOCK_MONOTONIC), deadline);
	EXPECT_EQ(-ETIMEDOUT, try_accept(1));
	EXPECT_EQ(-EINVAL, try_accept(-2));
	stplr_channel_accept args = accept_args();
	args.clock = 2;
	EXPECT_EQ(-EINVAL, channel_accept(listener, args));
	for (int bit = 1; bit < 32; bit++) {
		args = accept_args(STPLR_DEADLINE_POLL);
		args.flags = 1u << bit;
		EXPECT_EQ(-EINVAL, channel_accept(listener, args)) << bit;
	}
	ASSERT_EQ(0, fcntl(listener, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, try_accept(STPLR_DEADLINE_NONE));
}

TEST_F(AcceptTest, SignalEndsIt)
{
	Thread server([&] { return try_accept(STPLR_DEADLINE_NONE); });
	ASSERT_TRUE(server.wait_blocked(STPLR_CHANNEL_ACCEPT));
	server.signal(SIGUSR1);
	EXPECT_EQ(-EINTR, server.join());
}

TEST_F(AcceptTest, DescriptorsFlags)
{
	Fd one = connect(), two = connect();
	Fd plain = accept();
	EXPECT_EQ(FD_CLOEXEC, fcntl(plain, F_GETFD));
	EXPECT_EQ(0, fcntl(plain, F_GETFL) & O_NONBLOCK);
	stplr_channel_accept args = accept_args();
	args.flags = STPLR_ACCEPT_NONBLOCK;
	Fd quick(channel_accept(listener, args));
	ASSERT_GE(quick, 0);
	EXPECT_TRUE(fcntl(quick, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(-EAGAIN, receive(quick).result);
}

TEST_F(AcceptTest, ListenersTakeNoMessagesAndOthersAcceptNothing)
{
	Fd connection = connect();
	Sender client(connection, "x");
	ASSERT_TRUE(client.wait_blocked());
	EXPECT_EQ(-EINVAL, receive(listener).result);
	EXPECT_EQ(-EINVAL, poll_receive(listener).result);
	Fd plain = new_channel(device);
	stplr_channel_accept args = accept_args();
	EXPECT_EQ(-EINVAL, channel_accept(plain, args));
	Fd channel = accept();
	EXPECT_EQ(-EINVAL, channel_accept(channel, args));
	Received message = receive(channel);
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, client.finish().result);
}

TEST_F(AcceptTest, BacklogIsBounded)
{
	Fd small = listen("small", 2);
	Fd one = connect("small"), two = connect("small");
	EXPECT_EQ(-EAGAIN, try_connect("small"));
	EXPECT_EQ(-ETIMEDOUT, try_connect("small", in_ms(50)));
	Thread third([&] { return Fd(try_connect("small", STPLR_DEADLINE_NONE)) >= 0 ? 0l : -1l; });
	ASSERT_TRUE(third.wait_blocked(STPLR_CONNECT_ATTACH));
	stplr_channel_accept args = accept_args();
	Fd channel(channel_accept(small, args));
	EXPECT_GE(channel, 0);
	EXPECT_EQ(0, third.join());
	// The third is closed again, which made room.
	EXPECT_GE(Fd(try_connect("small")), 0);
	two.reset();
	EXPECT_GE(Fd(try_connect("small")), 0);
}

TEST_F(AcceptTest, BacklogOfZeroStandsFor128)
{
	std::vector<Fd> connections;
	for (int i = 0; i < 128; i++)
		connections.push_back(connect());
	EXPECT_EQ(-EAGAIN, try_connect("listener"));
	Fd channel = accept();
	EXPECT_GE(Fd(try_connect("listener")), 0);
}

TEST_F(AcceptTest, BacklogsRange)
{
	EXPECT_GE(listen("most", STPLR_BACKLOG_MAX), 0);
	stplr_channel_create args = channel_args("more", STPLR_CHANNEL_LISTEN);
	args.backlog = STPLR_BACKLOG_MAX + 1;
	EXPECT_EQ(-EINVAL, channel_create(device, args));
	args.backlog = ~0u;
	EXPECT_EQ(-EINVAL, channel_create(device, args));
}

TEST_F(AcceptTest, ClientsCloseIsSeen)
{
	Fd connection = connect();
	Fd channel = accept();
	Fd copy(dup(connection));
	Thread server([&] { return receive(channel).result; });
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	connection.reset();
	EXPECT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	EXPECT_EQ(0, events(channel) & POLLHUP);
	copy.reset();
	EXPECT_EQ(-EPIPE, server.join());
	EXPECT_EQ(-EPIPE, receive(channel).result);
	EXPECT_TRUE(events(channel) & POLLHUP);
}

TEST_F(AcceptTest, ClientsDeathIsSeen)
{
	Child client([&](Child &) {
		Fd connection = connect();
		return int(send_receive(connection, "x").result);
	});
	Fd channel = accept();
	Received message = receive(channel);
	EXPECT_EQ("x", message.text);
	client.kill(SIGKILL);
	EXPECT_EQ(-EPIPE, receive(channel).result);
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid()));
}

TEST_F(AcceptTest, QueuedMessagesComeBeforeTheEnd)
{
	Fd connection = connect();
	Fd channel = accept();
	EXPECT_EQ(0, send_queued(connection, "one"));
	EXPECT_EQ(0, send_queued(connection, "two"));
	connection.reset();
	EXPECT_EQ("one", receive(channel).text);
	EXPECT_EQ("two", receive(channel).text);
	EXPECT_EQ(-EPIPE, receive(channel).result);
}

TEST_F(AcceptTest, OutlivesTheListener)
{
	Fd accepted_one = connect(), waiting_one = connect();
	Fd channel = accept();
	Sender waiting(waiting_one, "never accepted");
	ASSERT_TRUE(waiting.wait_blocked());
	listener.reset();
	EXPECT_EQ(-ESRCH, waiting.finish().result);
	Sender client(accepted_one, "x");
	Received message = receive(channel);
	EXPECT_EQ(0, reply(channel, message.rcvid(), "y"));
	EXPECT_EQ("y", client.finish().text);
	EXPECT_EQ(-ENOENT, try_connect("listener"));
}

TEST_F(AcceptTest, DestroyedListener)
{
	Thread server([&] { return try_accept(STPLR_DEADLINE_NONE); });
	ASSERT_TRUE(server.wait_blocked(STPLR_CHANNEL_ACCEPT));
	EXPECT_EQ(0, channel_destroy(listener));
	EXPECT_EQ(-ESRCH, server.join());
	EXPECT_EQ(-ESRCH, try_accept());
}

TEST_F(AcceptTest, WaitingConnectionsEndWithTheListener)
{
	Fd connection = connect();
	Sender client(connection, "x");
	ASSERT_TRUE(client.wait_blocked());
	EXPECT_EQ(0, channel_destroy(listener));
	EXPECT_EQ(-ESRCH, client.finish().result);
	EXPECT_EQ(-ESRCH, send_receive(connection, "x").result);
}

TEST_F(AcceptTest, ShutDownListener)
{
	Thread server([&] { return try_accept(STPLR_DEADLINE_NONE); });
	ASSERT_TRUE(server.wait_blocked(STPLR_CHANNEL_ACCEPT));
	EXPECT_EQ(0, channel_shutdown(listener));
	EXPECT_EQ(-ESHUTDOWN, server.join());
	EXPECT_EQ(-ESHUTDOWN, try_accept());
	EXPECT_TRUE(events(listener) & POLLHUP);
}

TEST_F(AcceptTest, ReadableWhileAConnectionWaits)
{
	EXPECT_EQ(0, events(listener));
	Thread poller([&] { return wait_events(listener); });
	ASSERT_TRUE(poller.wait_asleep());
	Fd connection = connect();
	EXPECT_EQ(POLLIN, poller.join());
	EXPECT_EQ(POLLIN, events(listener));
	Fd channel = accept();
	EXPECT_EQ(0, events(listener));
	Fd gone = connect();
	gone.reset();
	EXPECT_EQ(0, events(listener));
}

TEST_F(AcceptTest, FailureKeepsTheConnection)
{
	// And its turn: two failures, and three connections.
	std::vector<Fd> connections;
	for (const char *text : {"first", "second", "third"}) {
		connections.push_back(connect());
		EXPECT_EQ(0, send_queued(connections.back(), text));
	}
	void *page =
		mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*static_cast<stplr_channel_accept *>(page) = accept_args();
	mprotect(page, 4096, PROT_READ);
	EXPECT_EQ(-EFAULT, call(listener, STPLR_CHANNEL_ACCEPT, page));
	munmap(page, 4096);
	Child child([&](Child &) {
		rlimit limit = {64, 64};
		setrlimit(RLIMIT_NOFILE, &limit);
		std::vector<Fd> copies;
		for (int fd; (fd = dup(device)) >= 0;)
			copies.emplace_back(fd);
		EXPECT_EQ(-EMFILE, try_accept());
		return 0;
	});
	child.expect_success();
	for (const char *text : {"first", "second", "third"})
		EXPECT_EQ(text, poll_receive(accept()).text);
}

TEST_F(AcceptTest, ServerWithAThreadAClient)
{
	constexpr int kClients = 8;
	Thread server([&] {
		std::vector<std::unique_ptr<Thread>> sessions;
		for (int i = 0; i < kClients; i++) {
			int channel = accept().release();
			sessions.push_back(std::make_unique<Thread>([channel] {
				Fd own(channel);
				return echo_until_error(own);
			}));
		}
		for (auto &session : sessions)
			EXPECT_EQ(-EPIPE, session->join());
		return 0;
	});
	std::vector<std::unique_ptr<Child>> clients;
	for (int i = 0; i < kClients; i++)
		clients.push_back(std::make_unique<Child>([&, i](Child &) {
			Fd connection = connect();
			for (int m = 0; m < 50; m++) {
				std::string text = std::to_string(i) + ":" + std::to_string(m);
				EXPECT_EQ(text, send_receive(connection, text).text);
			}
			return 0;
		}));
	for (auto &client : clients)
		client->expect_success();
	EXPECT_EQ(0, server.join());
}

/* What a descriptor is of */

stplr_channel_info about(int channel)
{
	stplr_channel_info info;
	EXPECT_EQ(0, channel_info(channel, info));
	return info;
}

TEST_F(AcceptTest, InfoOfAChannel)
{
	stplr_channel_create args = channel_args("about", STPLR_CHANNEL_UNBLOCK);
	args.flags |= STPLR_CHANNEL_NONBLOCK | STPLR_CHANNEL_PRIVATE;
	Fd named(channel_create(device, args));
	ASSERT_GE(named, 0);
	stplr_channel_info info = about(named);
	EXPECT_EQ(getpid(), info.pid);
	EXPECT_EQ(args.chid, info.chid);
	EXPECT_EQ(uint32_t(STPLR_CHANNEL_UNBLOCK | STPLR_CHANNEL_PRIVATE), info.flags);
	EXPECT_EQ(0u, info.state);
	EXPECT_EQ(0u, info.device);
	EXPECT_EQ(0, info.client_pid);
	EXPECT_EQ(0u, info.client_uid | info.client_gid | info.client_scoid | info.client_coid);
	EXPECT_STREQ("about", info.name);
	for (size_t i = strlen(info.name); i < sizeof(info.name); i++)
		EXPECT_EQ(0, info.name[i]) << i;

	EXPECT_EQ(uint32_t(STPLR_CHANNEL_LISTEN), about(listener).flags);
	Fd nameless = new_channel(device);
	EXPECT_STREQ("", about(nameless).name);
	const std::string longest(STPLR_NAME_MAX, 'n');
	Fd elsewhere = new_channel(open_device(1), longest);
	info = about(elsewhere);
	EXPECT_EQ(1u, info.device);
	EXPECT_EQ(longest, info.name);
}

TEST_F(AcceptTest, InfoOfAnAcceptedChannel)
{
	stplr_channel_create create = channel_args("for.all", STPLR_CHANNEL_LISTEN);
	create.mode = 0666;
	listener.reset(channel_create(device, create));
	ASSERT_GE(listener, 0);
	Child client([&](Child &self) {
		become_user(4003, 4103);
		Fd mine = connect("for.all");
		self.tell(0);
		self.hear();
		return 0;
	});
	client.hear();
	stplr_channel_accept args = accept_args();
	Fd channel(channel_accept(listener, args));
	ASSERT_GE(channel, 0);

	stplr_channel_info info = about(channel);
	EXPECT_EQ(getpid(), info.pid);
	EXPECT_EQ(0, info.chid);
	EXPECT_FALSE(info.flags & STPLR_CHANNEL_LISTEN);
	EXPECT_EQ(uint32_t(STPLR_STATE_ACCEPTED), info.state);
	EXPECT_EQ(client.pid(), info.client_pid);
	EXPECT_EQ(4003u, info.client_uid);
	EXPECT_EQ(4103u, info.client_gid);
	EXPECT_EQ(args.scoid, info.client_scoid);
	EXPECT_EQ(args.coid, info.client_coid);
	EXPECT_STREQ("for.all", info.name) << "the listening channel's";

	listener.reset();
	EXPECT_STREQ("for.all", about(channel).name) << "also when that has gone";
	client.tell(0);
	client.expect_success();
	EXPECT_EQ(uint32_t(STPLR_STATE_ACCEPTED | STPLR_STATE_CLOSED), about(channel).state);
	EXPECT_EQ(client.pid(), about(channel).client_pid) << "who it was";
	EXPECT_EQ(4003u, about(channel).client_uid);
}

TEST_F(AcceptTest, InfoOfOneThatEnds)
{
	EXPECT_EQ(0u, about(listener).state);
	EXPECT_EQ(0, channel_shutdown(listener));
	EXPECT_EQ(uint32_t(STPLR_STATE_SHUTDOWN), about(listener).state);
	EXPECT_EQ(0, channel_destroy(listener));
	EXPECT_EQ(uint32_t(STPLR_STATE_SHUTDOWN | STPLR_STATE_ENDED), about(listener).state);
	EXPECT_STREQ("listener", about(listener).name);
}

// What it is for: another process has got the descriptor, and does not know of what.
TEST_F(AcceptTest, InfoOfAPassedDescriptor)
{
	int ends[2];
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	Fd ours(ends[0]), theirs(ends[1]);
	const pid_t maker = getpid();
	Child child([&](Child &) {
		listener.reset();
		Fd passed(take_fd(theirs));
		stplr_channel_info info = about(passed);
		EXPECT_EQ(maker, info.pid);
		EXPECT_STREQ("listener", info.name);
		EXPECT_EQ(uint32_t(STPLR_CHANNEL_LISTEN), info.flags);
		return 0;
	});
	ASSERT_TRUE(pass_fd(ours, listener));
	child.expect_success();
}

TEST_F(AcceptTest, InfoIsAChannels)
{
	Fd connection = connect();
	stplr_channel_info info;
	for (int fd : {device.get(), connection.get()}) {
		EXPECT_EQ(-ENOTTY, channel_info(fd, info));
		EXPECT_TRUE(poisoned(info));
	}
	EXPECT_EQ(-EBADF, channel_info(-1, info));
	EXPECT_EQ(-EFAULT, call(listener, STPLR_CHANNEL_INFO, nullptr));
}

// While connections come and go, and their channel ends.
TEST_F(AcceptTest, InfoWhileItHappens)
{
	std::atomic<bool> over{false};
	Thread asks([&] {
		while (!over) {
			stplr_channel_info info;
			EXPECT_EQ(0, channel_info(listener, info));
			EXPECT_STREQ("listener", info.name);
		}
		return 0;
	});
	for (int i = 0; i < 300; i++) {
		Fd client = connect();
		Fd accepted = accept();
		Thread closes([&] {
			client.reset();
			return 0;
		});
		stplr_channel_info info = about(accepted);
		EXPECT_TRUE(info.state & STPLR_STATE_ACCEPTED);
		EXPECT_EQ(0, closes.join());
		EXPECT_TRUE(about(accepted).state & STPLR_STATE_CLOSED);
	}
	EXPECT_EQ(0, channel_destroy(listener));
	over = true;
	EXPECT_EQ(0, asks.join());
}

} // namespace
