// SPDX-License-Identifier: MIT
// Kernel code as a client, which calls and posts: tests/module/stplr_kclient.c.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "../module/stplr_kclient.h"
#include "../module/stplr_kserver.h"
#include "support/memory.h"
#include "support/module.h"
#include "support/poll.h"
#include "support/pulse.h"

namespace
{

constexpr const char *kModule = "stplr_kclient";
constexpr const char *kName = "kclient";
constexpr uint32_t kMore = 1; // STPLR_POST_MORE

// What came of a call.
struct Called {
	long result;
	std::string text;
	uint64_t total;
	int status;
};

// A link of the driver's.
class Link
{
public:
	Link() : fd_(open_test_device("stplr-kclient")) {}

	static kclient_open args(uint32_t posts = 0, uint64_t post_max = 0, uint64_t reply_max = 0)
	{
		kclient_open args = {};
		strncpy(args.name, kName, sizeof(args.name) - 1);
		args.deadline = STPLR_DEADLINE_POLL;
		args.posts = posts;
		args.post_max = post_max;
		args.reply_max = reply_max;
		args.told = posts != 0;
		return args;
	}

	// To a server of this user's only.
	static kclient_open args_of(uint32_t uid, kclient_open args = Link::args())
	{
		args.flags = 1; // STPLR_LINK_UID
		args.uid = uid;
		return args;
	}

	// One that waits for nothing.
	void up(const kclient_open &args = Link::args())
	{
		ASSERT_EQ(0, open_link(args));
	}

	// One that comes up when the name does.
	void follow(kclient_open args = Link::args())
	{
		args.follows = 1;
		ASSERT_EQ(0, open_link(args));
	}

	long open_link(kclient_open args)
	{
		return call(fd_, KCLIENT_OPEN, &args);
	}

	Called call_server(const std::string &text, size_t room = 4096,
			   int64_t deadline = STPLR_DEADLINE_NONE, uint32_t parts = 1)
	{
		std::string reply(room, '-');
		kclient_call args = {};
		args.send = uint64_t(text.data());
		args.send_len = text.size();
		args.reply = uint64_t(reply.data());
		args.room = room;
		args.parts = parts;
		args.deadline = deadline;
		long result = call(fd_, KCLIENT_CALL, &args);
		EXPECT_LE(args.reply_len, room);
		for (size_t i = args.reply_len; !result && i < room; i++)
			EXPECT_EQ('-', reply[i]) << "beyond the answer, at " << i;
		return {result, reply.substr(0, args.reply_len), args.reply_total, args.status};
	}

	// How many were taken, and why not the next.
	long post(uint32_t count, uint32_t size = 8, uint32_t *taken = nullptr,
		  uint32_t where = KCLIENT_HERE, uint32_t flags = 0, int priority = 10)
	{
		kclient_post args = {};
		args.count = count;
		args.size = size;
		args.priority = priority;
		args.flags = flags;
		args.where = where;
		args.batch = 8;
		long result = call(fd_, KCLIENT_POST, &args);
		if (taken)
			*taken = args.taken;
		return result;
	}

	kclient_state state()
	{
		kclient_state state = {};
		EXPECT_EQ(0, call(fd_, KCLIENT_STATE, &state));
		return state;
	}

	long tell(unsigned long request)
	{
		return call(fd_, request);
	}

	bool await_ups(uint32_t count)
	{
		return eventually([&] { return state().ups == count; });
	}

	bool await_downs(uint32_t count)
	{
		return eventually([&] { return state().downs == count; });
	}

	bool await_done(uint32_t count)
	{
		return eventually([&] { return state().done >= count; });
	}

	// The driver goes on with it, without its file.
	void leave()
	{
		fd_.reset();
	}

	// Gone, with what it has seen.
	void end()
	{
		if (fd_ < 0)
			return;
		tell(KCLIENT_RELEASE);
		tell(KCLIENT_CLOSE);
		kclient_state last = state();
		EXPECT_EQ(0u, last.wrong) << "see the kernel's log";
		EXPECT_EQ(0u, last.running);
		fd_.reset();
	}

	~Link()
	{
		end();
	}

private:
	Fd fd_;
};

// The number that a post begins with.
uint64_t number_of(const std::string &text)
{
	uint64_t number = ~0ull;
	if (text.size() >= sizeof(number))
		memcpy(&number, text.data(), sizeof(number));
	return number;
}

class KernelClientTest : public testing::Test
{
protected:
	KernelClientTest() : device(open_device()) {}

	static void SetUpTestSuite()
	{
		load_test_module(kModule);
	}

	static void TearDownTestSuite()
	{
		unload_test_module(kModule);
	}

	void serve(uint32_t flags = 0)
	{
		channel = new_channel(device, kName, flags);
	}

	// Receives so many posts, and answers each with its number and a status.
	void answer(int count, size_t room = 4096)
	{
		for (int i = 0; i < count; i++) {
			Received got = receive(channel, room);
			ASSERT_EQ(0, got.result);
			ASSERT_EQ(0, reply(channel, got.rcvid(), got.text, i));
		}
	}

