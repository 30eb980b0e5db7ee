// SPDX-License-Identifier: GPL-2.0
/*
 * A message's life: where it comes from, the steps between its states (see README.md), where it
 * goes. Everything here that changes a state is called with channel->lock held, and returns the
 * thread that is to be woken once the lock is released.
 */

#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "base/counters.h"
#include "base/params.h"
#include "base/quota.h"
#include "base/wake.h"
#include "core/connection.h"
#include "core/device.h"
#include "core/life.h"
#include "core/messages.h"
#include "core/notice.h"
#include "core/object.h"

static struct kmem_cache *stplr_message_cache;

int stplr_message_cache_init(void)
{
	stplr_message_cache = kmem_cache_create("stplr_message", sizeof(struct stplr_message), 0,
						SLAB_ACCOUNT, NULL);
	return stplr_message_cache ? 0 : -ENOMEM;
}

void stplr_message_cache_exit(void)
{
	kmem_cache_destroy(stplr_message_cache);
}

static struct stplr_message *stplr_message_new(struct stplr_connection *connection)
{
	struct stplr_message *message;
	int err;

	err = stplr_charge(&connection->user->messages, READ_ONCE(stplr_user_messages));
	if (err)
		return ERR_PTR(err);
	message = kmem_cache_zalloc(stplr_message_cache, GFP_KERNEL);
	if (!message) {
		stplr_uncharge(&connection->user->messages);
		return ERR_PTR(-ENOMEM);
	}
	message->connection = connection;
	message->sides.user = connection->user;
	return message;
}

static struct stplr_message *stplr_message_alloc(struct stplr_connection *connection)
{
	struct stplr_channel *channel = connection->channel;
	struct stplr_message *message;

	message = stplr_message_new(connection);
	if (IS_ERR(message))
		return message;
	spin_lock(&channel->lock);
	list_add(&message->link, &connection->messages);
	spin_unlock(&channel->lock);
	return message;
}

/* A message for the calling thread: the connection's own, or another if that one is in use. */
struct stplr_message *stplr_message_claim(struct stplr_connection *connection)
{
	if (likely(!test_and_set_bit_lock(STPLR_OWN_MESSAGE, &connection->busy)))
		return &connection->own;
	return stplr_message_alloc(connection);
}

/* A message that nobody will wait for; it holds its connection and says who sent it. */
struct stplr_message *stplr_message_alloc_queued(struct stplr_connection *connection)
{
	struct stplr_message *message;

	message = stplr_message_new(connection);
	if (IS_ERR(message))
		return message;
	kref_get(&connection->ref);
	message->queued = true;
	message->sides.kept = true;
	message->tgid = get_pid(task_tgid(current));
	message->tid = get_pid(task_pid(current));
	return message;
}

static void stplr_message_free_queued(struct stplr_message *message)
{
	put_pid(message->tgid);
	put_pid(message->tid);
	stplr_connection_put(message->connection);
}

/* Gives back what the message holds, and itself. The server cannot reach it any more. */
void stplr_message_free(struct stplr_message *message)
{
	struct stplr_connection *connection = message->connection;
	struct stplr_channel *channel = connection->channel;

	stplr_sides_free(&message->sides);
	put_pid(message->receiver);
	message->receiver = NULL;
	if (likely(message == &connection->own)) {
		clear_bit_unlock(STPLR_OWN_MESSAGE, &connection->busy);
		return;
	}
	stplr_uncharge(&connection->user->messages);
	if (message->queued) {
		stplr_message_free_queued(message);
	} else {
		spin_lock(&channel->lock);
		list_del(&message->link);
		spin_unlock(&channel->lock);
	}
	kmem_cache_free(stplr_message_cache, message);
}

/*
 * Nobody waits for a queued message: it is to be freed after unlocking. If it was lost, its
 * connection, should it still be open, is told.
 */
static void stplr_message_finish(struct stplr_message *message)
{
	struct stplr_connection *connection = message->connection;
	struct stplr_channel *channel = connection->channel;

	if (message->result == -ESRCH) {
		connection->nr_dropped++;
		stplr_count(&channel->device->counts, STPLR_COUNT_LOST);
		connection->drop_pending = true;
	}
	connection->nr_queued--;
	channel->nr_queued--;
	list_add_tail(&message->link, &channel->finished);
}

