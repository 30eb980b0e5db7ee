/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stplr - private types, and the rules that keep them alive and consistent
 *
 * References
 *
 *	file of a channel	-> channel
 *	file of a connection	-> connection -> channel
 *	queued message		-> connection
 *	watch			-> channel to be told; the connection and that channel's queue
 *				   hold the watch
 *	event			-> connection, eventfd or struct pid to notify, process, channel
 *	client			-> process
 *	accepted channel	-> listening channel; and the other way round while it waits in the
 *				   backlog, which the end of the listening channel empties
 *	channel, connection	-> process (who made it), user (who pays for it); its table of
 *				   registered buffers, emptied by the last close, which the user
 *				   and the connection or channel outlive
 *	message, server's call	-> registered buffer -> mm (that it is told by, not what is in it)
 *	channel			-> workers (threads that receive on it) -> process, thread
 *	thread			-> struct pid
 *	process			-> struct pid
 *
 * Nothing of stplr refers to a struct file or, beyond the time of a call, to a task, so no cycle
 * can form. Devices live as long as the module, and every file holds the module.
 *
 * A message belongs to its client: to the thread that is in the call, or, once parked, to the
 * connection. A queued one belongs to itself, and is freed by whoever ends it (channel->finished).
 * The server reaches it in three ways only, all under channel->lock: in channel->messages, in
 * channel->received, and through a transfer that it counted in message->transfers. The owner frees
 * a message after it has seen it in none of them. A thread is woken through a task reference taken
 * under the lock.
 *
 * Locks, in the order in which they may be taken
 *
 *	device->registry		mutex: names, processes, their channels and ids, events,
 *					the clients of channels; no channel or connection is freed
 *					while it is held. Others wait for it, so memory is
 *					allocated before
 *	  xarrays' own locks		device->connections, device->events: to find what is there
 *	thread->mutex			rt_mutex, see thread.c: how the thread is scheduled. Only
 *					real-time threads wait for it
 *	  channel->lock			spinlock: the channel's queues, waiting receivers and
 *					received messages, the state of its messages, its flags,
 *					its watches, its workers, and the lists of messages of its
 *					connections
 *	    pool->lock			raw spinlock: the places of a channel's pulses
 *	    thread->lock		spinlock, see priority.h: what a thread is to be raised to
 *	stplr_users_lock		spinlock, in quota.c; nothing is taken under it
 *	xa_lock of buffers		spinlock: a table of registered buffers; nor under this. A
 *					buffer's last reference is put without locks: that sleeps
 *
 * The registry and a thread's mutex are never held together, nor are the locks of two channels.
 *
 * Bytes are copied with no lock held and page faults disabled, with message->transfers counted up:
 * a transfer never waits for a peer, and a long one ends early for a client that wants to leave, so
 * waiting for one to end is short. Each side takes its own page faults.
 *
 * States of a message; all changes happen under channel->lock. One that is not in use is DONE
 *
 *	DONE -> QUEUED			the client is SEND-blocked, it is in channel->messages
 *	QUEUED -> RECEIVING		a receiver took it and copies (transfers is 1)
 *	RECEIVING -> QUEUED		the receiver could not take it: it has its old place again
 *	RECEIVING -> RECEIVED		the client is REPLY-blocked, it is in channel->received
 *	RECEIVED -> REPLYING		a reply has taken the rcvid and copies (one transfer more)
 *	REPLYING -> RECEIVED		the server's buffer was bad: still to be answered
 *	RECEIVING, RECEIVED, REPLYING -> ENDING	   the result is set, no new transfer may start
 *	QUEUED, ENDING -> DONE		the last transfer is out; the client goes on
 */
#ifndef STPLR_PRIVATE_H
#define STPLR_PRIVATE_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/hashtable.h>
#include <linux/idr.h>
#include <linux/irq_work.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/printk.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/sched/prio.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <uapi/linux/stplr.h>

#include "base/clock.h"
#include "base/compat.h"
#include "base/counters.h"
#include "base/params.h"
#include "base/priority.h"
#include "base/queue.h"
#include "base/quota.h"
#include "base/wake.h"
#include "file/args.h"
#include "file/buffer.h"
#include "memory/buffer.h"
#include "memory/registered.h"
#include "memory/sides.h"

