// SPDX-License-Identifier: MIT
// Kernel code that serves, in the thread that sends: tests/module/stplr_kserver.c.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "../module/stplr_kserver.h"
#include "support/memory.h"
#include "support/module.h"
#include "support/pulse.h"
#include "support/sched.h"

namespace
{

constexpr const char *kModule = "stplr_kserver";

kserver_create server_args(const char *name = "kserver")
{
	kserver_create args = {};
	strncpy(args.name, name, sizeof(args.name) - 1);
	return args;
}

// A message for the driver to do something with.
std::string to_do(uint32_t what, int32_t value = 0, const std::string &more = {})
{
	kserver_message message = {what, value};
	return std::string(reinterpret_cast<char *>(&message), sizeof(message)) + more;
}

class KernelServerTest : public testing::Test
{
protected:
	KernelServerTest() : device(open_device()), driver(open_driver()) {}

	static void SetUpTestSuite()
	{
		load_test_module(kModule);
	}

	static void TearDownTestSuite()
	{
		unload_test_module(kModule);
	}

	// What must never happen is counted by the driver itself.
	void TearDown() override
	{
		if (driver >= 0 && call(driver, KSERVER_RELEASE) == 0)
			EXPECT_EQ(0u, state().wrong);
	}

	static Fd open_driver()
	{
		return open_test_device("stplr-kserver");
	}

	void serve(kserver_create args = server_args())
	{
		ASSERT_EQ(0, call(driver, KSERVER_CREATE, &args)) << "create";
	}

	kserver_state state()
	{
		kserver_state state = {};
		EXPECT_EQ(0, call(driver, KSERVER_STATE, &state));
		return state;
	}

	long answer(int32_t rcvid, int32_t status, uint64_t len)
	{
		kserver_reply reply = {rcvid, status, len};
		return call(driver, KSERVER_REPLY, &reply);
	}

	// The rcvid of a message that was kept after this many were received.
	int32_t await_kept(uint32_t receives)
	{
		EXPECT_TRUE(eventually(
			[&] { return state().receives >= receives && !state().running; }));
		return state().rcvid;
	}

	long attach_error(const char *name = "kserver")
	{
		stplr_connect_attach args = attach_args(name);
		args.deadline = STPLR_DEADLINE_POLL;
		long result = connect_attach(device, args);
		if (result >= 0)
			close(int(result));
		return std::min(result, 0L);
	}

