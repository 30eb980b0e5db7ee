// SPDX-License-Identifier: GPL-2.0
/* Names, channel ids, and who may connect by them. */

#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/rbtree.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/stringhash.h>
#include <linux/user_namespace.h>

#include <uapi/linux/stplr.h>

#include "base/clock.h"
#include "base/late.h"
#include "base/wake.h"
#include "core/channel.h"
#include "core/device.h"
#include "core/name.h"
#include "core/process.h"

/* Salted by an address, so that nobody can choose names that collide. */
u32 stplr_name_key(const struct stplr_device *device, const char *name)
{
	return full_name_hash(device, name, strlen(name));
}

/* The number of an id's name: 32 bits, written in one way, so that no id is there twice. */
static int stplr_name_check_id(const char *digits, size_t len)
{
	u64 id = 0;
	size_t i;

	if (len < 1 || len > 10 || (digits[0] == '0' && len > 1))
		return -EINVAL;
	for (i = 0; i < len; i++) {
		if (!isdigit(digits[i]))
			return -EINVAL;
		id = id * 10 + digits[i] - '0';
	}
	return id <= U32_MAX ? 0 : -EINVAL;
}

/* ASCII, whatever the kernel's ctype thinks of other bytes. */
int stplr_name_check(const char *name, size_t len)
{
	size_t i;

	if (len < 1 || len > STPLR_NAME_MAX)
		return -EINVAL;
	/* as STPLR_ID_NAME has it */
	if (name[0] == '@')
		return stplr_name_check_id(name + 1, len - 1);
	for (i = 0; i < len; i++) {
		unsigned char c = name[i];

		if (c >= 0x80 || !(isalnum(c) || c == '.' || c == '_' || c == '-'))
			return -EINVAL;
	}
	return 0;
}

/* The same for kernel code, whose names end with a zero. */
int stplr_name_check_kernel(const char *name)
{
	return name ? stplr_name_check(name, strnlen(name, STPLR_NAME_MAX + 1)) : -EINVAL;
}

static struct stplr_channel *stplr_name_lookup(struct stplr_device *device, const char *name)
{
	struct stplr_channel *channel;

	lockdep_assert_held(&device->registry);
	hash_for_each_possible(device->names, channel, name_node,
			       stplr_name_key(device, name)) {
		if (!strcmp(channel->name, name))
			return channel;
	}
	return NULL;
}

/*
 * Who waits for a name is in a tree, under the registry: whoever brings the name takes it out, and
 * nobody else sees to it.
 */

static struct stplr_name_waiter *stplr_name_waiter_of(struct rb_node *node)
{
	return rb_entry(node, struct stplr_name_waiter, node);
}

static bool stplr_name_waiter_before(struct rb_node *a, const struct rb_node *b)
{
	return strcmp(stplr_name_waiter_of(a)->name,
		      rb_entry(b, struct stplr_name_waiter, node)->name) < 0;
}

static int stplr_name_waiter_compare(const void *name, const struct rb_node *node)
{
	return strcmp(name, rb_entry(node, struct stplr_name_waiter, node)->name);
}

/* The waiter waits for what was not found under a name; under the registry. */
void stplr_name_waiter_add(struct stplr_name_waiters *waiters, struct stplr_name_waiter *waiter)
{
	if (!RB_EMPTY_NODE(&waiter->node))
		return;
	waiter->named = false;
	waiter->age = ++waiters->last;
	rb_add(&waiter->node, &waiters->tree, stplr_name_waiter_before);
}

/* Likewise; it may have been taken out. */
static void stplr_name_waiter_del(struct stplr_name_waiters *waiters,
				  struct stplr_name_waiter *waiter)
{
	if (RB_EMPTY_NODE(&waiter->node))
		return;
	rb_erase(&waiter->node, &waiters->tree);
	RB_CLEAR_NODE(&waiter->node);
}

/*
 * Takes out those that wait for a name, a batch of them, to be woken; likewise. Only those up to
 * @age, first come first served: those that are woken in vain may wait again.
 */
