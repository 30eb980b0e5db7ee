// SPDX-License-Identifier: MIT
// Holding others up by memory that does not answer. Here it is behind a userfaultfd that root has
// opened for the attacker; an ordinary user has the same by a FUSE file system in a user namespace
// of its own.
#include <signal.h>
#include <sys/mman.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include "attack.h"
#include "support/memory.h"

namespace
{

class Hold : public AttackTest
{
protected:
	// The attacker's process, with such memory.
	static Child::Body with_silent_memory(size_t length,
					      std::function<int(Child &, SilentMemory &)> body)
	{
		return [length, body](Child &self) {
			SilentMemory memory(length);
			become_user(kAttacker, kAttacker);
			return body(self, memory);
		};
	}
};

// Once the call waits, the memory with what it gets goes silent, until the parent has what it came
// for. Returns what the call does.
int64_t silent_when_blocked(Child &self, SilentMemory &memory, int fd, unsigned long request,
			    void *args)
{
	Thread caller([&] { return call(fd, request, args); });

	EXPECT_TRUE(caller.wait_blocked(request));
	EXPECT_EQ(0, madvise(memory.data(), page_size(), MADV_DONTNEED));
	self.tell(0);
	EXPECT_TRUE(memory.awaited(kPatienceMs));
	self.tell(0);
	self.hear();
	memory.stop();
	return caller.join();
}

// A client attaches to a channel that listens; by the time the result is to be written its memory
// has gone silent. Its place in the backlog is another's.
TEST_F(Hold, PlaceInABacklog)
{
	Child attacker(with_silent_memory(page_size(), [](Child &self, SilentMemory &memory) {
		Fd own_device = open_device();
		memory.provide_zero(0, page_size());
		auto *args = new (memory.data()) stplr_connect_attach(attach_args("listener"));
		args->deadline = STPLR_DEADLINE_NONE;
		return silent_when_blocked(self, memory, own_device, STPLR_CONNECT_ATTACH, args) <
		       0;
	}));
	attacker.hear();
	stplr_channel_create args = channel_args("listener", STPLR_CHANNEL_LISTEN);
	args.mode = 0666;
	args.backlog = 1;
	Fd listener(channel_create(device, args));
	attacker.hear();
	Child victim(as(kVictim, [](Child &) {
		Fd own_device = open_device();
		stplr_connect_attach attach = attach_args("listener");
		attach.clock = CLOCK_MONOTONIC;
		attach.deadline = in_ms(2000);
		long result = connect_attach(own_device, attach);
		EXPECT_GE(Fd(result), 0) << result_name(result);
		return 0;
	}));
	victim.expect_success();
	attacker.tell(0);
	listener.reset();
	attacker.wait();
}

// Of two processes that accept from one listener, one has such memory for the result: the
// connection is the other's.
TEST_F(Hold, AcceptedConnection)
{
	stplr_channel_create args = channel_args("listener", STPLR_CHANNEL_LISTEN);
	Fd listener(channel_create(device, args));
	Child attacker(with_silent_memory(page_size(), [&](Child &self, SilentMemory &memory) {
		memory.provide_zero(0, page_size());
		auto *accept = new (memory.data()) stplr_channel_accept(accept_args());
		silent_when_blocked(self, memory, listener, STPLR_CHANNEL_ACCEPT, accept);
		return 0;
	}));
	attacker.hear();
	Fd client = new_connection(device, "listener");
	attacker.hear();
	stplr_channel_accept accept = accept_args(in_ms(2000));
	long result = channel_accept(listener, accept);
	EXPECT_GE(Fd(result), 0) << result_name(result);
	channel_destroy(listener);
	attacker.tell(0);
	attacker.wait();
}

// By the time a channel's id is to be written its maker's memory has gone silent: the name is
// another's.
TEST_F(Hold, NameOfAChannel)
{
	Child attacker(with_silent_memory(2 * page_size(), [](Child &self, SilentMemory &memory) {
		static const char name[] = "wanted";
		Fd own_device = open_device();
		char *name_page = memory.data() + page_size();
		memory.provide_zero(0, page_size());
		auto *create = new (memory.data()) stplr_channel_create(channel_args(name));
		create->name = reinterpret_cast<uintptr_t>(name_page);
		Thread caller([&] { return call(own_device, STPLR_CHANNEL_CREATE, create); });
		EXPECT_TRUE(memory.awaited(kPatienceMs));
		EXPECT_EQ(0, madvise(memory.data(), page_size(), MADV_DONTNEED));
		std::string page(name);
		page.resize(page_size());
		memory.provide(page_size(), page.data(), page_size());
		EXPECT_TRUE(memory.awaited(kPatienceMs));
		self.tell(0);
		self.hear();
		memory.stop();
		EXPECT_EQ(-EEXIST, caller.join());
		return 0;
	}));
	attacker.hear();
	Fd channel = new_channel(device, "wanted");
	attacker.tell(0);
	attacker.expect_success();
}

// A client's message, and the room for its reply, lie in such memory: the server serves others.
TEST_F(Hold, ServerByAMessage)
{
	Service service;
	for (size_t size : {size_t(100), 3 * page_size(), 30 * page_size()}) {
		Child attacker(with_silent_memory(30 * page_size(), [size](Child &self,
									   SilentMemory &memory) {
			Fd own_device = open_device();
			Fd connection = new_connection(own_device, "service");
			stplr_msg_send args =
				send_args(buffer(memory.data(), size), buffer(memory.data(), size));
			Thread caller([&] { return msg_send_receive(connection, args); });
			EXPECT_TRUE(memory.awaited(kPatienceMs));
			self.tell(0);
			self.hear();
			memory.stop();
			caller.join();
			return 0;
		}));
		attacker.hear();
		expect_served("service");
		attacker.tell(0);
		attacker.expect_success();
	}
}

// A server's buffer is such memory: its client leaves when its time is up, or it is killed.
TEST_F(Hold, ClientByAReceive)
{
	for (size_t size : {size_t(100), 30 * page_size()}) {
		Child attacker(with_silent_memory(
			30 * page_size(), [size](Child &self, SilentMemory &memory) {
				Fd own_device = open_device();
				stplr_channel_create args = channel_args("server");
				args.mode = 0666;
				Fd channel(channel_create(own_device, args));
				self.tell(0);
				stplr_msg_receive take = receive_args(buffer(memory.data(), size));
				Thread caller([&] { return msg_receive(channel, take); });
				self.hear();
				EXPECT_EQ(0, channel_destroy(channel));
				memory.stop();
				caller.join();
				return 0;
			}));
		attacker.hear();
		Child client(as(kVictim, [size](Child &) {
			Fd own_device = open_device();
			Fd connection = new_connection(own_device, "server");
			std::string bytes(size, 'x');
			stplr_msg_send args = send_args(buffer(bytes));
			args.clock = CLOCK_MONOTONIC;
			args.send_deadline = in_ms(500);
			EXPECT_EQ(-ETIMEDOUT, msg_send(connection, args));
			return 0;
		}));
		client.expect_success();
		Child killed(as(kVictim, [size](Child &) {
			Fd own_device = open_device();
			Fd connection = new_connection(own_device, "server");
			std::string bytes(size, 'x');
			return int(send_one_way(connection, bytes));
		}));
		ASSERT_TRUE(killed.wait_blocked(STPLR_MSG_SEND));
		killed.kill(SIGKILL);
		EXPECT_GE(killed.wait(), 0);
		attacker.tell(0);
		attacker.expect_success();
	}
}

// A long copy, to the server or from it, keeps nobody who has a reason to leave meanwhile: the
// client's time is up, its connection is detached, the channel ends.
class LongCopy : public AttackTest, public testing::WithParamInterface<const char *>
{
protected:
	static constexpr size_t kSize = 8 << 20;

