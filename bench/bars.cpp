// SPDX-License-Identifier: MIT
#include "bars.h"

#include "roundtrip.h"

#include <algorithm>

namespace bench
{

namespace
{

struct Bar {
	const char *transport;
	std::size_t size;
	const char *peer;
	double most;
};

constexpr Bar bars[] = {
	{"stplr", 64, "eventfd", 1.10},     {"stplr", 64, "pipe", 0.85},
	{"stplr", 64, "unix-stream", 0.60}, {"stplr", 64, "binder", 0.50},
	{"stplr", 4096, "pipe", 0.95},      {"stplr", 4096, "binder", 0.55},
	{"stplr", 65536, "pipe", 0.45},     {"stplr", 65536, "binder", 0.85},
	{"stplr", 1048576, "pipe", 0.40},   {"stplr-registered", 65536, "pipe", 0.32},
	{"pulse", 64, "eventfd", 1.10},
};

const Outcome &find(const std::vector<Row> &rows, const std::string &name, std::size_t size)
{
	return std::find_if(
		       rows.begin(), rows.end(),
		       [&](const Row &row) { return row.size == size && name == row.kind->name; })
		->outcome;
}

template <typename Value> void addOnce(std::vector<Value> &list, Value value)
{
	if (std::find(list.begin(), list.end(), value) == list.end())
		list.push_back(value);
}

} // namespace

void addWhatBarsNeed(Options &options)
{
	for (const Bar &bar : bars) {
		addOnce(options.transports, findTransport(bar.transport));
		addOnce(options.transports, findTransport(bar.peer));
		addOnce(options.sizes, bar.size);
	}
}

bool checkBars(const Options &options, const std::vector<Row> &rows)
{
	bool met = true;

	for (const Bar &bar : bars)
		met &= printBar(options,
				std::string(bar.transport) + " / " + bar.peer + ", " +
					sizeName(bar.size),
				find(rows, bar.transport, bar.size), find(rows, bar.peer, bar.size),
				bar.most);
	return met;
}

} // namespace bench
