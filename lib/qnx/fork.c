// SPDX-License-Identifier: MIT
#include <stddef.h>

#include "fork.h"

static struct {
	pthread_mutex_t *lock;
	void (*forget)(void);
} parts[FORK_PARTS];

unsigned fork_count;

void fork_take_part(enum fork_part part, pthread_mutex_t *lock, void (*forget)(void))
{
	parts[part].lock = lock;
	parts[part].forget = forget;
}

static void before(void)
{
	int part;

	for (part = 0; part < FORK_PARTS; part++)
		if (parts[part].lock)
			pthread_mutex_lock(parts[part].lock);
	fork_count++;
}

static void after(void)
{
	int part;

	for (part = FORK_PARTS - 1; part >= 0; part--)
		if (parts[part].lock)
			pthread_mutex_unlock(parts[part].lock);
}

static void after_in_child(void)
{
	int part;

	for (part = FORK_PARTS - 1; part >= 0; part--)
		if (parts[part].forget)
			parts[part].forget();
	after();
}

static void watch(void)
{
	pthread_atfork(before, after, after_in_child);
}

void fork_watch(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, watch);
}
