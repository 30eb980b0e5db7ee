// SPDX-License-Identifier: MIT
// ThriftStaplerTransport, both ends of it, without Thrift's protocols on top.
#include <stplr.h>

#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>
#include <vector>

#include "support.h"
#include "support/fd.h"
#include "support/module.h"

namespace
{

TEST_F(TransportTest, CarriesBytesBothWays)
{
	connect();
	Thread thread([&] {
		std::string call = receive(accepted.get(), 9);

		EXPECT_EQ(two_way("hello"), call);
		send(accepted.get(), "answer");
		return 0;
	});
	send(client.get(), two_way("hello"));
	EXPECT_EQ("ans", receive(client.get(), 3));
	EXPECT_EQ("wer", receive(client.get(), 3));
	EXPECT_EQ(0, thread.join());
}

TEST_F(TransportTest, FlushBringsTheReply)
{
	connect();
	Thread thread([&] {
		receive(accepted.get(), 5);
		send(accepted.get(), "answer");
		return 0;
	});
	send(client.get(), two_way("x"));
	EXPECT_EQ(0, thread.join());
	accepted.reset();
	server.reset();
	// There is nobody any more who could be asked.
	EXPECT_EQ("answer", receive(client.get(), 6));
}

TEST_F(TransportTest, TheClientGoesOnWhileTheServerWorks)
{
	connect();
	for (size_t size : {10, 5000, 200000}) {
		const std::string call = two_way(pattern(size, 1));
		std::atomic<bool> go{false};
		Thread thread([&] {
			EXPECT_TRUE(receive(accepted.get(), call.size()) == call);
			while (!go)
				sleep_ms(1);
			send(accepted.get(), "answer");
			return 0;
		});
		Error error;

		send(client.get(), call);
		// What is written meanwhile is the next call's.
		ASSERT_TRUE(write(client.get(), two_way("next"), error)) << error;
		go = true;
		EXPECT_EQ("answer", receive(client.get(), 6));
		EXPECT_EQ(0, thread.join());
		Thread next([&] {
			receive(accepted.get(), two_way("next").size());
			send(accepted.get(), "y");
			return 0;
		});
		ASSERT_TRUE(flush(client.get(), error)) << error;
		EXPECT_EQ("y", receive(client.get(), 1));
		EXPECT_EQ(0, next.join());
	}
}

TEST_F(TransportTest, TheNextCallTakesTheReplyFirst)
{
	connect();
	Thread thread([&] {
		for (int i = 0; i < 2; i++) {
			receive(accepted.get(), two_way("x").size());
			sleep_ms(100); // a server that works
			send(accepted.get(), std::to_string(i));
		}
		return 0;
	});
	send(client.get(), two_way("x"));
	send(client.get(), two_way("x"));
	EXPECT_EQ("01", receive(client.get(), 2));
	EXPECT_EQ(0, thread.join());
}

TEST_F(TransportTest, ClosedWhileTheServerWorks)
{
	std::atomic<bool> go{false};

	connect();
	Thread thread([&] {
		receive(accepted.get(), two_way("x").size());
		while (!go)
			sleep_ms(1);
		send(accepted.get(), "for nobody");
		return 0;
	});
	send(client.get(), two_way("x"));
	client.reset();
	go = true;
	EXPECT_EQ(0, thread.join());
}

// However large it is, and whatever the server does next.
TEST_F(TransportTest, AReplyIsThereWhenFlushReturns)
{
	const std::string answer = pattern(1000000, 3);

	connect();
	Thread thread([&] {
		receive(accepted.get(), two_way("x").size());
		thrift_stapler_server_transport_interrupt(
			THRIFT_STAPLER_SERVER_TRANSPORT(server.get()));
		send(accepted.get(), answer);
		return 0;
	});
	send(client.get(), two_way("x"));
	EXPECT_EQ(0, thread.join());
	EXPECT_TRUE(receive(client.get(), answer.size()) == answer);
	Error error;
	EXPECT_EQ("", read(accepted.get(), 1, error));
	EXPECT_EQ(THRIFT_TRANSPORT_ERROR_RECEIVE, error.code()) << error;
}

TEST_F(TransportTest, AfterPeekTheNextCallKeepsTheCause)
{
	Error error;

	connect();
	accepted.reset();
	server.reset();
	EXPECT_FALSE(thrift_transport_peek(client.get(), &error));
	EXPECT_NE(std::string::npos, error.message().find("the server has gone")) << error;
	for (int i = 0; i < 2; i++) {
		EXPECT_FALSE(write(client.get(), two_way("x"), error));
		EXPECT_EQ(THRIFT_TRANSPORT_ERROR_SEND, error.code());
		EXPECT_NE(std::string::npos, error.message().find("the server has gone")) << error;
		EXPECT_EQ("", read(client.get(), 1, error));
		EXPECT_NE(std::string::npos, error.message().find("the server has gone")) << error;
	}
}

// Of a program that locks its memory: both ends.
TEST_F(TransportTest, AtRestAConnectionLocksLittle)
{
	constexpr int kMany = 50;
	const auto locked = [] {
		std::ifstream status("/proc/self/status");
		std::string name, rest;
		long kib;

		while (status >> name && name != "VmLck:")
			getline(status, rest);
		status >> kib;
		return kib;
	};
	Child child([&](Child &) {
		std::vector<Ref<ThriftTransport>> clients, sessions;

		server = new_server(name);
		EXPECT_TRUE(thrift_server_transport_listen(server.get(), nullptr));
		EXPECT_EQ(0, mlockall(MCL_CURRENT | MCL_FUTURE));
		const auto connect_one = [&] {
			Thread serving([&] {
				sessions.emplace_back(
					thrift_server_transport_accept(server.get(), nullptr));
				receive(sessions.back().get(), 2000);
				send(sessions.back().get(), pattern(2000, 1));
				return 0;
			});
			clients.push_back(new_client(name));
			EXPECT_TRUE(thrift_transport_open(clients.back().get(), nullptr));
			send(clients.back().get(), two_way(pattern(2000 - two_way("").size(), 1)));
			receive(clients.back().get(), 2000);
			serving.join();
		};
		for (int i = 0; i < 10; i++)
			connect_one();
		const long before = locked();
		for (int i = 0; i < kMany; i++)
			connect_one();
		EXPECT_LT((locked() - before) / kMany, 2 * 128);
		return testing::Test::HasFailure();
	});

	child.expect_success();
}

TEST_F(TransportTest, WritesOfAnySizeAreOneStream)
{
	connect();
	Thread thread([&] {
		for (int i = 0; i < 3; i++) {
			std::string part = receive(accepted.get(), 100000);

			EXPECT_EQ(pattern(100000, i).substr(4), part.substr(4));
		}
		send(accepted.get(), "1");
		return 0;
	});
	Error error;
	for (int i = 0; i < 3; i++) {
		std::string part = pattern(100000, i);

		part.replace(0, 4, two_way(""));
		for (size_t at = 0; at < part.size(); at += 777)
			ASSERT_TRUE(write(client.get(), part.substr(at, 777), error)) << error;
	}
	ASSERT_TRUE(flush(client.get(), error)) << error;
	EXPECT_EQ("1", receive(client.get(), 1));
	EXPECT_EQ(0, thread.join());
}

// Longer than a message may be, in both directions.
TEST_F(TransportTest, FragmentsWhatIsLongerThanAMessage)
{
	const size_t length = 40 << 20;
	const std::string call = two_way(pattern(length, 1)), answer = pattern(length, 2);

	connect();
	Thread thread([&] {
		EXPECT_TRUE(receive(accepted.get(), call.size()) == call);
		send(accepted.get(), answer);
		// The rest is fetched while the next call is waited for.
		Error error;
		EXPECT_FALSE(thrift_transport_peek(accepted.get(), &error));
		EXPECT_FALSE(error.is_set()) << error;
		return 0;
	});
	send(client.get(), call);
	EXPECT_TRUE(receive(client.get(), length) == answer);
	thrift_transport_close(client.get(), nullptr);
	EXPECT_EQ(0, thread.join());
}

TEST_F(TransportTest, RepliesAreKeptInOrder)
{
	connect();
	Thread thread([&] {
		for (int i = 0; i < 100; i++) {
			std::string number = receive(accepted.get(), 6).substr(4);

			send(accepted.get(), number);
		}
		return 0;
	});
	for (int i = 10; i < 100; i++)
		send(client.get(), two_way(std::to_string(i)));
	for (int i = 0; i < 10; i++)
		send(client.get(), two_way("0" + std::to_string(i)));
	for (int i = 10; i < 100; i++)
		EXPECT_EQ(std::to_string(i), receive(client.get(), 2));
	for (int i = 0; i < 10; i++)
		EXPECT_EQ("0" + std::to_string(i), receive(client.get(), 2));
	EXPECT_EQ(0, thread.join());
}

// Two calls, one flush: the second answer has no message of its own.
TEST_F(TransportTest, TwoCallsInOneFlushGetTwoAnswers)
{
	connect();
	Thread thread([&] {
		for (int i = 0; i < 2; i++) {
			receive(accepted.get(), 5);
			send(accepted.get(), "answer " + std::to_string(i));
		}
		EXPECT_FALSE(thrift_transport_peek(accepted.get(), nullptr));
		return 0;
	});
	send(client.get(), two_way("x") + two_way("y"));
	EXPECT_EQ("answer 0", receive(client.get(), 8));
	EXPECT_EQ("answer 1", receive(client.get(), 8));
	thrift_transport_close(client.get(), nullptr);
	EXPECT_EQ(0, thread.join());
}

TEST_F(TransportTest, AClientThatIsOwedNothingIsAtTheEnd)
{
	connect();
	Thread thread([&] {
		EXPECT_FALSE(thrift_transport_peek(accepted.get(), nullptr));
		return 0;
	});
	Error error;
	read(client.get(), 1, error);
	EXPECT_EQ(THRIFT_TRANSPORT_ERROR_RECEIVE, error.code()) << error;
	thrift_transport_close(client.get(), nullptr);
	EXPECT_EQ(0, thread.join());
}

// A transport may not take it for something else: a two-way call that nobody answers is released.
TEST_F(TransportTest, AnUnansweredCallIsReleasedByTheNextRead)
{
	connect();
	Thread thread([&] {
		EXPECT_EQ("unknown 1", receive(accepted.get(), 9));
		EXPECT_EQ("unknown 2", receive(accepted.get(), 9));
		accepted.reset(); // and by the end of the transport
		return 0;
	});
	send(client.get(), "unknown 1");
	send(client.get(), "unknown 2");
	EXPECT_EQ(0, thread.join());
}

TEST_F(TransportTest, OneWayCallsDoNotWait)
{
	connect();
	auto before = std::chrono::steady_clock::now();
	for (int i = 10; i < 30; i++)
		send(client.get(), one_way(std::to_string(i)));
	EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(10));
	for (int i = 10; i < 30; i++)
		EXPECT_EQ(one_way(std::to_string(i)), receive(accepted.get(), 6));
}

