// SPDX-License-Identifier: MIT
//
// Hostile processes: each has an end of a ring, and rewrites every shared word that it can write at
// random, while a driver (tests/module/stplr_ringer.c) reads and writes at the other end. What may
// come of it is that the ring ends, as <linux/stplr_ring.h> says; then the driver's ring, or the
// program's, can be attached again and works; and others, who use rings of the same driver all the
// while, do not notice.
//
// Whether the driver, or the module, looks beyond what it may look at is for the debug kernel to
// say: tests/hostile/run.
#include <fcntl.h>
#include <getopt.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/leftovers.h"
#include "support/module.h"
#include "support/ring.h"
#include "support/thread.h"

namespace
{

const char kUsage[] =
	R"(Usage: hostile [--seconds N] [--seed N]

Lets processes rewrite the memory that they share with a driver at random, for so many seconds (default 60), one
after the other on every kind of ring; the driver's module is loaded for that. Prints how many there were, and how
their rings ended; the last line is "N passed, N failed": kinds of rings.
)";

using Random = std::minstd_rand;

// A process that does harm, in its own threads, to an end of a ring.
class Enemy
{
public:
	Enemy(int fd, unsigned seed) : ring_(fd), seed_(seed) {}

	// Goes on until its ring has ended for a while.
	void run()
	{
		Thread words([this] { return rewrite(seed_); });
		Thread calls([this] { return call_anything(seed_ + 1); });
		rewrite(seed_ + 2);
		stop_ = true;
		words.join();
		calls.join();
	}

private:
	// Any number, or one that is nearly right: beside an index of this end's, or the peer's.
	uint32_t number(Random &random)
	{
		const uint32_t beside[] = {ring_.own->writer.head, ring_.own->reader.tail,
					   ring_.peer ? ring_.peer->writer.head : 0,
					   ring_.peer ? ring_.peer->reader.tail : 0};
		const uint32_t size = ring_.info.out_bytes + ring_.info.in_bytes;

		switch (random() % 4) {
		case 0:
			return random() << 16 ^ random();
		case 1:
			return random() % (2 * size);
		case 2:
			return random() % (2 * size) & ~7u;
		}
		return beside[random() % 4] + (random() % 9 - 4) * 8;
	}

	void rewrite_one(Random &random)
	{
		auto *page = reinterpret_cast<volatile uint32_t *>(
			const_cast<stplr_ring_page *>(ring_.own));
		// of both roles, and a little beyond
		const unsigned words = sizeof(stplr_ring_page) / 4 + 4;

		if (random() % 2 || !ring_.info.out_bytes)
			page[random() % words] = number(random);
		else
			reinterpret_cast<volatile uint32_t *>(
				ring_.out)[random() % (ring_.info.out_bytes / 2)] = number(random);
	}

	// As the rules have it, so that it comes to be read, and written, further on.
	void behave(Random &random)
	{
		const uint32_t size = ring_.info.out_bytes, len = random() % (size / 4 + 1);

		if (size && random() % 2) {
			const uint32_t head = ring_.own->writer.head & ~7u;
			const stplr_ring_record record = {len, uint16_t(random() % 3), 0};
			memcpy(ring_.out + head % size, &record, sizeof(record));
			ring_.own->writer.head = head + 8 + (len + 7) / 8 * 8;
		} else if (ring_.peer) {
			ring_.own->reader.tail = ring_.peer->writer.head;
		}
	}

	long rewrite(unsigned seed)
	{
		Random random(seed);
		unsigned after = 0;

		// what ended may be written to further: nobody is to look
		while (!stop_ && after < 20) {
			// bursts, with time for the driver between them
			for (unsigned n = random() % 64; n; n--)
				random() % 8 ? rewrite_one(random) : behave(random);
			for (unsigned n = random() % 8; n; n--)
				behave(random);
			if (random() % 4 == 0)
				ring_wake(ring_.fd());
			if (random() % 8 == 0)
				usleep(random() % 300);
			after += ring_.kernel->error != 0;
		}
		return 0;
	}