#define STPLR_RECEIVED_BITS 8
#define STPLR_WORKERS_BITS 4

/*
 * A server whose own memory goes again as fast as it is faulted in gets EFAULT after so many
 * tries.
 */
#define STPLR_FAULT_TRIES 64

struct dentry;
struct stplr_channel;
struct stplr_connection;
struct stplr_device;
struct stplr_message;
struct stplr_thread;
struct stplr_worker;

/* debugfs.c: what root can see of a device */

/**
 * struct stplr_totals - what channels have counted by themselves
 * @sends: messages queued
 * @receives: messages received
 * @replies: replies that reached their client
 * @pulses: pulses and notices queued
 * @pulses_refused: pulses that found the pool used up
 */
struct stplr_totals {
	u64 sends;
	u64 receives;
	u64 replies;
	u64 pulses;
	u64 pulses_refused;
};

void stplr_totals_add(struct stplr_totals *totals, struct stplr_channel *channel);
void stplr_debugfs_init(void);
void stplr_debugfs_exit(void);
void stplr_debugfs_add(struct stplr_device *device);
void stplr_debugfs_remove(struct stplr_device *device);

/* device.c */

/**
 * struct stplr_device - /dev/stplr-N, a domain of channels and names
 * @dev: its place in /sys and /dev; holds the memory
 * @cdev: the character device
 * @index: N
 * @registry: guards @names and @processes
 * @names: channels by name
 * @processes: processes that made a channel or a connection here, by struct pid
 * @names_made: how often a name came; read without the lock too
 * @named: woken when a name comes
 * @channels: by an id of their own; changed under @registry
 * @connections: by coid, those that have a descriptor; they leave it under @registry
 * @scoids: ids of processes
 * @events: by id
 * @last_event: where to look for the next id
 * @totals: of channels that are gone; under @registry
 * @counts: what happens seldom
 * @debugfs: its folder there
 */
struct stplr_device {
	struct device dev;
	struct cdev cdev;
	unsigned int index;
	struct mutex registry; /* guards the two below, and all that hangs on them */
	DECLARE_HASHTABLE(names, 8);
	DECLARE_HASHTABLE(processes, 8);
	unsigned int names_made;
	wait_queue_head_t named;
	struct xarray channels;
	struct xarray connections;
	struct ida scoids;
	struct xarray events;
	u32 last_event;
	struct stplr_totals totals;
	struct stplr_counts counts;
	struct dentry *debugfs;
};

/**
 * struct stplr_event_owner - a connection or an open device, with the events registered on it
 * @events: under device->registry, as is the next
 * @ended: no more come
 */
struct stplr_event_owner {
	struct list_head events;
	bool ended;
};

extern const struct file_operations stplr_device_fops;

long stplr_version_ioctl(void __user *arg, unsigned int size);

/* process.c: processes as a device knows them */

/**
 * struct stplr_process - a process on a device: the channels it made, its id as a client
 * @node: in device->processes
 * @device: which device
 * @pid: the process (its thread group)
 * @channels: by chid
 * @scoid: its id as a client
 * @ref: one for each channel and connection made by it, and for each of its workers; the last goes
 *	under device->registry
 * @serves: its threads receive on this device: what they wait for as clients is noted
 */
struct stplr_process {
	struct hlist_node node;
	struct stplr_device *device;
	struct pid *pid;
	struct xarray channels;
	u32 scoid;
	refcount_t ref;
	bool serves;
};

struct stplr_process *stplr_process_get(struct stplr_device *device);
struct stplr_process *stplr_process_hold(struct stplr_process *process);
struct stplr_process *stplr_process_find(struct stplr_device *device, struct pid *pid);
void stplr_process_put(struct stplr_process *process);

/* pulse.c: pulses, beside messages */

enum stplr_pulse_origin {
	STPLR_PULSE_POOL,	 /* of the channel's pool */
	STPLR_NOTICE_UNBLOCK,	 /* of a message */
	STPLR_NOTICE_DISCONNECT, /* of a client */
	STPLR_NOTICE_DEATH,	 /* of a watch */
};

