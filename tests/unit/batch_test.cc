// SPDX-License-Identifier: MIT
// STPLR_MSG_BATCH: several answers, and several messages, in one call.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "support/ipc.h"
#include "support/memory.h"
#include "support/pulse.h"

namespace
{

constexpr size_t kRoom = 64;

class BatchTest : public PairTest
{
protected:
	BatchTest()
	{
		for (size_t i = 0; i < places.size(); i++) {
			poison_bytes(rooms[i], kRoom);
			places[i] = place(rooms[i], kRoom);
		}
	}

	// A client that is blocked on the channel, behind those before it.
	void client(const std::string &text)
	{
		clients.emplace_back(connection, text);
		ASSERT_TRUE(clients.back().wait_blocked());
	}

	long take(size_t nr_places, int64_t deadline = STPLR_DEADLINE_POLL)
	{
		stplr_msg_batch args = batch_args(nullptr, 0, places.data(), nr_places, deadline);
		long result = msg_batch(channel, args);

		if (result >= 0)
			EXPECT_EQ(0u, args.failed);
		return result;
	}

	std::string text(size_t i)
	{
		return std::string(rooms[i], places[i].info.len);
	}

	// What answers all that was received, each with a text of its own.
	std::vector<stplr_msg_reply> answers(size_t count, std::string_view with)
	{
		std::vector<stplr_msg_reply> all;

		for (size_t i = 0; i < count; i++) {
			all.push_back(reply_args(places[i].info.rcvid, buffer(with)));
			all.back().status = static_cast<int32_t>(i);
		}
		return all;
	}

	std::array<stplr_msg_place, 8> places;
	char rooms[8][kRoom];
	std::deque<Sender> clients;
};

TEST_F(BatchTest, NothingAtAll)
{
	stplr_msg_batch args = batch_args(nullptr, 0, nullptr, 0);

	EXPECT_EQ(0, msg_batch(channel, args));
	EXPECT_EQ(0u, args.failed);
	args = batch_args(nullptr, 0, nullptr, 0, STPLR_DEADLINE_POLL);
	EXPECT_EQ(0, msg_batch(channel, args)) << "there is no message that it would wait for";
	EXPECT_EQ(-EAGAIN, take(8));
	EXPECT_EQ(-ETIMEDOUT, take(8, in_ms(20)));
	for (size_t i = 0; i < places.size(); i++)
		EXPECT_TRUE(expect_poison(rooms[i], kRoom));
}

TEST_F(BatchTest, TakesAllThatIsThereAndAnswersItAtOnce)
{
	for (const char *sent : {"first", "second", "third"})
		client(sent);

	ASSERT_EQ(3, take(8, STPLR_DEADLINE_NONE));
	EXPECT_EQ("first", text(0));
	EXPECT_EQ("second", text(1));
	EXPECT_EQ("third", text(2));
	EXPECT_TRUE(poisoned(places[3].info));

	std::vector<stplr_msg_reply> replies = answers(3, "answer");
	replies[1].error = EPROTO;
	replies[1].reply = {};
	stplr_msg_batch args = batch_args(replies.data(), 3, nullptr, 0);
	EXPECT_EQ(0, msg_batch(channel, args));
	EXPECT_EQ(0u, args.failed);
	for (size_t i = 0; i < 3; i++) {
		EXPECT_EQ(0, replies[i].rcvid);
		EXPECT_EQ(0u, replies[i].result);
		EXPECT_EQ(i == 1 ? 0u : 6u, replies[i].len);
		EXPECT_EQ(i == 1 ? -EPROTO : 0, clients[i].finish().result);
		if (i != 1) {
			EXPECT_EQ("answer", clients[i].finish().text);
			EXPECT_EQ(int(i), clients[i].finish().status);
		}
	}
}

TEST_F(BatchTest, MoreThanThereArePlacesStayInTheirOrder)
{
	for (int i = 0; i < 5; i++)
		client(std::to_string(i));

	ASSERT_EQ(2, take(2));
	EXPECT_EQ("0", text(0));
	EXPECT_EQ("1", text(1));
	std::vector<stplr_msg_reply> replies = answers(2, "x");
	stplr_msg_batch args = batch_args(replies.data(), 2, places.data(), 8);
	ASSERT_EQ(3, msg_batch(channel, args));
	for (size_t i = 0; i < 3; i++)
		EXPECT_EQ(std::to_string(i + 2), text(i));
	replies = answers(3, "y");
	args = batch_args(replies.data(), 3, places.data(), 8, STPLR_DEADLINE_POLL);
	EXPECT_EQ(-EAGAIN, msg_batch(channel, args));
	for (size_t i = 0; i < 5; i++)
		EXPECT_EQ(i < 2 ? "x" : "y", clients[i].finish().text);
}

TEST_F(BatchTest, WaitsForTheFirstOnly)
{
	Sender before(connection, "before");
	places[0] = place(rooms[0], kRoom);
	ASSERT_EQ(1, take(1, STPLR_DEADLINE_NONE));
	std::vector<stplr_msg_reply> replies = answers(1, "given");
	Thread server([&] {
		stplr_msg_batch args = batch_args(replies.data(), 1, places.data(), 8);
		return msg_batch(channel, args);
	});

	EXPECT_EQ("given", before.finish().text) << "it answers before it waits";
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_BATCH));
	EXPECT_EQ(0, send_one_way(connection, "alone"));
	EXPECT_EQ(1, server.join());
	EXPECT_EQ("alone", text(0));
}

