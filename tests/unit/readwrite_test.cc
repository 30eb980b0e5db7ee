// SPDX-License-Identifier: MIT
// STPLR_MSG_READ and STPLR_MSG_WRITE: more of a message after it was received.
#include <gtest/gtest.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"

namespace
{

class ReadWriteTest : public PairTest
{
protected:
	// Reads into length bytes; the text that came, or the error's name.
	std::string read_text(int rcvid, uint64_t offset, size_t length)
	{
		std::vector<char> bytes(length + 1, kPoison);
		stplr_msg_data args = data_args(rcvid, buffer(bytes.data(), length), offset);
		long result = msg_read(channel, args);
		if (result < 0)
			return result_name(result);
		EXPECT_LE(args.len, length);
		EXPECT_TRUE(expect_poison(bytes.data() + args.len, length + 1 - args.len));
		return std::string(bytes.data(), args.len);
	}

	// Bytes written, or -errno.
	long write_text(int rcvid, uint64_t offset, std::string_view text)
	{
		stplr_msg_data args = data_args(rcvid, buffer(text), offset);
		long result = msg_write(channel, args);
		return result < 0 ? result : long(args.len);
	}
};

TEST_F(ReadWriteTest, ReadsTheRest)
{
	Sender client(connection, "hello, world");
	Received message = receive(channel, 5);
	EXPECT_EQ("hello", message.text);
	EXPECT_EQ(", world", read_text(message.rcvid(), 5, 100));
	EXPECT_FALSE(client.done());
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, client.finish().result);
}

TEST_F(ReadWriteTest, ReadsAnywhereAnyNumberOfTimes)
{
	Sender client(connection, "hello, world");
	Received message = receive(channel);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ("hello, world", read_text(message.rcvid(), 0, 12));
		EXPECT_EQ("world", read_text(message.rcvid(), 7, 5));
		EXPECT_EQ("h", read_text(message.rcvid(), 0, 1));
		EXPECT_EQ("d", read_text(message.rcvid(), 11, 1));
		EXPECT_EQ("", read_text(message.rcvid(), 3, 0));
	}
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, client.finish().result);
}

TEST_F(ReadWriteTest, ReadEndsWhereTheMessageEnds)
{
	Sender client(connection, "hello");
	Received message = receive(channel);
	EXPECT_EQ("llo", read_text(message.rcvid(), 2, 100));
	EXPECT_EQ("", read_text(message.rcvid(), 5, 100));
	EXPECT_EQ("", read_text(message.rcvid(), 6, 100));
	for (uint64_t offset : {1ull << 32, 1ull << 62, (1ull << 63) - 1, 1ull << 63, ~0ull})
		EXPECT_EQ("", read_text(message.rcvid(), offset, 100)) << offset;
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, client.finish().result);
}

TEST_F(ReadWriteTest, WritesIntoTheReply)
{
	Sender client(connection, "x", 20);
	Received message = receive(channel);
	EXPECT_EQ(5, write_text(message.rcvid(), 7, "world"));
	EXPECT_EQ(7, write_text(message.rcvid(), 0, "hello, "));
	EXPECT_FALSE(client.done());
	// The reply itself covers the beginning.
	EXPECT_EQ(0, reply(channel, message.rcvid(), "HELLO"));
	EXPECT_EQ(0, client.finish().result);
	EXPECT_EQ("HELLO", client.finish().text);
	EXPECT_EQ(5u, client.finish().total);
}

