// SPDX-License-Identifier: MIT
// The cost of a round trip: a request and its reply, of the same size, between two processes.
#ifndef STPLR_BENCH_ROUNDTRIP_H
#define STPLR_BENCH_ROUNDTRIP_H

#include "row.h"
#include "transport.h"

#include <cstdint>

namespace bench
{

struct Rounds {
	// Before the timing.
	std::uint64_t warmUp;
	std::uint64_t timed;
};

// How many rounds to time when nobody said.
std::uint64_t defaultRounds(std::size_t size);

// "64 B", "4 KiB".
std::string sizeName(std::size_t size);

Outcome measureRoundTrip(const TransportKind &kind, std::size_t size, const Rounds &rounds,
			 const Cpus &cpus);

} // namespace bench

#endif
