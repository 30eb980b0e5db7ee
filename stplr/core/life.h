/* SPDX-License-Identifier: GPL-2.0 */
/* A message's life: where it comes from, the steps between its states, where it goes. */
#ifndef STPLR_CORE_LIFE_H
#define STPLR_CORE_LIFE_H

#include <linux/compiler.h>
#include <linux/types.h>

struct pid;
struct stplr_channel;
struct stplr_connection;
struct stplr_line;
struct stplr_message;
struct stplr_msg_receive;
struct task_struct;

/* What became of a message that its owner wanted back. */
enum stplr_withdrawal {
	STPLR_TAKEN_BACK,
	STPLR_TOO_LATE,	 /* it has its result */
	STPLR_ABANDONED, /* not the owner's any more */
};

int stplr_message_cache_init(void);
void stplr_message_cache_exit(void);
struct stplr_message *stplr_message_alloc(struct stplr_connection *connection);
struct stplr_message *stplr_message_claim(struct stplr_connection *connection);
struct stplr_message *stplr_message_alloc_queued(struct stplr_connection *connection);
void stplr_message_free(struct stplr_message *message);
struct task_struct *stplr_message_ending(struct stplr_message *message, int result);
struct task_struct *stplr_message_end(struct stplr_message *message, int result);
struct task_struct *stplr_message_transfer_out(struct stplr_message *message);
void stplr_channel_reap(struct stplr_channel *channel, const struct stplr_line *line);
void stplr_unlock_and_wake(struct stplr_channel *channel, struct task_struct *client)
	__releases(&channel->lock);
void stplr_unlock_and_hand_over(struct stplr_channel *channel, struct task_struct *client,
				const struct stplr_msg_receive *then)
	__releases(&channel->lock);
int stplr_message_gone(const struct stplr_message *message);
enum stplr_withdrawal stplr_message_withdraw(struct stplr_message *message);
void stplr_message_discard(struct stplr_message *message);
u64 stplr_message_park(struct stplr_message *message);
struct stplr_message *stplr_parked_claim(struct stplr_connection *connection, u64 token, u32 kind);
void stplr_parked_exit(struct stplr_connection *connection);
void stplr_parked_drop(struct stplr_connection *connection, const struct pid *parker);

#endif /* STPLR_CORE_LIFE_H */
