// SPDX-License-Identifier: MIT
// When the kernel has no memory, no files, or cannot reach the caller's memory: every call fails
// with an errno that stplr.h names, or finds another way, and nothing is lost.
//
// On a kernel that can inject faults (CONFIG_FAULT_INJECTION; tools/kernels' debug kernel) each
// call is made again and again, with its first, second, ... allocation or copy failing, until it
// has no further one.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"
#include "support/ring.h"

namespace
{

// Makes the nth step of the calling thread fail that can be made to, from here to end().
class Fault
{
public:
	static bool possible()
	{
		return access("/proc/self/fail-nth", F_OK) == 0;
	}
	// Every kind of allocation may fail, without a word in the kernel's log.
	static void allow()
	{
		const std::string folder = "/sys/kernel/debug/";

		for (const char *kind : {"failslab", "fail_page_alloc", "fail_usercopy"}) {
			set(folder + kind + "/verbose", "0");
			set(folder + kind + "/ignore-gfp-wait", "N");
			set(folder + kind + "/ignore-gfp-highmem", "N");
			set(folder + kind + "/min-order", "0");
		}
	}
	explicit Fault(int nth)
	{
		if (!possible())
			return;
		file_.reset(open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC));
		EXPECT_GE(file_, 0) << strerror(errno);
		put(nth);
	}
	// Whether it came to that.
	bool end()
	{
		char text[16] = {};

		if (file_ < 0)
			return false;
		// Reading may be the step that fails.
		bool injected = pread(file_, text, sizeof(text) - 1, 0) > 0 && atoi(text) == 0;
		put(0);
		return injected;
	}

private:
	static void set(const std::string &path, const char *value)
	{
		if (access(path.c_str(), F_OK) != 0)
			return;
		std::ofstream file(path);
		EXPECT_TRUE(file << value << std::flush) << path;
	}
	void put(int nth)
	{
		char text[16];
		int length = snprintf(text, sizeof(text), "%d", nth);
		int tries = 3;

		while (pwrite(file_, text, length, 0) != length && --tries)
			;
		EXPECT_GT(tries, 0) << strerror(errno);
	}

	Fd file_;
};

class FaultTest : public PairTest
{
protected:
	FaultTest()
	{
		if (Fault::possible())
			Fault::allow();
		fill_pattern(bytes.data(), kSize, 1);
		for (size_t i = 0; i < kParts; i++) {
			parts.push_back(part(bytes.data() + i * kSize / kParts, kSize / kParts));
			in_parts.push_back(part(in.data() + i * kSize / kParts, kSize / kParts));
		}
	}

	void SetUp() override
	{
		if (!Fault::possible())
			GTEST_SKIP() << "this kernel injects no faults";
	}

	// call() is nothing but one system call; after() sees its result and that nothing was lost.
	void walk(const std::set<int> &errors, const std::function<long()> &call,
		  const std::function<void(long)> &after)
	{
		int faults = 0, failures = 0;
		bool injected;

		do {
			Fault fault(faults + 1);
			long result = call();
			injected = fault.end();
			EXPECT_TRUE(result >= 0 || errors.count(-result)) << result_name(result);
			if (!injected)
				EXPECT_GE(result, 0) << result_name(result) << " for no reason";
			failures += result < 0;
			after(result);
			faults += injected;
		} while (injected && !HasFailure());
		RecordProperty("faults", faults);
		RecordProperty("failures", failures);
		EXPECT_GT(failures, 0) << "none of " << faults << " faults was felt";
	}

	// A client's thread that sends the large message, in parts, with room for as much.
	long send_parts()
	{
		stplr_msg_send args =
			send_args(buffer(parts.data(), kParts), buffer(in_parts.data(), kParts));
		args.flags = STPLR_SEND_VECTOR | STPLR_REPLY_VECTOR;
		poison_bytes(in.data(), kSize);
		return msg_send_receive(connection, args);
	}

	static constexpr size_t kParts = 12, kSize = kParts * 5000;
	std::vector<char> bytes = std::vector<char>(kSize), in = std::vector<char>(kSize);
	std::vector<stplr_iovec> parts, in_parts;
};