	Fd device;
	Fd channel;
};

// Names, and opening: SEEDS 19

TEST_F(KernelClientTest, ParametersAreChecked)
{
	serve();
	Link link;
	kclient_open args = Link::args();
	strcpy(args.name, "no name/");
	EXPECT_EQ(-EINVAL, link.open_link(args));
	args.name[0] = 0;
	EXPECT_EQ(-EINVAL, link.open_link(args));
	args = Link::args();
	args.device = 63;
	EXPECT_EQ(-ENODEV, link.open_link(args));
	args.device = uint32_t(-1);
	EXPECT_EQ(-ENODEV, link.open_link(args));
	args = Link::args();
	args.deadline = -100;
	EXPECT_EQ(-EINVAL, link.open_link(args));
	args = Link::args();
	args.uid = 1;
	EXPECT_EQ(-EINVAL, link.open_link(args)) << "without the flag";
	args.flags = 2;
	EXPECT_EQ(-EINVAL, link.open_link(args));
	args = Link::args_of(uint32_t(-1));
	EXPECT_EQ(-EINVAL, link.open_link(args)) << "nobody";
	EXPECT_EQ(-EINVAL, link.open_link(Link::args(0, 1)));
	args = Link::args(1, 1, 1);
	args.told = 0;
	EXPECT_EQ(-EINVAL, link.open_link(args)) << "nobody would get the answer";
	EXPECT_EQ(-EINVAL, link.open_link(Link::args(65537)));
	EXPECT_EQ(-EINVAL, link.open_link(Link::args(1, 1ull << 40)));
	EXPECT_EQ(-EINVAL, link.open_link(Link::args(1, 1, ~0ull)));
	link.up(Link::args(65536));
}

TEST_F(KernelClientTest, WaitsForTheName)
{
	Link link;
	EXPECT_EQ(-ENOENT, link.open_link(Link::args()));
	kclient_open args = Link::args();
	args.deadline = in_ms(20);
	EXPECT_EQ(-ETIMEDOUT, link.open_link(args));
	args.deadline = STPLR_DEADLINE_NONE;
	Thread driver([&]() -> long { return link.open_link(args); });
	ASSERT_TRUE(driver.wait_killable());
	serve();
	EXPECT_EQ(0, driver.join());
}

TEST_F(KernelClientTest, KilledWhileItWaitsForTheName)
{
	Child child([&](Child &child) {
		Link link;
		child.tell(1);
		kclient_open args = Link::args();
		args.deadline = STPLR_DEADLINE_NONE;
		link.open_link(args);
		return 0;
	});
	child.hear();
	ASSERT_TRUE(child.wait_killable());
	child.kill(SIGKILL);
	EXPECT_EQ(SIGKILL, child.wait());
	serve();
}

TEST_F(KernelClientTest, ModesDoNotMatterAndPrivateChannelsAre)
{
	Link link;
	Child owner([&](Child &child) {
		become_user(1234, 4321);
		Fd mine = open_device();
		Fd named = new_channel(mine, kName);
		child.tell(1);
		child.hear();
		return 0;
	});
	owner.hear();
	link.up();
	link.end();
	owner.tell(1);
	owner.expect_success();
	Link other;
	serve(STPLR_CHANNEL_PRIVATE);
	EXPECT_EQ(-EACCES, other.open_link(Link::args()));
}

TEST_F(KernelClientTest, ToAListeningChannel)
{
	serve(STPLR_CHANNEL_LISTEN);
	Link link;
	link.up();
	stplr_channel_accept args = accept_args();
	Fd accepted(int(channel_accept(channel, args)));
	ASSERT_LE(0, accepted);
	EXPECT_EQ(0, args.pid);
	EXPECT_EQ(0u, args.uid);
	EchoServer server(accepted);
	EXPECT_EQ("hello", link.call_server("hello").text);
	link.end();
	EXPECT_EQ(-EPIPE, server.finish()) << "its client has gone";
}

// Calls: SEEDS 21

TEST_F(KernelClientTest, WhatTheServerSees)
{
	serve();
	Link link;
	link.up();
	Thread driver([&]() -> long { return link.call_server("hello", 7).status; });
	Received got = receive(channel, 2);
	EXPECT_EQ("he", got.text);
	EXPECT_EQ(uint32_t(STPLR_KIND_SEND_RECEIVE), got.info.kind);
	EXPECT_EQ(uint32_t(STPLR_INFO_KERNEL | STPLR_INFO_TRUNCATED), got.info.flags);
	EXPECT_EQ(0, got.info.pid);
	EXPECT_EQ(0, got.info.tid);
	EXPECT_EQ(0u, got.info.uid);
	EXPECT_EQ(0u, got.info.gid);
	EXPECT_EQ(5u, got.info.src_len);
	EXPECT_EQ(7u, got.info.dst_len);
	EXPECT_LT(0u, got.info.scoid);
	stplr_msg_info again = {};
	again.rcvid = got.rcvid();
	ASSERT_EQ(0, call(channel, STPLR_MSG_INFO, &again));
	EXPECT_EQ(0, again.pid);
	stplr_client_info info = {};
	info.rcvid = got.rcvid();
	ASSERT_EQ(0, call(channel, STPLR_CLIENT_INFO, &info));
	EXPECT_EQ(got.info.scoid, info.scoid);
	EXPECT_EQ(0, info.pid);
	EXPECT_EQ(0u, info.euid);
	EXPECT_EQ(1u, info.connections);
	EXPECT_EQ(0, reply(channel, got.rcvid(), "", 77));
	EXPECT_EQ(77, driver.join());
}

TEST_F(KernelClientTest, EveryLengthInPlace)
{
	serve();
	EchoServer server(channel, 2 << 20);
	Link link;
	link.up();
	for (size_t len : {0, 1, 7, 8, 64, 1023, 1024, 1025, 4095, 4096, 4097, 65536, 1 << 20}) {
		for (uint32_t parts : {1, 2, 7, 1024}) {
			std::string text = pattern_text(len);
			Called called = link.call_server(text, len + 1, STPLR_DEADLINE_NONE, parts);
			ASSERT_EQ(0, called.result) << len << " in " << parts;
			ASSERT_EQ(text, called.text) << len << " in " << parts;
			EXPECT_EQ(len, called.total);
			called = link.call_server(text, len / 2, STPLR_DEADLINE_NONE, parts);
			ASSERT_EQ(0, called.result);
			ASSERT_EQ(text.substr(0, len / 2), called.text);
			EXPECT_EQ(len, called.total) << "an answer that does not fit is cut";
		}
	}
	EXPECT_EQ(-EINVAL, link.call_server("hello", 10, STPLR_DEADLINE_NONE, 1025).result);
	EXPECT_EQ(-EINVAL, link.call_server("hello", 10, -100).result);
	Parameter bound("message_max", 4096);
	EXPECT_EQ(-EMSGSIZE, link.call_server(pattern_text(4097)).result);
	EXPECT_EQ(4096u, link.call_server(pattern_text(4096)).text.size());
}

TEST_F(KernelClientTest, ReadAndWrittenInPieces)
{
	serve();
	Link link;
	link.up();
	for (size_t len : {600, 5000, 100000}) {
		std::string text = pattern_text(len), got(len, 0);
		Called called;
		Thread driver([&]() -> long {
			called = link.call_server(text, len, STPLR_DEADLINE_NONE, 3);
			return called.result;
		});
		Received begin = receive(channel, 0);
		ASSERT_EQ(0, begin.result);
		size_t piece = len / 3 + 5;
		for (size_t at = 0; at < len; at += piece) {
			stplr_msg_data args =
				data_args(begin.rcvid(),
					  buffer(got.data() + at, std::min(piece, len - at)), at);
			ASSERT_EQ(0, msg_read(channel, args));
			args = data_args(begin.rcvid(),
					 buffer(got.data() + at, std::min(piece, len - at)), at);
			ASSERT_EQ(0, msg_write(channel, args));
		}
		EXPECT_EQ(text, got);
		EXPECT_EQ(0, reply(channel, begin.rcvid(), got));
		EXPECT_EQ(0, driver.join());
		EXPECT_EQ(text, called.text);
	}
}

TEST_F(KernelClientTest, RegisteredAndVectorsAtTheOtherEnd)
{
	serve();
	std::vector<char> memory(65536);
	stplr_buffer_register registered =
		register_args(memory.data(), memory.size(), STPLR_BUFFER_WRITE);
	ASSERT_EQ(0, buffer_register(channel, registered));
	Link link;
	link.up();
	std::string text = pattern_text(50000);
	Called called;
	Thread driver([&]() -> long {
		called = link.call_server(text, 60000, STPLR_DEADLINE_NONE, 5);
		return called.result;
	});
	stplr_msg_receive args = {};
	args.buffer.addr = uint64_t(registered.index) << 32;
	args.buffer.len = memory.size();
	args.deadline = STPLR_DEADLINE_NONE;
	args.clock = CLOCK_MONOTONIC;
	args.flags = STPLR_RECEIVE_REGISTERED;
	ASSERT_EQ(0, call(channel, STPLR_MSG_RECEIVE, &args));
	EXPECT_EQ(text, std::string(memory.data(), args.info.len));
	stplr_iovec parts[] = {part(memory.data() + 100, 900), part(memory.data(), 0),
			       part(memory.data() + 1000, 40000)};
	stplr_msg_reply answer = reply_args(args.info.rcvid, buffer(parts, 3));
	answer.flags = STPLR_REPLY_VECTOR;
	EXPECT_EQ(0, msg_reply(channel, answer));
	EXPECT_EQ(0, driver.join());
	EXPECT_EQ(text.substr(100, 40900), called.text);
}

TEST_F(KernelClientTest, StatusAndErrors)
{
	serve();
	Link link;
	link.up();
	for (int status : {0, 1, -1, 1 << 30, int(0x80000000)}) {
		Thread driver([&]() -> long { return link.call_server("hello").status; });
		EXPECT_EQ(0, reply(channel, receive(channel).rcvid(), "", status));
		EXPECT_EQ(status, driver.join());
	}
	for (int error : {1, EBADF, 511}) {
		Thread driver([&]() -> long { return link.call_server("hello").result; });
		EXPECT_EQ(0, reply_error(channel, receive(channel).rcvid(), error));
		EXPECT_EQ(-error, driver.join());
	}
}

TEST_F(KernelClientTest, Deadlines)
{
	serve();
	Link link;
	link.up();
	EXPECT_EQ(-EAGAIN, link.call_server("hello", 10, STPLR_DEADLINE_POLL).result);
	EXPECT_EQ(-ETIMEDOUT, link.call_server("hello", 10, 20).result) << "never received";
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result) << "it was taken back";
	Thread driver(
		[&]() -> long { return link.call_server(pattern_text(100000), 10, 100).result; });
	Received got = receive(channel, 100000);
	ASSERT_EQ(0, got.result);
	EXPECT_EQ(-ETIMEDOUT, driver.join()) << "never answered";
	EXPECT_EQ(-ESRCH, reply(channel, got.rcvid()));
	EchoServer server(channel);
	ASSERT_TRUE(server.wait_blocked());
	EXPECT_EQ("hello", link.call_server("hello", 10, STPLR_DEADLINE_POLL).text);
}

