// SPDX-License-Identifier: MIT
// Rings between processes: sets, ends and their lifetimes, the memory, waiting and waking.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/module.h"
#include "support/race.h"
#include "support/ring.h"
#include "support/thread.h"

namespace
{

class RingTest : public ::testing::Test
{
protected:
	Fd device = open_device();
};

short polled(int fd, short events, int timeout_ms = 0)
{
	struct pollfd poller = {fd, events, 0};
	EXPECT_LE(0, poll(&poller, 1, timeout_ms));
	return poller.revents;
}

uint64_t eventfd_count(int fd)
{
	uint64_t count = 0;
	if (read(fd, &count, sizeof(count)) < 0)
		EXPECT_EQ(EAGAIN, errno);
	return count;
}

TEST_F(RingTest, LayoutIsTheDocumentedOne)
{
	EXPECT_EQ(40u, sizeof(stplr_rings_create));
	EXPECT_EQ(8u, sizeof(stplr_ring_open));
	EXPECT_EQ(32u, sizeof(stplr_rings_attached));
	EXPECT_EQ(40u, sizeof(stplr_ring_attach));
	EXPECT_EQ(48u, sizeof(stplr_ring_info));
	EXPECT_EQ(24u, sizeof(stplr_ring_wait));
	EXPECT_EQ(8u, sizeof(stplr_ring_eventfd));
	EXPECT_EQ(8u, sizeof(stplr_ring_record));
	EXPECT_EQ(16u, sizeof(stplr_ring_copy));
	EXPECT_EQ(128u, offsetof(stplr_ring_page, reader));
	EXPECT_EQ(24u, offsetof(stplr_ring_writer, oldest));
	EXPECT_EQ(128u, offsetof(stplr_ring_kernel, out.room));
	EXPECT_EQ(256u, offsetof(stplr_ring_kernel, in));
	EXPECT_EQ(512u, offsetof(stplr_ring_kernel, held));
	EXPECT_EQ(516u, offsetof(stplr_ring_kernel, error));
}

TEST_F(RingTest, ArgumentsOfOtherSizesAndBadAddresses)
{
	RingPair pair(device, "sizes");
	const struct {
		int fd;
		unsigned long request;
	} calls[] = {{device, STPLR_RINGS_CREATE},    {device, STPLR_RING_ATTACH},
		     {pair.set, STPLR_RING_OPEN},     {pair.set, STPLR_RINGS_ATTACHED},
		     {pair.other, STPLR_RING_WAIT},   {pair.other, STPLR_RING_ARM},
		     {pair.other, STPLR_RING_EVENTFD}};
	for (auto &each : calls) {
		size_t size = _IOC_SIZE(each.request);
		auto sized = [&](size_t other) {
			return _IOC(_IOC_DIR(each.request), _IOC_TYPE(each.request),
				    _IOC_NR(each.request), other);
		};
		std::vector<char> args(size + 8);
		EXPECT_EQ(-EFAULT, call(each.fd, each.request, nullptr)) << _IOC_NR(each.request);
		EXPECT_EQ(-EINVAL, call(each.fd, sized(size - 4), args.data()));
		args[size] = 1;
		EXPECT_EQ(-E2BIG, call(each.fd, sized(size + 8), args.data()));
	}
	EXPECT_EQ(-EFAULT, call(pair.other, STPLR_RING_INFO, nullptr));
}

// Sets

TEST_F(RingTest, SetsAreChecked)
{
	auto bad = [&](auto change) {
		stplr_rings_create args = rings_args("bad");
		change(args);
		return rings_create(device, args);
	};
	EXPECT_EQ(-EINVAL, bad([](auto &args) { args.name_len = 0; }));
	EXPECT_EQ(-EINVAL, bad([](auto &args) { args.name_len = 64; }));
	EXPECT_EQ(-EINVAL, rings_create(device, rings_args("b/d")));
	EXPECT_EQ(-EFAULT, bad([](auto &args) { args.name = 8; }));
	EXPECT_EQ(-EINVAL, bad([](auto &args) { args.flags = 1 << 5; }));
	EXPECT_EQ(-EINVAL, bad([](auto &args) { args.mode = 01000; }));
	EXPECT_EQ(-EINVAL, bad([](auto &args) { args.gid = 1; }));
	EXPECT_EQ(-EINVAL, bad([](auto &args) { args.reserved = 1; }));
	EXPECT_EQ(-EINVAL, bad([](auto &args) { args.rings = 0; }));
	EXPECT_EQ(-EINVAL, bad([](auto &args) { args.rings = STPLR_RINGS_MAX + 1; }));
	EXPECT_EQ(-EINVAL, bad([](auto &args) { args.out_pages = 3; }));
	EXPECT_EQ(-EINVAL, bad([](auto &args) { args.in_pages = 1u << 31; }));
	EXPECT_EQ(-EINVAL, bad([](auto &args) { args.out_pages = args.in_pages = 0; }));
	EXPECT_EQ(-EINVAL, bad([](auto &args) { args.flags = STPLR_RINGS_OVERWRITE; }));
	EXPECT_EQ(-EINVAL, bad([](auto &args) { args.flags = STPLR_RINGS_MANY; }));
	EXPECT_EQ(-EINVAL, bad([](auto &args) {
		args.flags = STPLR_RINGS_TURNS;
		args.in_pages = 0;
	}));
	EXPECT_EQ(-EINVAL, bad([](auto &args) {
		args.flags = STPLR_RINGS_MANY;
		args.in_pages = 0;
		args.rings = STPLR_RING_READERS_MAX + 1;
	}));
	EXPECT_EQ(0u, objects("memory"));
}

TEST_F(RingTest, ANameIsOneSetsUntilItIsClosed)
{
	Fd set(rings_create(device, rings_args("one")));
	ASSERT_LE(0, set);
	EXPECT_EQ(-EEXIST, rings_create(device, rings_args("one")));
	// Channels' names are others.
	Fd channel = new_channel(device, "one");
	// Another device is another domain.
	Fd other_device = open_device(1);
	Fd other(rings_create(other_device, rings_args("one")));
	EXPECT_LE(0, other);
	set.reset();
	EXPECT_EQ(-ENOENT, ring_attach(device, "one"));
	set.reset(rings_create(device, rings_args("one")));
	EXPECT_LE(0, set);
}

TEST_F(RingTest, DescriptorsAnswerWhatIsTheirs)
{
	RingPair pair(device, "kinds");
	stplr_msg_receive receive = receive_args({});
	EXPECT_EQ(-ENOTTY, call(pair.set, STPLR_RING_INFO, &receive));
	EXPECT_EQ(-ENOTTY, call(pair.creator, STPLR_RING_OPEN, &receive));
	EXPECT_EQ(-ENOTTY, call(pair.other, STPLR_MSG_RECEIVE, &receive));
	EXPECT_EQ(-ENOTTY, call(device, STPLR_RING_OPEN, &receive));
	stplr_version version;
	EXPECT_EQ(0, stplr_version_get(pair.set, version));
	EXPECT_EQ(0, stplr_version_get(pair.other, version));
	EXPECT_TRUE(version.features & STPLR_FEATURE_RINGS);
}

// Row 15: sizes are fixed by the creator; by number, or any free one.
TEST_F(RingTest, Row15RingsAreAttachedByNumberOrAny)
{
	Fd set(rings_create(device, rings_args("many", 3, 2, 4)));
	EXPECT_EQ(-EAGAIN, ring_attach(device, "many")) << "none is open";
	uint32_t which = 0;
	Fd first(ring_open(set, STPLR_RING_ANY, 0, &which)), second(ring_open(set, 2));
	EXPECT_EQ(0u, which);
	EXPECT_EQ(-EBUSY, ring_open(set, 2));
	EXPECT_EQ(-EINVAL, ring_open(set, 3));
	EXPECT_EQ(-EINVAL, ring_open(set, 1, 2));
	EXPECT_EQ(-EINVAL, ring_attach(device, "many", 3));
	EXPECT_EQ(-EAGAIN, ring_attach(device, "many", 1));
	Fd at2(ring_attach(device, "many", 2, STPLR_DEADLINE_POLL, &which));
	EXPECT_EQ(2u, which);
	EXPECT_EQ(-EAGAIN, ring_attach(device, "many", 2)) << "one peer";
	Fd any(ring_attach(device, "many", STPLR_RING_ANY, STPLR_DEADLINE_POLL, &which));
	EXPECT_EQ(0u, which);
	EXPECT_EQ(-EAGAIN, ring_attach(device, "many"));
	EXPECT_EQ(-ETIMEDOUT, ring_attach(device, "many", 1, in_ms(20)));

	stplr_ring_info info;
	ASSERT_EQ(0, ring_info(at2, info));
	EXPECT_EQ(2u, info.number);
	EXPECT_EQ(0u, info.flags);
	EXPECT_EQ(4u * info.page_size, info.out_bytes);
	EXPECT_EQ(2u * info.page_size, info.in_bytes);
	EXPECT_EQ(1u, info.peers);
	EXPECT_EQ(getpid(), info.pid);
	ASSERT_EQ(0, ring_info(second, info));
	EXPECT_EQ(STPLR_RING_CREATOR, info.flags);
	EXPECT_EQ(2u * info.page_size, info.out_bytes);
}

// Row 15: the creator waits for a process, and a process for a free ring.
TEST_F(RingTest, Row15BothSidesWaitForEachOther)
{
	Thread waiting([&] { return ring_attach(device, "later", 1, STPLR_DEADLINE_NONE); });
	ASSERT_TRUE(waiting.wait_blocked(STPLR_RING_ATTACH));
	Fd set(rings_create(device, rings_args("later", 2)));
	Fd zero(ring_open(set, 0));
	ASSERT_TRUE(waiting.wait_blocked(STPLR_RING_ATTACH)) << "it wants the other";
	stplr_rings_attached attached = {};
	attached.number = STPLR_RING_ANY;
	attached.deadline = STPLR_DEADLINE_POLL;
	EXPECT_EQ(-EAGAIN, rings_attached(set, attached));
	EXPECT_EQ(0, polled(set, POLLIN));
	attached.deadline = STPLR_DEADLINE_NONE;
	Thread creator([&] { return rings_attached(set, attached); });
	ASSERT_TRUE(creator.wait_blocked(STPLR_RINGS_ATTACHED));
	Fd one(ring_open(set, 1));
	Fd other(waiting.join());
	EXPECT_LE(0, other);
	EXPECT_EQ(0, creator.join());
	EXPECT_EQ(1u, attached.number);
	EXPECT_EQ(getpid(), attached.pid);
	EXPECT_EQ(getuid(), attached.uid);
	attached = {};
	attached.number = STPLR_RING_ANY;
	EXPECT_EQ(-EAGAIN, rings_attached(set, attached)) << "told once";
	Fd another(ring_attach(device, "later"));
	EXPECT_EQ(POLLIN, polled(set, POLLIN));
	attached.number = 1;
	EXPECT_EQ(-EAGAIN, rings_attached(set, attached)) << "it was number 0";
	another.reset();
	EXPECT_EQ(0, polled(set, POLLIN)) << "gone before it was told of";
}

TEST_F(RingTest, SignalsAndDeadlinesEndWaits)
{
	RingPair pair(device, "short");
	EXPECT_EQ(-EAGAIN, ring_wait(pair.other, STPLR_RING_DATA, STPLR_DEADLINE_POLL));
	EXPECT_EQ(-ETIMEDOUT, ring_wait(pair.other, STPLR_RING_DATA, in_ms(20)));
	EXPECT_EQ(-ETIMEDOUT, ring_attach(device, "nobody", 0, in_ms(20)));
	Thread waiting([&] { return ring_wait(pair.other, STPLR_RING_DATA); });
	ASSERT_TRUE(waiting.wait_blocked(STPLR_RING_WAIT));
	waiting.signal(SIGUSR1);
	EXPECT_EQ(-EINTR, waiting.join());
	stplr_ring_wait args = ring_wait_args(STPLR_RING_DATA);
	args.spin = 100001;
	EXPECT_EQ(-EINVAL, call(pair.other, STPLR_RING_WAIT, &args));
	args.spin = 0;
	args.what = 4;
	EXPECT_EQ(-EINVAL, call(pair.other, STPLR_RING_WAIT, &args));
	args.what = 0;
	EXPECT_EQ(-EINVAL, call(pair.other, STPLR_RING_WAIT, &args));
	args = ring_wait_args(STPLR_RING_ROOM, STPLR_DEADLINE_POLL, 4097);
	EXPECT_EQ(-EINVAL, call(pair.other, STPLR_RING_WAIT, &args));
	args.room = 4096;
	EXPECT_EQ(0, call(pair.other, STPLR_RING_WAIT, &args));
}

TEST_F(RingTest, ModesSayWhoAttaches)
{
	stplr_rings_create args = rings_args("guarded");
	args.mode = 0600;
	Fd set(rings_create(device, args)), ring(ring_open(set));
	Child stranger([&](Child &) {
		EXPECT_EQ(0, setuid(65534));
		EXPECT_EQ(-EACCES, ring_attach(device, "guarded"));
		stplr_ring_attach wish = ring_attach_args("guarded");
		wish.flags = STPLR_RING_UID;
		EXPECT_EQ(-EACCES, call(device, STPLR_RING_ATTACH, &wish));
		return 0;
	});
	stranger.expect_success();
	stplr_ring_attach wish = ring_attach_args("guarded");
	wish.flags = STPLR_RING_UID;
	wish.uid = 1;
	EXPECT_EQ(-EPERM, call(device, STPLR_RING_ATTACH, &wish));
	wish.uid = 0;
	Fd other(call(device, STPLR_RING_ATTACH, &wish));
	EXPECT_LE(0, other);
}

TEST_F(RingTest, MemoryIsTheUsersWithinBounds)
{
	{
		Parameter bound("user_memory", 1);
		Fd set(rings_create(device, rings_args("big", 4, 64, 64)));
		ASSERT_LE(0, set);
		Fd ring(ring_open(set, 0));
		EXPECT_LE(0, ring);
		EXPECT_LE(2u * 64 * 4096, objects("memory"));
		EXPECT_EQ(-ENOBUFS, ring_open(set, 1));
		ring.reset();
		ring.reset(ring_open(set, 1));
		EXPECT_LE(0, ring);
	}
	EXPECT_EQ(0u, objects("memory"));
}

// Who made a ring pays for it no longer than its own end is there; then whoever holds it does, and
// attaches nothing more when that is too much.
TEST_F(RingTest, MemoryIsChargedToWhoStillHoldsIt)
{
	{
		Parameter bound("user_memory", 3);
		stplr_rings_create args = rings_args("held", 1, 64, 64);
		args.mode = 0666;
		Fd set(rings_create(device, args));
		Child holder([&](Child &self) {
			become_user(1234, 1234);
			Fd mine = open_device();
			std::vector<Fd> held;
			while (self.hear() == 1) {
				held.emplace_back(ring_attach(mine, "held"));
				self.tell(std::min<int>(held.back(), 0));
			}
			held.clear();
			self.tell(std::min<long>(ring_attach(mine, "held"), 0));
			return 0;
		});
		long result = 0;
		int held = 0;
		for (; held < 20 && !result; held++) {
			Fd ring(ring_open(set, 0));
			ASSERT_LE(0, ring) << "it is nobody else's burden: " << held;
			holder.tell(1);
			result = holder.hear();
		}
		EXPECT_EQ(-ENOBUFS, result);
		EXPECT_LE(3 * 2, held);
		EXPECT_GE(3 * 2 + 2, held);
		Fd ring(ring_open(set, 0));
		ASSERT_LE(0, ring);
		holder.tell(0);
		EXPECT_EQ(0, holder.hear()) << "it holds nothing any more";
		holder.expect_success();
	}
	EXPECT_EQ(0u, objects("memory"));
}

// The memory

TEST_F(RingTest, Row13RecordsGoBothWays)
{
	RingPair pair(device, "ways");
	Ring creator(pair.creator.release()), other(pair.other.release());
	EXPECT_EQ(-EAGAIN, other.take().result);
	ASSERT_EQ(0, creator.put("hello", 7));
	ASSERT_EQ(0, creator.put("", 8));
	ASSERT_EQ(0, other.put("back"));
	Record record = other.take();
	EXPECT_EQ("hello", record.bytes);
	EXPECT_EQ(7, record.type);
	record = other.take();
	EXPECT_EQ(0, record.result) << "an empty record is one";
	EXPECT_EQ(8, record.type);
	EXPECT_EQ(-EAGAIN, other.take().result);
	EXPECT_EQ("back", creator.take().bytes);
	EXPECT_EQ(0u, creator.wakes() + other.wakes()) << "nobody slept";
}

TEST_F(RingTest, NoRecordWraps)
{
	RingPair pair(device, "wraps", 1, 0);
	Ring creator(pair.creator.release()), other(pair.other.release());
	for (int i = 0; i < 5000; i++) {
		std::string bytes(i % 1400, 'a' + i % 26);
		ASSERT_EQ(0, creator.put(bytes));
		ASSERT_EQ(bytes, other.take().bytes);
	}
	// The longest, anywhere.
	std::string longest(4096 - 8, 'x');
	ASSERT_EQ(0, creator.put(longest));
	EXPECT_EQ(-EAGAIN, creator.put(""));
	EXPECT_EQ(longest, other.take().bytes);
}

TEST_F(RingTest, Row21OthersPagesCannotBeWritten)
{
	RingPair pair(device, "guard");
	for (off_t offset : {STPLR_RING_MAP_KERNEL, STPLR_RING_MAP_PEER, STPLR_RING_MAP_IN}) {
		EXPECT_EQ(MAP_FAILED, mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
					   pair.other, offset));
		EXPECT_EQ(EACCES, errno);
		void *at = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, pair.other, offset);
		ASSERT_NE(MAP_FAILED, at);
		EXPECT_EQ(-1, mprotect(at, 4096, PROT_READ | PROT_WRITE));
		EXPECT_EQ(EACCES, errno);
		EXPECT_EQ(-1, mprotect(at, 4096, PROT_READ | PROT_EXEC));
		EXPECT_EQ(EACCES, errno);
		// As a debugger writes.
		Fd memory(open("/proc/self/mem", O_RDWR | O_CLOEXEC));
		EXPECT_EQ(-1, pwrite(memory, "x", 1, reinterpret_cast<off_t>(at)));
		EXPECT_EQ(EIO, errno);
		EXPECT_EQ(0, *static_cast<volatile char *>(at));
		EXPECT_EQ(0, munmap(at, 4096));
	}
	EXPECT_EQ(MAP_FAILED, mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, pair.other, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, pair.other,
				   STPLR_RING_MAP_OWN));
	EXPECT_EQ(EACCES, errno);
}