TEST_F(FaultTest, OpeningADevice)
{
	walk(
		{ENOMEM, ENFILE, EFAULT},
		[] {
			long fd = open("/dev/stplr-0", O_RDWR | O_CLOEXEC);
			return fd < 0 ? -errno : fd;
		},
		[](long fd) { Fd made(fd); });
}

TEST_F(FaultTest, CreatingAChannel)
{
	stplr_channel_create args;
	walk(
		{ENOMEM, ENFILE, EFAULT},
		[&] {
			args = channel_args("scarce");
			return call(device, STPLR_CHANNEL_CREATE, &args);
		},
		[&](long fd) {
			// The name is taken only if it is.
			Fd made(fd < 0 ? -1 : fd);
			made.reset();
			made = new_channel(device, "scarce");
		});
}

TEST_F(FaultTest, Connecting)
{
	Fd named = new_channel(device, "scarce");
	stplr_connect_attach args;
	for (bool by_name : {true, false})
		walk(
			{ENOMEM, ENFILE, EFAULT},
			[&] {
				args = by_name ? attach_args("scarce") : attach_args(0, chid);
				return call(device, STPLR_CONNECT_ATTACH, &args);
			},
			[&](long fd) {
				Fd made(fd < 0 ? -1 : fd);
				if (made >= 0 && !by_name) {
					EXPECT_EQ(0, send_queued(made, "x"));
					EXPECT_EQ("x", poll_receive(channel).text);
				}
			});
}

TEST_F(FaultTest, ConnectingAndAccepting)
{
	Fd listener = new_channel(device, "listener", STPLR_CHANNEL_LISTEN);
	stplr_connect_attach attach;
	stplr_channel_accept args;
	auto accept = [&] {
		args = accept_args(STPLR_DEADLINE_POLL);
		return call(listener, STPLR_CHANNEL_ACCEPT, &args);
	};
	walk(
		{ENOMEM, ENFILE, EFAULT},
		[&] {
			attach = attach_args("listener");
			return call(device, STPLR_CONNECT_ATTACH, &attach);
		},
		[&](long fd) {
			// A connection that was not made is not there to be accepted.
			Fd made(fd < 0 ? -1 : fd);
			long accepted = accept();
			Fd mine(accepted < 0 ? -1 : accepted);
			if (made >= 0)
				EXPECT_GE(accepted, 0) << result_name(accepted);
			else
				EXPECT_EQ(-EAGAIN, accepted);
		});
	Fd waiting = new_connection(device, "listener");
	walk({ENOMEM, ENFILE, EFAULT}, accept, [&](long fd) {
		// One that was not accepted still waits.
		if (fd < 0)
			fd = accept();
		ASSERT_GE(fd, 0) << result_name(fd);
		Fd mine(fd);
		EXPECT_EQ(0, send_queued(waiting, "x"));
		EXPECT_EQ("x", poll_receive(mine).text);
		waiting = new_connection(device, "listener");
	});
}

TEST_F(FaultTest, SendingAndReceivingTheReply)
{
	EchoServer server(channel, kSize);
	stplr_msg_send args;
	for (size_t length : {size_t(100), size_t(3000), kSize})
		walk(
			{ENOMEM, ENOBUFS, EFAULT},
			[&] {
				args = send_args(buffer(bytes.data(), length),
						 buffer(in.data(), kSize));
				return call(connection, STPLR_MSG_SEND_RECEIVE, &args);
			},
			[&](long result) {
				if (result == 0) {
					EXPECT_EQ(length, args.reply_len);
					EXPECT_TRUE(expect_pattern(in.data(), length, 1));
				}
				EXPECT_EQ("next", send_receive(connection, "next").text);
				poison_bytes(in.data(), kSize);
			});
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, server.finish());
}

TEST_F(FaultTest, SendingAndReceivingInParts)
{
	EchoServer server(channel, kSize);
	stplr_msg_send args;
	walk(
		{ENOMEM, ENOBUFS, EFAULT},
		[&] {
			args = send_args(buffer(parts.data(), kParts),
					 buffer(in_parts.data(), kParts));
			args.flags = STPLR_SEND_VECTOR | STPLR_REPLY_VECTOR;
			return call(connection, STPLR_MSG_SEND_RECEIVE, &args);
		},
		[&](long result) {
			if (result == 0)
				EXPECT_TRUE(expect_pattern(in.data(), kSize, 1));
			poison_bytes(in.data(), kSize);
		});
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, server.finish());
}

