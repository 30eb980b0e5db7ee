// SPDX-License-Identifier: MIT
// Between the kernel and a process: calls of a driver, and messages either way, beside the other
// ways that Linux has.
#ifndef STPLR_BENCH_KERNEL_H
#define STPLR_BENCH_KERNEL_H

#include "options.h"

namespace bench
{

// Loads the kernel's side, and reports. False if a bar is missed.
bool runKernel(const Options &options);

} // namespace bench

#endif