TEST_F(BatchTest, PulsesComeAmongMessages)
{
	client("message");
	EXPECT_EQ(0, pulse_send(connection, 7, 70, 1));
	EXPECT_EQ(0, pulse_send(connection, 8, 80, 100));
	ASSERT_EQ(3, take(8));
	const uint32_t kinds[] = {STPLR_KIND_PULSE, STPLR_KIND_SEND_RECEIVE, STPLR_KIND_PULSE};
	for (size_t i = 0; i < 3; i++)
		EXPECT_EQ(kinds[i], places[i].info.kind) << i;
	EXPECT_EQ(0, places[0].info.rcvid);
	EXPECT_EQ(8, reinterpret_cast<stplr_pulse *>(rooms[0])->code);
	EXPECT_EQ(7, reinterpret_cast<stplr_pulse *>(rooms[2])->code);

	// All of it can be given back as it is: a pulse has no rcvid, and is passed over.
	std::vector<stplr_msg_reply> replies = answers(3, "x");
	stplr_msg_batch args = batch_args(replies.data(), 3, nullptr, 0);
	EXPECT_EQ(0, msg_batch(channel, args));
	EXPECT_EQ(0u, args.failed);
	EXPECT_EQ("x", clients[0].finish().text);
}

TEST_F(BatchTest, OnlyPulses)
{
	client("message");
	EXPECT_EQ(0, pulse_send(connection, 1, 10, 1));
	EXPECT_EQ(0, pulse_send(connection, 2, 20, 1));
	stplr_msg_batch args = batch_args(nullptr, 0, places.data(), 8, STPLR_DEADLINE_POLL);
	args.flags = STPLR_RECEIVE_PULSE;
	EXPECT_EQ(2, msg_batch(channel, args));
	EXPECT_EQ(-EAGAIN, msg_batch(channel, args));
	EXPECT_EQ(1, take(8));
	EXPECT_EQ(0, reply(channel, places[0].info.rcvid));
	EXPECT_EQ(0, clients[0].finish().result);
}