// Nobody waits for the answer to a one-way call: the next call must not get it.
TEST_F(TransportTest, AnAnswerToAOneWayCallIsDropped)
{
	connect();
	send(client.get(), one_way("1"));
	Thread thread([&] {
		Error error;

		receive(accepted.get(), 5);
		EXPECT_TRUE(write(accepted.get(), "not flushed", error));
		receive(accepted.get(), 5);
		send(accepted.get(), "flushed");
		receive(accepted.get(), 5);
		send(accepted.get(), "answer");
		return 0;
	});
	send(client.get(), one_way("2"));
	send(client.get(), two_way("3"));
	EXPECT_EQ("answer", receive(client.get(), 6));
	EXPECT_EQ(0, thread.join());
}

TEST_F(TransportTest, LongOneWayCallsArriveWhole)
{
	const std::string call = one_way(pattern(3 << 20, 7));

	connect();
	Thread thread([&] {
		for (int i = 0; i < 3; i++)
			EXPECT_TRUE(receive(accepted.get(), call.size()) == call) << i;
		return 0;
	});
	for (int i = 0; i < 3; i++)
		send(client.get(), call);
	EXPECT_EQ(0, thread.join());
}

TEST_F(TransportTest, PeekWaitsForACallOrTheEnd)
{
	connect();
	Thread first([&] { return thrift_transport_peek(accepted.get(), nullptr); });
	EXPECT_TRUE(first.wait_blocked(STPLR_MSG_RECEIVE));
	send(client.get(), one_way("x"));
	EXPECT_EQ(TRUE, first.join());
	// It is still there.
	EXPECT_EQ(TRUE, thrift_transport_peek(accepted.get(), nullptr));
	receive(accepted.get(), 5);

	Error error;
	Thread second([&] { return thrift_transport_peek(accepted.get(), &error); });
	EXPECT_TRUE(second.wait_blocked(STPLR_MSG_RECEIVE));
	thrift_transport_close(client.get(), nullptr);
	EXPECT_EQ(FALSE, second.join());
	EXPECT_FALSE(error.is_set()) << error;
}

