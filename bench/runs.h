// SPDX-License-Identifier: MIT
// What several runs of the same say together.
#ifndef STPLR_BENCH_RUNS_H
#define STPLR_BENCH_RUNS_H

#include "row.h"

#include <vector>

namespace bench
{

struct Spread {
	double median;
	double least;
	double most;
};

// Of at least one value.
Spread spreadOf(std::vector<double> values);

// The outcome of the runs together: each of its figures is the median of theirs, but for `runs`,
// which has the costs of all.
Outcome together(const std::vector<Outcome> &runs);

// One cost as a part of another, run by run: what a machine does besides is in both.
Spread ratioOf(const Outcome &figure, const Outcome &reference);

} // namespace bench

#endif
