/* SPDX-License-Identifier: MIT */
/* Timers of timeouts */
#ifndef STPLR_QNX_TIMER_H
#define STPLR_QNX_TIMER_H

#include <stdint.h>
#include <time.h>

#include "timeout.h"

/* A timer for a timeout that notifies otherwise than by ending the call: start and end it. */
int timer_start(const struct timeout *timeout, int64_t deadline, timer_t *timer);
void timer_end(timer_t timer);

#endif
