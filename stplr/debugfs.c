// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/stplr/stplr-N/: what there is on a device and who waits for whom, for root to
 * read while everything runs. Messages' bytes are nobody's business and not here.
 *
 * Channels and connections stay while device->registry is held, which seq_file does for a buffer's
 * worth of lines and not while it copies them to its reader; the next buffer goes on at the id
 * after. What is under a channel's lock is copied under it, a bounded number of threads at a time,
 * and printed after.
 */

#include <linux/debugfs.h>
#include <linux/jiffies.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/user_namespace.h>

#include "base/counters.h"
#include "base/quota.h"
#include "core/channel.h"
#include "core/connection.h"
#include "core/device.h"
#include "core/link.h"
#include "core/messages.h"
#include "core/pool.h"
#include "core/process.h"
#include "core/receiver.h"
#include "core/server.h"
#include "core/serving.h"
#include "core/slot.h"
#include "ring/ending.h"
#include "ring/ring.h"
#include "debugfs.h"

/* Most threads and messages that are looked at under one channel's lock at a time. */
#define STPLR_LOOK_MAX 256

static struct dentry *stplr_debugfs_root;

/* Iteration: positions are ids, 0 is the heading */

static void *stplr_objects_start(struct seq_file *seq, struct xarray *objects, loff_t *pos)
{
	struct stplr_device *device = seq->private;
	unsigned long id = *pos;
	void *object;

	mutex_lock(&device->registry);
	if (!id)
		return SEQ_START_TOKEN;
	object = xa_find(objects, &id, ULONG_MAX, XA_PRESENT);
	*pos = id;
	return object;
}

static void *stplr_objects_next(struct xarray *objects, loff_t *pos)
{
	unsigned long id = *pos + 1;
	void *object = xa_find(objects, &id, ULONG_MAX, XA_PRESENT);

	*pos = id;
	return object;
}

static void stplr_objects_stop(struct seq_file *seq, void *object)
{
	struct stplr_device *device = seq->private;

	mutex_unlock(&device->registry);
}

static pid_t stplr_reader_pid(struct pid *pid)
{
	return pid_nr_ns(pid, task_active_pid_ns(current));
}

/* A count that was not finished when it was enough. */
static void stplr_print_count(struct seq_file *seq, int width, unsigned int count)
{
	if (count < STPLR_LOOK_MAX)
		seq_printf(seq, " %*u", width, count);
	else
		seq_printf(seq, " %*u+", width - 1, STPLR_LOOK_MAX);
}

/* channels */

static unsigned int stplr_count_receivers(const struct stplr_channel *channel)
{
	const struct stplr_receiver *receiver;
	unsigned int count = 0;

	lockdep_assert_held(&channel->lock);
	hlist_for_each_entry(receiver, &channel->receivers, link) {
		if (++count == STPLR_LOOK_MAX)
			return count;
	}
	hlist_for_each_entry(receiver, &channel->pulse_receivers, link) {
		if (++count == STPLR_LOOK_MAX)
			return count;
	}
	return count;
}

static unsigned int stplr_count_received(struct stplr_channel *channel)
{
	const struct stplr_message *message = stplr_received_next(channel, 0);
	unsigned int count = 0;

	for (; message && count < STPLR_LOOK_MAX; count++)
		message = stplr_received_next(channel, message->rcvid);
	return count;
}

static void *stplr_channels_start(struct seq_file *seq, loff_t *pos)
{
	struct stplr_device *device = seq->private;

	return stplr_objects_start(seq, &device->channels, pos);
}

static void *stplr_channels_next(struct seq_file *seq, void *object, loff_t *pos)
{
	struct stplr_device *device = seq->private;

	return stplr_objects_next(&device->channels, pos);
}

