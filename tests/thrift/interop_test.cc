// SPDX-License-Identifier: MIT
// The examples' programs of one runtime with those of the other: C++ and C/GLib understand each
// other.
#include <gtest/gtest.h>
#include <thrift/TApplicationException.h>

#include <signal.h>

#include <tuple>

#include "support/program.h"
#include "support/service.h"
#include "timer.h"

namespace
{

using namespace tests;
using apache::thrift::TApplicationException;

// The runtimes of server and client, and what both agree on.
class InteropTest
	: public testing::TestWithParam<std::tuple<std::pair<std::string, std::string>, Wire>>
{
protected:
	std::vector<std::string> program(const std::string &runtime, const std::string &name)
	{
		const Wire &wire = std::get<1>(GetParam());

		return {"build/bin/thrift-" + runtime + name,
			"--transport",
			"stplr:" + address_.name,
			"--wrapper",
			wire.wrapper,
			"--protocol",
			wire.protocol};
	}

	void rounds(const std::string &service, const std::string &round, const std::string &size)
	{
		const auto &runtimes = std::get<0>(GetParam());
		auto client = program(runtimes.second, service + "-client");
		std::string output;

		client.insert(client.end(), {"--round", round, "--count", "20", "--size", size});
		EXPECT_EQ(0, runProgram(client, &output)) << output;
		EXPECT_EQ(0u, output.find("{\"round\":\"" + round + "\",\"count\":20,")) << output;
	}

	void serve(const std::string &service)
	{
		auto server = program(std::get<0>(GetParam()).first, service + "-server");

		server_ = std::make_unique<Program>(server);
		ASSERT_TRUE(server_->says("listening on stplr:")) << server_->output();
	}

	void stop()
	{
		server_->signal(SIGTERM);
		EXPECT_EQ(0, server_->wait()) << server_->output();
		server_.reset();
	}

	StaplerAddress address_ = newAddress();

private:
	std::unique_ptr<Program> server_;
};

TEST_P(InteropTest, Rounds)
{
	serve("ping");
	rounds("ping", "ping", "64");
	rounds("ping", "ping", "200000");
	rounds("ping", "hello", "64");
	stop();
	serve("calculator");
	rounds("calculator", "calculator", "64");
	stop();
}

TEST_P(InteropTest, UnknownMethodsAreErrorsAndTheServiceLivesOn)
{
	serve("calculator");
	const Wire &wire = std::get<1>(GetParam());
	auto wrapped = wire.wrap(std::make_shared<ClientStaplerTransport>(address_));
	stplr::examples::timerClient client(wire.speak(wrapped));
	std::string name;

	wrapped->open();
	try {
		client.start(1);
		ADD_FAILURE() << "a calculator has started a timer";
	} catch (const TApplicationException &error) {
		EXPECT_EQ(TApplicationException::UNKNOWN_METHOD, error.getType()) << error.what();
	}
	client.name(name);
	EXPECT_EQ("calculator", name);
	wrapped->close();
	stop();
}

INSTANTIATE_TEST_SUITE_P(
	All, InteropTest,
	testing::Combine(testing::Values(std::make_pair("", "glib-"), std::make_pair("glib-", "")),
			 testing::Values(Wire{"buffered", "binary"}, Wire{"framed", "compact"})),
	[](const auto &info) {
		const Wire &wire = std::get<1>(info.param);

		return (std::get<0>(info.param).first.empty() ? "cpp_serves_" : "c_glib_serves_") +
		       wire.wrapper + "_" + wire.protocol;
	});

} // namespace