TEST_F(RingTest, Row21NothingElseIsMapped)
{
	RingPair pair(device, "edges", 1, 2);
	struct {
		off_t offset;
		size_t size;
	} bad[] = {{STPLR_RING_MAP_KERNEL, 2 * 4096},    {STPLR_RING_MAP_KERNEL + 4096, 4096},
		   {STPLR_RING_MAP_OWN, 2 * 4096},       {STPLR_RING_MAP_PEER - 4096, 2 * 4096},
		   {STPLR_RING_MAP_OUT, 5 * 4096},       {STPLR_RING_MAP_IN, 3 * 4096},
		   {STPLR_RING_MAP_IN + 2 * 4096, 4096}, {0x50000000, 4096},
		   {0x7ffffffffffff000, 4096},           {STPLR_RING_MAP_OUT, 0x10000000}};
	for (auto &region : bad) {
		EXPECT_EQ(MAP_FAILED, mmap(nullptr, region.size, PROT_READ, MAP_SHARED, pair.other,
					   region.offset))
			<< std::hex << region.offset;
		EXPECT_TRUE(errno == EINVAL || errno == EOVERFLOW) << strerror(errno);
	}
	// A mapping does not grow, and what it loses comes again.
	void *at = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, pair.other,
			STPLR_RING_MAP_OUT);
	ASSERT_NE(MAP_FAILED, at);
	static_cast<volatile char *>(at)[5] = 'x';
	EXPECT_EQ(MAP_FAILED, mremap(at, 4096, 2 * 4096, MREMAP_MAYMOVE));
	madvise(at, 4096, MADV_DONTNEED);
	EXPECT_EQ('x', static_cast<volatile char *>(at)[5]);
	EXPECT_EQ(0, munmap(at, 4096));
}