static int stplr_channels_show(struct seq_file *seq, void *object)
{
	struct stplr_channel *channel = object;
	unsigned int queued, received, receivers, backlog, pulses;
	u64 sends, receives, replies;
	const char *state;

	if (object == SEQ_START_TOKEN) {
		seq_puts(seq, "#    id   chid     pid   uid  flags state    receivers backlog  queued");
		seq_puts(seq, "  pulses blocked        sent    received     replied name\n");
		return 0;
	}

	spin_lock(&channel->lock);
	state = channel->dead ? "ended" : channel->shutdown ? "shutdown" :
		channel->peer.closed ? "closed" : "open";
	receivers = stplr_count_receivers(channel);
	backlog = channel->nr_backlog;
	queued = stplr_queue_len(&channel->messages);
	pulses = stplr_queue_len(&channel->pulses);
	received = stplr_count_received(channel);
	sends = channel->last_seq - channel->nr_pulses;
	receives = stplr_channel_receives(channel);
	replies = channel->nr_replies;
	spin_unlock(&channel->lock);

	seq_printf(seq, "%7u %6d %7d %5u %6x %-8s", channel->id, channel->chid,
		   stplr_reader_pid(channel->creator->pid),
		   from_kuid_munged(seq_user_ns(seq), channel->cred->euid), channel->flags, state);
	stplr_print_count(seq, 9, receivers);
	seq_printf(seq, " %7u %7u %7u", backlog, queued, pulses);
	stplr_print_count(seq, 7, received);
	seq_printf(seq, " %11llu %11llu %11llu %s\n", sends, receives, replies,
		   channel->name[0] ? channel->name : "-");
	return 0;
}

static const struct seq_operations stplr_channels_sops = {
	.start = stplr_channels_start,
	.next = stplr_channels_next,
	.stop = stplr_objects_stop,
	.show = stplr_channels_show,
};
DEFINE_SEQ_ATTRIBUTE(stplr_channels);

/* connections */

static void *stplr_connections_start(struct seq_file *seq, loff_t *pos)
{
	struct stplr_device *device = seq->private;

	return stplr_objects_start(seq, &device->connections, pos);
}

static void *stplr_connections_next(struct seq_file *seq, void *object, loff_t *pos)
{
	struct stplr_device *device = seq->private;

	return stplr_objects_next(&device->connections, pos);
}

static int stplr_connections_show(struct seq_file *seq, void *object)
{
	struct stplr_connection *connection = object;
	struct stplr_channel *channel;
	unsigned int queued, parked;
	const char *state;
	u64 dropped;

	if (object == SEQ_START_TOKEN) {
		seq_puts(seq, "#  coid  scoid     pid   uid channel state     queued  parked");
		seq_puts(seq, "     dropped reply_hint\n");
		return 0;
	}

	channel = connection->channel;
	spin_lock(&channel->lock);
	state = connection->detached ? "detached" : channel->dead ? "ended" :
		channel->shutdown ? "shutdown" : "open";
	queued = connection->nr_queued;
	parked = connection->nr_parked;
	dropped = connection->nr_dropped;
	spin_unlock(&channel->lock);

	seq_printf(seq, "%7u %6u %7d %5u %7u %-8s %7u %7u %11llu %10zu\n", connection->coid,
		   connection->process->scoid, stplr_reader_pid(connection->process->pid),
		   from_kuid_munged(seq_user_ns(seq), connection->user->uid), channel->id, state,
		   queued, parked, dropped, READ_ONCE(connection->reply_hint));
	return 0;
}

static const struct seq_operations stplr_connections_sops = {
	.start = stplr_connections_start,
	.next = stplr_connections_next,
	.stop = stplr_objects_stop,
	.show = stplr_connections_show,
};
DEFINE_SEQ_ATTRIBUTE(stplr_connections);

/* pools: of pulses, of the channels that have one */

static int stplr_pools_show(struct seq_file *seq, void *object)
{
	struct stplr_channel *channel = object;
	unsigned int used, queued;
	struct stplr_pool *pool;
	unsigned long flags;
	u64 sent, refused;

	if (object == SEQ_START_TOKEN) {
		seq_puts(seq, "#channel   chid   size   used queued        sent     refused\n");
		return 0;
	}

	/* made once, and freed with the channel */
	pool = READ_ONCE(channel->pool);
	if (!pool)
		return 0;
	raw_spin_lock_irqsave(&pool->lock, flags);
	used = pool->nr_used;
	refused = pool->nr_refused;
	raw_spin_unlock_irqrestore(&pool->lock, flags);
	spin_lock(&channel->lock);
	queued = stplr_queue_len(&channel->pulses);
	sent = channel->nr_pulses;
	spin_unlock(&channel->lock);

	seq_printf(seq, "%8u %6d %6u %6u %6u %11llu %11llu\n", channel->id, channel->chid,
		   pool->size, used, queued, sent, refused);
	return 0;
}

static const struct seq_operations stplr_pools_sops = {
	.start = stplr_channels_start,
	.next = stplr_channels_next,
	.stop = stplr_objects_stop,
	.show = stplr_pools_show,
};
DEFINE_SEQ_ATTRIBUTE(stplr_pools);

/* servers: of kernel code */

