// SPDX-License-Identifier: MIT
// poll(2) and epoll(7): a message waits, a channel is gone.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "support/ipc.h"
#include "support/module.h"
#include "support/poll.h"

namespace
{

using PollTest = PairTest;

// The events for reading and writing that are there now.
int both_events(int fd)
{
	return events(fd, POLLIN | POLLOUT);
}

TEST_F(PollTest, ChannelIsReadableWhileAMessageWaits)
{
	EXPECT_EQ(0, both_events(channel));
	OneWaySender one(connection, "x"), two(connection, "y");
	ASSERT_TRUE(one.wait_blocked());
	ASSERT_TRUE(two.wait_blocked());
	EXPECT_EQ(POLLIN, events(channel, POLLIN));
	EXPECT_EQ(POLLIN, events(channel, POLLIN)) << "level triggered";
	EXPECT_EQ(0, poll_receive(channel).result);
	EXPECT_EQ(POLLIN, events(channel, POLLIN));
	EXPECT_EQ(0, poll_receive(channel).result);
	EXPECT_EQ(0, events(channel, POLLIN));
}

TEST_F(PollTest, ReceivedButUnansweredIsNotReadable)
{
	Sender client(connection, "x");
	Received message = receive(channel);
	EXPECT_EQ(0, events(channel, POLLIN));
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, client.finish().result);
}

TEST_F(PollTest, WithdrawnIsNotReadable)
{
	OneWaySender client(connection, "x");
	ASSERT_TRUE(client.wait_blocked());
	EXPECT_EQ(POLLIN, events(channel, POLLIN));
	client.thread().signal(SIGUSR1);
	EXPECT_EQ(-EINTR, client.finish());
	EXPECT_EQ(0, events(channel, POLLIN));
}

TEST_F(PollTest, FailedReceiveLeavesItReadable)
{
	OneWaySender client(connection, "xyz");
	ASSERT_TRUE(client.wait_blocked());
	EXPECT_EQ(-EMSGSIZE,
		  receive(channel, 1, STPLR_DEADLINE_POLL, STPLR_RECEIVE_NO_TRUNC).result);
	EXPECT_EQ(POLLIN, events(channel, POLLIN));
	EXPECT_EQ(0, poll_receive(channel).result);
	EXPECT_EQ(0, client.finish());
}

TEST_F(PollTest, PollerWakesForAMessage)
{
	Thread poller([&] { return wait_events(channel); });
	ASSERT_TRUE(poller.wait_asleep());
	OneWaySender client(connection, "x");
	EXPECT_EQ(POLLIN, poller.join());
	EXPECT_EQ("x", poll_receive(channel).text);
	EXPECT_EQ(0, client.finish());
}

TEST_F(PollTest, SelectWorksToo)
{
	fd_set set;
	timeval none = {};
	FD_ZERO(&set);
	FD_SET(channel, &set);
	EXPECT_EQ(0, select(channel + 1, &set, nullptr, nullptr, &none));
	OneWaySender client(connection, "x");
	FD_SET(channel, &set);
	timeval patience = {kPatienceMs / 1000, 0};
	EXPECT_EQ(1, select(channel + 1, &set, nullptr, nullptr, &patience));
	EXPECT_EQ("x", poll_receive(channel).text);
	EXPECT_EQ(0, client.finish());
}

TEST_F(PollTest, DestroyedChannelHangsUp)
{
	Thread poller([&] { return wait_events(channel); });
	ASSERT_TRUE(poller.wait_asleep());
	EXPECT_EQ(0, events(channel, POLLIN) & POLLHUP);
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_TRUE(poller.join() & POLLHUP);
	EXPECT_TRUE(events(channel, 0) & POLLHUP);
}

TEST_F(PollTest, ConnectionIsWritableUntilItsChannelIsGone)
{
	EXPECT_EQ(POLLOUT, both_events(connection));
	Thread poller([&] { return wait_events(connection, 0); });
	ASSERT_TRUE(poller.wait_asleep());
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(POLLHUP | POLLERR, poller.join() & (POLLHUP | POLLERR));
	EXPECT_EQ(POLLHUP | POLLERR, events(connection, 0) & (POLLHUP | POLLERR));
}

TEST_F(PollTest, ConnectionHangsUpAtTheLastClose)
{
	Thread poller([&] { return wait_events(connection, 0); });
	ASSERT_TRUE(poller.wait_asleep());
	channel.reset();
	EXPECT_EQ(POLLHUP | POLLERR, poller.join() & (POLLHUP | POLLERR));
}

TEST_F(PollTest, ConnectionHangsUpWhenTheServerDies)
{
	Child server([&](Child &self) {
		Fd own = new_channel(device, "mortal");
		self.tell(0);
		pause();
		return 0;
	});
	server.hear();
	Fd client = new_connection(device, "mortal");
	EXPECT_EQ(0, events(client, 0));
	Thread poller([&] { return wait_events(client, 0); });
	ASSERT_TRUE(poller.wait_asleep());
	server.kill(SIGKILL);
	EXPECT_EQ(POLLHUP | POLLERR, poller.join() & (POLLHUP | POLLERR));
}

// How often a thread has been asleep.
uint64_t sleeps(pid_t tid)
{
	return number_in("/proc/self/task/" + std::to_string(tid) + "/status",
			 "voluntary_ctxt_switches:");
}