TEST_F(KernelClientTest, KilledInEachState)
{
	serve();
	for (bool received : {false, true}) {
		Child child([&](Child &child) {
			Link link;
			link.up();
			child.tell(1);
			link.call_server(pattern_text(100000), 100000);
			return 0;
		});
		child.hear();
		Received got = {};
		if (received)
			got = receive(channel, 100);
		else
			ASSERT_TRUE(child.wait_killable());
		child.kill(SIGKILL);
		EXPECT_EQ(SIGKILL, child.wait());
		if (received)
			EXPECT_EQ(-ESRCH, reply(channel, got.rcvid(), pattern_text(100000)));
		else
			EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
	}
}

// No other signal ends it, and it is not parked.
TEST_F(KernelClientTest, SignalsAreLeftForLater)
{
	serve();
	struct sigaction action = {};
	action.sa_handler = [](int) {};
	sigaction(SIGUSR1, &action, nullptr);
	Link link;
	link.up();
	Thread driver([&]() -> long { return link.call_server("hello").status; });
	Received got = receive(channel);
	ASSERT_EQ(0, got.result);
	driver.signal(SIGUSR1);
	ASSERT_TRUE(driver.wait_killable());
	EXPECT_EQ(0, reply(channel, got.rcvid(), "", 5));
	EXPECT_EQ(5, driver.join());
}

TEST_F(KernelClientTest, TheServerDies)
{
	for (bool received : {false, true}) {
		Link link;
		Child server([&](Child &child) {
			Fd mine = new_channel(device, kName);
			child.tell(1);
			if (received) {
				child.tell(receive(mine, 10).rcvid());
				pause();
			}
			child.hear();
			return 0;
		});
		server.hear();
		link.up();
		Thread driver(
			[&]() -> long { return link.call_server(pattern_text(100000)).result; });
		if (received)
			server.hear();
		else
			ASSERT_TRUE(driver.wait_killable());
		server.kill(SIGKILL);
		EXPECT_EQ(-ESRCH, driver.join());
		server.wait();
		EXPECT_EQ(-ESRCH, link.call_server("after").result);
		serve();
		EXPECT_EQ(-ESRCH, link.call_server("after").result) << "it does not follow";
		channel.reset();
	}
}

TEST_F(KernelClientTest, ManyCallsAtATime)
{
	serve();
	EchoServer one(channel), two(channel);
	Link link;
	link.up();
	std::vector<std::unique_ptr<Thread>> drivers;
	for (int i = 0; i < 8; i++) {
		drivers.push_back(std::make_unique<Thread>([&link, i]() -> long {
			for (size_t n = 0; n < 200; n++) {
				std::string text = pattern_text(n * 37 + size_t(i));
				Called called = link.call_server(text, 10000);
				if (called.result || called.text != text)
					return 1;
			}
			return 0;
		}));
	}
	for (auto &driver : drivers)
		EXPECT_EQ(0, driver->join());
}

TEST_F(KernelClientTest, ClosedWhileItCalls)
{
	serve();
	Link link;
	link.up();
	Thread waits([&]() -> long { return link.call_server("waits").result; });
	Received got = receive(channel);
	ASSERT_EQ(0, got.result);
	EXPECT_EQ(0, link.tell(KCLIENT_CLOSE));
	EXPECT_EQ(-EBADF, waits.join());
	EXPECT_EQ(-ESRCH, reply(channel, got.rcvid()));
}

// A driver's deadlines are the host's, whatever clock the calling process sees.
TEST_F(KernelClientTest, DeadlinesInATimeNamespace)
{
	serve();
	Link link;
	link.up();
	const bool run = in_time_namespace({"monotonic 100000 0"}, [&] {
		int64_t begin = now(CLOCK_BOOTTIME);
		EXPECT_EQ(-ETIMEDOUT, link.call_server("hello", 10, 100).result);
		EXPECT_LE(begin + 100000000, now(CLOCK_BOOTTIME));
		EXPECT_EQ(-EAGAIN, link.call_server("hello", 10, STPLR_DEADLINE_POLL).result);
	});
	if (!run)
		GTEST_SKIP() << "this kernel has no time namespaces";
}

// To drivers that serve

