// SPDX-License-Identifier: MIT
// The library's side of rings, with the module: two processes, one that has both ends, a fork;
// either side dies in the middle; what tells of data and room; and no system call while data flows.
// (tests/ring/ has what needs no module.)
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/watchdog.h"

// After the support's headers: its calls hide the structures of the same names.
#include <stplr.h>

namespace
{

constexpr uint32_t kPages = 4;
constexpr int64_t kSoon = 40 * STPLR_SECOND;

// A mapped end with its descriptor; fails the test when there is none.
class End
{
public:
	explicit End(int fd) : fd(fd)
	{
		EXPECT_GE(fd, 0) << strerror(errno);
		EXPECT_EQ(stplr_ring_map(&ring, fd), 0) << strerror(errno);
	}
	End(const End &) = delete;
	~End()
	{
		stplr_ring_unmap(&ring);
	}
	operator stplr_ring *()
	{
		return &ring;
	}
	uint32_t size() const
	{
		return ring.out.size;
	}

	Fd fd;
	stplr_ring ring;
};

int create(int device, const std::string &name, uint32_t flags = 0, uint32_t rings = 1,
	   uint32_t in_pages = kPages)
{
	struct stplr_rings_create options = {};

	options.flags = flags;
	options.rings = rings;
	options.out_pages = kPages;
	options.in_pages = flags & STPLR_RINGS_MANY ? 0 : in_pages;
	return stplr_rings_create(device, name.c_str(), &options);
}

// 0, or the errno.
int error_of(long result)
{
	return result < 0 ? errno : 0;
}
int error_of(const void *result)
{
	return result ? 0 : errno;
}

std::string read_text(stplr_ring *ring, stplr_ring_copy *record = nullptr)
{
	char buffer[kPages * 4096];
	const ssize_t len = stplr_ring_read(ring, buffer, sizeof(buffer), record);

	return len < 0 ? std::string("error ") + strerrorname_np(errno)
		       : std::string(buffer, static_cast<size_t>(len));
}

int write_text(stplr_ring *ring, const std::string &text, uint16_t type = 0, uint32_t how = 0)
{
	return stplr_ring_write(ring, text.data(), text.size(), type, how);
}

// Of every length: the words of record N are N, N + 1, ...
size_t words_of(uint64_t number)
{
	return number % 101 == 5 ? 1000 : number * 2654435761 % 17;
}

bool write_numbered(stplr_ring *ring, uint64_t number)
{
	const size_t words = words_of(number);

	for (;;) {
		void *const place = stplr_ring_reserve(ring, words * 8);

		if (place) {
			for (size_t at = 0; at < words; at++)
				static_cast<uint64_t *>(place)[at] = number + at;
			return stplr_ring_commit(ring, words * 8,
						 static_cast<uint16_t>(number % 65536), 0) == 0;
		}
		if (errno != EAGAIN || stplr_ring_wait(ring, STPLR_RING_ROOM, words * 8, kSoon) < 0)
			return false;
	}
}

// The next record, which must be this one. errno where there is none.
bool read_numbered(stplr_ring *ring, uint64_t number)
{
	stplr_ring_copy record;
	const void *bytes;

	while (!(bytes = stplr_ring_peek(ring, &record)))
		if (errno != EAGAIN || stplr_ring_wait(ring, STPLR_RING_DATA, 0, kSoon) < 0)
			return false;
	errno = 0;
	if (record.number != number || record.record.len != words_of(number) * 8 ||
	    record.record.type != number % 65536)
		return false;
	for (size_t at = 0; at < words_of(number); at++)
		if (static_cast<const uint64_t *>(bytes)[at] != number + at)
			return false;
	return stplr_ring_release(ring, 0) == 0;
}

// A set, its ring 0's creator's end, and the other one, in this process.
class RingLibTest : public testing::Test
{
protected:
	void make(uint32_t flags = 0)
	{
		set.reset(create(device, "ring_lib_test", flags));
		ASSERT_GE(set.get(), 0) << strerror(errno);
	}
	int open()
	{
		return stplr_ring_open(set, nullptr);
	}
	int attach(int64_t timeout = kSoon)
	{
		return stplr_ring_attach_timeout(device, "ring_lib_test", STPLR_RING_ANY, timeout);
	}

