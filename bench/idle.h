// SPDX-License-Identifier: MIT
// What a server costs that has nothing to do.
#ifndef STPLR_BENCH_IDLE_H
#define STPLR_BENCH_IDLE_H

#include "options.h"

namespace bench
{

// False if --check and its bar is missed.
bool runIdle(const Options &options);

} // namespace bench

#endif
