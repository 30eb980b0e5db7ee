// SPDX-License-Identifier: MIT
#include "roundtrip.h"

#include "stopwatch.h"

#include <algorithm>

namespace bench
{

namespace
{

void drive(Client &client, const Plan &plan, Measurement &measurement)
{
	const std::uint64_t timed = plan.timedEnd - plan.timedFirst;
	Costs &costs = measurement.costs;

	callRounds(client, plan, 0, plan.timedFirst);

	const double busy = measurement.busy();

	costs.batches = static_cast<int>(std::min<std::uint64_t>(timed, Costs::most));
	for (int batch = 0; batch < costs.batches; batch++) {
		const std::uint64_t first = plan.timedFirst + timed * batch / costs.batches;
		const std::uint64_t end = plan.timedFirst + timed * (batch + 1) / costs.batches;
		const double start = clockNow();

		callRounds(client, plan, first, end);
		costs.batch[batch] = (clockNow() - start) / static_cast<double>(end - first);
	}
	costs.busy = (measurement.busy() - busy) / static_cast<double>(timed);
	callRounds(client, plan, plan.timedEnd, plan.end);
}

} // namespace

std::uint64_t defaultRounds(std::size_t size)
{
	if (size < 4096)
		return 3000;
	return std::clamp<std::uint64_t>((64 << 20) / size, 100, 1000);
}

std::string sizeName(std::size_t size)
{
	if (size >= 1 << 20 && size % (1 << 20) == 0)
		return std::to_string(size >> 20) + " MiB";
	if (size >= 1 << 10 && size % (1 << 10) == 0)
		return std::to_string(size >> 10) + " KiB";
	return std::to_string(size) + " B";
}

Outcome measureBothSides(const TransportKind &kind, const Plan &plan, const Cpus &cpus,
			 const std::function<void(Client &, Measurement &)> &client)
{
	return runIsolated(
		std::string(kind.name) + ", " + sizeName(plan.size), [&](Measurement &measurement) {
			const std::unique_ptr<Transport> transport = kind.make(plan.size);

			measurement.runBothSides(
				cpus,
				[&](const std::function<void()> &ready) {
					const std::unique_ptr<Server> server = transport->server();

					ready();
					serve(*server, plan);
				},
				[&] { client(*transport->client(), measurement); });
		});
}

Outcome measureRoundTrip(const TransportKind &kind, std::size_t size, const Rounds &rounds,
			 const Cpus &cpus)
{
	const Plan plan(rounds, size, kind.carriesData);

	return measureBothSides(kind, plan, cpus, [&](Client &client, Measurement &measurement) {
		drive(client, plan, measurement);
	});
}

} // namespace bench
