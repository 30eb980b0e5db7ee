// SPDX-License-Identifier: MIT
#include "roundtrip.h"

#include "payload.h"
#include "stopwatch.h"

#include <algorithm>

namespace bench
{

namespace
{

// Both sides go through the same rounds: some that verify every byte, some to warm up, the timed
// ones, and again some that verify every byte.
class Plan
{
public:
	Plan(const Rounds &rounds, std::size_t size, bool carriesData)
		: size(size), carriesData(carriesData), timedFirst(fullRounds + rounds.warmUp),
		  timedEnd(timedFirst + rounds.timed), end(timedEnd + fullRounds)
	{
	}

	void prepare(std::byte *message, std::uint64_t round, std::uint64_t number) const
	{
		if (!carriesData)
			return;
		if (verifiesAll(round))
			fillPattern(message, size, number);
		else
			writeStamp(message, size, number);
	}

	void verify(const std::byte *message, std::uint64_t round, std::uint64_t number) const
	{
		if (!carriesData)
			return;
		if (verifiesAll(round) ? hasPattern(message, size, number)
				       : hasStamp(message, size, number))
			return;
		throw std::runtime_error(std::string(number & 1 ? "the reply" : "the request") +
					 " of round " + std::to_string(round) +
					 " arrived with other bytes than were sent");
	}

	const std::size_t size;
	const bool carriesData;
	const std::uint64_t timedFirst;
	const std::uint64_t timedEnd;
	const std::uint64_t end;

private:
	static constexpr std::uint64_t fullRounds = 3;

	bool verifiesAll(std::uint64_t round) const
	{
		return round < fullRounds || round >= timedEnd;
	}
};

void serve(Server &server, const Plan &plan)
{
	const std::byte *request = server.receive();

	for (std::uint64_t round = 0;; round++) {
		plan.verify(request, round, requestNumber(round));
		plan.prepare(server.outgoing(), round, replyNumber(round));
		if (round + 1 == plan.end)
			break;
		request = server.replyReceive();
	}
	server.reply();
}

void callRounds(Client &client, const Plan &plan, std::uint64_t round, std::uint64_t end)
{
	for (; round < end; round++) {
		plan.prepare(client.outgoing(), round, requestNumber(round));
		plan.verify(client.call(), round, replyNumber(round));
	}
}

void drive(Client &client, const Plan &plan, Costs &costs)
{
	const std::uint64_t timed = plan.timedEnd - plan.timedFirst;

	callRounds(client, plan, 0, plan.timedFirst);
	costs.batches = static_cast<int>(std::min<std::uint64_t>(timed, Costs::most));
	for (int batch = 0; batch < costs.batches; batch++) {
		const std::uint64_t first = plan.timedFirst + timed * batch / costs.batches;
		const std::uint64_t end = plan.timedFirst + timed * (batch + 1) / costs.batches;
		const double start = clockNow();

		callRounds(client, plan, first, end);
		costs.batch[batch] = (clockNow() - start) / static_cast<double>(end - first);
	}
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

Outcome measureRoundTrip(const TransportKind &kind, std::size_t size, const Rounds &rounds,
			 const Cpus &cpus)
{
	const Plan plan(rounds, size, kind.carriesData);

	return runIsolated(
		std::string(kind.name) + ", " + sizeName(size), [&](Measurement &measurement) {
			const std::unique_ptr<Transport> transport = kind.make(size);

			measurement.runBothSides(
				cpus,
				[&](const std::function<void()> &ready) {
					const std::unique_ptr<Server> server = transport->server();

					ready();
					serve(*server, plan);
				},
				[&] { drive(*transport->client(), plan, measurement.costs); });
		});
}

} // namespace bench
