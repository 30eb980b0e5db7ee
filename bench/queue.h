// SPDX-License-Identifier: MIT
// The cost of a receive while many senders are queued on the channel.
#ifndef STPLR_BENCH_QUEUE_H
#define STPLR_BENCH_QUEUE_H

#include "row.h"

#include <cstdint>

namespace bench
{

// Times about `receives` receives, a few at a time from the full queue.
Outcome measureQueue(unsigned senders, std::size_t size, std::uint64_t receives, const Cpus &cpus);

} // namespace bench

#endif