	Fd device = open_device();
	Fd set;
};

TEST_F(RingLibTest, OneProcessHasBothEnds)
{
	make();
	End creator(open()), attached(attach());
	struct stplr_rings_attached peer = {};
	struct stplr_ring_info info;

	EXPECT_EQ(stplr_rings_attached(set, STPLR_RING_ANY, &peer, kSoon), 0);
	EXPECT_EQ(peer.pid, getpid());
	EXPECT_EQ(error_of(stplr_rings_attached(set, STPLR_RING_ANY, nullptr, 0)), EAGAIN);
	EXPECT_EQ(error_of(stplr_rings_attached(set, 0, nullptr, STPLR_MILLISECOND)), ETIMEDOUT);
	EXPECT_EQ(error_of(stplr_rings_attached(set, 1, nullptr, 0)), EINVAL);
	for (uint64_t number = 0; number < 20000; number++) {
		ASSERT_TRUE(write_numbered(creator, number));
		ASSERT_TRUE(write_numbered(attached, number));
		ASSERT_TRUE(read_numbered(attached, number));
		ASSERT_TRUE(read_numbered(creator, number));
	}
	ASSERT_EQ(write_text(creator, "12345"), 0);
	ASSERT_EQ(stplr_ring_info(attached.fd, &info), 0);
	EXPECT_EQ(info.next, 5U);
	EXPECT_EQ(info.in_bytes, kPages * 4096);
	EXPECT_EQ(info.peers, 1U);
	EXPECT_EQ(info.error, 0U);
	EXPECT_EQ(info.flags & STPLR_RING_CREATOR, 0U);
	EXPECT_EQ(attached.ring.flags, info.flags);
}

TEST_F(RingLibTest, WhoAttachesInVain)
{
	EXPECT_EQ(error_of(attach(0)), ENOENT);
	EXPECT_EQ(error_of(attach(STPLR_MILLISECOND)), ETIMEDOUT);
	make();
	EXPECT_EQ(error_of(attach(0)), EAGAIN);
	EXPECT_EQ(error_of(attach(STPLR_MILLISECOND)), ETIMEDOUT);
	EXPECT_EQ(error_of(stplr_ring_attach_timeout(device, "ring_lib_test", 1, 0)), EINVAL);
	EXPECT_EQ(error_of(stplr_ring_attach_timeout(device, "", 0, 0)), EINVAL);
	EXPECT_EQ(error_of(stplr_ring_attach_timeout(device, nullptr, 0, 0)), EINVAL);
	EXPECT_EQ(error_of(create(device, "ring_lib_test")), EEXIST);
	EXPECT_EQ(error_of(create(device, "")), EINVAL);
	EXPECT_EQ(error_of(create(device, std::string(1000, 'x'))), EINVAL);

	End creator(open());
	EXPECT_EQ(error_of(open()), EBUSY);
	struct stplr_ring_attach options = {};
	options.number = STPLR_RING_ANY;
	options.flags = STPLR_RING_UID;
	options.uid = 12345;
	EXPECT_EQ(error_of(stplr_ring_attach(device, "ring_lib_test", &options)), EPERM);
	options.uid = 0;
	const Fd attached(stplr_ring_attach(device, "ring_lib_test", &options));
	EXPECT_GE(attached.get(), 0) << strerror(errno);
	EXPECT_EQ(options.number, 0U);
	EXPECT_EQ(error_of(attach(0)), EAGAIN);
}

TEST_F(RingLibTest, TwoProcessesWhoeverComesFirst)
{
	const uint64_t records = 50000ull * test_repeat();

	Child child([&](Child &) {
		End end(attach());

		for (uint64_t number = 0; number < records; number++) {
			EXPECT_TRUE(read_numbered(end, number)) << number << strerror(errno);
			EXPECT_TRUE(write_numbered(end, number)) << number << strerror(errno);
			if (testing::Test::HasFailure())
				return 1;
		}
		return 0;
	});
	EXPECT_TRUE(child.wait_blocked(STPLR_RING_ATTACH));
	make();
	End creator(open());
	EXPECT_EQ(stplr_rings_attached(set, 0, nullptr, kSoon), 0);
	// so many that they are all under way at a time
	uint64_t written = 0, read = 0;
	while (read < records) {
		if (written < records && written - read < 5) {
			ASSERT_TRUE(write_numbered(creator, written++)) << strerror(errno);
			continue;
		}
		ASSERT_TRUE(read_numbered(creator, read++)) << strerror(errno);
	}
	child.expect_success();
	EXPECT_EQ(read_text(creator), "error EPIPE");
	EXPECT_EQ(error_of(stplr_ring_reserve(creator, 0)), EPIPE);
}

// Whether one sleeps at once, or looks again and again before: nothing is lost, nobody is left
// asleep.
TEST_F(RingLibTest, StreamsThatFillUpAndRunDry)
{
	const uint64_t records = 300000;

	for (const uint32_t spin : {0U, 1000U, 100000U, 4000000000U}) {
		make();
		End creator(open());
		Child child([&](Child &) {
			End end(attach());

			end.ring.spin = spin;
			for (uint64_t number = 0; number < records; number++)
				if (!read_numbered(end, number))
					return 1;
			return 0;
		});
		creator.ring.spin = spin;
		for (uint64_t number = 0; number < records; number++)
			ASSERT_TRUE(write_numbered(creator, number)) << strerror(errno);
		child.expect_success();
		set.reset();
	}
}

TEST_F(RingLibTest, AMappingIsNotInherited)
{
	make();
	End creator(open()), attached(attach());

	EXPECT_EQ(write_text(creator, "from the parent"), 0);
	Child dies([&](Child &) {
		signal(SIGSEGV, SIG_DFL);
		read_text(attached);
		return 0;
	});
	const int status = dies.wait();
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) << status;

