// SPDX-License-Identifier: MIT
// Descriptors: shared by dup, fork and SCM_RIGHTS; the last close ends the object.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/rights.h"

namespace
{

class FdTest : public PairTest
{
protected:
	std::string fdinfo(int fd)
	{
		std::ifstream file("/proc/self/fdinfo/" + std::to_string(fd));
		std::stringstream text;
		text << file.rdbuf();
		return text.str();
	}
};

TEST_F(FdTest, DupIsTheSameConnection)
{
	Fd copy(dup(connection));
	EchoServer server(channel);
	EXPECT_EQ("a", send_receive(copy, "a").text);
	connection.reset();
	EXPECT_EQ("b", send_receive(copy, "b").text);
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, server.finish());
}

TEST_F(FdTest, DupIsTheSameChannel)
{
	Fd copy(dup(channel));
	Sender client(connection, "x");
	Received message = receive(copy);
	EXPECT_EQ("x", message.text);
	// Received by one descriptor, answered by the other.
	EXPECT_EQ(0, reply(channel, message.rcvid(), "y"));
	EXPECT_EQ("y", client.finish().text);
}

TEST_F(FdTest, ForkSharesTheConnection)
{
	EchoServer server(channel);
	Child child([&](Child &) {
		EXPECT_EQ("child", send_receive(connection, "child").text);
		return 0;
	});
	child.expect_success();
	EXPECT_EQ("parent", send_receive(connection, "parent").text);
	EXPECT_EQ(0, channel_destroy(channel));
	server.finish();
}

TEST_F(FdTest, ConnectionPassedOverASocket)
{
	int sockets[2];
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	Fd here(sockets[0]), there(sockets[1]);
	Child client([&](Child &) {
		// What it inherited is not what it uses.
		connection.reset();
		channel.reset();
		Fd passed(take_fd(there));
		return send_receive(passed, "passed").text == "back" ? 0 : 1;
	});
	EXPECT_TRUE(pass_fd(here, connection));
	connection.reset();
	Received message = receive(channel);
	EXPECT_EQ("passed", message.text);
	EXPECT_EQ(client.pid(), message.info.pid);
	EXPECT_EQ(0, reply(channel, message.rcvid(), "back"));
	client.expect_success();
}

TEST_F(FdTest, ChannelPassedOverASocket)
{
	int sockets[2];
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	Fd here(sockets[0]), there(sockets[1]);
	Child server([&](Child &) {
		connection.reset();
		channel.reset();
		Fd passed(take_fd(there));
		return echo_until_error(passed) == -ESRCH ? 0 : 1;
	});
	EXPECT_TRUE(pass_fd(here, channel));
	channel.reset();
	EXPECT_EQ("to another server", send_receive(connection, "to another server").text);
	// The receiver is the only holder now.
	server.kill(SIGKILL);
	server.wait();
	EXPECT_EQ(-ESRCH, send_receive(connection, "x").result);
}

TEST_F(FdTest, ChannelInFlightLives)
{
	int sockets[2];
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	Fd here(sockets[0]), there(sockets[1]);
	EXPECT_TRUE(pass_fd(here, channel));
	channel.reset();
	Sender client(connection, "wait for it");
	ASSERT_TRUE(client.wait_blocked());
	{
		Fd landed(take_fd(there));
		Received message = receive(landed);
		EXPECT_EQ("wait for it", message.text);
		EXPECT_EQ(0, reply(landed, message.rcvid(), "here"));
		EXPECT_EQ("here", client.finish().text);
		EXPECT_TRUE(pass_fd(here, landed));
	}
	// Dropped in flight: the last reference.
	Sender other(connection, "x");
	ASSERT_TRUE(other.wait_blocked());
	here.reset();
	there.reset();
	EXPECT_EQ(-ESRCH, other.finish().result);
}

TEST_F(FdTest, OwnConnectionMakesNoCycle)
{
	// A process that holds both ends and dies: its name is free again at once.
	Child child([&](Child &self) {
		Fd both = new_channel(device, "cycle");
		Fd self_connection = new_connection(device, "cycle");
		self.tell(0);
		pause();
		return 0;
	});
	child.hear();
	child.kill(SIGKILL);
	child.wait();
	Fd again = new_channel(device, "cycle");
	EXPECT_GE(again, 0);
}

TEST_F(FdTest, NotInheritedByExec)
{
	Fd own = new_channel(device, "exec");
	Fd attached = new_connection(device, "exec");
	Child child([&](Child &) {
		std::string test = "test ! -e /proc/self/fd/" + std::to_string(own.get()) +
				   " && test ! -e /proc/self/fd/" + std::to_string(attached.get());
		execl("/bin/sh", "sh", "-c", test.c_str(), nullptr);
		return 99;
	});
	child.expect_success();
}

