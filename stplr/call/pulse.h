/* SPDX-License-Identifier: GPL-2.0 */
/* Pulses sent and received. */
#ifndef STPLR_CALL_PULSE_H
#define STPLR_CALL_PULSE_H

#include <linux/compiler.h>
#include <linux/types.h>

struct stplr_channel;
struct stplr_connection;
struct stplr_msg_info;
struct stplr_received;
struct stplr_user_buffer;

int stplr_pulse_receive(struct stplr_channel *channel, const struct stplr_user_buffer *buffer,
			struct stplr_msg_info __user *uinfo)
	__releases(&channel->lock);
bool stplr_pulse_receive_kernel(struct stplr_channel *channel, struct stplr_received *received)
	__releases(&channel->lock);
int stplr_pulse_priority(const struct stplr_connection *connection, int priority);
int stplr_pulse_check(const struct stplr_connection *connection, int priority, int code);
int stplr_pulse_post(struct stplr_connection *connection, int priority, s8 code, u64 value);
int stplr_pulse_post_atomic(struct stplr_connection *connection, int priority, s8 code, u64 value);
void stplr_pulse_flush(struct stplr_connection *connection);

#endif /* STPLR_CALL_PULSE_H */