static int stplr_servers_show(struct seq_file *seq, void *object)
{
	struct stplr_channel *channel = object;
	struct stplr_server *server;
	unsigned int running, kept;
	u64 served;

	if (object == SEQ_START_TOKEN) {
		seq_puts(seq, "#channel   chid clients exclusive running    kept pending");
		seq_puts(seq, " message_max      served driver name\n");
		return 0;
	}

	/* there from before the channel is found, and freed with it */
	server = channel->server;
	if (!server)
		return 0;
	spin_lock(&channel->lock);
	running = server->nr_running;
	kept = server->hands.nr_held;
	served = channel->nr_served;
	spin_unlock(&channel->lock);

	seq_printf(seq, "%8u %6d %7u %9d %7u %7u %7u %11zu %11llu %s %s\n", channel->id,
		   channel->chid, READ_ONCE(server->nr_clients), server->exclusive, running, kept,
		   server->pending_max, server->message_max == SIZE_MAX ? 0 : server->message_max,
		   served, server->module, channel->name);
	return 0;
}

static const struct seq_operations stplr_servers_sops = {
	.start = stplr_channels_start,
	.next = stplr_channels_next,
	.stop = stplr_objects_stop,
	.show = stplr_servers_show,
};
DEFINE_SEQ_ATTRIBUTE(stplr_servers);

/* links: of kernel code, to a name */

static void *stplr_links_start(struct seq_file *seq, loff_t *pos)
{
	struct stplr_device *device = seq->private;

	return stplr_objects_start(seq, &device->links, pos);
}

static void *stplr_links_next(struct seq_file *seq, void *object, loff_t *pos)
{
	struct stplr_device *device = seq->private;

	return stplr_objects_next(&device->links, pos);
}

static int stplr_links_show(struct seq_file *seq, void *object)
{
	u32 coid = 0, channel = 0, used = 0;
	const struct stplr_line *line;
	struct stplr_link *link;

	if (object == SEQ_START_TOKEN) {
		seq_puts(seq, "#    id    coid channel  posts   used      posted     refused");
		seq_puts(seq, "      failed       calls post_max reply_max driver name\n");
		return 0;
	}

	/* it leaves the device before it is freed; its line may go meanwhile */
	link = object;
	rcu_read_lock();
	line = rcu_dereference(link->line);
	if (line) {
		coid = line->connection->coid;
		channel = line->connection->channel->id;
		used = READ_ONCE(line->nr_used);
	}
	rcu_read_unlock();

	seq_printf(seq, "%7u %7u %7u %6u %6u %11lld %11lld %11lld %11lld %8zu %9zu %s %s\n",
		   link->id, coid, channel, link->posts, used, atomic64_read(&link->posted),
		   atomic64_read(&link->refused), atomic64_read(&link->failed),
		   atomic64_read(&link->calls), link->post_max, link->reply_max, link->module,
		   link->name);
	return 0;
}

static const struct seq_operations stplr_links_sops = {
	.start = stplr_links_start,
	.next = stplr_links_next,
	.stop = stplr_objects_stop,
	.show = stplr_links_show,
};
DEFINE_SEQ_ATTRIBUTE(stplr_links);

/* blocked: first the threads that wait to receive, by channel, then clients, by connection */

/**
 * struct stplr_blocked - a blocked thread, as it was under the lock
 * @state: QNX's name of where
 * @pid: the process
 * @tid: the thread
 * @since: since when, in jiffies
 * @rcvid: of its message, or 0
 * @server: the process that it waits for: has received its message, or made the channel; or 0
 * @command: what that process is called; empty if it is gone
 * @priority: at which it was sent
 * @len: bytes that it sends
 */
struct stplr_blocked {
	const char *state;
	pid_t pid;
	pid_t tid;
	unsigned long since;
	s32 rcvid;
	pid_t server;
	char command[TASK_COMM_LEN];
	int priority;
	size_t len;
};

/**
 * struct stplr_blocked_reader - who reads the blocked threads
 * @device: on which device
 * @count: how many are in @threads
 * @more: and there are more
 * @threads: those of one channel or connection
 */
struct stplr_blocked_reader {
	struct stplr_device *device;
	unsigned int count;
	bool more;
	struct stplr_blocked threads[STPLR_LOOK_MAX];
};

/* A position is an id of a channel, or of a connection above these. */
#define STPLR_CONNECTION_POS (U32_MAX + 1UL)

