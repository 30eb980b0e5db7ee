/* SPDX-License-Identifier: GPL-2.0 */
/* Who waits for whom on a device. */
#ifndef STPLR_BLOCKED_H
#define STPLR_BLOCKED_H

#include <linux/fs.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>

/* Most threads and messages that are looked at under one channel's lock at a time. */
#define STPLR_LOOK_MAX 256

/* A process or thread as who reads the file knows it. */
static inline pid_t stplr_reader_pid(struct pid *pid)
{
	return pid_nr_ns(pid, task_active_pid_ns(current));
}

extern const struct file_operations stplr_blocked_fops;

#endif /* STPLR_BLOCKED_H */