	Fd device;
	Fd driver;
};

// Names, and who may connect: SEEDS 19, 20

TEST_F(KernelServerTest, ParametersAreChecked)
{
	kserver_create args = server_args("");
	EXPECT_EQ(-EINVAL, call(driver, KSERVER_CREATE, &args));
	args = server_args("no name/");
	EXPECT_EQ(-EINVAL, call(driver, KSERVER_CREATE, &args));
	args = server_args();
	args.mode = 01000;
	EXPECT_EQ(-EINVAL, call(driver, KSERVER_CREATE, &args));
	args = server_args();
	args.owner = uint32_t(-1);
	EXPECT_EQ(-EINVAL, call(driver, KSERVER_CREATE, &args));
	args = server_args();
	args.group = uint32_t(-1);
	EXPECT_EQ(-EINVAL, call(driver, KSERVER_CREATE, &args));
	args = server_args();
	args.device = 63;
	EXPECT_EQ(-ENODEV, call(driver, KSERVER_CREATE, &args));
	args.device = uint32_t(-1);
	EXPECT_EQ(-ENODEV, call(driver, KSERVER_CREATE, &args));
}

TEST_F(KernelServerTest, ANameIsOneChannels)
{
	Fd channel = new_channel(device, "kserver");
	kserver_create args = server_args();
	EXPECT_EQ(-EEXIST, call(driver, KSERVER_CREATE, &args));
	channel.reset();
	serve();
	stplr_channel_create program = channel_args("kserver");
	EXPECT_EQ(-EEXIST, channel_create(device, program));
	driver.reset();
	channel = new_channel(device, "kserver");
}

TEST_F(KernelServerTest, OnItsDeviceOnly)
{
	kserver_create args = server_args();
	args.device = 1;
	serve(args);
	EXPECT_EQ(-ENOENT, attach_error());
	Fd other = open_device(1);
	Fd connection = new_connection(other, "kserver");
	EXPECT_EQ("hello", send_receive(connection, "hello").text);
}

TEST_F(KernelServerTest, AProgramMayComeFirst)
{
	Thread program([&]() -> long {
		stplr_connect_attach args = attach_args("kserver");
		args.deadline = STPLR_DEADLINE_NONE;
		Fd connection(int(connect_attach(device, args)));
		return send_receive(connection, to_do(KSERVER_DO_RETURN, 42)).status;
	});
	ASSERT_TRUE(program.wait_blocked(STPLR_CONNECT_ATTACH));
	serve();
	EXPECT_EQ(42, program.join());
}

TEST_F(KernelServerTest, ModeOwnerAndGroup)
{
	struct {
		uint32_t mode, owner, group;
		long result;
	} cases[] = {
		{0, 0, 0, -EACCES},       {0600, 0, 0, -EACCES},    {0666, 0, 0, 0},
		{0600, 1234, 0, 0},       {0660, 0, 4321, 0},       {0606, 0, 4321, -EACCES},
		{0066, 1234, 0, -EACCES}, {0444, 1234, 0, -EACCES},
	};
	for (auto &c : cases) {
		Fd own = open_driver();
		kserver_create args = server_args();
		args.mode = c.mode;
		args.owner = c.owner;
		args.group = c.group;
		ASSERT_EQ(0, call(own, KSERVER_CREATE, &args));
		Child user([&](Child &) {
			become_user(1234, 4321);
			Fd mine = open_device();
			stplr_connect_attach attach = attach_args("kserver");
			attach.deadline = STPLR_DEADLINE_POLL;
			long result = connect_attach(mine, attach);
			EXPECT_EQ(c.result, std::min(result, 0L))
				<< std::oct << c.mode << std::dec << " " << c.owner << " "
				<< c.group;
			return 0;
		});
		user.expect_success();
		EXPECT_EQ(0, attach_error()) << "root may always";
	}
}

TEST_F(KernelServerTest, WhoServesIsTold)
{
	serve();
	Fd connection = new_connection(device, "kserver");
	stplr_connect_info info = {};
	ASSERT_EQ(0, connect_info(connection, info));
	EXPECT_EQ(0, info.pid) << "kernel code";
	EXPECT_EQ(0u, info.uid);
	EXPECT_LT(0, info.chid);
	// An id of kernel code's is not one of the caller's.
	stplr_connect_attach args = attach_args(0, info.chid);
	EXPECT_EQ(-ESRCH, connect_attach(device, args));
}

TEST_F(KernelServerTest, ExpectedUser)
{
	serve();
	stplr_connect_attach args = attach_args("kserver", STPLR_CONNECT_UID);
	args.uid = 0;
	Fd connection(connect_attach(device, args));
	EXPECT_LE(0, connection);
	args = attach_args("kserver", STPLR_CONNECT_UID);
	args.uid = 1234;
	EXPECT_EQ(-EPERM, connect_attach(device, args));
}

TEST_F(KernelServerTest, ExclusiveIsForOneProcess)
{
	kserver_create args = server_args();
	args.exclusive = 1;
	serve(args);
	Fd first = new_connection(device, "kserver");
	Fd second = new_connection(device, "kserver");
	Child other([&](Child &) {
		EXPECT_EQ(-EBUSY, attach_error());
		return 0;
	});
	other.expect_success();
	first.reset();
	second.reset();
	Child next([&](Child &) {
		EXPECT_EQ(0, attach_error());
		return 0;
	});
	next.expect_success();
	EXPECT_EQ(2u, state().attaches);
	EXPECT_EQ(0u, state().attached);
}

TEST_F(KernelServerTest, TheDriverMayRefuse)
{
	kserver_create args = server_args();
	args.attach_error = ENODATA;
	serve(args);
	EXPECT_EQ(-ENODATA, attach_error());
	EXPECT_EQ(0u, state().attaches);
	EXPECT_EQ(0u, state().detaches);
}

TEST_F(KernelServerTest, ClientsComeAndGoOnce)
{
	serve();
	Fd first = new_connection(device, "kserver");
	EXPECT_EQ(1u, state().attached);
	EXPECT_EQ(getpid(), state().pid);
	Fd second = new_connection(device, "kserver");
	EXPECT_EQ(1u, state().attaches) << "a process is one client";
	first.reset();
	EXPECT_EQ(1u, state().attached);
	ASSERT_EQ(0, connect_detach(second));
	EXPECT_EQ(0u, state().attached);
	EXPECT_EQ(-EBADF, send_receive(second, "gone").result);
	second.reset();
	EXPECT_EQ(1u, state().detaches);
	Child child([&](Child &child) {
		become_user(0, 4321);
		Fd mine = new_connection(device, "kserver");
		child.tell(1);
		pause();
		return 0;
	});
	child.hear();
	EXPECT_EQ(child.pid(), state().pid);
	child.kill(SIGKILL);
	child.wait();
	EXPECT_TRUE(eventually([&] { return state().attached == 0; }));
	EXPECT_EQ(2u, state().detaches);
}

TEST_F(KernelServerTest, AConnectionThatAChildInherits)
{
	serve();
	Fd connection = new_connection(device, "kserver");
	Child child([&](Child &child) {
		child.hear();
		EXPECT_EQ("from the child", send_receive(connection, "from the child").text);
		return 0;
	});
	connection.reset();
	EXPECT_EQ(1u, state().attached) << "the child has it";
	child.tell(1);
	child.expect_success();
	EXPECT_TRUE(eventually([&] { return state().attached == 0; }));
}

// Messages: SEEDS 21

TEST_F(KernelServerTest, EveryLength)
{
	serve();
	Fd connection = new_connection(device, "kserver");
	for (size_t len : {0, 1, 7, 8, 9, 64, 255, 256, 257, 1023, 1024, 1025, 4095, 4096, 4097,
			   65536, 1 << 20}) {
		std::string text = pattern_text(len);
		Sent sent = send_receive(connection, text, len + 1);
		EXPECT_EQ(0, sent.result) << len;
		EXPECT_EQ(text, sent.text) << len;
		EXPECT_EQ(len, sent.total);
		EXPECT_EQ(0, sent.status);
	}
}

TEST_F(KernelServerTest, LessRoomThanAnswer)
{
	serve();
	Fd connection = new_connection(device, "kserver");
	std::string text = pattern_text(5000);
	for (size_t room : {0, 1, 1000, 4999, 5000}) {
		Sent sent = send_receive(connection, text, room);
		EXPECT_EQ(0, sent.result);
		EXPECT_EQ(text.substr(0, room), sent.text);
		EXPECT_EQ(5000u, sent.total);
	}
	EXPECT_EQ(0, send_receive(connection, to_do(KSERVER_DO_BEYOND), 100).status);
	EXPECT_EQ(0, send_receive(connection, to_do(KSERVER_DO_BEYOND), 0).status);
}

TEST_F(KernelServerTest, ManyPartsAtOddPlaces)
{
	serve();
	Fd connection = new_connection(device, "kserver");
	std::string message = to_do(KSERVER_DO_PIECES, 777, pattern_text(9000)),
		    reply(message.size(), 0);
	std::vector<stplr_iovec> from, to;
	for (size_t at = 0, n = 1; at < message.size();
	     at += n, n = std::min(n + 3, message.size() - at))
		from.push_back(part(&message[at], n));
	from.insert(from.begin() + 2, part(nullptr, 0));
	for (size_t at = 0, n = 200; at < reply.size();
	     at += n, n = std::min<size_t>(997, reply.size() - at))
		to.push_back(part(&reply[at], n));
	stplr_msg_send args =
		send_args(buffer(from.data(), from.size()), buffer(to.data(), to.size()));
	args.flags = STPLR_SEND_VECTOR | STPLR_REPLY_VECTOR;
	ASSERT_EQ(0, msg_send_receive(connection, args));
	EXPECT_EQ(message.size(), args.reply_len);
	EXPECT_EQ(message, reply);
}

TEST_F(KernelServerTest, RegisteredBuffers)
{
	serve();
	Fd connection = new_connection(device, "kserver");
	std::string message = to_do(KSERVER_DO_PIECES, 4000, pattern_text(20000)),
		    reply(message.size(), 0);
	stplr_buffer_register in = register_args(message.data(), message.size());
	stplr_buffer_register out = register_args(reply.data(), reply.size(), STPLR_BUFFER_WRITE);
	ASSERT_EQ(0, buffer_register(connection, in));
	ASSERT_EQ(0, buffer_register(connection, out));
	stplr_msg_send args =
		send_args(buffer(nullptr, message.size()), buffer(nullptr, reply.size()));
	args.send.addr = STPLR_REGISTERED(in.index, 0);
	args.reply.addr = STPLR_REGISTERED(out.index, 0);
	args.flags = STPLR_SEND_REGISTERED | STPLR_REPLY_REGISTERED;
	ASSERT_EQ(0, msg_send_receive(connection, args));
	EXPECT_EQ(message, reply);
	// Kept, and answered by another thread.
	std::string kept = to_do(KSERVER_DO_ANSWER, 0, pattern_text(20000 - 8));
	message.replace(0, kept.size(), kept);
	args.send.len = kept.size();
	ASSERT_EQ(0, msg_send_receive(connection, args));
	EXPECT_EQ(kept, reply.substr(0, kept.size()));
}

TEST_F(KernelServerTest, StatusAndErrors)
{
	serve();
	Fd connection = new_connection(device, "kserver");
	for (int status : {0, 1, 42, 0x7fffffff})
		EXPECT_EQ(status,
			  send_receive(connection, to_do(KSERVER_DO_RETURN, status)).status);
	for (int error : {1, EPERM, ENODATA, 511})
		EXPECT_EQ(-error,
			  send_receive(connection, to_do(KSERVER_DO_RETURN, -error)).result);
	// What means something to the kernel alone is not handed out.
	EXPECT_EQ(-EINTR, send_receive(connection, to_do(KSERVER_DO_RETURN, -512)).result);
}

TEST_F(KernelServerTest, OneWayAndQueued)
{
	serve();
	Fd connection = new_connection(device, "kserver");
	EXPECT_EQ(0, send_one_way(connection, "hello"));
	EXPECT_EQ(0, send_one_way(connection, to_do(KSERVER_DO_RETURN, 5)));
	EXPECT_EQ(-ENODATA, send_one_way(connection, to_do(KSERVER_DO_RETURN, -ENODATA)));
	EXPECT_EQ(0, send_queued(connection, "hello"));
	EXPECT_EQ(-ENODATA, send_queued(connection, to_do(KSERVER_DO_RETURN, -ENODATA)));
	EXPECT_EQ(5u, state().receives);
}

TEST_F(KernelServerTest, BadMemory)
{
	serve();
	Fd connection = new_connection(device, "kserver");
	long page = sysconf(_SC_PAGESIZE);
	char *memory = static_cast<char *>(mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE,
						MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	ASSERT_EQ(0, munmap(memory + page, page));
	std::string room(4096, 0);

	stplr_msg_send args = send_args(buffer(memory + page - 50, 100), buffer(room.data(), 4096));
	EXPECT_EQ(-EFAULT, msg_send_receive(connection, args));
	args = send_args(buffer("hello"), buffer(memory + page - 2, 100));
	EXPECT_EQ(-EFAULT, msg_send_receive(connection, args));
	// What is kept is taken or pinned while the sender is there.
	std::string keep = to_do(KSERVER_DO_KEEP);
	memcpy(memory + page - 8, keep.data(), 8);
	args = send_args(buffer(memory + page - 8, 3000), buffer(room.data(), 4096));
	EXPECT_EQ(-EFAULT, msg_send_receive(connection, args));
	// Not there yet, but soon: faulted in while the operation runs.
	char *fresh = static_cast<char *>(mmap(nullptr, 64 * page, PROT_READ | PROT_WRITE,
					       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	std::string text = pattern_text(60 * page);
	args = send_args(buffer(text), buffer(fresh, 64 * page));
	ASSERT_EQ(0, msg_send_receive(connection, args));
	EXPECT_EQ(0, memcmp(fresh, text.data(), text.size()));
	munmap(fresh, 64 * page);
	munmap(memory, page);
}

TEST_F(KernelServerTest, TheLongestMessage)
{
	kserver_create args = server_args();
	args.message_max = 1000;
	serve(args);
	Fd connection = new_connection(device, "kserver");
	EXPECT_EQ(0, send_receive(connection, pattern_text(1000)).result);
	EXPECT_EQ(-EMSGSIZE, send_receive(connection, pattern_text(1001)).result);
	EXPECT_EQ(-EMSGSIZE, send_queued(connection, pattern_text(1001)));
	EXPECT_EQ(1u, state().receives);

	driver = open_driver();
	serve();
	connection = new_connection(device, "kserver");
	Parameter shorter("message_max", 65536);
	EXPECT_EQ(0, send_receive(connection, pattern_text(65536), 0).result);
	EXPECT_EQ(-EMSGSIZE, send_receive(connection, pattern_text(65537), 0).result);
}

TEST_F(KernelServerTest, Pulses)
{
	serve();
	Fd connection = new_connection(device, "kserver");
	EXPECT_EQ(-EOPNOTSUPP, pulse_send(connection, 1));
	driver = open_driver();
	kserver_create args = server_args();
	args.pulses = 1;
	serve(args);
	EXPECT_EQ(-ESRCH, pulse_send(connection, 1)) << "another server's, and that is gone";
	connection = new_connection(device, "kserver");
	ASSERT_EQ(0, pulse_send(connection, 17, 0x123456789abcdefull, 30));
	EXPECT_EQ(1u, state().pulses);
	EXPECT_EQ(17, state().code);
	EXPECT_EQ(0x123456789abcdefull, state().value);
	ASSERT_EQ(0, connect_detach(connection));
	EXPECT_EQ(-EBADF, pulse_send(connection, 17));
	EXPECT_EQ(1u, state().pulses);
}

// What is kept

TEST_F(KernelServerTest, AnsweredLaterByAnotherThread)
{
	serve();
	Fd connection = new_connection(device, "kserver");
	for (size_t len : {0, 1, 900, 1016, 2000, 4000, 5000, 70000, 1 << 20}) {
		std::string text = to_do(KSERVER_DO_ANSWER, 0, pattern_text(len));
		for (size_t room : {text.size(), text.size() / 2, size_t(0)}) {
			Sent sent = send_receive(connection, text, room);
			ASSERT_EQ(0, sent.result) << len;
			EXPECT_EQ(7, sent.status);
			EXPECT_EQ(text.substr(0, room), sent.text) << len;
			EXPECT_EQ(text.size(), sent.total);
		}
	}
}

TEST_F(KernelServerTest, KeptIsReadWrittenAndAnswered)
{
	serve();
	Fd connection = new_connection(device, "kserver");
	Sender sender(connection, to_do(KSERVER_DO_KEEP, 99, "0123456789"), 20);
	int rcvid = await_kept(1);
	ASSERT_LT(0, rcvid);
	ASSERT_TRUE(sender.thread().wait_asleep());
	kserver_data data = {rcvid, 10, 8, {}};
	EXPECT_EQ(10, call(driver, KSERVER_READ, &data));
	EXPECT_EQ("0123456789", std::string(data.bytes));
	data = {rcvid, 10, 15, {}};
	EXPECT_EQ(3, call(driver, KSERVER_READ, &data));
	data = {rcvid, 10, 18, {}};
	EXPECT_EQ(0, call(driver, KSERVER_READ, &data));
	data = {rcvid, 10, 15, {}};
	EXPECT_EQ(5, call(driver, KSERVER_WRITE, &data));
	EXPECT_EQ(-EINVAL, answer(rcvid, -512, 0));
	EXPECT_EQ(-EINVAL, answer(rcvid, -5, 3));
	EXPECT_EQ(3, answer(rcvid, 8, 3));
	const Sent &sent = sender.finish();
	EXPECT_EQ(0, sent.result);
	EXPECT_EQ(8, sent.status) << "what the operation returned is dropped";
	EXPECT_EQ("rrr", sent.text);
	EXPECT_EQ(-ESRCH, answer(rcvid, 0, 0)) << "answered";
	data = {rcvid, 10, 0, {}};
	EXPECT_EQ(-ESRCH, call(driver, KSERVER_READ, &data));
	EXPECT_EQ(-ESRCH, call(driver, KSERVER_WRITE, &data));
	EXPECT_EQ(-ESRCH, answer(0, 0, 0));
	EXPECT_EQ(-ESRCH, answer(-1, 0, 0));
}

TEST_F(KernelServerTest, KeptFailsWithAnError)
{
	serve();
	Fd connection = new_connection(device, "kserver");
	Sender sender(connection, to_do(KSERVER_DO_KEEP));
	EXPECT_EQ(0, answer(await_kept(1), -ENODATA, 0));
	EXPECT_EQ(-ENODATA, sender.finish().result);
}

TEST_F(KernelServerTest, WhoAsksIsToldThatItWasKept)
{
	serve();
	Fd connection = new_connection(device, "kserver");
	std::string text = to_do(KSERVER_DO_KEEP), room(10, 0);
	stplr_msg_send args = send_args(buffer(text), buffer(room.data(), 10));
	args.flags = STPLR_SEND_TELL;
	Thread client([&] { return call(connection, STPLR_MSG_SEND_RECEIVE, &args); });
	EXPECT_EQ(0, answer(await_kept(1), -ENODATA, 0));
	EXPECT_EQ(-ENODATA, client.join());
	EXPECT_EQ(1, args.status);
}

TEST_F(KernelServerTest, ManyAreKeptAndAnsweredInAnyOrder)
{
	serve();
	Fd connection = new_connection(device, "kserver");
	std::vector<std::unique_ptr<Sender>> senders;
	std::vector<int> rcvids;
	for (int i = 0; i < 40; i++) {
		senders.push_back(std::make_unique<Sender>(connection, to_do(KSERVER_DO_KEEP)));
		rcvids.push_back(await_kept(i + 1));
	}
	for (int i = 39; i >= 0; i -= 2)
		EXPECT_EQ(i, answer(rcvids[i], 0, i));
	for (int i = 0; i < 40; i += 2)
		EXPECT_EQ(i, answer(rcvids[i], 0, i));
	for (int i = 0; i < 40; i++)
		EXPECT_EQ(size_t(i), senders[i]->finish().text.size());
}

TEST_F(KernelServerTest, WhoKeepsIsLeftByADeadline)
{
	serve();
	Fd connection = new_connection(device, "kserver");
	std::string text = to_do(KSERVER_DO_KEEP), room(10, 0);
	stplr_msg_send args = send_args(buffer(text), buffer(room.data(), 10));
	args.reply_deadline = in_ms(30);
	EXPECT_EQ(-ETIMEDOUT, msg_send_receive(connection, args));
	EXPECT_EQ(-ESRCH, answer(state().rcvid, 0, 0));
}

TEST_F(KernelServerTest, WhoKeepsIsLeftByTheDead)
{
	serve();
	Child child([&](Child &) {
		Fd mine = new_connection(device, "kserver");
		send_receive(mine, to_do(KSERVER_DO_KEEP, 0, pattern_text(100000)), 100000);
		return 0;
	});
	int rcvid = await_kept(1);
	child.kill(SIGKILL);
	child.wait();
	EXPECT_EQ(-ESRCH, answer(rcvid, 0, 100000));
	EXPECT_TRUE(eventually([&] { return state().attached == 0; }));
}

TEST_F(KernelServerTest, ASignalParksWhatIsKept)
{
	serve();
	struct sigaction action = {};
	action.sa_handler = [](int) {};
	action.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &action, nullptr);
	Fd connection = new_connection(device, "kserver");
	Sender sender(connection, to_do(KSERVER_DO_KEEP));
	int rcvid = await_kept(1);
	for (int i = 0; i < 20; i++) {
		ASSERT_TRUE(sender.thread().wait_asleep());
		sender.thread().signal(SIGUSR1);
	}
	EXPECT_EQ(4, answer(rcvid, 2, 4));
	EXPECT_EQ("rrrr", sender.finish().text);
	EXPECT_EQ(1u, state().receives) << "not sent again";
}

TEST_F(KernelServerTest, WhoWaitsAMomentLeavesWhatIsKept)
{
	serve();
	Fd connection = new_connection(device, "kserver");
	std::string text = to_do(KSERVER_DO_KEEP), room(10, 0);
	stplr_msg_send args = send_args(buffer(text), buffer(room.data(), 10));
	args.flags = STPLR_SEND_PARK;
	ASSERT_EQ(-EINPROGRESS, call(connection, STPLR_MSG_SEND_RECEIVE, &args));
	EXPECT_NE(0u, args.token);
	EXPECT_EQ(4, answer(state().rcvid, 3, 4));
	ASSERT_EQ(0, call(connection, STPLR_MSG_SEND_RECEIVE, &args));
	EXPECT_EQ(3, args.status);
	EXPECT_EQ("rrrr", room.substr(0, 4));
	EXPECT_EQ(1u, state().receives);
}

TEST_F(KernelServerTest, OneWayAndQueuedAreKept)
{
	serve();
	Fd connection = new_connection(device, "kserver");
	OneWaySender sender(connection, to_do(KSERVER_DO_KEEP));
	int rcvid = await_kept(1);
	ASSERT_TRUE(sender.thread().wait_asleep()) << "as long as nobody has read it";
	EXPECT_EQ(0, answer(rcvid, 0, 0));
	EXPECT_EQ(0, sender.finish());
	OneWaySender read(connection, to_do(KSERVER_DO_KEEP));
	rcvid = await_kept(2);
	kserver_data data = {rcvid, 64, 0, {}};
	EXPECT_EQ(8, call(driver, KSERVER_READ, &data));
	EXPECT_EQ(0, read.finish()) << "read to its end";

	// It outlives its sender.
	EXPECT_EQ(0, send_queued(connection, to_do(KSERVER_DO_KEEP, 0, "bytes")));
	rcvid = state().rcvid;
	connection.reset();
	EXPECT_EQ(0u, state().attached);
	data = {rcvid, 5, 8, {}};
	EXPECT_EQ(5, call(driver, KSERVER_READ, &data));
	EXPECT_EQ("bytes", std::string(data.bytes));
	data = {rcvid, 64, 0, {}};
	EXPECT_EQ(13, call(driver, KSERVER_READ, &data));
	EXPECT_EQ(-ESRCH, answer(rcvid, 0, 0)) << "read to its end";
}

TEST_F(KernelServerTest, QueuedOnesAreBounded)
{
	serve();
	Fd connection = new_connection(device, "kserver");
	Parameter bound("connection_queued", 3);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, send_queued(connection, to_do(KSERVER_DO_KEEP)));
	EXPECT_EQ(-EAGAIN, send_queued(connection, to_do(KSERVER_DO_KEEP)));
	EXPECT_EQ(0, answer(state().rcvid, 0, 0));
	EXPECT_EQ(0, send_queued(connection, to_do(KSERVER_DO_KEEP)));
}

// How many may wait

TEST_F(KernelServerTest, SendersWaitForTheirTurn)
{
	kserver_create args = server_args();
	args.pending_max = 2;
	serve(args);
	Fd connection = new_connection(device, "kserver");
	Sender first(connection, to_do(KSERVER_DO_KEEP));
	int first_rcvid = await_kept(1);
	Sender second(connection, to_do(KSERVER_DO_SLEEP, 5));
	ASSERT_TRUE(eventually([&] { return state().running == 1; }));

	std::string text = "hello", room(10, 0);
	stplr_msg_send poll = send_args(buffer(text), buffer(room.data(), 10));
	poll.send_deadline = STPLR_DEADLINE_POLL;
	EXPECT_EQ(-EAGAIN, msg_send_receive(connection, poll));
	poll = send_args(buffer(text), buffer(room.data(), 10));
	poll.send_deadline = in_ms(20);
	EXPECT_EQ(-ETIMEDOUT, msg_send_receive(connection, poll));
	EXPECT_EQ(-EAGAIN, send_queued(connection, "hello", STPLR_DEADLINE_POLL));

	Sender third(connection, "third"), fourth(connection, "fourth");
	ASSERT_TRUE(third.wait_blocked());
	ASSERT_TRUE(fourth.wait_blocked());
	EXPECT_EQ(0, answer(first_rcvid, 0, 0));
	EXPECT_EQ("third", third.finish().text);
	EXPECT_EQ("fourth", fourth.finish().text);
	EXPECT_EQ(0, call(driver, KSERVER_RELEASE));
	EXPECT_EQ(5, second.finish().status);
	EXPECT_EQ(0, first.finish().result);
}

TEST_F(KernelServerTest, TheDeadMakeRoom)
{
	kserver_create args = server_args();
	args.pending_max = 1;
	serve(args);
	Child child([&](Child &) {
		Fd mine = new_connection(device, "kserver");
		send_receive(mine, to_do(KSERVER_DO_KEEP));
		return 0;
	});
	await_kept(1);
	Fd connection = new_connection(device, "kserver");
	Sender waits(connection, "waits");
	ASSERT_TRUE(waits.wait_blocked());
	child.kill(SIGKILL);
	EXPECT_EQ("waits", waits.finish().text);
	child.wait();
}

TEST_F(KernelServerTest, WhoLeavesMakesRoom)
{
	kserver_create args = server_args();
	args.pending_max = 1;
	serve(args);
	Fd leaving = new_connection(device, "kserver");
	Fd connection = new_connection(device, "kserver");
	std::string text = to_do(KSERVER_DO_KEEP), room(10, 0);
	stplr_msg_send parked = send_args(buffer(text), buffer(room.data(), 10));
	parked.flags = STPLR_SEND_PARK;
	ASSERT_EQ(-EINPROGRESS, call(leaving, STPLR_MSG_SEND_RECEIVE, &parked));
	Sender waits(connection, "waits");
	ASSERT_TRUE(waits.wait_blocked());
	EXPECT_EQ(0, connect_detach(leaving));
	EXPECT_EQ("waits", waits.finish().text);
}

// While the operation runs

TEST_F(KernelServerTest, ASignalWhileItSleeps)
{
	serve();
	struct sigaction action = {};
	action.sa_handler = [](int) {};
	sigaction(SIGUSR1, &action, nullptr);
	Fd connection = new_connection(device, "kserver");
	Sender ends(connection, to_do(KSERVER_DO_SLEEP));
	ASSERT_TRUE(eventually([&] { return state().running == 1; }));
	ASSERT_TRUE(ends.thread().wait_asleep());
	ends.thread().signal(SIGUSR1);
	EXPECT_EQ(-EINTR, ends.finish().result);

	action.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &action, nullptr);
	Sender again(connection, to_do(KSERVER_DO_SLEEP, 3));
	ASSERT_TRUE(eventually([&] { return state().running == 1; }));
	ASSERT_TRUE(again.thread().wait_asleep());
	again.thread().signal(SIGUSR1);
	ASSERT_TRUE(eventually([&] { return state().receives == 3; })) << "the call starts over";
	EXPECT_EQ(0, call(driver, KSERVER_RELEASE));
	EXPECT_EQ(3, again.finish().status);
}

TEST_F(KernelServerTest, KilledWhileItSleeps)
{
	serve();
	Child child([&](Child &) {
		Fd mine = new_connection(device, "kserver");
		send_receive(mine, to_do(KSERVER_DO_SLEEP_KILLABLE));
		return 0;
	});
	ASSERT_TRUE(eventually([&] { return state().running == 1; }));
	child.kill(SIGKILL);
	child.wait();
	EXPECT_EQ(0u, state().running);
	EXPECT_TRUE(eventually([&] { return state().attached == 0; }));
}

TEST_F(KernelServerTest, DetachedWhileItRuns)
{
	serve();
	Fd connection = new_connection(device, "kserver");
	Sender runs(connection, to_do(KSERVER_DO_SLEEP, 6));
	ASSERT_TRUE(eventually([&] { return state().running == 1; }));
	Sender kept(connection, to_do(KSERVER_DO_KEEP));
	ASSERT_TRUE(eventually([&] { return state().receives == 2 && state().running == 1; }));
	ASSERT_TRUE(kept.thread().wait_asleep());
	ASSERT_EQ(0, connect_detach(connection));
	EXPECT_EQ(-EBADF, kept.finish().result);
	EXPECT_EQ(-EBADF, send_receive(connection, "late").result);
	EXPECT_EQ(1u, state().attached) << "one of its operations runs";
	EXPECT_EQ(0, call(driver, KSERVER_RELEASE));
	EXPECT_EQ(6, runs.finish().status) << "it was answered";
	EXPECT_EQ(0u, state().attached);
	EXPECT_EQ(1u, state().detaches);
}

TEST_F(KernelServerTest, ClosedWhileItRuns)
{
	serve();
	Fd connection = new_connection(device, "kserver");
	Sender runs(connection, to_do(KSERVER_DO_SLEEP, 6));
	ASSERT_TRUE(eventually([&] { return state().running == 1; }));
	connection.reset();
	EXPECT_EQ(1u, state().attached);
	EXPECT_EQ(0, call(driver, KSERVER_RELEASE));
	EXPECT_EQ(6, runs.finish().status);
	EXPECT_TRUE(eventually([&] { return state().attached == 0; }));
}

TEST_F(KernelServerTest, ADriverThatEndsItselfInItsOperation)
{
	serve();
	Fd connection = new_connection(device, "kserver");
	EXPECT_EQ(EDEADLK, send_receive(connection, to_do(KSERVER_DO_SHUTDOWN)).status);
	EXPECT_EQ("goes on", send_receive(connection, "goes on").text);
}

// Its end: SEEDS 18

TEST_F(KernelServerTest, ShutdownEndsAll)
{
	serve();
	Fd connection = new_connection(device, "kserver");
	Sender runs(connection, to_do(KSERVER_DO_SLEEP, 6)),
		kept(connection, to_do(KSERVER_DO_KEEP));
	ASSERT_TRUE(eventually([&] { return state().receives == 2 && state().running == 1; }));
	ASSERT_TRUE(kept.thread().wait_asleep());
	int rcvid = state().rcvid;
	Thread shutdown([&]() -> long { return call(driver, KSERVER_SHUTDOWN); });
	EXPECT_EQ(-ESRCH, kept.finish().result);
	ASSERT_TRUE(shutdown.wait_killable()) << "it waits for what runs";
	EXPECT_EQ(-ENOENT, attach_error()) << "the name is free";
	EXPECT_EQ(-ESRCH, send_receive(connection, "late").result);
	EXPECT_EQ(0, call(driver, KSERVER_RELEASE));
	EXPECT_EQ(0, shutdown.join());
	EXPECT_EQ(6, runs.finish().status);
	EXPECT_EQ(0u, state().attached) << "and nobody is attached";
	EXPECT_EQ(1u, state().detaches);
	EXPECT_EQ(-ESRCH, answer(rcvid, 0, 0));
	EXPECT_EQ(0, call(driver, KSERVER_SHUTDOWN)) << "again";
	connection.reset();
	EXPECT_EQ(1u, state().detaches);
}

TEST_F(KernelServerTest, ShutdownEndsWhoWaitsForRoom)
{
	kserver_create args = server_args();
	args.pending_max = 1;
	serve(args);
	Fd connection = new_connection(device, "kserver"),
	   other = new_connection(device, "kserver");
	EXPECT_EQ(0, send_queued(connection, to_do(KSERVER_DO_KEEP)));
	Sender waits(connection, "waits"), others(other, "waits");
	ASSERT_TRUE(waits.wait_blocked());
	ASSERT_TRUE(others.wait_blocked());
	EXPECT_EQ(0, call(driver, KSERVER_SHUTDOWN));
	EXPECT_EQ(-ESRCH, others.finish().result);
	EXPECT_EQ(-ECONNRESET, waits.finish().result) << "what it has queued is lost";
	EXPECT_EQ(-ESRCH, send_receive(connection, "late").result);
}

TEST_F(KernelServerTest, UnloadIsRefusedWhileAttached)
{
	kserver_create args = server_args();
	args.stays = 1;
	serve(args);
	driver.reset();
	{
		Fd connection = new_connection(device, "kserver");
		EXPECT_EQ(-1, syscall(SYS_delete_module, kModule, O_NONBLOCK));
		EXPECT_EQ(EWOULDBLOCK, errno);
		EXPECT_EQ("still there", send_receive(connection, "still there").text);
	}
	// Nobody is: with its server it goes.
	unload_test_module(kModule);
	EXPECT_EQ(-ENOENT, attach_error());
	load_test_module(kModule);
	driver = open_driver();
	serve();
	EXPECT_EQ(0, attach_error());
}

TEST_F(KernelServerTest, UnloadAfterShutdown)
{
	kserver_create args = server_args();
	args.stays = 1;
	serve(args);
	Fd connection = new_connection(device, "kserver");
	driver.reset();
	driver = open_driver();
	ASSERT_EQ(0, call(driver, KSERVER_ADOPT));
	ASSERT_EQ(0, call(driver, KSERVER_SHUTDOWN));
	driver.reset();
	unload_test_module(kModule);
	EXPECT_EQ(-ESRCH, send_receive(connection, "to nobody").result);
	connection.reset();
	load_test_module(kModule);
	driver = open_driver();
}

// In threads of its own

class KernelThreadTest : public KernelServerTest
{
protected:
	// Served by threads of the kernel's, or by none but receive().
	void serve_in(uint32_t threads)
	{
		kserver_create args = server_args();
		args.threads = threads;
		serve(args);
	}

