// SPDX-License-Identifier: GPL-2.0
/*
 * A message's life: where it comes from, the steps between its states (see README.md), where it
 * goes. Everything here that changes a state is called with channel->lock held, and returns the
 * thread that is to be woken once the lock is released.
 */

#include <linux/rbtree.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "base/clock.h"
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
#include "core/patience.h"
#include "core/raise.h"
#include "core/room.h"
#include "core/shares.h"
#include "core/slot.h"

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

/* A message for the calling thread that is not the connection's own. */
struct stplr_message *stplr_message_alloc(struct stplr_connection *connection)
{
	struct stplr_channel *channel = connection->channel;
	struct stplr_message *message;

	message = stplr_message_new(connection);
	if (IS_ERR(message))
		return message;
	stplr_patience_init(message);
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
	stplr_connection_put_late(message->connection);
}

/* Gives back what the message holds, and itself. The server cannot reach it any more. */
void stplr_message_free(struct stplr_message *message)
{
	struct stplr_connection *connection = message->connection;
	struct stplr_channel *channel = connection->channel;

	stplr_sides_free(&message->sides);
	stplr_message_drop_receiver(message);
	if (likely(message == &connection->own)) {
		clear_bit_unlock(STPLR_OWN_MESSAGE, &connection->busy);
		return;
	}
	stplr_uncharge(&connection->user->messages);
	if (message->queued) {
		stplr_message_free_queued(message);
	} else {
		stplr_patience_end(message);
		spin_lock(&channel->lock);
		list_del(&message->link);
		spin_unlock(&channel->lock);
		/* one that kernel code has kept took a place until it was DONE */
		if (channel->server)
			stplr_room_made(channel);
	}
	kmem_cache_free(stplr_message_cache, message);
}

/*
 * Nobody waits for a queued or abandoned message: it is to be freed after unlocking. If a queued
 * one was lost, its connection, should it still be open, is told.
 */
static void stplr_message_finish(struct stplr_message *message)
{
	struct stplr_connection *connection = message->connection;
	struct stplr_channel *channel = connection->channel;

	/* who posted it is told instead; and who has abandoned it is dead */
	if (message->posted || message->abandoned)
		goto finished;
	if (message->result == -ESRCH) {
		connection->nr_dropped++;
		stplr_count(&channel->device->counts, STPLR_COUNT_LOST);
		connection->drop_pending = true;
	}
	connection->nr_queued--;
	stplr_share_queued(channel, connection->share, -1);
	stplr_room_made_here(connection);
finished:
	list_add_tail(&message->link, &channel->finished);
}

/* The last step: from here on the message is its client's, who may be gone before we unlock. */
static struct task_struct *stplr_message_done(struct stplr_message *message)
{
	struct task_struct *client = message->client;

