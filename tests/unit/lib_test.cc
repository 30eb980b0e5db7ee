// SPDX-License-Identifier: MIT
// libstplr: that its calls do what stplr.h says, from opening a device to a message's last byte.
#include <gtest/gtest.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "support/fails.h"
#include "support/ipc.h"

// After the support's headers: its calls hide the structures of the same names.
#include <stplr.h>

namespace
{

// What the module answers is changed on its way to the library by the test that sets this.
std::function<int(int result, unsigned long request, void *argument)> meddle;

} // namespace

// The library is linked in, so that its ioctl() is this one.
extern "C" int ioctl(int fd, unsigned long request, ...) noexcept
{
	using Ioctl = int (*)(int, unsigned long, ...);
	static const Ioctl real = reinterpret_cast<Ioctl>(dlsym(RTLD_NEXT, "ioctl"));
	va_list list;

	va_start(list, request);
	void *argument = va_arg(list, void *);
	va_end(list);
	int result = real(fd, request, argument);
	return meddle ? meddle(result, request, argument) : result;
}

namespace
{

int count_of_open_descriptors()
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

class Lib : public testing::Test
{
protected:
	void SetUp() override
	{
		device = stplr_open(0, 0);
		ASSERT_GE(device, 0) << strerror(errno);
		channel = stplr_channel_create(device, "lib_test", nullptr);
		ASSERT_GE(channel, 0) << strerror(errno);
		connection = stplr_connect(device, "lib_test", STPLR_DEADLINE_POLL);
		ASSERT_GE(connection, 0) << strerror(errno);
	}
	void TearDown() override
	{
		meddle = nullptr;
		close(connection);
		close(channel);
		close(device);
	}

	// Makes the module seem another one for as long as the test lasts.
	static void pretend(std::function<void(struct stplr_version &)> change)
	{
		meddle = [change](int result, unsigned long request, void *argument) {
			if (!result && request == STPLR_VERSION)
				change(*static_cast<struct stplr_version *>(argument));
			return result;
		};
	}