// Ends

TEST_F(RingTest, Row18WhatWasCommittedIsReadAfterTheEnd)
{
	RingPair pair(device, "drain");
	Ring creator(pair.creator.release());
	{
		Ring other(pair.other.release());
		ASSERT_EQ(0, other.put("last"));
		EXPECT_EQ(0, creator.put("lost"));
	}
	EXPECT_EQ(long(STPLR_RING_DATA), ring_wait(creator.fd(), STPLR_RING_DATA));
	EXPECT_EQ(POLLIN | POLLHUP, polled(creator.fd(), POLLIN | POLLOUT));
	EXPECT_EQ("last", creator.take().bytes);
	EXPECT_EQ(-EPIPE, creator.take().result);
	EXPECT_EQ(-EPIPE, ring_wait(creator.fd(), STPLR_RING_DATA));
	EXPECT_EQ(-EPIPE, ring_wait(creator.fd(), STPLR_RING_ROOM));
	EXPECT_EQ(-EPIPE, creator.put("more"));
	EXPECT_EQ(-EPIPE, ring_end(creator.fd()));
	stplr_ring_info info;
	EXPECT_EQ(0, ring_info(creator.fd(), info));
	EXPECT_EQ(uint32_t(EPIPE), info.error);
	EXPECT_EQ(0u, info.peers);
}

