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

struct stplr_message *stplr_serve(struct stplr_connection *connection, u32 kind, bool nonblock,
				  struct stplr_msg_send *args,
				  const struct stplr_user_buffer *room, bool *received);
int stplr_serve_queued(struct stplr_connection *connection, bool nonblock,
		       struct stplr_msg_send *args);
int stplr_serve_pulse(struct stplr_connection *connection, int priority, s8 code, u64 value);
s32 stplr_serving_keep(struct stplr_serving *serving);

#endif /* STPLR_CALL_SERVE_H */
