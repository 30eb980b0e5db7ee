// SPDX-License-Identifier: MIT
// The client calls as often and as fast as it can, and then not at all for some seconds, in which
// the server's processor time is taken; that the server was there all the time is shown by its
// answers to the last rounds.
#include "idle.h"

#include "realtime.h"
#include "report.h"
#include "roundtrip.h"
#include "stopwatch.h"

#include <cstdio>

namespace bench
{

namespace
{

constexpr double second = 1e9;
// A thousandth of a processor.
constexpr double most = second / 1000;

// ns of processor time in a second.
double useWhileIdle(clockid_t server, std::uint64_t seconds)
{
	const double start = clockNow();
	const double before = clockNow(server);

	sleepUntil(start / second + static_cast<double>(seconds));
	return (clockNow(server) - before) / (clockNow() - start) * second;
}

Outcome measureIdle(const Options &options, const TransportKind &kind, std::size_t size,
		    std::uint64_t burst)
{
	const Plan plan({burst, 0}, size, kind.carriesData);

	return measureBothSides(
		kind, plan, options.cpus, [&](Client &client, Measurement &measurement) {
			callRounds(client, plan, 0, plan.timedFirst);
			measurement.costs.batches = 1;
			measurement.costs.batch[0] =
				useWhileIdle(measurement.serverClock(), options.seconds);
			callRounds(client, plan, plan.timedFirst, plan.end);
		});
}

void printLine(const Options &options, const Row &row)
{
	if (options.json) {
		Fields fields = {
			{"benchmark", jsonString("idle")},
			{"transport", jsonString(row.kind->name)},
			{"size", std::to_string(row.size)},
			{"seconds", std::to_string(options.seconds)},
		};
		const Fields common = commonFields(options, row.count, row.outcome);

		fields.insert(fields.end(), common.begin(), common.end());
		if (row.outcome.supported)
			fields.push_back({"part", fixed(row.outcome.cost / second, 7)});
		printJson(fields);
	} else if (row.outcome.supported) {
		printf("%-18s %10s %14s %12.4f %%\n", row.kind->name, sizeName(row.size).c_str(),
		       grouped(row.outcome.cost).c_str(), row.outcome.cost / second * 100);
	} else {
		printf("%-18s %10s not supported: %s\n", row.kind->name, sizeName(row.size).c_str(),
		       row.outcome.reason.c_str());
	}
}

} // namespace

bool runIdle(const Options &options)
{
	Bars bars(options);

	if (!options.json)
		printf("The processor time of a server that has answered and then has nothing to "
		       "do "
		       "for %s s, %s a second;\n%s\n\n",
		       grouped(static_cast<double>(options.seconds)).c_str(), unitName(options),
		       conditions(options).c_str());
	for (const std::size_t size : options.sizes)
		for (const TransportKind *kind : options.transports) {
			const std::uint64_t burst =
				options.count ? options.count : defaultRounds(size);
			const Row row = {kind, size, burst,
					 measureIdle(options, *kind, size, burst)};

			printLine(options, row);
			bars.bar(std::string(kind->name) + " / 0.1 % of a processor", row.outcome,
				 constant(most), 1);
		}
	return bars.met();
}

} // namespace bench
