// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/stplr/stplr-N/blocked: first the threads that wait to receive, by channel, then
 * clients, by connection. They are copied under the channel's lock, a bounded number at a time, and
 * printed after.
 */

#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/xarray.h>

#include "core/channel.h"
#include "core/connection.h"
#include "core/device.h"
#include "core/message.h"
#include "core/receiver.h"
#include "core/server.h"
#include "core/serving.h"
#include "blocked.h"

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
	hlist_for_each_entry(serving, &server->running, link) {
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

const struct file_operations stplr_blocked_fops = {
	.owner = THIS_MODULE,
	.open = stplr_blocked_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = seq_release_private,
};
