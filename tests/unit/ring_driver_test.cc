// SPDX-License-Identifier: MIT
// Rings between a driver and a process: tests/module/stplr_ringer.c.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <random>
#include <string>

#include "support/ipc.h"
#include "support/module.h"
#include "support/ring.h"
#include "support/thread.h"

namespace
{

struct Told {
	unsigned long long result, bytes, ticks;
	unsigned broken;
};

class RingDriverTest : public ::testing::Test
{
protected:
	static void SetUpTestSuite()
	{
		load_test_module("stplr_ringer");
	}

	static void TearDownTestSuite()
	{
		unload_test_module("stplr_ringer");
	}

	Fd ringer()
	{
		return open_test_device("stplr-ringer");
	}

	// Its result or -errno.
	long command(const std::string &text)
	{
		Fd fd = ringer();
		return write(fd, text.data(), text.size()) < 0 ? -errno : 0;
	}

	Told told()
	{
		Fd fd = ringer();
		char text[100] = {};
		Told told = {};
		EXPECT_LT(0, read(fd, text, sizeof(text) - 1));
		EXPECT_EQ(4, sscanf(text, "%llu %llu %llu %u", &told.result, &told.bytes,
				    &told.ticks, &told.broken));
		return told;
	}

	Fd device = open_device();
};

// Row 13: what goes in comes back, in order and whole, by whatever mixture of sleep and wake.
TEST_F(RingDriverTest, Row13ADriverAnswersThroughItsRing)
{
	Ring ring(ring_attach(device, "ring-echo", STPLR_RING_ANY, in_ms(kPatienceMs)));
	stplr_ring_info info;
	ASSERT_EQ(0, ring_info(ring.fd(), info));
	EXPECT_EQ(0, info.pid) << "a driver";
	EXPECT_EQ(1u, info.peers);
	for (int i = 0; i < 200; i++) {
		std::string text(i, 'a' + i % 26);
		ASSERT_EQ(0, ring.put(text, i));
		Record record = ring.take_waiting();
		ASSERT_EQ(0, record.result);
		ASSERT_EQ(text, record.bytes);
		ASSERT_EQ(i, record.type);
	}
}

// Whose process it was made in is nothing that anybody is told, or could rely on.
TEST_F(RingDriverTest, ADriversSetIsTheKernelsWhoeverHasItMade)
{
	Child maker([&](Child &) {
		Fd fd = ringer();
		become_user(1234, 4321);
		EXPECT_EQ(4, write(fd, "id 9", 4));
		return 0;
	});
	maker.expect_success();
	stplr_ring_attach wish = ring_attach_args("@9");
	wish.flags = STPLR_RING_UID;
	wish.uid = 1234;
	EXPECT_EQ(-EPERM, call(device, STPLR_RING_ATTACH, &wish));
	wish.uid = 0;
	EXPECT_LE(0, Fd(call(device, STPLR_RING_ATTACH, &wish)));
	EXPECT_EQ(0, command("no id"));
	Child reader([&](Child &) {
		Fd fd = ringer();
		become_user(1234, 4321);
		EXPECT_EQ(12, write(fd, "read ring-of", 12));
		return 0;
	});
	{
		Fd set(rings_create(device, rings_args("ring-of")));
		Fd ring(ring_open(set));
		stplr_rings_attached attached = {};
		attached.number = STPLR_RING_ANY;
		attached.deadline = STPLR_DEADLINE_NONE;
		ASSERT_EQ(0, rings_attached(set, attached));
		EXPECT_EQ(0, attached.pid);
		EXPECT_EQ(0u, attached.uid);
		EXPECT_EQ(0u, attached.gid);
	}
	reader.expect_success();
}

// A driver can say whose set it expects: another's of that name gets nothing, whether it comes
// first or is waited for.
TEST_F(RingDriverTest, ADriverAttachesTheExpectedUsersSetOnly)
{
	EXPECT_EQ(-EINVAL, command("read ring-of 4294967295")) << "nobody";
	Thread waiting([&] { return command("read ring-of 1234"); });
	ASSERT_TRUE(waiting.wait_asleep());
	{
		Fd set(rings_create(device, rings_args("ring-of"))), ring(ring_open(set));
		EXPECT_EQ(-EPERM, waiting.join());
		EXPECT_EQ(-EPERM, command("read ring-of 1234"));
		stplr_rings_attached attached = {};
		attached.number = STPLR_RING_ANY;
		EXPECT_EQ(-EAGAIN, rings_attached(set, attached)) << "nobody has come";
		Thread root([&] { return command("read ring-of 0"); });
		attached.deadline = STPLR_DEADLINE_NONE;
		EXPECT_EQ(0, rings_attached(set, attached));
		ring.reset();
		EXPECT_EQ(0, root.join());
	}
	Child owner([&](Child &self) {
		become_user(1234, 4321);
		Fd set(rings_create(device, rings_args("ring-of")));
		Ring ring(ring_open(set));
		self.tell(1);
		EXPECT_EQ(0, ring.put("hello"));
		stplr_rings_attached attached = {};
		attached.number = STPLR_RING_ANY;
		attached.deadline = STPLR_DEADLINE_NONE;
		EXPECT_EQ(0, rings_attached(set, attached));
		return 0;
	});
	owner.hear();
	EXPECT_EQ(-EPERM, command("read ring-of 0"));
	EXPECT_EQ(0, command("read ring-of 1234"));
	EXPECT_EQ(1u, told().result) << "what was there before it came";
	owner.expect_success();
}

// Rows 10, 16: many, both ways at once.
TEST_F(RingDriverTest, Row10ManyRecordsThereAndBack)
{
	Ring ring(ring_attach(device, "ring-echo", 1, in_ms(kPatienceMs)));
	const uint64_t count = kernel_checks_memory() ? 20000 : 300000;
	Thread writer([&] {
		char bytes[64] = {};
		for (uint64_t i = 0; i < count; i++) {
			memcpy(bytes, &i, sizeof(i));
			long result = ring.put_waiting(std::string_view(bytes, 8 + i % 57));
			if (result)
				return result;
		}
		return 0L;
	});
	uint64_t wrong = 0;
	for (uint64_t i = 0; i < count; i++) {
		Record record = ring.take_waiting();
		ASSERT_EQ(0, record.result) << i;
		uint64_t number;
		memcpy(&number, record.bytes.data(), sizeof(number));
		wrong += number != i || record.bytes.size() != 8 + i % 57;
	}
	EXPECT_EQ(0u, wrong);
	EXPECT_EQ(0, writer.join());
}

// Row 14: start, stop, exit in any order, any number of times.
TEST_F(RingDriverTest, Row14ComesAndGoesAnyNumberOfTimes)
{
	for (int i = 0; i < 100; i++) {
		Child child([&](Child &self) {
			Ring ring(ring_attach(device, "ring-echo", i % 2, in_ms(kPatienceMs)));
			EXPECT_EQ(0, ring.put("hello"));
			if (i % 3)
				EXPECT_EQ("hello", ring.take_waiting().bytes);
			self.tell(1);
			if (i % 5)
				self.hear();
			return 0;
		});
		ASSERT_EQ(1, child.hear());
		child.kill(SIGKILL);
		child.wait();
	}
}

// Row 18: unload is refused while attached, or forced, and every blocked peer is told.
TEST_F(RingDriverTest, Row18UnloadIsRefusedOrForced)
{
	Ring ring(ring_attach(device, "ring-echo", 0, in_ms(kPatienceMs)));
	Fd reader(ring_attach(device, "ring-held"));
	EXPECT_EQ(-1, syscall(SYS_delete_module, "stplr_ringer", O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
	Thread waiting([&] { return ring_wait(reader, STPLR_RING_DATA); });
	ASSERT_TRUE(waiting.wait_blocked(STPLR_RING_WAIT));
	ASSERT_EQ(0, ring.put("last"));
	EXPECT_EQ("last", ring.take_waiting().bytes);
	ASSERT_EQ(0, command("end"));
	EXPECT_EQ(-ESHUTDOWN, waiting.join());
	EXPECT_EQ(-ESHUTDOWN, ring.put("x"));
	EXPECT_EQ(-ESHUTDOWN, ring_wait(ring.fd(), STPLR_RING_DATA));
	EXPECT_EQ(-ENOENT, ring_attach(device, "ring-echo"));
	unload_test_module("stplr_ringer");
	EXPECT_EQ(-ESHUTDOWN, ring.take().result) << "what is mapped stays";
	load_test_module("stplr_ringer");
	Ring next(ring_attach(device, "ring-echo", 0, in_ms(kPatienceMs)));
	ASSERT_EQ(0, next.put("again"));
	EXPECT_EQ("again", next.take_waiting().bytes);
}

TEST_F(RingDriverTest, Row18AHostileProgramHarmsOnlyItsRing)
{
	Ring calm(ring_attach(device, "ring-echo", 1, in_ms(kPatienceMs)));
	std::mt19937 random(1);
	unsigned before = told().broken;
	int64_t until = in_ms(4000);
	while (now(CLOCK_MONOTONIC) < until) {
		Ring bad(ring_attach(device, "ring-echo", 0, in_ms(kPatienceMs)));
		for (int i = 0; i < 3000 && !bad.kernel->error; i++) {
			uint32_t value = random();
			if (value % 4)
				value = value % 32768 & ~7u;
			volatile char *at =
				random() % 2 ? reinterpret_cast<volatile char *>(
						       const_cast<stplr_ring_page *>(bad.own))
					     : bad.out;
			reinterpret_cast<volatile uint32_t *>(at)[random() % 1024] = value;
			if (random() % 4 == 0)
				bad.own->writer.head = value;
			if (random() % 4 == 0)
				bad.own->reader.tail = bad.peer->writer.head;
			if (random() % 8 == 0)
				ring_wake(bad.fd());
		}
		ASSERT_EQ(0, calm.put("fine"));
		ASSERT_EQ("fine", calm.take_waiting().bytes);
	}
	EXPECT_LT(before, told().broken);
}

// Rows 11, 13: a periodic producer with a settable period and size, in hard interrupts.
TEST_F(RingDriverTest, Row13TicksReachEveryReader)
{
	Fd readers[3];
	for (Fd &reader : readers)
		reader.reset(ring_attach(device, "ring-ticks"));
	const unsigned count = 500;
	uint64_t first = told().ticks;
	EXPECT_EQ(-EINVAL, command("ticks 10 1 8"));
	ASSERT_EQ(0, command("ticks 200000 " + std::to_string(count) + " 100"));
	for (Fd &reader : readers) {
		uint64_t next = first, got = 0, lost = 0;
		while (next < first + count) {
			char buffer[16384];
			ssize_t len = read(reader, buffer, sizeof(buffer));
			ASSERT_LT(0, len) << strerror(errno);
			for (ssize_t at = 0; at < len; got++) {
				stplr_ring_copy copy;
				uint64_t number;
				memcpy(&copy, buffer + at, sizeof(copy));
				memcpy(&number, buffer + at + sizeof(copy), sizeof(number));
				ASSERT_EQ(100u, copy.record.len);
				ASSERT_EQ(copy.number, number);
				ASSERT_LE(next, number);
				lost += number - next;
				next = number + 1;
				at += sizeof(copy) + 104;
			}
		}
		EXPECT_EQ(count, got + lost);
		stplr_ring_info info;
		ASSERT_EQ(0, ring_info(reader, info));
		EXPECT_EQ(lost, info.lost);
	}
}

// Row 10: a full receiver gives the driver an error, and nothing is lost in silence.
TEST_F(RingDriverTest, Row10AFullRingRefuses)
{
	Fd slow(ring_attach(device, "ring-held")), fast(ring_attach(device, "ring-held"));
	ASSERT_EQ(0, command("held 1000000 120"));
	EXPECT_EQ(4u * 4096 / 128, told().result);
	std::string buffer(65536, 0);
	EXPECT_EQ(4 * 4096 / 128 * 136, read(fast, buffer.data(), buffer.size()));
	ASSERT_EQ(0, command("held 10 120"));
	EXPECT_EQ(0u, told().result) << "the slowest holds it back";
	EXPECT_EQ(136, read(slow, buffer.data(), 200));
	ASSERT_EQ(0, command("held 10 120"));
	EXPECT_EQ(1u, told().result);
	slow.reset();
	ASSERT_EQ(0, command("held 10 120"));
	EXPECT_EQ(10u, told().result);
}

// A driver attaches what a program has made.
TEST_F(RingDriverTest, Row15ADriverWaitsForAProgram)
{
	Thread driver([&] { return command("read programs"); });
	ASSERT_TRUE(driver.wait_asleep());
	Fd set(rings_create(device, rings_args("programs")));
	Ring ring(ring_open(set));
	stplr_rings_attached attached = {};
	attached.deadline = STPLR_DEADLINE_NONE;
	ASSERT_EQ(0, rings_attached(set, attached));
	EXPECT_EQ(0, attached.pid);
	for (int i = 0; i < 1000; i++)
		ASSERT_EQ(0, ring.put_waiting("12345"));
	ASSERT_EQ(0, ring_end(ring.fd()));
	EXPECT_EQ(0, driver.join());
	EXPECT_EQ(1000u, told().result);
	EXPECT_EQ(5000u, told().bytes);
}

} // namespace
