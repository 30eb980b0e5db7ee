/* SPDX-License-Identifier: GPL-2.0 */
/* One send of one thread, and the states it goes through; see README.md. */
#ifndef STPLR_CORE_MESSAGE_H
#define STPLR_CORE_MESSAGE_H

#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/pid.h>
#include <linux/timer.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include "base/queue.h"
#include "core/loan.h"
#include "core/pool.h"
#include "memory/sides.h"

struct pid;
struct stplr_connection;
struct stplr_thread;
struct stplr_worker;
struct task_struct;

/* The result of a message that its client took back; no server can give it, no client sees it. */
#define STPLR_WITHDRAWN (-ERESTARTNOINTR)

/* A client that a signal or deadline has hit, on a channel with STPLR_CHANNEL_UNBLOCK */
#define STPLR_UNBLOCK_WANTED BIT(0) /* it wants to be unblocked */
#define STPLR_UNBLOCK_TOLD BIT(1)   /* and its server has a notice of it */

enum stplr_message_state {
	STPLR_DONE,
	STPLR_QUEUED,
	STPLR_RECEIVING,
	STPLR_RECEIVED,
	STPLR_REPLYING,
	STPLR_ENDING,
};

/**
 * struct stplr_message - one send of one thread
 * @connection: over which it came
 * @link: in connection->messages, unless it is the connection's own; if @queued or @abandoned, in
 *	channel->finished
 * @state: under channel->lock; its client may read it without
 * @transfers: reads and writes under way; under channel->lock
 * @since: when it was queued, then when it was received, in jiffies; likewise
 * @kind: STPLR_KIND_*
 * @poll: to be received by a thread that waits already, or not at all: the error then, else 0
 * @wake_on_receive: the client sets another timer once the message is received
 * @drain: the client is to be woken, once, when a transfer ends
 * @received: a server has taken it; with @since, read without the lock where there is no SMP
 * @impatient: the client waits for a moment only: STPLR_SEND_PARK
 * @overdue: and that is over; its client may read it without the lock
 * @unblocking: the client wants to be unblocked: STPLR_UNBLOCK_*
 * @queued: sent with STPLR_SEND_QUEUED: nobody waits, @client is NULL; holds a reference to
 *	@connection
 * @posted: part of a struct stplr_slot: kernel code has posted it. @queued is set, too, but the
 *	connection is kept by the slot's line
 * @abandoned: its client died while it was copied: who copies it frees it. @client is NULL; holds a
 *	reference to @connection
 * @parked_node: in connection->parked: its client has left the call and may come back
 * @parker_node: in connection->parkers then
 * @result: 0 or -errno, from ENDING on
 * @status: of the reply
 * @rcvid: given out, or 0
 * @entry: in channel->messages while QUEUED; its priority is the client's when it queued, or, if
 *	that is a worker, now
 * @received_node: in channel->received_more while RECEIVED, unless it is channel->received
 * @polled_link: in channel->polled while QUEUED, with @poll
 * @worker: who has received it, until it ends, or NULL
 * @loan: what it lends to @worker
 * @sender: its client, while that one waits and is a worker itself, or NULL
 * @depth: through how many clients came what it lends; 0 without a @sender
 * @receiver: process that received it, or NULL; its worker's, and good as long as that has it
 * @receiver_held: none has it: holds a reference
 * @client: thread that waits, or NULL; changed under channel->lock, read under RCU, too
 * @uid: of the client
 * @gid: of the client
 * @token: names it while it is parked
 * @parker: thread that parked it; holds a reference
 * @mm: whose memory it is about, once parked; only compared
 * @tgid: of the sender, if @queued or parked; holds a reference
 * @tid: likewise
 * @unblock: the notice of @unblocking
 * @patience: ends the moment of an @impatient client; not if @queued
 * @sides: its bytes: what is sent, and where the reply goes
 */
struct stplr_message {
	struct stplr_connection *connection;
	struct list_head link;

	enum stplr_message_state state;
	unsigned int transfers;
	unsigned long since;
	u32 kind;
	int poll;
	bool wake_on_receive;
	bool drain;
	bool received;
	bool impatient;
	bool overdue;
	u8 unblocking;
	bool queued;
	bool posted;
	bool abandoned;
	int result;
	s32 status;
	s32 rcvid;
	struct stplr_entry entry;
	struct rb_node received_node;
	struct stplr_worker *worker;
	struct stplr_loan loan;
	struct stplr_thread *sender;
	unsigned int depth;
	struct pid *receiver;
	bool receiver_held;
	struct task_struct *client;
	kuid_t uid;
	kgid_t gid;
	u64 token;
	struct pid *parker;
	struct mm_struct *mm;
	union {
		struct list_head polled_link;
		struct rb_node parked_node;
	};
	struct rb_node parker_node;
	struct pid *tgid;
	struct pid *tid;
	struct stplr_pulse_entry unblock;
	struct timer_list patience;

	struct stplr_sides sides;
};

/* Is it parked, and the memory gone from which alone it could be waited for again? */
static inline bool stplr_message_orphaned(const struct stplr_message *message)
{
	return !message->client && !message->queued && !atomic_read(&message->mm->mm_users);
}

/* Its owner has it back: what is told of who received it is over. */
static inline void stplr_message_drop_receiver(struct stplr_message *message)
{
	if (unlikely(message->receiver_held))
		put_pid(message->receiver);
	message->receiver_held = false;
	message->receiver = NULL;
}

/* The message in a queue's entry. */
static inline struct stplr_message *stplr_entry_message(struct stplr_entry *entry)
{
	return container_of(entry, struct stplr_message, entry);
}

#endif /* STPLR_CORE_MESSAGE_H */
