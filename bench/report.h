// SPDX-License-Identifier: MIT
// What comes out: JSON lines as rows are measured, or a table at the end; and bars, met or missed.
#ifndef STPLR_BENCH_REPORT_H
#define STPLR_BENCH_REPORT_H

#include "options.h"
#include "runs.h"

#include <string>
#include <utility>
#include <vector>

namespace bench
{

struct Row {
	const TransportKind *kind;
	std::size_t size;
	std::uint64_t count;
	Outcome outcome;
};

// Fields of a JSON line; values are JSON already.
using Fields = std::vector<std::pair<const char *, std::string>>;

std::string jsonString(const std::string &text);
std::string jsonObject(const Fields &fields);

// What every line says: count, cpus, ns, kernel, batches, unit, clock, supported, reason; and
// cpu_ns where processor time is measured and the clock counts time.
Fields commonFields(const Options &options, std::uint64_t count, const Outcome &outcome);
void printJson(const Fields &fields);

// With several runs also each one's figure, and the ratios to the other rows of the size, which
// `rows` then has.
void printRowJson(const Options &options, const Row &row, const std::vector<Row> &rows);
void printTable(const Options &options, const std::vector<Row> &rows);

std::string kernelRelease();

// What the clock counts.
const char *unitName(const Options &options);

// "kernel 6.1.0, client on processor 0, server on processor 0"
std::string conditions(const Options &options);

// "12,350"
std::string grouped(double number);

std::string fixed(double number, int digits);

// A bar: what is compared with what, the ratio found (of several runs the median) and the most it
// may be. False if missed. Goes to standard error where standard output is JSON.
bool printBar(const Options &options, const std::string &what, const Outcome &figure,
	      const Outcome &reference, double most);

// A figure that was not measured here: what a bar is compared with.
Outcome constant(double value);

// The bars of a command, where they are asked for.
class Bars
{
public:
	explicit Bars(const Options &options) : options_(options) {}

	void bar(const std::string &what, const Outcome &figure, const Outcome &reference,
		 double most);
	bool met() const
	{
		return met_;
	}

protected:
	const Options &options_;

private:
	bool met_ = true;
};

// What is being measured, where somebody watches.
void printProgress(const std::string &what);

} // namespace bench

#endif