	// The client's result of a round in which it happens after so many ns; -1: never. Tells how
	// long it took.
	long round(const std::string &what, int64_t after, int64_t *took)
	{
		int chid;
		Fd channel = new_channel(device, {}, 0, &chid);
		Fd connection = new_connection(device, 0, chid);
		Thread server([&] {
			stplr_msg_receive take = receive_args(buffer(into.data(), kSize));
			while (msg_receive(channel, take) == 0) {
				stplr_msg_reply answer =
					reply_args(take.info.rcvid, buffer(into.data(), kSize));
				msg_reply(channel, answer);
			}
			return 0;
		});
		EXPECT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
		int64_t start = now(CLOCK_MONOTONIC);
		stplr_msg_send args =
			send_args(buffer(from.data(), kSize), buffer(from.data(), kSize));
		args.clock = CLOCK_MONOTONIC;
		if (after >= 0 && what == "Deadline")
			args.send_deadline = args.reply_deadline = start + after;
		Thread cause([&] {
			timespec until = {(start + after) / 1000000000,
					  (start + after) % 1000000000};
			if (after < 0 || what == "Deadline")
				return 0L;
			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
			return what == "Detach" ? connect_detach(connection)
						: channel_destroy(channel);
		});
		long result = msg_send_receive(connection, args);
		*took = now(CLOCK_MONOTONIC) - start;
		cause.join();
		channel_destroy(channel);
		server.join();
		return result;
	}