TEST_F(KernelClientTest, ToADriverInTheSendersThread)
{
	load_test_module("stplr_kserver");
	{
		Fd driver = open_test_device("stplr-kserver");
		ASSERT_LE(0, driver);
		kserver_create args = {};
		strcpy(args.name, kName);
		args.message_max = 1 << 20;
		args.pending_max = 1;
		ASSERT_EQ(0, call(driver, KSERVER_CREATE, &args));
		Link link;
		EXPECT_EQ(-EOPNOTSUPP, link.open_link(Link::args(1, 8)));
		link.up();
		for (size_t len : {0, 1, 64, 1024, 1025, 100000}) {
			for (uint32_t parts : {1, 3, 100}) {
				std::string text = pattern_text(len);
				Called called =
					link.call_server(text, len + 1, STPLR_DEADLINE_NONE, parts);
				ASSERT_EQ(0, called.result) << len;
				ASSERT_EQ(text, called.text) << len;
			}
		}
		EXPECT_EQ(-EMSGSIZE, link.call_server(pattern_text((1 << 20) + 1)).result);
		kserver_message message = {KSERVER_DO_RETURN, 42};
		auto ask = [&](kserver_message message, size_t more, int64_t deadline) {
			return link.call_server(
				std::string(reinterpret_cast<char *>(&message), sizeof(message)) +
					pattern_text(more),
				5000, deadline);
		};
		EXPECT_EQ(42, ask(message, 0, STPLR_DEADLINE_NONE).status);
		message.value = -ENODATA;
		EXPECT_EQ(-ENODATA, ask(message, 0, STPLR_DEADLINE_NONE).result);

		// Kept, and answered by a worker, or not in time.
		message = {KSERVER_DO_ANSWER, 0};
		for (size_t more : {0, 100, 4000}) {
			Called called = ask(message, more, STPLR_DEADLINE_NONE);
			EXPECT_EQ(7, called.status);
			EXPECT_EQ(pattern_text(more), called.text.substr(sizeof(message)));
		}
		message = {KSERVER_DO_KEEP, 0};
		EXPECT_EQ(-ETIMEDOUT, ask(message, 2000, 20).result);
		kserver_state state = {};
		EXPECT_EQ(0, call(driver, KSERVER_STATE, &state));
		kserver_reply reply = {state.rcvid, 0, 10};
		EXPECT_EQ(-ESRCH, call(driver, KSERVER_REPLY, &reply));
		EXPECT_EQ(1u, state.attached);
		EXPECT_EQ(0, state.pid) << "kernel code";

		// There is room for one.
		Thread keeps([&]() -> long { return ask(message, 0, STPLR_DEADLINE_NONE).result; });
		ASSERT_TRUE(eventually([&] {
			EXPECT_EQ(0, call(driver, KSERVER_STATE, &state));
			return state.rcvid != reply.rcvid && !state.running;
		}));
		EXPECT_EQ(-EAGAIN, link.call_server("no room", 10, STPLR_DEADLINE_POLL).result);
		EXPECT_EQ(-ETIMEDOUT, link.call_server("no room", 10, 20).result);
		EXPECT_EQ(0, call(driver, KSERVER_SHUTDOWN));
		EXPECT_EQ(-ESRCH, keeps.join());
		EXPECT_EQ(-ESRCH, link.call_server("nobody").result);
		EXPECT_EQ(0, call(driver, KSERVER_STATE, &state));
		EXPECT_EQ(0u, state.wrong);
		EXPECT_EQ(0u, state.attached);
		EXPECT_EQ(1u, state.detaches);
	}
	unload_test_module("stplr_kserver");
}

TEST_F(KernelClientTest, ToADriversThreads)
{
	load_test_module("stplr_kserver");
	{
		Fd driver = open_test_device("stplr-kserver");
		ASSERT_LE(0, driver);
		kserver_create args = {};
		strcpy(args.name, kName);
		args.threads = 2;
		ASSERT_EQ(0, call(driver, KSERVER_CREATE, &args));
		Link link;
		link.up(Link::args(4, 5000, 5000));
		for (size_t len : {0, 1, 64, 1025, 100000})
			EXPECT_EQ(pattern_text(len),
				  link.call_server(pattern_text(len), len + 1).text);
		uint32_t taken = 0;
		EXPECT_EQ(0, link.post(4, 4500, &taken));
		EXPECT_TRUE(link.await_done(4));
		EXPECT_EQ(0u, link.state().failed);
		EXPECT_EQ(4500u, link.state().reply_len);
	}
	unload_test_module("stplr_kserver");
}

// Posts: SEEDS 21, 20, 10

TEST_F(KernelClientTest, WhatTheServerSeesOfAPost)
{
	serve();
	Link link;
	link.up(Link::args(2, 100, 30));
	uint32_t taken = 0;
	EXPECT_EQ(0, link.post(1, 100, &taken, KCLIENT_HERE, 0, 77));
	EXPECT_EQ(1u, taken);
	Received got = receive(channel, 50);
	EXPECT_EQ(0u, number_of(got.text));
	EXPECT_EQ(uint32_t(STPLR_KIND_SEND_RECEIVE), got.info.kind);
	EXPECT_EQ(uint32_t(STPLR_INFO_KERNEL | STPLR_INFO_TRUNCATED), got.info.flags);
	EXPECT_EQ(0, got.info.pid);
	EXPECT_EQ(0u, got.info.uid);
	EXPECT_EQ(77, got.info.priority);
	EXPECT_EQ(100u, got.info.src_len);
	EXPECT_EQ(30u, got.info.dst_len);
	std::string more(30, 'w');
	stplr_msg_data write = data_args(got.rcvid(), buffer(more), 10);
	EXPECT_EQ(0, msg_write(channel, write));
	EXPECT_EQ(20u, write.len);
	EXPECT_EQ(0, reply(channel, got.rcvid(), got.text.substr(0, 40), 5));
	EXPECT_TRUE(link.await_done(1));
	kclient_state state = link.state();
	EXPECT_EQ(5, state.status);
	EXPECT_EQ(30u, state.reply_len);
	EXPECT_EQ(40u, state.reply_total);
	EXPECT_EQ(0u, state.failed);
	EXPECT_EQ(-ESRCH, reply(channel, got.rcvid())) << "answered once";

	EXPECT_EQ(0, link.post(1));
	EXPECT_EQ(0, reply_error(channel, receive(channel).rcvid(), ENODATA));
	EXPECT_TRUE(link.await_done(2));
	EXPECT_EQ(-ENODATA, link.state().error);
	EXPECT_EQ(0, link.post(1, 0)) << "nothing at all";
	got = receive(channel);
	EXPECT_EQ(0u, got.info.src_len);
	EXPECT_EQ(0, reply(channel, got.rcvid()));
	EXPECT_TRUE(link.await_done(3));
	EXPECT_EQ(-EMSGSIZE, link.post(1, 101));
	EXPECT_EQ(-EINVAL, link.post(1, 8, nullptr, KCLIENT_HERE, 0, -1));
	EXPECT_EQ(-EINVAL, link.post(1, 8, nullptr, KCLIENT_HERE, 0, 141));
	EXPECT_EQ(-EINVAL, link.post(1, 8, nullptr, KCLIENT_HERE, 2));
}