	// what was handed down is the descriptor
	Child maps([&](Child &) {
		stplr_ring ring;

		EXPECT_EQ(stplr_ring_map(&ring, attached.fd), 0);
		EXPECT_EQ(read_text(&ring), "from the parent");
		EXPECT_EQ(write_text(&ring, "from the child"), 0);
		return 0;
	});
	maps.expect_success();
	EXPECT_EQ(read_text(creator), "from the child");
	EXPECT_EQ(read_text(attached), "error EAGAIN");
	EXPECT_EQ(write_text(attached, "and on"), 0);
	EXPECT_EQ(read_text(creator), "and on");
}

TEST_F(RingLibTest, AWriterThatIsKilledInTheMiddle)
{
	make();
	End creator(open());
	Child child([&](Child &self) {
		End end(attach());

		self.tell(1);
		for (uint64_t number = 0;; number++)
			if (!write_numbered(end, number))
				return 1;
	});
	child.hear();
	uint64_t read = 0;
	for (; read < 1000; read++)
		ASSERT_TRUE(read_numbered(creator, read)) << strerror(errno);
	child.kill(SIGKILL);
	child.wait();
	// what was committed is there, whole, and then it has ended
	while (read_numbered(creator, read))
		read++;
	EXPECT_EQ(errno, EPIPE) << read;
	EXPECT_EQ(error_of(stplr_ring_wait(creator, STPLR_RING_DATA, 0, -1)), EPIPE);
	EXPECT_EQ(error_of(stplr_ring_wait(creator, STPLR_RING_ROOM, 0, -1)), EPIPE);
	EXPECT_EQ(error_of(write_text(creator, "x")), EPIPE);
}

TEST_F(RingLibTest, AReaderThatIsKilledWhileTheWriterWaits)
{
	make();
	End creator(open());
	Child child([&](Child &self) {
		End end(attach());

		self.tell(read_numbered(end, 0));
		pause();
		return 0;
	});
	uint64_t number = 0;
	Thread writer([&]() -> long {
		while (write_numbered(creator, number))
			number++;
		return errno;
	});
	EXPECT_EQ(child.hear(), 1);
	EXPECT_TRUE(writer.wait_blocked(STPLR_RING_WAIT));
	child.kill(SIGKILL);
	EXPECT_EQ(writer.join(), EPIPE);
	EXPECT_GT(number, 1U);
}

TEST_F(RingLibTest, ANumberIsAttachedAgain)
{
	make();
	for (int round = 0; round < 20; round++) {
		End creator(open());
		Child child([&](Child &) {
			End end(attach());

			EXPECT_EQ(read_text(end), "error EAGAIN") << "a ring that somebody used";
			EXPECT_EQ(write_text(end, "hello"), 0);
			raise(SIGKILL);
			return 0;
		});
		EXPECT_EQ(stplr_ring_wait(creator, STPLR_RING_DATA, 0, kSoon),
			  int(STPLR_RING_DATA));
		child.wait();
		EXPECT_EQ(read_text(creator), "hello");
		EXPECT_EQ(read_text(creator), "error EPIPE");
		EXPECT_EQ(error_of(attach(0)), EAGAIN);
	}
}

