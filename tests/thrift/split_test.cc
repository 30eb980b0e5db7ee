// SPDX-License-Identifier: MIT
// send_x() and recv_x() apart: the client goes on while the server works.
#include <gtest/gtest.h>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/transport/TBufferTransports.h>

#include <condition_variable>
#include <mutex>

#include "support/module.h"
#include "support/service.h"
#include "support/thread.h"

namespace
{

using namespace tests;

// Holds each call up, before or after it is read, until it is let go.
class Holds : public apache::thrift::TProcessorEventHandler
{
public:
	explicit Holds(bool beforeRead = false) : beforeRead_(beforeRead) {}

	void preRead(void *, const char *) override
	{
		begun++;
		if (beforeRead_)
			hold();
	}
	void postRead(void *, const char *, uint32_t) override
	{
		if (!beforeRead_)
			hold();
	}
	void letGo()
	{
		std::lock_guard<std::mutex> lock(mutex_);

		free_++;
		changed_.notify_all();
	}

	std::atomic<int> begun{0}, held{0};

private:
	void hold()
	{
		std::unique_lock<std::mutex> lock(mutex_);

		held++;
		changed_.wait_for(lock, std::chrono::milliseconds(kPatienceMs),
				  [this] { return free_ > 0; });
		free_--;
	}

