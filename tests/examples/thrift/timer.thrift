// SPDX-License-Identifier: MIT
// Timers that clients wait for. A timer that does not exist, or was stopped, is answered with an
// application exception; so is a tick() that waits when its timer is stopped.

include "example.thrift"

namespace cpp stplr.examples

typedef i64 timer_id

const timer_id INVALID_TIMER = -1

struct timestamp {
  // Intervals since the timer was started: 1 for the first.
  1: i64 counter,
  // When that interval ended: microseconds of CLOCK_MONOTONIC.
  2: i64 abstime
}

service timer extends example.example {
  // The first interval begins now. INVALID_TIMER if the interval is not positive.
  timer_id start(1: i64 interval_us),
  void stop(1: timer_id id),
  // Waits for the end of the next interval that no tick() has reported yet.
  timestamp tick(1: timer_id id)
}