// Row 18: a dead owner's ring is reclaimed, and waiters are told.
TEST_F(RingTest, Row18ADeathEndsARingAndTheNumberIsFreeAgain)
{
	Fd set(rings_create(device, rings_args("dying")));
	Ring creator(ring_open(set));
	Child child([&](Child &self) {
		Ring other(ring_attach(device, "dying"));
		EXPECT_EQ(0, other.put("mine"));
		self.tell(1);
		self.hear();
		return 0;
	});
	ASSERT_EQ(1, child.hear());
	EXPECT_EQ("mine", creator.take().bytes);
	Thread waiting([&] { return ring_wait(creator.fd(), STPLR_RING_DATA); });
	ASSERT_TRUE(waiting.wait_blocked(STPLR_RING_WAIT));
	child.kill(SIGKILL);
	EXPECT_EQ(-EPIPE, waiting.join());
	EXPECT_EQ(-EAGAIN, ring_attach(device, "dying")) << "not before it is opened again";
	Thread next([&] { return ring_attach(device, "dying", 0, STPLR_DEADLINE_NONE); });
	ASSERT_TRUE(next.wait_blocked(STPLR_RING_ATTACH));
	Ring again(ring_open(set, 0));
	Ring other(next.join());
	EXPECT_EQ(-EAGAIN, other.take().result) << "fresh memory";
	EXPECT_EQ(0u, again.own->writer.head);
	ASSERT_EQ(0, again.put("new"));
	EXPECT_EQ("new", other.take().bytes);
	EXPECT_EQ(-EPIPE, creator.put("old"));
}