	// The calls, with memory that is no better.
	long call_anything(unsigned seed)
	{
		Random random(seed);
		std::vector<char> bytes(65536);
		Fd event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));

		fcntl(ring_.fd(), F_SETFL, O_NONBLOCK);
		while (!stop_) {
			pollfd polled = {ring_.fd(), POLLIN | POLLOUT, 0};
			stplr_ring_info info;
			char *memory = random() % 3 || !ring_.out ? bytes.data() : ring_.out;
			const stplr_ring_copy copy = {{uint32_t(random() % 3000), 0, 0}, 0};

			switch (random() % 8) {
			case 0:
				if (read(ring_.fd(), memory, random() % 4096) < 0)
					usleep(50);
				break;
			case 1:
				memcpy(bytes.data(), &copy, sizeof(copy));
				if (write(ring_.fd(), bytes.data(), random() % 4096) < 0)
					usleep(50);
				break;
			case 2:
				ring_wait(ring_.fd(), 1 + random() % 3, in_ms(1), 0);
				break;
			case 3:
				poll(&polled, 1, 1);
				break;
			case 4:
				ring_eventfd(ring_.fd(), random() % 2 ? event.get() : -1,
					     random() % 3);
				break;
			case 5:
				ring_arm(ring_.fd(), 1 + random() % 3);
				break;
			case 6:
				ring_info(ring_.fd(), info);
				break;
			default:
				madvise(const_cast<stplr_ring_page *>(ring_.own), 4096,
					MADV_DONTNEED);
				usleep(random() % 500);
			}
		}
		return 0;
	}

	Ring ring_;
	unsigned seed_;
	std::atomic<bool> stop_{false};
};

// What the driver is told to do, and what came of it.
long command(const std::string &text)
{
	Fd fd = open_test_device("stplr-ringer");

	return write(fd, text.data(), text.size()) < 0 ? -errno : 0;
}

// How many there were, and how the driver's work in a program's rings ended.
struct Endings {
	unsigned enemies = 0, ends = 0;
	std::atomic<unsigned> broken{0}, left{0};
};

// Somebody who keeps the rules, at the other ring of the driver's, all the while.
class Bystander
{
public:
	Bystander() : ring_(ring_attach(device_, "ring-echo", 1, in_ms(kPatienceMs))) {}

	// A few records there and back.
	void exchange()
	{
		ASSERT_TRUE(ring_.own);
		for (int i = 0; i < 5; i++) {
			const std::string text = "bystander " + std::to_string(number_++);
			ASSERT_EQ(0, ring_.put_waiting(text));
			Record record = ring_.take_waiting();
			ASSERT_EQ(0, record.result);
			ASSERT_EQ(text, record.bytes);
		}
	}

private:
	Fd device_ = open_device();
	Ring ring_;
	unsigned number_ = 0;
};

class Hostile
{
public:
	explicit Hostile(unsigned seed) : random_(seed) {}

	// An enemy at an end of the driver's two-way ring, which it then opens again.
	void driver_echoes()
	{
		let_loose([this] { return ring_attach(device_, "ring-echo", 0, patience()); });
		Fd end(ring_attach(device_, "ring-echo", 0, patience()));
		ASSERT_LE(0, end) << result_name(end) << ": the driver has not come back";
		Ring next(end.release());
		expect_echo(next);
	}

	// One of the readers of what the driver writes over itself, in interrupts.
	void driver_overwrites()
	{
		Fd honest(ring_attach(device_, "ring-ticks", STPLR_RING_ANY, patience()));
		EXPECT_EQ(0, command("ticks 20000 400 500"));
		let_loose([this] {
			return ring_attach(device_, "ring-ticks", STPLR_RING_ANY, patience());
		});
		EXPECT_EQ(0, command("ticks 20000 3 16"));
		expect_record(honest);
	}

