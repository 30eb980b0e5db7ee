// SPDX-License-Identifier: MIT
#include "realtime.h"

#include "error.h"
#include "stopwatch.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <fstream>
#include <sstream>

namespace bench
{

void stayOn(int cpu)
{
	cpu_set_t only;

	CPU_ZERO(&only);
	CPU_SET(cpu, &only);
	checked(sched_setaffinity(0, sizeof(only), &only), "sched_setaffinity");
}

void becomeRealTime(int priority)
{
	sched_param parameters = {};

	parameters.sched_priority = priority;
	if (sched_setscheduler(0, SCHED_FIFO, &parameters) == 0)
		return;
	if (errno == EPERM)
		throw Unsupported(describe("sched_setscheduler(SCHED_FIFO)") +
				  ": run as root, or raise RLIMIT_RTPRIO");
	throw CallError("sched_setscheduler(SCHED_FIFO)");
}

std::string ownPriority()
{
	// The 18th field of proc(5)'s stat; the 2nd, in parentheses, may hold anything.
	constexpr int state = 3, priority = 18;
	std::ifstream file("/proc/thread-self/stat");
	std::string line, field;

	std::getline(file, line);
	std::istringstream fields(line.substr(line.rfind(')') + 1));
	for (int at = state; at <= priority; at++)
		fields >> field;
	const int number = std::stoi(field);

	return number < 0 ? "FIFO " + std::to_string(-number - 1)
			  : "nice " + std::to_string(number - 20);
}

void burn(double seconds)
{
	const double end = clockNow(CLOCK_THREAD_CPUTIME_ID) + seconds * 1e9;

	while (clockNow(CLOCK_THREAD_CPUTIME_ID) < end)
		;
}

double secondsNow()
{
	return clockNow() / 1e9;
}

void sleepUntil(double seconds)
{
	timespec until;

	until.tv_sec = static_cast<time_t>(seconds);
	until.tv_nsec = static_cast<long>((seconds - until.tv_sec) * 1e9);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR)
		;
}

} // namespace bench
