// SPDX-License-Identifier: MIT
#include "options.h"
#include "rounds.h"

#include <cstdio>
#include <map>

using namespace stplr::examples;

namespace
{

class CalculatorRound : public Round
{
public:
	explicit CalculatorRound(const ClientOptions &options) : client_(options.wire.connect()) {}

	void once() override
	{
		expectExample(client_, "calculator");
		expect(client_.add(1200, 34) == 1234, "add");
		expect(client_.subtract(1200, 34) == 1166, "subtract");
		expect(client_.multiply(1200, 34) == 40800, "multiply");
		expect(client_.divide(1200, 34) == 35, "divide");
	}

private:
	calculatorClient client_;
};

int32_t parseNumber(const std::string &text)
{
	size_t end = 0;
	int number = 0;

	try {
		number = std::stoi(text, &end);
	} catch (const std::logic_error &) {
		end = 0;
	}
	if (!end || end != text.size())
		throw std::invalid_argument("'" + text + "' is no i32");
	return number;
}

void calculate(calculatorClient &client, const std::vector<std::string> &words)
{
	const std::map<std::string, int32_t (calculatorClient::*)(int32_t, int32_t)> operations = {
		{"add", &calculatorClient::add},
		{"subtract", &calculatorClient::subtract},
		{"multiply", &calculatorClient::multiply},
		{"divide", &calculatorClient::divide},
	};
	auto found = operations.find(words[0]);

	if (found == operations.end() || words.size() != 3)
		throw std::invalid_argument(
			"tell me add, subtract, multiply or divide, and two numbers");
	std::printf("%d\n", (client.*found->second)(parseNumber(words[1]), parseNumber(words[2])));
}

void work(int argc, char **argv)
{
	const ClientUsage usage = {
		"words", "add, subtract, multiply or divide, and two numbers", {"calculator"}};
	const ClientOptions options = parseClient(argc, argv, "calculator", usage);

	if (options.round == "calculator") {
		measure(options, 6, [&] { return std::make_unique<CalculatorRound>(options); });
		return;
	}

	calculatorClient client(options.wire.connect());

	if (!options.words.empty()) {
		calculate(client, options.words);
		return;
	}
	for (const char *operation : {"add", "subtract", "multiply", "divide"}) {
		std::printf("%s 7 2: ", operation);
		calculate(client, {operation, "7", "2"});
	}
}

} // namespace

int main(int argc, char **argv)
{
	return run("thrift-calculator-client", work, argc, argv);
}
