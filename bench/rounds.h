// SPDX-License-Identifier: MIT
// The rounds that both sides of a row go through, and what each does in them.
#ifndef STPLR_BENCH_ROUNDS_H
#define STPLR_BENCH_ROUNDS_H

#include "transport.h"

#include <cstdint>

namespace bench
{

struct Rounds {
	// Before the timing.
	std::uint64_t warmUp;
	std::uint64_t timed;
	// What the server does in each before it answers: microseconds of processor time.
	std::uint64_t work = 0;
};

// Some rounds verify every byte, then some warm up, then the timed ones, and again some verify
// every byte.
class Plan
{
public:
	Plan(const Rounds &rounds, std::size_t size, bool carriesData)
		: size(size), carriesData(carriesData),
		  work(static_cast<double>(rounds.work) / 1e6),
		  timedFirst(fullRounds + rounds.warmUp), timedEnd(timedFirst + rounds.timed),
		  end(timedEnd + fullRounds)
	{
	}

	void prepare(std::byte *message, std::uint64_t round, std::uint64_t number) const;
	// Throws where other bytes arrived than prepare() made.
	void verify(const std::byte *message, std::uint64_t round, std::uint64_t number) const;

	const std::size_t size;
	const bool carriesData;
	// Seconds.
	const double work;
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

// The server's side of all rounds.
void serve(Server &server, const Plan &plan);

// The client's side of those from `round` on.
void callRounds(Client &client, const Plan &plan, std::uint64_t round, std::uint64_t end);

} // namespace bench

#endif
