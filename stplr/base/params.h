/* SPDX-License-Identifier: GPL-2.0 */
/* The module's parameters, and its log. */
#ifndef STPLR_BASE_PARAMS_H
#define STPLR_BASE_PARAMS_H

#include <linux/jump_label.h>
#include <linux/printk.h>
#include <linux/sched.h>

DECLARE_STATIC_KEY_FALSE(stplr_debug_key);
extern unsigned int stplr_debug;
extern unsigned int stplr_message_max;
extern unsigned int stplr_user_channels;
extern unsigned int stplr_user_connections;
extern unsigned int stplr_user_messages;
extern unsigned int stplr_user_events;
extern unsigned int stplr_user_memory;
extern unsigned int stplr_connection_queued;
extern unsigned int stplr_channel_queued;
extern unsigned int stplr_spin_us;
extern bool stplr_wake_here;

void stplr_params_init(void);

/*
 * Levels of the parameter debug: 1 the module and its devices, 2 channels and connections come and
 * go, 3 messages, 4 faults and waits.
 */
#define stplr_dbg(level, fmt, ...)                                                                 \
	do {                                                                                       \
		if (static_branch_unlikely(&stplr_debug_key) &&                                    \
		    READ_ONCE(stplr_debug) >= (level))                                             \
			pr_info("[%d] " fmt, task_pid_nr(current), ##__VA_ARGS__);                 \
	} while (0)

#endif /* STPLR_BASE_PARAMS_H */