static struct stplr_blocked *stplr_blocked_add(struct stplr_blocked_reader *reader,
					       struct task_struct *task, unsigned long since,
					       const char *state)
{
	struct stplr_blocked *blocked;

	if (reader->count == STPLR_LOOK_MAX) {
		reader->more = true;
		return NULL;
	}
	blocked = &reader->threads[reader->count++];
	*blocked = (struct stplr_blocked){
		.state = state,
		.pid = stplr_reader_pid(task_tgid(task)),
		.tid = stplr_reader_pid(task_pid(task)),
		.since = since,
	};
	return blocked;
}

static void stplr_blocked_on(struct stplr_blocked *blocked, struct pid *server)
{
	struct task_struct *task;

	blocked->server = stplr_reader_pid(server);
	rcu_read_lock();
	task = pid_task(server, PIDTYPE_TGID);
	if (task)
		strscpy(blocked->command, task->comm, sizeof(blocked->command));
	rcu_read_unlock();
}

/* The thread that waits for a message, if one does. */
static void stplr_blocked_client(struct stplr_blocked_reader *reader,
				 const struct stplr_channel *channel,
				 const struct stplr_message *message)
{
	struct stplr_blocked *blocked;
	bool received;

	/* whose message is not DONE is in its call; who has parked it is not */
	if (message->state == STPLR_DONE || !message->client)
		return;
	received = message->state != STPLR_QUEUED && message->state != STPLR_RECEIVING;
	blocked = stplr_blocked_add(reader, message->client, message->since,
				    received ? "REPLY" : "SEND");
	if (!blocked)
		return;
	blocked->priority = message->entry.priority;
	blocked->len = message->sides.send.len;
	if (received)
		blocked->rcvid = message->rcvid;
	stplr_blocked_on(blocked, received ? message->receiver : channel->creator->pid);
}

/* The threads that are in an operation of kernel code, over the connection. */
static void stplr_blocked_served(struct stplr_blocked_reader *reader,
				 const struct stplr_connection *connection)
{
	const struct stplr_server *server = connection->channel->server;
	const struct stplr_serving *serving;
	unsigned int looked = 0;

	lockdep_assert_held(&connection->channel->lock);
	list_for_each_entry(serving, &server->running, link) {
		struct stplr_blocked *blocked;

		reader->more |= ++looked > STPLR_LOOK_MAX;
		if (reader->more)
			return;
		/* what was kept is a message, listed as such */
		if (serving->connection != connection || serving->kept)
			continue;
		blocked = stplr_blocked_add(reader, serving->task, serving->since, "REPLY");
		if (!blocked)
			return;
		blocked->priority = serving->request.priority;
		blocked->len = serving->request.len;
	}
}

static void stplr_blocked_print(struct seq_file *seq, const struct stplr_channel *channel, u32 coid)
{
	struct stplr_blocked_reader *reader = seq->private;
	unsigned long now = jiffies;
	unsigned int i;

	for (i = 0; i < reader->count; i++) {
		const struct stplr_blocked *blocked = &reader->threads[i];
		unsigned int ms = jiffies_to_msecs(now - blocked->since);

		seq_printf(seq, "%-7s %7d %7d %10u %7u %6d", blocked->state, blocked->pid,
			   blocked->tid, ms, channel->id, channel->chid);
		if (!coid) {
			seq_puts(seq, "       -          -       -        -         - -\n");
			continue;
		}
		seq_printf(seq, " %7u %10d %7d %8d %9zu ", coid, blocked->rcvid, blocked->server,
			   blocked->priority, blocked->len);
		if (channel->server)
			seq_puts(seq, channel->server->module);
		else
			seq_escape(seq, blocked->command[0] ? blocked->command : "-", " \t\n\\");
		seq_putc(seq, '\n');
	}
	if (reader->more)
		seq_printf(seq, "# more than %u threads %s %u: the rest is left out\n",
			   STPLR_LOOK_MAX, coid ? "on connection" : "receive on channel",
			   coid ?: channel->id);
}

static void stplr_blocked_receivers(struct seq_file *seq, struct stplr_channel *channel)
{
	struct stplr_blocked_reader *reader = seq->private;
	const struct stplr_receiver *receiver;

	reader->count = 0;
	reader->more = false;
	spin_lock(&channel->lock);
	hlist_for_each_entry(receiver, &channel->receivers, link) {
		if (!stplr_blocked_add(reader, receiver->task, receiver->since, "RECEIVE"))
			break;
	}
	hlist_for_each_entry(receiver, &channel->pulse_receivers, link) {
		if (!stplr_blocked_add(reader, receiver->task, receiver->since, "RECEIVE"))
			break;
	}
	spin_unlock(&channel->lock);
	stplr_blocked_print(seq, channel, 0);
}

