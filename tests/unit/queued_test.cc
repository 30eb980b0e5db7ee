// SPDX-License-Identifier: MIT
// STPLR_SEND_QUEUED: one-way messages that the kernel keeps, within bounds, and says when they are
// lost.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"

namespace
{

class QueuedTest : public PairTest
{
protected:
	uint32_t queued()
	{
		stplr_connect_info info;
		EXPECT_EQ(0, connect_info(connection, info));
		return info.queued;
	}

	uint64_t dropped()
	{
		stplr_connect_info info;
		EXPECT_EQ(0, connect_info(connection, info));
		return info.dropped;
	}

	int bound(const char *name)
	{
		std::ifstream file(std::string("/sys/module/stplr/parameters/") + name);
		int value = 0;
		EXPECT_TRUE(file >> value) << name;
		return value;
	}

	// Sends until there is no more room; how many there was room for.
	int fill(int fd)
	{
		int sent = 0;
		long result;
		while ((result = send_queued(fd, std::to_string(sent), STPLR_DEADLINE_POLL)) == 0)
			sent++;
		EXPECT_EQ(-EAGAIN, result);
		return sent;
	}
};

TEST_F(QueuedTest, DoesNotWaitForAServer)
{
	std::string text = "kept";
	EXPECT_EQ(0, send_queued(connection, text));
	EXPECT_EQ(1u, queued());
	// The kernel has a copy.
	text = "lost";
	Received message = poll_receive(channel);
	EXPECT_EQ("kept", message.text);
	EXPECT_EQ(uint32_t(STPLR_KIND_SEND), message.info.kind);
	EXPECT_EQ(uint32_t(STPLR_INFO_NO_REPLY | STPLR_INFO_QUEUED), message.info.flags);
	EXPECT_EQ(getpid(), message.info.pid);
	EXPECT_EQ(0u, queued());
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid(), "x"));
}

TEST_F(QueuedTest, InTheOrderSent)
{
	for (int i = 0; i < 20; i++)
		EXPECT_EQ(0, send_queued(connection, std::to_string(i)));
	OneWaySender blocking(connection, "20");
	ASSERT_TRUE(blocking.wait_blocked());
	EXPECT_EQ(0, send_queued(connection, "21"));
	for (int i = 0; i < 22; i++)
		EXPECT_EQ(std::to_string(i), poll_receive(channel).text);
	EXPECT_EQ(0, blocking.finish());
}

TEST_F(QueuedTest, WakesAServer)
{
	Thread server([&] { return receive(channel).text == "x" ? 0l : 1l; });
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	EXPECT_EQ(0, send_queued(connection, "x"));
	EXPECT_EQ(0, server.join());
}

TEST_F(QueuedTest, OutlivesConnectionAndSender)
{
	EXPECT_EQ(0, send_queued(connection, "closed"));
	connection.reset();
	Child sender([&](Child &) {
		Fd own = new_connection(device, getppid(), chid);
		EXPECT_EQ(0, send_queued(own, "dead"));
		return 0;
	});
	sender.expect_success();
	Received closed = poll_receive(channel), dead = poll_receive(channel);
	EXPECT_EQ("closed", closed.text);
	EXPECT_EQ(getpid(), closed.info.pid);
	EXPECT_EQ(own_tid(), closed.info.tid);
	EXPECT_EQ("dead", dead.text);
	EXPECT_EQ(0, dead.info.pid) << "the number may be another's by now";
	EXPECT_EQ(0, dead.info.tid);
}

TEST_F(QueuedTest, SizesAndContents)
{
	for (size_t size : {0, 1, 100, 4095, 4096, 4097, 100000, 1 << 20}) {
		Mapping bytes(size + 1);
		std::vector<char> room(size + 8, char(kPoison));
		fill_pattern(bytes.data(), size, size);
		stplr_msg_send args = send_args(buffer(bytes.data(), size));
		args.flags = STPLR_SEND_QUEUED;
		ASSERT_EQ(0, msg_send(connection, args));
		memset(bytes.data(), 0, size);
		stplr_msg_receive taken =
			receive_args(buffer(room.data(), room.size()), STPLR_DEADLINE_POLL);
		ASSERT_EQ(0, msg_receive(channel, taken));
		EXPECT_EQ(size, taken.info.len);
		EXPECT_TRUE(expect_pattern(room.data(), size, size));
		EXPECT_TRUE(expect_poison(room.data() + size, 8));
	}
}

TEST_F(QueuedTest, Vector)
{
	stplr_iovec parts[] = {part("in ", 3), part("", 0), part("parts", 5)};
	stplr_msg_send args = send_args(buffer(parts, 3));
	args.flags = STPLR_SEND_QUEUED | STPLR_SEND_VECTOR;
	EXPECT_EQ(0, msg_send(connection, args));
	EXPECT_EQ("in parts", poll_receive(channel).text);
}

