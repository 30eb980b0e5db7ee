// SPDX-License-Identifier: MIT
// The cost of queueing and receiving a pulse while many are queued.
#ifndef STPLR_BENCH_PULSES_H
#define STPLR_BENCH_PULSES_H

#include "row.h"

#include <cstdint>

namespace bench
{

// Sends `queued` pulses and then receives them, as often as it takes to have sent about `count`.
Outcome measurePulses(unsigned queued, std::uint64_t count, const Cpus &cpus);

} // namespace bench

#endif