	const bool beforeRead_;
	std::mutex mutex_;
	std::condition_variable changed_;
	int free_ = 0;
};

struct Case {
	std::string server, wrapper, protocol;
};

class SplitTest : public testing::TestWithParam<Case>
{
};

// A server whose handler waits for what its client does next.
TEST_P(SplitTest, TheClientGoesOnWhileTheServerHasItsCall)
{
	const auto holds = std::make_shared<Holds>();
	Service::Options options;

	options.server = GetParam().server;
	options.wire = {GetParam().wrapper, GetParam().protocol};
	options.events = holds;
	Service service(options);
	Client client(service);

	for (int i = 1; i <= 3; i++) {
		client->send_add(i, 1);
		ASSERT_TRUE(eventually([&] { return holds->held == i; }));
		holds->letGo();
		EXPECT_EQ(i + 1, client->recv_add());
	}
	client->send_refuse(1);
	ASSERT_TRUE(eventually([&] { return holds->held == 4; }));
	holds->letGo();
	EXPECT_THROW(client->recv_refuse(), suite::refused);
	client->send_refuse(3);
	holds->letGo();
	EXPECT_THROW(client->recv_refuse(), std::exception);
	holds->letGo();
	EXPECT_EQ(3, client->add(1, 2));
}

INSTANTIATE_TEST_SUITE_P(
	All, SplitTest,
	testing::Values(Case{"simple", "buffered", "binary"}, Case{"threaded", "framed", "compact"},
			Case{"pool", "none", "json"}, Case{"threaded", "buffered", "multiplexed"}),
	[](const auto &info) { return info.param.server + "_" + info.param.protocol; });

// The head of a call, which the server begins to read, and then the rest.
TEST(SplitTest, ACallInTwoFlushes)
{
	const auto holds = std::make_shared<Holds>();
	Service::Options options;

	options.wire.wrapper = "none";
	options.events = holds;
	Service service(options);
	Client client(service);
	const auto memory = std::make_shared<apache::thrift::transport::TMemoryBuffer>();
	suite::suiteClient whole(client.protocol, service.wire().speak(memory));

	whole.send_add(1, 2);
	const std::string bytes = memory->getBufferAsString();
	const auto *first = reinterpret_cast<const uint8_t *>(bytes.data());
	const size_t head = 4 + 4 + 3 + 4; // version, name's length, "add", number

	client.transport->write(first, head);
	client.transport->flush();
	ASSERT_TRUE(eventually([&] { return holds->begun == 1; }));
	EXPECT_EQ(0, holds->held);
	client.transport->write(first + head, bytes.size() - head);
	client.transport->flush();
	ASSERT_TRUE(eventually([&] { return holds->held == 1; }));
	holds->letGo();
	EXPECT_EQ(3, whole.recv_add());
}

TEST(SplitTest, TwoServersWorkAtOnce)
{
	Service one, other;
	Client first(one), second(other);

	EXPECT_TRUE(sometimes([&] {
		return elapsed([&] {
			       first->send_nap(700);
			       second->send_nap(700);
			       first->recv_nap();
			       second->recv_nap();
		       }) < 1300;
	}));
}

TEST(SplitTest, FlushReturnsSoon)
{
	Service service;
	Client client(service);

	EXPECT_TRUE(sometimes([&] {
		const int64_t ms = elapsed([&] { client->send_nap(500); });

		client->recv_nap();
		return ms < 100;
	}));
}

TEST(SplitTest, TheNextCallTakesTheAnswerFirst)
{
	Service service;
	Client client(service);

	client->send_nap(100);
	client->send_add(1, 2);
	client->note(7, 0, "");
	client->recv_nap();
	EXPECT_EQ(3, client->recv_add());
	EXPECT_EQ(1, client->noted());
	client->send_nap(100);
	client->note(8, 0, "");
	client->recv_nap();
	EXPECT_EQ(2, client->noted());
}

// The server reads on in what the client sent, however much the client has written since.
TEST(SplitTest, TheBytesStayUntilTheyAreAnswered)
{
	for (size_t size : {100, 5000, 200000, 700000}) {
		Parameter max("message_max", 300000);
		const auto holds = std::make_shared<Holds>(true);
		Service::Options options;

		options.events = holds;
		Service service(options);
		Client client(service);
		const std::string bytes(size, 'b'), others(size, 'o');
		std::string answer;

		// What is longer than a message is sent as it is read.
		if (size > 300000)
			holds->letGo();
		client->send_blob(bytes);
		client.transport->write(reinterpret_cast<const uint8_t *>(others.data()), size);
		holds->letGo();
		client->recv_blob(answer);
		EXPECT_TRUE(bytes == answer) << size;
	}
}

TEST(SplitTest, TheReceiveTimeoutIsForTheWholeCall)
{
	Service service;
	Client client(service);
	std::string what;

	client.transport->setRecvTimeout(300);
	const int64_t ms = elapsed([&] {
		client->send_nap(1500);
		EXPECT_EQ(int(TTransportException::TIMED_OUT),
			  failure([&] { client->recv_nap(); }, &what));
	});
	EXPECT_GE(ms, 300);
	EXPECT_LT(ms, 1400);
	EXPECT_NE(std::string::npos, what.find("no answer in time")) << what;
	client.transport->setRecvTimeout(0);
	EXPECT_EQ(3, client->add(1, 2)) << "the late answer is nobody's";
}

TEST(SplitTest, TheServerGoesMeanwhile)
{
	ServerStaplerTransport server(newAddress());
	std::string what;

	server.listen();
	Client client(server.getAddress(), {});
	Thread serving([&] {
		const auto accepted = server.accept();

		EXPECT_TRUE(accepted->peek()); // it has the call
		return 0;
	});
	client->send_add(1, 2);
	serving.join();
	// Its end releases the call, which nobody answered.
	EXPECT_EQ(int(TTransportException::END_OF_FILE),
		  failure([&] { client->recv_add(); }, &what));
}

TEST(SplitTest, ClosedMeanwhile)
{
	const auto holds = std::make_shared<Holds>();
	Service::Options options;

	options.events = holds;
	Service service(options);
	Client client(service);
	std::string what;

	client->send_add(1, 2);
	client.transport->close();
	EXPECT_EQ(int(TTransportException::END_OF_FILE),
		  failure([&] { client->recv_add(); }, &what));
	EXPECT_NE(std::string::npos, what.find("closed during the call")) << what;
	EXPECT_FAILURE(NOT_OPEN, client->recv_add());
	holds->letGo();
	holds->letGo();
	client.wrapped->open();
	EXPECT_EQ(3, client->add(1, 2));
	client->send_nap(50);
	client.transport->close();
	client.wrapped->open();
	holds->letGo();
	holds->letGo();
	EXPECT_EQ(3, client->add(1, 2)) << "what was lost before it was opened is forgotten";
}

TEST(SplitTest, AnotherThreadReads)
{
	const auto holds = std::make_shared<Holds>();
	Service::Options options;

	options.events = holds;
	Service service(options);
	Client client(service);

	client->send_add(1, 2);
	Thread reader([&] { return client->recv_add(); });
	ASSERT_TRUE(reader.wait_asleep());
	holds->letGo();
	EXPECT_EQ(3, reader.join());
}

} // namespace
