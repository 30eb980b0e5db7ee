// SPDX-License-Identifier: MIT
// What a server knows of a message and of its clients: STPLR_MSG_INFO, STPLR_CLIENT_INFO, cookies;
// and private channels.
#include <grp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "support/pulse.h"

namespace
{

class InfoTest : public PairTest
{
protected:
	long message_info(int rcvid, stplr_msg_info &info)
	{
		poison(info);
		info.rcvid = rcvid;
		return call(channel, STPLR_MSG_INFO, &info);
	}

	long cookie(uint32_t coid, uint64_t value)
	{
		stplr_client_cookie args = {};
		args.coid = coid;
		args.cookie = value;
		return call(channel, STPLR_CLIENT_COOKIE, &args);
	}

	uint32_t coid(int fd)
	{
		stplr_connect_info info;
		EXPECT_EQ(0, connect_info(fd, info));
		return info.coid;
	}
};

TEST_F(InfoTest, OfAMessageAgain)
{
	Sender client(connection, "four", 100);
	Received message = receive(channel, 2);
	stplr_msg_info info;
	ASSERT_EQ(0, message_info(message.rcvid(), info));
	EXPECT_EQ(0, __builtin_memcmp(&message.info, &info, sizeof(info)));
	EXPECT_EQ(2u, info.len);
	EXPECT_EQ(4u, info.src_len);
	EXPECT_EQ(100u, info.dst_len);
	EXPECT_EQ(getpid(), info.pid);
	EXPECT_EQ(client.thread().tid(), info.tid);
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	client.finish();
	EXPECT_EQ(-ESRCH, message_info(message.rcvid(), info));
	EXPECT_EQ(-EINVAL, message_info(0, info));
	EXPECT_EQ(-EINVAL, message_info(-1, info));
	EXPECT_EQ(-EFAULT, call(channel, STPLR_MSG_INFO, nullptr));
	EXPECT_EQ(-ENOTTY, call(connection, STPLR_MSG_INFO, &info));
}

TEST_F(InfoTest, OfAParkedMessage)
{
	struct sigaction action = {};
	action.sa_handler = [](int) {};
	sigaction(SIGUSR1, &action, nullptr);
	pid_t sender = 0;
	Thread client([&]() -> long {
		sender = own_tid();
		stplr_msg_send args = send_args(buffer("x"), {});
		long result = call(connection, STPLR_MSG_SEND_RECEIVE, &args);
		while (result == -EINTR && args.token)
			result = call(connection, STPLR_MSG_SEND_RECEIVE, &args);
		if (result)
			return result;
		return args.status;
	});
	Received message = receive(channel);
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	for (int i = 0; i < 50; i++) {
		client.signal(SIGUSR1);
		stplr_msg_info info;
		ASSERT_EQ(0, message_info(message.rcvid(), info));
		EXPECT_EQ(sender, info.tid);
		EXPECT_EQ(getpid(), info.pid);
	}
	EXPECT_EQ(0, reply(channel, message.rcvid(), {}, 9));
	EXPECT_EQ(9, client.join());
}

TEST_F(InfoTest, NotOfOthersMessages)
{
	Sender client(connection, "x");
	Received message = receive(channel);
	Child other([&](Child &) {
		stplr_msg_info info;
		EXPECT_EQ(-ESRCH, message_info(message.rcvid(), info));
		return 0;
	});
	other.expect_success();
	EXPECT_EQ(0, reply(channel, message.rcvid()));
}

TEST_F(InfoTest, CookieComesWithEveryMessageAndPulse)
{
	Fd second = new_connection(device, getpid(), chid);
	ASSERT_EQ(0, cookie(coid(connection), 0xfedcba9876543210));
	ASSERT_EQ(0, send_queued(connection, "x"));
	ASSERT_EQ(0, send_queued(second, "y"));
	ASSERT_EQ(0, pulse_send(connection, 1, 0, 0));
	EXPECT_EQ(0xfedcba9876543210u, poll_receive(channel).info.cookie);
	EXPECT_EQ(0u, poll_receive(channel).info.cookie);
	EXPECT_EQ(0xfedcba9876543210u, receive_pulse(channel).info.cookie);
	ASSERT_EQ(0, cookie(coid(connection), 0));
	ASSERT_EQ(0, send_queued(connection, "x"));
	EXPECT_EQ(0u, poll_receive(channel).info.cookie);
}

TEST_F(InfoTest, CookieOfOwnConnectionsOnly)
{
	Fd other = new_channel(device, "other");
	Fd to_other = new_connection(device, "other");
	EXPECT_EQ(-ESRCH, cookie(coid(to_other), 1));
	EXPECT_EQ(-ESRCH, cookie(0, 1));
	uint32_t gone = coid(connection);
	connection.reset();
	EXPECT_EQ(-ESRCH, cookie(gone, 1));
	stplr_client_cookie args = {};
	args.rcvid = -1;
	EXPECT_EQ(-EINVAL, call(channel, STPLR_CLIENT_COOKIE, &args));
	EXPECT_EQ(-EFAULT, call(channel, STPLR_CLIENT_COOKIE, nullptr));
	EXPECT_EQ(-ENOTTY, call(device, STPLR_CLIENT_COOKIE, &args));
}

TEST_F(InfoTest, CookieOfAnAcceptedConnection)
{
	Fd listener = new_channel(device, "listener", STPLR_CHANNEL_LISTEN);
	Fd client = new_connection(device, "listener");
	stplr_channel_accept args = accept_args();
	channel.reset(channel_accept(listener, args));
	ASSERT_EQ(0, cookie(args.coid, 3));
	ASSERT_EQ(0, send_queued(client, "x"));
	EXPECT_EQ(3u, poll_receive(channel).info.cookie);
}

TEST_F(InfoTest, OfAClient)
{
	Child client([&](Child &self) {
		gid_t groups[] = {7, 8, 9};
		EXPECT_EQ(0, setgroups(3, groups));
		EXPECT_EQ(0, setsid() < 0);
		EXPECT_EQ(0, syscall(SYS_setresgid, 11, 12, 13));
		EXPECT_EQ(0, syscall(SYS_setresuid, 21, 0, 23));
		Fd own = new_connection(device, getppid(), chid);
		Fd second = new_connection(device, getppid(), chid);
		EXPECT_EQ(0, send_queued(own, "x"));
		self.tell(getsid(0));
		self.hear();
		return 0;
	});
	int64_t session = client.hear();
	Received message = receive(channel);

	uint32_t groups[4];
	poison(groups);
	stplr_client_info info;
	poison(info);
	info.scoid = message.info.scoid;
	info.groups = reinterpret_cast<uintptr_t>(groups);
	info.nr_groups = 2;
	info.rcvid = 0;
	ASSERT_EQ(0, call(channel, STPLR_CLIENT_INFO, &info));
	EXPECT_EQ(client.pid(), info.pid);
	EXPECT_EQ(session, info.sid);
	EXPECT_EQ(2u, info.connections);
	EXPECT_EQ(21u, info.uid);
	EXPECT_EQ(0u, info.euid);
	EXPECT_EQ(23u, info.suid);
	EXPECT_EQ(11u, info.gid);
	EXPECT_EQ(12u, info.egid);
	EXPECT_EQ(13u, info.sgid);
	EXPECT_EQ(3u, info.nr_groups);
	EXPECT_EQ(7u, groups[0]);
	EXPECT_EQ(8u, groups[1]);
	EXPECT_TRUE(poisoned(groups[2])) << "beyond the room";
	info.nr_groups = 0;
	info.groups = 0;
	EXPECT_EQ(0, call(channel, STPLR_CLIENT_INFO, &info));
	info.nr_groups = 1;
	EXPECT_EQ(-EFAULT, call(channel, STPLR_CLIENT_INFO, &info));
	info.rcvid = -1;
	EXPECT_EQ(-EINVAL, call(channel, STPLR_CLIENT_INFO, &info));
	client.tell(1);
	client.expect_success();
	info.rcvid = 0;
	EXPECT_TRUE(eventually([&] { return call(channel, STPLR_CLIENT_INFO, &info) == -ESRCH; }));
	EXPECT_EQ(-EFAULT, call(channel, STPLR_CLIENT_INFO, nullptr));
	EXPECT_EQ(-ENOTTY, call(connection, STPLR_CLIENT_INFO, &info));
}

// By its message a client is found without a number that could be another's.
TEST_F(InfoTest, OfAMessage)
{
	Child client([&](Child &) {
		EXPECT_EQ(0, syscall(SYS_setresuid, 21, 0, 23));
		Fd own = new_connection(device, getppid(), chid);
		Sent sent = send_receive(own, "first");
		EXPECT_EQ(0, sent.result);
		EXPECT_EQ(0, send_one_way(own, "second"));
		return 0;
	});
	Received message = receive(channel);
	stplr_client_info info = {};
	info.scoid = ~0u;
	info.rcvid = message.rcvid();
	ASSERT_EQ(0, call(channel, STPLR_CLIENT_INFO, &info));
	EXPECT_EQ(client.pid(), info.pid);
	EXPECT_EQ(21u, info.uid);
	EXPECT_EQ(message.info.scoid, info.scoid);

	stplr_client_cookie cookie = {};
	cookie.cookie = 4711;
	cookie.rcvid = message.rcvid();
	cookie.coid = message.info.coid;
	EXPECT_EQ(-EINVAL, call(channel, STPLR_CLIENT_COOKIE, &cookie));
	cookie.coid = 0;
	cookie.rcvid = -1;
	EXPECT_EQ(-EINVAL, call(channel, STPLR_CLIENT_COOKIE, &cookie));
	cookie.rcvid = message.rcvid() + 1;
	EXPECT_EQ(-ESRCH, call(channel, STPLR_CLIENT_COOKIE, &cookie));
	cookie.rcvid = message.rcvid();
	EXPECT_EQ(0, call(channel, STPLR_CLIENT_COOKIE, &cookie));

	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(-ESRCH, call(channel, STPLR_CLIENT_COOKIE, &cookie));
	EXPECT_EQ(-ESRCH, call(channel, STPLR_CLIENT_INFO, &info));
	EXPECT_EQ(4711u, receive(channel).info.cookie);
	client.expect_success();
}

TEST_F(InfoTest, ClientsOfThisChannelOnly)
{
	Fd other = new_channel(device, "other");
	ASSERT_EQ(0, send_queued(connection, "x"));
	stplr_client_info info = {};
	info.scoid = poll_receive(channel).info.scoid;
	EXPECT_EQ(0, call(channel, STPLR_CLIENT_INFO, &info));
	EXPECT_EQ(-ESRCH, call(other, STPLR_CLIENT_INFO, &info));
}

TEST_F(InfoTest, PrivateChannelsAreTheirCreators)
{
	int own_chid;
	Fd own = new_channel(device, "private", STPLR_CHANNEL_PRIVATE | STPLR_CHANNEL_ATTACH_ANY,
			     &own_chid);
	EXPECT_LE(0, new_connection(device, getpid(), own_chid));
	EXPECT_LE(0, new_connection(device, "private"));
	Child other([&](Child &) {
		stplr_connect_attach args = attach_args(getppid(), own_chid);
		EXPECT_EQ(-EACCES, connect_attach(device, args));
		args = attach_args("private");
		EXPECT_EQ(-EACCES, connect_attach(device, args));
		return 0;
	});
	other.expect_success();
}

} // namespace
