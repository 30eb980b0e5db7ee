// SPDX-License-Identifier: MIT
#include "options.h"
#include "rounds.h"

#include "timer_constants.h"

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <numeric>

using namespace stplr::examples;

namespace
{

// How long after an interval's end its tick() returned, in nanoseconds.
int64_t delay(const timestamp &tick)
{
	const auto now = std::chrono::steady_clock::now().time_since_epoch();

	return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count() -
	       tick.abstime * 1000;
}

void measureDelay(const ClientOptions &options)
{
	timerClient client(options.wire.connect());
	const timer_id id = client.start(options.interval);
	std::vector<int64_t> delays;

	expect(id != g_timer_constants.INVALID_TIMER, "start");
	for (int64_t n = 1; n <= options.count; n++) {
		timestamp tick;

		client.tick(tick, id);
		delays.push_back(delay(tick));
		expect(tick.counter == n && delays.back() >= 0, "tick");
	}
	client.stop(id);

	std::sort(delays.begin(), delays.end());
	const int64_t sum = std::accumulate(delays.begin(), delays.end(), int64_t(0));

	printMeasured(options, options.count,
		      "\"mean_ns\":" + std::to_string(sum / options.count) +
			      ",\"p50_ns\":" + std::to_string(delays[delays.size() * 50 / 100]) +
			      ",\"p99_ns\":" + std::to_string(delays[delays.size() * 99 / 100]));
}

void work(int argc, char **argv)
{
	const ClientUsage usage = {"", "", {"delay"}};
	const ClientOptions options = parseClient(argc, argv, "timer", usage);

	if (options.round == "delay") {
		measureDelay(options);
		return;
	}

	timerClient client(options.wire.connect());
	const timer_id id = client.start(options.interval);

	for (int i = 0; i < 5; i++) {
		timestamp tick;

		client.tick(tick, id);
		std::printf("tick %" PRId64 " after %" PRId64 " us\n", tick.counter,
			    delay(tick) / 1000);
	}
	client.stop(id);
}

} // namespace

int main(int argc, char **argv)
{
	return run("thrift-timer-client", work, argc, argv);
}
