/* SPDX-License-Identifier: GPL-2.0 */
/* How a channel is found, and by whom. */
#ifndef STPLR_CORE_NAME_H
#define STPLR_CORE_NAME_H

#include <linux/rbtree.h>
#include <linux/types.h>
#include <linux/uidgid.h>

struct cred;
struct stplr_channel;
struct stplr_device;
struct stplr_name_waiters;
struct stplr_wake_batch;
struct task_struct;
struct work_struct;

/**
 * struct stplr_name_waiter - a thread, or kernel code, that waits for a name; under
 * device->registry
 * @node: in a tree of them, or empty
 * @name: which
 * @task: the thread
 * @work: instead of a thread: what is to be done then
 * @age: later ones have higher ones
 * @named: the name has come; the thread reads it without the lock
 */
struct stplr_name_waiter {
	struct rb_node node;
	const char *name;
	struct task_struct *task;
	struct work_struct *work;
	u64 age;
	bool named;
};

void stplr_name_waiter_add(struct stplr_name_waiters *waiters, struct stplr_name_waiter *waiter);
void stplr_name_waiters_take(struct stplr_name_waiters *waiters, const char *name, u64 age,
			     struct stplr_wake_batch *batch);
u32 stplr_name_key(const struct stplr_device *device, const char *name);
bool stplr_name_permitted(kuid_t owner, kgid_t group, umode_t mode, const struct cred *cred);
int stplr_name_check(const char *name, size_t len);
int stplr_name_check_kernel(const char *name);
int stplr_chid_reserve(struct stplr_channel *channel);
int stplr_name_register(struct stplr_channel *channel);
void stplr_name_unregister(struct stplr_channel *channel);
struct stplr_channel *stplr_name_expect(struct stplr_device *device,
					struct stplr_name_waiter *waiter);
void stplr_name_forget(struct stplr_device *device, struct stplr_name_waiters *waiters,
		       struct stplr_name_waiter *waiter);
struct stplr_channel *stplr_name_wait(struct stplr_device *device, const char *name, bool kernel,
				      s64 deadline, clockid_t clock);
struct stplr_channel *stplr_chid_find(struct stplr_device *device, pid_t pid, s32 chid);

#endif /* STPLR_CORE_NAME_H */
