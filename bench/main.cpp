// SPDX-License-Identifier: MIT
// stplr-bench: what passing messages costs.
#include "bars.h"
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

bool runRoundTrips(Options options)
{
	std::vector<Row> rows;

	if (options.check)
		addWhatBarsNeed(options);
	for (const std::size_t size : options.sizes)
		for (const TransportKind *kind : options.transports) {
			const std::uint64_t count =
				options.count ? options.count : defaultRounds(size);

			printProgress(std::string(kind->name) + ", " + sizeName(size));
			rows.push_back({kind, size, count,
					measureRoundTrip(*kind, size, {options.warmUp, count},
							 options.cpus)});
			printProgress("");
			if (options.json)
				printRowJson(options, rows.back());
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
