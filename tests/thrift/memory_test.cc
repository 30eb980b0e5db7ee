// SPDX-License-Identifier: MIT
// What a connection costs while nothing is called: where memory is locked, or short, and elsewhere.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/service.h"
#include "support/thread.h"

namespace
{

using namespace tests;

constexpr int kMany = 100;
constexpr int64_t KiB = 1024;

int64_t number_in(const char *file, const std::string &key)
{
	std::ifstream lines(file);
	std::string name, rest;
	int64_t value;

	while (lines >> name) {
		if (name == key && lines >> value)
			return value * KiB;
		getline(lines, rest);
	}
	ADD_FAILURE() << file << " tells no " << key;
	return 0;
}

void put(const std::string &path, const std::string &text)
{
	Fd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));

	EXPECT_EQ(ssize_t(text.size()), write(file, text.data(), text.size()))
		<< path << ": " << strerror(errno);
}

// A way to be short of memory.
struct Mode {
	const char *name;
	// Of the process: entered before its connections are made, what it counts in bytes, and
	// what each connection may have of that.
	std::function<void()> enter;
	std::function<int64_t()> used;
	int64_t most;
	// Nothing more than so much from now on.
	std::function<void(int64_t)> limit;
};

void limit_to(int resource, int64_t most)
{
	const rlimit limit = {rlim_t(most), rlim_t(most)};

	EXPECT_EQ(0, setrlimit(__rlimit_resource(resource), &limit)) << strerror(errno);
}

const std::string group = "/sys/fs/cgroup/stplr-thrift";

int64_t in_group()
{
	int64_t value = -1;

	std::ifstream(group + "/memory.current") >> value;
	return value;
}

std::vector<Mode> modes()
{
	const auto nothing = [] {};
	const auto unlimited = [](int64_t) {};
	const auto locked = [] { return number_in("/proc/self/status", "VmLck:"); };
	const auto lock = [] { EXPECT_EQ(0, mlockall(MCL_CURRENT | MCL_FUTURE)); };

	return {
		{"Usually", nothing, [] { return number_in("/proc/self/status", "VmRSS:"); },
		 32 * KiB, unlimited},
		{"Mlockall", lock, locked, 128 * KiB, unlimited},
		{"Memlock",
		 [] {
			 limit_to(RLIMIT_MEMLOCK, kMany * 128 * KiB);
			 become_user(65534, 65534);
			 EXPECT_EQ(0, mlockall(MCL_FUTURE)) << strerror(errno);
		 },
		 locked, 128 * KiB, unlimited},
		{"AddressSpace", nothing, [] { return number_in("/proc/self/status", "VmSize:"); },
		 128 * KiB, [](int64_t most) { limit_to(RLIMIT_AS, most); }},
		{"Overcommit", [] { put("/proc/sys/vm/overcommit_memory", "2"); },
		 [] { return number_in("/proc/meminfo", "Committed_AS:"); }, 128 * KiB, unlimited},
		{"Cgroup", [] { put(group + "/cgroup.procs", "0"); }, in_group, 128 * KiB,
		 [](int64_t most) { put(group + "/memory.max", std::to_string(most)); }},
		{"LockedCgroup",
		 [lock] {
			 put(group + "/cgroup.procs", "0");
			 lock();
		 },
		 in_group, 128 * KiB,
		 [](int64_t most) { put(group + "/memory.max", std::to_string(most)); }},
	};
}

class MemoryTest : public testing::TestWithParam<Mode>
{
protected:
	MemoryTest()
	{
		put("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
		EXPECT_EQ(0, mkdir(group.c_str(), 0755)) << strerror(errno);
	}
	~MemoryTest()
	{
		put("/proc/sys/vm/overcommit_memory", "0");
		EXPECT_TRUE(eventually([] { return rmdir(group.c_str()) == 0; }))
			<< strerror(errno);
	}
	// Makes one connection after the other, which are the process's to keep.
	static void measure(const std::function<void()> &connect)
	{
		const Mode &mode = GetParam();

		for (int i = 0; i < 10; i++)
			connect(); // what the first ones need but once
		const int64_t before = mode.used();

		mode.limit(before + kMany * mode.most);
		for (int i = 0; i < kMany - 20; i++)
			connect();
		const int64_t each = (mode.used() - before) / (kMany - 20);

		RecordProperty("bytes", std::to_string(each));
		EXPECT_LT(each, mode.most);
	}
};

// Calls, from small to what is larger than all that a connection has at rest.
const size_t sizes[] = {100, 2000, 1};
constexpr size_t kLarge = 300000;

void call(TTransport &client, size_t size)
{
	std::vector<uint8_t> bytes(size, 'b');

	client.write(bytes.data(), size);
	client.flush();
	EXPECT_EQ(size, client.readAll(bytes.data(), size));
}

void serve(TTransport &accepted, size_t size)
{
	std::vector<uint8_t> bytes(size);

	EXPECT_EQ(size, accepted.readAll(bytes.data(), size));
	accepted.write(bytes.data(), size);
	accepted.flush();
}

TEST_P(MemoryTest, OfAClient)
{
	StaplerAddress address = newAddress();

	address.mode = 0666; // for a client that is another user
	ServerStaplerTransport listening(address);
	std::vector<std::shared_ptr<TTransport>> accepted;

	listening.listen();
	Child client([&](Child &) {
		std::vector<std::unique_ptr<ClientStaplerTransport>> clients;

		clients.reserve(kMany);
		GetParam().enter();
		measure([&] {
			clients.push_back(std::make_unique<ClientStaplerTransport>(address));
			clients.back()->open();
			for (size_t size : sizes)
				call(*clients.back(), size);
		});
		call(*clients.back(), kLarge);
		return testing::Test::HasFailure();
	});
	for (int i = 0; i < kMany - 10; i++) {
		accepted.push_back(listening.accept());
		for (size_t size : sizes)
			serve(*accepted.back(), size);
	}
	serve(*accepted.back(), kLarge);
	client.expect_success();
}

TEST_P(MemoryTest, OfAServersConnection)
{
	StaplerAddress address = newAddress();
	std::vector<std::unique_ptr<ClientStaplerTransport>> clients;
	Child server([&](Child &self) {
		std::vector<std::shared_ptr<TTransport>> accepted;
		ServerStaplerTransport listening(address);

		accepted.reserve(kMany);
		listening.listen();
		self.tell(0);
		GetParam().enter();
		measure([&] {
			accepted.push_back(listening.accept());
			for (size_t size : sizes)
				serve(*accepted.back(), size);
		});
		serve(*accepted.back(), kLarge);
		return testing::Test::HasFailure();
	});

	server.hear();
	for (int i = 0; i < kMany - 10; i++) {
		clients.push_back(std::make_unique<ClientStaplerTransport>(address));
		clients.back()->open();
		for (size_t size : sizes)
			call(*clients.back(), size);
	}
	call(*clients.back(), kLarge);
	server.expect_success();
}

INSTANTIATE_TEST_SUITE_P(AtRest, MemoryTest, testing::ValuesIn(modes()),
			 [](const auto &info) { return std::string(info.param.name); });

} // namespace
