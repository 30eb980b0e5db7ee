/* SPDX-License-Identifier: GPL-2.0 */
/* The server's answer. */
#ifndef STPLR_CALL_REPLY_H
#define STPLR_CALL_REPLY_H

#include <linux/types.h>

/*
 * No errno above this is handed to a client: what lies beyond means something to the kernel
 * itself.
 */
#define STPLR_ERROR_MAX 511

struct pid;
struct stplr_channel;
struct stplr_msg_receive;
struct stplr_msg_reply;
struct stplr_user_buffer;

int stplr_reply_buffer(struct stplr_channel *channel, const struct pid *receiver,
		       const struct stplr_msg_reply *args, const struct stplr_user_buffer *from,
		       const struct stplr_msg_receive *then, size_t *len);
int stplr_reply(struct stplr_channel *channel, const struct stplr_msg_reply *args,
		const struct stplr_msg_receive *then, size_t *len);

#endif /* STPLR_CALL_REPLY_H */
