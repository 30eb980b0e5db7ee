// SPDX-License-Identifier: MIT
// Valid calls with a few things wrong: whatever they do, the next client is served as ever.
#include <gtest/gtest.h>
#include <thrift/TOutput.h>
#include <thrift/transport/TBufferTransports.h>

#include <atomic>
#include <functional>

#include "support/mutator.h"
#include "support/raw.h"
#include "support/service.h"
#include "support/thread.h"
#include "support/watchdog.h"

// The address sanitizer keeps what is freed, a quarter of a GiB of it unless told otherwise; the
// test measures memory.
extern "C" const char *__asan_default_options()
{
	return "quarantine_size_mb=32";
}

namespace
{

using namespace tests;

// How many calls reached the processor.
class Counter : public apache::thrift::TProcessorEventHandler
{
public:
	void *getContext(const char *, void *) override
	{
		count++;
		return nullptr;
	}

	std::atomic<int> count{0};
};

std::string call(const Wire &wire, const std::function<void(suite::suiteClient &)> &send)
{
	auto memory = std::make_shared<apache::thrift::transport::TMemoryBuffer>();
	suite::suiteClient client(wire.speak(wire.wrap(memory)));

	send(client);
	return memory->getBufferAsString();
}

std::vector<std::string> validCalls(const Wire &wire)
{
	return {
		call(wire, [](auto &client) { client.send_echo(everything()); }),
		call(wire,
		     [](auto &client) {
			     suite::choice choice;

			     choice.__set_text("text");
			     client.send_pick(choice);
		     }),
		call(wire, [](auto &client) { client.send_blob(std::string(2000, 'b')); }),
		call(wire, [](auto &client) { client.send_add(1, 2); }),
		call(wire, [](auto &client) { client.send_refuse(1); }),
	};
}

class MutationTest : public testing::TestWithParam<Wire>
{
protected:
	MutationTest()
	{
		// Thrift says of each such client that it died.
		apache::thrift::GlobalOutput.setOutputFunction([](const char *) {});
	}
	~MutationTest() override
	{
		apache::thrift::GlobalOutput.setOutputFunction(
			apache::thrift::TOutput::errorTimeWrapper);
	}
};

TEST_P(MutationTest, TheNextClientIsServed)
{
	auto counter = std::make_shared<Counter>();
	Service::Options options;

	options.server = "pool";
	options.wire = GetParam();
	options.events = counter;
	options.maxMessageSize = 1 << 20;
	options.stringLimit = 1 << 20;
	options.containerLimit = 10000;
	Service service(options);
	Client good(service);
	Mutator mutate(options.wire.wrapper == "framed");
	const auto calls = validCalls(options.wire);
	const int count = 2200 * test_repeat();
	const long before = peakMemory();
	int answered = 0;

	for (int i = 0; i < count; i++) {
		{
			RawClient client(service.address().name);
			Answer answer;

			answered += !client.call(mutate(calls[i % calls.size()]), &answer, 1 << 16);
		}
		ASSERT_EQ(i + 1, good->add(i, 1)) << "after message " << i;
	}
	EXPECT_GE(counter->count - count, count / 2) << "reached the processor";
	EXPECT_GT(answered, count / 10);
	EXPECT_TRUE(eventually([&] { return service.clients() == 1; }));
	EXPECT_LT(peakMemory() - before, 200000);
}

INSTANTIATE_TEST_SUITE_P(All, MutationTest,
			 testing::Values(Wire{"buffered", "binary"}, Wire{"framed", "binary"},
					 Wire{"none", "compact"}, Wire{"framed", "compact"},
					 Wire{"framed", "multiplexed"}, Wire{"buffered", "json"},
					 Wire{"framed", "json"}),
			 [](const auto &info) {
				 return info.param.wrapper + "_" + info.param.protocol;
			 });

} // namespace
