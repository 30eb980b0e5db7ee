// SPDX-License-Identifier: MIT
// The examples' programs, as a newcomer runs them; who dies in the midst of a call.
#include <gtest/gtest.h>
#include <thrift/TApplicationException.h>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/transport/TBufferTransports.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include <stplr.h>

#include "calculator.h"
#include "support/fd.h"
#include "support/program.h"
#include "support/service.h"
#include "support/thread.h"
#include "timer.h"
#include "timer_constants.h"

namespace
{

using namespace tests;
using namespace stplr::examples;
using apache::thrift::TApplicationException;

std::string program(const std::string &service, const std::string &side)
{
	return "build/bin/thrift-" + service + "-" + side;
}

std::string newUri()
{
	return "stplr:" + newAddress().name;
}

// A server that is ready.
class Server : public Program
{
public:
	Server(const std::string &service, const std::string &uri,
	       const std::vector<std::string> &more = {})
		: Program(arguments(service, uri, more))
	{
		EXPECT_TRUE(says("listening on " + uri)) << output();
	}

private:
	static std::vector<std::string>
	arguments(const std::string &service, const std::string &uri, std::vector<std::string> more)
	{
		more.insert(more.begin(), {program(service, "server"), "--transport", uri});
		return more;
	}
};

// A generated client with its layers.
template <typename Service> class ClientOf : public Service
{
public:
	explicit ClientOf(const std::string &uri) : Service(connect(uri)) {}

private:
	static std::shared_ptr<TProtocol> connect(const std::string &uri)
	{
		auto wrapped = Wire().wrap(
			std::make_shared<ClientStaplerTransport>(StaplerAddress::parse(uri)));

		wrapped->open();
		return Wire().speak(wrapped);
	}
};

// A service manager keeps the channel, and starts the service as often as need be.
TEST(ProgramTest, StartedWithAChannel)
{
	const StaplerAddress address = newAddress();
	struct stplr_channel_create options = {};
	Fd device(stplr_open(0, 0));

	options.flags = STPLR_CHANNEL_LISTEN;
	Fd channel(stplr_channel_create(device, address.name.c_str(), &options));
	ASSERT_GE(channel, 0);
	ASSERT_EQ(0, fcntl(channel, F_SETFD, 0)); // it is to inherit it
	const std::string number = std::to_string(channel);

	for (int i = 0; i < 2; i++) {
		ClientOf<calculatorClient> client("stplr:" + address.name);
		Program server({"bash", "-c",
				"export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=service; "
				"exec 3<&" +
					number + "; exec " + program("calculator", "server") +
					" --transport activated:service"});

		EXPECT_TRUE(server.says("listening on activated:service")) << server.output();
		EXPECT_EQ(21, client.multiply(7, 3));
		server.signal(SIGTERM);
		EXPECT_EQ(0, server.wait()) << server.output();
	}
	Program alone({program("calculator", "server"), "--transport", "activated:service"});
	EXPECT_EQ(1, alone.wait());
	EXPECT_NE(std::string::npos, alone.output().find("was not started with")) << alone.output();
}

TEST(ProgramTest, EachServiceByHand)
{
	const std::string uri = newUri();
	std::string output;

	{
		Server server("example", uri);

		EXPECT_EQ(0,
			  runProgram({program("example", "client"), "--transport", uri}, &output));
		EXPECT_EQ("example 1.0.0\n", output);
		server.signal(SIGTERM);
		EXPECT_EQ(0, server.wait());
	}
	{
		Server server("ping", uri);

		EXPECT_EQ(0, runProgram({program("ping", "client"), "--transport", uri, "good day"},
					&output));
		EXPECT_NE(std::string::npos, output.find("PONG")) << output;
		EXPECT_TRUE(server.says("good day\n"));
		server.signal(SIGINT);
		EXPECT_EQ(0, server.wait());
	}
	{
		Server server("calculator", uri);

		EXPECT_EQ(0, runProgram({program("calculator", "client"), "--transport", uri},
					&output));
		EXPECT_EQ("add 7 2: 9\nsubtract 7 2: 5\nmultiply 7 2: 14\ndivide 7 2: 3\n", output);
		EXPECT_EQ(1, runProgram({program("calculator", "client"), "--transport", uri,
					 "divide", "7", "0"},
					&output));
		EXPECT_NE(std::string::npos, output.find("division by zero")) << output;
		EXPECT_EQ(1, runProgram({program("calculator", "client"), "--transport", uri,
					 "multiply", "65536", "32768"},
					&output));
		EXPECT_NE(std::string::npos, output.find("no i32")) << output;
		EXPECT_EQ(0, runProgram({program("calculator", "client"), "--transport", uri,
					 "divide", "7", "-2"},
					&output));
		EXPECT_EQ("-3\n", output);
	}
	{
		Server server("timer", uri);

		EXPECT_EQ(0, runProgram({program("timer", "client"), "--transport", uri,
					 "--interval", "20000"},
					&output));
		EXPECT_NE(std::string::npos, output.find("tick 5 after ")) << output;
	}
}

TEST(ProgramTest, TheSameServiceOnEachTransport)
{
	std::string output;

	ASSERT_EQ(0, std::system("ip link set lo up"));
	for (const std::string &uri : {newUri(), std::string("unix:/tmp/program_test.socket"),
				       std::string("tcp:127.0.0.1:19090")})
		for (size_t i = 0; i < 3; i++) {
			const std::string server =
				std::vector<std::string>{"simple", "threaded", "pool"}[i];
			const std::string wrapper = wrappers()[i];

			unlink("/tmp/program_test.socket");
			Server running("calculator", uri,
				       {"--server", server, "--wrapper", wrapper, "--protocol",
					"compact"});

			EXPECT_EQ(0, runProgram({program("calculator", "client"), "--transport",
						 uri, "--wrapper", wrapper, "--protocol", "compact",
						 "--round", "calculator", "--count", "5"},
						&output));
			EXPECT_NE(std::string::npos, output.find("\"rpcs\":30,")) << output;
			running.signal(SIGTERM);
			EXPECT_EQ(0, running.wait()) << uri << " " << server;
		}
}

TEST(ProgramTest, Rounds)
{
	const std::string uri = newUri();
	std::string output;
	const auto round = [&](const std::string &service, const std::string &name,
			       const std::string &rpcs) {
		EXPECT_EQ(0, runProgram({program(service, "client"), "--transport", uri, "--round",
					 name, "--count", "10", "--clients", "3", "--size", "1000"},
					&output))
			<< output;
		EXPECT_EQ(0u, output.find("{\"round\":\"" + name +
					  "\",\"count\":10,\"clients\":3,\"size\":1000,\"rpcs\":" +
					  rpcs + ",\"ns\":"))
			<< output;
	};

	{
		Server server("ping", uri, {"--quiet"});

		round("ping", "ping", "90");
		round("ping", "hello", "93");
	}
	{
		Server server("calculator", uri, {"--defer-replies"});

		round("calculator", "calculator", "180");
	}
	{
		Server server("timer", uri);

		EXPECT_EQ(0, runProgram({program("timer", "client"), "--transport", uri, "--round",
					 "delay", "--count", "10", "--interval", "5000"},
					&output));
		EXPECT_NE(std::string::npos, output.find("\"p99_ns\":")) << output;
	}
}

TEST(ProgramTest, HelpAndNonsense)
{
	std::string output;

	for (const char *service : {"example", "ping", "calculator", "timer"})
		for (const char *side : {"server", "client"}) {
			EXPECT_EQ(0, runProgram({program(service, side), "--help"}, &output));
			EXPECT_NE(std::string::npos, output.find("--transport")) << output;
			EXPECT_EQ(2, runProgram({program(service, side), "--colour"}, &output));
			EXPECT_EQ(1,
				  runProgram({program(service, side), "--transport", "carrier:p"},
					     &output));
			EXPECT_NE(std::string::npos, output.find("stplr:NAME")) << output;
		}
	EXPECT_EQ(1, runProgram({program("example", "client"), "--transport", newUri()}, &output));
	EXPECT_NE(std::string::npos, output.find("is its server running?")) << output;
	EXPECT_EQ(2, runProgram({program("ping", "client"), "--round", "ping"}, &output));
	EXPECT_NE(std::string::npos, output.find("--count")) << output;
}

TEST(TimerTest, StoppedAndUnknownTimersAreErrorsAndTheServiceLivesOn)
{
	const std::string uri = newUri();
	Server server("timer", uri);
	ClientOf<timerClient> client(uri), waiting(uri);
	timestamp tick;

	EXPECT_EQ(g_timer_constants.INVALID_TIMER, client.start(0));
	EXPECT_EQ(g_timer_constants.INVALID_TIMER, client.start(-5));
	EXPECT_THROW(client.stop(g_timer_constants.INVALID_TIMER), TApplicationException);
	EXPECT_THROW(client.tick(tick, 4711), TApplicationException);
	const timer_id id = client.start(10000000);
	Thread ticker([&] {
		timestamp never;

		try {
			waiting.tick(never, id);
		} catch (const TApplicationException &) {
			return 1;
		}
		return 0;
	});

	ASSERT_TRUE(ticker.wait_asleep());
	client.stop(id);
	EXPECT_EQ(1, ticker.join());
	EXPECT_THROW(client.stop(id), TApplicationException);
	std::string name;
	client.name(name);
	EXPECT_EQ("timer", name);
}

TEST(TimerTest, TicksComeInOrderAtTheirTimes)
{
	const std::string uri = newUri();
	Server server("timer", uri);
	ClientOf<timerClient> client(uri);
	const timer_id id = client.start(20000);
	timestamp tick, before;

	client.tick(before, id);
	EXPECT_EQ(1, before.counter);
	for (int i = 2; i < 8; i++) {
		if (i == 4)
			sleep_ms(70); // those that ended meanwhile are not lost
		client.tick(tick, id);
		EXPECT_EQ(i, tick.counter);
		EXPECT_EQ(before.abstime + 20000, tick.abstime);
		before = tick;
	}
}

TEST(TimerTest, ASignalEndsTheServerThoughATickWaits)
{
	const std::string uri = newUri();
	Server server("timer", uri);
	ClientOf<timerClient> client(uri);
	const timer_id id = client.start(60000000);
	Thread ticker([&] {
		timestamp tick;

		EXPECT_THROW(client.tick(tick, id), TApplicationException);
		return 0;
	});

	ASSERT_TRUE(ticker.wait_received());
	server.signal(SIGTERM);
	EXPECT_EQ(0, ticker.join());
	EXPECT_EQ(0, server.wait());
}

TEST(DeathTest, TheServerDiesDuringACall)
{
	const std::string uri = newUri();
	Server server("timer", uri);
	ClientOf<timerClient> client(uri);
	const timer_id id = client.start(60000000);
	Thread ticker([&] {
		timestamp tick;

		return failure([&] { client.tick(tick, id); });
	});

	ASSERT_TRUE(ticker.wait_received());
	server.signal(SIGKILL);
	EXPECT_EQ(int(TTransportException::END_OF_FILE), ticker.join());
	std::string name;
	EXPECT_FAILURE(NOT_OPEN, client.name(name));
}

TEST(DeathTest, AClientDiesDuringItsCall)
{
	const std::string uri = newUri();
	Server server("timer", uri, {"--server", "threaded"});
	std::string name;

	for (int i = 0; i < 5; i++) {
		Program client(
			{program("timer", "client"), "--transport", uri, "--interval", "400000"});

		sleep_ms(200);
		client.signal(SIGKILL);
		EXPECT_EQ(128 + SIGKILL, client.wait());
	}
	ClientOf<timerClient> client(uri);

	client.name(name);
	EXPECT_EQ("timer", name);
	server.signal(SIGTERM);
	EXPECT_EQ(0, server.wait());
}

} // namespace
