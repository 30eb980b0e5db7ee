/* SPDX-License-Identifier: GPL-2.0 */
/* The server's call that takes messages. */
#ifndef STPLR_CALL_RECEIVE_H
#define STPLR_CALL_RECEIVE_H

#include <linux/compiler.h>
#include <linux/types.h>

struct stplr_channel;
struct stplr_msg_info;
struct stplr_msg_receive;
struct stplr_received;

int stplr_receive(struct stplr_channel *channel, const struct stplr_msg_receive *args,
		  struct stplr_msg_info __user *uinfo);
int stplr_receive_info(struct stplr_channel *channel, struct stplr_msg_info *info);
ssize_t stplr_receive_kernel(struct stplr_channel *channel, s64 deadline, void *bytes, size_t room,
			     struct stplr_received *received);

#endif /* STPLR_CALL_RECEIVE_H */