TEST_F(FaultTest, Queueing)
{
	stplr_msg_send args;
	for (size_t length : {size_t(100), size_t(3000), kSize})
		walk(
			{ENOMEM, ENOBUFS, EFAULT},
			[&] {
				args = send_args(buffer(bytes.data(), length));
				args.flags = STPLR_SEND_QUEUED;
				return call(connection, STPLR_MSG_SEND, &args);
			},
			[&](long result) {
				Received message = poll_receive(channel, kSize);
				if (result == 0)
					EXPECT_TRUE(expect_pattern(message.text.data(), length, 1));
				else
					EXPECT_EQ(-EAGAIN, message.result);
			});
}

TEST_F(FaultTest, Receiving)
{
	stplr_msg_receive args;
	for (bool vector : {false, true}) {
		auto client = std::make_unique<Thread>([&] { return send_parts(); });
		std::vector<char> to(kSize);
		std::vector<stplr_iovec> to_parts;
		for (size_t i = 0; i < kParts; i++)
			to_parts.push_back(part(to.data() + i * kSize / kParts, kSize / kParts));
		ASSERT_TRUE(client->wait_blocked(STPLR_MSG_SEND_RECEIVE));
		walk(
			{ENOMEM, EFAULT},
			[&] {
				args = receive_args(vector ? buffer(to_parts.data(), kParts)
							   : buffer(to.data(), kSize),
						    STPLR_DEADLINE_POLL);
				args.flags = vector ? STPLR_RECEIVE_VECTOR : 0;
				return call(channel, STPLR_MSG_RECEIVE, &args);
			},
			[&](long result) {
				if (result < 0)
					return; // it stays queued: the next time gets it
				EXPECT_TRUE(expect_pattern(to.data(), kSize, 1));
				EXPECT_EQ(0, reply(channel, args.info.rcvid));
				EXPECT_EQ(0, client->join());
				client = std::make_unique<Thread>([&] { return send_parts(); });
				EXPECT_TRUE(client->wait_blocked(STPLR_MSG_SEND_RECEIVE));
			});
		EXPECT_EQ(0, reply(channel, poll_receive(channel).rcvid()));
		EXPECT_EQ(0, client->join());
	}
}

TEST_F(FaultTest, Replying)
{
	stplr_msg_reply args;
	// To a client that expects as much, and to one that does not.
	for (size_t usual : {size_t(4), kSize}) {
		std::unique_ptr<Thread> client;
		Received message;
		auto next = [&] {
			client = std::make_unique<Thread>([&] { return send_parts(); });
			message = receive(channel);
		};
		auto prepare = [&] {
			for (int i = 0; i < 40; i++) {
				next();
				EXPECT_EQ(0,
					  reply(channel, message.rcvid(), {bytes.data(), usual}));
				EXPECT_EQ(0, client->join());
			}
			next();
		};
		prepare();
		walk(
			{ENOMEM, ENOBUFS, EFAULT},
			[&] {
				args = reply_args(message.rcvid(), buffer(parts.data(), kParts));
				args.flags = STPLR_REPLY_VECTOR;
				return call(channel, STPLR_MSG_REPLY, &args);
			},
			[&](long result) {
				if (result < 0)
					return; // still to be answered
				EXPECT_EQ(kSize, args.len);
				EXPECT_EQ(0, client->join());
				EXPECT_TRUE(expect_pattern(in.data(), kSize, 1));
				if (usual == kSize)
					next();
				else
					prepare();
			});
		EXPECT_EQ(0, reply(channel, message.rcvid()));
		EXPECT_EQ(0, client->join());
	}
}

