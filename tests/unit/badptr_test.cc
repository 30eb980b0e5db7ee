// SPDX-License-Identifier: MIT
// Bad pointers in each place a pointer can be: EFAULT for whose pointer it is, and nothing else
// happens.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "support/fails.h"
#include "support/ipc.h"
#include "support/memory.h"
#include "support/ring.h"

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

// Rings: what the calls are given, and what copy mode copies.
class BadRingPointerTest : public PairTest
{
protected:
	BadRingPointerTest()
	{
		for (int fd : {pair.creator.get(), pair.other.get()})
			EXPECT_EQ(0, fcntl(fd, F_SETFL, O_NONBLOCK));
		const stplr_ring_copy copy = {{kLength, 1, 0}, 0};
		one.assign(reinterpret_cast<const char *>(&copy), sizeof(copy));
		one += std::string(kLength, 'r');
		half.protect(PROT_NONE, page_size(), page_size());
	}

	// A copy of the structure in memory that cannot be written.
	template <typename Args> Args *in_readonly(const Args &args)
	{
		readonly.protect(PROT_READ | PROT_WRITE, 0, page_size());
		memcpy(readonly.data(), &args, sizeof(args));
		readonly.protect(PROT_READ, 0, page_size());
		return reinterpret_cast<Args *>(readonly.data());
	}

	// The next record as it is read: with its number, so that none is missing and none twice.
	std::string next()
	{
		std::string record = one;
		memcpy(&record[offsetof(stplr_ring_copy, number)], &number, sizeof(number));
		number++;
		return record;
	}

	// What is written goes through, once, and nothing else comes.
	void expect_unharmed()
	{
		std::vector<char> room(4096);
		EXPECT_FAILS(EAGAIN, read(pair.other, room.data(), room.size()));
		EXPECT_EQ(ssize_t(one.size()), write(pair.creator, one.data(), one.size()));
		EXPECT_EQ(ssize_t(one.size()), read(pair.other, room.data(), room.size()));
		EXPECT_EQ(next(), std::string(room.data(), one.size()));
		EXPECT_FAILS(EAGAIN, read(pair.other, room.data(), room.size()));
	}

	static constexpr uint32_t kLength = 200;
	uint64_t number = 0;
	RingPair pair = RingPair(device, "badptr");
	std::string one;
	Mapping half = Mapping(2 * page_size()), none = Mapping(page_size(), PROT_NONE),
		readonly = Mapping(page_size());
	const std::vector<char *> bad_anywhere = {nullptr, none.data(),
						  reinterpret_cast<char *>(1ul << 63),
						  reinterpret_cast<char *>(0xffffffff81000000ul)};
};

TEST_F(BadRingPointerTest, Names)
{
	for (char *bad : bad_anywhere) {
		stplr_rings_create create = rings_args("xyz");
		create.name = reinterpret_cast<uintptr_t>(bad);
		EXPECT_EQ(-EFAULT, rings_create(device, create)) << static_cast<void *>(bad);
		stplr_ring_attach attach = ring_attach_args("xyz");
		attach.name = reinterpret_cast<uintptr_t>(bad);
		EXPECT_EQ(-EFAULT, call(device, STPLR_RING_ATTACH, &attach));
	}
	expect_unharmed();
}

TEST_F(BadRingPointerTest, Arguments)
{
	const struct {
		int fd;
		unsigned long request;
	} calls[] = {{device, STPLR_RINGS_CREATE},     {device, STPLR_RING_ATTACH},
		     {pair.set, STPLR_RING_OPEN},      {pair.set, STPLR_RINGS_ATTACHED},
		     {pair.other, STPLR_RING_INFO},    {pair.other, STPLR_RING_WAIT},
		     {pair.other, STPLR_RING_EVENTFD}, {pair.other, STPLR_RING_ARM}};
	for (auto &each : calls) {
		for (char *bad : bad_anywhere)
			EXPECT_EQ(-EFAULT, call(each.fd, each.request, bad))
				<< _IOC_NR(each.request);
	}
	expect_unharmed();
}

// What is to be told cannot be: it is told to the next who asks, or did not happen.
TEST_F(BadRingPointerTest, ResultsThatCannotBeWritten)
{
	stplr_rings_attached attached = {};
	attached.number = STPLR_RING_ANY;
	attached.clock = CLOCK_MONOTONIC;
	EXPECT_EQ(-EFAULT, call(pair.set, STPLR_RINGS_ATTACHED, in_readonly(attached)));
	EXPECT_EQ(0, rings_attached(pair.set, attached));
	EXPECT_EQ(getpid(), attached.pid);

	EXPECT_EQ(-EFAULT, call(pair.other, STPLR_RING_INFO, in_readonly(stplr_ring_info())));
	EXPECT_EQ(-EFAULT,
		  call(pair.other, STPLR_RING_WAIT, in_readonly(ring_wait_args(STPLR_RING_ROOM))));
	expect_unharmed();

	Fd set(rings_create(device, rings_args("more")));
	EXPECT_EQ(-EFAULT, call(set, STPLR_RING_OPEN, in_readonly(stplr_ring_open{0, 0})));
	Fd creator(ring_open(set, 0));
	EXPECT_LE(0, creator) << "it was not opened";
	EXPECT_EQ(-EFAULT, call(device, STPLR_RING_ATTACH, in_readonly(ring_attach_args("more"))));
	Fd other(ring_attach(device, "more"));
	EXPECT_LE(0, other) << "it was not attached, and the ring goes on";
}

