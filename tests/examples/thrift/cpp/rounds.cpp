// SPDX-License-Identifier: MIT
#include "rounds.h"

#include <chrono>
#include <cinttypes>
#include <condition_variable>
#include <cstdio>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace stplr
{
namespace examples
{

namespace
{

using Clock = std::chrono::steady_clock;

// Where the clients wait for each other before they begin.
class Start
{
public:
	explicit Start(int clients) : missing_(clients) {}

	void arrive()
	{
		std::unique_lock<std::mutex> lock(mutex_);

		if (!--missing_) {
			begin = Clock::now();
			all_.notify_all();
		}
		all_.wait(lock, [this] { return missing_ <= 0; });
	}

	Clock::time_point begin;

private:
	std::mutex mutex_;
	std::condition_variable all_;
	int missing_;
};

} // namespace

void measure(const ClientOptions &options, int callsPerRound, const MakeRound &make)
{
	const int clients = options.clients;
	std::vector<std::unique_ptr<Round>> rounds;
	std::vector<int64_t> settling(clients);
	std::vector<std::exception_ptr> errors(clients);
	std::vector<std::thread> threads;
	Start start(clients);

	auto client = [&](int i) {
		start.arrive();
		try {
			for (int64_t n = 0; n < options.count; n++)
				rounds[i]->once();
			settling[i] = rounds[i]->settle();
		} catch (...) {
			errors[i] = std::current_exception();
		}
	};

	for (int i = 0; i < clients; i++) {
		rounds.push_back(make());
		rounds.back()->once();
		rounds.back()->settle();
	}
	for (int i = 1; i < clients; i++)
		threads.emplace_back(client, i);
	client(0);
	for (std::thread &thread : threads)
		thread.join();

	const auto ns =
		std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start.begin);
	int64_t rpcs = clients * options.count * callsPerRound;

	for (const std::exception_ptr &error : errors)
		if (error)
			std::rethrow_exception(error);
	for (int64_t calls : settling)
		rpcs += calls;
	printMeasured(options, rpcs, "\"ns\":" + std::to_string(ns.count()));
}

void printMeasured(const ClientOptions &options, int64_t rpcs, const std::string &members)
{
	// An address may have any character of a path; the others come from lists.
	std::string transport;

	for (char c : options.wire.transport) {
		if (c == '"' || c == '\\')
			transport += '\\';
		transport += c;
	}
	std::printf("{\"round\":\"%s\",\"count\":%" PRId64 ",\"clients\":%d,\"size\":%" PRId64
		    ",\"rpcs\":%" PRId64 ",%s,\"transport\":\"%s\",\"wrapper\":\"%s\","
		    "\"protocol\":\"%s\"}\n",
		    options.round.c_str(), options.count, options.clients, options.size, rpcs,
		    members.c_str(), transport.c_str(), options.wire.wrapper.c_str(),
		    options.wire.protocol.c_str());
}

} // namespace examples
} // namespace stplr