TEST_F(RingTest, RingsOutliveTheirSet)
{
	RingPair pair(device, "orphan");
	Ring creator(pair.creator.release()), other(pair.other.release());
	pair.set.reset();
	ASSERT_EQ(0, creator.put("on"));
	EXPECT_EQ("on", other.take().bytes);
	EXPECT_EQ(-ENOENT, ring_attach(device, "orphan"));
}

TEST_F(RingTest, AMappingCountsAsADescriptorAndOutlivesTheEnd)
{
	RingPair pair(device, "held");
	Ring creator(pair.creator.release()), other(pair.other.release());
	ASSERT_EQ(0, other.put("still here", 0, 0, true));
	other.close_fd();
	EXPECT_EQ(-EAGAIN, ring_wait(creator.fd(), STPLR_RING_ROOM | STPLR_RING_DATA,
				     STPLR_DEADLINE_POLL) > 0
				   ? -EAGAIN
				   : 0);
	EXPECT_FALSE(creator.kernel->out.data & STPLR_RING_ENDED);
	ASSERT_EQ(0, ring_end(creator.fd()));
	EXPECT_TRUE(other.kernel->in.data & STPLR_RING_ENDED);
	creator.close_fd();
	creator.unmap();
	// All of it is there and harms nobody.
	memset(other.out, 1, 2 * other.info.out_bytes);
	other.own->writer.head = 12345;
	uint64_t memory = objects("memory");
	EXPECT_LT(0u, memory);
	other.unmap();
	EXPECT_TRUE(eventually([&] { return objects("memory") < memory; }));
}