TEST_F(PollTest, ADetachWakesNobodyElse)
{
	Thread poller([&] { return wait_events(connection, 0); });
	ASSERT_TRUE(poller.wait_asleep());
	const uint64_t before = sleeps(poller.tid());
	for (int i = 0; i < 100; i++) {
		Fd other = new_connection(device, 0, chid);
		Thread its([&] { return wait_events(other, 0); });
		ASSERT_TRUE(its.wait_asleep());
		ASSERT_EQ(0, connect_detach(other));
		EXPECT_EQ(POLLHUP | POLLERR, its.join() & (POLLHUP | POLLERR));
	}
	ASSERT_TRUE(poller.wait_asleep());
	// It may have been counted, and no more, while it fell asleep the first time.
	EXPECT_GT(before + 10, sleeps(poller.tid())) << "of 100 detaches";
	EXPECT_EQ(0, connect_detach(connection));
	EXPECT_EQ(POLLHUP | POLLERR, poller.join() & (POLLHUP | POLLERR));
}

TEST_F(PollTest, AMessageDoesNotHangUpConnections)
{
	OneWaySender client(connection, "x");
	ASSERT_TRUE(client.wait_blocked());
	EXPECT_EQ(POLLOUT, both_events(connection) & ~POLLWRNORM);
	EXPECT_EQ(0, poll_receive(channel).result);
	EXPECT_EQ(0, client.finish());
}

class EpollTest : public PollTest
{
protected:
	void add(int fd, uint32_t wanted)
	{
		epoll_event event = {};
		event.events = wanted;
		event.data.fd = fd;
		ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) << strerror(errno);
	}

	// The next event, or {0, -1}.
	epoll_event next(int timeout_ms = 0)
	{
		epoll_event event = {};
		if (epoll_wait(epoll, &event, 1, timeout_ms) < 1) {
			event.events = 0;
			event.data.fd = -1;
		}
		return event;
	}

	Fd epoll{epoll_create1(EPOLL_CLOEXEC)};
};

TEST_F(EpollTest, LevelTriggered)
{
	add(channel, EPOLLIN);
	EXPECT_EQ(0u, next().events);
	OneWaySender client(connection, "x");
	EXPECT_EQ(uint32_t(EPOLLIN), next(kPatienceMs).events);
	EXPECT_EQ(uint32_t(EPOLLIN), next().events);
	EXPECT_EQ("x", poll_receive(channel).text);
	EXPECT_EQ(0u, next().events);
	EXPECT_EQ(0, client.finish());
}

TEST_F(EpollTest, EdgeTriggered)
{
	add(channel, EPOLLIN | EPOLLET);
	std::vector<std::unique_ptr<OneWaySender>> clients;
	for (int i = 0; i < 3; i++) {
		clients.push_back(std::make_unique<OneWaySender>(connection, std::to_string(i)));
		EXPECT_EQ(uint32_t(EPOLLIN), next(kPatienceMs).events) << "each message is an edge";
		ASSERT_TRUE(clients.back()->wait_blocked());
		EXPECT_EQ(0u, next().events);
	}
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(std::to_string(i), poll_receive(channel).text);
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
	clients.push_back(std::make_unique<OneWaySender>(connection, "again"));
	EXPECT_EQ(uint32_t(EPOLLIN), next(kPatienceMs).events);
	EXPECT_EQ("again", poll_receive(channel).text);
}

TEST_F(EpollTest, HangUps)
{
	add(channel, EPOLLIN | EPOLLET);
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_TRUE(next(kPatienceMs).events & EPOLLHUP);

	add(connection, 0);
	EXPECT_EQ(uint32_t(EPOLLHUP | EPOLLERR), next(kPatienceMs).events & (EPOLLHUP | EPOLLERR));
}

TEST_F(EpollTest, ServerOfManyChannels)
{
	constexpr int kChannels = 8, kMessages = 200;
	std::vector<Fd> channels, connections;
	for (int i = 0; i < kChannels; i++) {
		int id;
		channels.push_back(new_channel(device, {}, 0, &id));
		connections.push_back(new_connection(device, 0, id));
		add(channels.back(), EPOLLIN);
	}
	std::vector<std::unique_ptr<Thread>> clients;
	for (int i = 0; i < kChannels; i++)
		clients.push_back(std::make_unique<Thread>([&, i] {
			for (int m = 0; m < kMessages / kChannels; m++) {
				std::string text = std::to_string(i) + "." + std::to_string(m);
				EXPECT_EQ(text, send_receive(connections[i], text).text);
			}
			return 0;
		}));
	for (int served = 0; served < kMessages;) {
		epoll_event event = next(kPatienceMs);
		ASSERT_EQ(uint32_t(EPOLLIN), event.events);
		Received message = poll_receive(event.data.fd);
		ASSERT_EQ(0, message.result);
		ASSERT_EQ(0, reply(event.data.fd, message.rcvid(), message.text));
		served++;
	}
	for (auto &client : clients)
		EXPECT_EQ(0, client->join());
}

TEST_F(EpollTest, ClosedWhileWatched)
{
	add(connection, 0);
	add(channel, EPOLLIN);
	connection.reset();
	channel.reset();
	EXPECT_EQ(0u, next(10).events);
}

} // namespace