	int device = -1, channel = -1, connection = -1;
};

using LibOpen = Lib;
using LibChannel = Lib;
using LibConnect = Lib;
using LibMessage = Lib;
using LibCall = Lib;
using LibReceive = Lib;
using LibPulse = Lib;
using LibEvent = Lib;
using LibBuffer = Lib;
using LibSignal = Lib;

TEST_F(LibOpen, DescriptorIsCloseOnExec)
{
	EXPECT_EQ(FD_CLOEXEC, fcntl(device, F_GETFD));
}

TEST_F(LibOpen, TellsOfADeviceThatIsNotThere)
{
	char why[256] = "?";

	EXPECT_FAILS(ENOENT, stplr_open_why(4000000000, 0, why, sizeof(why)));
	EXPECT_NE(nullptr, strstr(why, "/dev/stplr-4000000000")) << why;
	EXPECT_NE(nullptr, strstr(why, "rmmod stplr")) << why;
	EXPECT_NE(nullptr, strstr(why, "modprobe stplr devices=4000000001")) << why;
	EXPECT_FAILS(ENOENT, stplr_open(4000000000, 0));
}

TEST_F(LibOpen, TellsOfADeviceWhoseFileIsMissing)
{
	char why[256] = "?";

	if (rename("/dev/stplr-0", "/dev/stplr-hidden"))
		GTEST_SKIP() << "/dev: " << strerror(errno);
	errno = 0;
	EXPECT_EQ(-1, stplr_open_why(0, 0, why, sizeof(why)));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(0, rename("/dev/stplr-hidden", "/dev/stplr-0"));
	EXPECT_NE(nullptr, strstr(why, "file is missing")) << why;
}

TEST_F(LibOpen, RefusesFlags)
{
	char why[256] = "?";

	EXPECT_FAILS(EINVAL, stplr_open_why(0, O_NONBLOCK, why, sizeof(why)));
	EXPECT_NE(nullptr, strstr(why, "flags")) << why;
}

TEST_F(LibOpen, SaysNothingOnSuccess)
{
	char why[256] = "?";
	int fd = stplr_open_why(0, 0, why, sizeof(why));

	EXPECT_GE(fd, 0);
	EXPECT_STREQ("", why);
	close(fd);
}

TEST_F(LibOpen, RefusesAnotherInterfaceInWords)
{
	char why[256] = "?";
	int before = count_of_open_descriptors();

	for (unsigned abi : {1, 3}) {
		pretend([abi](struct stplr_version &version) {
			version.abi = abi;
			version.version = 7 << 16 | 8 << 8 | 9;
		});
		std::string words = "interface " + std::to_string(abi) + ", this library knows 2";
		EXPECT_FAILS(EPROTONOSUPPORT, stplr_open(0, 0));
		EXPECT_FAILS(EPROTONOSUPPORT, stplr_open_why(0, 0, why, sizeof(why)));
		EXPECT_NE(nullptr, strstr(why, "stplr 7.8.9")) << why;
		EXPECT_NE(nullptr, strstr(why, words.c_str())) << why;
		EXPECT_EQ(before, count_of_open_descriptors()) << "a refused device stayed open";
		for (int fd : {device, channel, connection})
			EXPECT_FAILS(EPROTONOSUPPORT, stplr_check_version(fd, why, sizeof(why)));
	}
}

TEST_F(LibOpen, RefusesAModuleWithoutMessages)
{
	char why[256] = "?";

	pretend([](struct stplr_version &version) { version.features &= ~STPLR_FEATURE_MESSAGES; });
	EXPECT_FAILS(EPROTONOSUPPORT, stplr_open_why(0, 0, why, sizeof(why)));
	EXPECT_NE(nullptr, strstr(why, "features")) << why;
}

TEST_F(LibOpen, AcceptsANewerModuleOfTheSameInterface)
{
	pretend([](struct stplr_version &version) {
		version.version += 1 << 16;
		version.features |= 1ULL << 63;
	});
	EXPECT_EQ(0, stplr_check_version(device, nullptr, 0));
}

TEST_F(LibOpen, WordsAreCutToTheirRoom)
{
	char why[8] = "???????";

	EXPECT_FAILS(ENOENT, stplr_open_why(4000000000, 0, why, 4));
	EXPECT_EQ(3u, strlen(why));
	EXPECT_EQ('?', why[4]);
	EXPECT_FAILS(ENOENT, stplr_open_why(4000000000, 0, why, 0));
	EXPECT_EQ(3u, strlen(why));
}

TEST_F(LibOpen, EveryDescriptorTellsItsVersion)
{
	char why[256];

	for (int fd : {device, channel, connection}) {
		struct stplr_version version = {};
		EXPECT_EQ(0, stplr_version(fd, &version));
		EXPECT_EQ(STPLR_ABI, static_cast<int>(version.abi));
		EXPECT_EQ(0, stplr_check_version(fd, why, sizeof(why)));
		EXPECT_STREQ("", why);
	}
	EXPECT_FAILS(ENOTTY, stplr_check_version(STDIN_FILENO, why, sizeof(why)));
	EXPECT_NE(nullptr, strstr(why, "does not belong to stplr")) << why;
	EXPECT_FAILS(EBADF, stplr_check_version(-1, why, sizeof(why)));
}

TEST(LibWords, SayWhatAnErrorMeansToItsCall)
{
	EXPECT_STREQ("no channel has this name: is the server running?",
		     stplr_strerror("stplr_connect", ENOENT));
	for (auto call : {"stplr_call", "stplr_callv", "stplr_send_receive", "stplr_send_receivev",
			  "stplr_msg_send_receive"}) {
		EXPECT_NE(nullptr, strstr(stplr_strerror(call, ESRCH), "the server is gone"));
		EXPECT_STREQ("no reply in time", stplr_strerror(call, ETIMEDOUT));
		EXPECT_STREQ("no server waits to receive", stplr_strerror(call, EAGAIN));
	}
	for (auto call : {"stplr_reply", "stplr_replyv", "stplr_msg_reply", "stplr_reply_error"})
		EXPECT_NE(nullptr, strstr(stplr_strerror(call, ESRCH), "the client has given up"));
	for (auto call : {"stplr_receive", "stplr_receivev", "stplr_msg_receive",
			  "stplr_receive_timeout", "stplr_receive_pulse"})
		EXPECT_STREQ("the channel was destroyed", stplr_strerror(call, ESRCH));
	EXPECT_STREQ(stplr_strerror("stplr_channel_accept", EINVAL),
		     stplr_strerror("stplr_accept", EINVAL));
	EXPECT_NE(nullptr, strstr(stplr_strerror("stplr_msg_reply_receive", ESRCH), "rcvid 0"));
}

TEST(LibWords, ForEveryErrorOfEveryCall)
{
	for (auto call : {"stplr_call", "stplr_", "", "no such call", "stplr_msg_"})
		for (int error = -1; error < 600; error++) {
			const char *words = stplr_strerror(call, error);
			ASSERT_NE(nullptr, words);
			EXPECT_NE('\0', *words);
			EXPECT_EQ(nullptr, strchr(words, '\n'));
			EXPECT_EQ(words, stplr_strerror(call, error)) << "not a constant";
		}
	EXPECT_EQ(stplr_strerror("another", ESRCH), stplr_strerror(nullptr, ESRCH));
	EXPECT_STREQ(strerror(ENOTUNIQ), stplr_strerror("stplr_call", ENOTUNIQ));
	EXPECT_STREQ("no error", stplr_strerror("stplr_call", 0));
}

TEST_F(LibChannel, OptionsGoInAndTheNumberComesOut)
{
	struct stplr_channel_create options = {};

	options.flags = STPLR_CHANNEL_NONBLOCK | STPLR_CHANNEL_GROUP;
	options.mode = 0620;
	options.gid = getegid();
	int fd = stplr_channel_create(device, nullptr, &options);
	ASSERT_GE(fd, 0) << strerror(errno);
	EXPECT_EQ(2, options.chid) << "the fixture's channel is 1";
	EXPECT_EQ(0u, options.name_len) << "options are the caller's but for chid";
	EXPECT_TRUE(fcntl(fd, F_GETFL) & O_NONBLOCK);
	char byte;
	EXPECT_FAILS(EAGAIN, stplr_receive(fd, &byte, 1, nullptr));
	close(fd);
}

TEST_F(LibChannel, NamesThatAreNone)
{
	std::string longest(STPLR_NAME_MAX, 'x'), longer(STPLR_NAME_MAX + 1, 'x'),
		endless(5000, 'x');

	int fd = stplr_channel_create(device, longest.c_str(), nullptr);
	EXPECT_GE(fd, 0);
	close(fd);
	EXPECT_FAILS(EINVAL, stplr_channel_create(device, longer.c_str(), nullptr));
	EXPECT_FAILS(EINVAL, stplr_channel_create(device, endless.c_str(), nullptr));
	EXPECT_FAILS(EINVAL, stplr_channel_create(device, "", nullptr));
	EXPECT_FAILS(EINVAL, stplr_channel_create(device, "a/b", nullptr));
	EXPECT_FAILS(EEXIST, stplr_channel_create(device, "lib_test", nullptr));
}

TEST(LibIds, OneNameEach)
{
	char name[STPLR_NAME_MAX + 1];
	uint32_t id;

	EXPECT_STREQ("@42", stplr_id_name(42, name));
	EXPECT_STREQ("@0", stplr_id_name(0, name));
	EXPECT_STREQ("@4294967295", stplr_id_name(UINT32_MAX, name));
	for (uint32_t given : {0u, 1u, 9u, 10u, 42u, 2147483647u, 2147483648u, UINT32_MAX}) {
		id = given + 1;
		EXPECT_EQ(name, stplr_id_name(given, name));
		EXPECT_EQ(0, stplr_name_id(name, &id)) << name;
		EXPECT_EQ(given, id);
	}
	id = 77;
	for (auto other : {"",
			   "42",
			   "server",
			   "@",
			   "@00",
			   "@042",
			   "@4294967296",
			   "@10000000000",
			   "@18446744073709551616",
			   "@99999999999999999999999",
			   "@-1",
			   "@+1",
			   "@ 1",
			   "@1 ",
			   "@1a",
			   "@a",
			   "@0x1",
			   "@@1",
			   "#1",
			   "a@1",
			   " @1",
			   "1@"})
		EXPECT_FAILS(EINVAL, stplr_name_id(other, &id));
	EXPECT_FAILS(EINVAL, stplr_name_id(nullptr, &id));
	EXPECT_EQ(77u, id);
}

TEST_F(LibChannel, IdsAreNames)
{
	char name[STPLR_NAME_MAX + 1];

	EXPECT_FAILS(ENOENT, stplr_connect(device, stplr_id_name(7, name), STPLR_DEADLINE_POLL));
	int by_id = stplr_channel_create(device, stplr_id_name(7, name), nullptr);
	ASSERT_GE(by_id, 0);
	int connected = stplr_connect(device, stplr_id_name(7, name), STPLR_DEADLINE_POLL);
	EXPECT_GE(connected, 0);
	struct stplr_channel_info info;
	ASSERT_EQ(0, stplr_channel_info(by_id, &info));
	uint32_t id = 0;
	EXPECT_EQ(0, stplr_name_id(info.name, &id));
	EXPECT_EQ(7u, id);
	EXPECT_FAILS(EINVAL, stplr_channel_create(device, "@07", nullptr));
	close(connected);
	close(by_id);
}

TEST_F(LibChannel, FailureLeavesOptionsAlone)
{
	struct stplr_channel_create options = {};

	options.chid = 0;
	options.mode = 0666;
	EXPECT_FAILS(EEXIST, stplr_channel_create(device, "lib_test", &options));
	EXPECT_EQ(0, options.chid);
	EXPECT_EQ(0666u, options.mode);
}

TEST_F(LibChannel, DestroyEndsIt)
{
	char byte;

	EXPECT_EQ(0, stplr_channel_destroy(channel));
	EXPECT_FAILS(ESRCH, stplr_channel_destroy(channel));
	EXPECT_FAILS(ESRCH, stplr_send(connection, "x", 1));
	EXPECT_FAILS(ESRCH, stplr_receive(channel, &byte, 1, nullptr));
	EXPECT_FAILS(ENOTTY, stplr_channel_destroy(connection));
}

TEST_F(LibConnect, ByNameWithoutWaiting)
{
	EXPECT_FAILS(ENOENT, stplr_connect(device, "nobody", STPLR_DEADLINE_POLL));
	EXPECT_FAILS(EINVAL, stplr_connect(device, "", STPLR_DEADLINE_POLL));
	EXPECT_FAILS(EINVAL, stplr_connect(device, nullptr, STPLR_DEADLINE_POLL));
	EXPECT_FAILS(EINVAL, stplr_connect(device, "lib_test", -2));
}

TEST_F(LibConnect, WaitsUntilTheDeadline)
{
	int64_t begin = now(CLOCK_MONOTONIC);

	EXPECT_FAILS(ETIMEDOUT, stplr_connect(device, "nobody", stplr_deadline(50000000)));
	EXPECT_GE(now(CLOCK_MONOTONIC) - begin, 50000000);
}

TEST_F(LibConnect, WaitsForTheName)
{
	Thread client([this] { return stplr_connect(device, "later", STPLR_DEADLINE_NONE); });

	ASSERT_TRUE(client.wait_blocked(STPLR_CONNECT_ATTACH));
	int later = stplr_channel_create(device, "later", nullptr);
	ASSERT_GE(later, 0);
	int fd = static_cast<int>(client.join());
	EXPECT_GE(fd, 0);
	close(fd);
	close(later);
}

TEST_F(LibConnect, ForATime)
{
	int fd = stplr_connect_timeout(device, "lib_test", 0);
	EXPECT_GE(fd, 0) << strerror(errno);
	close(fd);
	EXPECT_FAILS(ENOENT, stplr_connect_timeout(device, "nobody", 0));
	EXPECT_FAILS(ETIMEDOUT, stplr_connect_timeout(device, "nobody", 1));
	int64_t begin = now(CLOCK_MONOTONIC);
	EXPECT_FAILS(ETIMEDOUT, stplr_connect_timeout(device, "nobody", 50 * STPLR_MILLISECOND));
	EXPECT_GE(now(CLOCK_MONOTONIC) - begin, 50 * STPLR_MILLISECOND);
	EXPECT_FAILS(EINVAL, stplr_connect_timeout(device, "", STPLR_SECOND));
	EXPECT_FAILS(EINVAL, stplr_connect_timeout(device, nullptr, STPLR_SECOND));
	EXPECT_FAILS(ENOTTY, stplr_connect_timeout(channel, "lib_test", STPLR_SECOND));
}

TEST_F(LibConnect, ForMoreTimeThanThereIs)
{
	for (int64_t timeout : {INT64_C(-1), INT64_MIN, INT64_MAX}) {
		Thread client([=] { return stplr_connect_timeout(device, "later", timeout); });

		ASSERT_TRUE(client.wait_blocked(STPLR_CONNECT_ATTACH)) << timeout;
		int later = stplr_channel_create(device, "later", nullptr);
		ASSERT_GE(later, 0);
		int fd = static_cast<int>(client.join());
		EXPECT_GE(fd, 0);
		close(fd);
		close(later);
	}
}

TEST_F(LibConnect, ByProcessAndNumber)
{
	int fd = stplr_connect_pid(device, getpid(), 1);
	EXPECT_GE(fd, 0) << strerror(errno);
	close(fd);
	fd = stplr_connect_pid(device, 0, 1);
	EXPECT_GE(fd, 0) << strerror(errno);
	close(fd);
	EXPECT_FAILS(ESRCH, stplr_connect_pid(device, 0, 99));
}

TEST_F(LibConnect, ByPidfd)
{
	auto pidfd_of = [](pid_t pid) {
		return Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
	};
	Fd self = pidfd_of(getpid());
	ASSERT_GE(self, 0) << strerror(errno);
	Fd connection(stplr_connect_pidfd(device, self, 1));
	ASSERT_GE(connection, 0) << strerror(errno);
	struct stplr_connect_info info = {};
	EXPECT_EQ(0, stplr_connect_info(connection, &info));
	EXPECT_EQ(getpid(), info.pid);
	EXPECT_FAILS(ESRCH, stplr_connect_pidfd(device, self, 99));
	EXPECT_FAILS(EBADF, stplr_connect_pidfd(device, -1, 1));
	EXPECT_FAILS(EBADF, stplr_connect_pidfd(device, device, 1));
	EXPECT_FAILS(ENOTTY, stplr_connect_pidfd(channel, self, 1));

	// Another process's; then dead; then gone, with its number free for others.
	int32_t chid = 0;
	Child child([&](Child &child) {
		Fd mine(stplr_open(0, 0));
		struct stplr_channel_create args = {};
		Fd own(stplr_channel_create(mine, nullptr, &args));
		EXPECT_GE(own, 0);
		child.tell(args.chid);
		pause();
		return 0;
	});
	chid = static_cast<int32_t>(child.hear());
	Fd other = pidfd_of(child.pid());
	connection.reset(stplr_connect_pidfd(device, other, chid));
	EXPECT_GE(connection, 0) << strerror(errno);
	child.kill(SIGKILL);
	siginfo_t dead;
	ASSERT_EQ(0, waitid(P_PID, child.pid(), &dead, WEXITED | WNOWAIT));
	EXPECT_FAILS(ESRCH, stplr_connect_pidfd(device, other, chid));
	child.wait();
	EXPECT_FAILS(ESRCH, stplr_connect_pidfd(device, other, chid));
}

TEST_F(LibConnect, OptionsGoInAndTheNumberComesOut)
{
	struct stplr_connect_attach options = {};

	options.flags = STPLR_CONNECT_UID | STPLR_CONNECT_NONBLOCK;
	options.uid = geteuid();
	int fd = stplr_connect_attach(device, "lib_test", &options);
	ASSERT_GE(fd, 0) << strerror(errno);
	EXPECT_NE(0u, options.coid);
	EXPECT_EQ(0u, options.name_len);
	EXPECT_FAILS(EAGAIN, stplr_send(fd, "x", 1));
	close(fd);

	options.uid = geteuid() + 1;
	options.coid = 0;
	EXPECT_FAILS(EPERM, stplr_connect_attach(device, "lib_test", &options));
	EXPECT_EQ(0u, options.coid);
}

TEST_F(LibConnect, WithoutOptions)
{
	int fd = stplr_connect_attach(device, "lib_test", nullptr);

	EXPECT_GE(fd, 0) << strerror(errno);
	close(fd);
}

TEST(LibTime, Units)
{
	EXPECT_EQ(1000 * STPLR_MICROSECOND, STPLR_MILLISECOND);
	EXPECT_EQ(1000 * STPLR_MILLISECOND, STPLR_SECOND);
	EXPECT_EQ(1000000000, STPLR_SECOND);
	static_assert(sizeof(STPLR_SECOND) == 8, "products do not overflow in 32-bit programs");
}

TEST(LibTime, Deadlines)
{
	EXPECT_EQ(STPLR_DEADLINE_NONE, stplr_deadline(-1));
	EXPECT_EQ(STPLR_DEADLINE_NONE, stplr_deadline(INT64_MIN));
	EXPECT_EQ(STPLR_DEADLINE_POLL, stplr_deadline(0));
	EXPECT_EQ(INT64_MAX, stplr_deadline(INT64_MAX));
	int64_t before = now(CLOCK_MONOTONIC);
	int64_t deadline = stplr_deadline(1000);
	EXPECT_GE(deadline, before + 1000);
	EXPECT_LE(deadline, now(CLOCK_MONOTONIC) + 1000);
}

TEST_F(LibMessage, OneWay)
{
	Thread client([this] { return stplr_send(connection, "one way", 7); });
	struct stplr_msg_info info;
	char text[16] = {};

	int32_t rcvid = stplr_receive(channel, text, sizeof(text), &info);
	EXPECT_GT(rcvid, 0);
	EXPECT_STREQ("one way", text);
	EXPECT_EQ(rcvid, info.rcvid);
	EXPECT_EQ(7u, info.len);
	EXPECT_EQ(7u, info.src_len);
	EXPECT_EQ(0u, info.dst_len);
	EXPECT_EQ(static_cast<unsigned>(STPLR_KIND_SEND), info.kind);
	EXPECT_TRUE(info.flags & STPLR_INFO_NO_REPLY);
	EXPECT_EQ(getpid(), info.pid);
	EXPECT_EQ(0, client.join());
}

TEST_F(LibMessage, OneWayInParts)
{
	Thread client([this] {
		struct stplr_iovec parts[] = {stplr_part("par", 3), stplr_part(nullptr, 0),
					      stplr_part("ts", 2)};
		return stplr_sendv(connection, parts, 3);
	});
	char first[2], second[8] = {};
	struct stplr_iovec parts[] = {stplr_part(first, 2), stplr_part(second, sizeof(second))};
	struct stplr_msg_info info;

	EXPECT_GT(stplr_receivev(channel, parts, 2, &info), 0);
	EXPECT_EQ("pa", std::string(first, 2));
	EXPECT_STREQ("rts", second);
	EXPECT_EQ(5u, info.len);
	EXPECT_EQ(0, client.join());
}

TEST_F(LibMessage, TwoWays)
{
	char reply[16] = {};
	struct stplr_reply_info result = {};
	Thread client([&] {
		return stplr_send_receive(connection, "question", 8, reply, sizeof(reply), &result);
	});
	char text[16] = {};

	int32_t rcvid = stplr_receive(channel, text, sizeof(text), nullptr);
	EXPECT_STREQ("question", text);
	EXPECT_EQ(6, stplr_reply(channel, rcvid, -42, "answer", 6));
	EXPECT_EQ(6, client.join());
	EXPECT_STREQ("answer", reply);
	EXPECT_EQ(6u, result.len);
	EXPECT_EQ(6u, result.total);
	EXPECT_EQ(-42, result.status);
	EXPECT_FAILS(ESRCH, stplr_reply(channel, rcvid, 0, nullptr, 0));
}

TEST_F(LibMessage, ReplyIsCutAndBothSidesKnow)
{
	char reply[4] = {'x', 'x', 'x', 'x'};
	struct stplr_reply_info result = {};
	Thread client(
		[&] { return stplr_send_receive(connection, nullptr, 0, reply, 3, &result); });
	struct stplr_msg_info info;

	int32_t rcvid = stplr_receive(channel, nullptr, 0, &info);
	EXPECT_EQ(3u, info.dst_len);
	EXPECT_EQ(3, stplr_reply(channel, rcvid, 0, "answer", 6));
	EXPECT_EQ(3, client.join());
	EXPECT_EQ("ansx", std::string(reply, 4));
	EXPECT_EQ(3u, result.len);
	EXPECT_EQ(6u, result.total);
}

TEST_F(LibMessage, TwoWaysInParts)
{
	char head[2], tail[16] = {};
	Thread client([&] {
		struct stplr_iovec message[] = {stplr_part("que", 3), stplr_part("stion", 5)};
		struct stplr_iovec reply[] = {stplr_part(head, 2), stplr_part(tail, sizeof(tail))};
		return stplr_send_receivev(connection, message, 2, reply, 2, nullptr);
	});
	char text[16] = {};
	struct stplr_iovec answer[] = {stplr_part("ans", 3), stplr_part("wer", 3)};

	int32_t rcvid = stplr_receive(channel, text, sizeof(text), nullptr);
	EXPECT_STREQ("question", text);
	EXPECT_EQ(6, stplr_replyv(channel, rcvid, 0, answer, 2));
	EXPECT_EQ(6, client.join());
	EXPECT_EQ("an", std::string(head, 2));
	EXPECT_STREQ("swer", tail);
}

TEST_F(LibCall, IsAnsweredInTime)
{
	for (int64_t timeout : {30 * STPLR_SECOND, INT64_C(-1), INT64_MIN, INT64_MAX}) {
		char reply[16] = {};
		Thread client([&] {
			return stplr_call(connection, "question", 8, reply, sizeof(reply), timeout);
		});
		char text[16] = {};

		ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE)) << timeout;
		int32_t rcvid = stplr_receive(channel, text, sizeof(text), nullptr);
		EXPECT_STREQ("question", text);
		EXPECT_EQ(6, stplr_reply(channel, rcvid, 0, "answer", 6));
		EXPECT_EQ(6, client.join());
		EXPECT_STREQ("answer", reply);
	}
}