static void stplr_blocked_clients(struct seq_file *seq, struct stplr_connection *connection)
{
	struct stplr_blocked_reader *reader = seq->private;
	struct stplr_channel *channel = connection->channel;
	const struct stplr_message *message;
	unsigned int looked = 0;

	reader->count = 0;
	reader->more = false;
	spin_lock(&channel->lock);
	stplr_blocked_client(reader, channel, &connection->own);
	list_for_each_entry(message, &connection->messages, link) {
		reader->more |= ++looked > STPLR_LOOK_MAX;
		if (reader->more)
			break;
		stplr_blocked_client(reader, channel, message);
	}
	if (channel->server)
		stplr_blocked_served(reader, connection);
	spin_unlock(&channel->lock);
	stplr_blocked_print(seq, channel, connection->coid);
}

/* The first object at or after *pos. */
static void *stplr_blocked_find(struct seq_file *seq, loff_t *pos)
{
	struct stplr_blocked_reader *reader = seq->private;
	unsigned long id = *pos;
	void *object = NULL;

	if (id < STPLR_CONNECTION_POS) {
		object = xa_find(&reader->device->channels, &id, U32_MAX, XA_PRESENT);
		if (object)
			*pos = id;
		else
			*pos = STPLR_CONNECTION_POS;
	}
	if (!object) {
		id = *pos - STPLR_CONNECTION_POS;
		object = xa_find(&reader->device->connections, &id, U32_MAX, XA_PRESENT);
		*pos = STPLR_CONNECTION_POS + id;
	}
	return object;
}

static void *stplr_blocked_start(struct seq_file *seq, loff_t *pos)
{
	struct stplr_blocked_reader *reader = seq->private;

	mutex_lock(&reader->device->registry);
	return *pos ? stplr_blocked_find(seq, pos) : SEQ_START_TOKEN;
}

static void *stplr_blocked_next(struct seq_file *seq, void *object, loff_t *pos)
{
	++*pos;
	return stplr_blocked_find(seq, pos);
}

static void stplr_blocked_stop(struct seq_file *seq, void *object)
{
	struct stplr_blocked_reader *reader = seq->private;

	mutex_unlock(&reader->device->registry);
}

static int stplr_blocked_show(struct seq_file *seq, void *object)
{
	if (object == SEQ_START_TOKEN) {
		seq_puts(seq, "# state     pid     tid         ms channel   chid");
		seq_puts(seq, "    coid      rcvid  server priority     bytes command\n");
	} else if (seq->index < STPLR_CONNECTION_POS) {
		stplr_blocked_receivers(seq, object);
	} else {
		stplr_blocked_clients(seq, object);
	}
	return 0;
}

static const struct seq_operations stplr_blocked_sops = {
	.start = stplr_blocked_start,
	.next = stplr_blocked_next,
	.stop = stplr_blocked_stop,
	.show = stplr_blocked_show,
};