/**
 * struct stplr_pulse_entry - a pulse, queued or in the pool
 * @entry: in channel->pulses while @queued
 * @origin: to what it belongs
 * @queued: under channel->lock
 * @code: what the receiver gets, as is the rest
 * @scoid: of the sender's process
 * @coid: of the connection
 * @value: the sender's
 * @cookie: the connection's, as it was when it was sent
 * @free: the next one in pool->free
 * @incoming: in pool->incoming or pool->taken
 */
struct stplr_pulse_entry {
	struct stplr_entry entry;
	enum stplr_pulse_origin origin : 8;
	bool queued;
	s8 code;
	u32 scoid;
	u32 coid;
	u64 value;
	u64 cookie;
	union {
		struct stplr_pulse_entry *free;
		struct llist_node incoming;
	};
};

/**
 * struct stplr_pool - the pulses that may be queued on a channel, beside notices
 * @lock: raw, for it is taken in any context; guards the next four
 * @free: those that were used before
 * @nr_fresh: the first so many of @pulses were never used
 * @nr_used: in use
 * @nr_refused: how often none was left
 * @size: in all
 * @channel: whose it is
 * @payer: who is charged for it: the client whose pulse was the first, or the channel's user
 * @incoming: sent by kernel code, not queued yet; youngest first
 * @taken: the older part of those, oldest first; under channel->lock
 * @irq_work: queues @incoming
 * @work: likewise, where @irq_work could not
 * @pulses: themselves
 */
struct stplr_pool {
	raw_spinlock_t lock;
	struct stplr_pulse_entry *free;
	unsigned int nr_fresh;
	unsigned int nr_used;
	u64 nr_refused;
	unsigned int size;
	struct stplr_channel *channel;
	struct stplr_user *payer;
	struct llist_head incoming;
	struct llist_node *taken;
	struct irq_work irq_work;
	struct work_struct work;
	struct stplr_pulse_entry pulses[];
};

int stplr_pool_make(struct stplr_channel *channel, unsigned int size, struct stplr_user *payer);
void stplr_pool_free(struct stplr_pool *pool);
int stplr_pulse_queue(struct stplr_channel *channel, struct stplr_pulse_entry *pulse);
void stplr_pulse_dequeue(struct stplr_channel *channel, struct stplr_pulse_entry *pulse);
int stplr_pulse_deliver(struct stplr_channel *channel, const struct stplr_connection *connection,
			struct stplr_pulse_entry *pulse);
void stplr_pulses_end(struct stplr_channel *channel);
int stplr_pulse_check(const struct stplr_connection *connection, int priority, int code);
int stplr_pulse_priority(const struct stplr_connection *connection, int priority);
int stplr_pulse_post(struct stplr_connection *connection, int priority, s8 code, u64 value);
long stplr_pulse_ioctl(struct stplr_connection *connection, const void __user *arg,
		       unsigned int size);

/* client.c: client processes as a channel knows them */

/**
 * struct stplr_client - a process with connections to a channel; under device->registry until the
 * last has gone, then its notice's
 * @process: who; holds a reference
 * @cred: who it was when it first connected
 * @user: who is charged for the notice, if there will be one, with a reference
 * @nr_connections: how many
 * @announced: one of them has been handed out
 * @disconnect: the notice that the last has gone
 */
struct stplr_client {
	struct stplr_process *process;
	const struct cred *cred;
	struct stplr_user *user;
	unsigned int nr_connections;
	bool announced;
	struct stplr_pulse_entry disconnect;
};

int stplr_client_join(struct stplr_connection *connection, struct stplr_channel *channel);
void stplr_client_announce(struct stplr_connection *connection);
void stplr_client_leave(struct stplr_connection *connection, struct stplr_channel *channel);
bool stplr_client_known(struct stplr_channel *channel, const struct stplr_process *process);
void stplr_client_free(struct stplr_client *client);
long stplr_client_info_ioctl(struct stplr_channel *channel, void __user *arg, unsigned int size);
long stplr_cookie_ioctl(struct stplr_channel *channel, const void __user *arg, unsigned int size);