TEST_F(LibCall, InPartsOfWhichSomeAreEmpty)
{
	for (size_t bytes : {size_t(1), size_t(700), size_t(5000), size_t(100000)}) {
		std::string question(3 * bytes, '?'), answer(2 * bytes, '!');
		std::string head(bytes, '.'), tail(bytes + 1, '.');
		const struct stplr_iovec none = stplr_part(nullptr, 0);
		Thread client([&] {
			struct stplr_iovec message[] = {
				none,
				stplr_part(question.data(), bytes),
				none,
				none,
				stplr_part(question.data() + bytes, 2 * bytes),
				none};
			struct stplr_iovec reply[] = {none, stplr_part(&head[0], bytes), none,
						      stplr_part(&tail[0], bytes + 1), none};
			return stplr_callv(connection, message, 6, reply, 5, 30 * STPLR_SECOND);
		});
		std::string text(question.size(), '.');
		struct stplr_iovec in[] = {none, stplr_part(&text[0], 1), none,
					   stplr_part(&text[1], text.size() - 1), none};
		struct stplr_msg_info info;

		int32_t rcvid = stplr_receive_timeoutv(channel, in, 5, &info, 30 * STPLR_SECOND);
		ASSERT_GT(rcvid, 0) << strerror(errno);
		EXPECT_EQ(question.size(), info.len);
		EXPECT_EQ(question, text);
		EXPECT_EQ(ssize_t(answer.size()),
			  stplr_reply(channel, rcvid, 0, answer.data(), answer.size()));
		EXPECT_EQ(long(answer.size()), client.join());
		EXPECT_EQ(std::string(bytes, '!'), head);
		EXPECT_EQ(std::string(bytes, '!') + '.', tail);
	}
}

