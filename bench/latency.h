// SPDX-License-Identifier: MIT
// How long after a message was sent its server runs.
#ifndef STPLR_BENCH_LATENCY_H
#define STPLR_BENCH_LATENCY_H

#include "options.h"

namespace bench
{

// A histogram, with ordinary threads taking all the processors' time meanwhile.
bool runLatency(const Options &options);

} // namespace bench

#endif