TEST_F(BatchTest, AFailedAnswerIsItsOwn)
{
	for (int i = 0; i < 3; i++)
		client("x");
	ASSERT_EQ(3, take(8));
	std::vector<stplr_msg_reply> replies = answers(3, "fine");
	replies[1].rcvid = 123456;
	replies.push_back(reply_args(0));
	replies[3].flags = ~0u; // nothing to be answered: not looked at
	stplr_msg_batch args = batch_args(replies.data(), 4, places.data(), 8);

	EXPECT_EQ(0, msg_batch(channel, args)) << "it does not wait then";
	EXPECT_EQ(1u, args.failed);
	EXPECT_EQ(uint32_t(ESRCH), replies[1].result);
	EXPECT_EQ(123456, replies[1].rcvid);
	EXPECT_EQ("fine", clients[0].finish().text);
	EXPECT_EQ("fine", clients[2].finish().text);
	EXPECT_FALSE(clients[1].done());

	// Again: the others are not answered twice; and what is there is received nevertheless.
	OneWaySender next(connection, "next");
	ASSERT_TRUE(next.wait_blocked());
	const int32_t left = places[1].info.rcvid;
	EXPECT_EQ(1, msg_batch(channel, args));
	EXPECT_EQ(1u, args.failed);
	EXPECT_EQ("next", text(0));
	replies[1].rcvid = left;
	args = batch_args(replies.data(), 4, nullptr, 0);
	EXPECT_EQ(0, msg_batch(channel, args));
	EXPECT_EQ(0u, args.failed);
	EXPECT_EQ(0u, replies[1].result) << "the error of the time before";
	EXPECT_EQ("fine", clients[1].finish().text);
	EXPECT_EQ(0, next.finish());
}

TEST_F(BatchTest, WhatAnAnswerIsRefusedFor)
{
	Mapping none(page_size(), PROT_NONE);
	client("x");
	ASSERT_EQ(1, take(1));
	const int32_t rcvid = places[0].info.rcvid;
	const struct {
		std::function<void(stplr_msg_reply &)> change;
		int result;
	} wrong[] = {
		{[](stplr_msg_reply &args) { args.flags = 1; }, EINVAL},
		{[](stplr_msg_reply &args) { args.reserved = 1; }, EINVAL},
		{[](stplr_msg_reply &args) { args.rcvid = -1; }, EINVAL},
		{[](stplr_msg_reply &args) { args.error = 512; }, EINVAL},
		{[](stplr_msg_reply &args) { args.error = 5; }, EINVAL}, // with bytes
		{[](stplr_msg_reply &args) { args.flags = STPLR_REPLY_REGISTERED; }, EINVAL},
		{[&](stplr_msg_reply &args) { args.reply = buffer(none.data(), 10); }, EFAULT},
		{[](stplr_msg_reply &args) {
			 args.reply.len = 5000;
			 args.flags = STPLR_REPLY_NO_TRUNC;
		 },
		 EMSGSIZE},
		{[](stplr_msg_reply &args) { args.reply.len = 1ull << 40; }, EMSGSIZE},
	};
	std::vector<char> bytes(8192, 'b');

	for (const auto &one : wrong) {
		stplr_msg_reply replies[2] = {reply_args(rcvid, buffer(bytes.data(), 10)),
					      reply_args(0)};
		one.change(replies[0]);
		stplr_msg_batch args = batch_args(replies, 2, places.data(), 1);
		EXPECT_EQ(0, msg_batch(channel, args));
		EXPECT_EQ(1u, args.failed);
		EXPECT_EQ(uint32_t(one.result), replies[0].result) << &one - wrong;
		EXPECT_NE(0, replies[0].rcvid);
		EXPECT_FALSE(clients[0].done());
	}
	EXPECT_EQ(0, reply(channel, rcvid, "fine"));
	EXPECT_EQ("fine", clients[0].finish().text);
}