TEST_F(RingTest, ForkAndExecLeaveMappingsBehind)
{
	RingPair pair(device, "forked");
	Ring creator(pair.creator.release()), other(pair.other.release());
	pid_t pid = fork();
	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		_exit(other.own->writer.head ? 1 : 2);
	}
	int status = 0;
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) << status;
	EXPECT_FALSE(creator.kernel->error) << "the parent has it";

	// A child that maps the descriptor itself, and whose exec ends it.
	Fd spare(dup(other.fd()));
	Child child([&](Child &self) {
		Ring mapped(spare.release());
		EXPECT_EQ(0, mapped.put("child"));
		self.tell(1);
		self.hear();
		execl("/bin/true", "true", nullptr);
		return 1;
	});
	ASSERT_EQ(1, child.hear());
	EXPECT_EQ("child", creator.take().bytes);
	other.unmap();
	other.close_fd();
	spare.reset();
	EXPECT_FALSE(creator.kernel->error) << "the child has it";
	child.tell(1);
	EXPECT_EQ(-EPIPE, ring_wait(creator.fd(), STPLR_RING_DATA));
	child.expect_success();
}

// Waking

// Row 16: blocking, without a system call while data flows.
TEST_F(RingTest, Row16ASleeperIsWokenOnceForABatch)
{
	RingPair pair(device, "batch");
	Ring creator(pair.creator.release()), other(pair.other.release());
	for (int round = 0; round < 20; round++) {
		Thread reader([&] { return ring_wait(other.fd(), STPLR_RING_DATA); });
		ASSERT_TRUE(reader.wait_blocked(STPLR_RING_WAIT));
		unsigned before = creator.wakes();
		for (int i = 0; i < 64; i++)
			ASSERT_EQ(0, creator.put("x"));
		EXPECT_EQ(long(STPLR_RING_DATA), reader.join());
		EXPECT_EQ(before + 1, creator.wakes());
		for (int i = 0; i < 64; i++)
			ASSERT_EQ(0, other.take().result);
	}
	EXPECT_EQ(0u, other.wakes()) << "nobody waited for room";
}

