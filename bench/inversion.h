// SPDX-License-Identifier: MIT
// How long a client waits for a server of lower priority, while a thread in between wants the
// processor.
#ifndef STPLR_BENCH_INVERSION_H
#define STPLR_BENCH_INVERSION_H

#include "options.h"

namespace bench
{

// One processor, with and without priority inheritance, with one server and with a chain of three.
// False if --check and a bound is missed.
bool runInversion(const Options &options);

} // namespace bench

#endif
