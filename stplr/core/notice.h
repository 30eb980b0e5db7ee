/* SPDX-License-Identifier: GPL-2.0 */
/* Pulses by which the module tells a server, or a client, of what befell the other. */
#ifndef STPLR_CORE_NOTICE_H
#define STPLR_CORE_NOTICE_H

#include "core/pool.h"

struct stplr_channel;
struct stplr_message;
struct task_struct;

struct task_struct *stplr_unblock_request(struct stplr_message *message);
void stplr_unblock_forget(struct stplr_message *message);
void stplr_pulse_release(struct stplr_channel *channel, struct stplr_pulse_entry *pulse,
			 enum stplr_pulse_origin origin);

#endif /* STPLR_CORE_NOTICE_H */