static int stplr_blocked_open(struct inode *inode, struct file *file)
{
	struct stplr_blocked_reader *reader;

	reader = __seq_open_private(file, &stplr_blocked_sops, sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	reader->device = inode->i_private;
	return 0;
}

static const struct file_operations stplr_blocked_fops = {
	.owner = THIS_MODULE,
	.open = stplr_blocked_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = seq_release_private,
};

/* rings */

static void *stplr_rings_start(struct seq_file *seq, loff_t *pos)
{
	struct stplr_device *device = seq->private;

	return stplr_objects_start(seq, &device->rings, pos);
}

static void *stplr_rings_next(struct seq_file *seq, void *object, loff_t *pos)
{
	struct stplr_device *device = seq->private;

	return stplr_objects_next(&device->rings, pos);
}

static pid_t stplr_end_pid(const struct stplr_ring_end *end)
{
	return end && end->pid ? stplr_reader_pid(end->pid) : 0;
}

/* What a program says of itself is printed as it is. */
static void stplr_print_end(struct seq_file *seq, const struct stplr_ring_end *end)
{
	const struct stplr_ring *ring = end->ring;
	u32 head = stplr_ring_head(ring, stplr_ring_reads(end));

	seq_printf(seq, " %u:pid=%d,fill=%u,read=%llu,lost=%llu,written=%llu,wakes=%llu%s%s",
		   end->number, stplr_end_pid(end), head - READ_ONCE(end->page->reader.tail),
		   READ_ONCE(end->page->reader.records), READ_ONCE(end->page->reader.lost),
		   READ_ONCE(end->page->writer.records), READ_ONCE(end->wakes),
		   READ_ONCE(end->page->writer.turn) ? ",turn" : "",
		   READ_ONCE(end->error) ? ",ended" : "");
}

/* Ends come and go under the registry. */
static void stplr_print_ring(struct seq_file *seq, const struct stplr_ring *ring)
{
	const struct stplr_ring_end *end;

	seq_printf(seq, "  ring %u error %d creator", ring->number, -READ_ONCE(ring->error));
	if (ring->creator)
		stplr_print_end(seq, ring->creator);
	seq_puts(seq, " attached");
	list_for_each_entry(end, &ring->attached, link)
		stplr_print_end(seq, end);
	seq_putc(seq, '\n');
}

static int stplr_rings_show(struct seq_file *seq, void *object)
{
	const struct stplr_rings *set = object;
	unsigned int i;

	if (object == SEQ_START_TOKEN) {
		seq_puts(seq, "# set name flags rings out in pid\n");
		return 0;
	}
	seq_printf(seq, "%u %s %u %u %u %u %d\n", set->id, set->name, set->flags, set->count,
		   set->bytes[STPLR_RING_OUT], set->bytes[STPLR_RING_IN],
		   set->pid ? stplr_reader_pid(set->pid) : 0);
	for (i = 0; i < set->nr_slots; i++) {
		if (set->slots[i])
			stplr_print_ring(seq, set->slots[i]);
	}
	return 0;
}

static const struct seq_operations stplr_rings_sops = {
	.start = stplr_rings_start,
	.next = stplr_rings_next,
	.stop = stplr_objects_stop,
	.show = stplr_rings_show,
};
DEFINE_SEQ_ATTRIBUTE(stplr_rings);

/* counters */

static int stplr_counters_show(struct seq_file *seq, void *unused)
{
	struct stplr_device *device = seq->private;
	unsigned long id, connections = 0;
	struct stplr_totals totals;
	struct stplr_channel *channel;
	struct stplr_connection *connection;
	unsigned long channels = 0;
	unsigned int i;

	/* The lock keeps a channel that ends meanwhile from being counted twice, or not at all. */
	mutex_lock(&device->registry);
	totals = device->totals;
	xa_for_each(&device->channels, id, channel) {
		channels++;
		stplr_totals_add(&totals, channel);
		cond_resched();
	}
	xa_for_each(&device->connections, id, connection)
		connections++;
	mutex_unlock(&device->registry);

	seq_printf(seq, "channels %lu\nconnections %lu\n", channels, connections);
	seq_printf(seq, "sends %llu\nreceives %llu\nreplies %llu\npulses %llu\n", totals.sends,
		   totals.receives, totals.replies, totals.pulses);
	seq_printf(seq, "pulses_refused %llu\n", totals.pulses_refused);
	for (i = 0; i < STPLR_COUNTERS; i++)
		seq_printf(seq, "%s %ld\n", stplr_counter_names[i],
			   atomic_long_read(&device->counts.of[i]));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stplr_counters);

/* The files. Without debugfs there are none; nothing depends on them. */

void stplr_debugfs_add(struct stplr_device *device)
{
	device->debugfs = debugfs_create_dir(dev_name(&device->dev), stplr_debugfs_root);
	debugfs_create_file("channels", 0400, device->debugfs, device, &stplr_channels_fops);
	debugfs_create_file("connections", 0400, device->debugfs, device, &stplr_connections_fops);
	debugfs_create_file("blocked", 0400, device->debugfs, device, &stplr_blocked_fops);
	debugfs_create_file("pools", 0400, device->debugfs, device, &stplr_pools_fops);
	debugfs_create_file("servers", 0400, device->debugfs, device, &stplr_servers_fops);
	debugfs_create_file("links", 0400, device->debugfs, device, &stplr_links_fops);
	debugfs_create_file("rings", 0400, device->debugfs, device, &stplr_rings_fops);
	debugfs_create_file("counters", 0400, device->debugfs, device, &stplr_counters_fops);
}

/* No reader is left when this returns. */
void stplr_debugfs_remove(struct stplr_device *device)
{
	debugfs_remove(device->debugfs);
}

void stplr_debugfs_init(void)
{
	stplr_debugfs_root = debugfs_create_dir(KBUILD_MODNAME, NULL);
}

void stplr_debugfs_exit(void)
{
	debugfs_remove(stplr_debugfs_root);
}