// 0 would make Thrift's read_all() loop for ever.
TEST_F(TransportTest, TheEndOfTheStreamIsAnError)
{
	connect();
	send(client.get(), one_way("x"));
	thrift_transport_close(client.get(), nullptr);
	EXPECT_EQ(one_way("x"), receive(accepted.get(), 5));
	for (int i = 0; i < 2; i++) {
		char byte;
		Error error;

		EXPECT_EQ(-1, thrift_transport_read(accepted.get(), &byte, 1, &error));
		EXPECT_EQ(THRIFT_TRANSPORT_ERROR_RECEIVE, error.code()) << error;
		EXPECT_EQ(-1, thrift_transport_read_all(accepted.get(), &byte, 1, &error));
		EXPECT_TRUE(error.is_set());
	}
}

TEST_F(TransportTest, CloseMayComeTwice)
{
	connect();
	for (ThriftTransport *transport : {client.get(), accepted.get()}) {
		Error error;

		EXPECT_TRUE(thrift_transport_is_open(transport));
		for (int i = 0; i < 2; i++) {
			EXPECT_TRUE(thrift_transport_close(transport, &error)) << error;
			EXPECT_FALSE(thrift_transport_is_open(transport));
		}
		EXPECT_FALSE(thrift_transport_peek(transport, &error));
		read(transport, 1, error);
		EXPECT_TRUE(error.is_set());
		EXPECT_FALSE(write(transport, "x", error));
		EXPECT_EQ(THRIFT_TRANSPORT_ERROR_SEND, error.code());
		EXPECT_FALSE(flush(transport, error));
		EXPECT_EQ(THRIFT_INVALID_SOCKET,
			  thrift_stapler_transport_get_fd(THRIFT_STAPLER_TRANSPORT(transport)));
	}
	Error error;
	EXPECT_FALSE(thrift_transport_open(accepted.get(), &error));
	EXPECT_EQ(THRIFT_TRANSPORT_ERROR_CONNECT, error.code()) << error;
}