	// One of the readers that hold the driver back: once it has ended it does not any more.
	void driver_is_held_back()
	{
		Fd honest(ring_attach(device_, "ring-held", STPLR_RING_ANY, patience()));
		uint64_t next = 0;
		fcntl(honest, F_SETFL, O_NONBLOCK);
		gone_ = false;
		Thread driver([&] {
			long result = 0;
			while (!gone_ && !result) {
				result = command("held 3 100");
				expect_in_order(honest, next);
			}
			return result;
		});
		let_loose([this] {
			return ring_attach(device_, "ring-held", STPLR_RING_ANY, patience());
		});
		gone_ = true;
		EXPECT_EQ(0, driver.join());
		EXPECT_EQ(0, command("held 1 100"));
		expect_record(honest);
	}

	// A program's rings, to which the driver attaches.
	void program(uint32_t flags)
	{
		const uint32_t pages = 1u << random_() % 3;
		const uint32_t in_pages = flags & STPLR_RINGS_MANY ? 0 : 1u << random_() % 3;
		Fd set(rings_create(device_, rings_args("enemy", flags & STPLR_RINGS_MANY ? 4 : 1,
							pages, in_pages, flags)));
		EXPECT_LE(0, set) << result_name(set);
		gone_ = false;
		Thread driver([this] {
			for (;;) {
				const long ending = command("work enemy");
				if (gone_)
					return ending;
				count(ending);
			}
		});
		let_loose([&] { return ring_open(set, 0); });
		Fd end(ring_open(set, 0));
		ASSERT_LE(0, end) << result_name(end);
		Ring next(end.release());
		stplr_rings_attached attached = {};
		attached.deadline = patience();
		attached.number = STPLR_RING_ANY;
		EXPECT_EQ(0, rings_attached(set, attached));
		gone_ = true;
		if (flags & STPLR_RINGS_MANY)
			EXPECT_EQ(0, next.put_waiting("read it"));
		else
			expect_echo(next, flags & STPLR_RINGS_TURNS);
		EXPECT_EQ(0, ring_end(next.fd()));
		EXPECT_EQ(-EPIPE, driver.join());
	}

	Endings endings;

private:
	static int64_t patience()
	{
		return in_ms(kPatienceMs);
	}

	// A process that does what it likes with an end, and the next, until it is killed.
	template <typename Attach> void let_loose(Attach attach)
	{
		const unsigned seed = random_();
		Child child([&](Child &self) {
			for (unsigned n = 0;; n++) {
				const long fd = attach();
				EXPECT_LE(0, fd) << result_name(fd);
				if (fd < 0)
					return 1;
				Enemy enemy(fd, seed + 10 * n);
				self.tell(1);
				enemy.run();
			}
		});
		EXPECT_EQ(1, child.hear());
		for (int64_t until = in_ms(200 + random_() % 1000); now(CLOCK_MONOTONIC) < until;) {
			if (child.spoke(5))
				endings.ends += child.hear();
		}
		child.kill(SIGKILL);
		child.wait();
		endings.enemies++;
		bystander_.exchange();
	}

	void count(long ending)
	{
		EXPECT_TRUE(ending == -EPIPE || ending == -EPROTO) << result_name(ending);
		endings.broken += ending == -EPROTO;
		endings.left += ending == -EPIPE;
	}

	void expect_echo(Ring &ring, bool turns = false)
	{
		for (int i = 0; i < 3; i++) {
			const std::string text(random_() % 500, 'e');
			ASSERT_EQ(0, ring.put(text, i, turns ? STPLR_RING_TURN : 0));
			Record record = ring.take_waiting();
			ASSERT_EQ(0, record.result) << result_name(record.result);
			ASSERT_EQ(text, record.bytes);
			ASSERT_EQ(i, record.type);
		}
	}

	void expect_record(int fd)
	{
		char bytes[16384];
		pollfd polled = {fd, POLLIN, 0};

		EXPECT_EQ(1, poll(&polled, 1, kPatienceMs));
		EXPECT_LT(0, read(fd, bytes, sizeof(bytes))) << strerror(errno);
	}