void stplr_name_waiters_take(struct stplr_name_waiters *waiters, const char *name, u64 age,
			     struct stplr_wake_batch *batch)
{
	while (batch->count < STPLR_WAKE_BATCH) {
		struct stplr_name_waiter *waiter;
		struct rb_node *node;

		/* of the same name those that came later are further to the right */
		node = rb_find_first(name, &waiters->tree, stplr_name_waiter_compare);
		if (!node)
			break;
		waiter = stplr_name_waiter_of(node);
		if (waiter->age > age)
			break;
		stplr_name_waiter_del(waiters, waiter);
		WRITE_ONCE(waiter->named, true);
		if (waiter->work)
			stplr_queue_late(waiter->work);
		else
			stplr_wake_add(batch, get_task_struct(waiter->task));
	}
}

/* The channel's name has come, and as long as it is there nobody begins to wait for it. */
static void stplr_name_wake(struct stplr_channel *channel)
{
	struct stplr_device *device = channel->device;
	struct stplr_wake_batch batch = { .count = 0 };
	bool more;

	do {
		mutex_lock(&device->registry);
		if (channel->registered)
			stplr_name_waiters_take(&device->name_waiters, channel->name, U64_MAX,
						&batch);
		more = batch.count == STPLR_WAKE_BATCH;
		mutex_unlock(&device->registry);
		stplr_wake_all(&batch);
	} while (more);
}

/* Takes a chid of the calling process's, by which nobody finds the channel yet. */
int stplr_chid_reserve(struct stplr_channel *channel)
{
	u32 chid;
	int err;

	err = xa_alloc(&channel->creator->channels, &chid, NULL, XA_LIMIT(1, INT_MAX),
		       GFP_KERNEL_ACCOUNT);
	if (err)
		/* 2^31 channels: the user's bound is met long before */
		return err == -EBUSY ? -EDQUOT : err;
	channel->chid = chid;
	channel->registered = true;
	return 0;
}

/* Lets a channel be found: by its chid, and its name if it has one; EEXIST. */
int stplr_name_register(struct stplr_channel *channel)
{
	struct stplr_device *device = channel->device;

	mutex_lock(&device->registry);
	if (channel->name[0] && stplr_name_lookup(device, channel->name)) {
		mutex_unlock(&device->registry);
		return -EEXIST;
	}
	/* its place is there: cannot fail */
	xa_store(&channel->creator->channels, channel->chid, channel, GFP_KERNEL_ACCOUNT);
	if (channel->name[0])
		hash_add(device->names, &channel->name_node,
			 stplr_name_key(device, channel->name));
	mutex_unlock(&device->registry);

	if (channel->name[0])
		stplr_name_wake(channel);
	return 0;
}

/* Nobody finds the channel any more, its name and chid are free; may be called again. */
void stplr_name_unregister(struct stplr_channel *channel)
{
	struct stplr_device *device = channel->device;

	mutex_lock(&device->registry);
	if (channel->registered) {
		xa_erase(&channel->creator->channels, channel->chid);
		hash_del(&channel->name_node);
		channel->registered = false;
	}
	mutex_unlock(&device->registry);
}

/* The write bit that applies to the caller, as for a file; @cred is who made it. */
bool stplr_name_permitted(kuid_t owner, kgid_t group, umode_t mode, const struct cred *cred)
{
	if (uid_eq(current_fsuid(), owner))
		mode >>= 6;
	else if (in_group_p(group))
		mode >>= 3;
	return (mode & 2) || ns_capable(cred->user_ns, CAP_DAC_OVERRIDE);
}

/*
 * The channel of this name with a reference, if the caller may connect to it, as @kernel code may;
 * ENOENT, EACCES. Without one @waiter, if there is one, waits for it.
 */
static struct stplr_channel *stplr_name_find(struct stplr_device *device, const char *name,
					     bool kernel, struct stplr_name_waiter *waiter)
{
	struct stplr_channel *channel;

	mutex_lock(&device->registry);
	channel = stplr_name_lookup(device, name);
	if (!channel)
		channel = ERR_PTR(-ENOENT);
	else if (!kernel && !stplr_name_permitted(channel->owner, channel->group, channel->mode,
						  channel->cred))
		channel = ERR_PTR(-EACCES);
	else
		kref_get(&channel->ref);
	if (waiter && channel == ERR_PTR(-ENOENT))
		stplr_name_waiter_add(&device->name_waiters, waiter);
	mutex_unlock(&device->registry);
	return channel;
}

