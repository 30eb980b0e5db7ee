/* SPDX-License-Identifier: GPL-2.0 */
/* Calls whose operation runs, on a channel that kernel code serves. */
#ifndef STPLR_CORE_SERVING_H
#define STPLR_CORE_SERVING_H

#include <linux/container_of.h>
#include <linux/list.h>
#include <linux/types.h>

#include <linux/stplr_kernel.h>

struct stplr_channel;
struct stplr_connection;
struct stplr_message;
struct stplr_server;
struct stplr_user_buffer;
struct task_struct;

/**
 * struct stplr_serving - a call whose operation runs, or is to run
 * @request: what the driver is told; with STPLR_KIND_PULSE, a pulse
 * @link: in server->running
 * @task: the thread, which is in the call
 * @connection: over which it came
 * @from: what is sent
 * @to: where the answer goes
 * @end: up to where that was written
 * @total: up to where it would have been, with room enough
 * @seq: its age
 * @since: when it came, in jiffies
 * @message: what it became when it was kept, or NULL
 * @impatient: its client would wait for that for a moment only: STPLR_SEND_PARK
 * @kept: it was, and @message may be gone by now
 */
struct stplr_serving {
	struct stplr_request request;
	struct hlist_node link;
	struct task_struct *task;
	struct stplr_connection *connection;
	const struct stplr_user_buffer *from;
	const struct stplr_user_buffer *to;
	size_t end;
	size_t total;
	u64 seq;
	unsigned long since;
	struct stplr_message *message;
	bool impatient;
	bool kept;
};

static inline struct stplr_serving *stplr_serving_of(struct stplr_request *request)
{
	return container_of(request, struct stplr_serving, request);
}

int stplr_serving_try(struct stplr_channel *channel, void *arg, struct task_struct **receiver);
void stplr_serving_end(struct stplr_serving *serving);
void stplr_servings_drain(struct stplr_channel *channel);
bool stplr_serving_here(struct stplr_channel *channel);

#endif /* STPLR_CORE_SERVING_H */