TEST_F(FaultTest, ReadingAndWriting)
{
	Thread client([&] { return send_parts(); });
	Received message = receive(channel, 0);
	std::vector<char> out(kSize);
	stplr_msg_data args;
	walk(
		{ENOMEM, EFAULT},
		[&] {
			args = data_args(message.rcvid(), buffer(out.data(), kSize));
			return call(channel, STPLR_MSG_READ, &args);
		},
		[&](long result) {
			if (result == 0)
				EXPECT_TRUE(expect_pattern(out.data(), kSize, 1));
			poison_bytes(out.data(), kSize);
		});
	fill_pattern(out.data(), kSize, 2);
	// Less than half, for all that was written counts until the client has it.
	walk(
		{ENOMEM, ENOBUFS, EFAULT},
		[&] {
			args = data_args(message.rcvid(), buffer(out.data(), 100));
			return call(channel, STPLR_MSG_WRITE, &args);
		},
		[](long) {});
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, client.join());
	EXPECT_TRUE(expect_pattern(in.data(), 100, 2));
}

TEST_F(FaultTest, ReplyingAndReceiving)
{
	std::vector<char> to(kSize);
	stplr_msg_reply_receive args;
	std::unique_ptr<Thread> first;
	std::unique_ptr<Sender> second;
	int32_t rcvid;
	// One message to be answered, one to be received.
	auto prepare = [&] {
		first = std::make_unique<Thread>([&] { return send_parts(); });
		rcvid = receive(channel).rcvid();
		second = std::make_unique<Sender>(connection, "second");
		EXPECT_TRUE(second->wait_blocked());
	};
	prepare();
	walk(
		{ENOMEM, ENOBUFS, EFAULT},
		[&] {
			args = reply_receive_args(
				reply_args(rcvid, buffer(bytes.data(), rcvid ? kSize : 0)),
				receive_args(buffer(to.data(), kSize), STPLR_DEADLINE_POLL));
			return call(channel, STPLR_MSG_REPLY_RECEIVE, &args);
		},
		[&](long result) {
			if (args.reply.rcvid == 0 && rcvid != 0) {
				EXPECT_EQ(0, first->join());
				EXPECT_TRUE(expect_pattern(in.data(), kSize, 1));
				rcvid = 0;
			}
			if (result < 0)
				return;
			EXPECT_EQ(0, rcvid);
			EXPECT_EQ("second", std::string(to.data(), args.receive.info.len));
			EXPECT_EQ(0, reply(channel, args.receive.info.rcvid, "y"));
			EXPECT_EQ("y", second->finish().text);
			prepare();
		});
	EXPECT_EQ(0, reply(channel, rcvid));
	EXPECT_EQ(0, first->join());
	EXPECT_EQ(0, reply(channel, poll_receive(channel).rcvid()));
	EXPECT_EQ(0, second->finish().result);
}

TEST_F(FaultTest, Batches)
{
	std::vector<char> to(kSize);
	stplr_msg_reply answer;
	stplr_msg_place next;
	std::unique_ptr<Thread> first;
	std::unique_ptr<Sender> second;
	int32_t rcvid;
	// One message to be answered, one to be received.
	auto prepare = [&] {
		first = std::make_unique<Thread>([&] { return send_parts(); });
		rcvid = receive(channel).rcvid();
		second = std::make_unique<Sender>(connection, "second");
		EXPECT_TRUE(second->wait_blocked());
	};
	auto answered = [&] {
		EXPECT_EQ(0, first->join());
		EXPECT_TRUE(expect_pattern(in.data(), kSize, 1));
		rcvid = 0;
	};
	prepare();
	walk(
		{ENOMEM, ENOBUFS, EFAULT},
		[&] {
			answer = reply_args(rcvid, buffer(bytes.data(), kSize));
			next = place(to.data(), kSize);
			stplr_msg_batch args =
				batch_args(&answer, 1, &next, 1, STPLR_DEADLINE_POLL);
			return call(channel, STPLR_MSG_BATCH, &args);
		},
		[&](long result) {
			if (answer.rcvid == 0 && rcvid != 0)
				answered();
			if (result < 0)
				return;
			// an answer that failed keeps nothing from being received
			if (rcvid != 0) {
				EXPECT_NE(0u, answer.result);
				EXPECT_EQ(0, reply(channel, rcvid,
						   std::string_view(bytes.data(), kSize)));
				answered();
			}
			EXPECT_EQ("second", std::string(to.data(), next.info.len));
			EXPECT_EQ(0, reply(channel, next.info.rcvid, "y"));
			EXPECT_EQ("y", second->finish().text);
			prepare();
		});
	EXPECT_EQ(0, reply(channel, rcvid));
	EXPECT_EQ(0, first->join());
	EXPECT_EQ(0, reply(channel, poll_receive(channel).rcvid()));
	EXPECT_EQ(0, second->finish().result);
}

