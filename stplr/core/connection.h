/* SPDX-License-Identifier: GPL-2.0 */
/* The client's end. */
#ifndef STPLR_CORE_CONNECTION_H
#define STPLR_CORE_CONNECTION_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "base/spin.h"
#include "core/channel.h"
#include "core/device.h"
#include "core/message.h"
#include "core/process.h"

struct stplr_client;
struct stplr_share;
struct stplr_user;
struct stplr_watch;

/* bits of connection->busy */
#define STPLR_OWN_MESSAGE 0

/**
 * struct stplr_connection - the client's end
 * @ref: the file, each queued message
 * @channel: to which
 * @process: who made it
 * @user: who pays
 * @share: what that user has in @channel
 * @coid: its id on the device
 * @cookie: what the server attached to it
 * @client: its process as the channel knows it, until it is detached; under device->registry
 * @spin_us: for how long its clients look before they sleep, or STPLR_SPIN_DEFAULT
 * @spin: of their looks for an answer
 * @lends: its clients lend their priority, however high: STPLR_CONNECT_LEND
 * @events: registered on it
 * @busy: STPLR_OWN_MESSAGE: @own is in use
 * @reply_hint: how long replies have been lately
 * @watch: who is told when the channel ends, or NULL; under channel->lock
 * @buffers: registered ones of its clients, by index; under its own lock
 * @hangup: who polls it, besides channel->hangup: its detach is nothing to others
 * @detached: ended by its owner; under channel->lock, as is what follows but @own
 * @nr_running: operations of the channel's server that run over it; one of them does the rest of a
 *	detach
 * @nr_queued: messages sent with STPLR_SEND_QUEUED that were not freed yet
 * @nr_dropped: such messages that were lost with the channel
 * @drop_pending: and the client was not told yet
 * @nr_parked: messages whose thread may come back; read without the lock too
 * @last_token: given to the last message that was parked
 * @messages: messages in use beyond @own
 * @parked: those whose thread may come back, @own among them, by token
 * @parkers: the same, by thread
 * @last_looked: the token of the last one that was looked at for whether its thread lives
 * @crowd: threads that wait for room on a channel, by this connection; under that channel's lock
 * @crowded: in @share->crowd, or in that channel's ->full if @clogged
 * @clogged: the connection's own bound is met
 * @late: frees it where who puts the last reference must not wait
 * @own: the message most sends use
 */
struct stplr_connection {
	struct kref ref;
	struct stplr_channel *channel;
	struct stplr_process *process;
	struct stplr_user *user;
	struct stplr_share *share;
	u32 coid;
	u64 cookie;
	struct stplr_client *client;
	int spin_us;
	struct stplr_spin spin;
	bool lends;
	struct stplr_event_owner events;
	unsigned long busy;
	size_t reply_hint;
	struct stplr_watch *watch;
	struct xarray buffers;
	wait_queue_head_t hangup;
	bool detached;
	bool drop_pending;
	unsigned int nr_running;
	unsigned int nr_queued;
	u64 nr_dropped;
	unsigned int nr_parked;
	u64 last_token;
	struct list_head messages;
	struct rb_root parked;
	struct rb_root parkers;
	u64 last_looked;
	bool clogged;
	union {
		struct {
			struct list_head crowd;
			struct list_head crowded;
		};
		struct work_struct late;
	};
	struct stplr_message own;
};

/* Is it kernel code's? */
static inline bool stplr_connection_kernel(const struct stplr_connection *connection)
{
	return !connection->process->pid;
}

/* How a thread waits that has come by it: kernel code is not to be interrupted, only killed. */
static inline unsigned int stplr_connection_sleep(const struct stplr_connection *connection)
{
	return stplr_connection_kernel(connection) ? TASK_KILLABLE : TASK_INTERRUPTIBLE;
}

/* Why nothing can be sent over it, or 0. */
static inline int stplr_connection_refused(struct stplr_connection *connection)
{
	struct stplr_channel *channel = connection->channel;

	lockdep_assert_held(&channel->lock);
	if (unlikely(connection->detached))
		return stplr_connection_kernel(connection) && channel->dead ? -ESRCH : -EBADF;
	if (unlikely(connection->drop_pending)) {
		connection->drop_pending = false;
		return -ECONNRESET;
	}
	return unlikely(channel->dead || channel->shutdown) ? -ESRCH : 0;
}

#endif /* STPLR_CORE_CONNECTION_H */
