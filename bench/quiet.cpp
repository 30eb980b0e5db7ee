// SPDX-License-Identifier: MIT
#include "quiet.h"

#include "resource.h"
#include "stopwatch.h"

#include <sched.h>

#include <cstdio>

namespace bench
{

namespace
{

constexpr double millisecond = 1e6;
constexpr double sample = 20 * millisecond;
constexpr double patience = 3000 * millisecond;
constexpr double enough = 0.99;

// The part of a processor's time that this thread gets if it takes all it can.
double ownPart()
{
	const double start = clockNow(CLOCK_MONOTONIC);
	const double used = clockNow(CLOCK_THREAD_CPUTIME_ID);
	double now;

	do
		now = clockNow(CLOCK_MONOTONIC);
	while (now - start < sample);
	return (clockNow(CLOCK_THREAD_CPUTIME_ID) - used) / (now - start);
}

void awaitQuiet(int cpu)
{
	const double start = clockNow(CLOCK_MONOTONIC);

	pinToCpu(cpu);
	while (ownPart() < enough)
		if (clockNow(CLOCK_MONOTONIC) - start > patience) {
			fprintf(stderr,
				"stplr-bench: others use processor %d; they are in the figures\n",
				cpu);
			return;
		}
}

bool uses(const Cpus &cpus, int cpu)
{
	return cpus.client == cpu || cpus.server == cpu || cpus.client == Cpus::any ||
	       cpus.server == Cpus::any;
}

} // namespace

void awaitQuiet(const Cpus &cpus)
{
	const cpu_set_t before = usableCpus();

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &before) && uses(cpus, cpu))
			awaitQuiet(cpu);
	checked(sched_setaffinity(0, sizeof(before), &before), "sched_setaffinity");
}

} // namespace bench
