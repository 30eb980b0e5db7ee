// SPDX-License-Identifier: MIT
// The wire format, as PROTOCOL.md tells it, from the other side: clients and servers of plain
// stplr.
#include <gtest/gtest.h>
#include <stplr.h>
#include <thrift/transport/TBufferTransports.h>

#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <thread>

#include "support/raw.h"
#include "support/service.h"
#include "support/thread.h"

namespace
{

using namespace tests;

// What a client of the service sends for one call, and what it makes of the answer's bytes.
class Composer
{
public:
	std::string add(int a, int b)
	{
		calls_.send_add(a, b);
		return take();
	}
	std::string make(int size)
	{
		calls_.send_make(size);
		return take();
	}
	std::string note(int number)
	{
		calls_.send_note(number, 0, "ballast");
		return take();
	}
	std::string noted()
	{
		calls_.send_noted();
		return take();
	}
	int32_t added(const std::string &bytes)
	{
		give(bytes);
		return calls_.recv_add();
	}
	std::string made(const std::string &bytes)
	{
		std::string result;

		give(bytes);
		calls_.recv_make(result);
		return result;
	}
	int32_t notedCount(const std::string &bytes)
	{
		give(bytes);
		return calls_.recv_noted();
	}

private:
	std::string take()
	{
		const std::string bytes = memory_->getBufferAsString();

		memory_->resetBuffer();
		return bytes;
	}
	void give(const std::string &bytes)
	{
		memory_->write(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
	}

	std::shared_ptr<apache::thrift::transport::TMemoryBuffer> memory_ =
		std::make_shared<apache::thrift::transport::TMemoryBuffer>();
	suite::suiteClient calls_{Wire().speak(memory_)};
};

class RawTest : public testing::Test
{
protected:
	Service service;
	RawClient client{service.address().name};
	Composer compose;
	Answer answer;
};

TEST_F(RawTest, ACallIsItsBytesAndNothingElse)
{
	ASSERT_EQ(0, client.call(compose.add(1, 2), &answer));
	EXPECT_EQ(0, answer.status);
	EXPECT_EQ(3, compose.added(answer.bytes));
}

TEST_F(RawTest, ACallInPieces)
{
	const std::string call = compose.add(1, 2);

	for (size_t i = 0; i + 1 < call.size(); i++)
		ASSERT_EQ(0, client.send(call.substr(i, 1)));
	ASSERT_EQ(0, client.call(call.substr(call.size() - 1), &answer));
	EXPECT_EQ(3, compose.added(answer.bytes));
}

TEST_F(RawTest, OneWayQueuedOrPlainAndTwoInOneMessage)
{
	ASSERT_EQ(0, client.queue(compose.note(1)));
	ASSERT_EQ(0, client.send(compose.note(2)));
	const std::string two = compose.note(3) + compose.note(4);
	ASSERT_EQ(0, client.queue(two));
	ASSERT_EQ(0, client.call(compose.noted(), &answer));
	EXPECT_EQ(4, compose.notedCount(answer.bytes));
}

TEST_F(RawTest, ALongAnswerIsCollected)
{
	std::string all;

	ASSERT_EQ(0, client.call(compose.make(5000), &answer, 1000));
	EXPECT_EQ(1000u, answer.bytes.size());
	EXPECT_GE(answer.status, 4000);
	all = answer.bytes;
	while (answer.status) {
		const int before = answer.status;

		ASSERT_EQ(0, client.call("", &answer, 1500));
		EXPECT_EQ(before - int(answer.bytes.size()), answer.status);
		all += answer.bytes;
	}
	EXPECT_EQ(std::string(5000, 'm'), compose.made(all));
	ASSERT_EQ(0, client.call("", &answer));
	EXPECT_EQ("", answer.bytes);
	EXPECT_EQ(0, answer.status);
}

TEST_F(RawTest, WhatIsHeldComesBeforeTheNextAnswer)
{
	ASSERT_EQ(0, client.call(compose.add(1, 2), &answer, 0));
	EXPECT_GT(answer.status, 0);
	const int held = answer.status;

	ASSERT_EQ(0, client.call(compose.add(3, 4), &answer, 1 << 20));
	EXPECT_EQ(0, answer.status);
	EXPECT_EQ(2u * held, answer.bytes.size());
	EXPECT_EQ(3, compose.added(answer.bytes));
	EXPECT_EQ(7, compose.added(""));
}

TEST_F(RawTest, TheSecondAnswerOfOneMessageIsCollected)
{
	const std::string first = compose.add(1, 2), second = compose.add(3, 4);

	ASSERT_EQ(0, client.call(first + second, &answer));
	EXPECT_EQ(3, compose.added(answer.bytes));
	ASSERT_EQ(0, client.call("", &answer));
	EXPECT_EQ(7, compose.added(answer.bytes));
}

long residentKiB()
{
	long pages = 0, resident = 0;

	std::ifstream("/proc/self/statm") >> pages >> resident;
	return resident * (getpagesize() / 1024);
}

// A client that always leaves a byte of the answer to the server does not make it grow.
TEST(RawServedTest, WhatWasCollectedIsForgotten)
{
	const size_t size = 65536, calls = 2000;
	ServerStaplerTransport server(newAddress());

	server.listen();
	RawClient client(server.getAddress().name);
	auto accepted = server.accept();
	Thread serving([&] {
		const std::vector<uint8_t> reply(size, 'r');
		uint8_t byte;

		for (size_t i = 0; i < calls; i++) {
			accepted->read(&byte, 1);
			accepted->write(reply.data(), size);
			accepted->flush();
		}
		return 0;
	});
	Answer answer;
	long before = 0;

	for (size_t i = 0; i < calls; i++) {
		ASSERT_EQ(0, client.call("x", &answer, i ? size : size - 1));
		ASSERT_EQ(1, answer.status);
		if (i == calls / 10)
			before = residentKiB();
	}
	EXPECT_LT(residentKiB() - before, 20000);
	EXPECT_EQ(0, serving.join());
}

TEST_F(RawTest, EmptyMessagesAreOfNoConsequence)
{
	ASSERT_EQ(0, client.call("", &answer));
	EXPECT_EQ(0, answer.status);
	ASSERT_EQ(0, client.send(""));
	ASSERT_EQ(0, client.queue(""));
	ASSERT_EQ(0, client.call(compose.add(1, 2), &answer));
	EXPECT_EQ(3, compose.added(answer.bytes));
}

TEST_F(RawTest, PulsesAreNotOfTheStream)
{
	const std::string call = compose.add(1, 2);

	ASSERT_EQ(0, client.pulse());
	ASSERT_EQ(0, client.send(call.substr(0, 5)));
	ASSERT_EQ(0, client.pulse());
	ASSERT_EQ(0, client.call(call.substr(5), &answer));
	ASSERT_EQ(0, client.pulse());
	EXPECT_EQ(3, compose.added(answer.bytes));
	ASSERT_EQ(0, client.call(compose.add(3, 4), &answer));
	EXPECT_EQ(7, compose.added(answer.bytes));
}

TEST_F(RawTest, NobodyCollectsNobodyServes)
{
	Service::Options options;

	options.maxMessageSize = 100000;
	Service strict(options);
	RawClient lazy(strict.address().name);
	int error = 0;

	for (int i = 0; i < 100 && !error; i++)
		error = lazy.call(compose.make(10000), &answer, 0);
	// The last call is released as the channel closes, or finds it closed.
	EXPECT_TRUE(error == -ESRCH || lazy.call("", &answer) == -ESRCH) << error;
}

TEST_F(RawTest, OversizeCallsAndFrames)
{
	Service::Options options;

	options.maxMessageSize = 100000;
	options.wire.wrapper = "framed";
	Service strict(options);

	// Longer than the server takes.
	EXPECT_EQ(-EMSGSIZE,
		  RawClient(strict.address().name).call(std::string(100001, 'x'), &answer));
	// In parts that are not.
	RawClient parts(strict.address().name);
	int error = 0;

	for (int i = 0; i < 4 && !error; i++)
		error = parts.send(std::string(1, '\0') + std::string(49999, 'x'));
	EXPECT_EQ(-ESRCH, error ? error : parts.call("x", &answer));
	// Frames that promise more than there is, or may be.
	for (const char *header :
	     {"\xff\xff\xff\xff", "\x7f\xff\xff\xff", "\x80\x00\x00\x00", "\x00\xfa\x00\x01"}) {
		RawClient liar(strict.address().name);

		error = liar.call(std::string(header, 4) + "some bytes", &answer);
		EXPECT_TRUE(error == -ESRCH || answer.bytes.empty()) << error;
	}
	Client client(strict);

	EXPECT_EQ(3, client->add(1, 2));
}

// A server that does not speak the protocol.
class RawServer
{
public:
	RawServer()
	{
		struct stplr_channel_create options = {};
		Fd device(stplr_open(0, 0));

		options.flags = STPLR_CHANNEL_LISTEN;
		listening_.reset(stplr_channel_create(device, address.name.c_str(), &options));
		EXPECT_GE(listening_, 0);
	}

