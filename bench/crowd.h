// SPDX-License-Identifier: MIT
// How many messages a second there are when many clients call many server threads at once.
#ifndef STPLR_BENCH_CROWD_H
#define STPLR_BENCH_CROWD_H

#include "options.h"

namespace bench
{

// Always true: there is no bar.
bool runScaling(const Options &options);

} // namespace bench

#endif
