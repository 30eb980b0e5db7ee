// SPDX-License-Identifier: MIT
/*
 * Numbers of received messages
 *
 * MsgReply(rcvid) names no channel, and the kernel counts messages for each channel. So a message
 * gets a number that is unique in the process: numbers are counted, a message's place in the table
 * is its number modulo the table's size, and where that is taken the number is passed over. So no
 * number comes again before 2^29 others, and finding one is one look. There are two tables: a small
 * one, and a large one, made at need, whose numbers have a bit set, for servers that keep thousands
 * of clients waiting.
 *
 * An entry is written by who claims it (id goes from 0 or a number to CLAIMED and then to the new
 * number), and read without a lock: what was read counts if the number is still there after.
 * An answered message's entry keeps what it says of the client for MsgDeliverEvent().
 */
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

#include "channels.h"
#include "fork.h"
#include "rcvid.h"
#include "stplr.h"

struct entry {
	_Atomic uint32_t id; /* the number; ANSWERED with it once answered; 0 never used */
	int32_t rcvid;       /* the kernel's */
	struct channel *channel;
	uint32_t serial; /* channel_serial() */
	uint32_t scoid;  /* the kernel's */
};

struct table {
	uint32_t size; /* a power of two */
	uint32_t mark; /* set in its numbers */
	_Atomic uint32_t count;
	_Atomic(struct entry *) entries;
};

#define ANSWERED 0x80000000U
#define CLAIMED 0xffffffffU
#define LARGE_MARK 0x40000000U
#define COUNT_MASK 0x1fffffffU /* REQUEST_MARK is none of a message's */
#define SMALL_SIZE 1024
#define LARGE_SIZE (1U << 18)
/* How many places to look at before the table counts as full. */
#define TRIES 32

static struct entry small_entries[SMALL_SIZE];
static struct table small = {.size = SMALL_SIZE, .entries = small_entries};
static struct table large = {.size = LARGE_SIZE, .mark = LARGE_MARK};

static struct table *table_of(uint32_t id)
{
	return id & LARGE_MARK ? &large : &small;
}

static struct entry *entry_of(uint32_t id)
{
	struct table *table = table_of(id);
	struct entry *entries = table->entries;

	return entries ? &entries[id & (table->size - 1)] : NULL;
}

static uint32_t claim(struct table *table, uint32_t tries, struct entry **claimed)
{
	struct entry *entries = table->entries, *entry;
	uint32_t id, seen;

	while (tries--) {
		id = atomic_fetch_add(&table->count, 1) & COUNT_MASK;
		if (!id || id == COUNT_MASK) /* would be 0, or CLAIMED once answered */
			continue;
		entry = &entries[id & (table->size - 1)];
		seen = entry->id;
		if (seen && (!(seen & ANSWERED) || seen == CLAIMED))
			continue;
		if (atomic_compare_exchange_strong(&entry->id, &seen, CLAIMED)) {
			*claimed = entry;
			return id | table->mark;
		}
	}
	return 0;
}

/* Messages whose clients have gone unanswered leave their entries behind. */
static void collect(struct table *table)
{
	struct entry *entries = table->entries;
	struct stplr_msg_info info;
	struct channel *channel;
	uint32_t i, id;

	for (i = 0; i < table->size; i++) {
		id = entries[i].id;
		if (!id || id & ANSWERED)
			continue;
		channel = channel_get_again(entries[i].channel, entries[i].serial);
		if (!channel ||
		    (stplr_msg_info(channel->fd, entries[i].rcvid, &info) && errno == ESRCH))
			atomic_compare_exchange_strong(&entries[i].id, &id, id | ANSWERED);
		if (channel)
			channel_put(channel);
	}
}

static bool make_large(void)
{
	struct entry *made, *none = NULL;
	size_t size = LARGE_SIZE * sizeof(struct entry);

	if (large.entries)
		return true;
	made = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
	if (made == MAP_FAILED)
		return false;
	if (!atomic_compare_exchange_strong(&large.entries, &none, made))
		munmap(made, size);
	return true;
}