/* notice.c: pulses of the module's own */

/**
 * struct stplr_watch - a connection whose owner is told of the end of its channel
 * @ref: the connection, the queue that @pulse is in, and who holds it for a moment
 * @link: in channel->watches, under that channel's lock
 * @target: the channel to tell; holds a reference
 * @cancelled: no longer to be told; under @target's lock, as is @pulse
 * @pulse: the notice
 */
struct stplr_watch {
	struct kref ref;
	struct list_head link;
	struct stplr_channel *target;
	bool cancelled;
	struct stplr_pulse_entry pulse;
};

struct task_struct *stplr_unblock_request(struct stplr_message *message);
void stplr_unblock_forget(struct stplr_message *message);
void stplr_connection_unwatch(struct stplr_connection *connection);
void stplr_channel_end_watches(struct stplr_channel *channel);
void stplr_notice_release(struct stplr_pulse_entry *pulse, enum stplr_pulse_origin origin);
long stplr_notify_ioctl(struct stplr_connection *connection, const void __user *arg,
			unsigned int size);

/* event.c: what clients allow servers to notify them by */

long stplr_event_register_ioctl(struct stplr_device *device, struct stplr_event_owner *owner,
				struct stplr_channel *channel, void __user *arg, unsigned int size);
long stplr_event_unregister_ioctl(struct stplr_device *device, struct stplr_event_owner *owner,
				  const void __user *arg, unsigned int size);
void stplr_events_end(struct stplr_device *device, struct stplr_event_owner *owner);
long stplr_event_deliver_ioctl(struct stplr_channel *channel, const void __user *arg,
			       unsigned int size);

/* channel.c */

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
 * @creator: the process that made it
 * @cred: the creator's, to decide who may attach
 * @user: who pays
 * @flags: STPLR_CHANNEL_*
 * @file: its file; only compared
 * @chid: its id in the creator, 0 for an accepted channel
 * @backlog_max: of a listening channel: how many connections may wait
 * @boost_max: the highest priority that a message may lend, or -1
 * @peer: of an accepted channel (peer.listener is set): its client
 * @pool: of pulses, made with the first of them; then constant
 * @clients: by scoid; under device->registry
 * @buffers: registered ones of its servers, by index; under its own lock
 * @registered: it can be found; under device->registry, as are the next five
 * @name_node: in device->names
 * @name: its name, or ""
 * @owner: of the name
 * @group: of the name
 * @mode: of the name
 * @lock: guards what follows, see above
 * @dead: it has ended: nothing is queued or received any more
 * @shutdown: nothing is queued or received any more, replies still pass
 * @messages: those to be received
 * @pulses: likewise
 * @last_seq: age of the last one queued
 * @last_rcvid: the last one given out
 * @rcvid_rounds: how often they started from 1 again
 * @nr_put_back: messages that took their place in the queue again
 * @nr_replies: messages that were answered
 * @nr_pulses: pulses that were queued
 * @receivers: threads that wait for a message, the last that came first
 * @pulse_receivers: threads that wait for a pulse only
 * @coming: threads that were taken off these two, and have not looked yet at what there is
 * @last_worker: the one that received last, or stplr_nobody
 * @lowest: no worker that can be raised is worth less by itself, as far as was noticed
 * @workers: threads that receive here, by struct pid
 * @nr_workers: their number
 * @watches: connections whose owners want to be told when it ends
 * @received: messages that wait for their reply, by rcvid
 * @nr_polled: those in @messages whose sender does not wait for a receiver
 * @nr_coming: those in @coming that look for a message
 * @left: a process with several threads has closed its last descriptor
 * @nr_queued: messages sent with STPLR_SEND_QUEUED that were not freed yet
 * @finished: such messages that have ended, to be freed once the lock is released
 * @backlog: of a listening channel: accepted channels to be
 * @nr_backlog: how many, and places reserved for such
 * @readable: who polls the channel
 * @hangup: who polls its connections
 * @room: who waits for room in the queue or the backlog
 */
