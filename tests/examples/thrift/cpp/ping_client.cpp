// SPDX-License-Identifier: MIT
#include "options.h"
#include "rounds.h"

#include <cstdio>
#include <iostream>

using namespace stplr::examples;

namespace
{

test_struct question(size_t size)
{
	test_struct value;

	value.op = operation::PING;
	value.bool_value = true;
	value.i8_value = -8;
	value.i16_value = -1600;
	value.i32_value = 320000;
	value.i64_value = INT64_C(-6400000000);
	value.double_value = 0.125;
	value.string_value = "text";
	for (size_t i = 0; i < size; i++)
		value.binary_value.push_back(static_cast<char>(i * 31));
	value.map_value = {{1, "one"}, {-2, "minus two"}, {3, "three"}};
	value.list_value = {1, 2, 3};
	value.set_value = {10, 20, 30};
	return value;
}

class PingRound : public Round
{
public:
	explicit PingRound(const ClientOptions &options)
		: client_(options.wire.connect()), question_(question(options.size)),
		  answer_(question_)
	{
		answer_.op = operation::PONG;
	}

	void once() override
	{
		test_struct answer;

		expectExample(client_, "ping");
		client_.ping(answer, question_);
		expect(answer == answer_, "ping");
	}

private:
	pingClient client_;
	test_struct question_;
	test_struct answer_;
};

class HelloRound : public Round
{
public:
	explicit HelloRound(const ClientOptions &options)
		: client_(options.wire.connect()), text_(options.size, 'x')
	{
	}

	void once() override
	{
		expectExample(client_, "ping");
		client_.hello(text_);
	}

	// One connection's calls are executed in order.
	int settle() override
	{
		std::string name;

		client_.name(name);
		expect(name == "ping", "name");
		return 1;
	}

private:
	pingClient client_;
	std::string text_;
};

void work(int argc, char **argv)
{
	const ClientUsage usage = {"text", "what the server is to print", {"ping", "hello"}};
	const ClientOptions options = parseClient(argc, argv, "ping", usage);

	if (options.round == "ping") {
		measure(options, 3, [&] { return std::make_unique<PingRound>(options); });
		return;
	}
	if (options.round == "hello") {
		measure(options, 3, [&] { return std::make_unique<HelloRound>(options); });
		return;
	}

	pingClient client(options.wire.connect());
	test_struct answer;

	client.ping(answer, question(4));
	std::cout << answer << "\n";
	for (const std::string &text : options.words)
		client.hello(text);
}

} // namespace

int main(int argc, char **argv)
{
	return run("thrift-ping-client", work, argc, argv);
}