TEST_F(ReadWriteTest, WrittenBytesAreThereWhateverTheReplysLength)
{
	for (size_t room : {size_t(100), size_t(100000)}) {
		std::vector<char> bytes(room, kPoison);
		stplr_msg_send args = send_args(buffer("x"), buffer(bytes.data(), room));
		Thread client([&] { return msg_send_receive(connection, args); });
		Received message = receive(channel);
		EXPECT_EQ(5, write_text(message.rcvid(), room - 5, "world"));
		EXPECT_EQ(2, write_text(message.rcvid(), 10, "of"));
		EXPECT_EQ(0, reply(channel, message.rcvid(), "hello"));
		EXPECT_EQ(0, client.join());
		EXPECT_EQ(5u, args.reply_len);
		EXPECT_EQ(0, memcmp(bytes.data(), "hello", 5));
		EXPECT_TRUE(expect_poison(bytes.data() + 5, 5));
		EXPECT_EQ(0, memcmp(bytes.data() + 10, "of", 2));
		EXPECT_TRUE(expect_poison(bytes.data() + 12, room - 17));
		EXPECT_EQ(0, memcmp(bytes.data() + room - 5, "world", 5));
	}
}

TEST_F(ReadWriteTest, WriteEndsWhereTheRoomEnds)
{
	Sender client(connection, "x", 8);
	Received message = receive(channel);
	EXPECT_EQ(8, write_text(message.rcvid(), 0, "0123456789"));
	EXPECT_EQ(2, write_text(message.rcvid(), 6, "abcdef"));
	EXPECT_EQ(0, write_text(message.rcvid(), 8, "z"));
	EXPECT_EQ(0, write_text(message.rcvid(), 9, "z"));
	for (uint64_t offset : {1ull << 32, 1ull << 62, (1ull << 63) - 1, 1ull << 63, ~0ull})
		EXPECT_EQ(0, write_text(message.rcvid(), offset, "z")) << offset;
	EXPECT_EQ(0, reply(channel, message.rcvid(), "R"));
	EXPECT_EQ("R", client.finish().text);
}

TEST_F(ReadWriteTest, LargePiecesInAnyOrder)
{
	constexpr size_t kSize = 3 << 20, kPiece = 200001;
	std::vector<char> sent(kSize), room(kSize, kPoison), piece(kPiece);
	fill_pattern(sent.data(), kSize, 1);
	stplr_msg_send args = send_args(buffer(sent.data(), kSize), buffer(room.data(), kSize));
	Thread client([&] { return msg_send_receive(connection, args); });
	Received message = receive(channel, 0);
	EXPECT_EQ(kSize, message.info.src_len);

	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i * kPiece < kSize; i++) {
			size_t at = (pass ? kSize / kPiece - i : i) * kPiece,
			       expected = std::min(kPiece, kSize - at);
			stplr_msg_data data =
				data_args(message.rcvid(), buffer(piece.data(), kPiece), at);
			ASSERT_EQ(0, msg_read(channel, data));
			ASSERT_EQ(expected, data.len);
			ASSERT_TRUE(expect_pattern(piece.data(), expected, 1, at));
			if (!pass)
				continue;
			fill_pattern(piece.data(), expected, 2, at);
			data = data_args(message.rcvid(), buffer(piece.data(), expected), at);
			ASSERT_EQ(0, msg_write(channel, data));
			ASSERT_EQ(expected, data.len);
		}
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, client.join());
	EXPECT_EQ(0u, args.reply_len);
	EXPECT_TRUE(expect_pattern(room.data(), kSize, 2));
}

TEST_F(ReadWriteTest, OneWayStaysUntilTheRestIsRead)
{
	OneWaySender client(connection, "hello, world");
	Received message = receive(channel, 5);
	EXPECT_EQ(uint32_t(STPLR_INFO_TRUNCATED | STPLR_INFO_NO_REPLY), message.info.flags);
	EXPECT_TRUE(client.wait_blocked());
	EXPECT_EQ(", ", read_text(message.rcvid(), 5, 2));
	EXPECT_EQ("world", read_text(message.rcvid(), 7, 5));
	EXPECT_EQ(0, client.finish());
	EXPECT_EQ("ESRCH", read_text(message.rcvid(), 0, 5));
}

