// SPDX-License-Identifier: MIT
// What a record costs that goes through a ring.
#ifndef STPLR_BENCH_RING_H
#define STPLR_BENCH_RING_H

#include "options.h"

namespace bench
{

// On one processor: a record written and read while nobody sleeps, a sleeper woken, a batch. On
// two: a stream of records between two busy processes, and the same through a pipe. False if
// --check and a bar is missed.
bool runRing(const Options &options);

} // namespace bench

#endif