TEST_F(BatchTest, BadArguments)
{
	stplr_msg_reply one = reply_args(1);
	const struct {
		std::function<void(stplr_msg_batch &)> change;
		int result;
	} wrong[] = {
		{[](stplr_msg_batch &args) { args.nr_places = STPLR_BATCH_MAX + 1; }, EINVAL},
		{[](stplr_msg_batch &args) { args.nr_replies = STPLR_BATCH_MAX + 1; }, EINVAL},
		{[](stplr_msg_batch &args) { args.nr_replies = ~0u; }, EINVAL},
		{[](stplr_msg_batch &args) { args.flags = 1u << 4; }, EINVAL},
		{[](stplr_msg_batch &args) { args.reserved = 1; }, EINVAL},
		{[](stplr_msg_batch &args) { args.clock = 2; }, EINVAL},
		{[](stplr_msg_batch &args) { args.deadline = -2; }, EINVAL},
	};
	client("stays");
	for (const auto &bad : wrong) {
		stplr_msg_batch args = batch_args(&one, 1, places.data(), 1);
		bad.change(args);
		EXPECT_EQ(-bad.result, call(channel, STPLR_MSG_BATCH, &args)) << &bad - wrong;
		EXPECT_EQ(1, one.rcvid) << "refused before it answers";
		EXPECT_TRUE(poisoned(args.failed));
	}
	stplr_msg_receive receive = receive_args(buffer(rooms[0], kRoom));
	stplr_msg_reply reply = reply_args(1);
	reply.result = 1; // the batch's only
	EXPECT_EQ(-EINVAL, msg_reply(channel, reply));
	stplr_msg_reply_receive both = reply_receive_args(reply, receive);
	both.reply.rcvid = 0;
	EXPECT_EQ(-EINVAL, call(channel, STPLR_MSG_REPLY_RECEIVE, &both));

	ASSERT_EQ(1, take(8));
	EXPECT_EQ("stays", text(0));
	EXPECT_EQ(0, ::reply(channel, places[0].info.rcvid));
}

TEST_F(BatchTest, AsManyAsThereMayBe)
{
	std::vector<stplr_msg_place> many(STPLR_BATCH_MAX);
	std::vector<uint32_t> numbers(STPLR_BATCH_MAX);
	for (size_t i = 0; i < many.size(); i++)
		many[i] = place(&numbers[i], sizeof(numbers[i]));
	const uint32_t sent = STPLR_BATCH_MAX / 4;

	for (uint32_t i = 0; i < sent; i++)
		ASSERT_EQ(0, send_queued(connection,
					 std::string_view(reinterpret_cast<char *>(&i), 4)));
	stplr_msg_batch args = batch_args(nullptr, 0, many.data(), many.size());
	ASSERT_EQ(long(sent), msg_batch(channel, args));
	for (uint32_t i = 0; i < sent; i++) {
		EXPECT_EQ(i, numbers[i]);
		EXPECT_EQ(uint32_t(STPLR_INFO_QUEUED | STPLR_INFO_NO_REPLY), many[i].info.flags);
	}
	std::vector<stplr_msg_reply> replies(STPLR_BATCH_MAX, reply_args(99));
	args = batch_args(replies.data(), replies.size(), many.data(), many.size());
	EXPECT_EQ(0, msg_batch(channel, args));
	EXPECT_EQ(uint32_t(STPLR_BATCH_MAX), args.failed);
}

TEST_F(BatchTest, WhatDoesNotFitEndsTheBatch)
{
	client("short");
	client(std::string(kRoom + 1, 'l'));
	client("last");
	stplr_msg_batch args = batch_args(nullptr, 0, places.data(), 8, STPLR_DEADLINE_POLL);
	args.flags = STPLR_RECEIVE_NO_TRUNC;

	ASSERT_EQ(1, msg_batch(channel, args));
	const int32_t first = places[0].info.rcvid;
	EXPECT_EQ(-EMSGSIZE, msg_batch(channel, args));
	EXPECT_EQ(kRoom + 1, places[0].info.src_len);
	EXPECT_EQ(0, places[0].info.rcvid);
	args.flags = 0;
	ASSERT_EQ(2, msg_batch(channel, args));
	EXPECT_TRUE(places[0].info.flags & STPLR_INFO_TRUNCATED);
	EXPECT_EQ("last", text(1));
	for (int32_t rcvid : {first, places[0].info.rcvid, places[1].info.rcvid})
		EXPECT_EQ(0, reply(channel, rcvid));
	for (Sender &one : clients)
		EXPECT_EQ(0, one.finish().result);
}