TEST_F(LibCall, OfNothing)
{
	for (bool parts : {false, true}) {
		Thread client([=] {
			const struct stplr_iovec none = stplr_part(nullptr, 0);

			return parts ? stplr_callv(connection, &none, 1, &none, 1, -1)
				     : stplr_callv(connection, nullptr, 0, nullptr, 0, -1);
		});
		const struct stplr_iovec none = stplr_part(nullptr, 0);
		int32_t rcvid = stplr_receive_timeoutv(channel, &none, parts, nullptr, -1);

		EXPECT_EQ(0, stplr_replyv(channel, rcvid, 0, &none, parts));
		EXPECT_EQ(0, client.join());
	}
}

TEST_F(LibCall, IsWithdrawnWhenNobodyReceivesIt)
{
	int64_t begin = now(CLOCK_MONOTONIC);
	char byte = 'x';

	EXPECT_FAILS(ETIMEDOUT, stplr_call(connection, "x", 1, &byte, 1, 50 * STPLR_MILLISECOND));
	EXPECT_GE(now(CLOCK_MONOTONIC) - begin, 50 * STPLR_MILLISECOND);
	EXPECT_FAILS(ETIMEDOUT, stplr_call(connection, "x", 1, &byte, 1, 1));
	EXPECT_FAILS(EAGAIN, stplr_call(connection, "x", 1, &byte, 1, 0));
	EXPECT_FAILS(EAGAIN, stplr_receive_timeout(channel, &byte, 1, nullptr, 0));
	EXPECT_EQ('x', byte);
}

TEST_F(LibCall, EndsWhenTheServerTakesTooLong)
{
	std::atomic<bool> received{false}, over{false};
	Thread server([&] {
		char byte;
		int32_t rcvid = stplr_receive(channel, &byte, 1, nullptr);
		received = true;
		eventually([&] { return over.load(); });
		return stplr_reply(channel, rcvid, 0, nullptr, 0) < 0 ? -errno : 0;
	});

	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	for (int64_t timeout = STPLR_SECOND / 20; !received; timeout *= 2)
		EXPECT_FAILS(ETIMEDOUT, stplr_call(connection, "x", 1, nullptr, 0, timeout));
	over = true;
	EXPECT_EQ(-ESRCH, server.join());
}

TEST_F(LibCall, DoesNotWaitForAnAnswerWithoutTime)
{
	std::atomic<bool> over{false};
	Thread server([&] {
		char byte;
		int32_t rcvid = stplr_receive(channel, &byte, 1, nullptr);
		eventually([&] { return over.load(); });
		return stplr_reply(channel, rcvid, 0, nullptr, 0) < 0 ? -errno : 0;
	});

	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	EXPECT_FAILS(ETIMEDOUT, stplr_call(connection, "x", 1, nullptr, 0, 0));
	over = true;
	EXPECT_EQ(-ESRCH, server.join());
}

TEST_F(LibCall, EndsWithItsServer)
{
	char byte;

	{
		Child server([this](Child &child) {
			char text;
			child.tell(stplr_receive(channel, &text, 1, nullptr));
			pause();
			return 0;
		});
		Thread client([&] {
			ssize_t got = stplr_call(connection, "x", 1, &byte, 1, INT64_MAX);
			return got < 0 ? -errno : got;
		});
		EXPECT_GT(server.hear(), 0);
		server.kill(SIGKILL);
		EXPECT_EQ(-ESRCH, client.join());
	}
	Thread client([&] {
		ssize_t got = stplr_call(connection, "x", 1, &byte, 1, INT64_MAX);
		return got < 0 ? -errno : got;
	});
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	EXPECT_EQ(0, stplr_channel_destroy(channel));
	EXPECT_EQ(-ESRCH, client.join());
	EXPECT_FAILS(ESRCH, stplr_call(connection, "x", 1, &byte, 1, STPLR_SECOND));
	EXPECT_FAILS(ESRCH, stplr_receive_timeout(channel, &byte, 1, nullptr, STPLR_SECOND));
}

TEST_F(LibCall, GetsTheServersErrors)
{
	Thread client([&] {
		ssize_t got = stplr_call(connection, "x", 1, nullptr, 0, -1);
		return got < 0 ? -errno : got;
	});
	char byte;

	EXPECT_EQ(0, stplr_reply_error(channel, stplr_receive(channel, &byte, 1, nullptr), 511));
	EXPECT_EQ(-511, client.join());
}

TEST_F(LibCall, RefusesWhatIsWrong)
{
	std::vector<struct stplr_iovec> parts(STPLR_PARTS_MAX + 1);
	char byte;

	EXPECT_FAILS(EBADF, stplr_call(-1, "x", 1, &byte, 1, STPLR_SECOND));
	EXPECT_FAILS(ENOTTY, stplr_call(channel, "x", 1, &byte, 1, STPLR_SECOND));
	EXPECT_FAILS(EFAULT, stplr_call(connection, nullptr, 1, &byte, 1, STPLR_SECOND));
	EXPECT_FAILS(EINVAL, stplr_callv(connection, parts.data(), parts.size(), nullptr, 0, -1));
	EXPECT_FAILS(EINVAL, stplr_callv(connection, nullptr, 0, parts.data(), parts.size(), -1));
	EXPECT_FAILS(EFAULT, stplr_callv(connection, nullptr, 1, nullptr, 0, STPLR_SECOND));
	EXPECT_EQ(0, stplr_connect_detach(connection));
	EXPECT_FAILS(EBADF, stplr_call(connection, "x", 1, &byte, 1, STPLR_SECOND));
}

TEST_F(LibReceive, ForATime)
{
	int64_t begin = now(CLOCK_MONOTONIC);
	struct stplr_msg_info info;
	char byte;

	EXPECT_FAILS(EAGAIN, stplr_receive_timeout(channel, &byte, 1, nullptr, 0));
	EXPECT_FAILS(ETIMEDOUT, stplr_receive_timeout(channel, &byte, 1, nullptr, 1));
	EXPECT_FAILS(ETIMEDOUT,
		     stplr_receive_timeout(channel, &byte, 1, nullptr, 50 * STPLR_MILLISECOND));
	EXPECT_GE(now(CLOCK_MONOTONIC) - begin, 50 * STPLR_MILLISECOND);
	for (int64_t timeout : {INT64_C(0), INT64_C(1), INT64_C(-1), INT64_MIN, INT64_MAX}) {
		ASSERT_EQ(0, stplr_send_queued(connection, "m", 1));
		EXPECT_LT(0, stplr_receive_timeout(channel, &byte, 1, &info, timeout));
		EXPECT_EQ('m', byte);
		EXPECT_EQ(1u, info.len);
	}
}

TEST_F(LibReceive, ForMoreTimeThanThereIs)
{
	for (int64_t timeout : {INT64_C(-1), INT64_MIN, INT64_MAX}) {
		Thread server([=] {
			struct stplr_pulse pulse;
			return stplr_receive_timeout(channel, &pulse, sizeof(pulse), nullptr,
						     timeout);
		});

		ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE)) << timeout;
		EXPECT_EQ(0, stplr_pulse(connection, 10, 1, 2));
		EXPECT_EQ(0, server.join());
	}
}

TEST_F(LibReceive, RefusesWhatIsWrong)
{
	std::vector<struct stplr_iovec> parts(STPLR_PARTS_MAX + 1);
	char byte;

	EXPECT_FAILS(EBADF, stplr_receive_timeout(-1, &byte, 1, nullptr, STPLR_SECOND));
	EXPECT_FAILS(ENOTTY, stplr_receive_timeout(device, &byte, 1, nullptr, STPLR_SECOND));
	EXPECT_FAILS(EINVAL, stplr_receive_timeoutv(channel, parts.data(), parts.size(), nullptr,
						    STPLR_SECOND));
}

TEST_F(LibMessage, TooManyParts)
{
	std::vector<struct stplr_iovec> parts(STPLR_PARTS_MAX + 1);
	int32_t rcvid = 0;

	EXPECT_FAILS(EINVAL, stplr_sendv(connection, parts.data(), parts.size()));
	EXPECT_FAILS(EINVAL, stplr_send_receivev(connection, parts.data(), parts.size(), nullptr, 0,
						 nullptr));
	EXPECT_FAILS(EINVAL, stplr_send_receivev(connection, nullptr, 0, parts.data(), parts.size(),
						 nullptr));
	EXPECT_FAILS(EINVAL, stplr_receivev(channel, parts.data(), parts.size(), nullptr));
	EXPECT_FAILS(EINVAL, stplr_reply_receivev(channel, &rcvid, 0, nullptr, 0, parts.data(),
						  parts.size(), nullptr));
}