struct stplr_channel {
	struct kref ref;
	struct stplr_device *device;
	u32 id;
	struct stplr_process *creator;
	const struct cred *cred;
	struct stplr_user *user;
	u32 flags;
	struct file *file;
	s32 chid;
	u32 backlog_max;
	int boost_max;
	struct stplr_peer peer;
	struct stplr_pool *pool;
	struct xarray clients;
	struct xarray buffers;

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
	u64 nr_replies;
	u64 nr_pulses;
	struct hlist_head receivers;
	struct hlist_head pulse_receivers;
	struct hlist_head coming;
	struct stplr_worker *last_worker;
	int lowest;
	unsigned int nr_workers;
	DECLARE_HASHTABLE(workers, STPLR_WORKERS_BITS);
	struct list_head watches;
	DECLARE_HASHTABLE(received, STPLR_RECEIVED_BITS);
	unsigned int nr_polled;
	unsigned int nr_coming;
	bool left;
	unsigned int nr_queued;
	struct list_head finished;
	struct list_head backlog;
	unsigned int nr_backlog;
	wait_queue_head_t readable;
	wait_queue_head_t hangup;
	wait_queue_head_t room;
};

long stplr_channel_create_ioctl(struct stplr_device *device, void __user *arg, unsigned int size);
struct stplr_channel *stplr_channel_alloc(struct stplr_device *device,
					  struct stplr_channel *parent);
int stplr_channel_destroy(struct stplr_channel *channel);
int stplr_channel_file(struct stplr_channel *channel, bool nonblock, struct file **file);
struct stplr_channel *stplr_channel_fdget(int fd);
void stplr_channel_put(struct stplr_channel *channel);

int stplr_channel_list(struct stplr_channel *channel);

/* accept.c: listening channels, and the channels they hand out */

struct stplr_channel *stplr_backlog_join(struct stplr_channel *listener,
					 struct stplr_connection *connection, s64 deadline,
					 clockid_t clock);
int stplr_backlog_enter(struct stplr_channel *child);
void stplr_backlog_forgo(struct stplr_channel *child);
void stplr_backlog_end(struct stplr_channel *listener);
void stplr_peer_closed(struct stplr_channel *channel);
long stplr_accept_ioctl(struct stplr_channel *channel, bool nonblock, void __user *arg,
			unsigned int size);

/* name.c: how a channel is found, and by whom */

int stplr_name_check(const char *name, size_t len);
int stplr_name_register(struct stplr_channel *channel);
void stplr_name_unregister(struct stplr_channel *channel);
struct stplr_channel *stplr_name_wait(struct stplr_device *device, const char *name, s64 deadline,
				      clockid_t clock);
struct stplr_channel *stplr_chid_find(struct stplr_device *device, pid_t pid, s32 chid);

/* message.c: a message's life */

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
 * @link: in connection->messages, unless it is the connection's own; if @queued, in
 *	channel->finished
 * @state: under channel->lock; its client may read it without
 * @transfers: reads and writes under way; under channel->lock
 * @since: when it was queued, then when it was received, in jiffies; likewise
 * @kind: STPLR_KIND_*
 * @poll: to be received by a thread that waits already, or not at all: the error then, else 0
 * @wake_on_receive: the client sets another timer once the message is received
 * @drain: the client is to be woken, once, when a transfer ends
 * @unblocking: the client wants to be unblocked: STPLR_UNBLOCK_*
 * @queued: sent with STPLR_SEND_QUEUED: nobody waits, @client is NULL; holds a reference to
 *	@connection
 * @parked_link: in connection->parked: its client has left the call for a signal and may come back
 * @result: 0 or -errno, from ENDING on
 * @status: of the reply
 * @rcvid: given out, or 0
 * @entry: in channel->messages while QUEUED; its priority is the client's when it queued
 * @received_node: in channel->received while RECEIVED
 * @worker: who received it, while it is RECEIVING or RECEIVED; only compared
 * @receiver: process that received it, or NULL; holds a reference
 * @client: thread that waits, or NULL
 * @uid: of the client
 * @gid: of the client
 * @token: names it while it is parked
 * @parker: thread that parked it; holds a reference
 * @mm: whose memory it is about, once parked; only compared
 * @tgid: of the sender, if @queued; holds a reference
 * @tid: likewise
 * @unblock: the notice of @unblocking
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
	u8 unblocking;
	bool queued;
	int result;
	s32 status;
	s32 rcvid;
	struct stplr_entry entry;
	struct hlist_node received_node;
	const struct stplr_worker *worker;
	struct pid *receiver;
	struct task_struct *client;
	kuid_t uid;
	kgid_t gid;
	u64 token;
	struct pid *parker;
	struct mm_struct *mm;
	struct list_head parked_link;
	struct pid *tgid;
	struct pid *tid;
	struct stplr_pulse_entry unblock;

	struct stplr_sides sides;
};

