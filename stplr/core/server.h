/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A channel that kernel code serves, by operations that run in the thread that sends.
 *
 * No message is made for what an operation answers at once: the call itself, on its thread's stack,
 * is on the list of those that run. Only what a driver keeps becomes a message as others are,
 * received by nobody's process.
 */
#ifndef STPLR_CORE_SERVER_H
#define STPLR_CORE_SERVER_H

#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/wait.h>

#include <linux/stplr_kernel.h>

#include "core/worker.h"

struct stplr_channel;

/**
 * struct stplr_server - a channel's server in the kernel; constant but for what is said otherwise
 * @channel: whose; it is freed with this, and not before its driver and all connections let go
 * @ops: the driver's; not called any more once the channel is dead, @running is empty and @ended
 *	is set
 * @data: likewise
 * @module: what the driver's module is called, for who looks on
 * @exclusive: one client process at a time
 * @message_max: bytes of the longest message
 * @pending_max: how many messages may be in @running and in @hands; 0: any number
 * @running: calls whose operation runs; under channel->lock, as are the next two
 * @nr_running: their number
 * @hands: holds what was kept: a worker without a thread, to which nobody lends
 * @idle: who waits for @nr_running to become 0
 * @attaching: guards the next three; held while attach and detach operations run
 * @clients: those that are attached
 * @nr_clients: their number; read without the mutex
 * @ended: none is, nor will be
 */
struct stplr_server {
	struct stplr_channel *channel;
	const struct stplr_server_ops *ops;
	void *data;
	char module[MODULE_NAME_LEN];
	bool exclusive;
	size_t message_max;
	unsigned int pending_max;
	struct hlist_head running;
	unsigned int nr_running;
	struct stplr_worker hands;
	wait_queue_head_t idle;
	struct mutex attaching; /* see above */
	struct list_head clients;
	unsigned int nr_clients;
	bool ended;
};

/**
 * struct stplr_attachment - a client process of a server, as both sides know it
 * @attached: what the driver knows; but for its data it is there before
 * @link: in server->clients, or empty; under server->attaching
 */
struct stplr_attachment {
	struct stplr_attached attached;
	struct list_head link;
};

struct stplr_server *stplr_server_new(struct stplr_channel *channel,
				      const struct stplr_server_ops *ops, void *data);
int stplr_server_attach(struct stplr_server *server, struct stplr_attachment *client);
void stplr_server_detach(struct stplr_server *server, struct stplr_attachment *client);
void stplr_server_detach_all(struct stplr_server *server);

#endif /* STPLR_CORE_SERVER_H */
