// SPDX-License-Identifier: MIT
// Rings by read(2) and write(2), turn by turn, and one to many; and what breaks their rules.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/module.h"
#include "support/ring.h"
#include "support/thread.h"

namespace
{

void *volatile nowhere = reinterpret_cast<void *>(8);

class RingCopyTest : public ::testing::Test
{
protected:
	Fd device = open_device();
};

// What write(2) is given of a record.
std::string framed(std::string_view bytes, uint16_t type = 0, uint16_t flags = 0)
{
	stplr_ring_copy copy = {{static_cast<uint32_t>(bytes.size()), type, flags}, 0};
	std::string text(reinterpret_cast<char *>(&copy), sizeof(copy));
	text.append(bytes);
	text.append((8 - bytes.size() % 8) % 8, '\0');
	return text;
}

long put(int fd, const std::string &text)
{
	ssize_t written = write(fd, text.data(), text.size());
	return written < 0 ? -errno : written;
}

struct Copied {
	long result;
	std::vector<stplr_ring_copy> headers;
	std::vector<std::string> bytes;
};

Copied take(int fd, size_t room = 65536)
{
	std::string buffer(room, '\xa5');
	Copied copied = {};
	copied.result = read(fd, buffer.data(), room);
	if (copied.result < 0)
		copied.result = -errno;
	for (long at = 0; at < copied.result;) {
		stplr_ring_copy copy;
		EXPECT_LE(at + long(sizeof(copy)), copied.result);
		memcpy(&copy, &buffer[at], sizeof(copy));
		at += sizeof(copy);
		copied.headers.push_back(copy);
		copied.bytes.push_back(buffer.substr(at, copy.record.len));
		at += (copy.record.len + 7) / 8 * 8;
		EXPECT_LE(at, copied.result);
	}
	return copied;
}

void nonblock(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

// Row 11: one read returns several whole records; a buffer too small is an error and loses nothing.
TEST_F(RingCopyTest, Row11WholeRecordsSeveralAtATime)
{
	RingPair pair(device, "copied");
	nonblock(pair.other);
	EXPECT_EQ(-EAGAIN, take(pair.other).result);
	std::string three = framed("one", 1) + framed("", 2) + framed(std::string(100, 'c'), 3);
	ASSERT_EQ(long(three.size()), put(pair.creator, three));
	EXPECT_EQ(-EMSGSIZE, take(pair.other, 23).result);
	Copied copied = take(pair.other, 24 + 16 + 100);
	ASSERT_EQ(24 + 16, copied.result) << "two fit";
	EXPECT_EQ("one", copied.bytes[0]);
	EXPECT_EQ(1, copied.headers[0].record.type);
	EXPECT_EQ(0u, copied.headers[0].number);
	EXPECT_EQ("", copied.bytes[1]);
	EXPECT_EQ(1u, copied.headers[1].number);
	stplr_ring_info info;
	ASSERT_EQ(0, ring_info(pair.other, info));
	EXPECT_EQ(100u, info.next);
	EXPECT_EQ(-EMSGSIZE, take(pair.other, 119).result);
	copied = take(pair.other, 120);
	ASSERT_EQ(120, copied.result);
	EXPECT_EQ(2u, copied.headers[0].number);
	EXPECT_EQ(0, read(pair.other, nullptr, 0));
	EXPECT_EQ(-EAGAIN, take(pair.other).result);
}

TEST_F(RingCopyTest, WritesAreChecked)
{
	RingPair pair(device, "checked", 1, 0);
	nonblock(pair.creator);
	EXPECT_EQ(-EINVAL, put(pair.creator, std::string(15, 'x')));
	EXPECT_EQ(-EINVAL, put(pair.creator, framed("x", 0, STPLR_RING_TURN)));
	EXPECT_EQ(-EINVAL, put(pair.creator, framed("x", 0, 2)));
	std::string numbered = framed("x");
	numbered[8] = 1;
	EXPECT_EQ(-EINVAL, put(pair.creator, numbered));
	EXPECT_EQ(-EINVAL, put(pair.creator, framed("12345678").substr(0, 23)));
	EXPECT_EQ(17, put(pair.creator, framed("x").substr(0, 17))) << "the last is not padded";
	EXPECT_EQ(-EMSGSIZE, put(pair.creator, framed(std::string(4089, 'x'))));
	EXPECT_EQ(-EFAULT, write(pair.creator, nowhere, 24) < 0 ? -errno : 0);
	EXPECT_EQ(24, put(pair.creator, framed("good") + framed("x", 0, 2)))
		<< "those before a bad one";
	EXPECT_EQ(-EINVAL, put(pair.other, framed("x"))) << "it does not write";
	EXPECT_EQ(-EINVAL, take(pair.creator).result);
	EXPECT_EQ(2u, take(pair.other).bytes.size());
	// No room for the first; for some.
	std::string kilobyte = framed(std::string(1016, 'k'));
	EXPECT_EQ(long(4 * kilobyte.size()),
		  put(pair.creator, kilobyte + kilobyte + kilobyte + kilobyte + kilobyte));
	EXPECT_EQ(-EAGAIN, put(pair.creator, kilobyte));
	Fd set(rings_create(device, rings_args("fault")));
	Fd fault(ring_open(set)), other(ring_attach(device, "fault"));
	ASSERT_EQ(24, put(fault, framed("stays")));
	EXPECT_EQ(-EFAULT, read(other, nowhere, 100) < 0 ? -errno : 0);
	EXPECT_EQ("stays", take(other).bytes.at(0));
}

// Row 14: by copy or in place, at either end.
TEST_F(RingCopyTest, Row14CopyAndPlaceMayBeMixed)
{
	RingPair pair(device, "mixed");
	Ring creator(pair.creator.release()), other(pair.other.release());
	for (int i = 0; i < 1000; i++) {
		std::string text = std::to_string(i);
		ASSERT_EQ(0, creator.put(text));
		ASSERT_LT(0, put(creator.fd(), framed(text)));
		if (i % 2)
			ASSERT_EQ(text, other.take().bytes);
		Copied copied = take(other.fd());
		ASSERT_EQ(text, copied.bytes.at(0));
		ASSERT_EQ(i % 2 ? 1u : 2u, copied.bytes.size());
		ASSERT_EQ(2u * i + i % 2, copied.headers[0].number);
	}
}

// Row 10, by copy: blocking both ways.
TEST_F(RingCopyTest, Row10NumberedRecordsByCopy)
{
	RingPair pair(device, "numbers", 1, 0);
	const uint64_t count = kernel_checks_memory() ? 20000 : 200000;
	Thread writer([&] {
		for (uint64_t i = 0; i < count; i++) {
			long result = put(pair.creator, framed(std::to_string(i)));
			if (result < 0)
				return result;
		}
		return ring_end(pair.creator);
	});
	uint64_t next = 0, wrong = 0;
	for (;;) {
		Copied copied = take(pair.other, 1000);
		if (copied.result < 0) {
			EXPECT_EQ(-EPIPE, copied.result);
			break;
		}
		for (size_t i = 0; i < copied.bytes.size(); i++, next++) {
			wrong += copied.headers[i].number != next;
			wrong += copied.bytes[i] != std::to_string(next);
		}
	}
	EXPECT_EQ(0, writer.join());
	EXPECT_EQ(count, next);
	EXPECT_EQ(0u, wrong);
}

TEST_F(RingCopyTest, SignalsAndTheEndInterruptCopies)
{
	RingPair pair(device, "cut");
	Thread reader([&] { return take(pair.other).result; });
	ASSERT_TRUE(reader.wait_asleep());
	reader.signal(SIGUSR1);
	EXPECT_EQ(-EINTR, reader.join());
	Thread again([&] { return take(pair.other).result; });
	ASSERT_TRUE(again.wait_asleep());
	EXPECT_EQ(-EINVAL, ring_end(pair.creator, 1));
	ASSERT_EQ(0, ring_end(pair.creator, EPROTO));
	EXPECT_EQ(-EPROTO, again.join());
	EXPECT_EQ(-EPROTO, put(pair.other, framed("x")));
}

// Row 17: passing the turn is not an empty message; the first turn is the creator's.
TEST_F(RingCopyTest, Row17TurnByTurn)
{
	RingPair pair(device, "turns", 1, 1, STPLR_RINGS_TURNS);
	nonblock(pair.creator);
	nonblock(pair.other);
	EXPECT_EQ(-EBUSY, put(pair.other, framed("me first")));
	ASSERT_EQ(24, put(pair.creator, framed("a")));
	ASSERT_EQ(16, put(pair.creator, framed("")));
	EXPECT_EQ(2u, take(pair.other).bytes.size());
	EXPECT_EQ(-EBUSY, put(pair.other, framed("x"))) << "an empty message passes nothing";
	ASSERT_EQ(24, put(pair.creator, framed("over", 0, STPLR_RING_TURN)));
	EXPECT_EQ(-EBUSY, put(pair.creator, framed("and out")));
	Copied copied = take(pair.other);
	EXPECT_EQ("over", copied.bytes.at(0));
	EXPECT_EQ(STPLR_RING_TURN, copied.headers[0].record.flags);
	ASSERT_EQ(16, put(pair.other, framed("", 0, STPLR_RING_TURN)));
	EXPECT_EQ(-EBUSY, put(pair.other, framed("x")));
	EXPECT_EQ("", take(pair.creator).bytes.at(0));
	EXPECT_EQ(24, put(pair.creator, framed("b")));
	EXPECT_EQ("b", take(pair.other).bytes.at(0));
	// Who speaks out of turn all the same.
	Ring other(pair.other.release());
	ASSERT_EQ(0, other.put("cheat"));
	EXPECT_EQ(-EPROTO, take(pair.creator).result);
	EXPECT_EQ(-EPROTO, ring_wait(other.fd(), STPLR_RING_ROOM));
}

// What breaks the rules, each way that there is one.
TEST_F(RingCopyTest, Row18IndicesAndLengthsAreNotTrusted)
{
	struct {
		const char *what;
		void (*does)(Ring &bad);
	} crimes[] = {
		{"a head too far", [](Ring &bad) { bad.own->writer.head = 4096 + 8; }},
		{"a head behind", [](Ring &bad) { bad.own->writer.head = -8; }},
		{"an odd head", [](Ring &bad) { bad.own->writer.head = 17; }},
		{"a length beyond the head",
		 [](Ring &bad) {
			 bad.out[0] = 100;
			 bad.own->writer.head = 64;
		 }},
		{"a length that wraps",
		 [](Ring &bad) {
			 memset(bad.out, 0xff, 4);
			 bad.own->writer.head = 64;
		 }},
		{"unknown flags",
		 [](Ring &bad) {
			 bad.out[6] = 2;
			 bad.own->writer.head = 64;
		 }},
		{"a turn where there are none",
		 [](Ring &bad) {
			 bad.out[6] = 1;
			 bad.own->writer.head = 64;
		 }},
	};
	RingPair bystander(device, "bystander");
	for (auto &crime : crimes) {
		RingPair pair(device, "crime");
		Ring bad(pair.creator.release());
		crime.does(bad);
		EXPECT_EQ(-EPROTO, take(pair.other).result) << crime.what;
		EXPECT_EQ(uint32_t(EPROTO), bad.kernel->error) << crime.what;
		EXPECT_EQ(-EPROTO, ring_wait(bad.fd(), STPLR_RING_ROOM)) << crime.what;
	}
	void (*tails[])(Ring &) = {[](Ring &bad) { bad.own->reader.tail = 8; },
				   [](Ring &bad) { bad.own->reader.tail = -4104; },
				   [](Ring &bad) { bad.own->reader.tail = -9; }};
	for (auto tail : tails) {
		RingPair pair(device, "crime");
		Ring bad(pair.other.release());
		tail(bad);
		EXPECT_EQ(-EPROTO, put(pair.creator, framed("x")));
		EXPECT_EQ(uint32_t(EPROTO), bad.kernel->error);
	}
	EXPECT_EQ(24, put(bystander.creator, framed("fine")));
	EXPECT_EQ("fine", take(bystander.other).bytes.at(0));
}

// Every shared word at random, while the kernel reads and writes.
TEST_F(RingCopyTest, Row18AHostileProcessHarmsOnlyItsRing)
{
	RingPair bystander(device, "calm");
	std::mt19937 random(1);
	unsigned broken = 0;
	int64_t until = in_ms(3000);
	for (unsigned round = 0; now(CLOCK_MONOTONIC) < until; round++) {
		RingPair pair(device, "hostile", 1, 1);
		nonblock(pair.creator);
		Ring bad(pair.other.release());
		std::atomic<bool> stop(false);
		unsigned seed = random();
		Thread scribbler([&] {
			std::mt19937 noise(seed);
			while (!stop) {
				uint32_t value = noise();
				if (value % 4)
					value %= 8192, value &= ~7u;
				volatile uint32_t *words = reinterpret_cast<volatile uint32_t *>(
					noise() % 2 ? const_cast<stplr_ring_page *>(bad.own)
						    : static_cast<void *>(bad.out));
				words[noise() % 1024] = value;
				if (noise() % 8 == 0)
					bad.own->writer.head = value;
			}
			return 0L;
		});
		long result = 0;
		for (int i = 0; i < 1000 && result != -EPROTO; i++) {
			result = take(pair.creator).result;
			if (result != -EPROTO)
				result = put(pair.creator, framed("good"));
		}
		broken += result == -EPROTO;
		stop = true;
		EXPECT_EQ(0, scribbler.join());
		ASSERT_EQ(24, put(bystander.creator, framed("fine")));
		ASSERT_EQ("fine", take(bystander.other).bytes.at(0));
	}
	EXPECT_LT(0u, broken);
}

// One to many

// Row 11: N readers each get every record written after they opened; the slowest holds it back.
TEST_F(RingCopyTest, Row11EveryReaderGetsAllSinceItCame)
{
	Fd set(rings_create(device, rings_args("news", 3, 1, 0, STPLR_RINGS_MANY)));
	ASSERT_LE(0, set);
	Fd writer(ring_open(set));
	nonblock(writer);
	EXPECT_EQ(-EINVAL, ring_open(set, 1));
	ASSERT_EQ(24, put(writer, framed("before")));
	uint32_t number = 9;
	Fd first(ring_attach(device, "news", STPLR_RING_ANY, 0, &number));
	EXPECT_EQ(0u, number);
	nonblock(first);
	EXPECT_EQ(-EAGAIN, take(first).result) << "that was before";
	ASSERT_EQ(24, put(writer, framed("1")));
	Fd second(ring_attach(device, "news", 2, 0, &number));
	nonblock(second);
	EXPECT_EQ(2u, number);
	ASSERT_EQ(24, put(writer, framed("2")));
	EXPECT_EQ((std::vector<std::string>{"1", "2"}), take(first).bytes);
	EXPECT_EQ((std::vector<std::string>{"2"}), take(second).bytes);
	EXPECT_EQ(-EINVAL, put(first, framed("x"))) << "readers only read";
	// The slowest.
	long written = 0;
	while (put(writer, framed(std::string(120, 'x'))) > 0)
		written++;
	EXPECT_EQ(4096 / 128, written);
	EXPECT_EQ(size_t(written), take(first).bytes.size());
	EXPECT_EQ(-EAGAIN, put(writer, framed("more")));
	stplr_ring_info info;
	ASSERT_EQ(0, ring_info(writer, info));
	EXPECT_EQ(2u, info.peers);
	Thread waiting([&] { return ring_wait(writer, STPLR_RING_ROOM); });
	ASSERT_TRUE(waiting.wait_blocked(STPLR_RING_WAIT));
	second.reset(); // one that goes is not waited for
	EXPECT_EQ(long(STPLR_RING_ROOM), waiting.join());
	second.reset(ring_attach(device, "news", 2));
	EXPECT_LE(0, second) << "the number is free again";
	ASSERT_EQ(24, put(writer, framed("again")));
	EXPECT_EQ("again", take(second).bytes.at(0));
	EXPECT_EQ("again", take(first).bytes.at(0));
	// One that breaks the rules is alone in having done so.
	Ring bad(ring_attach(device, "news", 1));
	bad.own->reader.tail = 12345;
	for (int i = 0; i < 20; i++) {
		ASSERT_LT(0, put(writer, framed(std::string(1000, 'x'))));
		EXPECT_LT(0, take(first).result);
		EXPECT_LT(0, take(second).result);
	}
	EXPECT_EQ(-EPROTO, ring_wait(bad.fd(), STPLR_RING_DATA, STPLR_DEADLINE_POLL));
	EXPECT_LT(0, put(writer, framed("on")));
	EXPECT_EQ(-EAGAIN, ring_attach(device, "news", 1));
	writer.reset();
	while (take(first).result > 0)
		;
	EXPECT_EQ(-EPIPE, take(first).result);
}

TEST_F(RingCopyTest, Row11OverwrittenRecordsAreCounted)
{
	Fd set(rings_create(
		device, rings_args("latest", 2, 1, 0, STPLR_RINGS_MANY | STPLR_RINGS_OVERWRITE)));
	Fd writer(ring_open(set)), reader(ring_attach(device, "latest"));
	nonblock(reader);
	uint64_t next = 0, lost = 0;
	std::mt19937 random(1);
	for (int round = 0; round < 300; round++) {
		for (unsigned i = random() % 100; i; i--) {
			std::string text = std::to_string(next++);
			text.resize(8 + random() % 200, ' ');
			ASSERT_LT(0, put(writer, framed(text)));
		}
		for (;;) {
			Copied copied = take(reader, 2000);
			if (copied.result < 0)
				break;
			for (size_t i = 0; i < copied.bytes.size(); i++)
				ASSERT_EQ(copied.headers[i].number,
					  strtoull(copied.bytes[i].c_str(), nullptr, 10));
			lost = copied.headers.back().number;
		}
		if (next)
			ASSERT_EQ(next - 1, lost) << "up to the last";
	}
	stplr_ring_info info;
	ASSERT_EQ(0, ring_info(reader, info));
	EXPECT_LT(0u, info.lost);
	Fd late(ring_attach(device, "latest"));
	nonblock(late);
	EXPECT_EQ(-EAGAIN, take(late).result);
	ASSERT_LT(0, put(writer, framed("x")));
	EXPECT_EQ(next, take(late).headers.at(0).number);
}

TEST_F(RingCopyTest, OneLongRecordTakesThePlaceOfManyEmptyOnes)
{
	constexpr size_t kBytes = 256 * 4096, kEmpty = kBytes / 8;
	Fd set(rings_create(
		device, rings_args("long", 2, 256, 0, STPLR_RINGS_MANY | STPLR_RINGS_OVERWRITE)));
	Fd writer(ring_open(set)), reader(ring_attach(device, "long"));
	nonblock(reader);
	std::string empty;
	for (int i = 0; i < 1024; i++)
		empty += framed("");
	for (size_t i = 0; i < kEmpty; i += 1024)
		ASSERT_EQ(long(empty.size()), put(writer, empty));
	const std::string text(kBytes - 4096, 'x');
	ASSERT_LT(0, put(writer, framed(text)));
	Copied copied = take(reader, 2 * kBytes);
	ASSERT_FALSE(copied.bytes.empty());
	EXPECT_EQ(kEmpty, copied.headers.back().number);
	EXPECT_TRUE(text == copied.bytes.back());
}

// One that was ended by itself has no part in the ring any more, and is not waited for.
TEST_F(RingCopyTest, AReaderThatEndsItselfIsAtTheEnd)
{
	Fd set(rings_create(device, rings_args("left", 2, 1, 0, STPLR_RINGS_MANY)));
	Fd writer(ring_open(set)), reader(ring_attach(device, "left"));
	Fd stays(ring_attach(device, "left"));
	ASSERT_EQ(24, put(writer, framed("unread")));
	ASSERT_EQ(0, ring_end(reader));
	EXPECT_EQ(-EPIPE, take(reader).result);
	EXPECT_EQ(-EPIPE, ring_wait(reader, STPLR_RING_DATA));
	EXPECT_EQ("unread", take(stays).bytes.at(0));
	for (int i = 0; i < 20; i++) {
		ASSERT_LT(0, put(writer, framed(std::string(1000, 'x')))) << "nobody waits for it";
		EXPECT_LT(0, take(stays).result);
	}
	EXPECT_EQ(-EPIPE, take(reader).result);
	EXPECT_EQ(-EPIPE, ring_wait(reader, STPLR_RING_DATA));
}

// All that there was has given way to a record that is not committed yet: there is nothing to read.
TEST_F(RingCopyTest, AReaderSleepsWhileAllIsOverwritten)
{
	Fd set(rings_create(
		device, rings_args("wiped", 1, 1, 0, STPLR_RINGS_MANY | STPLR_RINGS_OVERWRITE)));
	Ring writer(ring_open(set));
	Fd reader(ring_attach(device, "wiped"));
	ASSERT_EQ(0, writer.put(std::string(1000, 'x')));
	// what a writer does that reserves more than is left
	volatile stplr_ring_writer &mine = writer.own->writer;
	mine.oldest[1].position = mine.head;
	mine.oldest[1].number = 1;
	__atomic_store_n(&mine.version, 1, __ATOMIC_RELEASE);
	Copied copied;
	Thread reading([&] {
		copied = take(reader);
		return copied.result;
	});
	EXPECT_TRUE(reading.wait_asleep()) << "it does not look again and again";
	ASSERT_EQ(0, writer.put("next"));
	EXPECT_EQ(24, reading.join());
	EXPECT_EQ("next", copied.bytes.at(0));
	EXPECT_EQ(1u, copied.headers.at(0).number);
}

// A writer that never waits and readers that copy at the same time: no record is torn.
TEST_F(RingCopyTest, Row11NoRecordIsTornByOverwriting)
{
	Fd set(rings_create(device,
			    rings_args("torn", 2, 1, 0, STPLR_RINGS_MANY | STPLR_RINGS_OVERWRITE)));
	Fd writer(ring_open(set)), reader(ring_attach(device, "torn"));
	const uint64_t count = kernel_checks_memory() ? 5000 : 50000;
	Thread writing([&] {
		for (uint64_t i = 0; i < count; i++) {
			std::string text(16 + i % 300, 'a' + i % 26);
			memcpy(&text[0], &i, sizeof(i));
			long result = put(writer, framed(text));
			if (result < 0)
				return result;
		}
		return ring_end(writer);
	});
	uint64_t got = 0, next = 0, lost = 0, wrong = 0;
	for (;;) {
		Copied copied = take(reader);
		if (copied.result < 0) {
			EXPECT_EQ(-EPIPE, copied.result);
			break;
		}
		for (size_t i = 0; i < copied.bytes.size(); i++) {
			const std::string &text = copied.bytes[i];
			uint64_t number = copied.headers[i].number, inside;
			memcpy(&inside, text.data(), sizeof(inside));
			wrong += number != inside || number < next;
			wrong += text.find_first_not_of('a' + inside % 26, 8) != std::string::npos;
			lost += number - next;
			next = number + 1;
			got++;
		}
	}
	EXPECT_EQ(0, writing.join());
	EXPECT_EQ(0u, wrong);
	EXPECT_EQ(count, got + lost);
	EXPECT_EQ(count, next);
}

} // namespace