TEST_F(BatchTest, ArraysThatEndTooEarly)
{
	GuardedBuffer edge(2 * sizeof(stplr_msg_place));
	auto *at = reinterpret_cast<stplr_msg_place *>(edge.at_end());
	for (int i = 0; i < 3; i++)
		client(std::to_string(i));
	at[0] = place(rooms[0], kRoom);
	at[1] = place(rooms[1], kRoom);
	stplr_msg_batch args = batch_args(nullptr, 0, at, 3, STPLR_DEADLINE_POLL);

	EXPECT_EQ(2, call(channel, STPLR_MSG_BATCH, &args)) << "for two there are places";
	args.places += sizeof(*at) * 2;
	EXPECT_EQ(-EFAULT, call(channel, STPLR_MSG_BATCH, &args));
	std::vector<int32_t> rcvids = {at[0].info.rcvid, at[1].info.rcvid};
	ASSERT_EQ(1, take(8)) << "the third was not lost";
	EXPECT_EQ("2", text(0));
	rcvids.push_back(places[0].info.rcvid);

	GuardedBuffer end(2 * sizeof(stplr_msg_reply));
	auto *answer = reinterpret_cast<stplr_msg_reply *>(end.at_end());
	answer[0] = reply_args(rcvids[0]);
	answer[1] = reply_args(rcvids[1]);
	args = batch_args(answer, 3, places.data(), 8);
	EXPECT_EQ(-EFAULT, call(channel, STPLR_MSG_BATCH, &args));
	EXPECT_EQ(0, answer[0].rcvid);
	EXPECT_EQ(0, answer[1].rcvid);
	EXPECT_EQ(0, clients[0].finish().result);
	EXPECT_EQ(0, clients[1].finish().result);

	// One that can be read only: nobody could learn what became of its answers.
	Mapping page(page_size());
	auto *fixed = reinterpret_cast<stplr_msg_reply *>(page.data());
	*fixed = reply_args(rcvids[2]);
	page.protect(PROT_READ, 0, page_size());
	args = batch_args(fixed, 1, places.data(), 8);
	EXPECT_EQ(-EFAULT, call(channel, STPLR_MSG_BATCH, &args));
	EXPECT_FALSE(clients[2].done());
	EXPECT_EQ(0, reply(channel, rcvids[2]));
	EXPECT_EQ(0, clients[2].finish().result);
}

TEST_F(BatchTest, ABadBufferAmongGoodOnes)
{
	Mapping none(page_size(), PROT_NONE);
	for (int i = 0; i < 3; i++)
		client(std::to_string(i));
	places[1] = place(none.data(), kRoom);
	ASSERT_EQ(1, take(3));
	const int32_t first = places[0].info.rcvid;
	EXPECT_EQ("0", text(0));
	places[0] = place(none.data(), kRoom);
	EXPECT_EQ(-EFAULT, take(3));
	places[0] = place(rooms[0], kRoom);
	places[1] = place(rooms[1], kRoom);
	ASSERT_EQ(2, take(3));
	EXPECT_EQ("1", text(0));
	EXPECT_EQ("2", text(1));
	for (int32_t rcvid : {first, places[0].info.rcvid, places[1].info.rcvid})
		EXPECT_EQ(0, reply(channel, rcvid));
}