/* The message in a queue's entry. */
static inline struct stplr_message *stplr_entry_message(struct stplr_entry *entry)
{
	return container_of(entry, struct stplr_message, entry);
}

int stplr_message_cache_init(void);
void stplr_message_cache_exit(void);
struct stplr_message *stplr_message_claim(struct stplr_connection *connection);
struct stplr_message *stplr_message_alloc_queued(struct stplr_connection *connection);
void stplr_message_free(struct stplr_message *message);
struct task_struct *stplr_message_end(struct stplr_message *message, int result);
struct task_struct *stplr_message_ending(struct stplr_message *message, int result);
struct task_struct *stplr_message_transfer_out(struct stplr_message *message);
int stplr_message_gone(const struct stplr_message *message);
void stplr_unlock_and_wake(struct stplr_channel *channel, struct task_struct *client)
	__releases(&channel->lock);
void stplr_unlock_and_hand_over(struct stplr_channel *channel, struct task_struct *client)
	__releases(&channel->lock);
void stplr_channel_reap(struct stplr_channel *channel);
bool stplr_message_withdraw(struct stplr_message *message);
void stplr_message_discard(struct stplr_message *message);
u64 stplr_message_park(struct stplr_message *message);
struct stplr_message *stplr_parked_claim(struct stplr_connection *connection, u64 token, u32 kind);
void stplr_parked_drop(struct stplr_connection *connection, const struct pid *parker);

/* wait.c: how threads sleep and wake */

/**
 * struct stplr_receiver - a thread that waits for a message or pulse
 * @link: in channel->receivers or ->pulse_receivers; whoever wakes the thread moves it to ->coming
 * @task: the thread
 * @for_message: it comes, and counts in channel->nr_coming
 * @since: when it began to wait, in jiffies
 */
struct stplr_receiver {
	struct hlist_node link;
	struct task_struct *task;
	bool for_message;
	unsigned long since;
};

struct task_struct *stplr_receiver_pop(struct stplr_channel *channel);
struct task_struct *stplr_pulse_receiver_pop(struct stplr_channel *channel);
struct task_struct *stplr_receiver_asleep(struct stplr_channel *channel, bool for_message);
struct task_struct *stplr_pulse_receiver(struct stplr_channel *channel);
int stplr_receiver_wait(struct stplr_channel *channel, bool pulses_only, s64 deadline,
			clockid_t clock);
int stplr_room_wait(struct stplr_channel *channel, int (*try)(struct stplr_channel *, void *),
		    void *arg, s64 deadline, clockid_t clock);
int stplr_client_wait(struct stplr_message *message, const struct stplr_msg_send *args,
		      u64 *token);
void stplr_client_drain(struct stplr_message *message);

/* connection.c */

/* bits of connection->busy */
#define STPLR_OWN_MESSAGE 0