/* The last step: from here on the message is its client's, who may be gone before we unlock. */
static struct task_struct *stplr_message_done(struct stplr_message *message)
{
	struct task_struct *client = message->client;

	if (unlikely(message->queued))
		stplr_message_finish(message);
	if (client)
		get_task_struct(client);
	/* pairs with stplr_client_wait(), which takes no lock */
	smp_store_release(&message->state, STPLR_DONE);
	return client;
}

/* The result is known, and as soon as no transfer is left the message is done. */
struct task_struct *stplr_message_ending(struct stplr_message *message, int result)
{
	lockdep_assert_held(&message->connection->channel->lock);
	message->result = result;
	if (unlikely(message->unblocking))
		stplr_unblock_forget(message);
	WRITE_ONCE(message->state, STPLR_ENDING);
	return message->transfers ? NULL : stplr_message_done(message);
}

/*
 * Ends a message with this result, if it is still to be answered. One that is being copied is left
 * alone: its transfer asks stplr_message_gone() when it is through, or has answered it.
 */
struct task_struct *stplr_message_end(struct stplr_message *message, int result)
{
	struct stplr_channel *channel = message->connection->channel;

	lockdep_assert_held(&channel->lock);
	switch (message->state) {
	case STPLR_QUEUED:
		stplr_message_dequeue(channel, message);
		message->result = result;
		return stplr_message_done(message);
	case STPLR_RECEIVED:
		stplr_received_del(channel, message);
		return stplr_message_ending(message, result);
	default:
		return NULL;
	}
}

/* A transfer has ended. */
struct task_struct *stplr_message_transfer_out(struct stplr_message *message)
{
	lockdep_assert_held(&message->connection->channel->lock);
	if (!--message->transfers && message->state == STPLR_ENDING)
		return stplr_message_done(message);
	if (!message->drain)
		return NULL;
	message->drain = false;
	return get_task_struct(message->client);
}

/* Frees the queued messages that have ended; and there is room for others. */
void stplr_channel_reap(struct stplr_channel *channel)
{
	struct stplr_message *message, *next;
	LIST_HEAD(finished);

	spin_lock(&channel->lock);
	list_splice_init(&channel->finished, &finished);
	spin_unlock(&channel->lock);
	if (list_empty(&finished))
		return;

	/* the caller's reference keeps the channel, whatever connections go with their messages */
	list_for_each_entry_safe(message, next, &finished, link)
		stplr_message_free(message);
	if (wq_has_sleeper(&channel->room))
		wake_up_interruptible(&channel->room);
}

/* The end of each step that a server makes. */
void stplr_unlock_and_wake(struct stplr_channel *channel, struct task_struct *client)
	__releases(&channel->lock)
{
	bool finished = !list_empty(&channel->finished);

	spin_unlock(&channel->lock);
	stplr_wake(client);
	if (unlikely(finished))
		stplr_channel_reap(channel);
}

/* The same, before the server receives: unless there is something, its client may go first. */
void stplr_unlock_and_hand_over(struct stplr_channel *channel, struct task_struct *client)
	__releases(&channel->lock)
{
	if (channel->messages.first || !list_empty(&channel->finished)) {
		stplr_unlock_and_wake(channel, client);
		return;
	}
	spin_unlock(&channel->lock);
	stplr_hand_over(client);
}

/* Why a message cannot be left for an answer, or 0. */
int stplr_message_gone(const struct stplr_message *message)
{
	lockdep_assert_held(&message->connection->channel->lock);
	if (message->connection->channel->dead)
		return -ESRCH;
	if (message->connection->detached && !message->queued)
		return -EBADF;
	return message->sides.leaving ? STPLR_WITHDRAWN : 0;
}

/*
 * Waits until a message that is being copied is not any more, which is soon, for it is leaving;
 * called and left with the lock.
 */