TEST_F(RingTest, AWriterWaitsForRoom)
{
	RingPair pair(device, "full", 1, 0);
	Ring creator(pair.creator.release()), other(pair.other.release());
	std::string kilobyte(1016, 'k');
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(0, creator.put(kilobyte));
	EXPECT_EQ(-EAGAIN, creator.put(""));
	EXPECT_EQ(0, polled(creator.fd(), POLLOUT));
	Thread writer([&] { return ring_wait(creator.fd(), STPLR_RING_ROOM, -1, 2048); });
	ASSERT_TRUE(writer.wait_blocked(STPLR_RING_WAIT));
	EXPECT_EQ(0, other.take().result);
	ASSERT_TRUE(writer.wait_blocked(STPLR_RING_WAIT)) << "half of what it wants";
	EXPECT_EQ(0, other.take().result);
	EXPECT_EQ(long(STPLR_RING_ROOM), writer.join());
	EXPECT_EQ(POLLOUT, polled(creator.fd(), POLLOUT));
}

// Both orders of wait and wake.
TEST_F(RingTest, NoWakeUpIsLost)
{
	RingPair pair(device, "race");
	Ring creator(pair.creator.release()), other(pair.other.release());
	Race race;
	for (int i = 0; i < 500; i++) {
		auto results = race.run([&] { return creator.put("now"); },
					[&] { return other.take_waiting().result; });
		ASSERT_EQ(0, results.first);
		ASSERT_EQ(0, results.second);
	}
}

// Both orders of the end, and of what it ends.
TEST_F(RingTest, TheEndMeetsWaitsAndAttaches)
{
	Race race;
	race.expect({"attached", "ended before"});
	for (int i = 0; i < 150; i++) {
		Fd set(rings_create(device, rings_args("ending")));
		Ring creator(ring_open(set));
		long attached = 0;
		auto results = race.run([&] { return ring_end(creator.fd()); },
					[&] { return attached = ring_attach(device, "ending"); });
		EXPECT_EQ(0, results.first);
		Fd other(attached);
		race.count(attached >= 0 ? "attached" : "ended before");
		if (attached < 0) {
			ASSERT_EQ(-EAGAIN, attached);
			continue;
		}
		ASSERT_EQ(-EPIPE, ring_wait(other, STPLR_RING_DATA));
	}
	race.check();
	for (int i = 0; i < 150; i++) {
		RingPair pair(device, "ending2");
		auto results = race.run([&] { return ring_end(pair.creator); },
					[&] { return ring_wait(pair.other, STPLR_RING_DATA); });
		ASSERT_EQ(0, results.first);
		ASSERT_EQ(-EPIPE, results.second);
	}
}

// Row 16: asynchronous use.
TEST_F(RingTest, Row16EpollTellsOfEdgesAndLevels)
{
	for (uint32_t edge : {0u, uint32_t(EPOLLET)}) {
		RingPair pair(device, "polled");
		Ring creator(pair.creator.release()), other(pair.other.release());
		Fd epoll(epoll_create1(EPOLL_CLOEXEC));
		struct epoll_event event = {};
		event.events = EPOLLIN | edge;
		ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, other.fd(), &event));
		EXPECT_EQ(0, epoll_wait(epoll, &event, 1, 0));
		for (int i = 0; i < 100; i++) {
			ASSERT_EQ(0, creator.put("x"));
			ASSERT_EQ(1, epoll_wait(epoll, &event, 1, kPatienceMs)) << i;
			EXPECT_EQ(uint32_t(EPOLLIN), event.events);
			EXPECT_EQ(edge ? 0 : 1, epoll_wait(epoll, &event, 1, 0));
			while (other.take().result == 0)
				;
		}
		ASSERT_EQ(0, ring_end(creator.fd()));
		ASSERT_EQ(1, epoll_wait(epoll, &event, 1, kPatienceMs));
		EXPECT_TRUE(event.events & EPOLLHUP);
	}
}

