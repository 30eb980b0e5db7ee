// SPDX-License-Identifier: MIT
// Whether stplr's cost stays the same when there is more of everything, or more to see to.
#ifndef STPLR_BENCH_SCALING_H
#define STPLR_BENCH_SCALING_H

#include "options.h"

namespace bench
{

// A round trip with few and with many other connections on the channel. False if --check and its
// bar is missed.
bool runConnections(const Options &options);

// A receive with few and with many senders queued. False if --check and its bar is missed.
bool runQueue(const Options &options);
bool runPulses(const Options &options);

// A round trip on a channel of fixed priority and on one that inherits, where nothing is to be
// lent. False if --check and its bar is missed.
bool runInheritance(const Options &options);

} // namespace bench

#endif
