// SPDX-License-Identifier: MIT
#ifndef STPLR_BENCH_STOPWATCH_H
#define STPLR_BENCH_STOPWATCH_H

#include <time.h>

namespace bench
{

// Nanoseconds of CLOCK_MONOTONIC; under QEMU's -icount shift=0 these are instructions.
inline double clockNow()
{
	timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

} // namespace bench

#endif