/**
 * struct stplr_connection - the client's end
 * @ref: the file, each queued message
 * @channel: to which
 * @process: who made it
 * @user: who pays
 * @coid: its id on the device
 * @cookie: what the server attached to it
 * @client: its process as the channel knows it, until it is detached; under device->registry
 * @events: registered on it
 * @busy: STPLR_OWN_MESSAGE: @own is in use
 * @reply_hint: how long replies have been lately
 * @watch: who is told when the channel ends, or NULL; under channel->lock
 * @buffers: registered ones of its clients, by index; under its own lock
 * @detached: ended by its owner; under channel->lock, as is what follows but @own
 * @nr_queued: messages sent with STPLR_SEND_QUEUED that were not freed yet
 * @nr_dropped: such messages that were lost with the channel
 * @drop_pending: and the client was not told yet
 * @nr_parked: messages whose thread may come back; read without the lock too
 * @last_token: given to the last message that was parked
 * @messages: messages in use beyond @own
 * @parked: those whose thread may come back, @own among them
 * @own: the message most sends use
 */
struct stplr_connection {
	struct kref ref;
	struct stplr_channel *channel;
	struct stplr_process *process;
	struct stplr_user *user;
	u32 coid;
	u64 cookie;
	struct stplr_client *client;
	struct stplr_event_owner events;
	unsigned long busy;
	size_t reply_hint;
	struct stplr_watch *watch;
	struct xarray buffers;
	bool detached;
	bool drop_pending;
	unsigned int nr_queued;
	u64 nr_dropped;
	unsigned int nr_parked;
	u64 last_token;
	struct list_head messages;
	struct list_head parked;
	struct stplr_message own;
};

int stplr_connection_cache_init(void);
void stplr_connection_cache_exit(void);
void stplr_connection_put(struct stplr_connection *connection);
struct stplr_connection *stplr_connection_fdget(int fd);
long stplr_connect_attach_ioctl(struct stplr_device *device, void __user *arg, unsigned int size);

/* worker.c, priority.c: servers work at their clients' priority */

/**
 * struct stplr_worker - a thread that receives on a channel; under channel->lock
 * @node: in channel->workers
 * @pid: the thread
 * @thread: the same thread on whatever channels; holds a reference
 * @process: its process, which serves as long as it has workers; holds a reference
 * @prio: its normal_prio when it received last
 * @priority: a message worth more than this raises it: its own, or -1 if it is raised or to be, or
 *	INT_MAX if it cannot be
 * @absent: its process has closed the channel: it is not busy for it
 */
struct stplr_worker {
	struct hlist_node node;
	struct pid *pid;
	struct stplr_thread *thread;
	struct stplr_process *process;
	int prio;
	int priority;
	bool absent;
};

extern struct stplr_worker stplr_nobody;
extern atomic_t stplr_nr_marked;

int stplr_threads_init(void);
void stplr_threads_exit(void);
void stplr_workers_init(struct stplr_channel *channel, const struct stplr_channel *parent);
void stplr_workers_limit(struct stplr_channel *channel);
void stplr_workers_lower(struct stplr_channel *channel, const struct pid *tgid);
void stplr_workers_free(struct stplr_channel *channel);
struct stplr_worker *stplr_worker_enter_slow(struct stplr_channel *channel);
void stplr_worker_unlock_and_settle(struct stplr_channel *channel, struct stplr_worker *worker,
				    const struct stplr_message *message)
	__releases(&channel->lock);
bool stplr_worker_rest_slow(struct stplr_channel *channel, bool waits, bool *left);
void stplr_unlock_and_raise(struct stplr_channel *channel, struct task_struct *receiver,
			    int priority)
	__releases(&channel->lock);
void stplr_raise_again(struct stplr_channel *channel);
void stplr_raise_resumed(struct stplr_message *message);
void stplr_thread_block(const struct stplr_connection *connection);

/*
 * The calling thread receives; called and left with the lock, which may be released meanwhile. The
 * worker is good as long as the thread lives.
 */
static inline struct stplr_worker *stplr_worker_enter(struct stplr_channel *channel)
{
	struct stplr_worker *worker = channel->last_worker;
	struct task_struct *self = current;

	lockdep_assert_held(&channel->lock);
	if (likely(worker->pid == task_pid(self) && worker->prio == self->normal_prio))
		return worker;
	return stplr_worker_enter_slow(channel);
}

/* Is the calling thread as it should be for such a message? */
static inline bool stplr_worker_settled(const struct stplr_worker *worker, int priority)
{
	return likely(priority <= worker->priority);
}

