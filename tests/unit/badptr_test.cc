// SPDX-License-Identifier: MIT
// Bad pointers in each place a pointer can be: EFAULT for whose pointer it is, and nothing else
// happens.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"

namespace
{

// With messages that are inline, in the window, and beyond it.
class BadPointerTest : public PairTest, public testing::WithParamInterface<size_t>
{
protected:
	BadPointerTest()
		: good(2 * size), half(2 * size + 2 * page_size()),
		  none(size + page_size(), PROT_NONE), readonly(size + page_size(), PROT_READ)
	{
		// The second half of half cannot be touched; a buffer at split() is cut in its
		// middle.
		half.protect(PROT_NONE, (size + page_size()) / page_size() * page_size(),
			     half.size() - (size + page_size()) / page_size() * page_size());
		fill_pattern(good.data(), size, 1);
		bad_anywhere = {
			none.data(),
			split(),
			reinterpret_cast<char *>(1ul << 63),
			reinterpret_cast<char *>(~0ul - size / 2),
			reinterpret_cast<char *>(0xffffffff81000000ul),
		};
		bad_to_write = bad_anywhere;
		bad_to_write.push_back(readonly.data());
	}

	char *split()
	{
		return half.data() + (size + page_size()) / page_size() * page_size() - size / 2;
	}

	// The channel still works, and nothing is queued on it.
	void expect_unharmed()
	{
		EXPECT_EQ(-EAGAIN, poll_receive(channel).result);
		Sender client(connection, "fine");
		Received message = receive(channel);
		EXPECT_EQ("fine", message.text);
		EXPECT_EQ(0, reply(channel, message.rcvid(), "thanks"));
		EXPECT_EQ("thanks", client.finish().text);
	}

	const size_t size = GetParam();
	Mapping good, half, none, readonly;
	std::vector<char *> bad_anywhere, bad_to_write;
};

TEST_P(BadPointerTest, MessageSent)
{
	for (char *bad : bad_anywhere) {
		stplr_msg_send args = send_args(buffer(bad, size));
		EXPECT_EQ(-EFAULT, msg_send(connection, args)) << static_cast<void *>(bad);
		args = send_args(buffer(bad, size), buffer(good.data(), size));
		EXPECT_EQ(-EFAULT, msg_send_receive(connection, args)) << static_cast<void *>(bad);
	}
	expect_unharmed();
}

TEST_P(BadPointerTest, MessageSentToAWaitingServer)
{
	// It must go on waiting.
	Thread server([&] {
		Received message = receive(channel, 2 * size);
		EXPECT_EQ("good", message.text);
		return message.result;
	});
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_RECEIVE));
	for (char *bad : bad_anywhere) {
		stplr_msg_send args = send_args(buffer(bad, size));
		EXPECT_EQ(-EFAULT, msg_send(connection, args));
		EXPECT_FALSE(server.done());
	}
	EXPECT_EQ(0, send_one_way(connection, "good"));
	EXPECT_EQ(0, server.join());
}

TEST_P(BadPointerTest, ReadOnlyMessageCanBeSent)
{
	fill_pattern(good.data(), size, 4);
	good.protect(PROT_READ, 0, good.size());
	std::vector<char> room(size);
	for (char *from : {good.data(), readonly.data()}) {
		stplr_msg_send args = send_args(buffer(from, size));
		Thread client([&] { return msg_send(connection, args); });
		stplr_msg_receive taken = receive_args(buffer(room.data(), size));
		ASSERT_EQ(0, msg_receive(channel, taken));
		EXPECT_EQ(0, memcmp(room.data(), from, size));
		EXPECT_EQ(0, client.join());
	}
}

TEST_P(BadPointerTest, RoomForTheReply)
{
	// Its client's own failure, at the send or after the reply; the server's reply does not
	// fail by it.
	for (char *bad : bad_to_write) {
		stplr_msg_send args = send_args(buffer(good.data(), 8), buffer(bad, size));
		Thread client([&] { return msg_send_receive(connection, args); });
		ASSERT_TRUE(eventually([&] {
			return client.done() ||
			       blocked_in(getpid(), client.tid(), STPLR_MSG_SEND_RECEIVE);
		}));
		if (!client.done()) {
			Received message = receive(channel);
			ASSERT_EQ(0, message.result);
			stplr_msg_reply answer =
				reply_args(message.rcvid(), buffer(good.data(), size));
			EXPECT_EQ(0, msg_reply(channel, answer)) << static_cast<void *>(bad);
		}
		EXPECT_EQ(-EFAULT, client.join()) << static_cast<void *>(bad);
	}
	expect_unharmed();
}

