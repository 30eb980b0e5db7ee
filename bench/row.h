// SPDX-License-Identifier: MIT
// One measurement in processes of its own: they end with everything the measurement changed or left
// behind.
#ifndef STPLR_BENCH_ROW_H
#define STPLR_BENCH_ROW_H

#include <time.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace bench
{

// Which processor each side runs on.
struct Cpus {
	// The scheduler places it.
	static constexpr int any = -1;

	int client = 0;
	int server = 0;

	bool same() const
	{
		return client == server && client != any;
	}
};

void pinToCpu(int cpu);

// Clock nanoseconds a round, of a few batches that follow each other: they show what an average
// hides.
struct Costs {
	static constexpr int most = 5;

	int batches = 0;
	double batch[most] = {};
	// Processor time of both sides, user and system, in ns a round, where it is measured.
	std::optional<double> busy;
};

struct Outcome {
	bool supported = false;
	// Why it is not supported.
	std::string reason;
	// Clock nanoseconds a round: of all, and of each batch.
	double cost = 0;
	std::vector<double> batches;
	std::optional<double> busy;
	// The cost of each run, if it is of several (runs.h).
	std::vector<double> runs;
};

struct Failure;

// What the processes of one measurement share.
class Measurement
{
public:
	explicit Measurement(Failure &failure) : failure_(failure) {}

	// Forks the server's process, and once it has called ready() runs the client in this one.
	// The server is killed when the client has ended; until then it must not end. A failure on
	// either side is the measurement's.
	void runBothSides(const Cpus &cpus,
			  const std::function<void(const std::function<void()> &ready)> &server,
			  const std::function<void()> &client);

	// The clock of the server's processor time; for the client.
	clockid_t serverClock() const
	{
		return serverClock_;
	}

	// The processor time that both sides have taken so far, in ns; for the client.
	double busy() const;

	// Written by the side that times.
	Costs costs;

private:
	Failure &failure_;
	clockid_t serverClock_ = -1;
};

// Runs `measure` in a child. If a side throws Unsupported the outcome says so; anything else it
// throws is thrown here, with `what` in front.
Outcome runIsolated(const std::string &what, const std::function<void(Measurement &)> &measure);

} // namespace bench

#endif
