// SPDX-License-Identifier: MIT
// The cost of a round trip: a request and its reply, of the same size, between two processes.
#ifndef STPLR_BENCH_ROUNDTRIP_H
#define STPLR_BENCH_ROUNDTRIP_H

#include "rounds.h"
#include "row.h"

namespace bench
{

// How many rounds to time when nobody said.
std::uint64_t defaultRounds(std::size_t size);

// "64 B", "4 KiB".
std::string sizeName(std::size_t size);

// Both processes, the server's going through all rounds of the plan; `client` has to, too.
Outcome measureBothSides(const TransportKind &kind, const Plan &plan, const Cpus &cpus,
			 const std::function<void(Client &, Measurement &)> &client);

Outcome measureRoundTrip(const TransportKind &kind, std::size_t size, const Rounds &rounds,
			 const Cpus &cpus);

} // namespace bench

#endif