TEST_P(BadPointerTest, RoomThatIsOnlyBadWhereNothingIsWritten)
{
	// Half-mapped room and a reply that fits into the good half.
	stplr_msg_send args = send_args(buffer(good.data(), 8), buffer(split(), size));
	Thread client([&] { return msg_send_receive(connection, args); });
	Received message = receive(channel);
	fill_pattern(good.data(), size, 2);
	stplr_msg_reply answer = reply_args(message.rcvid(), buffer(good.data(), size / 2));
	EXPECT_EQ(0, msg_reply(channel, answer));
	EXPECT_EQ(0, client.join());
	EXPECT_EQ(size / 2, args.reply_len);
	EXPECT_TRUE(expect_pattern(split(), size / 2, 2));
}

TEST_P(BadPointerTest, ReceiveBuffer)
{
	for (char *bad : bad_to_write) {
		stplr_msg_send args = send_args(buffer(good.data(), size));
		Thread client([&] { return msg_send(connection, args); });
		ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND));
		stplr_msg_receive taken = receive_args(buffer(bad, size));
		EXPECT_EQ(-EFAULT, msg_receive(channel, taken)) << static_cast<void *>(bad);
		EXPECT_FALSE(client.done());
		std::vector<char> room(size);
		taken = receive_args(buffer(room.data(), size));
		ASSERT_EQ(0, msg_receive(channel, taken));
		EXPECT_TRUE(expect_pattern(room.data(), size, 1));
		EXPECT_EQ(0, client.join());
	}
	expect_unharmed();
}

TEST_P(BadPointerTest, ReceiveBufferOfAWaitingServer)
{
	stplr_msg_receive taken = receive_args(buffer(none.data(), size));
	Thread server([&] { return msg_receive(channel, taken); });
	ASSERT_TRUE(eventually([&] {
		return server.done() || blocked_in(getpid(), server.tid(), STPLR_MSG_RECEIVE);
	}));
	stplr_msg_send args = send_args(buffer(good.data(), size));
	Thread client([&] { return msg_send(connection, args); });
	EXPECT_EQ(-EFAULT, server.join());
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND));
	std::vector<char> room(size);
	taken = receive_args(buffer(room.data(), size));
	ASSERT_EQ(0, msg_receive(channel, taken));
	EXPECT_TRUE(expect_pattern(room.data(), size, 1));
	EXPECT_EQ(0, client.join());
}

TEST_P(BadPointerTest, ReplyReadAndWrite)
{
	std::vector<char> room(size);
	stplr_msg_send args = send_args(buffer(good.data(), size), buffer(room.data(), size));
	Thread client([&] { return msg_send_receive(connection, args); });
	Received message = receive(channel, 0);
	ASSERT_EQ(0, message.result);
	for (char *bad : bad_to_write) {
		stplr_msg_data data = data_args(message.rcvid(), buffer(bad, size));
		EXPECT_EQ(-EFAULT, msg_read(channel, data)) << static_cast<void *>(bad);
	}
	for (char *bad : bad_anywhere) {
		stplr_msg_data data = data_args(message.rcvid(), buffer(bad, size));
		EXPECT_EQ(-EFAULT, msg_write(channel, data)) << static_cast<void *>(bad);
		stplr_msg_reply answer = reply_args(message.rcvid(), buffer(bad, size));
		EXPECT_EQ(-EFAULT, msg_reply(channel, answer)) << static_cast<void *>(bad);
	}
	EXPECT_FALSE(client.done());
	stplr_msg_reply answer = reply_args(message.rcvid(), buffer(good.data(), size));
	EXPECT_EQ(0, msg_reply(channel, answer));
	EXPECT_EQ(0, client.join());
	EXPECT_TRUE(expect_pattern(room.data(), size, 1));
}

TEST_P(BadPointerTest, MemoryGoneWhileBlocked)
{
	// What another thread unmaps is read as it was, or is the client's EFAULT; nobody else is
	// harmed.
	Mapping doomed(size + page_size());
	fill_pattern(doomed.data(), size, 9);
	stplr_msg_send args = send_args(buffer(doomed.data(), size), buffer(doomed.data(), size));
	Thread client([&] { return call(connection, STPLR_MSG_SEND_RECEIVE, &args); });
	ASSERT_TRUE(client.wait_blocked(STPLR_MSG_SEND_RECEIVE));
	doomed = Mapping();
	std::vector<char> room(size);
	stplr_msg_receive taken = receive_args(buffer(room.data(), size), in_ms(500));
	long result = msg_receive(channel, taken);
	if (result == 0) {
		EXPECT_TRUE(expect_pattern(room.data(), size, 9));
		stplr_msg_reply answer = reply_args(taken.info.rcvid, buffer(room.data(), size));
		EXPECT_EQ(0, msg_reply(channel, answer));
		result = client.join();
		EXPECT_TRUE(result == 0 || result == -EFAULT) << result_name(result);
	} else {
		EXPECT_EQ(-ETIMEDOUT, result);
		EXPECT_EQ(-EFAULT, client.join());
	}
	expect_unharmed();
}

INSTANTIATE_TEST_SUITE_P(Sizes, BadPointerTest, testing::Values(16, 300, 6000, 65536, 400000),
			 [](const auto &info) { return "Bytes" + std::to_string(info.param); });

} // namespace
