// SPDX-License-Identifier: MIT
// 32-bit programs use the same ABI (compat/compat_peer.c is one).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <libgen.h>
#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"
#include "support/ring.h"

namespace
{

// compat_peer lies beside this program.
std::string peer_path()
{
	char path[PATH_MAX] = {};

	EXPECT_GT(readlink("/proc/self/exe", path, sizeof(path) - 1), 0);
	return std::string(dirname(path)) + "/compat_peer";
}

class CompatTest : public PairTest
{
protected:
	// Runs it with fd as its descriptor 3.
	std::unique_ptr<Child> peer(const char *role, int fd)
	{
		return std::make_unique<Child>([=](Child &) {
			std::string path = peer_path();
			int moved = fcntl(fd, F_DUPFD_CLOEXEC, 10);
			if (dup2(moved, 3) != 3)
				return 98;
			execl(path.c_str(), "compat_peer", role, nullptr);
			fprintf(stderr, "%s: %s\n", path.c_str(), strerror(errno));
			return 99;
		});
	}

	// Its exit status is a line of its source.
	void expect_success(Child &child)
	{
		int status = child.wait();
		ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
		EXPECT_EQ(0, WEXITSTATUS(status))
			<< "compat_peer.c line " << WEXITSTATUS(status) - 1 << " + n * 255";
	}
};

TEST_F(CompatTest, ItIsA32BitProgram)
{
	Fd file(open(peer_path().c_str(), O_RDONLY | O_CLOEXEC));
	unsigned char start[5] = {};
	ASSERT_EQ(ssize_t(sizeof(start)), read(file, start, sizeof(start)));
	EXPECT_EQ(0, memcmp(start, "\177ELF\001", 5));
}

TEST_F(CompatTest, Client)
{
	auto client = peer("client", connection);
	std::vector<char> bytes(300000);
	for (int i = 0; i < 5; i++) {
		stplr_msg_receive args =
			receive_args(buffer(bytes.data(), bytes.size()), in_ms(kPatienceMs));
		ASSERT_EQ(0, msg_receive(channel, args));
		EXPECT_EQ(client->pid(), args.info.pid);
		EXPECT_EQ(200000u, args.info.dst_len);
		EXPECT_EQ(i == 0 ? 0u : i < 3 ? 50u : 200000u, args.info.len);
		stplr_msg_reply answer =
			reply_args(args.info.rcvid, buffer(bytes.data(), args.info.len));
		answer.status = 32;
		ASSERT_EQ(0, msg_reply(channel, answer));
	}
	expect_success(*client);
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

TEST_F(CompatTest, Server)
{
	for (size_t size : {0, 50, 100000, 200000}) {
		auto server = peer("server", channel);
		std::vector<char> bytes(size), room(size);
		fill_pattern(bytes.data(), size, 1);
		stplr_msg_send args =
			send_args(buffer(bytes.data(), size), buffer(room.data(), size));
		ASSERT_EQ(0, msg_send_receive(connection, args));
		EXPECT_EQ(size, args.reply_len);
		EXPECT_EQ(32, args.status);
		EXPECT_TRUE(expect_pattern(room.data(), size, 1));
		expect_success(*server);
	}
}

TEST_F(CompatTest, ClientAndServer)
{
	auto client = peer("client", connection);
	for (int i = 0; i < 5; i++) {
		auto server = peer("server", channel);
		expect_success(*server);
	}
	expect_success(*client);
}

TEST_F(CompatTest, RegisteredBuffers)
{
	auto client = peer("registered-client", connection);
	auto server = peer("registered-server", channel);
	expect_success(*server);
	expect_success(*client);
}

TEST_F(CompatTest, RingBetweenBoth)
{
	RingPair pair(device, "both");
	Ring ring(pair.creator.release());
	auto echo = peer("ring", pair.other);
	pair.other.reset();
	for (unsigned i = 0; i < 200; i++) {
		std::string text(i * 5, 'a' + i % 26);
		ASSERT_EQ(0, ring.put_waiting(text, i));
		Record record = ring.take_waiting();
		ASSERT_EQ(0, record.result) << i;
		ASSERT_EQ(text, record.bytes);
		ASSERT_EQ(i, record.type);
	}
	EXPECT_EQ(0, ring_end(ring.fd(), EPROTO));
	expect_success(*echo);
}

TEST_F(CompatTest, EveryCallOfRings)
{
	auto alone = peer("rings", device);
	expect_success(*alone);
}

TEST_F(CompatTest, EveryOtherCall)
{
	auto alone = peer("alone", device);
	expect_success(*alone);
}

} // namespace