TEST_F(TransportTest, AClientMayOpenAgain)
{
	Error error;

	connect();
	EXPECT_FALSE(thrift_transport_open(client.get(), &error));
	EXPECT_EQ(THRIFT_TRANSPORT_ERROR_CONNECT, error.code());
	for (int i = 0; i < 3; i++) {
		thrift_transport_close(client.get(), nullptr);
		ASSERT_TRUE(thrift_transport_open(client.get(), &error)) << error;
		accepted.reset(thrift_server_transport_accept(server.get(), &error));
		send(client.get(), one_way("x"));
		EXPECT_EQ(one_way("x"), receive(accepted.get(), 5));
	}
}

TEST(Open, SaysWhatIsWrong)
{
	struct {
		const char *name;
		guint device;
		const char *word;
	} const cases[] = {
		{"glib-test-nobody", 0, "nobody serves"},
		{"no name", 0, "not a name"},
		{"", 0, "not a name"},
		{"x", 4711, "modprobe stplr devices=4712"},
		{nullptr, 0, "property 'name'"},
	};
	for (const auto &c : cases) {
		Ref<ThriftTransport> client(
			THRIFT_TRANSPORT(g_object_new(THRIFT_TYPE_STAPLER_TRANSPORT, "name", c.name,
						      "device", c.device, nullptr)));
		Error error;

		EXPECT_FALSE(thrift_transport_open(client.get(), &error));
		EXPECT_EQ(THRIFT_TRANSPORT_ERROR, error.domain());
		EXPECT_EQ(THRIFT_TRANSPORT_ERROR_CONNECT, error.code());
		EXPECT_NE(std::string::npos, error.message().find(c.word)) << error;
		EXPECT_FALSE(thrift_transport_is_open(client.get()));
	}
}

// Thrift's wrappers go on after a failed flush() with the error set.
TEST_F(TransportTest, AnErrorThatIsSetStays)
{
	connect();
	accepted.reset();
	Error error;
	GError **kept = &error;
	char byte;

	write(client.get(), two_way("x"), error);
	EXPECT_FALSE(thrift_transport_flush(client.get(), kept));
	std::string first = error.message();
	EXPECT_EQ(-1, thrift_transport_read(client.get(), &byte, 1, kept));
	EXPECT_FALSE(thrift_transport_flush(client.get(), kept));
	EXPECT_EQ(first, error.message());
}