/* Is there a thread that is raised, or is to be? Who marked the caller did so under its lock. */
static inline bool stplr_marked(void)
{
	/* without volatile, it is one comparison with memory; the lock that is held orders it */
	return unlikely(data_race(stplr_nr_marked.counter));
}

/* The calling thread is about to wait. True if the lock was released; @left: it is not done yet. */
static inline bool stplr_worker_rest(struct stplr_channel *channel, bool *left)
{
	lockdep_assert_held(&channel->lock);
	return stplr_marked() && stplr_worker_rest_slow(channel, true, left);
}

/* The calling thread has received nothing that would lend it anything. */
static inline void stplr_worker_idle(struct stplr_channel *channel)
{
	bool left;

	if (!stplr_marked())
		return;
	spin_lock(&channel->lock);
	stplr_worker_rest_slow(channel, false, &left);
	spin_unlock(&channel->lock);
}

/* A message was queued: is the thread woken for it, or a busy one if there is none, worth less? */
static inline bool stplr_inverted(const struct stplr_channel *channel,
				  const struct task_struct *receiver, int priority)
{
	lockdep_assert_held(&channel->lock);
	if (likely(receiver))
		return unlikely(receiver->normal_prio > MAX_PRIO - 1 - priority ||
				receiver->policy == SCHED_IDLE);
	return unlikely(priority > channel->lowest);
}

/* send.c, receive.c, reply.c, data.c: the calls */

/* What a struct stplr_msg_reply may ask for. */
#define STPLR_REPLY_FLAGS (STPLR_REPLY_VECTOR | STPLR_REPLY_REGISTERED | STPLR_REPLY_NO_TRUNC)

long stplr_send_ioctl(struct stplr_connection *connection, u32 kind, bool nonblock,
		      void __user *arg, unsigned int size);
void stplr_receive_leave(struct stplr_channel *channel);
long stplr_info_ioctl(struct stplr_channel *channel, void __user *arg, unsigned int size);
long stplr_receive_ioctl(struct stplr_channel *channel, bool nonblock, void __user *arg,
			 unsigned int size);
long stplr_reply_receive_ioctl(struct stplr_channel *channel, bool nonblock, void __user *arg,
			       unsigned int size);
long stplr_reply_ioctl(struct stplr_channel *channel, void __user *arg, unsigned int size);
int stplr_reply(struct stplr_channel *channel, const struct stplr_msg_reply *args,
		struct stplr_msg_reply __user *uargs, bool then_receive);
long stplr_data_ioctl(struct stplr_channel *channel, bool write, void __user *arg,
		      unsigned int size);

/* pulse.c again */

static inline struct stplr_pulse_entry *stplr_pulse_first(const struct stplr_channel *channel)
{
	struct stplr_entry *first = channel->pulses.first;

	return first ? container_of(first, struct stplr_pulse_entry, entry) : NULL;
}

/* With a pulse there: is it to be received next? */
static inline bool stplr_pulse_is_next(const struct stplr_channel *channel, bool pulses_only)
{
	return pulses_only || !channel->messages.first ||
	       stplr_queue_before(&channel->pulses, &channel->messages);
}

int stplr_pulse_receive(struct stplr_channel *channel, const struct stplr_user_buffer *buffer,
			struct stplr_msg_info __user *uinfo)
	__releases(&channel->lock);

/* channel.c again */

void stplr_channel_wake_pollers(struct stplr_channel *channel);
void stplr_channel_wake_receivers(struct stplr_channel *channel);

void stplr_channel_check_left(struct stplr_channel *channel);

/*
 * A message has just become the calling process's to answer. If that has closed its last
 * descriptor meanwhile, flush was too early to see it; if not, flush will. Under the lock flush
 * sets @left and looks, we add and then look.
 */
static inline void stplr_channel_check_held(struct stplr_channel *channel)
{
	if (unlikely(READ_ONCE(channel->left)))
		stplr_channel_check_left(channel);
}

void stplr_channel_end_queued(struct stplr_channel *channel, bool polled);

#endif /* STPLR_PRIVATE_H */