TEST_F(QueuedTest, TruncatedIsReadOnAndReleased)
{
	EXPECT_EQ(0, send_queued(connection, "hello, world"));
	EXPECT_EQ(0, send_queued(connection, "released"));
	Received message = receive(channel, 5);
	EXPECT_EQ("hello", message.text);
	EXPECT_EQ(uint32_t(STPLR_INFO_NO_REPLY | STPLR_INFO_QUEUED | STPLR_INFO_TRUNCATED),
		  message.info.flags);
	char rest[16] = {};
	stplr_msg_data data = data_args(message.rcvid(), buffer(rest, sizeof(rest)), 5);
	EXPECT_EQ(0, msg_read(channel, data));
	EXPECT_EQ(", world", std::string(rest, data.len));
	EXPECT_EQ(-ESRCH, msg_read(channel, data)) << "read to its end";
	message = receive(channel, 2);
	EXPECT_EQ("re", message.text);
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid()));
}

TEST_F(QueuedTest, OnlyForOneWayMessages)
{
	stplr_msg_send args = send_args(buffer("x"), {});
	args.flags = STPLR_SEND_QUEUED;
	EXPECT_EQ(-EINVAL, msg_send_receive(connection, args));
	Mapping none(page_size(), PROT_NONE);
	args = send_args(buffer(none.data(), 10));
	args.flags = STPLR_SEND_QUEUED;
	EXPECT_EQ(-EFAULT, msg_send(connection, args));
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
	EXPECT_EQ(0u, queued());
}

TEST_F(QueuedTest, ConnectionsBound)
{
	int most = fill(connection);
	EXPECT_EQ(bound("connection_queued"), most);
	EXPECT_EQ(uint32_t(most), queued());
	EXPECT_EQ(-ETIMEDOUT, send_queued(connection, "x", in_ms(30)));
	ASSERT_EQ(0, fcntl(connection, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, send_queued(connection, "x"));
	ASSERT_EQ(0, fcntl(connection, F_SETFL, 0));
	// Another connection has its own.
	Fd other = new_connection(device, 0, chid);
	EXPECT_EQ(0, send_queued(other, "other"));

	Thread waiting([&] { return send_queued(connection, "waited"); });
	ASSERT_TRUE(waiting.wait_blocked(STPLR_MSG_SEND));
	EXPECT_EQ("0", poll_receive(channel).text);
	EXPECT_EQ(0, waiting.join());
	for (int i = 1; i < most; i++)
		ASSERT_EQ(std::to_string(i), poll_receive(channel).text);
	EXPECT_EQ("other", poll_receive(channel).text);
	EXPECT_EQ("waited", poll_receive(channel).text);
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

TEST_F(QueuedTest, ChannelsBound)
{
	int most = bound("channel_queued"), sent = 0;
	std::vector<Fd> connections;
	while (sent <= most) {
		connections.push_back(new_connection(device, 0, chid));
		int more = fill(connections.back());
		sent += more;
		if (more == 0)
			break;
	}
	EXPECT_EQ(most, sent);
	EXPECT_EQ(0, poll_receive(channel).result);
	EXPECT_EQ(0, send_queued(connections.back(), "room again", STPLR_DEADLINE_POLL));
}

TEST_F(QueuedTest, SignalEndsTheWaitForRoom)
{
	int most = fill(connection);
	Thread waiting([&] { return send_queued(connection, "x"); });
	ASSERT_TRUE(waiting.wait_blocked(STPLR_MSG_SEND));
	waiting.signal(SIGUSR1);
	EXPECT_EQ(-EINTR, waiting.join());
	EXPECT_EQ(uint32_t(most), queued());
}

TEST_F(QueuedTest, LossIsToldOnce)
{
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, send_queued(connection, "x"));
	EXPECT_EQ(0, poll_receive(channel).result);
	EXPECT_EQ(0u, dropped());
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(2u, dropped());
	EXPECT_EQ(0u, queued());
	EXPECT_EQ(-ECONNRESET, send_receive(connection, "x").result);
	EXPECT_EQ(-ESRCH, send_receive(connection, "x").result);
	EXPECT_EQ(2u, dropped());
}

TEST_F(QueuedTest, LossByTheServersDeath)
{
	Child server([&](Child &self) {
		Fd own = new_channel(device, "mortal");
		self.tell(0);
		pause();
		return 0;
	});
	server.hear();
	connection = new_connection(device, "mortal");
	EXPECT_EQ(0, send_queued(connection, "x"));
	server.kill(SIGKILL);
	server.wait();
	EXPECT_EQ(1u, dropped());
	EXPECT_EQ(-ECONNRESET, send_queued(connection, "y"));
	EXPECT_EQ(-ESRCH, send_queued(connection, "y"));
}

TEST_F(QueuedTest, NothingLostNothingTold)
{
	EXPECT_EQ(0, send_queued(connection, "x"));
	EXPECT_EQ(0, poll_receive(channel).result);
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(0u, dropped());
	EXPECT_EQ(-ESRCH, send_queued(connection, "y"));
}

} // namespace