TEST_F(TransportTest, AServerThatHasGoneIsASendError)
{
	connect();
	accepted.reset();
	Error error;

	ASSERT_TRUE(write(client.get(), two_way("x"), error)) << error;
	EXPECT_FALSE(flush(client.get(), error));
	EXPECT_EQ(THRIFT_TRANSPORT_ERROR_SEND, error.code()) << error;
}

TEST_F(TransportTest, AServerThatDiesInACallIsAReceiveError)
{
	Error error;

	server = new_server(name);
	ASSERT_TRUE(thrift_server_transport_listen(server.get(), &error)) << error;
	Child child([&](Child &) -> int {
		ThriftTransport *transport = thrift_server_transport_accept(server.get(), nullptr);
		char byte;

		thrift_transport_read(transport, &byte, 1, nullptr);
		_exit(0);
	});
	client = new_client(name);
	ASSERT_TRUE(thrift_transport_open(client.get(), &error)) << error;
	ASSERT_TRUE(write(client.get(), two_way("x"), error)) << error;
	if (flush(client.get(), error)) { // it takes longer than a moment to die
		char byte;
		EXPECT_EQ(-1, thrift_transport_read(client.get(), &byte, 1, &error));
	}
	EXPECT_EQ(THRIFT_TRANSPORT_ERROR_RECEIVE, error.code()) << error;
	EXPECT_TRUE(thrift_transport_is_open(client.get()));
	EXPECT_TRUE(thrift_transport_close(client.get(), &error));
}

TEST_F(TransportTest, AClientThatDiesInACallIsTheEndOfItsStream)
{
	Error error;

	server = new_server(name);
	ASSERT_TRUE(thrift_server_transport_listen(server.get(), &error)) << error;
	Child child([&](Child &) {
		Ref<ThriftTransport> own = new_client(name);

		thrift_transport_open(own.get(), nullptr);
		Error ignored;
		write(own.get(), two_way("x"), ignored);
		flush(own.get(), ignored);
		return 0;
	});
	accepted.reset(thrift_server_transport_accept(server.get(), &error));
	ASSERT_TRUE(accepted) << error;
	EXPECT_EQ(two_way("x"), receive(accepted.get(), 5));
	child.kill(SIGKILL);
	child.wait();
	send(accepted.get(), "nobody waits for this"); // no fault of the server's
	EXPECT_FALSE(thrift_transport_peek(accepted.get(), &error));
	EXPECT_FALSE(error.is_set()) << error;
}

TEST_F(TransportTest, TheServersLimitRefusesLongCalls)
{
	auto limits = configuration(100000);
	Error error;

	connect(nullptr, limits.get());
	Thread thread([&] {
		Error why;

		receive(accepted.get(), 100000);
		send(accepted.get(), "fits");
		EXPECT_EQ("", read(accepted.get(), 10, why));
		EXPECT_EQ(THRIFT_TRANSPORT_ERROR_MAX_MESSAGE_SIZE_REACHED, why.code()) << why;
		EXPECT_EQ("", read(accepted.get(), 10, why));
		return 0;
	});
	send(client.get(), two_way(pattern(99996, 1)));
	EXPECT_EQ("fits", receive(client.get(), 4));
	ASSERT_TRUE(write(client.get(), two_way(pattern(99997, 1)), error)) << error;
	EXPECT_FALSE(flush(client.get(), error));
	EXPECT_EQ(THRIFT_TRANSPORT_ERROR_MAX_MESSAGE_SIZE_REACHED, error.code()) << error;
	EXPECT_EQ(0, thread.join());
}

TEST_F(TransportTest, TheClientsLimitRefusesLongReplies)
{
	auto limits = configuration(100000);
	Error error;

	connect(limits.get());
	Thread thread([&] {
		for (size_t length : {100000, 100001}) {
			receive(accepted.get(), 5);
			send(accepted.get(), pattern(length, 1));
		}
		return 0;
	});
	send(client.get(), two_way("x"));
	EXPECT_EQ(pattern(100000, 1), receive(client.get(), 100000));
	ASSERT_TRUE(write(client.get(), two_way("x"), error)) << error;
	EXPECT_FALSE(flush(client.get(), error));
	EXPECT_EQ(THRIFT_TRANSPORT_ERROR_MAX_MESSAGE_SIZE_REACHED, error.code()) << error;
	EXPECT_EQ(0, thread.join());
}

