// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that wait for room in a queue or a backlog.
 *
 * Whoever makes room puts what waits for it there itself, one for each place, and wakes just the
 * threads whose turn came: nobody is woken in vain, and a thread that is slow to wake keeps no
 * place from others. Whoever comes while there is room need not wait, even if others have not been
 * let in yet. Those that wait stand in line by user (shares.c), a user's connections take turns,
 * and connections whose own bound is met are in channel->full.
 */

#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "base/clock.h"
#include "base/wake.h"
#include "core/channel.h"
#include "core/connection.h"
#include "core/room.h"
#include "core/shares.h"

/* The result of one that waits still. */
#define STPLR_ROOM_AWAITED 1

/**
 * struct stplr_room_waiter - a thread that waits for room; under channel->lock
 * @link: in connection->crowd
 * @task: the thread
 * @enter: what it waits to do
 * @arg: likewise
 * @result: of that; the thread reads it without the lock
 */
struct stplr_room_waiter {
	struct list_head link;
	struct task_struct *task;
	stplr_enter_function *enter;
	void *arg;
	int result;
};

/* The first of those that wait over the connection. */
static struct stplr_room_waiter *stplr_room_first(struct stplr_connection *connection)
{
	return list_first_entry(&connection->crowd, struct stplr_room_waiter, link);
}

static void stplr_room_line_up(struct stplr_channel *channel, struct stplr_connection *connection,
			       struct stplr_room_waiter *waiter, bool clogged)
{
	lockdep_assert_held(&channel->lock);
	if (list_empty(&connection->crowd)) {
		connection->clogged = clogged;
		if (clogged)
			list_add_tail(&connection->crowded, &channel->full);
		else
			stplr_share_line_up(channel, connection);
	}
	list_add_tail(&waiter->link, &connection->crowd);
}

/* It waits no more. */
static void stplr_room_leave(struct stplr_channel *channel, struct stplr_connection *connection,
			     struct stplr_room_waiter *waiter)
{
	list_del(&waiter->link);
	if (list_empty(&connection->crowd))
		stplr_share_step_out(channel, connection);
}

/* Puts in what waits first over the connection, or ends its wait; or STPLR_NO_ROOM..., as ever. */
static int stplr_room_take(struct stplr_channel *channel, struct stplr_connection *connection,
			   struct stplr_wake_batch *batch)
{
	struct stplr_room_waiter *waiter = stplr_room_first(connection);
	struct task_struct *receiver = NULL;
	int err;

	lockdep_assert_held(&channel->lock);
	err = waiter->enter(channel, waiter->arg, &receiver);
	if (err == STPLR_NO_ROOM || err == STPLR_NO_ROOM_HERE)
		return err;
	stplr_room_leave(channel, connection, waiter);
	stplr_wake_add(batch, receiver);
	stplr_wake_add(batch, get_task_struct(waiter->task));
	/* pairs with stplr_room_wait() */
	smp_store_release(&waiter->result, err);
	return 0;
}

/* Lets in those whose turn it is, as long as there is room, and @looks are left. */
static void stplr_room_let_in(struct stplr_channel *channel, struct stplr_wake_batch *batch,
			      unsigned int *looks)
{
	struct stplr_connection *connection;
	struct stplr_share *share;
	int err = 0;

	lockdep_assert_held(&channel->lock);
	for (; *looks && (share = stplr_share_next(channel)); --*looks) {
		connection = list_first_entry(&share->crowd, struct stplr_connection, crowded);
		err = stplr_room_take(channel, connection, batch);
		if (err == STPLR_NO_ROOM)
			break;
		connection->clogged = err == STPLR_NO_ROOM_HERE;
		if (connection->clogged) {
			stplr_share_step_out(channel, connection);
			list_add_tail(&connection->crowded, &channel->full);
		} else if (!list_empty(&connection->crowd)) {
			list_move_tail(&connection->crowded, &share->crowd);
		}
		stplr_share_sort(channel, share);
	}
}

/* There may be room on the channel. */
void stplr_room_made(struct stplr_channel *channel)
{
	struct stplr_wake_batch batch = { .count = 0 };
	unsigned int looks;

	/* who made it has had the lock since: whoever waited then is seen */
	if (RB_EMPTY_ROOT(&channel->crowd.rb_root))
		return;
	do {
		looks = STPLR_WAKE_BATCH / 2; /* each may wake two */
		spin_lock(&channel->lock);
		stplr_room_let_in(channel, &batch, &looks);
		spin_unlock(&channel->lock);
		if (batch.count) {
			stplr_wake_all(&batch);
			stplr_channel_wake_pollers(channel);
		}
		cond_resched();
	} while (!looks);
}

