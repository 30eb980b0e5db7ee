/* SPDX-License-Identifier: GPL-2.0 */
/* Threads that wait for room in a queue or a backlog. */
#ifndef STPLR_CORE_ROOM_H
#define STPLR_CORE_ROOM_H

#include <linux/list.h>
#include <linux/types.h>

struct stplr_channel;
struct stplr_connection;
struct task_struct;

/* Why there is no room; neither is seen by a program. */
#define STPLR_NO_ROOM (-ENOSPC)	    /* for anybody */
#define STPLR_NO_ROOM_HERE (-EXFULL) /* for what comes over this connection */

/**
 * stplr_enter_function - takes a place; called with channel->lock
 * @channel: where
 * @arg: for what
 * @receiver: who is to be woken after unlocking, if it is set
 *
 * Return: 0, STPLR_NO_ROOM, STPLR_NO_ROOM_HERE, or another error, which is for the one who waits.
 */
typedef int stplr_enter_function(struct stplr_channel *channel, void *arg,
				 struct task_struct **receiver);

int stplr_room_enter(struct stplr_channel *channel, struct stplr_connection *connection,
		     stplr_enter_function *enter, void *arg, s64 deadline, clockid_t clock);
void stplr_room_made_here(struct stplr_connection *connection);
void stplr_room_made(struct stplr_channel *channel);
void stplr_room_end_here(struct stplr_connection *connection);
void stplr_room_end(struct stplr_channel *channel);

#endif /* STPLR_CORE_ROOM_H */