TEST_F(LibMessage, ErrorReplies)
{
	Thread client([&] {
		ssize_t result = stplr_send_receive(connection, "x", 1, nullptr, 0, nullptr);
		return result < 0 ? -errno : result;
	});
	char byte;

	int32_t rcvid = stplr_receive(channel, &byte, 1, nullptr);
	EXPECT_FAILS(EINVAL, stplr_reply_error(channel, rcvid, 0));
	EXPECT_FAILS(EINVAL, stplr_reply_error(channel, rcvid, -EPERM));
	EXPECT_FAILS(EINVAL, stplr_reply_error(channel, rcvid, 512));
	EXPECT_EQ(0, stplr_reply_error(channel, rcvid, ENOTUNIQ));
	EXPECT_EQ(-ENOTUNIQ, client.join());
}

TEST_F(LibMessage, InfoStaysAsItWasWhenASendFails)
{
	struct stplr_reply_info result = {1, 2, 3};

	EXPECT_EQ(0, stplr_channel_destroy(channel));
	EXPECT_FAILS(ESRCH, stplr_send_receive(connection, "x", 1, nullptr, 0, &result));
	EXPECT_EQ(1u, result.len);
	EXPECT_EQ(2u, result.total);
	EXPECT_EQ(3, result.status);
}

TEST_F(LibMessage, ReadsTheRestAndWritesAhead)
{
	char reply[12] = {};
	Thread client([&] {
		return stplr_send_receive(connection, "0123456789", 10, reply, sizeof(reply),
					  nullptr);
	});
	struct stplr_msg_info info;
	char text[8] = {}, a[2], b[2];

	int32_t rcvid = stplr_receive(channel, text, 4, &info);
	EXPECT_TRUE(info.flags & STPLR_INFO_TRUNCATED);
	EXPECT_EQ(4u, info.len);
	EXPECT_EQ(10u, info.src_len);
	EXPECT_EQ(6, stplr_read(channel, rcvid, text, sizeof(text), 4));
	EXPECT_EQ("456789", std::string(text, 6));
	EXPECT_EQ(0, stplr_read(channel, rcvid, text, sizeof(text), 10));
	struct stplr_iovec parts[] = {stplr_part(a, 2), stplr_part(b, 2)};
	EXPECT_EQ(4, stplr_readv(channel, rcvid, parts, 2, 1));
	EXPECT_EQ("1234", std::string(a, 2) + std::string(b, 2));

	EXPECT_EQ(4, stplr_write(channel, rcvid, "tail", 4, 4));
	struct stplr_iovec out[] = {stplr_part("EN", 2), stplr_part("DING", 4)};
	EXPECT_EQ(4, stplr_writev(channel, rcvid, out, 2, 8));
	EXPECT_EQ(4, stplr_reply(channel, rcvid, 0, "head", 4));
	EXPECT_EQ(4, client.join());
	EXPECT_EQ("headtailENDI", std::string(reply, sizeof(reply)));
}

TEST_F(LibMessage, ReplyReceiveServes)
{
	Thread client([this] {
		int wrong = 0;
		for (int i = 0; i < 100; i++) {
			int answer = 0;
			wrong += stplr_send_receive(connection, &i, sizeof(i), &answer,
						    sizeof(answer), nullptr) != sizeof(answer);
			wrong += answer != 2 * i;
		}
		return wrong;
	});
	int32_t rcvid = 0;
	int number = 0;

	for (int i = 0; i < 100; i++) {
		ASSERT_EQ(0, stplr_reply_receive(channel, &rcvid, 0, &number, sizeof(number),
						 &number, sizeof(number), nullptr));
		ASSERT_GT(rcvid, 0);
		EXPECT_EQ(i, number);
		number *= 2;
	}
	EXPECT_EQ(4, stplr_reply(channel, rcvid, 0, &number, sizeof(number)));
	EXPECT_EQ(0, client.join());
}

TEST_F(LibMessage, ReplyReceiveTellsWhichPartFailed)
{
	int32_t rcvid = 12345;
	char byte;

	EXPECT_FAILS(ESRCH, stplr_reply_receive(channel, &rcvid, 0, "x", 1, &byte, 1, nullptr));
	EXPECT_EQ(12345, rcvid) << "nothing was answered";

	Thread client(
		[this] { return stplr_send_receive(connection, "x", 1, nullptr, 0, nullptr); });
	rcvid = stplr_receive(channel, &byte, 1, nullptr);
	ASSERT_GT(rcvid, 0);
	ASSERT_EQ(0, fcntl(channel, F_SETFL, O_NONBLOCK));
	EXPECT_FAILS(EAGAIN,
		     stplr_reply_receive(channel, &rcvid, 0, nullptr, 0, &byte, 1, nullptr));
	EXPECT_EQ(0, rcvid) << "the answer was given";
	EXPECT_EQ(0, client.join());
	EXPECT_FAILS(EAGAIN, stplr_reply_receive(channel, &rcvid, 0, "x", 1, &byte, 1, nullptr));
	EXPECT_EQ(0, rcvid);

	EXPECT_EQ(0, stplr_channel_destroy(channel));
	EXPECT_FAILS(ESRCH, stplr_reply_receive(channel, &rcvid, 0, nullptr, 0, &byte, 1, nullptr));
	EXPECT_EQ(0, rcvid) << "the channel is gone, not a client";
}

TEST_F(LibMessage, ReplyReceiveInParts)
{
	char reply[8] = {};
	Thread client([&] {
		return stplr_send_receive(connection, "abcd", 4, reply, sizeof(reply), nullptr) == 6
			       ? stplr_send(connection, "wxyz", 4)
			       : -1;
	});
	char a[2], b[8] = {};
	struct stplr_iovec in[] = {stplr_part(a, 2), stplr_part(b, sizeof(b))};
	struct stplr_iovec out[] = {stplr_part("ANS", 3), stplr_part("WER", 3)};
	struct stplr_msg_info info;
	int32_t rcvid = 0;

	ASSERT_EQ(0, stplr_reply_receivev(channel, &rcvid, 0, out, 2, in, 2, &info));
	EXPECT_EQ("abcd", std::string(a, 2) + b);
	ASSERT_EQ(0, stplr_reply_receivev(channel, &rcvid, 0, out, 2, in, 2, &info));
	EXPECT_EQ("wxyz", std::string(a, 2) + b);
	EXPECT_EQ(rcvid, info.rcvid);
	EXPECT_EQ(0, client.join());
	EXPECT_STREQ("ANSWER", reply);
}

TEST_F(LibMessage, RawCallsKeepDeadlines)
{
	struct stplr_msg_send send = {};
	struct stplr_msg_receive receive = {};
	char byte;

	EXPECT_FAILS(EAGAIN, stplr_msg_send(connection, &send)); // zeros poll
	EXPECT_FAILS(EAGAIN, stplr_msg_send_receive(connection, &send));
	EXPECT_FAILS(EAGAIN, stplr_msg_receive(channel, &receive));
	send.clock = receive.clock = CLOCK_MONOTONIC;
	send.send_deadline = stplr_deadline(20000000);
	EXPECT_FAILS(ETIMEDOUT, stplr_msg_send(connection, &send));
	receive.deadline = stplr_deadline(20000000);
	EXPECT_FAILS(ETIMEDOUT, stplr_msg_receive(channel, &receive));

	Thread client([this] {
		struct stplr_msg_send args = {};
		args.clock = CLOCK_MONOTONIC;
		args.send_deadline = STPLR_DEADLINE_NONE;
		args.reply_deadline = stplr_deadline(50000000);
		return stplr_msg_send_receive(connection, &args) ? -errno : 0;
	});
	int32_t rcvid = stplr_receive(channel, &byte, 1, nullptr);
	EXPECT_GT(rcvid, 0);
	EXPECT_EQ(-ETIMEDOUT, client.join());
	EXPECT_FAILS(ESRCH, stplr_reply(channel, rcvid, 0, nullptr, 0));
}

TEST_F(LibMessage, RawReplyAndDataCalls)
{
	char reply[4] = {};
	Thread client([&] { return stplr_send_receive(connection, "abcd", 4, reply, 4, nullptr); });
	char text[4] = {};
	struct stplr_msg_reply_receive both = {};

	both.receive.deadline = STPLR_DEADLINE_NONE;
	ASSERT_EQ(0, stplr_msg_reply_receive(channel, &both));
	struct stplr_msg_data data = {};
	data.rcvid = both.receive.info.rcvid;
	data.buffer.addr = reinterpret_cast<uintptr_t>(text);
	data.buffer.len = 2;
	data.offset = 1;
	EXPECT_EQ(0, stplr_msg_read(channel, &data));
	EXPECT_EQ(2u, data.len);
	EXPECT_STREQ("bc", text);
	EXPECT_EQ(0, stplr_msg_write(channel, &data));
	struct stplr_msg_reply answer = {};
	answer.rcvid = data.rcvid;
	EXPECT_EQ(0, stplr_msg_reply(channel, &answer));
	EXPECT_EQ(0, client.join());
	EXPECT_EQ("bc", std::string(reply + 1, 2));
}

