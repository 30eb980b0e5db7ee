/* SPDX-License-Identifier: MIT */
/*
 * What a fork does to all that this library keeps
 *
 * It takes all locks first, so that the child finds nothing half done; there each file forgets what
 * was the parent's, those above before those that they use.
 */
#ifndef STPLR_QNX_FORK_H
#define STPLR_QNX_FORK_H

#include <pthread.h>

/* Whose locks, in the order in which two may be held; none is held while a call blocks. */
enum fork_part {
	FORK_TIMEOUT,
	FORK_DEVICE,
	FORK_CHANNELS,
	FORK_CONNECTIONS,
	FORK_RCVIDS,
	FORK_EVENTS,
	FORK_TIMERS,
	FORK_ATTACHED,
	FORK_INSIDE,
	FORK_FILES,
	FORK_REQUESTS,
	FORK_NOTIFY,
	FORK_SERVICE,
	FORK_PARTS
};

/* How many forks lie behind this process, its own and its parents'. */
extern unsigned fork_count;
/* Either may be NULL. For constructors. */
void fork_take_part(enum fork_part part, pthread_mutex_t *lock, void (*forget)(void));
/* From now on there is something to forget. */
void fork_watch(void);

#endif
