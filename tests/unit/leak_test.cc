// SPDX-License-Identifier: MIT
// What the module only refers to, and none of its own counters shows: the memory, credentials, user
// and ids of processes. The kernel counts them; with a process that is gone they are gone, too.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"
#include "support/module.h"

namespace
{

constexpr int kProcesses = 32;
constexpr unsigned kUsers = 5000;
const char *const kKinds[] = {"mm_struct", "cred_jar", "uid_cache", "pid"};

std::string slab(const std::string &kind, const std::string &file)
{
	return "/sys/kernel/slab/" + kind + "/" + file;
}

// How many there are; those that a processor keeps for the next to come would count.
long in_use(const std::string &kind)
{
	long value = -1;

	EXPECT_TRUE(std::ofstream(slab(kind, "shrink")) << 1 << std::flush);
	EXPECT_TRUE(std::ifstream(slab(kind, "objects")) >> value) << kind;
	return value;
}

// Has the module refer to the calling process in every way: by channels, connections, a registered
// buffer, an event, messages that are queued, held, and parked.
void be_known(int device)
{
	int chid, listening;
	Fd channel = new_channel(device, {}, 0, &chid);
	Fd listener = new_channel(device, {}, STPLR_CHANNEL_LISTEN, &listening);
	Fd connection = new_connection(device, 0, chid);
	Fd client = new_connection(device, 0, listening);
	stplr_channel_accept accept = accept_args();
	Fd accepted(channel_accept(listener, accept));
	EXPECT_GE(accepted, 0);

	Mapping bytes(page_size());
	stplr_buffer_register registered = register_args(bytes.data(), bytes.size());
	EXPECT_EQ(0, buffer_register(connection, registered));
	stplr_event_register event = {};
	event.type = STPLR_EVENT_SIGNAL;
	event.signo = SIGUSR2;
	event.fd = -1;
	EXPECT_EQ(0, call(connection, STPLR_EVENT_REGISTER, &event));

	EXPECT_EQ(0, send_queued(client, "received"));
	EXPECT_EQ("received", poll_receive(accepted).text);
	EXPECT_EQ(0, send_queued(client, "left"));
	Thread caller([&] { return send_receive(connection, "parked").result; });
	EXPECT_EQ("parked", receive(channel).text);
	EXPECT_TRUE(caller.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	caller.signal(SIGUSR1);
	EXPECT_EQ(-EINTR, caller.join());
}

TEST(LeakTest, NothingOfADeadProcessStays)
{
	std::vector<std::string> kinds; // those that share no cache with others
	for (const char *kind : kKinds) {
		if (!access(slab(kind, "objects").c_str(), F_OK))
			kinds.push_back(kind);
	}
	if (kinds.empty())
		GTEST_SKIP() << "this kernel does not tell";
	if (kernel_checks_memory())
		GTEST_SKIP() << "this kernel finds leaks by itself, and keeps what was freed";
	Fd device = open_device();
	auto live = [&](unsigned user) {
		Child process([&](Child &) {
			become_user(user, user);
			be_known(device);
			return 0;
		});
		process.expect_success();
	};
	std::map<std::string, long> before;

	live(kUsers); // what is made but once
	for (const auto &kind : kinds)
		before[kind] = in_use(kind);
	for (int i = 1; i <= kProcesses; i++)
		live(kUsers + i);
	std::string left;
	EXPECT_TRUE(eventually([&] {
		left.clear();
		for (const auto &kind : kinds) {
			long more = in_use(kind) - before[kind];
			if (more >= kProcesses / 2)
				left += std::to_string(more) + " of " + kind + " ";
		}
		return left.empty();
	})) << left
	    << "for " << kProcesses << " processes";
}

} // namespace