TEST_F(ReadWriteTest, OneWayReadWithAGapStays)
{
	OneWaySender client(connection, "hello, world");
	Received message = receive(channel, 5);
	stplr_msg_info info = {};
	info.rcvid = message.rcvid();
	EXPECT_EQ("world", read_text(message.rcvid(), 7, 5)) << "its end before its middle";
	EXPECT_TRUE(client.wait_blocked());
	ASSERT_EQ(0, call(channel, STPLR_MSG_INFO, &info));
	EXPECT_EQ(5u, info.len);
	EXPECT_EQ(",", read_text(message.rcvid(), 5, 1));
	EXPECT_EQ("world", read_text(message.rcvid(), 7, 5)) << "one byte is missing";
	EXPECT_TRUE(client.wait_blocked());
	info.rcvid = message.rcvid();
	ASSERT_EQ(0, call(channel, STPLR_MSG_INFO, &info));
	EXPECT_EQ(6u, info.len);
	EXPECT_EQ("hell", read_text(message.rcvid(), 0, 4)) << "what was read before";
	EXPECT_EQ(" world", read_text(message.rcvid(), 6, 6));
	EXPECT_EQ(0, client.finish());
}

TEST_F(ReadWriteTest, OneWayReleasedByAReply)
{
	OneWaySender client(connection, "hello, world");
	Received message = receive(channel, 5);
	// It has no room for a reply's bytes.
	stplr_msg_reply answer = reply_args(message.rcvid(), buffer("x"));
	EXPECT_EQ(0, msg_reply(channel, answer));
	EXPECT_EQ(0u, answer.len);
	EXPECT_EQ(0, client.finish());
	EXPECT_EQ(-ESRCH, reply(channel, message.rcvid()));
	EXPECT_EQ("ESRCH", read_text(message.rcvid(), 5, 7));
}

TEST_F(ReadWriteTest, OneWayHasNoRoom)
{
	OneWaySender client(connection, "hello, world");
	Received message = receive(channel, 5);
	EXPECT_EQ(0u, message.info.dst_len);
	EXPECT_EQ(0, write_text(message.rcvid(), 0, "x"));
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, client.finish());
}

TEST_F(ReadWriteTest, BadIds)
{
	Sender client(connection, "hello");
	Received message = receive(channel);
	Fd other = new_channel(device);
	char room[8];
	for (int rcvid : {0, -1, INT_MIN}) {
		EXPECT_EQ("EINVAL", read_text(rcvid, 0, 1));
		EXPECT_EQ(-EINVAL, write_text(rcvid, 0, "x"));
	}
	for (int rcvid : {message.rcvid() + 1, INT_MAX}) {
		EXPECT_EQ("ESRCH", read_text(rcvid, 0, 1));
		EXPECT_EQ(-ESRCH, write_text(rcvid, 0, "x"));
	}
	stplr_msg_data args = data_args(message.rcvid(), buffer(room, sizeof(room)));
	EXPECT_EQ(-ESRCH, msg_read(other, args)) << "received on another channel";
	EXPECT_EQ(-ESRCH, msg_write(other, args));
	Child child([&](Child &) {
		EXPECT_EQ("ESRCH", read_text(message.rcvid(), 0, 5))
			<< "received by another process";
		EXPECT_EQ(-ESRCH, write_text(message.rcvid(), 0, "x"));
		return 0;
	});
	child.expect_success();
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ("ESRCH", read_text(message.rcvid(), 0, 5)) << "already answered";
	EXPECT_EQ(-ESRCH, write_text(message.rcvid(), 0, "x"));
	EXPECT_EQ("", client.finish().text);
}

TEST_F(ReadWriteTest, OwnBufferIsBad)
{
	Sender client(connection, "hello", 4096);
	Received message = receive(channel);
	Mapping none(page_size(), PROT_NONE);
	stplr_msg_data args = data_args(message.rcvid(), buffer(none.data(), 5));
	EXPECT_EQ(-EFAULT, msg_read(channel, args));
	EXPECT_EQ(-EFAULT, msg_write(channel, args));
	args = data_args(message.rcvid(), stplr_buffer{1ull << 63, 5});
	EXPECT_EQ(-EFAULT, msg_read(channel, args));
	EXPECT_EQ(-EFAULT, msg_write(channel, args));
	EXPECT_EQ("hello", read_text(message.rcvid(), 0, 10));
	EXPECT_EQ(0, reply(channel, message.rcvid(), "fine"));
	EXPECT_EQ("fine", client.finish().text);
}