TEST_F(FdTest, InheritedByExecWhenAsked)
{
	Sender client(connection, "x");
	ASSERT_TRUE(client.wait_blocked());
	Fd copy(fcntl(channel, F_DUPFD, 100));
	Child child([&](Child &self) {
		self.tell(0);
		execl("/bin/sleep", "sleep", "60", nullptr);
		return 99;
	});
	child.hear();
	copy.reset();
	channel.reset();
	ASSERT_TRUE(eventually([&] {
		std::ifstream comm("/proc/" + std::to_string(child.pid()) + "/comm");
		std::string name;
		return comm >> name && name == "sleep";
	}));
	EXPECT_FALSE(client.done()) << "the program that was executed holds the channel";
	child.kill(SIGKILL);
	child.wait();
	EXPECT_EQ(-ESRCH, client.finish().result);
}

void allow_descriptors(unsigned many)
{
	rlimit limit;
	EXPECT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = many;
	EXPECT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
}

// What the thread's processor spends, in ns.
int64_t spent(const std::function<void()> &what)
{
	int64_t start = now(CLOCK_THREAD_CPUTIME_ID);
	what();
	return now(CLOCK_THREAD_CPUTIME_ID) - start;
}

// Each close looks whether the process has another.
TEST_F(FdTest, ManyOfAChannelAreClosedOneByOne)
{
	auto a_close = [this](int many) {
		std::vector<Fd> copies;
		for (int i = 0; i < many; i++)
			copies.emplace_back(dup(channel));
		return spent([&] {
			       for (Fd &copy : copies)
				       copy.reset();
		       }) /
		       many;
	};
	allow_descriptors(20000);
	// the lowest is not the one that is found
	Fd high(fcntl(channel, F_DUPFD, 19000));
	channel = std::move(high);
	a_close(500);
	int64_t few = a_close(500), many = a_close(15000);
	EXPECT_LT(many, 3 * few + 1000) << few << " ns with few";
}

// A process with several threads that closes the channel is no matter of those that serve on.
TEST_F(FdTest, ReceivesCostNoMoreOnceOthersHaveLeft)
{
	auto serve = [this](int fd) {
		int64_t best = INT64_MAX;
		for (int i = 0; i < 50; i++) {
			EXPECT_EQ(0, send_queued(connection, "x"));
			EXPECT_EQ(0, send_queued(connection, "y"));
			best = std::min(best, spent([&] {
						EXPECT_EQ(0, receive(fd).result);
						EXPECT_EQ(0, receive(fd).result);
					}));
		}
		return best;
	};
	allow_descriptors(20000);
	Fd high(fcntl(channel, F_DUPFD, 19000));
	int64_t before = serve(high);
	Child leaves([&](Child &) {
		Thread other([] {
			sleep(1);
			return 0;
		});
		high.reset();
		channel.reset();
		other.join();
		return 0;
	});
	leaves.expect_success();
	channel.reset();
	EXPECT_LT(serve(high), 2 * before + 2000) << before << " ns before";
}

TEST_F(FdTest, LastCloseOfAConnectionLeavesTheChannel)
{
	connection.reset();
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
	connection = new_connection(device, 0, chid);
	OneWaySender client(connection, "again");
	EXPECT_EQ("again", receive(channel).text);
	EXPECT_EQ(0, client.finish());
}

TEST_F(FdTest, FdinfoIsHarmless)
{
	Sender queued(connection, "x");
	ASSERT_TRUE(queued.wait_blocked());
	for (int fd : {device.get(), channel.get(), connection.get()})
		EXPECT_NE(std::string::npos, fdinfo(fd).find("flags:"));
	Received message = receive(channel);
	EXPECT_FALSE(fdinfo(channel).empty());
	EXPECT_EQ(0, channel_destroy(channel));
	for (int fd : {channel.get(), connection.get()})
		EXPECT_FALSE(fdinfo(fd).empty());
	EXPECT_EQ(-ESRCH, queued.finish().result);
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid()));
}

TEST_F(FdTest, LinksNameTheKind)
{
	auto link = [](int fd) {
		char target[128] = {};
		EXPECT_GT(readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target,
				   sizeof(target) - 1),
			  0);
		return std::string(target);
	};
	EXPECT_EQ("/dev/stplr-0", link(device));
	EXPECT_NE(std::string::npos, link(channel).find("stplr"));
	EXPECT_NE(std::string::npos, link(connection).find("stplr"));
	EXPECT_NE(link(channel), link(connection));
}

TEST_F(FdTest, ReopenedThroughProcIsNoWayIn)
{
	// /proc/self/fd of a channel must not open a device or another channel.
	std::string path = "/proc/self/fd/" + std::to_string(channel.get());
	Fd reopened(open(path.c_str(), O_RDWR | O_CLOEXEC));
	if (reopened >= 0)
		EXPECT_EQ(-ENOTTY, call(reopened, STPLR_MSG_RECEIVE, nullptr));
}

} // namespace
