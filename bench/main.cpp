// SPDX-License-Identifier: MIT
// stplr-bench: what passing messages costs.
#include "bars.h"
#include "crowd.h"
#include "idle.h"
#include "inversion.h"
#include "kernel.h"
#include "latency.h"
#include "options.h"
#include "quiet.h"
#include "report.h"
#include "ring.h"
#include "roundtrip.h"
#include "scaling.h"

#include <cstdio>

namespace bench
{

namespace
{

// Measures all transports in turn, and that as often as there are to be runs: whatever else the
// machine does meanwhile is in the figures of all.
std::vector<Row> measureSize(const Options &options, std::size_t size)
{
	const std::uint64_t count = options.count ? options.count : defaultRounds(size);
	std::vector<std::vector<Outcome>> outcomes(options.transports.size());
	std::vector<Row> rows;

	for (std::uint64_t run = 0; run < options.runs; run++)
		for (std::size_t at = 0; at < outcomes.size(); at++) {
			const TransportKind &kind = *options.transports[at];

			printProgress(std::string(kind.name) + ", " + sizeName(size));
			outcomes[at].push_back(measureRoundTrip(
				kind, size, {options.warmUp, count, options.work}, options.cpus));
			printProgress("");
			if (options.json && options.runs == 1)
				printRowJson(options, {&kind, size, count, outcomes[at].front()},
					     {});
		}
	for (std::size_t at = 0; at < outcomes.size(); at++)
		rows.push_back({options.transports[at], size, count, together(outcomes[at])});
	return rows;
}

bool runRoundTrips(Options options)
{
	std::vector<Row> rows;

	if (options.check)
		addWhatBarsNeed(options);
	for (const std::size_t size : options.sizes) {
		const std::vector<Row> measured = measureSize(options, size);

		rows.insert(rows.end(), measured.begin(), measured.end());
		for (const Row &row : measured)
			if (options.json && options.runs > 1)
				printRowJson(options, row, measured);
	}
	if (!options.json)
		printTable(options, rows);
	return !options.check || checkBars(options, rows);
}

bool run(const Options &options)
{
	awaitQuiet(options.cpus);
	switch (options.command) {
	case Command::roundtrip:
		return runRoundTrips(options);
	case Command::connections:
		return runConnections(options);
	case Command::queue:
		return runQueue(options);
	case Command::pulses:
		return runPulses(options);
	case Command::inheritance:
		return runInheritance(options);
	case Command::inversion:
		return runInversion(options);
	case Command::latency:
		return runLatency(options);
	case Command::ring:
		return runRing(options);
	case Command::kernel:
		return runKernel(options);
	case Command::idle:
		return runIdle(options);
	case Command::scaling:
		return runScaling(options);
	}
	return false;
}

} // namespace

} // namespace bench

int main(int argc, char **argv)
{
	try {
		return bench::run(bench::parseOptions(argc, argv)) ? 0 : 1;
	} catch (const bench::UsageError &error) {
		fprintf(stderr, "stplr-bench: %s; --help tells more\n", error.what());
		return 2;
	} catch (const std::exception &error) {
		fprintf(stderr, "stplr-bench: %s\n", error.what());
		return 1;
	}
}
