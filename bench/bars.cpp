// SPDX-License-Identifier: MIT
#include "bars.h"

#include "roundtrip.h"

#include <algorithm>

namespace bench
{

namespace
{

struct Bar {
	std::size_t size;
	const char *peer;
	double most;
};

constexpr Bar bars[] = {
	{64, "eventfd", 1.10}, {64, "pipe", 0.85},      {64, "unix-stream", 0.60},
	{64, "binder", 0.50},  {4096, "pipe", 0.95},    {4096, "binder", 0.55},
	{65536, "pipe", 0.45}, {65536, "binder", 0.85}, {1048576, "pipe", 0.40},
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
	addOnce(options.transports, findTransport("stplr"));
	for (const Bar &bar : bars) {
		addOnce(options.transports, findTransport(bar.peer));
		addOnce(options.sizes, bar.size);
	}
}

bool checkBars(const Options &options, const std::vector<Row> &rows)
{
	bool met = true;

	for (const Bar &bar : bars)
		met &= printBar(
			options, "stplr / " + std::string(bar.peer) + ", " + sizeName(bar.size),
			find(rows, "stplr", bar.size), find(rows, bar.peer, bar.size), bar.most);
	return met;
}

} // namespace bench
