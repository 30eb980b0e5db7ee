// SPDX-License-Identifier: MIT
/* Timers of one process behind one file descriptor, which is readable while one of them is due */
#ifndef EXAMPLES_DBUS_TIMERS_H
#define EXAMPLES_DBUS_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

/* An interval that has passed: the counter-th since the start, and when it ended. */
struct tick {
	int64_t id;
	int64_t counter;
	int64_t abstime_us; /* CLOCK_MONOTONIC */
};

int timers_open(void);

/* The owner is a name; the timers of one owner end together. Returns a new id, -1 for an interval
 * that is not at least 1. */
int64_t timers_start(const char *owner, int64_t interval_us);

/* False if there is no such timer. */
bool timers_stop(int64_t id);

void timers_stop_all_of(const char *owner);

/* Tells of each timer that is due, once: of several intervals that have passed, the last. */
void timers_report(void (*report)(const struct tick *tick, void *user_data), void *user_data);

#endif
