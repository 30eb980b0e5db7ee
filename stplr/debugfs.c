// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/stplr/stplr-N/: what there is on a device, for root to read while everything
 * runs; who waits for whom is in blocked.c. Messages' bytes are nobody's business and not here.
 *
 * Channels and connections stay while device->registry is held, which seq_file does for a buffer's
 * worth of lines and not while it copies them to its reader; the next buffer goes on at the id
 * after. What is under a channel's lock is copied under it, and printed after.
 */

#include <linux/debugfs.h>
#include <linux/fs.h>
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
#include "core/slot.h"
#include "ring/ending.h"
#include "ring/ring.h"
#include "blocked.h"
#include "debugfs.h"

static struct dentry *stplr_debugfs_root;

/**
 * struct stplr_listing - a file that lists objects: positions are their ids, 0 is the heading
 * @ops: how it is read
 * @objects: where their xarray is in struct stplr_device
 */
struct stplr_listing {
	const struct seq_operations ops;
	size_t objects;
};

/* The first object at or after *pos. */
static void *stplr_listing_find(struct seq_file *seq, loff_t *pos)
{
	const struct stplr_listing *listing = container_of(seq->op, struct stplr_listing, ops);
	unsigned long id = *pos;
	void *object;

	object = xa_find(seq->private + listing->objects, &id, ULONG_MAX, XA_PRESENT);
	*pos = id;
	return object;
}

static void *stplr_listing_start(struct seq_file *seq, loff_t *pos)
{
	struct stplr_device *device = seq->private;

	mutex_lock(&device->registry);
	return *pos ? stplr_listing_find(seq, pos) : SEQ_START_TOKEN;
}

static void *stplr_listing_next(struct seq_file *seq, void *object, loff_t *pos)
{
	++*pos;
	return stplr_listing_find(seq, pos);
}

static void stplr_listing_stop(struct seq_file *seq, void *object)
{
	struct stplr_device *device = seq->private;

	mutex_unlock(&device->registry);
}

static int stplr_listing_open(struct inode *inode, struct file *file,
			      const struct stplr_listing *listing)
{
	int err = seq_open(file, &listing->ops);

	if (!err)
		((struct seq_file *)file->private_data)->private = inode->i_private;
	return err;
}

/* NAME_fops, of a file that lists the device's OBJECTS by NAME_show(). */
#define STPLR_LISTING(name, member)                                                                \
	static const struct stplr_listing name##_listing = {                                       \
		.ops = {                                                                           \
			.start = stplr_listing_start,                                              \
			.next = stplr_listing_next,                                                \
			.stop = stplr_listing_stop,                                                \
			.show = name##_show,                                                       \
		},                                                                                 \
		.objects = offsetof(struct stplr_device, member),                                  \
	};                                                                                         \
	static int name##_open(struct inode *inode, struct file *file)                             \
	{                                                                                          \
		return stplr_listing_open(inode, file, &name##_listing);                           \
	}                                                                                          \
	static const struct file_operations name##_fops = {                                        \
		.owner = THIS_MODULE,                                                              \
		.open = name##_open,                                                               \
		.read = seq_read,                                                                  \
		.llseek = seq_lseek,                                                               \
		.release = seq_release,                                                            \
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

STPLR_LISTING(stplr_channels, channels);

/* connections */

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

STPLR_LISTING(stplr_connections, connections);

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

STPLR_LISTING(stplr_pools, channels);

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

STPLR_LISTING(stplr_servers, channels);

/* links: of kernel code, to a name */

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

STPLR_LISTING(stplr_links, links);

/* rings */

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

STPLR_LISTING(stplr_rings, rings);

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
