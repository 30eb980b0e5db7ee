// SPDX-License-Identifier: MIT
#include "scaling.h"

#include "pulses.h"
#include "queue.h"
#include "report.h"
#include "roundtrip.h"
#include "transports/transports.h"

#include <cstdio>
#include <stdexcept>

namespace bench
{

namespace
{

constexpr std::size_t messageSize = 64;

// A cost measured with few and with many of something.
struct Scaling {
	// Names the benchmark, what is counted, and the sentence above the figures.
	const char *benchmark;
	const char *what;
	const char *title;
	std::size_t size;
	unsigned few;
	unsigned many;
	double most;
};

bool report(const Options &options, const Scaling &scaling, std::uint64_t count,
	    const std::function<Outcome(unsigned)> &measure)
{
	Outcome outcomes[2];
	const unsigned numbers[2] = {scaling.few, scaling.many};

	if (!options.json)
		printf("%s, %s; %s\n\n", scaling.title, unitName(options),
		       conditions(options).c_str());
	for (int at = 0; at < 2; at++) {
		const std::string name = std::to_string(numbers[at]) + " " + scaling.what;

		outcomes[at] = measure(numbers[at]);
		if (!outcomes[at].supported)
			throw std::runtime_error("stplr: not supported: " + outcomes[at].reason);
		if (options.json) {
			Fields fields = {
				{"benchmark", jsonString(scaling.benchmark)},
				{"transport", jsonString("stplr")},
				{"size", std::to_string(scaling.size)},
				{scaling.benchmark, std::to_string(numbers[at])},
			};
			const Fields common = commonFields(options, count, outcomes[at]);

			fields.insert(fields.end(), common.begin(), common.end());
			printJson(fields);
		} else {
			printf("%-24s %12s\n", name.c_str(), grouped(outcomes[at].cost).c_str());
		}
	}
	if (options.check)
		return printBar(options,
				std::to_string(scaling.many) + " / " + std::to_string(scaling.few) +
					" " + scaling.what,
				outcomes[1], outcomes[0], scaling.most);
	if (!options.json)
		printf("%-24s %12.3f\n", "ratio", outcomes[1].cost / outcomes[0].cost);
	return true;
}

} // namespace

bool runConnections(const Options &options)
{
	const std::uint64_t count = options.count ? options.count : defaultRounds(messageSize);

	return report(options,
		      {"connections", "other connections", "A round trip of 64 bytes", messageSize,
		       1, 1000, 1.03},
		      count, [&](unsigned others) {
			      TransportKind kind = *findTransport("stplr");

			      kind.make = [others](std::size_t size) {
				      return makeStplrAmong(size, others);
			      };
			      return measureRoundTrip(kind, messageSize, {options.warmUp, count},
						      options.cpus);
		      });
}

bool runQueue(const Options &options)
{
	const std::uint64_t count = options.count ? options.count : 2000;

	return report(
		options,
		{"senders", "senders queued", "A receive of 64 bytes", messageSize, 10, 1000, 1.10},
		count, [&](unsigned senders) {
			return measureQueue(senders, messageSize, count, options.cpus);
		});
}

bool runPulses(const Options &options)
{
	const std::uint64_t count = options.count ? options.count : 500000;

	return report(
		options,
		{"pulses", "pulses queued", "Queueing and receiving a pulse", 0, 100, 100000, 1.10},
		count, [&](unsigned queued) { return measurePulses(queued, count, options.cpus); });
}

bool runInheritance(const Options &options)
{
	const std::uint64_t count = options.count ? options.count : defaultRounds(messageSize);

	return report(options,
		      {"inheritance", "inheriting channels",
		       "A round trip of 64 bytes, all of one priority", messageSize, 0, 1, 1.02},
		      count, [&](unsigned inheriting) {
			      TransportKind kind = *findTransport("stplr");

			      kind.make = inheriting ? makeStplr : makeStplrFixed;
			      return measureRoundTrip(kind, messageSize, {options.warmUp, count},
						      options.cpus);
		      });
}

} // namespace bench
