// SPDX-License-Identifier: MIT
// Threads of a given priority on a given processor, and what they run at.
#ifndef STPLR_BENCH_REALTIME_H
#define STPLR_BENCH_REALTIME_H

#include <string>

namespace bench
{

// The calling thread runs on this processor only.
void stayOn(int cpu);

// Puts the calling thread into SCHED_FIFO. Throws Unsupported where it may not.
void becomeRealTime(int priority);

// What the scheduler goes by for the calling thread, whatever was lent to it, in the kernel's
// words: "FIFO 30", "nice 0".
std::string ownPriority();

// Burns so many seconds of the calling thread's own time, however long that takes.
void burn(double seconds);

// Until so many seconds on the monotonic clock.
void sleepUntil(double seconds);

double secondsNow();

} // namespace bench

#endif