TEST_F(BatchTest, VectorsAndRegisteredBuffers)
{
	Mapping memory(2 * page_size());
	stplr_buffer_register args =
		register_args(memory.data(), memory.size(), STPLR_BUFFER_WRITE);
	ASSERT_EQ(0, buffer_register(channel, args));
	client("registered");
	client("and parts");
	places[0] = place(reinterpret_cast<void *>(STPLR_REGISTERED(args.index, 8)), kRoom);
	stplr_msg_batch batch = batch_args(nullptr, 0, places.data(), 1, STPLR_DEADLINE_POLL);
	batch.flags = STPLR_RECEIVE_REGISTERED;
	ASSERT_EQ(1, msg_batch(channel, batch));
	EXPECT_EQ("registered", std::string(memory.data() + 8, places[0].info.len));

	stplr_iovec parts[] = {part(rooms[1], 4), part(nullptr, 0), part(rooms[2], kRoom)};
	places[1] = place(parts, 3);
	batch = batch_args(nullptr, 0, &places[1], 1, STPLR_DEADLINE_POLL);
	batch.flags = STPLR_RECEIVE_VECTOR;
	ASSERT_EQ(1, msg_batch(channel, batch));
	EXPECT_EQ("and ", std::string(rooms[1], 4));
	EXPECT_EQ("parts", std::string(rooms[2], 5));

	stplr_iovec empty[] = {part(nullptr, 0), part(rooms[2], 5), part(nullptr, 0)};
	stplr_msg_reply replies[] = {
		reply_args(places[0].info.rcvid,
			   buffer(reinterpret_cast<void *>(STPLR_REGISTERED(args.index, 8)), 10)),
		reply_args(places[1].info.rcvid, buffer(empty, 3))};
	replies[0].flags = STPLR_REPLY_REGISTERED;
	replies[1].flags = STPLR_REPLY_VECTOR;
	batch = batch_args(replies, 2, nullptr, 0);
	EXPECT_EQ(0, msg_batch(channel, batch));
	EXPECT_EQ(0u, batch.failed);
	EXPECT_EQ("registered", clients[0].finish().text);
	EXPECT_EQ("parts", clients[1].finish().text);
}

TEST_F(BatchTest, BigMessagesAndBigAnswers)
{
	const size_t sizes[] = {0, 1, 1000, 5000, 70000, 300000};
	std::vector<std::unique_ptr<Mapping>> rooms;
	std::vector<stplr_msg_place> places;
	for (size_t size : sizes) {
		clients.emplace_back(connection, pattern_text(size), 300000);
		ASSERT_TRUE(clients.back().wait_blocked());
		rooms.push_back(std::make_unique<Mapping>(300000));
		places.push_back(place(rooms.back()->data(), 300000));
	}
	stplr_msg_batch args = batch_args(nullptr, 0, places.data(), places.size());
	ASSERT_EQ(long(places.size()), msg_batch(channel, args));
	std::vector<stplr_msg_reply> replies;
	for (size_t i = 0; i < places.size(); i++) {
		ASSERT_EQ(sizes[i], places[i].info.len);
		replies.push_back(reply_args(places[i].info.rcvid,
					     buffer(rooms[i]->data(), places[i].info.len)));
	}
	args = batch_args(replies.data(), replies.size(), nullptr, 0);
	EXPECT_EQ(0, msg_batch(channel, args));
	EXPECT_EQ(0u, args.failed);
	for (size_t i = 0; i < places.size(); i++)
		EXPECT_EQ(pattern_text(sizes[i]), clients[i].finish().text);
}

TEST_F(BatchTest, AnotherProcessAnswersNone)
{
	client("x");
	ASSERT_EQ(1, take(8));
	Child other([&](Child &) {
		std::vector<stplr_msg_reply> replies = answers(1, "forged");
		stplr_msg_batch args = batch_args(replies.data(), 1, nullptr, 0);

		EXPECT_EQ(0, msg_batch(channel, args));
		EXPECT_EQ(1u, args.failed);
		EXPECT_EQ(uint32_t(ESRCH), replies[0].result);
		return 0;
	});
	other.expect_success();
	EXPECT_FALSE(clients[0].done());
	EXPECT_EQ(0, reply(channel, places[0].info.rcvid, "right"));
	EXPECT_EQ("right", clients[0].finish().text);
}