static void stplr_client_drain(struct stplr_message *message)
{
	struct stplr_channel *channel = message->connection->channel;

	lockdep_assert_held(&channel->lock);
	while (message->state == STPLR_RECEIVING || message->state == STPLR_REPLYING ||
	       message->state == STPLR_ENDING) {
		message->drain = true;
		set_current_state(TASK_UNINTERRUPTIBLE);
		spin_unlock(&channel->lock);
		schedule();
		spin_lock(&channel->lock);
	}
}

/*
 * Its owner takes the message back; the server cannot reach it any more when this returns. False if
 * it was too late: it has its result.
 */
bool stplr_message_withdraw(struct stplr_message *message)
{
	struct task_struct *self;

	lockdep_assert_held(&message->connection->channel->lock);
	/* a long copy looks now and then */
	WRITE_ONCE(message->sides.leaving, true);
	for (;;) {
		self = stplr_message_end(message, STPLR_WITHDRAWN);
		if (self)
			put_task_struct(self);
		if (message->state == STPLR_DONE)
			return message->result == STPLR_WITHDRAWN;
		stplr_client_drain(message);
	}
}

/* The same, for a message that nobody waits for any more. */
void stplr_message_discard(struct stplr_message *message)
{
	struct stplr_channel *channel = message->connection->channel;

	spin_lock(&channel->lock);
	stplr_message_withdraw(message);
	spin_unlock(&channel->lock);
	stplr_message_free(message);
}

/* Parked messages: REPLY-blocked ones whose thread has left the call for a signal */

/* Leaves a message to its connection; the token by which to find it again. */
u64 stplr_message_park(struct stplr_message *message)
{
	struct stplr_connection *connection = message->connection;

	lockdep_assert_held(&connection->channel->lock);
	message->client = NULL;
	message->parker = get_pid(task_pid(current));
	message->token = ++connection->last_token;
	message->mm = current->mm;
	mmgrab(message->mm); /* so that no other gets its address */
	list_add(&message->parked_link, &connection->parked);
	WRITE_ONCE(connection->nr_parked, connection->nr_parked + 1);
	stplr_count(&connection->channel->device->counts, STPLR_COUNT_PARKED);
	return message->token;
}

static void stplr_message_unpark(struct stplr_message *message)
{
	struct stplr_connection *connection = message->connection;

	lockdep_assert_held(&connection->channel->lock);
	message->client = current;
	mmdrop(message->mm);
	list_del(&message->parked_link);
	put_pid(message->parker);
	message->parker = NULL;
	WRITE_ONCE(connection->nr_parked, connection->nr_parked - 1);
}

/* Takes over the parked message with this token, if it was sent by this call, from this memory. */
struct stplr_message *stplr_parked_claim(struct stplr_connection *connection, u64 token, u32 kind)
{
	struct stplr_message *message, *found = NULL;

	spin_lock(&connection->channel->lock);
	list_for_each_entry(message, &connection->parked, parked_link) {
		if (message->token == token && message->kind == kind &&
		    message->mm == current->mm) {
			found = message;
			stplr_message_unpark(message);
			break;
		}
	}
	spin_unlock(&connection->channel->lock);
	if (found)
		stplr_count(&connection->channel->device->counts, STPLR_COUNT_RESUMED);
	return found;
}

/* Takes one that @parker left, or a thread that is dead; any, without a @parker. */
static struct stplr_message *stplr_parked_claim_left(struct stplr_connection *connection,
						     const struct pid *parker)
{
	struct stplr_message *message, *found = NULL;

	spin_lock(&connection->channel->lock);
	list_for_each_entry(message, &connection->parked, parked_link) {
		if (!parker || message->parker == parker ||
		    !pid_has_task(message->parker, PIDTYPE_PID)) {
			found = message;
			stplr_message_unpark(message);
			break;
		}
	}
	spin_unlock(&connection->channel->lock);
	return found;
}

/* Drops what the thread @parker left parked on this connection, or NULL: all that was left. */
void stplr_parked_drop(struct stplr_connection *connection, const struct pid *parker)
{
	struct stplr_message *message;

	while ((message = stplr_parked_claim_left(connection, parker))) {
		stplr_count(&connection->channel->device->counts, STPLR_COUNT_DROPPED);
		stplr_message_discard(message);
		cond_resched();
	}
}
