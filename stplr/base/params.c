// SPDX-License-Identifier: GPL-2.0
/* The module's parameters, but for the number of devices (main.c) and what exists (quota.c). */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/init.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>

#include <uapi/linux/stplr.h>

#include "base/params.h"

unsigned int stplr_message_max = SZ_16M + SZ_64K;

static int message_max_set(const char *value, const struct kernel_param *param)
{
	return param_set_uint_minmax(value, param, PAGE_SIZE, SZ_256M);
}

static const struct kernel_param_ops message_max_ops = {
	.set = message_max_set,
	.get = param_get_uint,
};
module_param_cb(message_max, &message_max_ops, &stplr_message_max, 0644);
MODULE_PARM_DESC(message_max, "longest message in bytes, 4096 to 268435456 (default 16842752)");

unsigned int stplr_user_channels = 4096;
module_param_named(user_channels, stplr_user_channels, uint, 0644);
MODULE_PARM_DESC(user_channels, "channels a user may have (default 4096)");

unsigned int stplr_user_connections = 65536;
module_param_named(user_connections, stplr_user_connections, uint, 0644);
MODULE_PARM_DESC(user_connections, "connections a user may have (default 65536)");

unsigned int stplr_user_messages = 65536;
module_param_named(user_messages, stplr_user_messages, uint, 0644);
MODULE_PARM_DESC(user_messages,
		 "messages a user may have under way, beyond one a connection (default 65536)");

unsigned int stplr_user_events = 65536;
module_param_named(user_events, stplr_user_events, uint, 0644);
MODULE_PARM_DESC(user_events, "events a user may have registered (default 65536)");

/* 0 until the module is loaded: an eighth of what there is. */
unsigned int stplr_user_memory;
module_param_named(user_memory, stplr_user_memory, uint, 0644);
MODULE_PARM_DESC(user_memory,
		 "MiB a user's messages may hold (default, or 0 at load: 1/8 of memory)");

unsigned int stplr_connection_queued = 256;
module_param_named(connection_queued, stplr_connection_queued, uint, 0644);
MODULE_PARM_DESC(connection_queued, "queued one-way messages a connection may have (default 256)");

unsigned int stplr_channel_queued = 16384;
module_param_named(channel_queued, stplr_channel_queued, uint, 0644);
MODULE_PARM_DESC(channel_queued, "queued one-way messages a channel may have (default 16384)");

unsigned int stplr_spin_us = 50;

static int spin_us_set(const char *value, const struct kernel_param *param)
{
	return param_set_uint_minmax(value, param, 0, STPLR_SPIN_MAX);
}

static const struct kernel_param_ops spin_us_ops = {
	.set = spin_us_set,
	.get = param_get_uint,
};
module_param_cb(spin_us, &spin_us_ops, &stplr_spin_us, 0644);
MODULE_PARM_DESC(spin_us,
		 "microseconds to look for an answer or message before sleeping, 0 to 1000 (default 50)");

bool stplr_wake_here;
module_param_named(wake_here, stplr_wake_here, bool, 0644);
MODULE_PARM_DESC(wake_here,
		 "wake whom a thread then waits for on its own processor, on all channels (default N)");

DEFINE_STATIC_KEY_FALSE(stplr_debug_key);
unsigned int stplr_debug;

/* Serialised by the kernel's lock for this module's parameters. */
static int debug_set(const char *value, const struct kernel_param *param)
{
	int err = param_set_uint_minmax(value, param, 0, 4);

	if (err)
		return err;
	if (stplr_debug)
		static_branch_enable(&stplr_debug_key);
	else
		static_branch_disable(&stplr_debug_key);
	return 0;
}

static const struct kernel_param_ops debug_ops = {
	.set = debug_set,
	.get = param_get_uint,
};
module_param_cb(debug, &debug_ops, &stplr_debug, 0644);
MODULE_PARM_DESC(debug, "log: 0 nothing, 1 devices, 2 channels, 3 messages, 4 faults and waits");

/* Before anybody uses them. */
void __init stplr_params_init(void)
{
	if (!stplr_user_memory)
		stplr_user_memory = clamp(totalram_pages() / 8 >> (20 - PAGE_SHIFT), 64UL,
					  1UL << 20);
}
