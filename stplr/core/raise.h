/* SPDX-License-Identifier: GPL-2.0 */
/* Servers work at their clients' priority; see raise.c. */
#ifndef STPLR_CORE_RAISE_H
#define STPLR_CORE_RAISE_H

#include <linux/compiler.h>

struct pid;
struct stplr_channel;
struct stplr_connection;
struct stplr_message;
struct task_struct;

void stplr_unlock_and_raise(struct stplr_channel *channel, struct task_struct *receiver,
			    int priority)
	__releases(&channel->lock);
void stplr_raise_again(struct stplr_channel *channel);
void stplr_raise_resumed(struct stplr_message *message);
void stplr_thread_block(const struct stplr_connection *connection);
void stplr_workers_lower(struct stplr_channel *channel, const struct pid *tgid);

#endif /* STPLR_CORE_RAISE_H */
