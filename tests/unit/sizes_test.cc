// SPDX-License-Identifier: MIT
// Every byte arrives, whatever the sizes, the edges and the parts, in both directions between two
// processes.
#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"
#include "support/watchdog.h"

namespace
{

constexpr size_t kMax = 16 << 20;

// A server process that checks each message's pattern and replies with another. It is told the
// order of each message over the pipe, and is never the client's memory.
class SizesTest : public PairTest
{
protected:
	SizesTest() : server([this](Child &self) { return serve(self); }) {}
	~SizesTest() override
	{
		server.tell(-1);
		server.expect_success();
	}

	int serve(Child &self)
	{
		Mapping in(kMax + 2 * page_size()), out(kMax + 2 * page_size());

		for (;;) {
			int64_t length = self.hear();
			if (length < 0)
				return 0;
			int64_t in_at = self.hear(), reply_len = self.hear(), out_at = self.hear();
			poison_bytes(in.data() + in_at - std::min<int64_t>(in_at, 8), length + 16);
			fill_pattern(out.data() + out_at, reply_len, length + 7);
			stplr_msg_receive args =
				receive_args(buffer(in.data() + in_at, length + 8));
			EXPECT_EQ(0, msg_receive(channel, args));
			EXPECT_EQ(uint64_t(length), args.info.src_len);
			EXPECT_EQ(uint64_t(length), args.info.len);
			EXPECT_TRUE(expect_pattern(in.data() + in_at, length, length));
			EXPECT_TRUE(expect_poison(in.data() + in_at + length, 8));
			stplr_msg_reply answer =
				reply_args(args.info.rcvid, buffer(out.data() + out_at, reply_len));
			EXPECT_EQ(0, msg_reply(channel, answer));
			EXPECT_EQ(std::min<uint64_t>(reply_len, args.info.dst_len), answer.len);
		}
	}

	// One round trip with length bytes at message, and reply_len to room bytes at reply.
	void round_trip(char *message, size_t length, char *reply, size_t room, size_t reply_len,
			size_t server_in = 0, size_t server_out = 0)
	{
		SCOPED_TRACE(testing::Message()
			     << "send " << length << ", room " << room << ", reply " << reply_len
			     << ", at " << (uintptr_t(message) & 4095) << " and "
			     << (uintptr_t(reply) & 4095) << ", server " << server_in << " and "
			     << server_out);
		size_t expected = std::min(room, reply_len);

		server.tell(length);
		server.tell(server_in);
		server.tell(reply_len);
		server.tell(server_out);
		fill_pattern(message, length, length);
		poison_bytes(reply, room);
		stplr_msg_send args = send_args(buffer(message, length), buffer(reply, room));
		ASSERT_EQ(0, msg_send_receive(connection, args));
		EXPECT_EQ(expected, args.reply_len);
		EXPECT_EQ(reply_len, args.reply_total);
		EXPECT_TRUE(expect_pattern(reply, expected, length + 7));
		EXPECT_TRUE(expect_poison(reply + expected, room - expected));
		EXPECT_TRUE(expect_pattern(message, length, length)) << "the message was changed";
	}

