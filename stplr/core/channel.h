/* SPDX-License-Identifier: GPL-2.0 */
/* The server's end. */
#ifndef STPLR_CORE_CHANNEL_H
#define STPLR_CORE_CHANNEL_H

#include <linux/hashtable.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/xarray.h>
#include <uapi/linux/stplr.h>

#include "base/compat.h"
#include "base/params.h"
#include "base/queue.h"
#include "base/spin.h"

struct cred;
struct file;
struct pid;
struct stplr_device;
struct stplr_message;
struct stplr_pool;
struct stplr_process;
struct stplr_server;
struct stplr_totals;
struct stplr_user;
struct stplr_worker;

#define STPLR_WORKERS_BITS 4

/**
 * struct stplr_peer - the one client of an accepted channel; constant but for @waiting and @closed
 * @listener: the channel it connected to; holds a reference
 * @waiting: in the listener's backlog; under the listener's lock
 * @pid: the process that connected; holds a reference
 * @uid: its effective user then
 * @gid: its effective group then
 * @scoid: its id as a client
 * @coid: the connection's id
 * @closed: the connection is gone; under the accepted channel's lock
 */
struct stplr_peer {
	struct stplr_channel *listener;
	struct list_head waiting;
	struct pid *pid;
	kuid_t uid;
	kgid_t gid;
	u32 scoid;
	u32 coid;
	bool closed;
};

/**
 * struct stplr_channel - the server's end
 * @ref: the file, each connection, and whoever looks it up
 * @device: where it lives
 * @id: names it on the device, among those that live; 0 before it is in device->channels
 * @creator: the process that made it, or kernel code
 * @server: that code, or NULL
 * @direct: the same, if it takes messages and pulses in the threads that send them
 * @cred: the creator's, to decide who may attach
 * @user: who pays
 * @flags: STPLR_CHANNEL_*
 * @file: its file; only compared
 * @held_at: where in a table of descriptors it was last seen
 * @chid: its id in the creator, 0 for an accepted channel
 * @backlog_max: of a listening channel: how many connections may wait
 * @spin_us: for how long its threads look before they sleep, or STPLR_SPIN_DEFAULT
 * @lent_max: the highest real-time priority that is lent without its client's consent
 * @peer: of an accepted channel (peer.listener is set): its client
 * @pool: of pulses, made with the first of them; then constant
 * @clients: by scoid; under device->registry
 * @shares: what each user has here, by uid; under device->registry
 * @buffers: registered ones of its servers, by index; under its own lock
 * @left_link: in stplr_left, see raise.c
 * @registered: its chid is its own; under device->registry, as are the next five
 * @name_node: in device->names
 * @name: its name, or ""
 * @owner: of the name
 * @group: of the name
 * @mode: of the name
 * @lock: guards what follows, see README.md
 * @dead: it has ended: nothing is queued or received any more
 * @shutdown: nothing is queued or received any more, replies still pass
 * @messages: those to be received
 * @pulses: likewise
 * @last_seq: age of the last one queued
 * @last_rcvid: the last one given out
 * @rcvid_rounds: how often they started from 1 again
 * @nr_put_back: messages that took their place in the queue again
 * @nr_served: messages that @direct took and did not keep: they got no rcvid
 * @nr_replies: messages that were answered
 * @nr_pulses: pulses that were queued
 * @receivers: threads that wait for a message, the last that came first
 * @pulse_receivers: threads that wait for a pulse only
 * @coming: threads that were taken off these two, and have not looked yet at what there is
 * @last_worker: the one that received last, or stplr_nobody
 * @lending: 0 where loans need not be looked at: real-time messages in @messages, workers that the
 *	queue lends to, and those on @changed
 * @workers: threads that receive here, by task
 * @nr_workers: their number
 * @changed: workers whose thread is wanted at something else, and was not told yet
 * @watches: connections whose owners want to be told when it ends
 * @received: a message that waits for its reply, or NULL
 * @received_more: others, by rcvid
 * @polled: those in @messages whose sender does not wait for a receiver
 * @nr_polled: their number
 * @nr_coming: those in @coming that look for a message
 * @left: a process with several threads that has closed its last descriptor; holds a reference
 * @left_more: there was another, which lives, or one that shares its table
 * @nr_queued: messages sent with STPLR_SEND_QUEUED that were not freed yet
 * @finished: such messages that have ended, to be freed once the lock is released
 * @backlog: of a listening channel: accepted channels to be
 * @nr_backlog: how many
 * @readable: who polls the channel
 * @hangup: who polls its connections
 * @crowd: shares of users whose threads wait for room in the queue or backlog, see shares.c
 * @full: connections over which threads wait, and whose own bound is met
 */
struct stplr_channel {
	struct kref ref;
	struct stplr_device *device;
	u32 id;
	struct stplr_process *creator;
	struct stplr_server *server;
	struct stplr_server *direct;
	const struct cred *cred;
	struct stplr_user *user;
	u32 flags;
	struct file *file;
	unsigned int held_at;
	s32 chid;
	u32 backlog_max;
	int spin_us;
	int lent_max;
	struct stplr_peer peer;
	struct stplr_pool *pool;
	struct xarray clients;
	struct xarray shares;
	struct xarray buffers;
	struct list_head left_link;

	bool registered;
	struct hlist_node name_node;
	char name[STPLR_NAME_MAX + 1];
	kuid_t owner;
	kgid_t group;
	umode_t mode;

	spinlock_t lock ____cacheline_aligned_in_smp;
	bool dead;
	bool shutdown;
	struct stplr_queue messages;
	struct stplr_queue pulses;
	u64 last_seq;
	s32 last_rcvid;
	unsigned int rcvid_rounds;
	u64 nr_put_back;
	u64 nr_served;
	u64 nr_replies;
	u64 nr_pulses;
	struct hlist_head receivers;
	struct hlist_head pulse_receivers;
	struct hlist_head coming;
	struct stplr_worker *last_worker;
	unsigned int lending;
	unsigned int nr_workers;
	DECLARE_HASHTABLE(workers, STPLR_WORKERS_BITS);
	struct list_head changed;
	struct list_head watches;
	struct stplr_message *received;
	struct rb_root received_more;
	struct list_head polled;
	unsigned int nr_polled;
	unsigned int nr_coming;
	struct pid *left;
	bool left_more;
	unsigned int nr_queued;
	struct list_head finished;
	struct list_head backlog;
	unsigned int nr_backlog;
	wait_queue_head_t readable;
	wait_queue_head_t hangup;
	struct rb_root_cached crowd;
	struct list_head full;
};

/* Does who waits for somebody else here wake that one on the own processor, with several? */
static __always_inline bool stplr_channel_wakes_here(const struct stplr_channel *channel)
{
	return STPLR_WAKES_HERE && stplr_spin_possible() &&
	       unlikely(channel->flags & STPLR_CHANNEL_WAKE_HERE || READ_ONCE(stplr_wake_here));
}

void stplr_channel_wake_pollers(struct stplr_channel *channel);
u64 stplr_channel_receives(const struct stplr_channel *channel);
void stplr_totals_add(struct stplr_totals *totals, struct stplr_channel *channel);

#endif /* STPLR_CORE_CHANNEL_H */