TEST_F(ReadWriteTest, MoreThanTheMaximumAtOnce)
{
	stplr_version version;
	ASSERT_EQ(0, stplr_version_get(device, version));
	Mapping huge(version.message_max + 1, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
	Sender client(connection, "hello");
	Received message = receive(channel);
	stplr_msg_data args = data_args(message.rcvid(), buffer(huge.data(), huge.size()));
	EXPECT_EQ(-EMSGSIZE, msg_write(channel, args));
	// A buffer of the longest message is fine.
	args = data_args(message.rcvid(), buffer(huge.data(), version.message_max));
	EXPECT_EQ(0, msg_read(channel, args));
	EXPECT_EQ(5u, args.len);
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, client.finish().result);
}

TEST_F(ReadWriteTest, Vectors)
{
	Sender client(connection, "hello, world", 12);
	Received message = receive(channel, 0);
	char a[3], b[20];
	stplr_iovec parts[] = {part(a, 3), part(nullptr, 0), part(b, 20)};
	stplr_msg_data args = data_args(message.rcvid(), buffer(parts, 3), 4);
	args.flags = STPLR_DATA_VECTOR;
	EXPECT_EQ(0, msg_read(channel, args));
	EXPECT_EQ(8u, args.len);
	EXPECT_EQ("o, ", std::string(a, 3));
	EXPECT_EQ("world", std::string(b, 5));

	stplr_iovec out[] = {part("abc", 3), part("", 0), part("defgh", 5)};
	args = data_args(message.rcvid(), buffer(out, 3), 1);
	args.flags = STPLR_DATA_VECTOR;
	EXPECT_EQ(0, msg_write(channel, args));
	EXPECT_EQ(8u, args.len);
	EXPECT_EQ(0, reply(channel, message.rcvid(), "_"));
	EXPECT_EQ("_", client.finish().text);
}

TEST_F(ReadWriteTest, ManyThreadsReadAndWriteOneMessage)
{
	constexpr size_t kSize = 1 << 20, kThreads = 4;
	std::vector<char> sent(kSize), room(kSize);
	fill_pattern(sent.data(), kSize, 3);
	stplr_msg_send args = send_args(buffer(sent.data(), kSize), buffer(room.data(), kSize));
	Thread client([&] { return msg_send_receive(connection, args); });
	Received message = receive(channel, 0);
	std::vector<std::unique_ptr<Thread>> threads;

	for (size_t i = 0; i < kThreads; i++)
		threads.push_back(std::make_unique<Thread>([&, i] {
			size_t from = kSize / kThreads * i, length = kSize / kThreads;
			std::vector<char> bytes(length);
			stplr_msg_data data =
				data_args(message.rcvid(), buffer(bytes.data(), length), from);
			EXPECT_EQ(0, msg_read(channel, data));
			EXPECT_EQ(length, data.len);
			data = data_args(message.rcvid(), buffer(bytes.data(), length), from);
			return msg_write(channel, data);
		}));
	for (auto &thread : threads)
		EXPECT_EQ(0, thread->join());
	EXPECT_EQ(0, reply(channel, message.rcvid()));
	EXPECT_EQ(0, client.join());
	EXPECT_TRUE(expect_pattern(room.data(), kSize, 3));
}

TEST_F(ReadWriteTest, AfterTheClientDied)
{
	Child client([&](Child &) { return int(send_receive(connection, "hello").result); });
	Received message = receive(channel, 2);
	client.kill(SIGKILL);
	client.wait();
	EXPECT_EQ("ESRCH", read_text(message.rcvid(), 0, 5));
	EXPECT_EQ(-ESRCH, write_text(message.rcvid(), 0, "x"));
}

} // namespace