	Child server;
};

TEST_F(SizesTest, SmallOnesBothWays)
{
	GuardedBuffer message(kMax), reply(kMax);

	for (size_t size = 0; size <= 80; size++) {
		GuardedBuffer exact_message(size), exact_reply(size);
		round_trip(exact_message.at_end(), size, exact_reply.at_end(), size, size);
		round_trip(exact_message.at_start(), size, exact_reply.at_start(), size, size);
	}
}

TEST_F(SizesTest, PowersOfTwoAndTheirNeighbours)
{
	for (size_t power = 128; power <= kMax; power *= power < 65536 ? 2 : 4)
		for (size_t size : {power - 1, power, power + 1}) {
			if (size > kMax)
				continue;
			GuardedBuffer message(size), reply(size);
			round_trip(message.at_end(), size, reply.at_end(), size, size);
		}
}

TEST_F(SizesTest, SixteenMebibytes)
{
	GuardedBuffer message(kMax), reply(kMax);
	round_trip(message.at_start(), kMax, reply.at_end(), kMax, kMax);
	// And nothing in the other direction.
	round_trip(message.at_end(), kMax, reply.at_end(), 0, 0);
	round_trip(message.at_end(), 0, reply.at_start(), kMax, kMax);
}

TEST_F(SizesTest, AroundTheInlineLimit)
{
	stplr_version version;
	ASSERT_EQ(0, stplr_version_get(device, version));
	size_t limit = version.inline_max;

	// The limit counts both directions together.
	for (size_t both = limit - 2; both <= limit + 2; both++)
		for (size_t length : {size_t(0), size_t(1), limit / 2, both - 1, both}) {
			size_t room = both - length;
			GuardedBuffer message(length), reply(room);
			round_trip(message.at_end(), length, reply.at_end(), room, room);
			round_trip(message.at_start(), length, reply.at_start(), room, room / 2);
			round_trip(message.at_end(), length, reply.at_end(), room, room + 100);
		}
	for (size_t size : {limit - 1, limit, limit + 1, 2 * limit}) {
		GuardedBuffer message(size), reply(size);
		round_trip(message.at_end(), size, reply.at_end(), size, size);
	}
}

TEST_F(SizesTest, RoomAndReplyDiffer)
{
	const size_t sizes[] = {0, 1, 100, 4095, 4096, 4097, 65536, 70000, 300000};
	GuardedBuffer message(64);

	for (size_t room : sizes) {
		GuardedBuffer reply(room);
		for (size_t reply_len : sizes)
			round_trip(message.at_end(), 64, reply.at_end(), room, reply_len);
	}
}

TEST_F(SizesTest, EveryPlaceInAPage)
{
	Mapping message(4 * page_size()), reply(4 * page_size());
	const size_t places[] = {0, 1, 7, 8, 63, 2048, 4088, 4095};

	for (size_t at : places)
		for (size_t server_at : places)
			round_trip(message.data() + at, 5000, reply.data() + 4095 - at, 6000, 5500,
				   server_at, 4095 - server_at);
}

TEST_F(SizesTest, AroundTheEndOfEveryPage)
{
	// Messages of some pages and a few bytes, either way: the window's edges are somewhere
	// here.
	for (size_t pages = 1; pages <= 40; pages++)
		for (int more : {-1, 0, 1}) {
			size_t size = pages * page_size() + more;
			GuardedBuffer message(size), reply(size);
			round_trip(message.at_end(), size, reply.at_start(), size, size, pages % 3,
				   pages % 5);
		}
}

TEST_F(SizesTest, Random)
{
	std::mt19937 random(20261120);
	auto below = [&](size_t limit) { return random() % limit; };
	auto some_size = [&] { return below(size_t(1) << (2 + below(20))); };
	Mapping message(2 << 20), reply(2 << 20);

	for (int i = 0; i < 100 * test_repeat(); i++) {
		size_t length = some_size(), room = some_size(),
		       reply_len = below(2) ? room : some_size();
		round_trip(message.data() + below(8192), length, reply.data() + below(8192), room,
			   reply_len, below(8192), below(8192));
		if (HasFailure())
			break;
	}
}

class VectorTest : public PairTest
{
protected:
	// Sends one way in parts, receives in parts; each a list of lengths laid out with gaps
	// between.
	struct Parts {
		explicit Parts(const std::vector<size_t> &lengths)
		{
			size_t total = 0;
			for (size_t length : lengths)
				total += length + 1;
			bytes.resize(total + 1, char(kPoison));
			size_t at = 0;
			for (size_t length : lengths) {
				list.push_back(length ? part(bytes.data() + at, length)
						      : stplr_iovec{nowhere(at), 0});
				at += length + 1;
				size += length;
			}
		}
		void fill(uint64_t seed)
		{
			size_t from = 0;
			for (const stplr_iovec &one : list) {
				fill_pattern(reinterpret_cast<void *>(one.base), one.len, seed,
					     from);
				from += one.len;
			}
		}
		// The first length bytes are the pattern, all others poison.
		void expect(uint64_t seed, size_t length)
		{
			size_t from = 0;
			for (const stplr_iovec &one : list) {
				size_t filled = std::min<size_t>(one.len, length - from);
				const char *base = reinterpret_cast<const char *>(one.base);
				if (!one.len)
					continue;
				ASSERT_TRUE(expect_pattern(base, filled, seed, from));
				ASSERT_TRUE(expect_poison(base + filled, one.len - filled + 1));
				from += filled;
			}
		}
		stplr_buffer vector() const
		{
			return buffer(list.data(), list.size());
		}
		// An empty part may say that it is anywhere: here, at a page's border, where no
		// memory is or can be.
		uint64_t nowhere(size_t at)
		{
			static size_t turn;
			uint64_t here = uintptr_t(bytes.data() + at);
			uint64_t places[] = {here, here & -page_size(), 0, 1ull << 63, ~0ull};
			return places[turn++ % std::size(places)];
		}