/* The same for kernel code that is to be told, by its waiter's work, when the name has come. */
struct stplr_channel *stplr_name_expect(struct stplr_device *device,
					struct stplr_name_waiter *waiter)
{
	return stplr_name_find(device, waiter->name, true, waiter);
}

/* It does not wait any more; but its work may have been queued. */
void stplr_name_forget(struct stplr_device *device, struct stplr_name_waiters *waiters,
		       struct stplr_name_waiter *waiter)
{
	mutex_lock(&device->registry);
	stplr_name_waiter_del(waiters, waiter);
	mutex_unlock(&device->registry);
}

/*
 * The same, waiting for the name; in addition ENOENT without waiting, ETIMEDOUT, and ERESTARTSYS,
 * or, for @kernel code, which waits until it is killed, EINTR.
 */
struct stplr_channel *stplr_name_wait(struct stplr_device *device, const char *name, bool kernel,
				      s64 deadline, clockid_t clock)
{
	unsigned int sleep = kernel ? TASK_KILLABLE : TASK_INTERRUPTIBLE;
	struct stplr_name_waiter waiter = { .name = name, .task = current };
	struct stplr_channel *channel;
	bool expired = false;

	if (deadline == STPLR_DEADLINE_POLL)
		return stplr_name_find(device, name, kernel, NULL);

	RB_CLEAR_NODE(&waiter.node);
	for (;;) {
		channel = stplr_name_find(device, name, kernel, &waiter);
		if (channel != ERR_PTR(-ENOENT))
			break;
		if (expired) {
			channel = ERR_PTR(-ETIMEDOUT);
			break;
		}
		if (signal_pending_state(sleep, current)) {
			channel = ERR_PTR(kernel ? -EINTR : -ERESTARTSYS);
			break;
		}
		set_current_state(sleep | TASK_FREEZABLE);
		if (!READ_ONCE(waiter.named))
			expired = stplr_sleep(deadline, clock);
		__set_current_state(TASK_RUNNING);
	}

	stplr_name_forget(device, &device->name_waiters, &waiter);
	return channel;
}

/* A process lives while one of its threads does, whether it was reaped or not. */
static bool stplr_pid_alive(struct pid *pid)
{
	struct task_struct *task;
	bool alive;

	rcu_read_lock();
	task = pid_task(pid, PIDTYPE_TGID);
	alive = task && atomic_read(&task->signal->live) > 0;
	rcu_read_unlock();
	return alive;
}

static bool stplr_chid_permitted(const struct stplr_channel *channel)
{
	return channel->flags & STPLR_CHANNEL_ATTACH_ANY ||
	       uid_eq(current_euid(), channel->cred->euid) ||
	       ns_capable(channel->cred->user_ns, CAP_SYS_PTRACE);
}

/*
 * The channel with this id in that process, with a reference; pid 0 is the caller; ESRCH, EACCES.
 */
struct stplr_channel *stplr_chid_find(struct stplr_device *device, pid_t pid, s32 chid)
{
	struct stplr_channel *channel = ERR_PTR(-ESRCH);
	struct stplr_process *process;
	struct pid *target;

	target = pid ? find_get_pid(pid) : get_pid(task_tgid(current));
	if (!target)
		return channel;
	if (!stplr_pid_alive(target))
		goto put_target;

	mutex_lock(&device->registry);
	process = stplr_process_find(device, target);
	if (process) {
		struct stplr_channel *found = xa_load(&process->channels, chid);

		if (found && !stplr_chid_permitted(found)) {
			channel = ERR_PTR(-EACCES);
		} else if (found) {
			kref_get(&found->ref);
			channel = found;
		}
	}
	mutex_unlock(&device->registry);
put_target:
	put_pid(target);
	return channel;
}
