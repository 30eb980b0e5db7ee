// SPDX-License-Identifier: MIT
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "timers.h"

/* Longer intervals are as good as for ever, and their sums stay far from overflowing. */
static const int64_t interval_max_us = INT64_MAX / 4;

struct timer {
	struct timer *next;
	int64_t id;
	int64_t interval_us;
	int64_t start_us;
	int64_t reported; /* intervals */
	char owner[];
};

static struct timer *timers;
static int64_t last_id;
static int fd = -1;

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static int64_t due(const struct timer *timer)
{
	return timer->start_us + (timer->reported + 1) * timer->interval_us;
}

static void arm(void)
{
	struct itimerspec at = {0};
	int64_t first = INT64_MAX;

	for (const struct timer *timer = timers; timer; timer = timer->next)
		if (due(timer) < first)
			first = due(timer);
	if (timers) {
		at.it_value.tv_sec = first / 1000000;
		at.it_value.tv_nsec = first % 1000000 * 1000;
	}
	if (timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL))
		err(1, "timerfd_settime");
}

int timers_open(void)
{
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0)
		err(1, "timerfd_create");
	return fd;
}

int64_t timers_start(const char *owner, int64_t interval_us)
{
	struct timer *timer;

	if (interval_us < 1)
		return -1;
	timer = malloc(sizeof(*timer) + strlen(owner) + 1);
	if (!timer)
		errx(1, "out of memory");
	timer->id = ++last_id;
	timer->interval_us = interval_us < interval_max_us ? interval_us : interval_max_us;
	timer->start_us = now_us();
	timer->reported = 0;
	strcpy(timer->owner, owner);
	timer->next = timers;
	timers = timer;
	arm();
	return timer->id;
}

static bool stop(bool (*meant)(const struct timer *timer, const void *which), const void *which)
{
	struct timer **link = &timers;
	bool found = false;

	while (*link) {
		struct timer *timer = *link;

		if (meant(timer, which)) {
			*link = timer->next;
			free(timer);
			found = true;
		} else {
			link = &timer->next;
		}
	}
	if (found)
		arm();
	return found;
}

static bool has_id(const struct timer *timer, const void *id)
{
	return timer->id == *(const int64_t *)id;
}

static bool has_owner(const struct timer *timer, const void *owner)
{
	return !strcmp(timer->owner, owner);
}

bool timers_stop(int64_t id)
{
	return stop(has_id, &id);
}

void timers_stop_all_of(const char *owner)
{
	stop(has_owner, owner);
}

void timers_report(void (*report)(const struct tick *tick, void *user_data), void *user_data)
{
	int64_t now = now_us();

	for (struct timer *timer = timers; timer; timer = timer->next) {
		struct tick tick = {.id = timer->id};

		if (due(timer) > now)
			continue;
		timer->reported = (now - timer->start_us) / timer->interval_us;
		tick.counter = timer->reported;
		tick.abstime_us = timer->start_us + tick.counter * timer->interval_us;
		report(&tick, user_data);
	}
	arm();
}