TEST_F(KernelClientTest, EverySizeAndTheBiggest)
{
	serve();
	for (size_t max : {8, 500, 1000, 1024, 1025, 5000, 1 << 20}) {
		for (size_t room : {0, 8, 24, 600, 1024, 1 << 20}) {
			Link link;
			link.up(Link::args(2, max, room));
			EXPECT_EQ(0, link.post(2, uint32_t(max)));
			for (int i = 0; i < 2; i++) {
				Received got = receive(channel, max);
				ASSERT_EQ(max, got.text.size());
				ASSERT_EQ(uint64_t(i), number_of(got.text));
				got.text.resize(room);
				ASSERT_EQ(0, reply(channel, got.rcvid(), got.text));
			}
			EXPECT_TRUE(link.await_done(2));
			EXPECT_EQ(room, link.state().reply_len);
			EXPECT_EQ(0u, link.state().failed);
		}
	}
}

TEST_F(KernelClientTest, AgainAtExactlyTheNumberOfSlots)
{
	serve();
	for (uint32_t slots : {1u, 2u, 64u, 1000u}) {
		Link link;
		link.up(Link::args(slots, 8, 8));
		uint32_t taken = 0;
		EXPECT_EQ(-EAGAIN, link.post(slots + 1, 8, &taken));
		EXPECT_EQ(slots, taken);
		EXPECT_EQ(1u, link.state().refused);
		// Received ones have their slot until they are answered.
		Received got = receive(channel);
		EXPECT_EQ(0u, number_of(got.text));
		EXPECT_EQ(-EAGAIN, link.post(1));
		EXPECT_EQ(0, reply(channel, got.rcvid(), got.text));
		EXPECT_TRUE(link.await_done(1));
		EXPECT_EQ(-EAGAIN, link.post(2, 8, &taken));
		EXPECT_EQ(1u, taken);
		answer(int(slots));
		EXPECT_TRUE(link.await_done(slots + 1));
		EXPECT_EQ(0u, link.state().failed);
	}
	Link none;
	none.up();
	EXPECT_EQ(-EAGAIN, none.post(1, 0));
}

// A slot is in use until its operation has returned.
TEST_F(KernelClientTest, WhileItsOperationRuns)
{
	serve();
	Link link;
	link.up(Link::args(1, 8, 8));
	link.tell(KCLIENT_HOLD);
	EXPECT_EQ(0, link.post(1));
	Received got = receive(channel);
	Thread server([&]() -> long { return reply(channel, got.rcvid(), got.text); });
	ASSERT_TRUE(eventually([&] { return link.state().running == 1; }));
	EXPECT_EQ(-EAGAIN, link.post(1));
	// Who closes waits for it.
	Thread closer([&]() -> long { return link.tell(KCLIENT_CLOSE); });
	ASSERT_TRUE(closer.wait_killable());
	EXPECT_FALSE(closer.done());
	link.tell(KCLIENT_RELEASE);
	EXPECT_EQ(0, closer.join());
	EXPECT_EQ(0, server.join());
	EXPECT_EQ(1u, link.state().done);
	EXPECT_EQ(0u, link.state().failed) << "it was answered";
}

TEST_F(KernelClientTest, OneWayWithoutAnOperation)
{
	serve();
	Link link;
	kclient_open args = Link::args(2, 5000);
	args.told = 0;
	link.up(args);
	for (uint64_t i = 0; i < 10; i++) {
		EXPECT_EQ(0, link.post(1, 5000));
		Received got = receive(channel, 5000);
		EXPECT_EQ(i, number_of(got.text));
		EXPECT_EQ(uint32_t(STPLR_KIND_SEND), got.info.kind);
		EXPECT_EQ(uint32_t(STPLR_INFO_KERNEL | STPLR_INFO_NO_REPLY), got.info.flags);
	}
	// What is received in part is read to its end, or answered.
	EXPECT_EQ(0, link.post(2, 5000));
	EXPECT_EQ(-EAGAIN, link.post(1));
	Received first = receive(channel, 10), second = receive(channel, 10);
	EXPECT_EQ(-EAGAIN, link.post(1));
	EXPECT_EQ(0, reply(channel, first.rcvid()));
	EXPECT_EQ(0, link.post(1));
	std::string rest(4990, 0);
	stplr_msg_data read = data_args(second.rcvid(), buffer(rest), 10);
	EXPECT_EQ(0, msg_read(channel, read));
	EXPECT_EQ(0, link.post(1));
}

// A batch is there as one, and wakes its receiver once.
TEST_F(KernelClientTest, BatchesWakeOnce)
{
	serve();
	Link link;
	link.up(Link::args(32, 8, 8));
	enum { atOnce, kicked, refused };
	for (int how : {atOnce, kicked, refused}) {
		const uint32_t where = how == atOnce ? KCLIENT_DISABLED : KCLIENT_HERE;
		const uint32_t flags = how == atOnce ? 0 : kMore;
		long first = -1, ready = 0;
		Thread server([&]() -> long {
			Received got = receive(channel);
			first = long(number_of(got.text));
			int rcvid = got.rcvid();
			// As many as there were when it woke need no more waiting.
			std::vector<Received> others;
			for (;;) {
				got = poll_receive(channel);
				if (got.result)
					break;
				others.push_back(got);
			}
			ready = long(others.size());
			reply(channel, rcvid);
			for (auto &other : others)
				reply(channel, other.rcvid(), other.text);
			return 0;
		});
		ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
		uint32_t done = link.state().done;
		EXPECT_EQ(0, link.post(32, 8, nullptr, where, flags));
		if (how != atOnce)
			ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE)) << "not sent yet";
		if (how == kicked)
			EXPECT_EQ(0, link.tell(KCLIENT_KICK));
		// It is the last of its batch, and those before it do not wait for another.
		if (how == refused)
			EXPECT_EQ(-EAGAIN, link.post(1)) << "all are taken";
		EXPECT_EQ(0, server.join());
		EXPECT_EQ(31, ready);
		EXPECT_TRUE(link.await_done(done + 32));
		EXPECT_EQ(0u, link.state().failed);
	}
}

TEST_F(KernelClientTest, PollSeesPosts)
{
	serve();
	Link link;
	link.up(Link::args(1, 8, 8));
	EXPECT_EQ(0, events(channel));
	EXPECT_EQ(0, link.post(1));
	EXPECT_EQ(POLLIN, wait_events(channel));
	answer(1);
}

TEST_F(KernelClientTest, ByPriority)
{
	serve();
	Link link;
	link.up(Link::args(8, 8, 8));
	Fd connection = new_connection(device, kName);
	EXPECT_EQ(0, link.post(2, 8, nullptr, KCLIENT_DISABLED, 0, 5));
	EXPECT_EQ(0, link.post(2, 8, nullptr, KCLIENT_DISABLED, 0, 140));
	ASSERT_EQ(POLLIN, wait_events(channel));
	for (uint64_t number : {2, 3, 0, 1}) {
		Received got = receive(channel);
		EXPECT_EQ(number, number_of(got.text));
		EXPECT_EQ(0, reply(channel, got.rcvid(), got.text));
	}
	EXPECT_TRUE(link.await_done(4));
}

