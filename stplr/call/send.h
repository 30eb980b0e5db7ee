/* SPDX-License-Identifier: GPL-2.0 */
/* The client's calls. */
#ifndef STPLR_CALL_SEND_H
#define STPLR_CALL_SEND_H

#include <linux/types.h>

struct stplr_answer;
struct stplr_connection;
struct stplr_msg_send;
struct stplr_user_buffer;

/**
 * struct stplr_sent - what became of a message, beside its result
 * @token: names it, if it was parked; else 0
 * @resumed: it was parked before: the token that named it is used up
 * @received: it failed, after a server had received it
 */
struct stplr_sent {
	u64 token;
	bool resumed;
	bool received;
};

int stplr_send_queued(struct stplr_connection *connection, bool nonblock,
		      struct stplr_msg_send *args);
int stplr_send(struct stplr_connection *connection, u32 kind, bool nonblock,
	       struct stplr_msg_send *args, struct stplr_sent *sent);
int stplr_send_kernel(struct stplr_connection *connection, const struct stplr_user_buffer *from,
		      const struct stplr_user_buffer *room, s64 deadline,
		      struct stplr_answer *answer);
void stplr_send_forget(struct stplr_connection *connection, u64 token, u32 kind);

#endif /* STPLR_CALL_SEND_H */
