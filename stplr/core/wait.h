/* SPDX-License-Identifier: GPL-2.0 */
/* What threads wait for: something to receive, the end of a message. */
#ifndef STPLR_CORE_WAIT_H
#define STPLR_CORE_WAIT_H

#include <linux/types.h>

#include "base/spin.h"

struct stplr_channel;
struct stplr_connection;
struct stplr_message;
struct stplr_msg_send;
struct stplr_worker;
struct task_struct;

int stplr_receiver_wait(struct stplr_channel *channel, struct stplr_worker *worker,
			bool pulses_only, s64 deadline, clockid_t clock);
unsigned int stplr_client_spin_us_slow(struct stplr_connection *connection, s64 sent, s64 answered,
				       clockid_t clock);

/*
 * For how many microseconds to look for the next answer over the connection, if neither deadline is
 * near; 0: not at all.
 */
static inline unsigned int stplr_client_spin_us(struct stplr_connection *connection, s64 sent,
						s64 answered, clockid_t clock)
{
	if (!stplr_spin_possible())
		return 0;
	return stplr_client_spin_us_slow(connection, sent, answered, clock);
}

void stplr_client_spin(struct stplr_message *message, struct task_struct *server, unsigned int us);
int stplr_client_wait_kernel(struct stplr_message *message, s64 deadline);
int stplr_client_wait(struct stplr_message *message, const struct stplr_msg_send *args, u64 *token,
		      bool *left);

#endif /* STPLR_CORE_WAIT_H */