TEST_F(FaultTest, Asking)
{
	stplr_connect_info info;
	stplr_version version;
	walk(
		{EFAULT}, [&] { return call(connection, STPLR_CONNECT_INFO, &info); }, [](long) {});
	stplr_channel_info about;
	walk(
		{EFAULT}, [&] { return call(channel, STPLR_CHANNEL_INFO, &about); }, [](long) {});
	walk(
		{EFAULT}, [&] { return call(channel, STPLR_VERSION, &version); }, [](long) {});
}

TEST_F(FaultTest, MakingRings)
{
	stplr_rings_create create;
	walk(
		{ENOMEM, ENFILE, EFAULT},
		[&] {
			create = rings_args("scarce");
			return call(device, STPLR_RINGS_CREATE, &create);
		},
		[&](long fd) {
			// The name is taken only if it is.
			Fd made(fd < 0 ? -1 : fd);
			made.reset();
			made.reset(rings_create(device, rings_args("scarce")));
			EXPECT_LE(0, made) << result_name(made);
		});
	Fd set(rings_create(device, rings_args("scarce", 1, 4, 4)));
	stplr_ring_open open;
	walk(
		{ENOMEM, ENFILE, EFAULT},
		[&] {
			open = {STPLR_RING_ANY, 0};
			return call(set, STPLR_RING_OPEN, &open);
		},
		[&](long fd) {
			Fd made(fd < 0 ? -1 : fd);
			EXPECT_EQ(fd < 0 ? STPLR_RING_ANY : 0, open.number);
			// So is the number.
			made.reset();
			made.reset(ring_open(set));
			EXPECT_LE(0, made) << result_name(made);
		});
}

TEST_F(FaultTest, AttachingRings)
{
	for (uint32_t flags : {0u, uint32_t(STPLR_RINGS_MANY)}) {
		Fd set(rings_create(device, rings_args("scarce", 1, 1, flags ? 0 : 1, flags)));
		Fd creator(ring_open(set));
		stplr_ring_attach attach;
		auto again = [&] {
			creator.reset();
			creator.reset(ring_open(set));
			EXPECT_LE(0, creator) << result_name(creator);
		};
		walk(
			{ENOMEM, ENFILE, EFAULT},
			[&] {
				attach = ring_attach_args("scarce");
				return call(device, STPLR_RING_ATTACH, &attach);
			},
			[&](long fd) {
				Fd made(fd < 0 ? -1 : fd);
				// Who was attached for a moment has ended the ring at worst.
				again();
			});
		Fd other(ring_attach(device, "scarce"));
		stplr_rings_attached attached;
		walk(
			{EFAULT},
			[&] {
				attached = {};
				attached.number = STPLR_RING_ANY;
				attached.clock = CLOCK_MONOTONIC;
				return call(set, STPLR_RINGS_ATTACHED, &attached);
			},
			[&](long result) {
				if (result < 0)
					return; // it is still to be told
				EXPECT_EQ(getpid(), attached.pid);
				again();
				other.reset(ring_attach(device, "scarce"));
				EXPECT_LE(0, other) << result_name(other);
			});
	}
}

TEST_F(FaultTest, WorkingWithRings)
{
	RingPair pair(device, "scarce");
	Fd event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	stplr_ring_info info;
	auto nothing = [](long) {};
	walk(
		{EFAULT}, [&] { return call(pair.other, STPLR_RING_INFO, &info); }, nothing);
	stplr_ring_wait wait = ring_wait_args(STPLR_RING_ROOM, STPLR_DEADLINE_POLL);
	walk(
		{EFAULT}, [&] { return call(pair.other, STPLR_RING_WAIT, &wait); }, nothing);
	uint32_t what = STPLR_RING_DATA;
	walk(
		{EFAULT}, [&] { return call(pair.other, STPLR_RING_ARM, &what); }, nothing);
	for (uint32_t flags : {0u, uint32_t(STPLR_RING_EVENTFD_WAKES)}) {
		stplr_ring_eventfd args = {event, flags};
		walk(
			{ENOMEM, EFAULT},
			[&] { return call(pair.other, STPLR_RING_EVENTFD, &args); }, nothing);
	}
	walk(
		{ENOMEM},
		[&] {
			void *at = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
					pair.other, STPLR_RING_MAP_OWN);
			return at == MAP_FAILED ? -errno : reinterpret_cast<intptr_t>(at);
		},
		[](long at) {
			if (at > 0)
				EXPECT_EQ(0, munmap(reinterpret_cast<void *>(at), 4096));
		});
}

