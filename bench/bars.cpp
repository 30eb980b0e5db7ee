// SPDX-License-Identifier: MIT
#include "bars.h"

#include "roundtrip.h"

#include <algorithm>
#include <cstdio>

namespace bench
{

namespace
{

struct Bar {
	const char *transport;
	std::size_t size;
	const char *peer;
	double most;
	const char *kernel = "";
};

// The last ones are there to see that a change slows nothing down: what two empty system calls cost
// is a measure that stays, on the kernel whose figures they are.
const std::vector<Bar> onOne = {
	{"stplr", 64, "eventfd", 1.10},
	{"stplr", 64, "pipe", 0.85},
	{"stplr", 64, "unix-stream", 0.60},
	{"stplr", 64, "binder", 0.50},
	{"stplr", 4096, "pipe", 0.95},
	{"stplr", 4096, "binder", 0.55},
	{"stplr", 65536, "pipe", 0.45},
	{"stplr", 65536, "binder", 0.85},
	{"stplr", 1048576, "pipe", 0.40},
	{"stplr-registered", 65536, "pipe", 0.32},
	{"pulse", 64, "eventfd", 1.10},
	{"stplr", 64, "getppid", 12.95, "6.1."},
	{"stplr", 4096, "getppid", 16.70, "6.1."},
	{"stplr", 65536, "getppid", 58.00, "6.1."},
};

// On two processors nobody needs to sleep whose peer answers at once.
const std::vector<Bar> onTwo = {
	{"stplr", 64, "eventfd", 0.10},
	{"stplr", 64, "pipe", 0.10},
	{"stplr", 64, "futex-spin", 2.00},
};

// Where the server works, looking for its answer must cost the client nothing.
const std::vector<Bar> whileItWorks = {
	{"stplr", 64, "stplr-sleep", 1.05},
};

const std::vector<Bar> &barsOf(const Options &options)
{
	if (options.work)
		return whileItWorks;
	return options.cpus.same() ? onOne : onTwo;
}

// Those that say something here, in instructions where they are of one kernel, and, if transports
// or sizes were chosen, of these.
std::vector<Bar> barsFor(const Options &options)
{
	const std::string kernel = kernelRelease();
	std::vector<Bar> found;

	for (const Bar &bar : barsOf(options)) {
		if (*bar.kernel &&
		    (!options.instructions || kernel.rfind(bar.kernel, 0) == std::string::npos))
			continue;
		if (options.transportsChosen &&
		    !(has(options.transports, findTransport(bar.transport)) &&
		      has(options.transports, findTransport(bar.peer))))
			continue;
		if (options.sizesChosen && !has(options.sizes, bar.size))
			continue;
		found.push_back(bar);
	}
	return found;
}

const Outcome &find(const std::vector<Row> &rows, const std::string &name, std::size_t size)
{
	return std::find_if(
		       rows.begin(), rows.end(),
		       [&](const Row &row) { return row.size == size && name == row.kind->name; })
		->outcome;
}

} // namespace

void addWhatBarsNeed(Options &options)
{
	for (const Bar &bar : barsFor(options)) {
		addOnce(options.transports, findTransport(bar.transport));
		addOnce(options.transports, findTransport(bar.peer));
		addOnce(options.sizes, bar.size);
	}
}

bool checkBars(const Options &options, const std::vector<Row> &rows)
{
	const std::vector<Bar> asked = barsFor(options);
	bool met = !asked.empty();

	if (!met)
		fprintf(stderr, "stplr-bench: no bar is of these transports and sizes alone\n");
	for (const Bar &bar : asked)
		met &= printBar(options,
				std::string(bar.transport) + " / " + bar.peer + ", " +
					sizeName(bar.size),
				find(rows, bar.transport, bar.size), find(rows, bar.peer, bar.size),
				bar.most);
	return met;
}

} // namespace bench