TEST_F(LibMessage, QueuedDoesNotWait)
{
	struct stplr_iovec parts[] = {stplr_part("sec", 3), stplr_part("ond", 3)};
	struct stplr_connect_info about = {};
	struct stplr_msg_info info;
	char text[16] = {};

	EXPECT_EQ(0, stplr_send_queued(connection, "first", 5)) << strerror(errno);
	EXPECT_EQ(0, stplr_send_queuedv(connection, parts, 2)) << strerror(errno);
	EXPECT_EQ(0, stplr_connect_info(connection, &about));
	EXPECT_EQ(2u, about.queued);
	EXPECT_EQ(getpid(), about.pid);
	EXPECT_EQ(1, about.chid);
	EXPECT_GT(stplr_receive(channel, text, sizeof(text), &info), 0);
	EXPECT_STREQ("first", text);
	EXPECT_TRUE(info.flags & STPLR_INFO_QUEUED);
	EXPECT_GT(stplr_receive(channel, text, sizeof(text), &info), 0);
	EXPECT_STREQ("second", text);
}

TEST_F(LibChannel, ShutdownStillAnswers)
{
	Thread client(
		[this] { return stplr_send_receive(connection, "x", 1, nullptr, 0, nullptr); });
	char byte;

	int32_t rcvid = stplr_receive(channel, &byte, 1, nullptr);
	EXPECT_EQ(0, stplr_channel_shutdown(channel));
	EXPECT_FAILS(ESHUTDOWN, stplr_receive(channel, &byte, 1, nullptr));
	EXPECT_FAILS(ESRCH, stplr_send(connection, "x", 1));
	EXPECT_EQ(0, stplr_reply(channel, rcvid, 0, nullptr, 0));
	EXPECT_EQ(0, client.join());
	EXPECT_FAILS(ENOTTY, stplr_channel_shutdown(connection));
}

TEST_F(LibChannel, AcceptGivesAChannelForAConnection)
{
	struct stplr_channel_create options = {};
	struct stplr_channel_accept peer = {};
	struct stplr_connect_attach attach = {};
	char text[8] = {};

	options.flags = STPLR_CHANNEL_LISTEN;
	options.backlog = 1;
	int listening = stplr_channel_create(device, "listening", &options);
	ASSERT_GE(listening, 0) << strerror(errno);
	EXPECT_FAILS(EAGAIN, stplr_channel_accept(listening, &peer)); // zeros poll
	int client = stplr_connect_attach(device, "listening", &attach);
	ASSERT_GE(client, 0) << strerror(errno);
	EXPECT_FAILS(EAGAIN, stplr_connect(device, "listening", STPLR_DEADLINE_POLL));
	EXPECT_EQ(0, stplr_send_queued(client, "hello", 5));
	int accepted = stplr_accept(listening, &peer);
	ASSERT_GE(accepted, 0) << strerror(errno);
	EXPECT_EQ(getpid(), peer.pid);
	EXPECT_EQ(geteuid(), peer.uid);
	EXPECT_EQ(attach.coid, peer.coid);
	EXPECT_GT(stplr_receive(accepted, text, sizeof(text), nullptr), 0);
	EXPECT_STREQ("hello", text);
	close(client);
	EXPECT_FAILS(EPIPE, stplr_receive(accepted, text, sizeof(text), nullptr));
	close(accepted);

	Thread waiting([=] { return stplr_accept(listening, nullptr); });
	ASSERT_TRUE(waiting.wait_blocked(STPLR_CHANNEL_ACCEPT));
	client = stplr_connect(device, "listening", STPLR_DEADLINE_POLL);
	accepted = static_cast<int>(waiting.join());
	EXPECT_GE(accepted, 0);
	for (int fd : {client, accepted, listening})
		close(fd);
	EXPECT_FAILS(EINVAL, stplr_accept(channel, &peer));
}

TEST_F(LibChannel, SaysWhatItIs)
{
	struct stplr_channel_info info = {};

	EXPECT_EQ(0, stplr_channel_info(channel, &info));
	EXPECT_EQ(getpid(), info.pid);
	EXPECT_EQ(0u, info.state);
	EXPECT_FAILS(ENOTTY, stplr_channel_info(connection, &info));
	EXPECT_FAILS(EBADF, stplr_channel_info(-1, &info));
	EXPECT_FAILS(EFAULT, stplr_channel_info(channel, nullptr));
}