TEST_F(BatchTest, WhoDiesWithABatchReleasesItsClients)
{
	for (int i = 0; i < 3; i++)
		client("x");
	Child server([&](Child &child) {
		EXPECT_EQ(2, take(2));
		child.tell(1);
		pause();
		return 0;
	});
	ASSERT_EQ(1, server.hear());
	server.kill(SIGKILL);
	EXPECT_EQ(-ESRCH, clients[0].finish().result);
	EXPECT_EQ(-ESRCH, clients[1].finish().result);
	ASSERT_EQ(1, take(8)) << "what it had not taken is another's";
	EXPECT_EQ(0, reply(channel, places[0].info.rcvid, "late"));
	EXPECT_EQ("late", clients[2].finish().text);
}

// A process that loses the channel in the middle of a batch takes no more of it from the others.
TEST_F(BatchTest, WhoClosesTheChannelMeanwhileLeavesTheRest)
{
	for (int i = 0; i < 6; i++)
		client(std::to_string(i));
	Child server([&](Child &) {
		SilentMemory silent(page_size());
		places[1] = place(silent.data(), kRoom);
		Thread receiver([&] {
			stplr_msg_batch args = batch_args(nullptr, 0, places.data(), 6);
			return call(channel, STPLR_MSG_BATCH, &args);
		});
		EXPECT_TRUE(silent.awaited(kPatienceMs));
		close(channel.release());
		silent.provide_zero(0, silent.size());
		EXPECT_LE(receiver.join(), 2);
		return 0;
	});
	server.expect_success();
	EXPECT_EQ(-ESRCH, clients[0].finish().result);
	long result = take(8);
	EXPECT_GE(result, 4);
	for (long i = 0; i < result; i++) {
		EXPECT_EQ(std::to_string(6 - result + i), text(i));
		EXPECT_EQ(0, reply(channel, places[i].info.rcvid));
	}
	for (size_t i = 2; i < clients.size(); i++)
		EXPECT_EQ(0, clients[i].finish().result);
}

TEST_F(BatchTest, ASignalWhileItWaits)
{
	client("x");
	ASSERT_EQ(1, take(1));
	std::vector<stplr_msg_reply> replies = answers(1, "once");
	stplr_msg_batch args = batch_args(replies.data(), 1, places.data(), 8);
	Thread server([&] { return msg_batch(channel, args); });
	EXPECT_EQ("once", clients[0].finish().text);
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_BATCH));
	server.signal(SIGUSR1);
	EXPECT_EQ(-EINTR, server.join());
	EXPECT_EQ(0, replies[0].rcvid);
	client("y");
	EXPECT_EQ(1, msg_batch(channel, args)) << "again as it is";
	EXPECT_EQ(0u, args.failed);
	EXPECT_EQ(0, reply(channel, places[0].info.rcvid));
}

// A call that starts over, perhaps between two answers, answers each message once.
TEST_F(BatchTest, SignalsAllTheTime)
{
	constexpr size_t kClients = 8;
	constexpr int kRounds = 200;
	struct sigaction restart = {}, before;
	restart.sa_handler = [](int) {};
	restart.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &restart, &before);
	std::deque<Thread> senders;
	for (size_t i = 0; i < kClients; i++) {
		senders.emplace_back([this, i] {
			sigset_t all;
			sigfillset(&all);
			pthread_sigmask(SIG_SETMASK, &all, nullptr);
			for (int round = 0; round < kRounds; round++) {
				std::string text = std::to_string(i * kRounds + round);
				if (send_receive(connection, text).text != text)
					return -1;
			}
			return 0;
		});
	}
	itimerval often = {{0, 200}, {0, 200}};
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &often, nullptr));
	std::vector<stplr_msg_reply> replies;
	size_t answered = 0;
	while (answered < kClients * kRounds) {
		stplr_msg_batch args = batch_args(
			replies.data(), replies.size(), places.data(),
			answered + replies.size() < kClients * kRounds ? places.size() : 0);
		long result = call(channel, STPLR_MSG_BATCH, &args);

		ASSERT_GE(result, 0) << result_name(result);
		ASSERT_EQ(0u, args.failed) << "answered twice";
		answered += replies.size();
		replies.clear();
		for (long i = 0; i < result; i++)
			replies.push_back(reply_args(places[i].info.rcvid,
						     buffer(rooms[i], places[i].info.len)));
	}
	often = {};
	setitimer(ITIMER_REAL, &often, nullptr);
	sigaction(SIGALRM, &before, nullptr);
	for (Thread &one : senders)
		EXPECT_EQ(0, one.join());
}

