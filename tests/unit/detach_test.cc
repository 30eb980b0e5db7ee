// SPDX-License-Identifier: MIT
// STPLR_CONNECT_DETACH ends a connection whoever else has it; STPLR_CONNECT_INFO says who is at the
// other end.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"
#include "support/poll.h"

namespace
{

class DetachTest : public PairTest
{
protected:
	stplr_connect_info info(int fd)
	{
		stplr_connect_info args;
		EXPECT_EQ(0, connect_info(fd, args));
		return args;
	}
};

TEST_F(DetachTest, EndsBlockedAndLaterSends)
{
	Sender received(connection, "received");
	Received message = receive(channel);
	Sender queued(connection, "queued");
	OneWaySender one_way(connection, "one way");
	ASSERT_TRUE(queued.wait_blocked());
	ASSERT_TRUE(one_way.wait_blocked());
	EXPECT_EQ(0, connect_detach(connection));
	EXPECT_EQ(-EBADF, received.finish().result);
	EXPECT_EQ(-EBADF, queued.finish().result);
	EXPECT_EQ(-EBADF, one_way.finish());
	EXPECT_EQ(-EBADF, send_receive(connection, "x").result);
	EXPECT_EQ(-EBADF, send_one_way(connection, "x"));
	EXPECT_EQ(-EBADF, connect_detach(connection)) << "twice";
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid(), "late"));
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

TEST_F(DetachTest, LargeMessagesToo)
{
	std::vector<char> bytes(1 << 20), room(1 << 20);
	auto large = [&] {
		stplr_msg_send args = send_args(buffer(bytes.data(), bytes.size()),
						buffer(room.data(), room.size()));
		return msg_send_receive(connection, args);
	};
	Thread received(large);
	Received message = receive(channel, 1000);
	Thread queued(large);
	ASSERT_TRUE(queued.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	EXPECT_EQ(0, connect_detach(connection));
	EXPECT_EQ(-EBADF, received.join());
	EXPECT_EQ(-EBADF, queued.join());
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid()));
}

TEST_F(DetachTest, ManyThreads)
{
	constexpr int kThreads = 100;
	std::vector<std::unique_ptr<Sender>> queued, received;
	for (int i = 0; i < kThreads; i++)
		received.push_back(std::make_unique<Sender>(connection, "received"));
	for (int i = 0; i < kThreads; i++)
		ASSERT_EQ(0, receive(channel).result);
	for (int i = 0; i < kThreads; i++) {
		queued.push_back(std::make_unique<Sender>(connection, "queued"));
		ASSERT_TRUE(queued.back()->wait_blocked());
	}
	EXPECT_EQ(0, connect_detach(connection));
	for (int i = 0; i < kThreads; i++) {
		EXPECT_EQ(-EBADF, received[i]->finish().result);
		EXPECT_EQ(-EBADF, queued[i]->finish().result);
	}
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

TEST_F(DetachTest, ByAnotherProcessThatSharesIt)
{
	Sender client(connection, "x");
	ASSERT_TRUE(client.wait_blocked());
	Child child([&](Child &) { return connect_detach(connection) == 0 ? 0 : 1; });
	child.expect_success();
	EXPECT_EQ(-EBADF, client.finish().result);
}

TEST_F(DetachTest, OthersAreNotDisturbed)
{
	Fd other = new_connection(device, 0, chid);
	Sender first(other, "first");
	ASSERT_TRUE(first.wait_blocked());
	Sender gone(connection, "gone");
	ASSERT_TRUE(gone.wait_blocked());
	Sender second(other, "second");
	ASSERT_TRUE(second.wait_blocked());
	EXPECT_EQ(0, connect_detach(connection));
	EXPECT_EQ(-EBADF, gone.finish().result);
	for (Sender *client : {&first, &second}) {
		Received message = poll_receive(channel);
		EXPECT_EQ(0, reply(channel, message.rcvid(), message.text));
		EXPECT_EQ(message.text, client->finish().text);
	}
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

TEST_F(DetachTest, WhileParked)
{
	stplr_msg_send args = send_args(buffer("x"), {});
	Thread client([&] {
		EXPECT_EQ(-EINTR, msg_send_receive(connection, args));
		EXPECT_EQ(0, connect_detach(connection));
		return msg_send_receive(connection, args);
	});
	Received message = receive(channel);
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	client.signal(SIGUSR1);
	EXPECT_EQ(-EBADF, client.join());
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid()));
}

