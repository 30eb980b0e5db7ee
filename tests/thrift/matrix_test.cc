// SPDX-License-Identifier: MIT
// The same service under every server, wrapper and protocol.
#include <gtest/gtest.h>
#include <thrift/TApplicationException.h>

#include <thread>
#include <tuple>

#include "support/service.h"

namespace
{

using namespace tests;
using apache::thrift::TApplicationException;

class MatrixTest
	: public testing::TestWithParam<std::tuple<std::string, std::string, std::string, bool>>
{
protected:
	static Service::Options options()
	{
		Service::Options options;

		std::tie(options.server, options.wire.wrapper, options.wire.protocol,
			 options.deferReplies) = GetParam();
		return options;
	}

	Service service{options()};
};

TEST_P(MatrixTest, EveryTypeComesBack)
{
	Client client(service);
	suite::every_type answer;

	for (int i = 0; i < 3; i++) {
		client->echo(answer, everything());
		EXPECT_EQ(everything(), answer);
	}
}

TEST_P(MatrixTest, Unions)
{
	Client client(service);
	suite::choice answer, choice;
	suite::inner inner;

	choice.__set_text("text");
	client->pick(answer, choice);
	EXPECT_EQ(choice, answer);
	inner.number = 7;
	choice = answer = suite::choice();
	choice.__set_many({inner, inner});
	client->pick(answer, choice);
	EXPECT_EQ(choice, answer);
}

TEST_P(MatrixTest, ExceptionsAreThrownAtTheClientAndTheServiceLivesOn)
{
	Client client(service);

	try {
		client->refuse(1);
		ADD_FAILURE() << "nothing was thrown";
	} catch (const suite::refused &error) {
		EXPECT_EQ("because", error.why);
	}
	EXPECT_THROW(client->refuse(2), suite::broken);
	try {
		client->refuse(3);
		ADD_FAILURE() << "nothing was thrown";
	} catch (const TApplicationException &error) {
		EXPECT_STREQ("not declared", error.what());
	}
	client->refuse(0);
	EXPECT_EQ(3, client->add(1, 2));
}

TEST_P(MatrixTest, OneWayCallsKeepTheirOrderAmongOthers)
{
	Client client(service);
	std::vector<int32_t> notes, expected;

	for (int i = 0; i < 20; i++) {
		client->note(i, 0, i == 7 ? std::string(100000, 'b') : "");
		expected.push_back(i);
		if (i % 3 == 0)
			EXPECT_EQ(i + 1, client->noted());
	}
	client->notes(notes);
	EXPECT_EQ(expected, notes);
}

TEST_P(MatrixTest, SizesAroundTheBuffers)
{
	Client client(service);

	for (size_t size : {0, 1, 500, 512, 1000, 4096, 65400, 65536, 65600, 300000}) {
		std::string bytes(size, '\0'), answer;

		for (size_t i = 0; i < size; i++)
			bytes[i] = i * 7 + size;
		client->blob(answer, bytes);
		EXPECT_TRUE(bytes == answer) << size;
	}
}

TEST_P(MatrixTest, ManyClients)
{
	// A simple server serves one client at a time, each to its end.
	std::vector<std::thread> threads;

	for (int c = 0; c < 4; c++)
		threads.emplace_back([&, c] {
			Client client(service);

			for (int i = 0; i < 20; i++)
				EXPECT_EQ(c + i, client->add(c, i));
		});
	for (std::thread &thread : threads)
		thread.join();
	Client client(service);

	EXPECT_EQ(2, client->add(1, 1));
}

TEST_P(MatrixTest, StopsWithAClientThatStays)
{
	Client client(service);

	EXPECT_EQ(2, client->add(1, 1));
	EXPECT_LT(elapsed([&] { EXPECT_TRUE(service.stop()); }), 10000);
	EXPECT_FAILURE(NOT_OPEN, client->add(1, 1));
}

std::string matrixName(const testing::TestParamInfo<MatrixTest::ParamType> &info)
{
	return std::get<0>(info.param) + "_" + std::get<1>(info.param) + "_" +
	       std::get<2>(info.param);
}

INSTANTIATE_TEST_SUITE_P(All, MatrixTest,
			 testing::Combine(testing::Values("simple", "threaded", "pool"),
					  testing::ValuesIn(wrappers()),
					  testing::ValuesIn(protocols()), testing::Values(false)),
			 matrixName);

INSTANTIATE_TEST_SUITE_P(Deferred, MatrixTest,
			 testing::Combine(testing::Values("threaded"),
					  testing::ValuesIn(wrappers()),
					  testing::Values("binary", "json"), testing::Values(true)),
			 matrixName);

} // namespace