TEST_F(BatchTest, TheChannelsEnd)
{
	client("x");
	ASSERT_EQ(1, take(1));
	std::vector<stplr_msg_reply> replies = answers(1, "last");
	stplr_msg_batch args = batch_args(replies.data(), 1, places.data(), 8);
	ASSERT_EQ(0, channel_shutdown(channel));
	EXPECT_EQ(-ESHUTDOWN, msg_batch(channel, args));
	EXPECT_EQ(0, replies[0].rcvid);
	EXPECT_EQ("last", clients[0].finish().text);
	EXPECT_EQ(0, channel_destroy(channel));
	EXPECT_EQ(-ESRCH, msg_batch(channel, args));

	Fd other = new_channel(device);
	Thread server([&] {
		stplr_msg_batch waiting = batch_args(nullptr, 0, places.data(), 8);
		return msg_batch(other, waiting);
	});
	ASSERT_TRUE(server.wait_blocked(STPLR_MSG_BATCH));
	EXPECT_EQ(0, channel_destroy(other));
	EXPECT_EQ(-ESRCH, server.join());
}

TEST_F(BatchTest, OtherDescriptors)
{
	stplr_msg_batch args = batch_args(nullptr, 0, places.data(), 1, STPLR_DEADLINE_POLL);
	EXPECT_EQ(-ENOTTY, call(device, STPLR_MSG_BATCH, &args));
	EXPECT_EQ(-ENOTTY, call(connection, STPLR_MSG_BATCH, &args));
	Fd listener = new_channel(device, {}, STPLR_CHANNEL_LISTEN);
	EXPECT_EQ(-EINVAL, call(listener, STPLR_MSG_BATCH, &args));
	Fd polled = new_channel(device, {}, STPLR_CHANNEL_NONBLOCK);
	args.deadline = STPLR_DEADLINE_NONE;
	EXPECT_EQ(-EAGAIN, call(polled, STPLR_MSG_BATCH, &args));
}

// Threads of one server that take what they find and answer it in batches: each client gets its
// own.
TEST_F(BatchTest, ManyClientsAndThreads)
{
	constexpr size_t kClients = 12, kServers = 3;
	constexpr int kRounds = 300;
	std::deque<Thread> servers, senders;

	for (size_t i = 0; i < kServers; i++) {
		servers.emplace_back([this]() -> long {
			char room[4][kRoom];
			std::array<stplr_msg_place, 4> mine;
			std::vector<stplr_msg_reply> replies;
			for (size_t at = 0; at < mine.size(); at++)
				mine[at] = place(room[at], kRoom);
			for (;;) {
				stplr_msg_batch args = batch_args(replies.data(), replies.size(),
								  mine.data(), mine.size());
				long result = call(channel, STPLR_MSG_BATCH, &args);
				if (result < 0)
					return result;
				EXPECT_EQ(0u, args.failed);
				replies.clear();
				for (long at = 0; at < result; at++)
					replies.push_back(
						reply_args(mine[at].info.rcvid,
							   buffer(room[at], mine[at].info.len)));
			}
		});
	}
	for (size_t i = 0; i < kClients; i++) {
		senders.emplace_back([this, i]() -> long {
			for (int round = 0; round < kRounds; round++) {
				std::string text = std::to_string(i) + ":" + std::to_string(round);
				Sent sent = send_receive(connection, text);
				if (sent.result || sent.text != text)
					return -1;
			}
			return 0;
		});
	}
	for (Thread &one : senders)
		EXPECT_EQ(0, one.join());
	EXPECT_EQ(0, channel_destroy(channel));
	for (Thread &one : servers)
		EXPECT_EQ(-ESRCH, one.join());
}

} // namespace
