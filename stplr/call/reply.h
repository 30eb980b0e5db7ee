/* SPDX-License-Identifier: GPL-2.0 */
/* The server's answer. */
#ifndef STPLR_CALL_REPLY_H
#define STPLR_CALL_REPLY_H

#include <linux/types.h>

struct stplr_channel;
struct stplr_msg_reply;

int stplr_reply(struct stplr_channel *channel, const struct stplr_msg_reply *args,
		bool then_receive, size_t *len);

#endif /* STPLR_CALL_REPLY_H */
