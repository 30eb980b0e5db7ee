// SPDX-License-Identifier: MIT
// What this machine is, so that figures of different ones can stand side by side.
#ifndef STPLR_BENCH_MACHINE_H
#define STPLR_BENCH_MACHINE_H

#include <string>

namespace bench
{

// An object: processor, processors (that may be used here), sockets, nodes (of memory), memory (in
// bytes), virtual, kernel, spin_us (the module's parameter; null where there is none).
std::string machineJson();

// The same in a line.
std::string machineText();

} // namespace bench

#endif
