/* SPDX-License-Identifier: GPL-2.0 */
/* A client's calls on a channel that kernel code serves. */
#ifndef STPLR_CALL_SERVE_H
#define STPLR_CALL_SERVE_H

#include <linux/types.h>

struct stplr_connection;
struct stplr_message;
struct stplr_msg_send;
struct stplr_serving;
struct stplr_user_buffer;

/**
 * struct stplr_answer - what a server answered to kernel code
 * @status: its
 * @len: bytes that are in the room
 * @total: bytes that there would be with room enough
 */
struct stplr_answer {
	s32 status;
	size_t len;
	size_t total;
};

struct stplr_message *stplr_serve(struct stplr_connection *connection, u32 kind, bool nonblock,
				  struct stplr_msg_send *args,
				  const struct stplr_user_buffer *room, bool *received);
struct stplr_message *stplr_serve_kernel(struct stplr_connection *connection,
					 const struct stplr_user_buffer *from,
					 const struct stplr_user_buffer *room, s64 deadline,
					 struct stplr_answer *answer);
int stplr_serve_queued(struct stplr_connection *connection, bool nonblock,
		       struct stplr_msg_send *args);
int stplr_serve_pulse(struct stplr_connection *connection, int priority, s8 code, u64 value);
s32 stplr_serving_keep(struct stplr_serving *serving);

#endif /* STPLR_CALL_SERVE_H */