int rcvid_add(struct channel *channel, const struct stplr_msg_info *info)
{
	struct entry *entry;
	uint32_t id = claim(&small, TRIES, &entry);

	if (!id && make_large())
		id = claim(&large, TRIES, &entry);
	if (!id) {
		collect(&small);
		id = claim(&small, SMALL_SIZE, &entry);
	}
	if (!id && large.entries) {
		collect(&large);
		id = claim(&large, LARGE_SIZE, &entry);
	}
	if (!id)
		return -EAGAIN;
	entry->rcvid = info->rcvid;
	entry->channel = channel;
	entry->serial = channel_serial(channel);
	entry->scoid = info->scoid;
	entry->id = id;
	return (int)id;
}

static bool read_entry(const struct entry *entry, uint32_t id, struct entry *copy)
{
	copy->rcvid = entry->rcvid;
	copy->channel = entry->channel;
	copy->serial = entry->serial;
	copy->scoid = entry->scoid;
	atomic_thread_fence(memory_order_seq_cst);
	return entry->id == id;
}

int rcvid_find(int rcvid, struct received *received)
{
	struct entry *entry = rcvid > 0 ? entry_of((uint32_t)rcvid) : NULL;
	struct entry copy;

	if (!entry || entry->id != (uint32_t)rcvid || !read_entry(entry, (uint32_t)rcvid, &copy))
		return -ESRCH;
	received->channel = channel_get_again(copy.channel, copy.serial);
	received->rcvid = copy.rcvid;
	received->scoid = copy.scoid;
	return received->channel ? 0 : -ESRCH;
}

uint32_t rcvid_client(int rcvid, struct channel **channel, uint32_t *serial)
{
	struct entry *entry = rcvid > 0 ? entry_of((uint32_t)rcvid) : NULL;
	struct entry copy;
	uint32_t id = entry ? entry->id : 0;

	if (!entry || (id & ~ANSWERED) != (uint32_t)rcvid || !read_entry(entry, id, &copy))
		return 0;
	*channel = copy.channel;
	*serial = copy.serial;
	return copy.scoid;
}

void rcvid_remove(int rcvid)
{
	struct entry *entry = entry_of((uint32_t)rcvid);
	uint32_t id = (uint32_t)rcvid;

	if (entry)
		atomic_compare_exchange_strong(&entry->id, &id, id | ANSWERED);
}

static int find_kernel_rcvid(struct table *table, struct channel *channel, int32_t rcvid)
{
	struct entry *entries = table->entries, copy;
	uint32_t i, id;

	for (i = 0; entries && i < table->size; i++) {
		id = entries[i].id;
		if (id && id != CLAIMED && entries[i].rcvid == rcvid &&
		    read_entry(&entries[i], id, &copy) && copy.rcvid == rcvid &&
		    copy.channel == channel && copy.serial == channel_serial(channel))
			return (int)(id & ~ANSWERED);
	}
	return 0;
}

/*
 * For pulses that name a message. The thread that received it may not have entered it yet; then it
 * is waited for, unless the message is over.
 */
int rcvid_of(struct channel *channel, int32_t rcvid)
{
	struct stplr_msg_info info;
	int id;

	for (;;) {
		id = find_kernel_rcvid(&small, channel, rcvid);
		if (!id)
			id = find_kernel_rcvid(&large, channel, rcvid);
		if (id || stplr_msg_info(channel->fd, rcvid, &info))
			return id;
		sched_yield();
	}
}

static void remove_channel(struct table *table, struct channel *channel)
{
	struct entry *entries = table->entries;
	uint32_t i, id;

	for (i = 0; entries && i < table->size; i++) {
		id = entries[i].id;
		if (id && !(id & ANSWERED) && (!channel || entries[i].channel == channel))
			atomic_compare_exchange_strong(&entries[i].id, &id, id | ANSWERED);
	}
}

void rcvid_remove_channel(struct channel *channel)
{
	remove_channel(&small, channel);
	remove_channel(&large, channel);
}

/* In a child: its parent's messages are not its own. */
static void forget(void)
{
	rcvid_remove_channel(NULL);
}

__attribute__((constructor)) static void prepare(void)
{
	fork_take_part(FORK_RCVIDS, NULL, forget);
}