TEST_F(DetachTest, HangsUp)
{
	Thread poller([&] { return wait_events(connection, 0); });
	ASSERT_TRUE(poller.wait_asleep());
	EXPECT_EQ(0, connect_detach(connection));
	EXPECT_EQ(POLLHUP | POLLERR, poller.join() & (POLLHUP | POLLERR));
}

TEST_F(DetachTest, AcceptedChannelSeesIt)
{
	Fd listener = new_channel(device, "listener", STPLR_CHANNEL_LISTEN);
	Fd client = new_connection(device, "listener"), unseen = new_connection(device, "listener");
	stplr_channel_accept args = accept_args();
	Fd accepted(channel_accept(listener, args));
	ASSERT_GE(accepted, 0);
	EXPECT_EQ(0, connect_detach(client));
	EXPECT_EQ(-EPIPE, receive(accepted).result);
	EXPECT_EQ(0, connect_detach(unseen));
	args = accept_args(STPLR_DEADLINE_POLL);
	long second = channel_accept(listener, args);
	EXPECT_EQ(-EAGAIN, second) << "detached before it was accepted";
	Fd maybe(second < 0 ? -1 : second);
}

TEST_F(DetachTest, InfoNamesTheServer)
{
	Child server([&](Child &self) {
		become_user(4001, 4101);
		Fd first = new_channel(device), second = new_channel(device, "info");
		self.tell(0);
		pause();
		return 0;
	});
	server.hear();
	stplr_connect_attach attach = attach_args("info");
	Fd client(connect_attach(device, attach));
	ASSERT_GE(client, 0);
	stplr_connect_info about = info(client);
	EXPECT_EQ(server.pid(), about.pid);
	EXPECT_EQ(2, about.chid);
	EXPECT_EQ(4001u, about.uid);
	EXPECT_EQ(4101u, about.gid);
	EXPECT_EQ(attach.coid, about.coid);
	EXPECT_EQ(0u, about.flags);
	EXPECT_EQ(0u, about.queued);
	EXPECT_EQ(0u, about.dropped);
	server.kill(SIGKILL);
	server.wait();
	about = info(client);
	EXPECT_EQ(uint32_t(STPLR_CONNECT_ENDED), about.flags) << "a dead server is marked";
	EXPECT_EQ(attach.coid, about.coid);
}

TEST_F(DetachTest, InfoOfDetachedAndEnded)
{
	EXPECT_EQ(0u, info(connection).flags);
	EXPECT_EQ(getpid(), info(connection).pid);
	EXPECT_EQ(0, connect_detach(connection));
	EXPECT_EQ(uint32_t(STPLR_CONNECT_DETACHED), info(connection).flags);
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(uint32_t(STPLR_CONNECT_DETACHED | STPLR_CONNECT_ENDED), info(connection).flags);
}

TEST_F(DetachTest, InfoOfAnAcceptedConnection)
{
	Fd listener = new_channel(device, "listener", STPLR_CHANNEL_LISTEN);
	Fd client = new_connection(device, "listener");
	stplr_channel_accept args = accept_args();
	Fd accepted(channel_accept(listener, args));
	ASSERT_GE(accepted, 0);
	stplr_connect_info about = info(client);
	EXPECT_EQ(getpid(), about.pid);
	EXPECT_EQ(0, about.chid);
	listener.reset();
	EXPECT_EQ(0u, info(client).flags) << "its own channel lives";
	accepted.reset();
	EXPECT_EQ(uint32_t(STPLR_CONNECT_ENDED), info(client).flags);
}

} // namespace