// Whole records, or none: what was not taken or given stays where it was.
TEST_F(FaultTest, CopyingThroughRings)
{
	RingPair pair(device, "scarce");
	const std::string records = [] {
		stplr_ring_copy copy = {{400, 1, 0}, 0};
		std::string one(reinterpret_cast<char *>(&copy), sizeof(copy));
		return one + std::string(400, 'a') + one + std::string(400, 'b');
	}();
	const ssize_t one = records.size() / 2;
	std::vector<char> room(2000);
	for (int fd : {pair.creator.get(), pair.other.get()})
		ASSERT_EQ(0, fcntl(fd, F_SETFL, O_NONBLOCK));
	// How many bytes of records can be read; each is as it was written.
	auto drain = [&](char first) {
		ssize_t length = read(pair.other, room.data(), room.size());
		for (ssize_t at = 0; at < length; at += one, first++)
			EXPECT_EQ(std::string(400, first),
				  std::string(&room[at + sizeof(stplr_ring_copy)], 400));
		return length < 0 && errno == EAGAIN ? 0 : length;
	};
	walk(
		{EFAULT},
		[&] {
			ssize_t length = write(pair.creator, records.data(), records.size());
			return length < 0 ? -errno : length;
		},
		[&](long result) { EXPECT_EQ(result < 0 ? 0 : result, drain('a')); });
	ssize_t left = 0;
	auto fill = [&] {
		EXPECT_EQ(ssize_t(records.size()),
			  write(pair.creator, records.data(), records.size()));
		left = records.size();
	};
	fill();
	walk(
		{EFAULT},
		[&] {
			ssize_t length = read(pair.other, room.data(), room.size());
			return length < 0 ? -errno : length;
		},
		[&](long result) {
			left -= result < 0 ? 0 : result;
			EXPECT_EQ(left, drain(left == one ? 'b' : 'a'));
			fill();
		});
}

// An ordinary user, of whom the system has no files left.
TEST(ShortageTest, NoFiles)
{
	auto limit = [](const std::string &value) {
		std::ofstream file("/proc/sys/fs/file-max");
		EXPECT_TRUE(file << value << std::flush);
	};
	std::string before;
	std::ifstream("/proc/sys/fs/file-max") >> before;
	Child user([](Child &self) {
		become_user(1000, 1000);
		Fd device = open_device();
		Fd listener = new_channel(device, "listener", STPLR_CHANNEL_LISTEN);
		Fd waiting = new_connection(device, "listener");
		self.tell(0);
		self.hear();
		stplr_channel_create create = channel_args("more");
		EXPECT_EQ(-ENFILE, channel_create(device, create));
		stplr_connect_attach attach = attach_args("listener");
		EXPECT_EQ(-ENFILE, connect_attach(device, attach));
		stplr_channel_accept accept = accept_args(STPLR_DEADLINE_POLL);
		EXPECT_EQ(-ENFILE, channel_accept(listener, accept));
		self.tell(0);
		self.hear();
		// Nothing of it is left, and what waited still waits.
		Fd more = new_channel(device, "more");
		long accepted = channel_accept(listener, accept);
		EXPECT_GE(accepted, 0) << result_name(accepted);
		Fd mine(accepted);
		EXPECT_EQ(0, send_queued(waiting, "x"));
		EXPECT_EQ("x", poll_receive(mine).text);
		EXPECT_EQ(-EAGAIN, channel_accept(listener, accept));
		return 0;
	});
	user.hear();
	limit("0");
	user.tell(0);
	user.hear();
	limit(before);
	user.tell(0);
	user.expect_success();
}

} // namespace