	// Answers the first message like that.
	int answer(const std::string &bytes, int status, int error)
	{
		Fd channel(stplr_accept(listening_, nullptr));
		char buffer[1000];
		const int rcvid = stplr_receive(channel, buffer, sizeof(buffer), nullptr);

		if (error)
			return stplr_reply_error(channel, rcvid, error);
		return stplr_reply(channel, rcvid, status, bytes.data(), bytes.size());
	}

	StaplerAddress address = newAddress();

private:
	Fd listening_;
};

int failureWith(const std::string &bytes, int status, int error)
{
	RawServer server;
	Client client(server.address, Wire());
	Thread thread([&] { return server.answer(bytes, status, error); });
	const int result = failure([&] { client->add(1, 2); });

	thread.join();
	return result;
}

TEST(RawServerTest, WhatItAnswersIsNotTrusted)
{
	EXPECT_EQ(int(TTransportException::CORRUPTED_DATA), failureWith("", -1, 0));
	EXPECT_EQ(int(TTransportException::END_OF_FILE), failureWith("x", INT32_MAX, 0));
	EXPECT_EQ(int(TTransportException::END_OF_FILE), failureWith("", 0, 0));
	EXPECT_EQ(int(TTransportException::END_OF_FILE), failureWith("", 100, 0));
	EXPECT_EQ(int(TTransportException::END_OF_FILE), failureWith("", 0, EMSGSIZE));
	EXPECT_EQ(int(TTransportException::UNKNOWN), failureWith("", 0, EIO));
}

} // namespace