// What a process is started with: its variables say so.
class LibActivated : public testing::Test
{
protected:
	~LibActivated() override
	{
		for (const char *variable : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"})
			unsetenv(variable);
	}

	// NULL: not set.
	void started(const char *pid, const char *fds, const char *names)
	{
		set("LISTEN_PID", pid);
		set("LISTEN_FDS", fds);
		set("LISTEN_FDNAMES", names);
	}

	static void set(const char *variable, const char *value)
	{
		if (value)
			setenv(variable, value, 1);
		else
			unsetenv(variable);
	}

	// Nothing of this process's is at 3 to 5.
	void in_child(std::function<void()> body)
	{
		Child child([&](Child &) {
			self = std::to_string(getpid());
			for (int fd = 3; fd < 6; fd++)
				EXPECT_EQ(fd, dup2(STDOUT_FILENO, fd));
			body();
			return 0;
		});
		child.expect_success();
	}

	std::string self = std::to_string(getpid());
};

TEST_F(LibActivated, ByName)
{
	in_child([&] {
		started(self.c_str(), "3", "calculator:timer:ping");
		EXPECT_EQ(3, stplr_activated("calculator"));
		EXPECT_EQ(4, stplr_activated("timer"));
		EXPECT_EQ(5, stplr_activated("ping"));
		EXPECT_EQ(5, stplr_activated("ping")) << "again";
		for (int fd = 3; fd < 6; fd++)
			EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
		for (const char *other : {"tim", "timers", "", "calculator:timer", ":", "unknown"})
			EXPECT_FAILS(ENOENT, stplr_activated(other));
		EXPECT_FAILS(ENOTUNIQ, stplr_activated(nullptr));
	});
}

TEST_F(LibActivated, TheOnlyOneAndWithoutNames)
{
	in_child([&] {
		started(self.c_str(), "1", "calculator");
		EXPECT_EQ(3, stplr_activated(nullptr));
		started(self.c_str(), "1", nullptr);
		EXPECT_EQ(3, stplr_activated(nullptr));
		EXPECT_EQ(3, stplr_activated("unknown"));
		EXPECT_FAILS(ENOENT, stplr_activated("calculator"));
		started(self.c_str(), "1", "");
		EXPECT_EQ(3, stplr_activated(""));
		started(self.c_str(), "3", "timer:a:timer");
		EXPECT_FAILS(ENOTUNIQ, stplr_activated("timer"));
		EXPECT_EQ(4, stplr_activated("a"));
		for (const char *fds : {"2", "2147483644"}) {
			started(self.c_str(), fds, nullptr);
			EXPECT_FAILS(ENOTUNIQ, stplr_activated("unknown"));
			EXPECT_FAILS(ENOTUNIQ, stplr_activated(nullptr));
			EXPECT_FAILS(ENOENT, stplr_activated("calculator"));
		}
	});
}

TEST_F(LibActivated, NotStartedSo)
{
	in_child([&] {
		for (const char *pid : {static_cast<const char *>(nullptr), "1", self.c_str()})
			for (const char *fds : {static_cast<const char *>(nullptr), "1"}) {
				started(pid, fds, nullptr);
				if (pid != self.c_str() || !fds)
					EXPECT_FAILS(ENOENT, stplr_activated(nullptr));
			}
		// One that it starts inherits the variables.
		started(self.c_str(), "1", "calculator");
		Child child([&](Child &) {
			EXPECT_FAILS(ENOENT, stplr_activated("calculator"));
			EXPECT_EQ(0, fcntl(3, F_GETFD)) << "its descriptor is not touched";
			return 0;
		});
		child.expect_success();
	});
}

TEST_F(LibActivated, VariablesThatMakeNoSense)
{
	in_child([&] {
		for (const char *fds :
		     {"", "0", "-1", "x", "1x", " 1", "+1", "2147483645", "99999999999999999999"}) {
			started(self.c_str(), fds, "calculator");
			EXPECT_FAILS(EINVAL, stplr_activated("calculator"));
		}
		for (const char *pid : {"", "0", "-5", "x", "99999999999999999999"}) {
			started(pid, "1", "calculator");
			EXPECT_FAILS(EINVAL, stplr_activated("calculator"));
		}
		for (const char *names : {"", "calculator", "calculator:a:b", "calculator:a:"}) {
			started(self.c_str(), "2", names);
			EXPECT_FAILS(EINVAL, stplr_activated("calculator"));
			EXPECT_FAILS(EINVAL, stplr_activated("other"));
		}
		// More than there are names for, and the longest number that there can be.
		started(self.c_str(), "2147483644", "calculator");
		EXPECT_FAILS(EINVAL, stplr_activated("calculator"));
		started(self.c_str(), "2", "calculator:timer");
		close(4);
		EXPECT_FAILS(EBADF, stplr_activated("timer"));
	});
}

TEST_F(LibConnect, DetachEndsIt)
{
	struct stplr_connect_info about = {};

	EXPECT_EQ(0, stplr_connect_detach(connection));
	EXPECT_FAILS(EBADF, stplr_connect_detach(connection));
	EXPECT_FAILS(EBADF, stplr_send(connection, "x", 1));
	EXPECT_EQ(0, stplr_connect_info(connection, &about));
	EXPECT_TRUE(about.flags & STPLR_CONNECT_DETACHED);
	EXPECT_FAILS(ENOTTY, stplr_connect_detach(channel));
	EXPECT_FAILS(ENOTTY, stplr_connect_info(channel, &about));
}

TEST_F(LibMessage, WhatAServerKnows)
{
	Child client([this](Child &) {
		char byte;
		for (int i = 0; i < 2; i++)
			if (stplr_send_receive(connection, "info", 4, &byte, 1, nullptr) != 0)
				return 1;
		return 0;
	});
	struct stplr_msg_info info, again;
	struct stplr_client_info about = {};
	char text[8];
	gid_t groups[64];
	int32_t rcvid = stplr_receive(channel, text, sizeof(text), &info);

	ASSERT_GT(rcvid, 0);
	EXPECT_EQ(0u, info.cookie);
	ASSERT_EQ(0, stplr_msg_info(channel, rcvid, &again)) << strerror(errno);
	EXPECT_EQ(0, memcmp(&info, &again, sizeof(info)));
	EXPECT_FAILS(ESRCH, stplr_msg_info(channel, rcvid + 1, &again));
	EXPECT_FAILS(EINVAL, stplr_msg_info(channel, 0, &again));

	about.scoid = info.scoid;
	about.groups = reinterpret_cast<uintptr_t>(groups);
	about.nr_groups = 64;
	ASSERT_EQ(0, stplr_client_info(channel, &about)) << strerror(errno);
	EXPECT_EQ(getpid(), about.pid) << "who made the connection";
	EXPECT_EQ(geteuid(), about.euid);
	EXPECT_EQ(1u, about.connections);
	about.scoid += 1000;
	EXPECT_FAILS(ESRCH, stplr_client_info(channel, &about));

	EXPECT_EQ(0, stplr_client_cookie(channel, info.coid, 0x123456789abc));
	EXPECT_FAILS(ESRCH, stplr_client_cookie(channel, info.coid + 1000, 1));
	EXPECT_EQ(0, stplr_reply(channel, rcvid, 0, nullptr, 0));
	rcvid = stplr_receive(channel, text, sizeof(text), &info);
	EXPECT_EQ(0x123456789abcu, info.cookie);
	EXPECT_EQ(0, stplr_reply(channel, rcvid, 0, nullptr, 0));
	client.expect_success();
}

TEST_F(LibPulse, CarriesCodeAndValue)
{
	struct stplr_pulse_send args = {};
	struct stplr_msg_info info;
	struct stplr_pulse pulse;

	EXPECT_EQ(0, stplr_pulse(connection, 100, 7, UINT64_MAX));
	args.code = -1;
	args.value = 5;
	args.priority = 99;
	EXPECT_EQ(0, stplr_pulse_send(connection, &args));
	EXPECT_EQ(0, stplr_receive(channel, &pulse, sizeof(pulse), &info)) << strerror(errno);
	EXPECT_EQ(7, pulse.code);
	EXPECT_EQ(UINT64_MAX, pulse.value);
	EXPECT_EQ(static_cast<unsigned>(STPLR_KIND_PULSE), info.kind);
	EXPECT_EQ(100, info.priority);
	EXPECT_EQ(0, stplr_receive_pulse(channel, &pulse, nullptr));
	EXPECT_EQ(-1, pulse.code);
	EXPECT_FAILS(EINVAL, stplr_pulse(connection, 141, 7, 1));
	EXPECT_FAILS(EINVAL, stplr_pulse(connection, STPLR_PRIORITY_OWN, 128, 1));
}

TEST_F(LibPulse, ReceivedAloneItLeavesMessages)
{
	struct stplr_msg_info info;
	struct stplr_pulse pulse;
	char text[4];

	ASSERT_EQ(0, stplr_send_queued(connection, "m", 1));
	ASSERT_EQ(0, stplr_pulse(connection, 0, 3, 4));
	EXPECT_EQ(0, stplr_receive_pulse(channel, &pulse, &info));
	EXPECT_EQ(3, pulse.code);
	EXPECT_LT(0, stplr_receive(channel, text, sizeof(text), &info));
	EXPECT_EQ('m', text[0]);
}

TEST_F(LibPulse, TellsOfAServersEnd)
{
	int own = stplr_channel_create(device, nullptr, nullptr);
	struct stplr_connect_notify args = {};
	struct stplr_pulse pulse;

	args.channel = own;
	args.priority = STPLR_PRIORITY_OWN;
	args.value = 77;
	ASSERT_EQ(0, stplr_connect_notify(connection, &args)) << strerror(errno);
	EXPECT_EQ(0, stplr_channel_destroy(channel));
	EXPECT_EQ(0, stplr_receive_pulse(own, &pulse, nullptr));
	EXPECT_EQ(STPLR_PULSE_CONNECTION_DEATH, pulse.code);
	EXPECT_EQ(77u, pulse.value);
	close(own);
}

TEST_F(LibEvent, IsDeliveredUntilItIsTakenBack)
{
	int own = stplr_channel_create(device, "lib_test_own", nullptr);
	int self = stplr_connect(device, "lib_test_own", STPLR_DEADLINE_POLL);
	struct stplr_event_register event = {};
	struct stplr_event_deliver deliver = {};
	struct stplr_pulse pulse;

	event.type = STPLR_EVENT_PULSE;
	event.fd = self;
	event.priority = 20;
	event.code = 9;
	event.value = 99;
	ASSERT_EQ(0, stplr_event_register(connection, &event)) << strerror(errno);
	deliver.id = event.id;
	EXPECT_EQ(0, stplr_event_deliver(channel, &deliver));
	EXPECT_EQ(0, stplr_receive_pulse(own, &pulse, nullptr));
	EXPECT_EQ(9, pulse.code);
	EXPECT_EQ(99u, pulse.value);
	EXPECT_FAILS(EACCES, stplr_event_deliver(own, &deliver));
	EXPECT_FAILS(ENOENT, stplr_event_unregister(device, event.id));
	EXPECT_EQ(0, stplr_event_unregister(connection, event.id));
	EXPECT_FAILS(ENOENT, stplr_event_unregister(connection, event.id));
	EXPECT_FAILS(ENOENT, stplr_event_deliver(channel, &deliver));
	close(self);
	close(own);
}

TEST_F(LibBuffer, IsNamedByItsIndex)
{
	static char memory[65536] __attribute__((aligned(4096)));
	static char room[65536] __attribute__((aligned(4096)));
	int send = stplr_buffer_register(connection, memory, sizeof(memory), 0);
	int receive = stplr_buffer_register(channel, room, sizeof(room), STPLR_BUFFER_WRITE);
	struct stplr_msg_send args = {};
	struct stplr_msg_receive receive_args = {};

	ASSERT_GE(send, 0) << strerror(errno);
	ASSERT_GE(receive, 0) << strerror(errno);
	memset(memory, 'r', sizeof(memory));
	args.send.addr = STPLR_REGISTERED(send, 4096);
	args.send.len = 32768;
	args.flags = STPLR_SEND_REGISTERED;
	args.send_deadline = STPLR_DEADLINE_NONE;
	args.reply_deadline = STPLR_DEADLINE_NONE;
	Thread client([&] { return stplr_msg_send_receive(connection, &args); });
	receive_args.buffer.addr = STPLR_REGISTERED(receive, 0);
	receive_args.buffer.len = sizeof(room);
	receive_args.flags = STPLR_RECEIVE_REGISTERED;
	receive_args.deadline = STPLR_DEADLINE_NONE;
	ASSERT_EQ(0, stplr_msg_receive(channel, &receive_args)) << strerror(errno);
	EXPECT_EQ(32768u, receive_args.info.len);
	EXPECT_EQ('r', room[32767]);
	EXPECT_EQ(0, room[32768]);
	EXPECT_EQ(0, stplr_reply(channel, receive_args.info.rcvid, 0, nullptr, 0));
	EXPECT_EQ(0, client.join());

	EXPECT_EQ(0, stplr_buffer_unregister(connection, send));
	EXPECT_FAILS(ENOENT, stplr_buffer_unregister(connection, send));
	EXPECT_EQ(0, stplr_buffer_unregister(channel, receive));
	EXPECT_FAILS(EINVAL, stplr_msg_send_receive(connection, &args));
	EXPECT_FAILS(EINVAL, stplr_buffer_register(connection, memory, 0, 0));
	EXPECT_FAILS(EFAULT, stplr_buffer_register(connection, nullptr, 4096, 0));
}

TEST_F(LibMessage, WrongDescriptors)
{
	char byte;

	EXPECT_FAILS(ENOTTY, stplr_send(channel, "x", 1));
	EXPECT_FAILS(ENOTTY, stplr_send_receive(device, "x", 1, &byte, 1, nullptr));
	EXPECT_FAILS(ENOTTY, stplr_receive(connection, &byte, 1, nullptr));
	EXPECT_FAILS(ENOTTY, stplr_reply(connection, 1, 0, &byte, 1));
	EXPECT_FAILS(ENOTTY, stplr_read(device, 1, &byte, 1, 0));
	EXPECT_FAILS(ENOTTY, stplr_connect(channel, "lib_test", 0));
	EXPECT_FAILS(EBADF, stplr_send(-1, "x", 1));
}

// Signals: their handler restarts nothing unless told to, and a timer sends one every millisecond,
// or none.

std::atomic<int> alarms;

class Alarms
{
public:
	explicit Alarms(suseconds_t period_us = 1000, int flags = 0)
	{
		struct sigaction action = {};

		alarms = 0;
		action.sa_flags = flags;
		action.sa_handler = [](int) { alarms++; };
		sigaction(SIGALRM, &action, nullptr);
		set(period_us);
	}
	// One that is on its way, to another thread or from another process, hurts nobody.
	~Alarms()
	{
		set(0);
		signal(SIGALRM, SIG_IGN);
	}

private:
	static void set(suseconds_t period)
	{
		struct itimerval timer = {{0, period}, {0, period}};

		setitimer(ITIMER_REAL, &timer, nullptr);
	}
};

// Signals for the client, whose message its server, this process, has received.
void disturb_client()
{
	for (int i = 0; i < 20; i++) {
		kill(getppid(), SIGALRM);
		sleep_ms(1);
	}
}

// Serves in another process, so that every SIGALRM is the client's; counts what it serves in the
// reply.
class SlowServer
{
public:
	SlowServer(int channel, int count)
		: child_([channel, count](Child &) {
			  for (int i = 0; i < count; i++) {
				  int number;
				  int32_t rcvid =
					  stplr_receive(channel, &number, sizeof(number), nullptr);
				  if (rcvid <= 0)
					  return 1;
				  disturb_client();
				  int answer[] = {number, i};
				  if (stplr_reply(channel, rcvid, 0, answer, sizeof(answer)) !=
				      sizeof(answer))
					  return 2;
			  }
			  return 0;
		  })
	{
	}
	void wait_receiving()
	{
		ASSERT_TRUE(child_.wait_blocked(STPLR_MSG_RECEIVE));
	}
	void finish()
	{
		child_.expect_success();
	}

private:
	Child child_;
};

TEST_F(LibSignal, NoCallIsLostOrRunTwice)
{
	SlowServer server(channel, 20);
	int answer[2];

	for (int i = 0; i < 20; i++) {
		// A signal while SEND-blocked withdraws the message; this is about one while
		// REPLY-blocked.
		ASSERT_NO_FATAL_FAILURE(server.wait_receiving());
		Alarms every_millisecond;
		ssize_t got;
		do
			got = stplr_send_receive(connection, &i, sizeof(i), answer, sizeof(answer),
						 nullptr);
		while (got < 0 && errno == EINTR);
		ASSERT_EQ(ssize_t(sizeof(answer)), got) << strerror(errno);
		EXPECT_EQ(i, answer[0]);
		EXPECT_EQ(i, answer[1])
			<< "the server served another number of messages than were sent";
		EXPECT_GT(alarms, 0);
	}
	server.finish();
}

TEST_F(LibSignal, OneCallOutlastsTheSignals)
{
	SlowServer server(channel, 1);
	int question = 5, answer[2];
	std::atomic<int> calls{0};

	ASSERT_NO_FATAL_FAILURE(server.wait_receiving());
	// cppcheck-suppress danglingLifetime; TearDown() takes it away
	meddle = [&](int result, unsigned long request, void *argument) {
		if (request == STPLR_MSG_SEND_RECEIVE) {
			calls++;
			if (result < 0 && errno == EINTR)
				EXPECT_NE(0u,
					  static_cast<struct stplr_msg_send *>(argument)->token);
		}
		return result;
	};
	{
		Alarms handled(0);
		EXPECT_EQ(ssize_t(sizeof(answer)),
			  stplr_send_receive(connection, &question, sizeof(question), answer,
					     sizeof(answer), nullptr))
			<< strerror(errno);
	}
	EXPECT_GT(calls, 1) << "no signal ended a system call";
	EXPECT_EQ(5, answer[0]);
	server.finish();
}

TEST_F(LibSignal, DoNotExtendACall)
{
	Child server([this](Child &) {
		struct stplr_msg_info info;
		char byte;
		for (;;) {
			int32_t rcvid = stplr_receive(channel, &byte, 1, nullptr);
			// until the client gives up
			while (stplr_msg_info(channel, rcvid, &info) == 0)
				disturb_client();
		}
		return 0;
	});
	std::vector<int64_t> deadlines;

	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	// cppcheck-suppress danglingLifetime; TearDown() takes it away
	meddle = [&](int result, unsigned long request, void *argument) {
		if (request == STPLR_MSG_SEND_RECEIVE) {
			auto args = static_cast<struct stplr_msg_send *>(argument);
			deadlines.push_back(args->send_deadline);
			deadlines.push_back(args->reply_deadline);
		}
		return result;
	};
	Alarms handled(0);
	// a slow machine needs more for the message to come to the server, and its signals back
	for (int64_t timeout = STPLR_SECOND / 4; deadlines.size() <= 2; timeout *= 2) {
		deadlines.clear();
		int64_t begin = now(CLOCK_MONOTONIC);
		EXPECT_FAILS(ETIMEDOUT, stplr_call(connection, "x", 1, nullptr, 0, timeout));
		EXPECT_GE(now(CLOCK_MONOTONIC) - begin, timeout);
		ASSERT_FALSE(deadlines.empty());
		for (int64_t deadline : deadlines) {
			EXPECT_GE(deadline, begin + timeout);
			EXPECT_EQ(deadlines[0], deadline);
		}
	}
	EXPECT_GT(alarms, 0);
}

TEST_F(LibSignal, DoNotExtendWaitsThatStartOver)
{
	Alarms every_millisecond(1000, SA_RESTART);
	char byte;

	EXPECT_FAILS(ETIMEDOUT,
		     stplr_receive_timeout(channel, &byte, 1, nullptr, 100 * STPLR_MILLISECOND));
	EXPECT_FAILS(ETIMEDOUT, stplr_call(connection, "x", 1, &byte, 1, 100 * STPLR_MILLISECOND));
	EXPECT_FAILS(ETIMEDOUT, stplr_connect_timeout(device, "nobody", 100 * STPLR_MILLISECOND));
	EXPECT_GT(alarms, 0);
}

TEST_F(LibSignal, RawCallLeavesTheChoice)
{
	SlowServer server(channel, 1);
	int question = 6, answer[2] = {}, interrupted = 0, result;
	struct stplr_msg_send args = {};

	ASSERT_NO_FATAL_FAILURE(server.wait_receiving());
	args.send.addr = reinterpret_cast<uintptr_t>(&question);
	args.send.len = sizeof(question);
	args.reply.addr = reinterpret_cast<uintptr_t>(answer);
	args.reply.len = sizeof(answer);
	args.send_deadline = args.reply_deadline = STPLR_DEADLINE_NONE;
	{
		Alarms every_millisecond;
		// Without a token it was too early: nothing was received.
		while ((result = stplr_msg_send_receive(connection, &args)) < 0 && errno == EINTR)
			interrupted += args.token != 0;
	}
	EXPECT_EQ(0, result) << strerror(errno);
	EXPECT_GT(interrupted, 0);
	EXPECT_EQ(6, answer[0]);
	EXPECT_EQ(0, answer[1]);
	server.finish();
}

TEST_F(LibSignal, WithdrawsAMessageThatNobodyHas)
{
	Alarms every_millisecond;
	char byte;

	EXPECT_FAILS(EINTR, stplr_send_receive(connection, "x", 1, &byte, 1, nullptr));
	EXPECT_FAILS(EINTR, stplr_send(connection, "x", 1));
	EXPECT_FAILS(EINTR, stplr_call(connection, "x", 1, &byte, 1, 30 * STPLR_SECOND));
	EXPECT_FAILS(EINTR, stplr_receive(channel, &byte, 1, nullptr));
	EXPECT_FAILS(EINTR, stplr_receive_timeout(channel, &byte, 1, nullptr, 30 * STPLR_SECOND));
	EXPECT_FAILS(EINTR, stplr_connect_timeout(device, "nobody", 30 * STPLR_SECOND));
	ASSERT_EQ(0, fcntl(channel, F_SETFL, O_NONBLOCK));
	EXPECT_FAILS(EAGAIN, stplr_receive(channel, &byte, 1, nullptr));
}

TEST_F(LibSignal, TruncatedOneWayMessageOutlastsThem)
{
	Child server([this](Child &) {
		char byte;
		int32_t rcvid = stplr_receive(channel, &byte, 1, nullptr);
		disturb_client();
		return stplr_read(channel, rcvid, &byte, 1, 1) == 1 && byte == 'b' ? 0 : 1;
	});

	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	{
		Alarms handled(0);
		EXPECT_EQ(0, stplr_send(connection, "ab", 2)) << strerror(errno);
		EXPECT_GT(alarms, 0);
	}
	server.expect_success();
}

} // namespace