// A client of <stplr.h> with little room: the rest is held, and counted in the status.
TEST_F(TransportTest, WhatDoesNotFitARawClientIsHeld)
{
	const std::string answer = pattern(1000, 3);
	Fd raw = connect_raw();
	ASSERT_TRUE(accepted);
	Thread thread([&] {
		EXPECT_EQ(two_way("x"), receive(accepted.get(), 5));
		send(accepted.get(), answer);
		EXPECT_EQ(two_way("y"), receive(accepted.get(), 5));
		send(accepted.get(), "next");
		EXPECT_FALSE(thrift_transport_peek(accepted.get(), nullptr));
		return 0;
	});
	char reply[400];
	stplr_reply_info info;

	ASSERT_EQ(400, stplr_send_receive(raw, two_way("x").data(), 5, reply, 400, &info));
	EXPECT_EQ(answer.substr(0, 400), std::string(reply, 400));
	EXPECT_EQ(600, info.status);
	ASSERT_EQ(400, stplr_send_receive(raw, nullptr, 0, reply, 400, &info));
	EXPECT_EQ(answer.substr(400, 400), std::string(reply, 400));
	EXPECT_EQ(200, info.status);
	// What is held comes before the answer to the next call.
	ASSERT_EQ(204, stplr_send_receive(raw, two_way("y").data(), 5, reply, 400, &info));
	EXPECT_EQ(answer.substr(800) + "next", std::string(reply, 204));
	EXPECT_EQ(0, info.status);
	ASSERT_EQ(0, stplr_send_receive(raw, nullptr, 0, reply, 400, &info));
	EXPECT_EQ(0, info.status);
	raw.reset();
	EXPECT_EQ(0, thread.join());
}

// The first call is whole in a message that says that more follows.
TEST_F(TransportTest, TwoCallsInAFlushLongerThanAMessage)
{
	const std::string second = two_way(pattern(400000, 5));
	Parameter max("message_max", 300000);

	connect();
	Thread thread([&] {
		EXPECT_EQ(two_way("x"), receive(accepted.get(), 5));
		send(accepted.get(), "answer 0");
		EXPECT_TRUE(receive(accepted.get(), second.size()) == second);
		send(accepted.get(), "answer 1");
		EXPECT_FALSE(thrift_transport_peek(accepted.get(), nullptr));
		return 0;
	});
	send(client.get(), two_way("x") + second);
	EXPECT_EQ("answer 0", receive(client.get(), 8));
	EXPECT_EQ("answer 1", receive(client.get(), 8));
	thrift_transport_close(client.get(), nullptr);
	EXPECT_EQ(0, thread.join());
}

// Whether the kernel takes it into its queue or not.
TEST_F(TransportTest, AnAnswerToAOneWayCallThatCannotBeQueuedIsDropped)
{
	connect();
	Parameter none("user_messages", 0);
	Thread thread([&] {
		receive(accepted.get(), 5);
		send(accepted.get(), "to the one-way call");
		receive(accepted.get(), 5);
		send(accepted.get(), "answer");
		return 0;
	});
	send(client.get(), one_way("1"));
	send(client.get(), two_way("2"));
	EXPECT_EQ("answer", receive(client.get(), 6));
	EXPECT_EQ(0, thread.join());
}

