// SPDX-License-Identifier: MIT
// One-way calls: recognised in the bytes, and never waited for.
#include <gtest/gtest.h>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/protocol/TCompactProtocol.h>
#include <thrift/protocol/TJSONProtocol.h>
#include <thrift/transport/TBufferTransports.h>

#include <thread>

#include "src/CallKind.h"
#include "support/module.h"
#include "support/raw.h"
#include "support/service.h"
#include "support/thread.h"

namespace
{

using namespace tests;
using namespace apache::thrift::protocol;
using apache::thrift::transport::TFramedTransport;
using apache::thrift::transport::TMemoryBuffer;

// What a client of the wire flushes for a call of this type.
std::string flushed(const Wire &wire, TMessageType type, const std::string &name = "note",
		    int calls = 1)
{
	auto memory = std::make_shared<TMemoryBuffer>();
	auto wrapped = wire.wrap(memory);
	auto protocol = wire.speak(wrapped);

	for (int i = 0; i < calls; i++) {
		protocol->writeMessageBegin(name, type, 0x01020304);
		protocol->writeStructBegin("args");
		protocol->writeFieldBegin("text", T_STRING, 1);
		protocol->writeString("hello");
		protocol->writeFieldEnd();
		protocol->writeFieldStop();
		protocol->writeStructEnd();
		protocol->writeMessageEnd();
		wrapped->flush();
	}
	return memory->getBufferAsString();
}

bool isOneWay(const std::string &bytes)
{
	// A copy of its own, so that reading beyond its end is seen.
	const std::vector<uint8_t> copy(bytes.begin(), bytes.end());

	return stplr::thrift::isOneWay(copy.data(), copy.size());
}

TEST(CallKindTest, EachProtocolWithAndWithoutFrames)
{
	for (const std::string &wrapper : wrappers())
		for (const std::string &protocol : protocols())
			for (const char *name : {"note", "", "quo\"te\\", "a,4,", "n\xc3\xb6"}) {
				const Wire wire = {wrapper, protocol};

				SCOPED_TRACE(wrapper + " " + protocol + " " + name);
				EXPECT_TRUE(isOneWay(flushed(wire, T_ONEWAY, name)));
				EXPECT_FALSE(isOneWay(flushed(wire, T_CALL, name)));
				EXPECT_FALSE(isOneWay(flushed(wire, T_REPLY, name)));
				EXPECT_FALSE(isOneWay(flushed(wire, T_EXCEPTION, name)));
			}
}

TEST(CallKindTest, SeveralFramesAreOneWayIfAllAre)
{
	const Wire framed = {"framed", "binary"};
	const std::string oneWay = flushed(framed, T_ONEWAY), twoWay = flushed(framed, T_CALL);

	EXPECT_TRUE(isOneWay(oneWay + oneWay + oneWay));
	EXPECT_FALSE(isOneWay(oneWay + twoWay));
	EXPECT_FALSE(isOneWay(twoWay + oneWay));
	EXPECT_FALSE(isOneWay(oneWay + oneWay.substr(0, 20)));
}

TEST(CallKindTest, WhatIsUnknownOrCutShortIsNot)
{
	EXPECT_FALSE(isOneWay(""));
	EXPECT_FALSE(isOneWay(std::string(1000, '\0')));
	EXPECT_FALSE(isOneWay(std::string(1000, '\xff')));
	EXPECT_FALSE(isOneWay("GET / HTTP/1.1\r\n\r\n"));
	EXPECT_FALSE(isOneWay("[1,\"never ends"));
	EXPECT_FALSE(isOneWay("[1,\"ends in a backslash\\"));
	EXPECT_FALSE(isOneWay("[2,\"another version\",4,0]"));
	EXPECT_FALSE(isOneWay(std::string("\x80\x02\x00\x04", 4) + "another version"));
	EXPECT_FALSE(isOneWay("\x82\x82 another version"));
	// THeader: a length, then its magic.
	EXPECT_FALSE(isOneWay(std::string(
		"\x00\x00\x00\x0c\x0f\xff\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00", 16)));
	for (const std::string &wrapper : wrappers())
		for (const std::string &protocol : protocols()) {
			const std::string whole = flushed({wrapper, protocol}, T_CALL);

			for (size_t length = 0; length < whole.size(); length++)
				EXPECT_FALSE(isOneWay(whole.substr(0, length)));
		}
}

class SleepTest : public testing::TestWithParam<std::string>
{
};

// A handler that sleeps a second holds up neither its caller nor the order.
TEST_P(SleepTest, ACallerDoesNotWait)
{
	std::vector<std::thread> threads;

	const auto longest = [](const Wire &wire) {
		Service::Options options;

		options.wire = wire;
		Service service(options);
		Client client(service);
		std::vector<int32_t> notes;
		int64_t ms = 0;

		for (int i = 0; i < 10; i++)
			ms = std::max(ms, elapsed([&] { client->note(i, i ? 0 : 1000, "x"); }));
		client->notes(notes);
		EXPECT_EQ(std::vector<int32_t>({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}), notes);
		return ms;
	};

	for (const std::string &wrapper : wrappers())
		threads.emplace_back([&, wrapper] {
			EXPECT_TRUE(sometimes([&] {
				return longest({wrapper, GetParam()}) < 100;
			})) << wrapper;
		});
	for (std::thread &thread : threads)
		thread.join();
}

INSTANTIATE_TEST_SUITE_P(All, SleepTest, testing::ValuesIn(protocols()),
			 [](const auto &info) { return info.param; });

TEST(OneWayTest, ManyMoreThanTheQueueTakes)
{
	Service service;
	Client client(service);

	for (int i = 0; i < 2000; i++)
		client->note(i, 0, "");
	EXPECT_EQ(2000, client->noted());
}

TEST(OneWayTest, LargeOnesGoInPartsAndKeepTheOrder)
{
	Service service;
	Client client(service);
	std::vector<int32_t> notes;

	for (int i = 0; i < 6; i++)
		client->note(i, 0, std::string(i % 2 ? 100 : 3000000, 'b'));
	client->notes(notes);
	EXPECT_EQ(std::vector<int32_t>({0, 1, 2, 3, 4, 5}), notes);
}

TEST(OneWayTest, AreExecutedThoughTheClientHasClosed)
{
	Service service;

	{
		Client client(service);

		for (int i = 0; i < 10; i++)
			client->note(i, i ? 0 : 50, "");
	}
	EXPECT_TRUE(eventually([&] { return service.handler().noted() == 10; }));
}

TEST(OneWayTest, AnUnknownOneLeavesTheNextCallItsOwnAnswer)
{
	Service service;
	Client client(service);

	client.protocol->writeMessageBegin("unknown", T_ONEWAY, 0);
	client.protocol->writeFieldStop();
	client.protocol->writeMessageEnd();
	client.wrapped->flush();
	EXPECT_EQ(3, client->add(1, 2));
}

// The kernel takes no more into its queue.
TEST(OneWayTest, AnUnknownOneThatCannotBeQueuedDoesTheSame)
{
	Service service;
	Client client(service);
	ServerStaplerTransport busy(newAddress());

	busy.listen();
	RawClient other(busy.getAddress().name);
	Parameter few("user_messages", 1);

	EXPECT_EQ(0, other.queue("takes the place"));
	EXPECT_EQ(-EDQUOT, other.queue("there is none left"));
	client.protocol->writeMessageBegin("unknown", T_ONEWAY, 0);
	client.protocol->writeFieldStop();
	client.protocol->writeMessageEnd();
	client.wrapped->flush();
	EXPECT_EQ(3, client->add(1, 2));
	client->note(1, 0, "");
	EXPECT_EQ(1, client->noted());
}

// A protocol that the transport does not know: the call is sent as if it were two-way.
TEST(OneWayTest, OneThatIsNotRecognisedWaitsOnlyUntilTheServerReadsOn)
{
	Service service;
	Client client(service);
	auto memory = std::make_shared<TMemoryBuffer>();
	suite::suiteClient calls(client.protocol, service.wire().speak(memory));

	calls.send_note(1, 0, "");
	const std::string call = memory->getBufferAsString();
	const auto *bytes = reinterpret_cast<const uint8_t *>(call.data());

	// Its first byte goes as a two-way message, then, so what follows is not known either.
	client.transport->setRecvTimeout(kPatienceMs);
	for (size_t i : {0, 1}) {
		client.transport->write(bytes + i, i ? call.size() - 1 : 1);
		client.transport->flush();
	}
	client.transport->setRecvTimeout(0);
	EXPECT_EQ(1, client->noted());
	EXPECT_EQ(3, client->add(1, 2));
}

} // namespace
