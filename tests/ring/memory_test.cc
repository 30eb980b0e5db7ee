// SPDX-License-Identifier: MIT
// The library's side of rings, over memory that needs no module: what flows, in which order, who is
// woken, and what a malicious peer can do. Also run under ThreadSanitizer.
#include "memory.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>

#if defined(__SANITIZE_THREAD__)
constexpr bool kThreadSanitizer = true;
#else
constexpr bool kThreadSanitizer = false;
#endif

namespace
{

constexpr uint32_t kSize = 4096;
constexpr uint32_t kMost = kSize - sizeof(stplr_ring_record);
// Just before 32 bits are full.
constexpr uint32_t kLate = 0xfffff000;

// A mapped end; fails the test when it cannot be.
class End
{
public:
	explicit End(int fd)
	{
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

	stplr_ring ring;
};

std::string read_text(stplr_ring *ring, stplr_ring_copy *record = nullptr)
{
	char buffer[kSize];
	const ssize_t len = stplr_ring_read(ring, buffer, sizeof(buffer), record);

	return len < 0 ? std::string("error ") + strerrorname_np(errno)
		       : std::string(buffer, static_cast<size_t>(len));
}

int write_text(stplr_ring *ring, const std::string &text, uint16_t type = 0, uint32_t how = 0)
{
	return stplr_ring_write(ring, text.data(), text.size(), type, how);
}

// 0, or the errno.
int error_of(int result)
{
	return result < 0 ? errno : 0;
}
int error_of(const void *result)
{
	return result ? 0 : errno;
}

// Bytes that only this record of this direction has.
class Pattern
{
public:
	explicit Pattern(uint64_t number) : state_(number * 0x9e3779b97f4a7c15 + 1) {}
	unsigned char next()
	{
		state_ = state_ * 6364136223846793005 + 1442695040888963407;
		return static_cast<unsigned char>(state_ >> 56);
	}

private:
	uint64_t state_;
};

uint32_t length_of(uint64_t number)
{
	// mostly short, sometimes none at all, sometimes all that fits
	if (number % 1021 == 7)
		return kMost;
	return static_cast<uint32_t>(number * 2654435761 % 61);
}

void fill(unsigned char *bytes, uint32_t len, uint64_t number)
{
	Pattern pattern(number);

	for (uint32_t at = 0; at < len; at++)
		bytes[at] = pattern.next();
}

bool is_filled(const unsigned char *bytes, uint32_t len, uint64_t number)
{
	Pattern pattern(number);

	for (uint32_t at = 0; at < len; at++)
		if (bytes[at] != pattern.next())
			return false;
	return true;
}

uint64_t stream_length()
{
	return kThreadSanitizer ? 200000 : 1000000;
}

uint16_t type_of(uint64_t number)
{
	return static_cast<uint16_t>(number % 65536);
}

// Writes as many records; batches some, and gives some up.
void write_stream(stplr_ring *ring, uint64_t records, bool by_copy)
{
	unsigned char bytes[kSize];

	for (uint64_t number = 0; number < records;) {
		const uint32_t len = length_of(number);
		const uint32_t how = number % 5 ? STPLR_RING_NO_WAKEUP : 0;
		int result = -1;

		if (by_copy) {
			fill(bytes, len, number);
			result = stplr_ring_write(ring, bytes, len, type_of(number), how);
		} else if (void *place = stplr_ring_reserve(ring, len)) {
			fill(static_cast<unsigned char *>(place), len, number);
			if (number % 97 == 3) {
				stplr_ring_discard(ring);
				place = stplr_ring_reserve(ring, len);
				ASSERT_NE(place, nullptr);
				fill(static_cast<unsigned char *>(place), len, number);
			}
			result = stplr_ring_commit(ring, len, type_of(number), how);
		}
		if (!result) {
			number++;
			continue;
		}
		ASSERT_EQ(errno, EAGAIN);
		ASSERT_EQ(stplr_ring_wait(ring, STPLR_RING_ROOM, len, -1), int(STPLR_RING_ROOM))
			<< strerror(errno);
	}
	ASSERT_EQ(stplr_ring_flush(ring), 0);
}

void read_stream(stplr_ring *ring, uint64_t records, bool by_copy)
{
	unsigned char buffer[kSize];

	for (uint64_t number = 0; number < records;) {
		const unsigned char *bytes = buffer;
		stplr_ring_copy record;
		bool got;

		if (by_copy) {
			got = stplr_ring_read(ring, buffer, sizeof(buffer), &record) >= 0;
		} else {
			bytes = static_cast<const unsigned char *>(stplr_ring_peek(ring, &record));
			got = bytes;
		}
		if (!got) {
			ASSERT_EQ(errno, EAGAIN);
			ASSERT_EQ(stplr_ring_wait(ring, STPLR_RING_DATA, 0, -1),
				  int(STPLR_RING_DATA))
				<< strerror(errno);
			continue;
		}
		ASSERT_EQ(record.number, number);
		ASSERT_EQ(record.record.len, length_of(number));
		ASSERT_EQ(record.record.type, type_of(number));
		ASSERT_TRUE(is_filled(bytes, record.record.len, number)) << number;
		if (!by_copy) // quietly, mostly: it wakes before it sleeps
			ASSERT_EQ(stplr_ring_release(ring, number % 7 ? STPLR_RING_NO_WAKEUP : 0),
				  0);
		number++;
	}
	stplr_ring_flush(ring);
}

class RingStream : public testing::TestWithParam<std::tuple<bool, uint32_t>>
{
};

TEST_P(RingStream, BothWaysAtOnce)
{
	const auto [by_copy, spin] = GetParam();
	Memory memory(kSize, kSize, 0, kLate);
	End creator(memory.creator()), attached(memory.attached());
	std::vector<std::thread> threads;

	creator.ring.spin = attached.ring.spin = spin;
	// each end is used by two threads, one for each direction
	for (stplr_ring *ring : {&creator.ring, &attached.ring}) {
		threads.emplace_back(
			[=, copy = by_copy] { write_stream(ring, stream_length() / 2, copy); });
		threads.emplace_back(
			[=, copy = by_copy] { read_stream(ring, stream_length() / 2, copy); });
	}
	for (std::thread &thread : threads)
		thread.join();
	EXPECT_EQ(memory.ended_with, -1);
	EXPECT_EQ(read_text(creator), "error EAGAIN");
	EXPECT_EQ(read_text(attached), "error EAGAIN");
}

TEST_P(RingStream, OneWay)
{
	const auto [by_copy, spin] = GetParam();
	Memory memory(kSize, 0);
	End creator(memory.creator()), attached(memory.attached());

	creator.ring.spin = attached.ring.spin = spin;
	std::thread writer([&, copy = by_copy] { write_stream(creator, stream_length(), copy); });
	read_stream(attached, stream_length(), by_copy);
	writer.join();
	EXPECT_EQ(memory.page(memory.creator()).writer.records, stream_length());
	EXPECT_EQ(memory.page(memory.attached()).reader.records, stream_length());
}

INSTANTIATE_TEST_SUITE_P(Ways, RingStream,
			 testing::Combine(testing::Bool(), testing::Values(0U, 5000U)));

TEST(Ring, NoSystemCallWhileDataFlows)
{
	Memory memory(1 << 16, 0);
	End creator(memory.creator()), attached(memory.attached());
	const unsigned before = memory.calls;
	char bytes[64] = {};

	for (int at = 0; at < 1000000; at++) {
		ASSERT_EQ(stplr_ring_write(creator, bytes, sizeof(bytes), 1, 0), 0);
		ASSERT_EQ(stplr_ring_read(attached, bytes, sizeof(bytes), nullptr), 64);
	}
	EXPECT_EQ(memory.calls, before);
}

TEST(Ring, RecordsOfEveryLengthFillItToTheLastByte)
{
	for (uint32_t start : {0U, kLate, 8U, kLate + 4088}) {
		Memory memory(kSize, 0, 0, start);
		End creator(memory.creator()), attached(memory.attached());

		for (uint32_t len = 0; len <= kMost; len += len < 100 ? 1 : 61) {
			const std::string text(len, static_cast<char>('a' + len % 26));
			const uint32_t span = stplr_ring_span_(len);
			const uint32_t fit = kSize / span;

			for (uint32_t at = 0; at < fit; at++)
				ASSERT_EQ(write_text(creator, text), 0) << len;
			EXPECT_EQ(error_of(stplr_ring_reserve(creator, kMost)), EAGAIN);
			EXPECT_EQ(error_of(stplr_ring_reserve(creator, kSize - fit * span)),
				  EAGAIN);
			for (uint32_t at = 0; at < fit; at++)
				ASSERT_EQ(read_text(attached), text) << len;
			EXPECT_EQ(read_text(attached), "error EAGAIN");
		}
		EXPECT_EQ(write_text(creator, std::string(kMost, 'x')), 0);
		EXPECT_EQ(error_of(write_text(creator, "")), EAGAIN);
		EXPECT_EQ(read_text(attached).size(), kMost);
		EXPECT_EQ(memory.ended_with, -1);
	}
}

TEST(Ring, WhatIsAskedForInVain)
{
	Memory memory(kSize, 0);
	End creator(memory.creator()), attached(memory.attached());
	stplr_ring_copy record;
	char byte;

	EXPECT_EQ(error_of(stplr_ring_reserve(creator, kMost + 1)), EMSGSIZE);
	EXPECT_EQ(error_of(stplr_ring_reserve(creator, SIZE_MAX)), EMSGSIZE);
	EXPECT_EQ(error_of(stplr_ring_reserve(creator, size_t(1) << 32)), EMSGSIZE);
	EXPECT_EQ(error_of(stplr_ring_reserve(attached, 0)), EINVAL);
	EXPECT_EQ(stplr_ring_flush(attached), 0);
	EXPECT_EQ(error_of(stplr_ring_peek(creator, &record)), EINVAL);
	EXPECT_EQ(error_of(stplr_ring_peek(attached, &record)), EAGAIN);
	EXPECT_EQ(error_of(stplr_ring_release(attached, 0)), EINVAL);
	EXPECT_EQ(error_of(stplr_ring_commit(creator, 0, 0, 0)), EINVAL);
	ASSERT_NE(stplr_ring_reserve(creator, 8), nullptr);
	EXPECT_EQ(error_of(stplr_ring_commit(creator, 9, 0, 0)), EINVAL);
	EXPECT_EQ(error_of(stplr_ring_commit(creator, SIZE_MAX - 14, 0, 0)), EINVAL);
	EXPECT_EQ(error_of(stplr_ring_commit(creator, 8, 0, STPLR_RING_TURN)), EINVAL);
	EXPECT_EQ(error_of(stplr_ring_commit(creator, 8, 0, 1 << 5)), EINVAL);
	EXPECT_EQ(stplr_ring_commit(creator, 4, 0, 0), 0);
	EXPECT_EQ(error_of(stplr_ring_commit(creator, 4, 0, 0)), EINVAL);
	ASSERT_NE(stplr_ring_reserve(creator, 8), nullptr);
	stplr_ring_discard(creator);
	EXPECT_EQ(error_of(stplr_ring_commit(creator, 0, 0, 0)), EINVAL);
	EXPECT_EQ(error_of(stplr_ring_pass(creator, 0)), EINVAL);

	EXPECT_EQ(error_of(stplr_ring_read(attached, &byte, 1, &record) < 0 ? -1 : 0), EMSGSIZE);
	EXPECT_EQ(record.record.len, 4U);
	ASSERT_NE(stplr_ring_peek(attached, &record), nullptr);
	EXPECT_EQ(error_of(stplr_ring_release(attached, STPLR_RING_TURN)), EINVAL);
	EXPECT_EQ(stplr_ring_release(attached, 0), 0);
	EXPECT_EQ(error_of(stplr_ring_release(attached, 0)), EINVAL);

	EXPECT_EQ(error_of(stplr_ring_wait(attached, 0, 0, -1)), EINVAL);
	EXPECT_EQ(error_of(stplr_ring_wait(attached, 4, 0, -1)), EINVAL);
	EXPECT_EQ(error_of(stplr_ring_wait(attached, STPLR_RING_ROOM, 0, -1)), EINVAL);
	EXPECT_EQ(error_of(stplr_ring_wait(creator, STPLR_RING_DATA, 0, -1)), EINVAL);
	EXPECT_EQ(error_of(stplr_ring_wait(creator, STPLR_RING_ROOM, kMost + 1, -1)), EMSGSIZE);
	EXPECT_EQ(error_of(stplr_ring_wait(attached, STPLR_RING_DATA, 0, 0)), EAGAIN);
	EXPECT_EQ(error_of(stplr_ring_wait(attached, STPLR_RING_DATA, 0, STPLR_MILLISECOND)),
		  ETIMEDOUT);
	EXPECT_EQ(stplr_ring_wait(creator, STPLR_RING_ROOM, kMost, 0), int(STPLR_RING_ROOM));
	EXPECT_EQ(memory.ended_with, -1);
}

TEST(Ring, PeekingAndReservingAgainGiveTheSame)
{
	Memory memory(kSize, 0);
	End creator(memory.creator()), attached(memory.attached());
	stplr_ring_copy first, second;
	void *const place = stplr_ring_reserve(creator, 100);

	EXPECT_EQ(stplr_ring_reserve(creator, 3), place);
	memcpy(place, "abc", 3);
	EXPECT_EQ(stplr_ring_commit(creator, 3, 65535, 0), 0);
	EXPECT_EQ(write_text(creator, "next", 2), 0);
	const void *const bytes = stplr_ring_peek(attached, &first);
	EXPECT_EQ(stplr_ring_peek(attached, &second), bytes);
	EXPECT_EQ(first.record.type, 65535);
	EXPECT_EQ(second.record.len, 3U);
	EXPECT_EQ(memcmp(bytes, "abc", 3), 0);
	EXPECT_EQ(reinterpret_cast<uintptr_t>(bytes) % 8, 0U);
	EXPECT_EQ(stplr_ring_release(attached, 0), 0);
	EXPECT_EQ(read_text(attached, &second), "next");
	EXPECT_EQ(second.number, 1U);
}

TEST(Ring, ABatchCostsOneWakeUp)
{
	Memory memory(1 << 16, 0);
	End creator(memory.creator()), attached(memory.attached());
	std::atomic<int> got{0};

	attached.ring.spin = 0;
	std::thread reader([&] {
		while (got < 64) {
			if (stplr_ring_read(attached, nullptr, 0, nullptr) == 0)
				got++;
			else
				ASSERT_EQ(stplr_ring_wait(attached, STPLR_RING_DATA, 0, -1),
					  int(STPLR_RING_DATA));
		}
	});
	while (!memory.sleeps)
		std::this_thread::yield();
	for (int at = 0; at < 64; at++)
		EXPECT_EQ(stplr_ring_write(creator, nullptr, 0, 0, STPLR_RING_NO_WAKEUP), 0);
	EXPECT_EQ(memory.wakes, 0U);
	EXPECT_EQ(got, 0);
	EXPECT_EQ(stplr_ring_flush(creator), 0);
	reader.join();
	EXPECT_EQ(memory.wakes, 1U);
	EXPECT_EQ(stplr_ring_flush(creator), 0);
	EXPECT_EQ(stplr_ring_write(creator, nullptr, 0, 0, 0), 0);
	EXPECT_EQ(memory.wakes, 1U) << "nobody waits";
	EXPECT_EQ(stplr_ring_write(creator, nullptr, 0, 0, STPLR_RING_FORCE_WAKEUP), 0);
	EXPECT_EQ(memory.wakes, 2U);
	EXPECT_EQ(read_text(attached), "");
	stplr_ring_copy record;
	ASSERT_NE(stplr_ring_peek(attached, &record), nullptr);
	EXPECT_EQ(stplr_ring_release(attached, STPLR_RING_FORCE_WAKEUP), 0);
	EXPECT_EQ(memory.wakes, 3U);
}

TEST(Ring, WhatWasCommittedIsReadThenItHasEnded)
{
	for (const int error : {0, EPROTO}) {
		const int expected = error ? error : EPIPE;
		Memory memory(kSize, kSize);
		End creator(memory.creator()), attached(memory.attached());

		EXPECT_EQ(write_text(creator, "one"), 0);
		EXPECT_EQ(write_text(creator, "two"), 0);
		EXPECT_EQ(read_text(attached), "one");
		ASSERT_NE(stplr_ring_reserve(creator, 5), nullptr);
		EXPECT_EQ(stplr_ring_end(memory.creator(), error), 0);
		EXPECT_EQ(error_of(stplr_ring_end(memory.attached(), 0)), EPIPE);
		EXPECT_EQ(error_of(stplr_ring_reserve(attached, 0)), expected);
		EXPECT_EQ(error_of(write_text(creator, "x")), expected);
		EXPECT_EQ(error_of(stplr_ring_wait(attached, STPLR_RING_ROOM, 0, -1)), expected);
		EXPECT_EQ(stplr_ring_wait(attached, STPLR_RING_DATA, 0, -1), int(STPLR_RING_DATA));
		EXPECT_EQ(stplr_ring_wait(attached, STPLR_RING_DATA | STPLR_RING_ROOM, 0, -1),
			  int(STPLR_RING_DATA));
		EXPECT_EQ(read_text(attached), "two");
		EXPECT_EQ(read_text(attached), std::string("error ") + strerrorname_np(expected));
		EXPECT_EQ(error_of(stplr_ring_wait(attached, STPLR_RING_DATA, 0, -1)), expected);
		EXPECT_EQ(read_text(creator), std::string("error ") + strerrorname_np(expected));
	}
}

// What is written after the end does not count: nobody can keep a reader busy for ever.
TEST(Ring, APeerThatGoesOnWritingAfterTheEnd)
{
	for (const uint32_t flags : {0U, STPLR_RINGS_MANY | STPLR_RINGS_OVERWRITE}) {
		Memory memory(kSize, 0, flags, kLate);
		End creator(memory.creator()), attached(memory.attached());

		EXPECT_EQ(write_text(creator, "before"), 0);
		void *const place = stplr_ring_reserve(creator, 5);
		ASSERT_NE(place, nullptr);
		EXPECT_EQ(stplr_ring_end(memory.attached(), 0), 0);
		EXPECT_EQ(read_text(attached), "before");
		EXPECT_EQ(error_of(stplr_ring_commit(creator, 5, 0, 0)), EPIPE);
		EXPECT_EQ(read_text(attached), "error EPIPE");
		EXPECT_EQ(error_of(stplr_ring_wait(attached, STPLR_RING_DATA, 0, -1)), EPIPE);
		EXPECT_EQ(read_text(attached), "error EPIPE");
	}
}

// The end comes between reserving and committing: the writer is told.
TEST(Ring, CommitTellsOfTheEnd)
{
	Memory memory(kSize, 0);
	End creator(memory.creator());

	ASSERT_NE(stplr_ring_reserve(creator, 5), nullptr);
	EXPECT_EQ(stplr_ring_end(memory.attached(), 0), 0);
	EXPECT_EQ(error_of(stplr_ring_commit(creator, 5, 0, 0)), EPIPE);
	EXPECT_EQ(error_of(stplr_ring_flush(creator)), EPIPE);
}

TEST(Ring, TurnByTurn)
{
	Memory memory(kSize, kSize, STPLR_RINGS_TURNS);
	End creator(memory.creator()), attached(memory.attached());
	stplr_ring_copy record;

	EXPECT_EQ(stplr_ring_turn(creator), 1);
	EXPECT_EQ(stplr_ring_turn(attached), 0);
	EXPECT_EQ(error_of(stplr_ring_reserve(attached, 0)), EBUSY);
	EXPECT_EQ(error_of(stplr_ring_pass(attached, 0)), EBUSY);
	for (int round = 0; round < 1000; round++) {
		EXPECT_EQ(write_text(creator, "question"), 0);
		EXPECT_EQ(write_text(creator, "and more", 0, STPLR_RING_TURN), 0);
		EXPECT_EQ(stplr_ring_turn(creator), 0);
		EXPECT_EQ(error_of(stplr_ring_reserve(creator, 0)), EBUSY);
		EXPECT_EQ(read_text(attached), "question");
		EXPECT_EQ(stplr_ring_turn(attached), 0);
		ASSERT_NE(stplr_ring_peek(attached, &record), nullptr);
		EXPECT_EQ(record.record.flags, STPLR_RING_TURN);
		ASSERT_NE(stplr_ring_peek(attached, &record), nullptr);
		EXPECT_EQ(stplr_ring_turn(attached), 0);
		EXPECT_EQ(stplr_ring_release(attached, 0), 0);
		EXPECT_EQ(stplr_ring_turn(attached), 1);
		EXPECT_EQ(stplr_ring_pass(attached, 0), 0);
		EXPECT_EQ(read_text(creator), "");
		EXPECT_EQ(stplr_ring_turn(creator), 1);
	}
	EXPECT_EQ(memory.ended_with, -1);
}

TEST(Ring, SpeakingOutOfTurnEndsIt)
{
	Memory memory(kSize, kSize, STPLR_RINGS_TURNS);
	End creator(memory.creator()), attached(memory.attached());

	// what the library refuses, a malicious peer does
	memory.page(memory.attached()).writer.turn = 1;
	EXPECT_EQ(write_text(attached, "me first"), 0);
	EXPECT_EQ(read_text(creator), "error EPROTO");
	EXPECT_EQ(memory.ended_with, EPROTO);
}

// One word that breaks the rules, each in its turn, whatever else is right.
TEST(Ring, APeerThatBreaksTheRulesEndsIt)
{
	struct Case {
		const char *what;
		std::function<void(Memory &, stplr_ring_record &)> rewrite;
		bool seen_by_writer = false;
	};
	const auto head = [](uint32_t value) {
		return [=](Memory &memory, stplr_ring_record &) {
			memory.page(memory.attached()).writer.head = value;
		};
	};
	const auto tail = [](uint32_t value) {
		return [=](Memory &memory, stplr_ring_record &) {
			memory.page(memory.attached()).reader.tail = value;
		};
	};
	const auto length = [](uint32_t value) {
		return [=](Memory &, stplr_ring_record &record) { record.len = value; };
	};
	const Case cases[] = {
		{"head behind", head(kLate - 8)},
		{"head too far", head(kLate + kSize + 8)},
		{"head far behind", head(kLate - 0x80000000)},
		{"head not aligned", head(kLate + 12)},
		{"head 0", head(8 * 7 + 1)},
		{"tail ahead", tail(kLate + 8), true},
		{"tail behind", tail(kLate - kSize - 8), true},
		{"tail not aligned", tail(kLate - 4), true},
		{"tail 0x7ffffff8", tail(0x7ffffff8), true},
		{"length beyond the head", length(9)},
		{"length beyond the ring", length(kMost + 1)},
		{"length that wraps", length(0xfffffff1)},
		{"length of ones", length(0xffffffff)},
		{"turn where there are none",
		 [](Memory &, stplr_ring_record &record) { record.flags = STPLR_RING_TURN; }},
		{"a flag that is none",
		 [](Memory &, stplr_ring_record &record) { record.flags = 0x8000; }},
	};

	for (const Case &one : cases) {
		SCOPED_TRACE(one.what);
		Memory memory(kSize, kSize, 0, kLate);
		End creator(memory.creator()), attached(memory.attached());
		void *const place = stplr_ring_reserve(attached, 8);

		ASSERT_NE(place, nullptr);
		EXPECT_EQ(stplr_ring_commit(attached, 8, 0, 0), 0);
		one.rewrite(memory, static_cast<stplr_ring_record *>(place)[-1]);
		if (one.seen_by_writer) {
			EXPECT_EQ(error_of(stplr_ring_reserve(creator, kMost)), EPROTO);
		} else {
			EXPECT_EQ(read_text(creator), "error EPROTO");
			EXPECT_EQ(read_text(creator), "error EPROTO");
			EXPECT_EQ(error_of(stplr_ring_release(creator, 0)), EINVAL);
			EXPECT_EQ(error_of(stplr_ring_wait(creator, STPLR_RING_DATA, 0, -1)),
				  EPROTO);
		}
		EXPECT_EQ(memory.ended_with, EPROTO);
		EXPECT_EQ(error_of(stplr_ring_reserve(creator, 0)), EPROTO);
		EXPECT_EQ(error_of(stplr_ring_reserve(attached, 0)), EPROTO);
	}
}

#if !defined(__SANITIZE_THREAD__) // what is rewritten at random is a race
// Whatever it writes whenever, all that is read and written lies within the ring: beside it are
// pages that nobody may touch.
TEST(Ring, APeerThatRewritesEverythingAtRandom)
{
	for (unsigned seed = 0; seed < 200; seed++) {
		Memory memory(kSize, kSize, seed % 2 ? STPLR_RINGS_TURNS : 0);
		End creator(memory.creator());
		std::atomic<bool> stop{false};

		std::thread enemy([&] {
			std::mt19937 random(seed);
			stplr_ring_page &page = memory.page(memory.attached());
			uint32_t *const data = reinterpret_cast<uint32_t *>(memory.data(false));

			while (!stop) {
				const uint32_t value = random();
				const uint32_t near = value % (2 * kSize / 8) * 8;

				__atomic_store_n(&data[random() % (kSize / 4)],
						 value % 3 ? value % 256 : value, __ATOMIC_RELAXED);
				if (value % 2)
					__atomic_store_n(&page.writer.head, near, __ATOMIC_RELAXED);
				else
					__atomic_store_n(&page.reader.tail, near, __ATOMIC_RELAXED);
				if (value % 7 == 0)
					page.writer.version++;
			}
		});
		std::string text(100, 'x');
		char buffer[kSize];
		int tries;

		for (tries = 0; tries < 100000 && memory.ended_with < 0; tries++) {
			stplr_ring_read(creator, buffer, sizeof(buffer), nullptr);
			write_text(creator, text);
			stplr_ring_wait(creator, STPLR_RING_DATA | STPLR_RING_ROOM, 100, 0);
		}
		stop = true;
		enemy.join();
		if (memory.ended_with >= 0)
			EXPECT_EQ(memory.ended_with, EPROTO);
	}
}

#endif

TEST(Ring, OneToManyTheSlowestHoldsTheWriterBack)
{
	Memory memory(kSize, 0, STPLR_RINGS_MANY, kLate, 3);
	End writer(memory.creator());
	std::vector<std::unique_ptr<End>> readers;

	for (unsigned reader = 0; reader < 3; reader++)
		readers.push_back(std::make_unique<End>(memory.attached(reader)));
	EXPECT_EQ(error_of(stplr_ring_reserve(*readers[0], 0)), EINVAL);
	for (int at = 0; at < 4; at++)
		EXPECT_EQ(write_text(writer, std::string(kSize / 4 - 8, 'a')), 0);
	EXPECT_EQ(error_of(write_text(writer, "")), EAGAIN);
	for (unsigned reader = 0; reader < 3; reader++) {
		EXPECT_EQ(error_of(stplr_ring_wait(writer, STPLR_RING_ROOM, 0, 0)), EAGAIN);
		EXPECT_EQ(read_text(*readers[reader]).size(), kSize / 4 - 8);
	}
	EXPECT_EQ(stplr_ring_wait(writer, STPLR_RING_ROOM, kSize / 4 - 8, 0), int(STPLR_RING_ROOM));
	EXPECT_EQ(write_text(writer, std::string(kSize / 4 - 8, 'b')), 0);
	EXPECT_EQ(error_of(write_text(writer, "")), EAGAIN);
	EXPECT_EQ(memory.ended_with, -1);
}

TEST(Ring, OneToManyAllGetEverything)
{
	const uint64_t records = stream_length() / 4;
	Memory memory(kSize, 0, STPLR_RINGS_MANY, 0, 3);
	End writer(memory.creator());
	std::vector<std::thread> threads;

	for (unsigned reader = 0; reader < 3; reader++)
		threads.emplace_back([&, reader] {
			End end(memory.attached(reader));

			read_stream(end, records, reader == 1);
		});
	write_stream(writer, records, false);
	for (std::thread &thread : threads)
		thread.join();
}

TEST(Ring, OverwrittenRecordsAreCounted)
{
	for (uint32_t start : {0U, kLate}) {
		Memory memory(kSize, 0, STPLR_RINGS_MANY | STPLR_RINGS_OVERWRITE, start);
		End writer(memory.creator()), reader(memory.attached());
		stplr_ring_copy record;

		EXPECT_EQ(read_text(reader), "error EAGAIN");
		EXPECT_EQ(error_of(stplr_ring_peek(reader, &record)), EOPNOTSUPP);
		EXPECT_EQ(error_of(stplr_ring_wait(reader, STPLR_RING_DATA, 0, 0)), EAGAIN);
		// 64 bytes each, header included: 64 of them fit
		for (int at = 0; at < 64; at++)
			EXPECT_EQ(write_text(writer, std::string(56, 'a')), 0);
		EXPECT_EQ(read_text(reader, &record), std::string(56, 'a'));
		EXPECT_EQ(record.number, 0U);
		for (int at = 0; at < 11; at++)
			EXPECT_EQ(write_text(writer, std::string(56, 'b')), 0);
		EXPECT_EQ(stplr_ring_lost(reader), 0U);
		EXPECT_EQ(stplr_ring_wait(reader, STPLR_RING_DATA, 0, 0), int(STPLR_RING_DATA));
		EXPECT_EQ(read_text(reader, &record), std::string(56, 'a'));
		EXPECT_EQ(record.number, 11U);
		EXPECT_EQ(stplr_ring_lost(reader), 10U);
		EXPECT_EQ(stplr_ring_read(reader, nullptr, 0, &record), -1);
		EXPECT_EQ(errno, EMSGSIZE);
		EXPECT_EQ(record.record.len, 56U);
		// one that takes it all
		EXPECT_EQ(write_text(writer, std::string(kMost, 'c')), 0);
		EXPECT_EQ(read_text(reader, &record).size(), kMost);
		EXPECT_EQ(record.number, 75U);
		EXPECT_EQ(stplr_ring_lost(reader), 73U);
		EXPECT_EQ(read_text(reader), "error EAGAIN");
		EXPECT_EQ(write_text(writer, "last"), 0);
		EXPECT_EQ(stplr_ring_end(memory.creator(), 0), 0);
		EXPECT_EQ(read_text(reader), "last");
		EXPECT_EQ(read_text(reader), "error EPIPE");
		EXPECT_EQ(memory.page(memory.attached()).reader.tail,
			  static_cast<uint32_t>(memory.page(memory.attached()).reader.position));
	}
}

// A writer that never waits, and readers that get each record whole or not at all, and in order.
TEST(Ring, OverwritingWhileOthersRead)
{
	const uint64_t records = stream_length();
	Memory memory(kSize, 0, STPLR_RINGS_MANY | STPLR_RINGS_OVERWRITE, kLate, 2);
	End writer(memory.creator());
	std::atomic<bool> written{false};
	std::vector<std::thread> threads;
	std::atomic<uint64_t> got{0};

	for (unsigned reader = 0; reader < 2; reader++)
		threads.emplace_back([&, reader] {
			End end(memory.attached(reader));
			unsigned char buffer[kSize];
			stplr_ring_copy record;
			uint64_t next = 0, read = 0;

			for (;;) {
				const bool last = written;

				if (stplr_ring_read(end, buffer, sizeof(buffer), &record) < 0) {
					ASSERT_EQ(errno, EAGAIN);
					if (last)
						break;
					continue;
				}
				ASSERT_GE(record.number, next);
				ASSERT_EQ(record.record.len, length_of(record.number));
				ASSERT_TRUE(is_filled(buffer, record.record.len, record.number));
				next = record.number + 1;
				read++;
			}
			EXPECT_EQ(next, records);
			EXPECT_EQ(read + stplr_ring_lost(end), records);
			got += read;
		});
	for (uint64_t number = 0; number < records; number++) {
		const uint32_t len = length_of(number);
		void *const place = stplr_ring_reserve(writer, len);

		ASSERT_NE(place, nullptr) << strerror(errno);
		fill(static_cast<unsigned char *>(place), len, number);
		ASSERT_EQ(stplr_ring_commit(writer, len, 0, 0), 0);
	}
	written = true;
	for (std::thread &thread : threads)
		thread.join();
	EXPECT_GT(got, 0U);
	EXPECT_EQ(memory.ended_with, -1);
}

// An overwriting writer that breaks the rules.
TEST(Ring, AWriterThatLiesAboutTheOldest)
{
	const std::function<void(stplr_ring_writer &)> lies[] = {
		[](stplr_ring_writer &w) { w.oldest[0].position = 4; },
		[](stplr_ring_writer &w) { w.oldest[0].position = kSize * 2; },
		[](stplr_ring_writer &w) {
			w.oldest[0] = {8, 0};
		},
		[](stplr_ring_writer &w) {
			w.oldest[0] = {0, 1};
		},
		[](stplr_ring_writer &w) { w.head = kSize + 8; },
		[](stplr_ring_writer &w) { w.head = 0xfffffff8; },
		[](stplr_ring_writer &w) { w.head = 1; },
	};

	for (const auto &lie : lies) {
		Memory memory(kSize, 0, STPLR_RINGS_MANY | STPLR_RINGS_OVERWRITE);
		End writer(memory.creator()), reader(memory.attached());

		EXPECT_EQ(write_text(writer, "abc"), 0);
		lie(memory.page(memory.creator()).writer);
		EXPECT_EQ(read_text(reader), "error EPROTO");
		EXPECT_EQ(memory.ended_with, EPROTO);
	}
}

// What the kernel writes and reads for an end (write(2), read(2)) the object finds.
TEST(Ring, TakesTurnsWithCopyMode)
{
	Memory memory(kSize, 0);
	End first(memory.creator()), reader(memory.attached());

	EXPECT_EQ(write_text(first, "one"), 0);
	{
		End second(memory.creator()), other(memory.attached());

		EXPECT_EQ(write_text(second, "two"), 0);
		EXPECT_EQ(read_text(other), "one");
		EXPECT_EQ(write_text(second, std::string(4000, 'x')), 0);
	}
	EXPECT_EQ(error_of(write_text(first, std::string(100, 'y'))), EAGAIN);
	EXPECT_EQ(write_text(first, "three"), 0);
	EXPECT_EQ(read_text(reader), "two");
	EXPECT_EQ(read_text(reader).size(), 4000U);
	EXPECT_EQ(read_text(reader), "three");
}

TEST(Ring, MappingTwiceAndNotAtAll)
{
	Memory memory(kSize, kSize);
	stplr_ring ring;

	stplr_ring_copy record;

	EXPECT_EQ(error_of(stplr_ring_map(&ring, -1)), EBADF);
	EXPECT_EQ(error_of(stplr_ring_reserve(&ring, 0)), EINVAL);
	EXPECT_EQ(error_of(stplr_ring_commit(&ring, 0, 0, 0)), EINVAL);
	EXPECT_EQ(error_of(stplr_ring_flush(&ring)), EINVAL);
	EXPECT_EQ(error_of(stplr_ring_peek(&ring, &record)), EINVAL);
	EXPECT_EQ(error_of(stplr_ring_release(&ring, 0)), EINVAL);
	EXPECT_EQ(error_of(stplr_ring_wait(&ring, STPLR_RING_DATA, 0, -1)), EINVAL);
	stplr_ring_unmap(&ring);
	ASSERT_EQ(stplr_ring_map(&ring, memory.creator()), 0);
	EXPECT_EQ(memory.mapped, 5U);
	stplr_ring_unmap(&ring);
	EXPECT_EQ(memory.mapped, 0U);
	stplr_ring_unmap(&ring);
	EXPECT_EQ(memory.mapped, 0U);
}

} // namespace
