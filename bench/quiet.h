// SPDX-License-Identifier: MIT
#ifndef STPLR_BENCH_QUIET_H
#define STPLR_BENCH_QUIET_H

#include "row.h"

namespace bench
{

// Waits until nothing else wants the processors to be measured on; a kernel that has just booted is
// still busy for some time. After a few seconds it says on standard error that something does, and
// returns.
void awaitQuiet(const Cpus &cpus);

} // namespace bench

#endif
