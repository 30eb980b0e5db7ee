// SPDX-License-Identifier: MIT
// What things cost in memory, and who pays for it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"
#include "support/module.h"

namespace
{

class CostTest : public PairTest
{
};

// All of the kernel's small objects, in bytes.
int64_t slab_bytes()
{
	std::ifstream file("/proc/meminfo");
	std::string name, unit;
	int64_t value;

	while (file >> name >> value) {
		getline(file, unit);
		if (name == "Slab:")
			return value * 1024;
	}
	ADD_FAILURE() << "/proc/meminfo tells nothing of slabs";
	return 0;
}

// What one of many descriptors costs.
int64_t bytes_a_descriptor(const std::function<Fd()> &make)
{
	constexpr int kMany = 4000;
	std::vector<Fd> some, all;

	// What the first ones need but once.
	for (int i = 0; i < 100; i++)
		some.push_back(make());
	int64_t before = slab_bytes();
	for (int i = 0; i < kMany; i++)
		all.push_back(make());
	return (slab_bytes() - before) / kMany;
}

TEST_F(CostTest, IdleConnectionIsSmall)
{
	// Less than 2 KiB beyond what any descriptor costs; an eventfd's own part is less than 128.
	// Kernels that look for misuse of memory put some around each object.
	const bool checking = kernel_checks_memory();
	rlimit files = {10000, 10000};
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	int64_t other = bytes_a_descriptor([] { return Fd(eventfd(0, EFD_CLOEXEC)); });
	int64_t cost = bytes_a_descriptor([this] { return new_connection(device, 0, chid); });
	RecordProperty("bytes", std::to_string(cost - other));
	EXPECT_LT(cost - other, (checking ? 3072 : 2048) - 128);
	EXPECT_GT(cost, other) << "this test measures nothing";
}

TEST_F(CostTest, QueuedMessagesAreTheSendersMemory)
{
	// They count for its control group.
	const std::string root = "/sys/fs/cgroup/", group = root + "stplr-cost";
	auto put = [](const std::string &path, const char *text) {
		Fd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
		EXPECT_EQ(ssize_t(strlen(text)), write(file, text, strlen(text)))
			<< path << ": " << strerror(errno);
	};
	auto used = [&] {
		int64_t value = -1;
		std::ifstream(group + "/memory.current") >> value;
		return value;
	};
	constexpr int kMessages = 200;
	const std::string text(30000, 'x');
	put(root + "cgroup.subtree_control", "+memory");
	ASSERT_EQ(0, mkdir(group.c_str(), 0755)) << strerror(errno);
	{
		Child sender([&](Child &self) {
			put(group + "/cgroup.procs", "0");
			self.tell(0);
			self.hear();
			for (int i = 0; i < kMessages; i++)
				EXPECT_EQ(0, send_queued(connection, text));
			self.tell(0);
			self.hear();
			return 0;
		});
		sender.hear();
		int64_t before = used();
		sender.tell(0);
		sender.hear();
		EXPECT_GT(used() - before, int64_t(kMessages * text.size()));
		for (int i = 0; i < kMessages; i++)
			EXPECT_EQ(0, poll_receive(channel, text.size()).result);
		EXPECT_LT(used() - before, int64_t(kMessages * text.size()) / 2);
		sender.tell(0);
		sender.expect_success();
	}
	EXPECT_TRUE(eventually([&] { return rmdir(group.c_str()) == 0; })) << strerror(errno);
}

// From here to its end no allocation of the calling thread's succeeds, where the kernel can do that
// (the debug kernel of tools/kernels).
class NoMemory
{
public:
	static bool possible()
	{
		return access("/proc/self/make-it-fail", F_OK) == 0;
	}
	NoMemory()
	{
		if (!possible())
			return;
		for (const char *kind : {"failslab", "fail_page_alloc"}) {
			set(kind, "verbose", "0");
			set(kind, "ignore-gfp-wait", "N");
			set(kind, "task-filter", "Y");
			set(kind, "interval", "1");
			set(kind, "times", "-1");
			set(kind, "probability", "100");
		}
		set("fail_page_alloc", "min-order", "0");
		file_.reset(open("/proc/thread-self/make-it-fail", O_WRONLY | O_CLOEXEC));
		EXPECT_GE(file_, 0) << strerror(errno);
		EXPECT_EQ(1, write(file_, "1", 1)) << strerror(errno);
	}
	// Names of files need memory, too: the descriptor tells whether there was anything to do.
	~NoMemory()
	{
		if (file_ < 0)
			return;
		EXPECT_EQ(1, pwrite(file_, "0", 1, 0)) << strerror(errno);
		for (const char *kind : {"failslab", "fail_page_alloc"}) {
			set(kind, "probability", "0");
			set(kind, "task-filter", "N");
		}
	}

private:
	static void set(const char *kind, const char *name, const char *value)
	{
		std::ofstream file(std::string("/sys/kernel/debug/") + kind + "/" + name);
		EXPECT_TRUE(file << value << std::flush) << kind << "/" << name;
	}
	Fd file_;
};

TEST_F(CostTest, InlineMessagesNeedNoMemory)
{
	// Up to 8 parts, up to inline_max bytes both ways, and the server's side of it too.
	stplr_version version;
	ASSERT_EQ(0, stplr_version_get(device, version));
	std::vector<char> bytes(8192), room(8192);
	std::vector<stplr_iovec> parts;
	const size_t half = version.inline_max / 2 / 8 * 8;
	for (int i = 0; i < 8; i++)
		parts.push_back(part(bytes.data() + i * half / 8, half / 8));
	fill_pattern(bytes.data(), bytes.size(), 1);
	stplr_msg_send args =
		send_args(buffer(parts.data(), parts.size()), buffer(room.data(), half));
	args.flags = STPLR_SEND_VECTOR;
	stplr_msg_send large = send_args(buffer(bytes.data(), 3000), buffer(room.data(), 3000));
	// More than that does need some: to see that there is none.
	const bool possible = NoMemory::possible();
	long results[2] = {1, 1};
	Thread client([&] {
		NoMemory none;
		results[0] = call(connection, STPLR_MSG_SEND_RECEIVE, &args);
		if (possible)
			results[1] = call(connection, STPLR_MSG_SEND_RECEIVE, &large);
		return 0;
	});
	stplr_msg_receive taken = receive_args(buffer(room.data() + 4096, 2000));
	ASSERT_EQ(0, msg_receive(channel, taken));
	EXPECT_TRUE(expect_pattern(room.data() + 4096, half, 1));
	stplr_msg_reply answer = reply_args(taken.info.rcvid, buffer(bytes.data(), half));
	EXPECT_EQ(0, msg_reply(channel, answer));
	EXPECT_EQ(0, client.join());
	EXPECT_EQ(0, results[0]) << result_name(results[0]);
	EXPECT_EQ(half, args.reply_len);
	EXPECT_TRUE(expect_pattern(room.data(), half, 1));
	if (possible)
		EXPECT_EQ(-ENOMEM, results[1]) << result_name(results[1]);
}

TEST_F(CostTest, ServingInlineMessagesNeedsNoMemory)
{
	char in[512], room[512] = {};
	stplr_msg_send args = send_args(buffer("question"), buffer(room, sizeof(room)));
	Thread client([&] { return msg_send_receive(connection, args); });
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	stplr_msg_receive taken = receive_args(buffer(in, sizeof(in)));
	long received, replied;
	{
		NoMemory none;
		received = call(channel, STPLR_MSG_RECEIVE, &taken);
		stplr_msg_reply answer = reply_args(taken.info.rcvid, buffer("answer"));
		replied = call(channel, STPLR_MSG_REPLY, &answer);
	}
	EXPECT_EQ(0, received) << result_name(received);
	EXPECT_EQ(0, replied) << result_name(replied);
	EXPECT_EQ(0, client.join());
	EXPECT_EQ(6u, args.reply_len);
}

} // namespace