TEST_F(BadRingPointerTest, RecordsByCopy)
{
	std::vector<char> room(4096);
	std::vector<char *> bad_to_read = bad_anywhere;
	bad_to_read.push_back(readonly.data());
	readonly.protect(PROT_READ, 0, page_size());
	for (char *bad : bad_anywhere)
		EXPECT_FAILS(EFAULT, write(pair.creator, bad, one.size()));
	expect_unharmed();
	ASSERT_EQ(ssize_t(one.size()), write(pair.creator, one.data(), one.size()));
	for (char *bad : bad_to_read)
		EXPECT_FAILS(EFAULT, read(pair.other, bad, 4096));
	EXPECT_EQ(ssize_t(one.size()), read(pair.other, room.data(), room.size())) << "it stays";
	EXPECT_EQ(next(), std::string(room.data(), one.size()));
	expect_unharmed();
}

// The first record is whole, the second one reaches into what is not there.
TEST_F(BadRingPointerTest, RecordsByCopyUpToTheEnd)
{
	const ssize_t length = one.size();
	std::vector<char> room(4096);
	for (size_t there : {one.size() + 1, one.size() + 16, 2 * one.size() - 1}) {
		char *at = half.data() + page_size() - there;
		memcpy(at, (one + one).data(), there);
		EXPECT_EQ(length, write(pair.creator, at, 2 * length));
		EXPECT_EQ(length, read(pair.other, room.data(), room.size()));
		EXPECT_EQ(next(), std::string(room.data(), length));
		expect_unharmed();
		ASSERT_EQ(2 * length, write(pair.creator, (one + one).data(), 2 * length));
		EXPECT_EQ(length, read(pair.other, at, 2 * length));
		EXPECT_EQ(next(), std::string(at, length));
		EXPECT_EQ(length, read(pair.other, room.data(), room.size())) << "the second stays";
		EXPECT_EQ(next(), std::string(room.data(), length));
		expect_unharmed();
	}
}

// A ring's memory is memory: messages come from there and go there, but not to what is read-only.
TEST_F(BadRingPointerTest, MessagesFromAndToARing)
{
	Ring ring(pair.other.release());
	const size_t size = 4096;
	fill_pattern(ring.out, size, 3);
	char *own = ring.out, *peers = const_cast<char *>(ring.in);
	for (size_t length : {size_t(100), size}) {
		std::vector<char> got(length), back(length);
		stplr_msg_send args = send_args(buffer(own, length), buffer(own + size, length));
		Thread client([&] { return msg_send_receive(connection, args); });
		stplr_msg_receive taken = receive_args(buffer(peers, length));
		EXPECT_EQ(-EFAULT, msg_receive(channel, taken));
		taken = receive_args(buffer(got.data(), length));
		ASSERT_EQ(0, msg_receive(channel, taken));
		EXPECT_TRUE(expect_pattern(got.data(), length, 3));
		fill_pattern(back.data(), length, 4);
		stplr_msg_reply answer = reply_args(taken.info.rcvid, buffer(back.data(), length));
		EXPECT_EQ(0, msg_reply(channel, answer));
		EXPECT_EQ(0, client.join());
		// The second half of the mapping is the first once more.
		EXPECT_TRUE(expect_pattern(own, length, 4));
		fill_pattern(own, size, 3);

		args = send_args(buffer(own, 8), buffer(peers, length));
		Thread wrong([&] { return msg_send_receive(connection, args); });
		ASSERT_TRUE(eventually([&] {
			return wrong.done() ||
			       blocked_in(getpid(), wrong.tid(), STPLR_MSG_SEND_RECEIVE);
		}));
		if (!wrong.done()) {
			Received message = receive(channel);
			answer = reply_args(message.rcvid(), buffer(back.data(), length));
			EXPECT_EQ(0, msg_reply(channel, answer));
		}
		EXPECT_EQ(-EFAULT, wrong.join());
	}
}

INSTANTIATE_TEST_SUITE_P(Sizes, BadPointerTest, testing::Values(16, 300, 6000, 65536, 400000),
			 [](const auto &info) { return "Bytes" + std::to_string(info.param); });

} // namespace