		std::vector<char> bytes;
		std::vector<stplr_iovec> list;
		size_t size = 0;
	};

	// A round trip in which all four buffers are vectors.
	void round_trip(const std::vector<size_t> &send, const std::vector<size_t> &receive,
			const std::vector<size_t> &reply, const std::vector<size_t> &room)
	{
		Parts sent(send), received(receive), replied(reply), roomy(room);
		SCOPED_TRACE(testing::Message()
			     << sent.list.size() << " parts of " << sent.size << " into "
			     << received.list.size() << " of " << received.size << ", "
			     << replied.list.size() << " of " << replied.size << " into "
			     << roomy.list.size() << " of " << roomy.size);
		sent.fill(1);
		replied.fill(2);
		stplr_msg_send args = send_args(sent.vector(), roomy.vector());
		args.flags = STPLR_SEND_VECTOR | STPLR_REPLY_VECTOR;
		Thread client([&] { return msg_send_receive(connection, args); });

		stplr_msg_receive taken = receive_args(received.vector());
		taken.flags = STPLR_RECEIVE_VECTOR;
		ASSERT_EQ(0, msg_receive(channel, taken));
		EXPECT_EQ(sent.size, taken.info.src_len);
		EXPECT_EQ(roomy.size, taken.info.dst_len);
		EXPECT_EQ(std::min(sent.size, received.size), taken.info.len);
		received.expect(1, taken.info.len);

		stplr_msg_reply answer = reply_args(taken.info.rcvid, replied.vector());
		answer.flags = STPLR_REPLY_VECTOR;
		ASSERT_EQ(0, msg_reply(channel, answer));
		EXPECT_EQ(0, client.join());
		EXPECT_EQ(std::min(replied.size, roomy.size), args.reply_len);
		EXPECT_EQ(replied.size, args.reply_total);
		roomy.expect(2, args.reply_len);
	}

	// A message that the server reads, and a room that it writes, from each part's start to the
	// end, where all four are vectors of these lengths.
	void read_and_write(const std::vector<size_t> &lengths)
	{
		Parts sent(lengths), roomy(lengths);
		sent.fill(1);
		stplr_msg_send args = send_args(sent.vector(), roomy.vector());
		args.flags = STPLR_SEND_VECTOR | STPLR_REPLY_VECTOR;
		Thread client([&] { return msg_send_receive(connection, args); });
		Received message = receive(channel, 0);
		size_t offset = 0;
		for (size_t length : lengths) {
			if (!length)
				continue;
			Parts read(lengths), written(lengths);
			stplr_msg_data data = data_args(message.rcvid(), read.vector(), offset);
			data.flags = STPLR_DATA_VECTOR;
			ASSERT_EQ(0, msg_read(channel, data));
			ASSERT_EQ(sent.size - offset, data.len);
			size_t from = 0;
			for (const stplr_iovec &one : read.list) {
				size_t filled = std::min<size_t>(one.len, data.len - from);
				ASSERT_TRUE(expect_pattern(reinterpret_cast<void *>(one.base),
							   filled, 1, offset + from));
				from += filled;
			}
			from = offset;
			for (const stplr_iovec &one : written.list) {
				fill_pattern(reinterpret_cast<void *>(one.base), one.len, 2, from);
				from += one.len;
			}
			data = data_args(message.rcvid(), written.vector(), offset);
			data.flags = STPLR_DATA_VECTOR;
			ASSERT_EQ(0, msg_write(channel, data));
			ASSERT_EQ(roomy.size - offset, data.len);
			offset += length;
		}
		EXPECT_EQ(0, reply(channel, message.rcvid()));
		EXPECT_EQ(0, client.join());
		roomy.expect(2, roomy.size);
	}