static void stplr_room_unclog(struct stplr_channel *channel, struct stplr_connection *connection)
{
	connection->clogged = false;
	list_del(&connection->crowded);
	stplr_share_line_up(channel, connection);
}

/* There may be room for what comes over the connection; stplr_room_made() follows. */
void stplr_room_made_here(struct stplr_connection *connection)
{
	struct stplr_channel *channel = connection->channel;

	lockdep_assert_held(&channel->lock);
	if (list_empty(&connection->crowd) || !connection->clogged)
		return;
	stplr_room_unclog(channel, connection);
}

/* The channel has ended: so does each wait for it. */
void stplr_room_end(struct stplr_channel *channel)
{
	struct stplr_connection *connection;
	unsigned int done;

	do {
		spin_lock(&channel->lock);
		for (done = 0; done < STPLR_WAKE_BATCH && !list_empty(&channel->full); done++) {
			connection = list_first_entry(&channel->full, struct stplr_connection,
						      crowded);
			stplr_room_unclog(channel, connection);
		}
		spin_unlock(&channel->lock);
		cond_resched();
	} while (done == STPLR_WAKE_BATCH);
	stplr_room_made(channel);
}

/* The connection has ended: so does each wait over it. */
void stplr_room_end_here(struct stplr_connection *connection)
{
	struct stplr_channel *channel = connection->channel;
	struct stplr_wake_batch batch = { .count = 0 };
	bool more;

	do {
		spin_lock(&channel->lock);
		while (batch.count < STPLR_WAKE_BATCH - 1 && !list_empty(&connection->crowd) &&
		       !stplr_room_take(channel, connection, &batch))
			;
		more = batch.count >= STPLR_WAKE_BATCH - 1;
		spin_unlock(&channel->lock);
		stplr_wake_all(&batch);
		cond_resched();
	} while (more);
}

/* Waits until it was put in (0), or an error. */
static int stplr_room_wait(struct stplr_channel *channel, struct stplr_connection *connection,
			   struct stplr_room_waiter *waiter, s64 deadline, clockid_t clock)
{
	unsigned int sleep = stplr_connection_sleep(connection);
	bool expired = false;
	int err;

	for (;;) {
		set_current_state(sleep | TASK_FREEZABLE);
		/* pairs with stplr_room_take() */
		if (smp_load_acquire(&waiter->result) != STPLR_ROOM_AWAITED)
			break;
		err = -ETIMEDOUT;
		if (expired)
			break;
		err = sleep == TASK_KILLABLE ? -EINTR : -ERESTARTSYS;
		if (signal_pending_state(sleep, current))
			break;
		expired = stplr_sleep(deadline, clock);
	}
	__set_current_state(TASK_RUNNING);

	spin_lock(&channel->lock);
	if (waiter->result == STPLR_ROOM_AWAITED)
		stplr_room_leave(channel, connection, waiter);
	else
		err = waiter->result;
	spin_unlock(&channel->lock);
	return err;
}

/*
 * Calls @enter once there is room on the channel for what comes over the connection, and returns
 * what it returned; or EAGAIN, ETIMEDOUT, ERESTARTSYS. It may be called by another thread.
 */
int stplr_room_enter(struct stplr_channel *channel, struct stplr_connection *connection,
		     stplr_enter_function *enter, void *arg, s64 deadline, clockid_t clock)
{
	struct stplr_room_waiter waiter = {
		.task = current,
		.enter = enter,
		.arg = arg,
		.result = STPLR_ROOM_AWAITED,
	};
	struct task_struct *receiver = NULL;
	bool wait = false;
	int err;

	spin_lock(&channel->lock);
	err = enter(channel, arg, &receiver);
	if (err == STPLR_NO_ROOM || err == STPLR_NO_ROOM_HERE) {
		wait = deadline != STPLR_DEADLINE_POLL;
		if (wait)
			stplr_room_line_up(channel, connection, &waiter,
					   err == STPLR_NO_ROOM_HERE);
		err = -EAGAIN;
	}
	spin_unlock(&channel->lock);
	if (wait)
		return stplr_room_wait(channel, connection, &waiter, deadline, clock);

	if (!err) {
		stplr_wake(receiver);
		stplr_channel_wake_pollers(channel);
	}
	return err;
}