	Mapping from{kSize}, into{kSize};
};

TEST_P(LongCopy, Leave)
{
	const std::string what = GetParam();
	const long error = what == "Deadline" ? -ETIMEDOUT : what == "Detach" ? -EBADF : -ESRCH;
	memset(from.data(), 1, kSize);
	memset(into.data(), 2, kSize);
	int64_t whole = INT64_MAX, took;
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(0, round(what, -1, &took));
		whole = std::min(whole, took);
	}
	for (int i = 0; i < 30; i++) {
		long result = round(what, whole * i / 30 + 1, &took);
		EXPECT_TRUE(result == 0 || result == error) << result_name(result);
	}
}

INSTANTIATE_TEST_SUITE_P(By, LongCopy, testing::Values("Deadline", "Detach", "Destroy"),
			 [](const auto &info) { return std::string(info.param); });

// The name in a call lies in such memory: what others look up and make meanwhile does not wait.
TEST_F(Hold, NamesByAName)
{
	Service service;
	Child attacker(with_silent_memory(page_size(), [](Child &self, SilentMemory &memory) {
		Fd own_device = open_device();
		stplr_connect_attach attach = attach_args("service");
		attach.name = reinterpret_cast<uintptr_t>(memory.data());
		Thread attaching([&] { return connect_attach(own_device, attach); });
		EXPECT_TRUE(memory.awaited(kPatienceMs));
		self.tell(0);
		self.hear();
		memory.stop();
		attaching.join();
		return 0;
	}));
	attacker.hear();
	expect_served("service");
	EXPECT_GE(new_channel(device, "another"), 0);
	attacker.tell(0);
	attacker.expect_success();
}

// Where a message's bytes are pinned the pins end with the process that offered them, whoever has
// its descriptors.
TEST_F(Hold, PinsOfTheDead)
{
	int chid;
	Fd channel = new_channel(device, {}, STPLR_CHANNEL_ATTACH_ANY, &chid);
	Fd connection = new_connection(device, 0, chid);
	Child attacker(as(kAttacker, [&](Child &) {
		Mapping bytes(1 << 20);
		stplr_msg_send args = send_args(buffer(bytes.data(), bytes.size()));
		Thread caller([&] { return msg_send(connection, args); });
		EXPECT_TRUE(caller.wait_blocked(STPLR_MSG_SEND));
		receive(channel, 10);
		caller.signal(SIGUSR1);
		EXPECT_EQ(-EINTR, caller.join());
		return 0;
	}));
	attacker.expect_success();
	std::ifstream objects("/sys/module/stplr/parameters/objects");
	std::string line;
	std::getline(objects, line);
	// what is left is less than was pinned: that it has received is known still
	size_t at = line.find("memory ");
	ASSERT_NE(std::string::npos, at) << line;
	EXPECT_LT(std::stol(line.substr(at + 7)), 1 << 20) << line;
}

} // namespace