	void one_way(const std::vector<size_t> &lengths, uint32_t flags)
	{
		Parts sent(lengths);
		sent.fill(1);
		stplr_msg_send args = send_args(sent.vector());
		args.flags = STPLR_SEND_VECTOR | flags;
		Thread client([&] { return msg_send(connection, args); });
		Received message = receive(channel, sent.size);
		EXPECT_EQ(sent.size, message.text.size());
		EXPECT_TRUE(expect_pattern(message.text.data(), message.text.size(), 1));
		EXPECT_EQ(0, client.join());
	}

	// These lengths with empty ones first, between, last, everywhere, and as many as there can
	// be.
	static std::vector<std::vector<size_t>> with_empty(const std::vector<size_t> &lengths)
	{
		std::vector<std::vector<size_t>> lists(5, lengths);
		lists[0].insert(lists[0].begin(), 0);
		lists[1].insert(lists[1].begin() + 1, 0);
		lists[2].push_back(0);
		lists[3].clear();
		for (size_t length : lengths)
			lists[3].insert(lists[3].end(), {0, 0, length, 0});
		lists[4].insert(lists[4].begin() + 1, STPLR_PARTS_MAX - lengths.size(), 0);
		return lists;
	}
};

TEST_F(VectorTest, NumbersOfParts)
{
	for (size_t parts : {0, 1, 2, 3, 7, 8, 9, 16, 17, 64, 255, 1023, 1024}) {
		round_trip(std::vector<size_t>(parts, 3), {4000}, {5000},
			   std::vector<size_t>(parts, 5));
		round_trip({3000}, std::vector<size_t>(parts, 3), std::vector<size_t>(parts, 2),
			   {7000});
	}
}

TEST_F(VectorTest, PartsOfDifferentLengthsOnBothSides)
{
	round_trip({1, 2, 3, 4, 5, 6, 7, 8, 9}, {9, 8, 7, 6, 5, 4, 3, 2, 1}, {10, 1, 30},
		   {3, 3, 3, 100});
	round_trip({4096, 1, 4096, 10000}, {1, 8000, 3, 20000}, {70000, 5}, {5, 70000});
	round_trip({100000, 100000, 100000}, {7, 300000}, {250000, 1, 50000}, {1, 2, 300000});
}

TEST_F(VectorTest, EmptyParts)
{
	round_trip({0, 0, 5, 0, 6, 0}, {0, 11, 0}, {0, 0}, {0, 0, 0});
	round_trip({0}, {0, 0, 0, 1}, {0, 7, 0, 0, 7}, {0, 3, 0, 11, 0});
	round_trip(std::vector<size_t>(1024, 0), std::vector<size_t>(1024, 0), {1},
		   std::vector<size_t>(1024, 0));
}

TEST_F(VectorTest, EmptyPartsAmongOthers)
{
	// Of the sizes that go through the message itself, through a buffer, and in pinned pages.
	for (const std::vector<size_t> &lengths :
	     std::vector<std::vector<size_t>>{{7},
					      {3, 4},
					      {700, 900},
					      {5000, 100},
					      {4096, 4096},
					      {100000},
					      {100000, 5, 70000}}) {
		for (const std::vector<size_t> &list : with_empty(lengths)) {
			// twice: the second time a reply as long as the first is expected
			for (int pass = 0; pass < 2; pass++)
				round_trip(list, list, list, list);
			round_trip(list, lengths, lengths, list);
			round_trip(lengths, list, list, lengths);
			one_way(list, 0);
			one_way(list, STPLR_SEND_QUEUED);
			if (list.size() < 100)
				read_and_write(list);
			if (HasFatalFailure())
				return;
		}
	}
}

TEST_F(VectorTest, EmptyPartsAtPageBorders)
{
	// Whole pages, each part where the one before ends, and empty ones on their borders.
	constexpr size_t kPages = 40;
	Mapping sent(kPages * page_size()), room(kPages * page_size());
	std::vector<stplr_iovec> from, to;
	auto add_page = [](std::vector<stplr_iovec> &list, char *page) {
		list.push_back(part(page, 0));
		list.push_back(part(page, page_size()));
		list.push_back(part(page + page_size(), 0));
	};
	for (size_t page = 0; page < kPages; page++) {
		add_page(from, sent.data() + page * page_size());
		add_page(to, room.data() + page * page_size());
	}
	for (int pass = 0; pass < 2; pass++) {
		fill_pattern(sent.data(), sent.size(), pass);
		poison_bytes(room.data(), room.size());
		stplr_msg_send args =
			send_args(buffer(from.data(), from.size()), buffer(to.data(), to.size()));
		args.flags = STPLR_SEND_VECTOR | STPLR_REPLY_VECTOR;
		Thread client([&] { return msg_send_receive(connection, args); });
		Received message = receive(channel, sent.size());
		ASSERT_EQ(0, message.result);
		EXPECT_TRUE(expect_pattern(message.text.data(), sent.size(), pass));
		EXPECT_EQ(0, reply(channel, message.rcvid(), message.text));
		EXPECT_EQ(0, client.join());
		EXPECT_TRUE(expect_pattern(room.data(), room.size(), pass));
	}
}

TEST_F(VectorTest, EmptyPartsBehindAPartThatIsBad)
{
	Mapping none(page_size(), PROT_NONE);
	std::vector<char> fine(100000);
	stplr_iovec parts[] = {part(fine.data(), fine.size()), part(nullptr, 0),
			       part(none.data(), 10), part(none.data(), 0)};
	stplr_msg_send args = send_args(buffer(parts, 4), {});
	args.flags = STPLR_SEND_VECTOR;
	EXPECT_EQ(-EFAULT, msg_send_receive(connection, args));
	// The room is bad only where the reply ends before it.
	args = send_args({}, buffer(parts, 4));
	args.flags = STPLR_REPLY_VECTOR;
	Thread client([&] { return msg_send_receive(connection, args); });
	EXPECT_EQ(0, reply(channel, receive(channel).rcvid(), {fine.data(), fine.size()}));
	EXPECT_EQ(0, client.join());
	EXPECT_EQ(fine.size(), args.reply_len);
}

TEST_F(VectorTest, ShorterRoom)
{
	round_trip({100, 100}, {50, 60}, {100, 100}, {30, 40});
	round_trip({10000, 10000}, {5000, 1}, {10000, 10000}, {3000, 4001});
	round_trip({300000, 300000}, {200000, 200001}, {300000, 300000}, {299999, 3});
}

TEST_F(VectorTest, ManyLargeParts)
{
	round_trip(std::vector<size_t>(1024, 4096), std::vector<size_t>(512, 8192),
		   std::vector<size_t>(1000, 4099), std::vector<size_t>(1024, 4096));
}

TEST_F(VectorTest, TooManyParts)
{
	std::vector<stplr_iovec> parts(STPLR_PARTS_MAX + 1, part("x", 1));
	stplr_buffer vector = buffer(parts.data(), parts.size());

	for (uint64_t count : {uint64_t(STPLR_PARTS_MAX + 1), uint64_t(1) << 32, ~uint64_t(0)}) {
		vector.len = count;
		stplr_msg_send send = send_args(vector, {});
		send.flags = STPLR_SEND_VECTOR;
		EXPECT_EQ(-EINVAL, msg_send_receive(connection, send));
		send = send_args(vector);
		send.flags = STPLR_SEND_VECTOR;
		EXPECT_EQ(-EINVAL, msg_send(connection, send));
		send = send_args({}, vector);
		send.flags = STPLR_REPLY_VECTOR;
		EXPECT_EQ(-EINVAL, msg_send_receive(connection, send));
		stplr_msg_receive receive = receive_args(vector, STPLR_DEADLINE_POLL);
		receive.flags = STPLR_RECEIVE_VECTOR;
		EXPECT_EQ(-EINVAL, msg_receive(channel, receive));
		stplr_msg_data data = data_args(1, vector);
		data.flags = STPLR_DATA_VECTOR;
		EXPECT_EQ(-EINVAL, msg_read(channel, data));
		EXPECT_EQ(-EINVAL, msg_write(channel, data));
		stplr_msg_reply reply = reply_args(1, vector);
		reply.flags = STPLR_REPLY_VECTOR;
		EXPECT_EQ(-EINVAL, msg_reply(channel, reply));
	}
}

TEST_F(VectorTest, PartsBeyondAllMemory)
{
	char byte = 0;
	stplr_iovec too_long[] = {part(&byte, 1), {4096, 1ull << 63}};
	stplr_iovec longest[] = {{4096, ~0ull}, {4096, 2}};
	// Each could be, together they wrap.
	stplr_iovec wrapping[] = {
		{4096, 1ull << 62}, {4096, 1ull << 62}, {4096, 1ull << 62}, {4096, 1ull << 62}};

	for (auto vector : {buffer(too_long, 2), buffer(longest, 2), buffer(wrapping, 4)}) {
		long expected = vector.len == 4 ? -EFAULT : -EINVAL;
		stplr_msg_send send = send_args(vector, {});
		send.flags = STPLR_SEND_VECTOR;
		EXPECT_EQ(expected, msg_send_receive(connection, send));
		send = send_args({}, vector);
		send.flags = STPLR_REPLY_VECTOR;
		EXPECT_EQ(expected, msg_send_receive(connection, send));
		stplr_msg_receive receive = receive_args(vector, STPLR_DEADLINE_POLL);
		receive.flags = STPLR_RECEIVE_VECTOR;
		EXPECT_EQ(expected, msg_receive(channel, receive));
	}
	EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
}

TEST_F(VectorTest, PartsMayOverlap)
{
	// The same bytes sent twice; room that overlaps is written in order, to its last value.
	char bytes[] = "abcdef", room[8] = "-------";
	stplr_iovec twice[] = {part(bytes, 4), part(bytes + 2, 4)};
	stplr_iovec overlapping[] = {part(room, 4), part(room + 2, 4)};
	stplr_msg_send args = send_args(buffer(twice, 2), buffer(overlapping, 2));
	args.flags = STPLR_SEND_VECTOR | STPLR_REPLY_VECTOR;
	Thread client([&] { return msg_send_receive(connection, args); });
	Received message = receive(channel);
	EXPECT_EQ("abcdcdef", message.text);
	EXPECT_EQ(8u, message.info.dst_len);
	EXPECT_EQ(0, reply(channel, message.rcvid(), "01234567"));
	EXPECT_EQ(0, client.join());
	EXPECT_EQ(0, memcmp(room, "014567-", 7)) << room;
}

TEST_F(VectorTest, VectorItselfIsBad)
{
	GuardedBuffer edge(2 * sizeof(stplr_iovec));
	stplr_iovec parts[] = {part("ab", 2), part("cd", 2)};
	memcpy(edge.at_end(), parts, sizeof(parts));

	stplr_msg_send args = send_args(buffer(edge.at_end(), 3), {});
	args.flags = STPLR_SEND_VECTOR;
	EXPECT_EQ(-EFAULT, msg_send_receive(connection, args));
	args = send_args(stplr_buffer{1ull << 63, 1}, {});
	args.flags = STPLR_SEND_VECTOR;
	EXPECT_EQ(-EFAULT, msg_send_receive(connection, args));
	// An array of no parts is not looked at.
	args = send_args(stplr_buffer{1ull << 63, 0});
	args.flags = STPLR_SEND_VECTOR;
	Thread client([&] { return msg_send(connection, args); });
	EXPECT_EQ(0u, receive(channel).info.src_len);
	EXPECT_EQ(0, client.join());
	// The whole array can be read.
	args = send_args(buffer(edge.at_end(), 2));
	args.flags = STPLR_SEND_VECTOR;
	Thread fine([&] { return msg_send(connection, args); });
	EXPECT_EQ("abcd", receive(channel).text);
	EXPECT_EQ(0, fine.join());
}

TEST_F(VectorTest, OnePartIsBad)
{
	Mapping none(page_size(), PROT_NONE);
	for (size_t length : {10, 100000}) {
		std::vector<char> fine(length);
		stplr_iovec parts[] = {part(fine.data(), length), part(none.data(), 10)};
		stplr_msg_send args = send_args(buffer(parts, 2), {});
		args.flags = STPLR_SEND_VECTOR;
		EXPECT_EQ(-EFAULT, msg_send_receive(connection, args));
		parts[1] = {1ull << 63, 10};
		args = send_args(buffer(parts, 2), {});
		args.flags = STPLR_SEND_VECTOR;
		EXPECT_EQ(-EFAULT, msg_send_receive(connection, args));
		EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
		// An empty part is not looked at.
		parts[1] = {1ull << 63, 0};
		args = send_args(buffer(parts, 2));
		args.flags = STPLR_SEND_VECTOR;
		Thread client([&] { return msg_send(connection, args); });
		EXPECT_EQ(length, receive(channel, length).info.len);
		EXPECT_EQ(0, client.join());
	}
}

} // namespace
