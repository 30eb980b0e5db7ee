// SPDX-License-Identifier: MIT
// One measurement in processes of its own: they end with everything the measurement changed or left behind.
#ifndef STPLR_BENCH_ROW_H
#define STPLR_BENCH_ROW_H

#include <cstddef>
#include <functional>
#include <string>

namespace bench
{

// Which processor each side runs on.
struct Cpus {
	int client = 0;
	int server = 0;
};

// What a measurement found, from whichever process timed it. Rounds are timed in a few batches, so that a disturbance
// spoils one of them and not the figure.
struct Costs {
	static constexpr int most = 5;

	int batches = 0;
	// Clock nanoseconds a round.
	double batch[most] = {};
};

struct Outcome {
	bool supported = false;
	// Why it is not supported.
	std::string reason;
	// Clock nanoseconds a round: the median batch, and how far the batches lie apart, as a part of it.
	double cost = 0;
	double spread = 0;
};

// Runs `measure` in a child; what it throws ends the child. Unsupported becomes an outcome, anything else an error of
// this call, with `what` in front.
Outcome runIsolated(const std::string &what, const std::function<void(Costs &)> &measure);

// Forks a process for each side and waits for both. The client begins once the server has called ready(). When one side
// fails, so does the call, with the failure of the side that failed first, and the other is killed.
void runBothSides(const Cpus &cpus, const std::function<void(const std::function<void()> &ready)> &server,
		  const std::function<void()> &client);

void pinToCpu(int cpu);

} // namespace bench

#endif
