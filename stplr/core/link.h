/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel code as a client. */
#ifndef STPLR_CORE_LINK_H
#define STPLR_CORE_LINK_H

#include <linux/atomic.h>
#include <linux/module.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/workqueue.h>

#include <linux/stplr_kernel.h>

#include "core/name.h"

struct stplr_device;
struct stplr_line;
struct task_struct;

/**
 * struct stplr_link - a driver's, to whatever channel has the name; constant but for what is said
 * otherwise
 * @ops: the driver's
 * @data: likewise
 * @device: on which device
 * @id: in device->links
 * @owner: the driver's module, not held: see stplr_link_module_event()
 * @module: what that is called, for who looks on
 * @name: of the channel
 * @uid: whom it is to be, or INVALID_UID for anybody
 * @posts: slots of a line
 * @post_max: bytes of the longest post
 * @reply_max: bytes of the longest answer to one
 * @line: what there is while it is up, or NULL; by RCU. Only @work, and who closes, change it
 * @waiter: waits for the name, if ops->changed wants to be told
 * @work: looks whether it comes up or goes down, likewise
 * @error: what it was told of last, to be told no second time; only @work looks
 * @teller: the thread in which @work calls ops->changed, or NULL; only compared with itself
 * @closing: it is being closed: @work does nothing any more
 * @orphan: it was, by @teller: @work frees it
 * @calls: how many there were
 * @posted: how many were posted
 * @refused: and how many were not, for no slot was free
 * @failed: how many of those posted ended with an error
 */
struct stplr_link {
	const struct stplr_link_ops *ops;
	void *data;
	struct stplr_device *device;
	u32 id;
	struct module *owner;
	char module[MODULE_NAME_LEN];
	char name[STPLR_NAME_MAX + 1];
	kuid_t uid;
	unsigned int posts;
	size_t post_max;
	size_t reply_max;
	struct stplr_line __rcu *line;
	struct stplr_name_waiter waiter;
	struct delayed_work work;
	int error;
	struct task_struct *teller;
	bool closing;
	bool orphan;
	atomic64_t calls;
	atomic64_t posted;
	atomic64_t refused;
	atomic64_t failed;
};

#endif /* STPLR_CORE_LINK_H */