// 10^5 from interrupts: none is missing, none comes twice, none out of order. SEEDS 10
TEST_F(KernelClientTest, AHundredThousandFromInterrupts)
{
	serve();
	const uint32_t count = kernel_checks_memory() ? 20000 : 100000;
	Link link;
	link.up(Link::args(64, 64, 8));
	ASSERT_EQ(0, link.post(count, 64, nullptr, KCLIENT_TIMER));
	for (uint64_t i = 0; i < count; i++) {
		Received got = receive(channel, 64);
		ASSERT_EQ(0, got.result);
		ASSERT_EQ(i, number_of(got.text));
		ASSERT_EQ(0, reply(channel, got.rcvid(), got.text.substr(0, 8)));
	}
	EXPECT_TRUE(link.await_done(count));
	kclient_state state = link.state();
	EXPECT_EQ(count, state.posted);
	EXPECT_EQ(count, state.done);
	EXPECT_EQ(0u, state.failed);
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

TEST_F(KernelClientTest, SeveralServersThreads)
{
	serve();
	EchoServer one(channel), two(channel), three(channel);
	Link link;
	link.up(Link::args(128, 2000, 2000));
	uint32_t count = kernel_checks_memory() ? 5000 : 30000;
	ASSERT_EQ(0, link.post(count, 2000, nullptr, KCLIENT_TIMER));
	EXPECT_TRUE(link.await_done(count));
	EXPECT_EQ(0u, link.state().failed);
	EXPECT_EQ(count, link.state().done);
}

// Death and post, completion and death: SEEDS 21, 18

TEST_F(KernelClientTest, TheServerDiesWithPosts)
{
	Link link;
	Child server([&](Child &child) {
		Fd mine = new_channel(device, kName);
		child.tell(1);
		receive(mine, 10);
		receive(mine, 4);
		child.tell(2);
		pause();
		return 0;
	});
	server.hear();
	link.up(Link::args(5, 8, 8));
	EXPECT_EQ(0, link.post(4));
	server.hear();
	EXPECT_EQ(0, link.post(1));
	server.kill(SIGKILL);
	EXPECT_TRUE(link.await_done(5));
	kclient_state state = link.state();
	EXPECT_EQ(5u, state.failed);
	EXPECT_EQ(-ESRCH, state.error);
	server.wait();
	EXPECT_EQ(-ESRCH, link.post(1));
}

TEST_F(KernelClientTest, AnotherProcessHasTheChannel)
{
	serve();
	Child child([&](Child &child) {
		child.tell(receive(channel).rcvid());
		pause();
		return 0;
	});
	Link link;
	link.up(Link::args(5, 8, 8));
	EXPECT_EQ(0, link.post(1));
	child.hear();
	child.kill(SIGKILL);
	child.wait();
	EXPECT_TRUE(link.await_done(1)) << "who received it can answer no more";
	EXPECT_EQ(-ESRCH, link.state().error);
	EXPECT_EQ(0, link.post(1));
	answer(1);
	EXPECT_TRUE(link.await_done(2));
	EXPECT_EQ(1u, link.state().failed);
}

TEST_F(KernelClientTest, ShutdownOfTheChannel)
{
	serve();
	Link link;
	link.up(Link::args(5, 8, 8));
	EXPECT_EQ(0, link.post(2));
	Received got = receive(channel);
	ASSERT_EQ(0, channel_shutdown(channel));
	EXPECT_TRUE(link.await_done(1)) << "the one that was not received";
	EXPECT_EQ(-ESRCH, link.post(1));
	EXPECT_EQ(0, reply(channel, got.rcvid(), got.text)) << "what was received is answered";
	EXPECT_TRUE(link.await_done(2));
	EXPECT_EQ(1u, link.state().failed);
}

TEST_F(KernelClientTest, ClosedWithPosts)
{
	serve();
	Link link;
	link.up(Link::args(5, 8, 8));
	EXPECT_EQ(0, link.post(4));
	Received got = receive(channel);
	EXPECT_EQ(0, link.post(1, 8, nullptr, KCLIENT_HERE, kMore));
	EXPECT_EQ(0, link.tell(KCLIENT_CLOSE));
	kclient_state state = link.state();
	EXPECT_EQ(5u, state.done) << "all were told of when it returns";
	EXPECT_EQ(5u, state.failed);
	EXPECT_EQ(-ECANCELED, state.error);
	EXPECT_EQ(-ESRCH, reply(channel, got.rcvid(), got.text));
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

// A changed operation that has closed its link may go on for a while: its module stays till then.
TEST_F(KernelClientTest, UnloadWaitsForAnOperationThatHasClosed)
{
	serve();
	{
		Link link;
		kclient_open args = Link::args(1, 8, 8);
		args.once = 1;
		link.follow(args);
		ASSERT_TRUE(eventually([&] { return link.state().ups == 1; }));
		channel.reset();
		ASSERT_TRUE(eventually([&] { return link.tell(KCLIENT_KICK) == -ENOTTY; }));
	}
	unload_test_module(kModule);
	load_test_module(kModule);
}

// Close and reply, in every order: each post is told of once.
TEST_F(KernelClientTest, CloseAgainstReplies)
{
	serve();
	EchoServer one(channel), two(channel);
	for (int i = 0; i < 60; i++) {
		Link link;
		link.up(Link::args(16, 3000, 3000));
		ASSERT_EQ(0, link.post(100000, 3000, nullptr, KCLIENT_TIMER));
		ASSERT_TRUE(link.await_done(uint32_t(i)));
		ASSERT_EQ(0, link.tell(KCLIENT_CLOSE));
		kclient_state state = link.state();
		ASSERT_EQ(state.posted, state.done);
		ASSERT_EQ(0u, state.wrong);
	}
}

TEST_F(KernelClientTest, DeathAgainstPosts)
{
	for (int i = 0; i < 30; i++) {
		Child server([&](Child &child) {
			Fd mine = new_channel(device, kName);
			child.tell(1);
			echo_until_error(mine);
			return 0;
		});
		server.hear();
		Link link;
		link.up(Link::args(16, 3000, 3000));
		ASSERT_EQ(0, link.post(100000, 3000, nullptr, KCLIENT_TIMER));
		ASSERT_TRUE(link.await_done(uint32_t(i)));
		server.kill(SIGKILL);
		server.wait();
		ASSERT_TRUE(eventually([&] {
			kclient_state state = link.state();
			return state.done == state.posted && link.post(1) == -ESRCH;
		}));
	}
}

// Coming and going: SEEDS 15, 19, 21

TEST_F(KernelClientTest, ComesAndGoesAndComesAgain)
{
	Link link;
	link.follow(Link::args(4, 8, 8));
	EXPECT_EQ(0u, link.state().ups);
	EXPECT_EQ(-ENOTCONN, link.post(1));
	EXPECT_EQ(-ENOTCONN, link.call_server("hello").result);
	for (uint32_t i = 1; i <= 3; i++) {
		serve();
		ASSERT_TRUE(link.await_ups(i));
		EXPECT_EQ(i - 1, link.state().downs);
		EXPECT_EQ(0, link.post(2));
		answer(1);
		channel.reset();
		ASSERT_TRUE(link.await_downs(i));
		EXPECT_EQ(2 * i, link.state().done) << "posts end before";
		EXPECT_EQ(i, link.state().failed);
		EXPECT_EQ(-ENOTCONN, link.post(1));
	}
	serve();
	ASSERT_TRUE(link.await_ups(4));
	EchoServer server(channel);
	EXPECT_EQ("hello", link.call_server("hello").text);
}

TEST_F(KernelClientTest, TheNameWasThereBefore)
{
	serve();
	Link link;
	link.follow();
	EXPECT_TRUE(link.await_ups(1));
}

TEST_F(KernelClientTest, ClosedBeforeTheNameComes)
{
	{
		Link link;
		link.follow();
	}
	serve();
	channel.reset();
	for (int i = 0; i < 200; i++) {
		Link link;
		link.follow();
		Thread server([&]() -> long {
			Fd mine = new_channel(device, kName);
			return 0;
		});
		if (i % 2)
			link.end();
		server.join();
	}
}

TEST_F(KernelClientTest, SeveralListeners)
{
	std::vector<std::unique_ptr<Link>> links;
	for (int i = 0; i < 40; i++) {
		links.push_back(std::make_unique<Link>());
		kclient_open args = Link::args(1, 8, 8);
		args.once = i % 2;
		links.back()->follow(args);
	}
	for (uint32_t round = 1; round <= 2; round++) {
		serve();
		for (size_t i = 0; i < links.size(); i++) {
			uint32_t ups = i % 2 ? 1 : round;
			ASSERT_TRUE(links[i]->await_ups(ups)) << i;
		}
		channel.reset();
		for (size_t i = 0; i < links.size(); i++) {
			uint32_t downs = i % 2 ? 1 : round;
			ASSERT_TRUE(links[i]->await_downs(downs))
				<< i << ": those that closed in their operation hear no more";
		}
	}
}

TEST_F(KernelClientTest, ClosedInItsOperationWithPosts)
{
	serve();
	Link link;
	kclient_open args = Link::args(8, 8, 8);
	args.once = 1;
	link.follow(args);
	ASSERT_TRUE(link.await_ups(1));
	EXPECT_EQ(0, link.post(8));
	Received got = receive(channel);
	channel.reset();
	ASSERT_TRUE(link.await_downs(1));
	EXPECT_EQ(8u, link.state().done);
	ASSERT_TRUE(eventually([&] { return link.tell(KCLIENT_KICK) == -ENOTTY; })) << "closed";
}

// A process that has the name as a user of its own, and counts what it hears until it is told to
// go.
Child named_by(uint32_t uid, uint32_t flags = 0)
{
	return Child([=](Child &self) {
		become_user(uid, 4321);
		Fd mine = open_device();
		Fd named = new_channel(mine, kName, flags);
		self.tell(1);
		self.hear();
		if (flags & STPLR_CHANNEL_LISTEN) {
			stplr_channel_accept args = accept_args();
			args.deadline = STPLR_DEADLINE_POLL;
			EXPECT_EQ(-EAGAIN, channel_accept(named, args));
		} else {
			EXPECT_EQ(-EAGAIN, poll_receive(named).result);
		}
		return 0;
	});
}

// Whoever has the name gets nothing unless it is the user that the driver expects: as for a program
// (NameAccessTest.ExpectedUser), which does not wait for another to come, either.
TEST_F(KernelClientTest, ExpectedUser)
{
	{
		Child owner = named_by(1234);
		owner.hear();
		for (uint32_t other : {0u, 1235u, 4321u, 4294967294u}) {
			Link link;
			kclient_open args = Link::args_of(other);
			EXPECT_EQ(-EPERM, link.open_link(args)) << other;
			args.deadline = STPLR_DEADLINE_NONE;
			EXPECT_EQ(-EPERM, link.open_link(args)) << other;
		}
		Link link;
		link.up(Link::args_of(1234));
		link.end();
		owner.tell(1);
		owner.expect_success();
	}
	serve();
	Link link;
	EXPECT_EQ(-EPERM, link.open_link(Link::args_of(1234)));
	link.up(Link::args_of(0));
	EchoServer server(channel);
	EXPECT_EQ("hello", link.call_server("hello").text);
}

// The effective user counts, of when the channel was made.
TEST_F(KernelClientTest, ExpectedUserIsTheEffectiveOne)
{
	Child owner([&](Child &self) {
		Fd mine = open_device();
		EXPECT_EQ(0, setresuid(0, 1234, 0));
		Fd named = new_channel(mine, kName);
		EXPECT_EQ(0, setresuid(0, 0, 0));
		self.tell(1);
		self.hear();
		return 0;
	});
	owner.hear();
	Link link;
	EXPECT_EQ(-EPERM, link.open_link(Link::args_of(0)));
	link.up(Link::args_of(1234));
	link.end();
	owner.tell(1);
	owner.expect_success();
}

// It waits for the name, which the wrong one takes.
TEST_F(KernelClientTest, ExpectedUserWhenAnotherComes)
{
	Link link;
	kclient_open args = Link::args_of(1234);
	args.deadline = STPLR_DEADLINE_NONE;
	Thread driver([&]() -> long { return link.open_link(args); });
	ASSERT_TRUE(driver.wait_killable());
	serve();
	EXPECT_EQ(-EPERM, driver.join());
}

// A link that follows the name stays down while another has it, and comes up for the right one, as
// often as the name changes hands.
TEST_F(KernelClientTest, FollowsTheExpectedUserOnly)
{
	for (uint32_t flags : {0u, uint32_t(STPLR_CHANNEL_LISTEN)}) {
		Link link;
		link.follow(Link::args_of(1234, Link::args(2, 8, 8)));
		for (uint32_t round = 1; round <= 2; round++) {
			Child squatter = named_by(1235, flags);
			squatter.hear();
			ASSERT_TRUE(eventually([&] { return link.state().changed == -EPERM; }));
			EXPECT_EQ(-ENOTCONN, link.post(1));
			EXPECT_EQ(-ENOTCONN, link.call_server("secret").result);
			squatter.tell(1);
			squatter.expect_success();
			EXPECT_EQ(round - 1, link.state().ups);

			Child right([&](Child &self) {
				become_user(1234, 4321);
				Fd mine = open_device();
				Fd named = new_channel(mine, kName);
				self.tell(1);
				return int(echo_until_error(named));
			});
			right.hear();
			ASSERT_TRUE(link.await_ups(round));
			EXPECT_EQ("hello", link.call_server("hello").text);
			EXPECT_EQ(0, link.post(1));
			ASSERT_TRUE(link.await_done(round));
			right.kill(SIGKILL);
			right.wait();
			ASSERT_TRUE(link.await_downs(round));
		}
		EXPECT_EQ(0u, link.state().failed);
	}
}

// A driver that serves is root's.
TEST_F(KernelClientTest, ExpectedUserOfADriver)
{
	load_test_module("stplr_kserver");
	{
		Fd driver = open_test_device("stplr-kserver");
		kserver_create args = {};
		strcpy(args.name, kName);
		args.owner = 1234;
		ASSERT_EQ(0, call(driver, KSERVER_CREATE, &args));
		Link link;
		EXPECT_EQ(-EPERM, link.open_link(Link::args_of(1234)));
		link.up(Link::args_of(0));
		EXPECT_EQ("hello", link.call_server("hello").text);
	}
	unload_test_module("stplr_kserver");
}

// What cannot be connected to is told, and tried again.
TEST_F(KernelClientTest, RefusedAndTriedAgain)
{
	serve(STPLR_CHANNEL_PRIVATE);
	Link link;
	link.follow();
	ASSERT_TRUE(eventually([&] { return link.state().changed == -EACCES; }));
	channel.reset();
	serve();
	ASSERT_TRUE(link.await_ups(1));
	EXPECT_EQ(0u, link.state().downs);
}

TEST_F(KernelClientTest, FollowsAListener)
{
	serve(STPLR_CHANNEL_LISTEN);
	Link link;
	link.follow(Link::args(1, 8, 8));
	for (uint32_t i = 1; i <= 3; i++) {
		stplr_channel_accept args = accept_args();
		Fd accepted(int(channel_accept(channel, args)));
		ASSERT_LE(0, accepted);
		ASSERT_TRUE(link.await_ups(i));
		EXPECT_EQ(0, link.post(1));
		ASSERT_EQ(0, receive(accepted).result);
		accepted.reset();
		ASSERT_TRUE(link.await_downs(i));
	}
}

TEST_F(KernelClientTest, ServersComeAndGoUnderPosts)
{
	Link link;
	link.follow(Link::args(16, 64, 64));
	ASSERT_EQ(0, link.post(100000, 64, nullptr, KCLIENT_TIMER));
	uint32_t rounds = 12;
	for (uint32_t i = 1; i <= rounds; i++) {
		Child server([&](Child &child) {
			Fd mine = new_channel(device, kName);
			child.tell(1);
			echo_until_error(mine);
			return 0;
		});
		server.hear();
		ASSERT_TRUE(link.await_ups(i));
		server.kill(SIGKILL);
		server.wait();
		ASSERT_TRUE(link.await_downs(i));
	}
	EXPECT_EQ(0, link.tell(KCLIENT_CLOSE));
	EXPECT_EQ(link.state().posted, link.state().done);
}

// What is to be seen

// The columns of the one link.
std::vector<std::string> shown()
{
	std::ifstream file("/sys/kernel/debug/stplr/stplr-0/links");
	std::string line, word;
	std::vector<std::string> words;
	EXPECT_TRUE(std::getline(file, line)) << "the heading";
	EXPECT_TRUE(std::getline(file, line));
	std::istringstream stream(line);
	while (stream >> word)
		words.push_back(word);
	EXPECT_FALSE(std::getline(file, line)) << line;
	words.resize(13);
	return words;
}

TEST_F(KernelClientTest, ShownInDebugfs)
{
	serve();
	Link link;
	link.follow(Link::args(3, 100, 50));
	ASSERT_TRUE(link.await_ups(1));
	EXPECT_EQ(-EAGAIN, link.post(4));
	EXPECT_EQ(0, reply_error(channel, receive(channel).rcvid(), EIO));
	ASSERT_TRUE(link.await_done(1));
	EXPECT_EQ(-EAGAIN, link.call_server("x", 1, STPLR_DEADLINE_POLL).result);
	std::vector<std::string> columns = shown();
	EXPECT_NE("0", columns[1]);
	EXPECT_NE("0", columns[2]);
	std::vector<std::string> expected = {"3", "2",   "3",  "1",     "1",
					     "1", "100", "50", kModule, kName};
	EXPECT_EQ(expected, std::vector<std::string>(columns.begin() + 3, columns.end()));
	channel.reset();
	ASSERT_TRUE(link.await_downs(1));
	columns = shown();
	EXPECT_EQ("0", columns[1]) << "it is down";
	EXPECT_EQ("0", columns[4]);
	EXPECT_EQ("3", columns[7]);
}

TEST_F(KernelClientTest, Traced)
{
	const std::string folder = "/sys/kernel/tracing/instances/stplr_kernel_client";
	auto write = [&](const std::string &name, const std::string &text) {
		std::ofstream file(folder + "/" + name);
		file << text << std::flush;
		EXPECT_TRUE(file) << name;
	};
	std::ofstream("/sys/kernel/tracing/trace_options") << "norecord-cmd" << std::flush;
	ASSERT_EQ(0, mkdir(folder.c_str(), 0700));
	write("events/stplr/enable", "1");
	serve();
	Link link;
	link.up(Link::args(1, 2000, 8));
	EXPECT_EQ(-EAGAIN, link.post(2, 1500));
	answer(1);
	ASSERT_TRUE(link.await_done(1));
	Thread driver([&]() -> long { return link.call_server(pattern_text(3000), 3000).result; });
	Received got = receive(channel);
	EXPECT_EQ(0, reply(channel, got.rcvid(), got.text));
	EXPECT_EQ(0, driver.join());
	write("events/stplr/enable", "0");
	std::ifstream file(folder + "/trace");
	std::stringstream text;
	text << file.rdbuf();
	for (const char *part :
	     {"stplr_post: device=0", "cookie=0 len=1500 result=0", "cookie=1 len=1500 result=-11",
	      "kind=posted priority=10 len=1500 room=8 how=buffer", "client_pid=0 client_tid=0",
	      "cookie=0 result=0 status=0 len=8", "kind=send_receive",
	      "len=3000 room=3000 how=kernel", "result=0 len=3000 how=kernel"})
		EXPECT_NE(std::string::npos, text.str().find(part)) << part << " in\n"
								    << text.str();
	file.close();
	rmdir(folder.c_str());
	std::ofstream("/sys/kernel/tracing/trace_options") << "record-cmd" << std::flush;
}

// Unloading: SEEDS 18, 21

TEST_F(KernelClientTest, UnloadedWithPostsOnTheirWay)
{
	serve();
	int rcvid;
	{
		Link link;
		kclient_open args = Link::args(8, 3000, 3000);
		args.stays = 1;
		link.up(args);
		EXPECT_EQ(0, link.post(8, 3000));
		Received got = receive(channel, 100);
		rcvid = got.rcvid();
		link.leave();
	}
	unload_test_module(kModule);
	EXPECT_EQ(-ESRCH, reply(channel, rcvid));
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
	load_test_module(kModule);
	Link link;
	link.up(Link::args(1, 8, 8));
	EXPECT_EQ(0, link.post(1));
	answer(1);
	EXPECT_TRUE(link.await_done(1)) << "bound again";
}

TEST_F(KernelClientTest, UnloadedWhileItFollows)
{
	{
		Link link;
		kclient_open args = Link::args(8, 8, 8);
		args.stays = 1;
		link.follow(args);
		link.leave();
	}
	unload_test_module(kModule);
	serve();
	load_test_module(kModule);
}

} // namespace