	long receive(kserver_receive &args, int64_t deadline = STPLR_DEADLINE_NONE,
		     uint32_t room = 64)
	{
		args = {};
		args.deadline = deadline;
		args.room = room;
		return call(driver, KSERVER_RECEIVE, &args);
	}
};

TEST_F(KernelThreadTest, EveryLength)
{
	serve_in(1);
	Fd connection = new_connection(device, "kserver");
	for (size_t len : {0, 1, 63, 64, 65, 1024, 4096, 4097, 65536, 1 << 20}) {
		std::string text = pattern_text(len);
		Sent sent = send_receive(connection, text, len + 1);
		EXPECT_EQ(0, sent.result) << len;
		EXPECT_EQ(text, sent.text) << len;
	}
	EXPECT_EQ(42, send_receive(connection, to_do(KSERVER_DO_RETURN, 42)).status);
	EXPECT_EQ(-ENODATA, send_receive(connection, to_do(KSERVER_DO_RETURN, -ENODATA)).result);
	EXPECT_EQ(0, send_one_way(connection, "short"));
	EXPECT_EQ(0, send_one_way(connection, pattern_text(5000)));
	EXPECT_EQ(0, send_queued(connection, pattern_text(5000)));
	EXPECT_EQ(0, pulse_send(connection, 3, 4, 50));
	EXPECT_TRUE(eventually([&] { return state().pulses == 1 && state().receives == 15; }));
	EXPECT_EQ(3, state().code);
	EXPECT_EQ(4u, state().value);
	EXPECT_EQ(1u, state().attached);
}

TEST_F(KernelThreadTest, Limits)
{
	kserver_create args = server_args();
	args.threads = 1;
	args.message_max = 100;
	EXPECT_EQ(-EINVAL, call(driver, KSERVER_CREATE, &args));
	args.message_max = 0;
	args.pending_max = 3;
	EXPECT_EQ(-EINVAL, call(driver, KSERVER_CREATE, &args));
	serve();
	kserver_receive got;
	EXPECT_EQ(-EINVAL, receive(got, STPLR_DEADLINE_POLL)) << "it has an operation";
}

TEST_F(KernelThreadTest, WhatItIsTold)
{
	serve_in(1000);
	kserver_receive got;
	EXPECT_EQ(-EINVAL, receive(got, -100));
	EXPECT_EQ(-EAGAIN, receive(got, STPLR_DEADLINE_POLL));
	EXPECT_EQ(-ETIMEDOUT, receive(got, in_ms(10)));
	Fd connection = new_connection(device, "kserver");
	Sender sender(connection, "hello there", 7);
	ASSERT_EQ(5, receive(got, STPLR_DEADLINE_NONE, 5));
	EXPECT_EQ("hello", std::string(got.bytes));
	EXPECT_LT(0, got.rcvid);
	EXPECT_EQ(uint32_t(STPLR_KIND_SEND_RECEIVE), got.kind);
	EXPECT_EQ(11u, got.len);
	EXPECT_EQ(7u, got.dst_len);
	EXPECT_EQ(state().scoid, got.scoid);
	EXPECT_EQ(geteuid(), got.uid);
	EXPECT_EQ(getegid(), got.gid);
	kserver_data data = {got.rcvid, 20, 6, {}};
	EXPECT_EQ(5, call(driver, KSERVER_READ, &data));
	EXPECT_EQ("there", std::string(data.bytes));
	EXPECT_EQ(7, answer(got.rcvid, 9, 20));
	EXPECT_EQ(9, sender.finish().status);
	EXPECT_EQ("rrrrrrr", sender.finish().text);
	EXPECT_EQ(-ESRCH, answer(got.rcvid, 0, 0));

	EXPECT_EQ(0, send_queued(connection, "queued"));
	EXPECT_EQ(0, pulse_send(connection, 5, 6, 139));
	ASSERT_EQ(0, receive(got));
	EXPECT_EQ(uint32_t(STPLR_KIND_PULSE), got.kind) << "the higher priority is first";
	EXPECT_EQ(5, got.code);
	EXPECT_EQ(6u, got.value);
	EXPECT_EQ(139, got.priority);
	EXPECT_EQ(0, got.rcvid);
	ASSERT_EQ(6, receive(got));
	EXPECT_EQ(1u, got.flags);
}

TEST_F(KernelThreadTest, IsLentWhatItsClientsHave)
{
	serve_in(1000);
	Fd connection = new_connection(device, "kserver");
	Worker server(other(5));
	kserver_receive got;
	long result = -1;
	server.start([&] { result = receive(got); });
	ASSERT_TRUE(server.wait_blocked(KSERVER_RECEIVE));
	Worker client(fifo(20));
	Sent sent;
	client.start([&] { sent = send_receive(connection, "urgent", 7); });
	ASSERT_TRUE(server.finish());
	ASSERT_EQ(6, result);
	EXPECT_EQ(rt_priority(20), server.priority());
	server.start([&] { result = answer(got.rcvid, 0, 7); });
	ASSERT_TRUE(server.finish());
	EXPECT_TRUE(client.finish());
	EXPECT_EQ("rrrrrrr", sent.text);
	EXPECT_EQ(nice_priority(5), server.priority());
}

// A driver's deadlines are the host's, whatever clock the calling process sees.
TEST_F(KernelThreadTest, DeadlinesInATimeNamespace)
{
	serve_in(1000);
	const bool run = in_time_namespace({"monotonic 100000 0"}, [&] {
		const int64_t ahead = 100000 * 1000000000LL;
		kserver_receive got;
		int64_t deadline = in_ms(50);
		EXPECT_EQ(-ETIMEDOUT, receive(got, deadline - ahead));
		EXPECT_LE(deadline, now(CLOCK_MONOTONIC));
		EXPECT_EQ(-EAGAIN, receive(got, STPLR_DEADLINE_POLL));
	});
	if (!run)
		GTEST_SKIP() << "this kernel has no time namespaces";
}

TEST_F(KernelThreadTest, WithdrawnBeforeItIsReceived)
{
	serve_in(1000);
	Fd connection = new_connection(device, "kserver");
	std::string text = "hello", room(10, 0);
	stplr_msg_send args = send_args(buffer(text), buffer(room.data(), 10));
	args.send_deadline = in_ms(10);
	EXPECT_EQ(-ETIMEDOUT, msg_send_receive(connection, args)) << "it is SEND-blocked";
	kserver_receive got;
	EXPECT_EQ(-EAGAIN, receive(got, STPLR_DEADLINE_POLL));
	Child child([&](Child &) {
		Fd mine = new_connection(device, "kserver");
		send_receive(mine, pattern_text(100000));
		return 0;
	});
	ASSERT_EQ(64, receive(got));
	child.kill(SIGKILL);
	child.wait();
	EXPECT_EQ(-ESRCH, answer(got.rcvid, 0, 0));
	kserver_data data = {got.rcvid, 20, 6, {}};
	EXPECT_EQ(-ESRCH, call(driver, KSERVER_READ, &data));
}

TEST_F(KernelThreadTest, ShutdownEndsAll)
{
	serve_in(1000);
	Fd connection = new_connection(device, "kserver");
	Sender received(connection, "received");
	kserver_receive got;
	ASSERT_LT(0, receive(got));
	Thread receiver([&]() -> long {
		kserver_receive mine;
		return receive(mine);
	});
	ASSERT_TRUE(receiver.wait_asleep());
	EXPECT_EQ(0, call(driver, KSERVER_SHUTDOWN));
	EXPECT_EQ(-ESRCH, receiver.join());
	EXPECT_EQ(-ESRCH, received.finish().result);
	EXPECT_EQ(-ESRCH, send_receive(connection, "late").result);
	EXPECT_EQ(-ESRCH, receive(got, STPLR_DEADLINE_POLL));
	EXPECT_EQ(0u, state().attached);
}

TEST_F(KernelThreadTest, ManyClientsAndThreads)
{
	serve_in(3);
	std::vector<std::unique_ptr<Thread>> clients;
	for (int i = 0; i < 6; i++)
		clients.push_back(std::make_unique<Thread>([&, i]() -> long {
			Fd own = new_connection(device, "kserver");
			std::string text = pattern_text(i * 1000 + 1);
			long right = 0;
			for (int n = 0; n < 100; n++)
				right += send_receive(own, text, text.size()).text == text;
			return right;
		}));
	for (auto &client : clients)
		EXPECT_EQ(100, client->join());
}

// What is seen of it

// The first line of a file that has this word, or "".
std::string line_with(const std::string &path, const std::string &word)
{
	std::ifstream file(path);
	for (std::string line; getline(file, line);)
		if (line.find(word) != std::string::npos)
			return line;
	return "";
}

TEST_F(KernelServerTest, IsSeen)
{
	const std::string folder = "/sys/kernel/debug/stplr/stplr-0/";
	kserver_create args = server_args("kserver-seen");
	args.pending_max = 17;
	args.message_max = 4321;
	serve(args);
	Fd connection = new_connection(device, "kserver-seen");
	EXPECT_EQ(0, send_receive(connection, "one").result);
	Sender runs(connection, to_do(KSERVER_DO_SLEEP)), kept(connection, to_do(KSERVER_DO_KEEP));
	ASSERT_TRUE(eventually([&] { return state().receives == 3 && state().running == 1; }));

	unsigned channel, chid, clients, exclusive, running, messages, pending, longest, served;
	std::string module, name;
	/* the operation of the one that is kept returns a moment after it was */
	EXPECT_TRUE(eventually([&] {
		std::istringstream words(line_with(folder + "servers", "kserver-seen"));

		words >> channel >> chid >> clients >> exclusive >> running >> messages >>
			pending >> longest >> served >> module >> name;
		return running == 1 && messages == 1;
	}));
	EXPECT_EQ(1u, clients);
	EXPECT_EQ(0u, exclusive);
	EXPECT_EQ(1u, running);
	EXPECT_EQ(1u, messages);
	EXPECT_EQ(17u, pending);
	EXPECT_EQ(4321u, longest);
	EXPECT_EQ(1u, served);
	EXPECT_EQ(kModule, module);
	EXPECT_EQ("kserver-seen", name);

	for (pid_t tid : {runs.thread().tid(), kept.thread().tid()}) {
		std::string line = line_with(folder + "blocked", " " + std::to_string(tid) + " ");
		EXPECT_EQ(0u, line.find("REPLY")) << line;
		EXPECT_NE(std::string::npos, line.find(kModule)) << line;
	}
	EXPECT_EQ("stplr-driver:\tstplr_kserver",
		  line_with("/proc/self/fdinfo/" + std::to_string(connection), "driver"));
	EXPECT_EQ(0, answer(state().rcvid, 0, 0));
	EXPECT_EQ(0, call(driver, KSERVER_RELEASE));
	EXPECT_EQ(0, runs.finish().status);
	EXPECT_EQ(0, kept.finish().status);
}

TEST_F(KernelServerTest, IsTraced)
{
	const std::string folder = "/sys/kernel/tracing/instances/kernel-server-test";
	std::ofstream("/sys/kernel/tracing/trace_options") << "norecord-cmd" << std::flush;
	ASSERT_EQ(0, mkdir(folder.c_str(), 0700));
	std::ofstream(folder + "/events/stplr/enable") << "1" << std::flush;
	serve();
	Fd connection = new_connection(device, "kserver");
	EXPECT_EQ(42, send_receive(connection, to_do(KSERVER_DO_RETURN, 42)).status);
	EXPECT_EQ(0, send_queued(connection, to_do(KSERVER_DO_KEEP)));
	std::ofstream(folder + "/events/stplr/enable") << "0" << std::flush;
	std::string once = line_with(folder + "/trace", "kind=send_receive");
	EXPECT_NE(std::string::npos, once.find("stplr_serve:")) << once;
	EXPECT_NE(std::string::npos,
		  once.find(" len=8 room=4096 reply_len=0 result=42 kept=0 driver=stplr_kserver"))
		<< once;
	std::string queued = line_with(folder + "/trace", "kind=queued");
	EXPECT_NE(std::string::npos, queued.find("kept=1")) << queued;
	EXPECT_NE("", line_with(folder + "/trace", "stplr_receive:"));
	EXPECT_EQ(0, rmdir(folder.c_str()));
}

// Programs come, send and go while the server ends, in whatever order that falls out.
TEST_F(KernelServerTest, AnyOrderOfComingAndGoing)
{
	int before = 0, amidst = 0;
	for (int round = 0; round < 60; round++) {
		kserver_create args = server_args();
		args.pulses = 1;
		args.pending_max = round % 3;
		driver = open_driver();
		serve(args);
		std::atomic<bool> stop{false};
		auto client = [&](uint32_t what) {
			return std::make_unique<Thread>([&, what]() -> long {
				long done = 0;
				while (!stop) {
					stplr_connect_attach attach = attach_args("kserver");
					attach.deadline = STPLR_DEADLINE_POLL;
					Fd own(int(connect_attach(device, attach)));
					if (own < 0)
						continue;
					for (int i = 0; i < 3; i++) {
						std::string text =
							to_do(what, 64, pattern_text(100));
						done += send_receive(own, text).result == 0;
						pulse_send(own, 1);
						send_queued(own, text);
					}
					if (done % 2)
						connect_detach(own);
				}
				return done;
			});
		};
		auto one = client(KSERVER_DO_ANSWER), two = client(KSERVER_DO_PIECES);
		if (round % 2)
			EXPECT_TRUE(eventually([&] { return state().receives > 20; }));
		EXPECT_EQ(0, call(driver, KSERVER_SHUTDOWN));
		kserver_state at_end = state();
		before += at_end.attaches == 0;
		amidst += at_end.receives > 20;
		EXPECT_EQ(0u, at_end.attached);
		EXPECT_EQ(0u, at_end.running);
		stop = true;
		one->join();
		two->join();
		EXPECT_EQ(at_end.receives, state().receives) << "nothing runs any more";
		EXPECT_EQ(0u, state().wrong);
	}
	EXPECT_LT(0, amidst);
	RecordProperty("before", before);
}

} // namespace