	// All that waits there, none missing; next: the number after it, 0 at first.
	void expect_in_order(int fd, uint64_t &next)
	{
		char bytes[16384];
		ssize_t len;

		while ((len = read(fd, bytes, sizeof(bytes))) > 0) {
			for (ssize_t at = 0; at < len; at += sizeof(stplr_ring_copy) + 104) {
				stplr_ring_copy copy;
				memcpy(&copy, bytes + at, sizeof(copy));
				ASSERT_EQ(100u, copy.record.len);
				ASSERT_TRUE(!next || next == copy.number) << next;
				next = copy.number + 1;
			}
		}
		EXPECT_EQ(EAGAIN, errno) << strerror(errno);
	}

	Random random_;
	Fd device_ = open_device();
	Bystander bystander_;
	std::atomic<bool> gone_{false};
};

unsigned seconds = 60, seed = time(nullptr);

// Each kind has its part of the time.
class HostileTest : public testing::Test
{
protected:
	static constexpr unsigned kKinds = 7;

	static void SetUpTestSuite()
	{
		load_test_module("stplr_ringer");
	}
	static void TearDownTestSuite()
	{
		unload_test_module("stplr_ringer");
	}

	void again_and_again(void (*does)(Hostile &))
	{
		Hostile hostile(seed);
		const int64_t until = in_ms(int64_t(seconds) * 1000 / kKinds);

		do {
			does(hostile);
		} while (!HasFailure() && now(CLOCK_MONOTONIC) < until);
		printf("%s: %u enemies had %u ends; of their rings that the driver attached, %u "
		       "were "
		       "broken, %u left\n",
		       testing::UnitTest::GetInstance()->current_test_info()->name(),
		       hostile.endings.enemies, hostile.endings.enemies + hostile.endings.ends,
		       hostile.endings.broken.load(), hostile.endings.left.load());
		fflush(stdout);
	}
};

TEST_F(HostileTest, DriverEchoes)
{
	again_and_again([](Hostile &hostile) { hostile.driver_echoes(); });
}

TEST_F(HostileTest, DriverOverwrites)
{
	again_and_again([](Hostile &hostile) { hostile.driver_overwrites(); });
}

TEST_F(HostileTest, DriverIsHeldBack)
{
	again_and_again([](Hostile &hostile) { hostile.driver_is_held_back(); });
}

TEST_F(HostileTest, ProgramBothWays)
{
	again_and_again([](Hostile &hostile) { hostile.program(0); });
}

TEST_F(HostileTest, ProgramTurnByTurn)
{
	again_and_again([](Hostile &hostile) { hostile.program(STPLR_RINGS_TURNS); });
}

TEST_F(HostileTest, ProgramToMany)
{
	again_and_again([](Hostile &hostile) { hostile.program(STPLR_RINGS_MANY); });
}

TEST_F(HostileTest, ProgramOverwrites)
{
	again_and_again([](Hostile &hostile) {
		hostile.program(STPLR_RINGS_MANY | STPLR_RINGS_OVERWRITE);
	});
}

} // namespace

int main(int argc, char **argv)
{
	const option options[] = {{"seconds", required_argument, nullptr, 's'},
				  {"seed", required_argument, nullptr, 'S'},
				  {"help", no_argument, nullptr, 'h'},
				  {nullptr, 0, nullptr, 0}};
	struct sigaction interrupt = {};
	int letter;

	testing::InitGoogleTest(&argc, argv);
	while ((letter = getopt_long(argc, argv, "", options, nullptr)) != -1) {
		if (letter == 's') {
			seconds = strtoul(optarg, nullptr, 0);
		} else if (letter == 'S') {
			seed = strtoul(optarg, nullptr, 0);
		} else {
			fputs(kUsage, letter == 'h' ? stdout : stderr);
			return letter == 'h' ? 0 : 2;
		}
	}
	// Thread's destructor interrupts system calls with it.
	interrupt.sa_handler = [](int) {};
	sigaction(SIGUSR1, &interrupt, nullptr);
	signal(SIGPIPE, SIG_IGN);
	leftovers_watch();
	printf("enemies for %u seconds, seed %u\n", seconds, seed);
	int status = RUN_ALL_TESTS();
	const testing::UnitTest &tests = *testing::UnitTest::GetInstance();
	printf("%d passed, %d failed\n", tests.successful_test_count(), tests.failed_test_count());
	return status;
}
