// SPDX-License-Identifier: MIT
#ifndef STPLR_BENCH_STOPWATCH_H
#define STPLR_BENCH_STOPWATCH_H

#include <time.h>

namespace bench
{

// Nanoseconds; under QEMU's -icount shift=0 these are instructions.
inline double clockNow(clockid_t clock = CLOCK_MONOTONIC)
{
	timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

} // namespace bench

#endif
