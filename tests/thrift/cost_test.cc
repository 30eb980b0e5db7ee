// SPDX-License-Identifier: MIT
// What a call costs in system calls, by the examples' programs of both runtimes.
#include <gtest/gtest.h>

#include <signal.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "support/program.h"
#include "support/service.h"

namespace
{

using namespace tests;

// The calls of one system call in strace's summary.
int64_t straced(const std::string &file, const std::string &name)
{
	std::ifstream summary(file);
	std::string line;

	while (std::getline(summary, line)) {
		std::istringstream words(line);
		std::string percent, seconds, each, last;
		int64_t calls = 0;

		words >> percent >> seconds >> each >> calls;
		while (words >> last)
			;
		if (last == name)
			return calls;
	}
	return 0;
}

std::vector<std::string> traced(const std::string &side, const std::vector<std::string> &arguments)
{
	std::vector<std::string> all = {"strace", "-f", "-c", "-o", "/tmp/" + side + ".strace"};

	all.insert(all.end(), arguments.begin(), arguments.end());
	return all;
}

struct Case {
	const char *name;
	// How the programs' names begin.
	const char *kind;
	std::vector<std::string> options;
	// System calls of the server for each of the client's calls.
	int each;
};

class CostTest : public testing::TestWithParam<Case>
{
};

TEST_P(CostTest, ACallIsOneSystemCallOfTheClientAndTwoOrOneOfTheServer)
{
	const int count = 50, calls = 6 * (count + 1);
	const Case &kind = GetParam();
	const std::string programs = std::string("thrift-") + kind.kind + "calculator-";
	const std::string uri = "stplr:" + newAddress().name;
	std::vector<std::string> arguments = {"build/bin/" + programs + "server", "--transport",
					      uri};

	arguments.insert(arguments.end(), kind.options.begin(), kind.options.end());
	Program server(traced("server", arguments));
	ASSERT_TRUE(server.says("listening")) << server.output();
	ASSERT_EQ(0, runProgram(traced("client", {"build/bin/" + programs + "client", "--transport",
						  uri, "--round", "calculator", "--count",
						  std::to_string(count)})));
	server.signal(SIGINT);
	// strace passes the signal on only if its program gets it, too.
	std::system(("pkill -INT -f " + programs + "server").c_str());
	server.wait();

	EXPECT_GE(straced("/tmp/client.strace", "ioctl"), calls);
	// strace takes its time, and a call that takes longer than a moment is taken up by one
	// more.
	EXPECT_LE(straced("/tmp/client.strace", "ioctl"), calls + calls / 4);
	EXPECT_GE(straced("/tmp/server.strace", "ioctl"), kind.each * calls);
	EXPECT_LE(straced("/tmp/server.strace", "ioctl"), kind.each * calls + 20);
	for (const char *file : {"/tmp/client.strace", "/tmp/server.strace"})
		for (const char *other : {"poll", "recvfrom", "sendto", "read", "write", "futex"})
			EXPECT_LT(straced(file, other), 60) << file << " " << other;
}

INSTANTIATE_TEST_SUITE_P(All, CostTest,
			 testing::Values(Case{"cpp", "", {}, 2},
					 Case{"cpp_deferring", "", {"--defer-replies"}, 1},
					 Case{"c_glib", "glib-", {}, 2}),
			 [](const auto &info) { return info.param.name; });

} // namespace