TEST_F(RingLibTest, ItIsEndedByACall)
{
	for (const int error : {0, EPROTO}) {
		make();
		End creator(open()), attached(attach());
		const int expected = error ? error : EPIPE;

		EXPECT_EQ(write_text(creator, "last"), 0);
		EXPECT_EQ(error_of(stplr_ring_end(creator.fd, EIO)), EINVAL);
		Thread waits([&]() -> long {
			return error_of(stplr_ring_wait(creator, STPLR_RING_DATA, 0, kSoon));
		});
		EXPECT_TRUE(waits.wait_blocked(STPLR_RING_WAIT));
		EXPECT_EQ(stplr_ring_end(attached.fd, error), 0);
		EXPECT_EQ(waits.join(), expected);
		EXPECT_EQ(error_of(stplr_ring_end(creator.fd, 0)), EPIPE);
		EXPECT_EQ(error_of(write_text(creator, "x")), expected);
		if (!error)
			EXPECT_EQ(read_text(attached), "last");
		set.reset();
	}
}

TEST_F(RingLibTest, PollAndEpollTell)
{
	make();
	End creator(open()), attached(attach());
	pollfd polled = {attached.fd, POLLIN | POLLOUT, 0};

	EXPECT_EQ(poll(&polled, 1, 0), 1);
	EXPECT_EQ(polled.revents, POLLOUT);
	EXPECT_EQ(write_text(creator, "x"), 0);
	EXPECT_EQ(poll(&polled, 1, 0), 1);
	EXPECT_EQ(polled.revents, POLLIN | POLLOUT);
	EXPECT_EQ(read_text(attached), "x");
	while (!write_text(attached, ""))
		;
	EXPECT_EQ(errno, EAGAIN);
	EXPECT_EQ(poll(&polled, 1, 0), 0);

	const Fd epoll(epoll_create1(EPOLL_CLOEXEC));
	epoll_event event = {EPOLLIN | EPOLLET, {}};
	ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, attached.fd, &event), 0);
	EXPECT_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	Thread waits([&]() -> long { return epoll_wait(epoll, &event, 1, -1); });
	EXPECT_TRUE(waits.wait_asleep());
	EXPECT_EQ(write_text(creator, "y"), 0);
	EXPECT_EQ(waits.join(), 1);
	EXPECT_TRUE(event.events & EPOLLIN);
	EXPECT_EQ(stplr_ring_end(creator.fd, 0), 0);
	polled.events = POLLIN;
	EXPECT_EQ(poll(&polled, 1, -1), 1);
	EXPECT_EQ(polled.revents, POLLIN | POLLHUP);
	EXPECT_EQ(read_text(attached), "y");
	EXPECT_EQ(poll(&polled, 1, -1), 1);
	EXPECT_EQ(polled.revents & ~POLLIN, POLLHUP);
}

TEST_F(RingLibTest, AnEventfdTells)
{
	make();
	End creator(open()), attached(attach());
	Fd event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	uint64_t count = 0;

	EXPECT_EQ(error_of(stplr_ring_eventfd(attached.fd, device, 0)), EINVAL);
	EXPECT_EQ(error_of(stplr_ring_eventfd(attached.fd, 12345, 0)), EBADF);
	EXPECT_EQ(error_of(stplr_ring_eventfd(attached.fd, event, 1 << 7)), EINVAL);
	ASSERT_EQ(stplr_ring_eventfd(attached.fd, event, 0), 0);
	EXPECT_EQ(write_text(creator, "nobody waits"), 0);
	EXPECT_EQ(error_of(read(event, &count, sizeof(count))), EAGAIN);
	EXPECT_EQ(stplr_ring_arm(attached.fd, STPLR_RING_DATA), 0);
	EXPECT_EQ(write_text(creator, "armed", 0, STPLR_RING_NO_WAKEUP), 0);
	EXPECT_EQ(error_of(read(event, &count, sizeof(count))), EAGAIN);
	EXPECT_EQ(write_text(creator, "and told"), 0);
	EXPECT_EQ(write_text(creator, "once"), 0);
	EXPECT_EQ(read(event, &count, sizeof(count)), 8);
	EXPECT_EQ(count, 1U);
	EXPECT_EQ(write_text(creator, "forced", 0, STPLR_RING_FORCE_WAKEUP), 0);
	EXPECT_EQ(read(event, &count, sizeof(count)), 8);

	ASSERT_EQ(stplr_ring_eventfd(attached.fd, event, STPLR_RING_EVENTFD_ALWAYS), 0);
	for (int at = 0; at < 3; at++)
		EXPECT_EQ(write_text(creator, "always"), 0);
	EXPECT_EQ(read(event, &count, sizeof(count)), 8);
	EXPECT_EQ(count, 3U);
	ASSERT_EQ(stplr_ring_eventfd(attached.fd, -1, 0), 0);
	EXPECT_EQ(write_text(creator, "no more", 0, STPLR_RING_FORCE_WAKEUP), 0);
	EXPECT_EQ(error_of(read(event, &count, sizeof(count))), EAGAIN);

	// the other way
	while (read_text(attached) != "error EAGAIN")
		;
	ASSERT_EQ(stplr_ring_eventfd(creator.fd, event, STPLR_RING_EVENTFD_WAKES), 0);
	Thread waits(
		[&]() -> long { return stplr_ring_wait(attached, STPLR_RING_DATA, 0, kSoon); });
	EXPECT_TRUE(waits.wait_blocked(STPLR_RING_WAIT));
	EXPECT_EQ(write_text(creator, "quietly", 0, STPLR_RING_NO_WAKEUP), 0);
	EXPECT_TRUE(waits.wait_blocked(STPLR_RING_WAIT));
	count = 1;
	EXPECT_EQ(write(event, &count, sizeof(count)), 8);
	EXPECT_EQ(waits.join(), int(STPLR_RING_DATA));
}