// Both answers to its flush are, but not what was held for it before.
TEST_F(TransportTest, WhatAnswersAClientThatHasGivenUpIsDropped)
{
	const std::string answer = pattern(1000, 3);
	Fd raw = connect_raw();
	ASSERT_TRUE(accepted);
	Thread thread([&] {
		receive(accepted.get(), 5);
		send(accepted.get(), answer);
		receive(accepted.get(), 10);
		sleep_ms(500);
		send(accepted.get(), "late");
		send(accepted.get(), "too late");
		EXPECT_FALSE(thrift_transport_peek(accepted.get(), nullptr));
		return 0;
	});
	char room[2000];
	stplr_reply_info info;
	struct stplr_msg_send given_up = {};
	const std::string two = two_way("y") + two_way("z");

	ASSERT_EQ(400, stplr_send_receive(raw, two_way("x").data(), 5, room, 400, &info));
	EXPECT_EQ(600, info.status);
	given_up.send = {uintptr_t(two.data()), two.size()};
	given_up.reply = {uintptr_t(room), sizeof(room)};
	given_up.send_deadline = STPLR_DEADLINE_NONE;
	given_up.reply_deadline = stplr_deadline(100000000);
	given_up.clock = CLOCK_MONOTONIC;
	EXPECT_EQ(-1, stplr_msg_send_receive(raw, &given_up));
	EXPECT_EQ(ETIMEDOUT, errno);
	ASSERT_EQ(600, stplr_send_receive(raw, nullptr, 0, room, sizeof(room), &info));
	EXPECT_EQ(answer.substr(400), std::string(room, 600));
	EXPECT_EQ(0, info.status);
	raw.reset();
	EXPECT_EQ(0, thread.join());
}

TEST_F(TransportTest, PulsesAreNotOfTheStream)
{
	Fd raw = connect_raw();
	ASSERT_TRUE(accepted);
	for (const char *byte : {"a", "b"}) {
		EXPECT_EQ(0, stplr_pulse(raw, -1, 5, 0x4141414141414141));
		EXPECT_EQ(0, stplr_send_queued(raw, byte, 1));
	}
	EXPECT_EQ("ab", receive(accepted.get(), 2));
}

// The kernel refuses to carry the answer that is held: the next read says so.
TEST_F(TransportTest, AnAnswerThatCannotBeHandedOverIsAnError)
{
	for (bool peeks : {false, true}) {
		Fd raw = connect_raw();
		ASSERT_TRUE(accepted);
		Thread thread([&] {
			Error why;
			char byte;

			receive(accepted.get(), 5);
			send(accepted.get(), pattern(10 << 20, 3));
			receive(accepted.get(), 5);
			if (peeks)
				EXPECT_FALSE(thrift_transport_peek(accepted.get(), &why));
			else
				EXPECT_EQ(-1,
					  thrift_transport_read(accepted.get(), &byte, 1, &why));
			EXPECT_EQ(THRIFT_TRANSPORT_ERROR_SEND, why.code()) << why;
			accepted.reset();
			return 0;
		});
		std::string room(11 << 20, '\0');
		stplr_reply_info info;

		EXPECT_EQ(0, stplr_send_receive(raw, two_way("x").data(), 5, &room[0], 0, &info));
		EXPECT_EQ(10 << 20, info.status);
		Parameter little("user_memory", 1);
		EXPECT_EQ(-1, stplr_send_receive(raw, two_way("y").data(), 5, &room[0], room.size(),
						 &info));
		EXPECT_EQ(0, thread.join());
	}
}

TEST_F(TransportTest, HasThriftsProperties)
{
	auto limits = configuration(4711);
	ThriftConfiguration *found = nullptr;
	glong remaining = 0, known = 0;
	guint device = 7;
	gchar *own = nullptr;

	{
		Ref<ThriftTransport> transport = new_client("some-name", limits.get());
		g_object_get(transport.get(), "configuration", &found, "remainingmessagesize",
			     &remaining, "knowmessagesize", &known, "device", &device, "name", &own,
			     nullptr);
		EXPECT_EQ(limits.get(), found);
		EXPECT_EQ(100L << 20, remaining);
		EXPECT_EQ(100L << 20, known);
		EXPECT_EQ(0u, device);
		EXPECT_STREQ("some-name", own);
		g_object_unref(found);
		g_free(own);
	}
	EXPECT_EQ(1u, G_OBJECT(limits.get())->ref_count);
	{
		Ref<ThriftServerTransport> transport = new_server("some-name", limits.get());
		guint mode, backlog;
		gchar *group;

		g_object_get(transport.get(), "configuration", &found, "remainingmessagesize",
			     &remaining, "knowmessagesize", &known, "mode", &mode, "backlog",
			     &backlog, "group", &group, nullptr);
		EXPECT_EQ(limits.get(), found);
		EXPECT_EQ(0600u, mode);
		EXPECT_EQ(128u, backlog);
		EXPECT_EQ(nullptr, group);
		g_object_unref(found);
	}
	EXPECT_EQ(1u, G_OBJECT(limits.get())->ref_count);
}

} // namespace