	stplr_message_let_go(message->connection->channel, message);
	if (unlikely(message->queued || message->abandoned))
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

/* One of those that have ended, of this line, or of all without one; and are there @more, maybe? */
static struct stplr_message *stplr_finished_take(struct stplr_channel *channel,
						 const struct stplr_line *line, bool *more)
{
	struct stplr_message *message, *taken = NULL;

	spin_lock(&channel->lock);
	list_for_each_entry(message, &channel->finished, link) {
		if (line && !(message->posted && stplr_message_slot(message)->line == line))
			continue;
		taken = message;
		list_del_init(&message->link);
		break;
	}
	*more = !list_empty(&channel->finished);
	spin_unlock(&channel->lock);
	return taken;
}

/* An abandoned one holds its connection, and may be that one's own. */
static void stplr_finished_free(struct stplr_message *message)
{
	struct stplr_connection *held = message->abandoned ? message->connection : NULL;

	stplr_message_free(message);
	if (held)
		stplr_connection_put_late(held);
}

/*
 * Frees the queued messages that have ended, which makes room for others, and tells of posted ones;
 * or does so of a @line's alone: a driver's operation might want what the caller holds, if that is
 * another driver which closes its link.
 *
 * One at a time: who is told of one may have to wait for whoever is told of another, or for room.
 * The caller's reference keeps the channel, whatever connections go with their messages.
 */
void stplr_channel_reap(struct stplr_channel *channel, const struct stplr_line *line)
{
	struct stplr_message *message;
	bool more = true, room = false;

	while (more && (message = stplr_finished_take(channel, line, &more))) {
		if (!message->posted) {
			stplr_finished_free(message);
			room = true;
			continue;
		}
		if (room)
			stplr_room_made(channel);
		room = false;
		stplr_slot_done(message);
		cond_resched();
	}
	if (room)
		stplr_room_made(channel);
}

/* The end of each step that a server makes. */
void stplr_unlock_and_wake(struct stplr_channel *channel, struct task_struct *client)
	__releases(&channel->lock)
{
	bool finished = !list_empty(&channel->finished), changed = stplr_loans_changed(channel);

	spin_unlock(&channel->lock);
	stplr_wake(client);
	if (changed)
		stplr_settle(channel);
	if (unlikely(finished))
		stplr_channel_reap(channel, NULL);
}

/* Will a thread that receives now have to wait? Of messages the caller knows. */
static bool stplr_would_wait(const struct stplr_channel *channel,
			     const struct stplr_msg_receive *receive)
{
	return !channel->pulses.first && !channel->shutdown && !channel->peer.closed &&
	       !stplr_deadline_passed(receive->deadline, receive->clock);
}

/*
 * The same, before the server receives @then: unless there is something, its client may go first.
 */
void stplr_unlock_and_hand_over(struct stplr_channel *channel, struct task_struct *client,
				const struct stplr_msg_receive *then)
	__releases(&channel->lock)
{
	if (channel->messages.first || !list_empty(&channel->finished) ||
	    unlikely(channel->lending)) {
		stplr_unlock_and_wake(channel, client);
		return;
	}
	if (stplr_channel_wakes_here(channel) && stplr_would_wait(channel, then)) {
		spin_unlock(&channel->lock);
		stplr_hand_over_here(client);
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
 * The calling thread dies, and so nobody minds when its message ends that is being copied: that is
 * left to whoever copies it, and may not run for long. Its bytes are pinned.
 */
static void stplr_message_abandon(struct stplr_message *message)
{
	struct stplr_connection *connection = message->connection;

	lockdep_assert_held(&connection->channel->lock);
	kref_get(&connection->ref);
	message->abandoned = true;
	/* who copies it may be about to tell who that is, see call/receive.c */
	WRITE_ONCE(message->client, NULL);
	message->drain = false;
	stplr_message_lend(message); /* nothing */
	if (message->sender)
		stplr_sender_leaves(message);
	if (message != &connection->own)
		list_del_init(&message->link);
}

/*
 * Waits until a message that is being copied is not any more, which is soon, for it is leaving;
 * called and left with the lock. False if it @may be abandoned, for the calling thread dies.
 */
static bool stplr_client_drain(struct stplr_message *message, bool may)
{
	struct stplr_channel *channel = message->connection->channel;

	lockdep_assert_held(&channel->lock);
	while (message->state == STPLR_RECEIVING || message->state == STPLR_REPLYING ||
	       message->state == STPLR_ENDING) {
		if (may && (fatal_signal_pending(current) || current->flags & PF_EXITING)) {
			stplr_message_abandon(message);
			return false;
		}
		message->drain = true;
		set_current_state(may ? TASK_KILLABLE : TASK_UNINTERRUPTIBLE);
		spin_unlock(&channel->lock);
		schedule();
		spin_lock(&channel->lock);
	}
	return true;
}

/*
 * Its owner takes the message back; the server cannot reach it any more when this returns, or
 * frees it, for the owner dies. What kernel code sends lies in its own memory: that is waited for.
 */
enum stplr_withdrawal stplr_message_withdraw(struct stplr_message *message)
{
	bool may = !stplr_connection_kernel(message->connection);
	struct task_struct *self;

	lockdep_assert_held(&message->connection->channel->lock);
	/* a long copy looks now and then */
	WRITE_ONCE(message->sides.leaving, true);
	for (;;) {
		self = stplr_message_end(message, STPLR_WITHDRAWN);
		if (self)
			put_task_struct(self);
		if (message->state == STPLR_DONE)
			return message->result == STPLR_WITHDRAWN ? STPLR_TAKEN_BACK :
								    STPLR_TOO_LATE;
		if (!stplr_client_drain(message, may))
			return STPLR_ABANDONED;
	}
}

/* The same, for a message that nobody waits for any more. */
void stplr_message_discard(struct stplr_message *message)
{
	struct stplr_channel *channel = message->connection->channel;
	enum stplr_withdrawal withdrawal;

	spin_lock(&channel->lock);
	withdrawal = stplr_message_withdraw(message);
	stplr_unlock_and_settle(channel);
	if (withdrawal != STPLR_ABANDONED)
		stplr_message_free(message);
}

/* Parked messages: REPLY-blocked ones whose thread has left the call, for a signal or a while */

static struct stplr_message *stplr_parked_of(struct rb_node *node)
{
	return rb_entry(node, struct stplr_message, parked_node);
}

static struct stplr_message *stplr_parker_of(struct rb_node *node)
{
	return rb_entry(node, struct stplr_message, parker_node);
}

static bool stplr_parked_before(struct rb_node *a, const struct rb_node *b)
{
	return stplr_parked_of(a)->token < rb_entry(b, struct stplr_message, parked_node)->token;
}

static bool stplr_parker_before(struct rb_node *a, const struct rb_node *b)
{
	return stplr_parker_of(a)->parker < rb_entry(b, struct stplr_message, parker_node)->parker;
}

static int stplr_parker_compare(const void *parker, const struct rb_node *node)
{
	const struct pid *other = rb_entry(node, struct stplr_message, parker_node)->parker;

	return parker == other ? 0 : parker < (const void *)other ? -1 : 1;
}

/* Leaves a message to its connection; the token by which to find it again. */
u64 stplr_message_park(struct stplr_message *message)
{
	struct stplr_connection *connection = message->connection;

	lockdep_assert_held(&connection->channel->lock);
	message->client = NULL;
	stplr_message_lend(message); /* nothing */
	if (message->sender)
		stplr_sender_leaves(message);
	message->parker = get_pid(task_pid(current));
	message->tgid = get_pid(task_tgid(current));
	message->token = ++connection->last_token;
	message->mm = current->mm;
	mmgrab(message->mm); /* so that no other gets its address */
	rb_add(&message->parked_node, &connection->parked, stplr_parked_before);
	rb_add(&message->parker_node, &connection->parkers, stplr_parker_before);
	WRITE_ONCE(connection->nr_parked, connection->nr_parked + 1);
	stplr_count(&connection->channel->device->counts, STPLR_COUNT_PARKED);
	return message->token;
}

static void stplr_message_unpark(struct stplr_message *message)
{
	struct stplr_connection *connection = message->connection;

	lockdep_assert_held(&connection->channel->lock);
	message->client = current;
	message->impatient = false;
	message->overdue = false;
	mmdrop(message->mm);
	rb_erase(&message->parked_node, &connection->parked);
	rb_erase(&message->parker_node, &connection->parkers);
	put_pid(message->parker);
	message->parker = NULL;
	put_pid(message->tgid);
	message->tgid = NULL;
	WRITE_ONCE(connection->nr_parked, connection->nr_parked - 1);
}

/* The parked message with this token or, if there is none, the next higher; or NULL. */
static struct stplr_message *stplr_parked_from(struct stplr_connection *connection, u64 token)
{
	struct rb_node *node = connection->parked.rb_node;
	struct stplr_message *found = NULL;

	lockdep_assert_held(&connection->channel->lock);
	while (node) {
		struct stplr_message *message = stplr_parked_of(node);

		if (message->token >= token)
			found = message;
		node = message->token >= token ? node->rb_left : node->rb_right;
	}
	return found;
}

/* Takes over the parked message with this token, if it was sent by this call, from this memory. */
struct stplr_message *stplr_parked_claim(struct stplr_connection *connection, u64 token, u32 kind)
{
	struct stplr_message *message;

	spin_lock(&connection->channel->lock);
	message = stplr_parked_from(connection, token);
	if (message && message->token == token && message->kind == kind &&
	    message->mm == current->mm)
		stplr_message_unpark(message);
	else
		message = NULL;
	spin_unlock(&connection->channel->lock);
	if (message)
		stplr_count(&connection->channel->device->counts, STPLR_COUNT_RESUMED);
	return message;
}

/* The next one whose thread is dead, or NULL: at most a batch of them is @looked at. */
static struct stplr_message *stplr_parked_dead(struct stplr_connection *connection,
					       unsigned int *looked)
{
	struct stplr_message *message;

	while ((*looked)++ < STPLR_WAKE_BATCH) {
		message = stplr_parked_from(connection, connection->last_looked + 1);
		connection->last_looked = message ? message->token : 0;
		if (message && !pid_has_task(message->parker, PIDTYPE_PID))
			return message;
	}
	return NULL;
}

/* Takes one that @parker left, or a thread that is dead; any, without a @parker. */
static struct stplr_message *stplr_parked_claim_left(struct stplr_connection *connection,
						     const struct pid *parker,
						     unsigned int *looked)
{
	struct stplr_message *message;
	struct rb_node *node;

	spin_lock(&connection->channel->lock);
	node = parker ? rb_find(parker, &connection->parkers, stplr_parker_compare) :
			connection->parkers.rb_node;
	message = node	 ? stplr_parker_of(node) :
		  parker ? stplr_parked_dead(connection, looked) :
			   NULL;
	if (message)
		stplr_message_unpark(message);
	spin_unlock(&connection->channel->lock);
	return message;
}

/*
 * Takes the next one from @token on that the calling process left; NULL after a batch, or after
 * all: then @token is 0.
 */
static struct stplr_message *stplr_parked_claim_own(struct stplr_connection *connection,
						    u64 *token)
{
	struct stplr_message *message = NULL;
	unsigned int looked = 0;

	spin_lock(&connection->channel->lock);
	while (looked++ < STPLR_WAKE_BATCH) {
		message = stplr_parked_from(connection, *token);
		*token = message ? message->token + 1 : 0;
		if (!message)
			break;
		if (message->tgid == task_tgid(current)) {
			stplr_message_unpark(message);
			break;
		}
		message = NULL;
	}
	spin_unlock(&connection->channel->lock);
	return message;
}

static void stplr_parked_discard(struct stplr_message *message)
{
	stplr_count(&message->connection->channel->device->counts, STPLR_COUNT_DROPPED);
	stplr_message_discard(message);
}

/* The calling process exits: what its threads left ends with its memory. */
void stplr_parked_exit(struct stplr_connection *connection)
{
	struct stplr_message *message;
	u64 token = 1;

	while (token) {
		message = stplr_parked_claim_own(connection, &token);
		if (message)
			stplr_parked_discard(message);
		cond_resched();
	}
}

/*
 * Drops what the thread @parker left parked on this connection, and some of what dead threads did;
 * or NULL: all that was left.
 */
void stplr_parked_drop(struct stplr_connection *connection, const struct pid *parker)
{
	struct stplr_message *message;
	unsigned int looked = 0;

	while ((message = stplr_parked_claim_left(connection, parker, &looked))) {
		stplr_parked_discard(message);
		cond_resched();
	}
}