// Every system call but those that end the process, and say why, kills it from now on.
bool allow_no_system_call()
{
	sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_exit_group, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

TEST_F(RingLibTest, AMillionRecordsWithoutASystemCall)
{
	make();
	Child child([&](Child &) -> int {
		End creator(open()), attached(attach());

		if (!allow_no_system_call())
			_exit(2);
		for (uint64_t number = 0; number < 1000000; number++) {
			uint64_t copy = number;
			void *const place = stplr_ring_reserve(creator, 64);
			stplr_ring_copy record;

			if (!place)
				_exit(3);
			memcpy(place, &number, sizeof(number));
			if (stplr_ring_commit(creator, 64, 0, 0))
				_exit(4);
			const void *const bytes = stplr_ring_peek(attached, &record);
			if (!bytes || memcmp(bytes, &number, sizeof(number)) ||
			    record.number != number || stplr_ring_release(attached, 0))
				_exit(5);
			if (stplr_ring_write(attached, &copy, sizeof(copy), 0, 0) ||
			    stplr_ring_read(creator, &copy, sizeof(copy), nullptr) != 8 ||
			    copy != number)
				_exit(6);
		}
		_exit(0);
	});
	child.expect_success();
}

// Two processes that are both awake: neither makes one.
TEST_F(RingLibTest, TwoProcessesWithoutASystemCall)
{
	const uint64_t records = 300000;

	make();
	const Fd creator(open());
	Child writer([&](Child &self) -> int {
		stplr_ring ring;

		if (stplr_ring_map(&ring, creator))
			return 1;
		self.hear();
		if (!allow_no_system_call())
			_exit(2);
		for (uint64_t number = 0; number < records;)
			if (!stplr_ring_write(&ring, &number, sizeof(number), 0, 0))
				number++;
			else if (errno != EAGAIN)
				_exit(3);
		_exit(0);
	});
	Child reader([&](Child &self) -> int {
		End end(attach());

		self.hear();
		if (!allow_no_system_call())
			_exit(2);
		for (uint64_t number = 0; number < records;) {
			uint64_t value;
			const ssize_t len = stplr_ring_read(end, &value, sizeof(value), nullptr);

			if (len < 0 && errno == EAGAIN)
				continue;
			if (len != 8 || value != number++)
				_exit(3);
		}
		_exit(0);
	});
	writer.tell(1);
	reader.tell(1);
	writer.expect_success();
	reader.expect_success();
}

TEST_F(RingLibTest, WhatThePeerOwnsCannotBeMadeWritable)
{
	make();
	End creator(open()), attached(attach());

	for (const auto &[address, size] : std::vector<std::pair<const void *, size_t>>{
		     {attached.ring.peer, 4096},
		     {attached.ring.kernel, 4096},
		     {attached.ring.in.data, 2 * kPages * 4096}})
		EXPECT_EQ(error_of(mprotect(const_cast<void *>(address), size,
					    PROT_READ | PROT_WRITE)),
			  EACCES);
}

// A process that writes nonsense where it may write.
TEST_F(RingLibTest, APeerThatBreaksTheRules)
{
	for (int what = 0; what < 4; what++) {
		make();
		End creator(open());
		Child enemy([&](Child &self) {
			End end(attach());
			void *const place = stplr_ring_reserve(end, 8);

			EXPECT_NE(place, nullptr);
			EXPECT_EQ(stplr_ring_commit(end, 8, 0, 0), 0);
			if (what == 0)
				end.ring.own->writer.head = 0x80000000;
			else if (what == 1)
				end.ring.own->writer.head += 4;
			else if (what == 2)
				static_cast<stplr_ring_record *>(place)[-1].len = 0xffffffff;
			else
				end.ring.own->reader.tail = 8;
			self.tell(1);
			self.hear();
			EXPECT_EQ(error_of(write_text(end, "x")), EPROTO);
			return 0;
		});
		enemy.hear();
		if (what < 3)
			EXPECT_EQ(read_text(creator), "error EPROTO") << what;
		else
			EXPECT_EQ(error_of(stplr_ring_reserve(creator, 0)), EPROTO);
		EXPECT_EQ(error_of(stplr_ring_reserve(creator, 0)), EPROTO);
		if (what == 3) // what it wrote before keeps the rules
			EXPECT_EQ(read_text(creator).size(), 8U);
		EXPECT_EQ(read_text(creator), "error EPROTO");
		EXPECT_EQ(error_of(stplr_ring_wait(creator, STPLR_RING_DATA, 0, kSoon)), EPROTO);
		enemy.tell(1);
		enemy.expect_success();
		set.reset();
	}
}

TEST_F(RingLibTest, TurnByTurn)
{
	make(STPLR_RINGS_TURNS);
	End creator(open());
	Child child([&](Child &) {
		End end(attach());

		for (int round = 0; round < 1000; round++) {
			EXPECT_EQ(error_of(stplr_ring_reserve(end, 0)), EBUSY);
			EXPECT_GT(stplr_ring_wait(end, STPLR_RING_DATA, 0, kSoon), 0);
			EXPECT_EQ(read_text(end), "ask");
			EXPECT_EQ(stplr_ring_turn(end), 1);
			EXPECT_EQ(write_text(end, "answer"), 0);
			EXPECT_EQ(stplr_ring_pass(end, 0), 0);
			if (testing::Test::HasFailure())
				return 1;
		}
		return 0;
	});
	for (int round = 0; round < 1000; round++) {
		ASSERT_EQ(write_text(creator, "ask", 0, STPLR_RING_TURN), 0);
		for (const char *text : {"answer", ""}) {
			EXPECT_EQ(stplr_ring_turn(creator), 0);
			ASSERT_GT(stplr_ring_wait(creator, STPLR_RING_DATA, 0, kSoon), 0);
			ASSERT_EQ(read_text(creator), text);
		}
		EXPECT_EQ(stplr_ring_turn(creator), 1);
	}
	child.expect_success();
}

TEST_F(RingLibTest, OneToManyAllGetEverything)
{
	const uint64_t records = 50000;
	struct stplr_rings_create options = {};

	options.flags = STPLR_RINGS_MANY;
	options.rings = 3;
	options.out_pages = kPages;
	set.reset(stplr_rings_create(device, "ring_lib_test", &options));
	ASSERT_GE(set.get(), 0) << strerror(errno);
	End writer(open());
	std::vector<std::unique_ptr<Child>> readers;
	for (int at = 0; at < 3; at++) {
		readers.push_back(std::make_unique<Child>([&](Child &) {
			End end(attach());

			for (uint64_t number = 0; number < records; number++)
				if (!read_numbered(end, number))
					return 1;
			return 0;
		}));
		EXPECT_GE(stplr_rings_attached(set, STPLR_RING_ANY, nullptr, kSoon), 0);
	}
	for (uint64_t number = 0; number < records; number++)
		ASSERT_TRUE(write_numbered(writer, number)) << strerror(errno);
	for (const auto &reader : readers)
		reader->expect_success();
}

TEST_F(RingLibTest, OverwrittenRecordsAreCounted)
{
	const uint64_t records = 100000;

	make(STPLR_RINGS_MANY | STPLR_RINGS_OVERWRITE);
	End writer(open());
	Child child([&](Child &self) {
		End end(attach());
		uint64_t buffer[1000], next = 0, read = 0;
		stplr_ring_copy record;

		self.tell(1);
		while (next < records) {
			if (stplr_ring_read(end, buffer, sizeof(buffer), &record) < 0) {
				EXPECT_EQ(errno, EAGAIN);
				EXPECT_GT(stplr_ring_wait(end, STPLR_RING_DATA, 0, kSoon), 0);
			} else {
				EXPECT_GE(record.number, next);
				EXPECT_EQ(record.record.len, words_of(record.number) * 8);
				for (size_t at = 0; at < record.record.len / 8; at++)
					EXPECT_EQ(buffer[at], record.number + at);
				next = record.number + 1;
				read++;
			}
			if (testing::Test::HasFailure())
				return 1;
		}
		EXPECT_EQ(read + stplr_ring_lost(end), records);
		return 0;
	});
	child.hear();
	for (uint64_t number = 0; number < records; number++)
		ASSERT_TRUE(write_numbered(writer, number)) << strerror(errno);
	child.expect_success();
}

TEST_F(RingLibTest, TakesTurnsWithReadAndWrite)
{
	make();
	End creator(open()), attached(attach());
	struct {
		stplr_ring_copy copy;
		char bytes[8];
	} record = {};

	record.copy.record.len = 5;
	record.copy.record.type = 7;
	memcpy(record.bytes, "write", 5);
	for (uint64_t round = 0; round < 5000; round++) {
		stplr_ring_copy told;

		ASSERT_EQ(write(creator.fd, &record, sizeof(record)), ssize_t(sizeof(record)));
		ASSERT_EQ(write_text(creator, "place", 8), 0);
		ASSERT_EQ(read_text(attached, &told), "write");
		EXPECT_EQ(told.record.type, 7);
		EXPECT_EQ(told.number, round * 2);
		decltype(record) got = {};
		ASSERT_EQ(read(attached.fd, &got, sizeof(got)), ssize_t(sizeof(got)));
		EXPECT_EQ(got.copy.number, round * 2 + 1);
		EXPECT_EQ(std::string(got.bytes, 5), "place");
	}
	EXPECT_EQ(read_text(attached), "error EAGAIN");
}

TEST_F(RingLibTest, ASignalEndsTheWaitAndATimeLimitDoes)
{
	make();
	End creator(open()), attached(attach());
	Thread waits([&]() -> long {
		return error_of(stplr_ring_wait(attached, STPLR_RING_DATA, 0, -1));
	});

	EXPECT_TRUE(waits.wait_blocked(STPLR_RING_WAIT));
	waits.signal(SIGUSR1);
	EXPECT_EQ(waits.join(), EINTR);
	EXPECT_EQ(error_of(stplr_ring_wait(attached, STPLR_RING_DATA, 0, 10 * STPLR_MILLISECOND)),
		  ETIMEDOUT);
	EXPECT_EQ(error_of(stplr_ring_wait(attached, STPLR_RING_DATA, 0, 0)), EAGAIN);
	EXPECT_EQ(stplr_ring_wake(creator.fd), 0);
}

TEST_F(RingLibTest, OtherDescriptorsAreNone)
{
	struct stplr_ring_info info;
	stplr_ring ring;

	make();
	EXPECT_EQ(error_of(stplr_ring_map(&ring, device)), ENOTTY);
	EXPECT_EQ(error_of(stplr_ring_map(&ring, set)), ENOTTY);
	EXPECT_EQ(error_of(stplr_ring_map(&ring, -1)), EBADF);
	EXPECT_EQ(error_of(stplr_ring_reserve(&ring, 1)), EINVAL);
	EXPECT_EQ(error_of(stplr_ring_info(set, &info)), ENOTTY);
	EXPECT_EQ(error_of(stplr_ring_open(device, nullptr)), ENOTTY);
	EXPECT_EQ(error_of(stplr_rings_attached(device, 0, nullptr, 0)), ENOTTY);
	EXPECT_EQ(error_of(create(set, "x")), ENOTTY);
	EXPECT_EQ(error_of(stplr_ring_wake(set)), ENOTTY);
	EXPECT_EQ(error_of(stplr_ring_arm(set, STPLR_RING_DATA)), ENOTTY);
	EXPECT_EQ(error_of(stplr_ring_end(set, 0)), ENOTTY);
}

} // namespace