// Row 12: an eventfd of the process's, held until it is replaced or the end closed.
TEST_F(RingTest, Row12EventfdsTell)
{
	RingPair pair(device, "eventfd");
	Ring creator(pair.creator.release()), other(pair.other.release());
	Fd told(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	EXPECT_EQ(-EBADF, ring_eventfd(other.fd(), 1000));
	EXPECT_EQ(-EINVAL, ring_eventfd(other.fd(), device));
	EXPECT_EQ(-EINVAL, ring_eventfd(other.fd(), told, 3));
	ASSERT_EQ(0, ring_eventfd(other.fd(), told));
	ASSERT_EQ(0, creator.put("x"));
	EXPECT_EQ(0u, eventfd_count(told)) << "not armed";
	EXPECT_EQ(-EINVAL, ring_arm(other.fd(), 0));
	ASSERT_EQ(0, ring_arm(other.fd(), STPLR_RING_DATA));
	ASSERT_EQ(0, creator.put("x"));
	ASSERT_EQ(0, creator.put("x"));
	EXPECT_EQ(1u, eventfd_count(told)) << "armed once";
	ASSERT_EQ(0, ring_eventfd(other.fd(), told, STPLR_RING_EVENTFD_ALWAYS));
	ASSERT_EQ(0, creator.put("x"));
	ASSERT_EQ(0, creator.put("x"));
	EXPECT_EQ(2u, eventfd_count(told));
	// Closed while it is signalled: the ring goes on telling what nobody reads.
	ASSERT_EQ(0, creator.put("x"));
	told.reset();
	ASSERT_EQ(0, creator.put("x"));
	ASSERT_EQ(0, ring_eventfd(other.fd(), -1));
	unsigned before = creator.wakes();
	ASSERT_EQ(0, creator.put("x"));
	ASSERT_EQ(0, creator.put("x"));
	EXPECT_GE(before + 1, creator.wakes());
}

// Row 12: the user signals back.
TEST_F(RingTest, Row12EventfdsWake)
{
	RingPair pair(device, "kick");
	Ring creator(pair.creator.release()), other(pair.other.release());
	Fd kick(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	ASSERT_EQ(0, ring_eventfd(creator.fd(), kick, STPLR_RING_EVENTFD_WAKES));
	Thread reader([&] { return ring_wait(other.fd(), STPLR_RING_DATA); });
	ASSERT_TRUE(reader.wait_blocked(STPLR_RING_WAIT));
	ASSERT_EQ(0, creator.put("x", 0, 0, true));
	ASSERT_TRUE(reader.wait_blocked(STPLR_RING_WAIT)) << "nobody told it";
	uint64_t one = 1;
	ASSERT_EQ(8, write(kick, &one, 8));
	EXPECT_EQ(long(STPLR_RING_DATA), reader.join());
	EXPECT_TRUE(eventually([&] { return eventfd_count(kick) == 0; })) << "taken";
	// One that is signalled already, replacing the other.
	Fd next(eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
	ASSERT_EQ(0, other.take().result);
	Thread again([&] { return ring_wait(other.fd(), STPLR_RING_DATA); });
	ASSERT_TRUE(again.wait_blocked(STPLR_RING_WAIT));
	ASSERT_EQ(0, creator.put("x", 0, 0, true));
	ASSERT_EQ(0, ring_eventfd(creator.fd(), next, STPLR_RING_EVENTFD_WAKES));
	EXPECT_EQ(long(STPLR_RING_DATA), again.join());
	kick.reset();
	next.reset();
}

// Two ends that each pass on what they hear: it goes round for ever, and costs nobody else.
TEST_F(RingTest, EventfdsThatEchoEndWithTheRing)
{
	uint64_t before = objects("memory") + 4096;
	RingPair pair(device, "echo");
	Fd first(eventfd(0, EFD_CLOEXEC)), second(eventfd(0, EFD_CLOEXEC));
	ASSERT_EQ(0, ring_eventfd(pair.creator, first, STPLR_RING_EVENTFD_ALWAYS));
	ASSERT_EQ(0, ring_eventfd(pair.creator, first, STPLR_RING_EVENTFD_WAKES));
	ASSERT_EQ(0, ring_eventfd(pair.other, second, STPLR_RING_EVENTFD_ALWAYS));
	ASSERT_EQ(0, ring_eventfd(pair.other, second, STPLR_RING_EVENTFD_WAKES));
	ASSERT_EQ(0, ring_wake(pair.creator));
	sleep_ms(50); // a while of it: nothing to wait for
	pair.creator.reset();
	pair.other.reset();
	EXPECT_TRUE(eventually([&] { return objects("memory") <= before; }));
}

// Row 10: sequence numbers; a reader and a writer that sleep and wake as they must.
TEST_F(RingTest, Row10AMillionRecordsInOrder)
{
	RingPair pair(device, "stream", 4, 4);
	Ring creator(pair.creator.release()), other(pair.other.release());
	const uint64_t count = kernel_checks_memory() ? 100000 : 1000000;
	Thread writer([&] {
		char bytes[64] = {};
		for (uint64_t i = 0; i < count; i++) {
			memcpy(bytes, &i, sizeof(i));
			long result = creator.put_waiting(std::string_view(bytes, 8 + i % 57));
			if (result)
				return result;
		}
		return 0L;
	});
	uint64_t wrong = 0;
	for (uint64_t i = 0; i < count; i++) {
		Record record = other.take_waiting();
		ASSERT_EQ(0, record.result) << i;
		uint64_t number;
		ASSERT_EQ(8 + i % 57, record.bytes.size()) << i;
		memcpy(&number, record.bytes.data(), sizeof(number));
		wrong += number != i;
	}
	EXPECT_EQ(0u, wrong);
	EXPECT_EQ(0, writer.join());
	EXPECT_EQ(-EAGAIN, other.take().result);
}

} // namespace
