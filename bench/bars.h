// SPDX-License-Identifier: MIT
// How fast stplr has to be: its round trip as a part of each other transport's, within a run, on
// one processor and on two.
#ifndef STPLR_BENCH_BARS_H
#define STPLR_BENCH_BARS_H

#include "report.h"

namespace bench
{

// Adds to the transports and sizes what the bars compare.
void addWhatBarsNeed(Options &options);

// Prints every bar with its figures. False if any is missed.
bool checkBars(const Options &options, const std::vector<Row> &rows);

} // namespace bench

#endif
