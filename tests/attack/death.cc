// SPDX-License-Identifier: MIT
// Dying of a core dump, and for want of memory, in each state: others get their errors, and nothing
// is left behind (which is looked at after each test).
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "attack.h"
#include "support/memory.h"

namespace
{

enum class Cause { kCore, kOom };
enum class State { kQueued, kReceived, kParked, kReading, kReceiving, kServing, kServingCreator };

class Death : public AttackTest, public testing::WithParamInterface<std::tuple<Cause, State>>
{
protected:
	const Cause cause = std::get<0>(GetParam());
	const State state = std::get<1>(GetParam());
	int chid = 0;
	Fd channel = new_channel(device, {}, STPLR_CHANNEL_ATTACH_ANY, &chid);

	// The attacker dies: by itself, or as the kernel kills for want of memory, which it takes
	// away at once (where the kernel does that by itself it prints what tools/vm takes for a
	// fault).
	void end(Child &attacker)
	{
		if (cause == Cause::kCore) {
			attacker.tell(0);
		} else {
			Fd pidfd(int(syscall(SYS_pidfd_open, attacker.pid(), 0)));
			attacker.kill(SIGKILL);
			// ESRCH: it has gone so fast
			EXPECT_TRUE(syscall(SYS_process_mrelease, pidfd.get(), 0) == 0 ||
				    errno == ESRCH)
				<< strerror(errno);
		}
	}
	static void wait_for_end(Child &self)
	{
		rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
		setrlimit(RLIMIT_CORE, &all);
		self.tell(0);
		self.hear();
		abort();
	}

	void client(Child &self)
	{
		Fd connection = new_connection(device, getppid(), chid);
		Mapping bytes(100000);
		memset(bytes.data(), 1, bytes.size());
		stplr_msg_send args = send_args(buffer(bytes.data(), bytes.size()),
						buffer(bytes.data(), bytes.size()));
		Thread caller([&] { return msg_send_receive(connection, args); });
		EXPECT_TRUE(caller.wait_blocked(STPLR_MSG_SEND_RECEIVE));
		EXPECT_EQ(0, send_queued(connection, "queued"));
		self.tell(0);
		self.hear();
		if (state == State::kParked) {
			caller.signal(SIGUSR1);
			EXPECT_EQ(-EINTR, caller.join());
		}
		wait_for_end(self);
	}

	void server(Child &self)
	{
		int own_chid;
		Fd own = new_channel(
			device, {},
			STPLR_CHANNEL_ATTACH_ANY |
				(state == State::kServingCreator ? STPLR_CHANNEL_CREATOR : 0),
			&own_chid);
		self.tell(own_chid);
		if (state != State::kReceiving)
			receive(own, 10);
		Thread receiver([&] { return receive(own).result; });
		EXPECT_TRUE(receiver.wait_blocked(STPLR_MSG_RECEIVE));
		wait_for_end(self);
	}
};

TEST_P(Death, Ends)
{
	bool serves = state >= State::kReceiving;
	Child attacker(as(kAttacker, [&](Child &self) {
		serves ? server(self) : client(self);
		return 0;
	}));
	int64_t own_chid = attacker.hear();
	if (serves) {
		Fd connection = new_connection(device, attacker.pid(), int(own_chid));
		std::unique_ptr<Sender> victim;
		if (state != State::kReceiving)
			victim = std::make_unique<Sender>(connection, std::string(50000, 'x'));
		attacker.hear();
		end(attacker);
		if (victim)
			EXPECT_EQ(-ESRCH, victim->finish().result);
		EXPECT_TRUE(eventually([&] { return send_queued(connection, "x") == -ESRCH; }));
	} else {
		Received message = {};
		if (state != State::kQueued)
			message = receive(channel, 10);
		attacker.tell(0);
		attacker.hear();
		end(attacker);
		std::vector<char> into(100000);
		stplr_msg_data data = data_args(message.rcvid(), buffer(into.data(), into.size()));
		if (state == State::kReading)
			EXPECT_TRUE(eventually([&] { return msg_read(channel, data) == -ESRCH; }));
		if (state != State::kQueued)
			EXPECT_TRUE(eventually(
				[&] { return reply(channel, message.rcvid()) == -ESRCH; }));
		// what it left to the kernel still comes, and nothing else
		EXPECT_TRUE(eventually([&] {
			message = receive(channel, 64, STPLR_DEADLINE_POLL);
			return message.text == "queued";
		}));
	}
	int status = attacker.wait();
	EXPECT_TRUE(WIFSIGNALED(status)) << status;
	EXPECT_EQ(-EAGAIN, receive(channel, 64, STPLR_DEADLINE_POLL).result);
}

std::string name(const testing::TestParamInfo<std::tuple<Cause, State>> &info)
{
	static const char *const states[] = {"Queued",    "Received", "Parked",        "Reading",
					     "Receiving", "Serving",  "ServingCreator"};
	return std::string(std::get<0>(info.param) == Cause::kCore ? "Core" : "Oom") +
	       states[int(std::get<1>(info.param))];
}

INSTANTIATE_TEST_SUITE_P(Each, Death,
			 testing::Combine(testing::Values(Cause::kCore, Cause::kOom),
					  testing::Values(State::kQueued, State::kReceived,
							  State::kParked, State::kReading,
							  State::kReceiving, State::kServing,
							  State::kServingCreator)),
			 name);

// All that a user can make grow is in its memory control group: the attacker meets its limit, the
// machine's memory stays.
class Account : public AttackTest
{
};

TEST_F(Account, ParkedMessages)
{
	const std::string group = "/sys/fs/cgroup/stplr-attack";
	std::ofstream("/sys/fs/cgroup/cgroup.subtree_control") << "+memory";
	if (mkdir(group.c_str(), 0755) || access((group + "/memory.current").c_str(), R_OK))
		GTEST_SKIP() << "no memory control groups in this kernel";
	auto used = [&] {
		std::ifstream file(group + "/memory.current");
		int64_t bytes = 0;
		file >> bytes;
		return bytes;
	};
	constexpr int kMessages = 200;
	constexpr size_t kSize = 4096;
	int64_t before = 0;
	{
		Child attacker([&](Child &self) {
			std::ofstream(group + "/cgroup.procs") << getpid();
			return as(kAttacker, [&](Child &) {
				Fd own_device = open_device();
				int own_chid;
				Fd own = new_channel(own_device, {}, 0, &own_chid);
				std::vector<Fd> connections;
				for (int i = 0; i < kMessages; i++)
					connections.push_back(
						new_connection(own_device, 0, own_chid));
				static char bytes[kSize], room[kSize];
				self.tell(0);
				self.hear();
				for (const Fd &connection : connections) {
					stplr_msg_send args = send_args(buffer(bytes, kSize),
									buffer(room, kSize));
					Thread caller(
						[&] { return msg_send_receive(connection, args); });
					EXPECT_TRUE(caller.wait_blocked(STPLR_MSG_SEND_RECEIVE));
					receive(own, 1);
					caller.signal(SIGUSR1);
					EXPECT_EQ(-EINTR, caller.join());
				}
				self.tell(0);
				self.hear();
				return 0;
			})(self);
		});
		attacker.hear();
		before = used();
		attacker.tell(0);
		attacker.hear();
		EXPECT_GT(used() - before, int64_t(kMessages * kSize)) << "is not seen";
		attacker.tell(0);
		attacker.expect_success();
	}
	EXPECT_TRUE(eventually([&] { return rmdir(group.c_str()) == 0; }));
}

} // namespace
