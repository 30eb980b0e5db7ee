// SPDX-License-Identifier: MIT
// The command line.
#ifndef STPLR_BENCH_OPTIONS_H
#define STPLR_BENCH_OPTIONS_H

#include "row.h"
#include "transport.h"

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace bench
{

enum class Command {
	roundtrip,
	connections,
	queue,
	pulses,
	inheritance,
	inversion,
	latency,
	ring,
	kernel,
	idle,
	scaling
};

struct Options {
	Command command = Command::roundtrip;
	std::vector<const TransportKind *> transports;
	std::vector<std::size_t> sizes;
	// 0: as many as the size suggests.
	std::uint64_t count = 0;
	std::uint64_t warmUp = 0;
	// How often each row is measured.
	std::uint64_t runs = 1;
	// What the server does before it answers: microseconds of processor time.
	std::uint64_t work = 0;
	// How long the server has nothing to do, or all call.
	std::uint64_t seconds = 0;
	// How many call at once, and are called.
	std::vector<unsigned> clients;
	std::vector<unsigned> threads;
	Cpus cpus;
	bool json = false;
	bool check = false;
	// Named on the command line.
	bool transportsChosen = false;
	bool sizesChosen = false;
	// The clock counts instructions (QEMU's -icount shift=0).
	bool instructions = false;
};

// A command line that makes no sense; says what would.
class UsageError : public std::runtime_error
{
	using std::runtime_error::runtime_error;
};

template <typename Value> bool has(const std::vector<Value> &list, Value value)
{
	return std::find(list.begin(), list.end(), value) != list.end();
}

template <typename Value> void addOnce(std::vector<Value> &list, Value value)
{
	if (!has(list, value))
		list.push_back(value);
}

// Prints the help and exits if that was asked for.
Options parseOptions(int argc, char **argv);

} // namespace bench

#endif
