// SPDX-License-Identifier: GPL-2.0
/*
 * Events: what a client has allowed a server to notify it by. Registered by the client, delivered
 * by the server, which knows no more of it than its id and can do no more than the event says.
 *
 * An event belongs to the connection or to the open device on which it was registered, and ends
 * with it. It holds what it notifies: another connection, an eventfd, a struct pid; and while it is
 * being delivered, the deliverer holds it.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <linux/xarray.h>

#include "base/compat.h"
#include "base/params.h"
#include "base/quota.h"
#include "call/event.h"
#include "call/pulse.h"
#include "core/channel.h"
#include "core/client.h"
#include "core/connection.h"
#include "core/device.h"
#include "core/object.h"
#include "core/process.h"

static void stplr_event_free(struct kref *ref)
{
	struct stplr_event *event = container_of(ref, struct stplr_event, ref);

	if (event->target)
		stplr_connection_put(event->target);
	if (event->eventfd)
		eventfd_ctx_put(event->eventfd);
	put_pid(event->pid);
	if (event->cred)
		put_cred(event->cred);
	if (event->channel)
		stplr_channel_put(event->channel);
	stplr_process_put(event->process);
	stplr_uncharge(&event->user->events);
	stplr_user_put(event->user);
	kfree(event);
}

void stplr_event_put(struct stplr_event *event)
{
	kref_put(&event->ref, stplr_event_free);
}

/* Registering */

/* An event that notifies nobody yet; @channel may deliver it, or any, without. */
struct stplr_event *stplr_event_new(struct stplr_device *device, struct stplr_channel *channel,
				    const struct stplr_event_register *args)
{
	struct stplr_event *event;
	int err;

	event = kzalloc(sizeof(*event), GFP_KERNEL_ACCOUNT);
	if (!event)
		return ERR_PTR(-ENOMEM);
	kref_init(&event->ref);
	event->args = *args;

	err = -ENOMEM;
	event->user = stplr_user_get(current_euid());
	if (!event->user)
		goto free_event;
	err = stplr_charge(&event->user->events, READ_ONCE(stplr_user_events));
	if (err)
		goto put_user;
	event->process = stplr_process_get(device);
	if (IS_ERR(event->process)) {
		err = PTR_ERR(event->process);
		goto uncharge;
	}
	if (channel)
		kref_get(&channel->ref);
	event->channel = channel;
	return event;

uncharge:
	stplr_uncharge(&event->user->events);
put_user:
	stplr_user_put(event->user);
free_event:
	kfree(event);
	return ERR_PTR(err);
}

/* It sends a pulse over the connection, whose reference it takes over, also if it fails. */
int stplr_event_aim_pulse(struct stplr_event *event, struct stplr_connection *target)
{
	const struct stplr_event_register *args = &event->args;
	int err;

	event->target = target;
	if (target->channel->flags & STPLR_CHANNEL_LISTEN)
		return -EINVAL;
	err = stplr_pulse_check(target, args->priority, args->code);
	if (err)
		return err;
	event->args.priority = stplr_pulse_priority(target, args->priority);
	return 0;
}

/* It sends a signal to the calling process, or, by its type, to the calling thread alone. */
void stplr_event_aim_signal(struct stplr_event *event)
{
	event->pid = get_pid(event->args.type == STPLR_EVENT_SIGNAL ? task_tgid(current) :
								      task_pid(current));
	event->cred = get_current_cred();
}

/* Takes an id, which nobody finds before its owner knows the event. */
int stplr_event_reserve(struct stplr_device *device, struct stplr_event *event)
{
	int err = xa_alloc_cyclic(&device->events, &event->args.id, NULL, XA_LIMIT(1, U32_MAX),
				  &device->last_event, GFP_KERNEL_ACCOUNT);

	return err < 0 ? err : 0;
}

/* Gives the id back. */
void stplr_event_unreserve(struct stplr_device *device, struct stplr_event *event)
{
	xa_erase(&device->events, event->args.id);
}

/* From now on it is @owner's, and can be delivered; or EBADF. */
int stplr_event_add(struct stplr_device *device, struct stplr_event_owner *owner,
		    struct stplr_event *event)
{
	int err;

	mutex_lock(&device->registry);
	err = owner->ended ? -EBADF : 0;
	if (!err) {
		event->owner = owner;
		list_add(&event->link, &owner->events);
		/* its place is there: cannot fail */
		xa_store(&device->events, event->args.id, event, GFP_KERNEL_ACCOUNT);
	}
	mutex_unlock(&device->registry);
	return err;
}

/* The owner takes one back; ENOENT. */
int stplr_event_remove(struct stplr_device *device, struct stplr_event_owner *owner, u32 id)
{
	struct stplr_event *event;

	mutex_lock(&device->registry);
	event = xa_load(&device->events, id);
	if (event && event->owner == owner) {
		list_del(&event->link);
		xa_erase(&device->events, id);
	} else {
		event = NULL;
	}
	mutex_unlock(&device->registry);
	if (!event)
		return -ENOENT;
	stplr_event_put(event);
	return 0;
}

/* The owner ends, and its events with it. */
void stplr_events_end(struct stplr_device *device, struct stplr_event_owner *owner)
{
	struct stplr_event *event;

	do {
		mutex_lock(&device->registry);
		WRITE_ONCE(owner->ended, true);
		event = list_first_entry_or_null(&owner->events, struct stplr_event, link);
		if (event) {
			list_del(&event->link);
			xa_erase(&device->events, event->args.id);
		}
		mutex_unlock(&device->registry);
		if (event)
			stplr_event_put(event);
		cond_resched();
	} while (event);
}

/* Delivering */

static struct stplr_event *stplr_event_find(struct stplr_device *device, u32 id)
{
	struct stplr_event *event;

	xa_lock(&device->events);
	event = xa_load(&device->events, id);
	if (event)
		kref_get(&event->ref); /* the array's is there as long as we have the lock */
	xa_unlock(&device->events);
	return event;
}

/* A signal for the process: whichever thread does not block it. */
static int stplr_event_signal(const struct stplr_event *event, u64 value)
{
	sigval_t sigval = { .sival_ptr = u64_to_user_ptr(value) };

	return kill_pid_usb_asyncio(event->args.signo, 0, sigval, event->pid, event->cred);
}

/* May who has these credentials signal the thread? */
static bool stplr_event_may_signal(const struct cred *cred, struct task_struct *task)
{
	const struct cred *theirs;
	bool may;

	/* as kill(2) has it */
	rcu_read_lock();
	theirs = __task_cred(task);
	may = uid_eq(cred->euid, theirs->suid) || uid_eq(cred->euid, theirs->uid) ||
	      uid_eq(cred->uid, theirs->suid) || uid_eq(cred->uid, theirs->uid);
	rcu_read_unlock();
	return may;
}

/* A signal for one thread, sent as by the one who registered it. */
static int stplr_event_signal_thread(const struct stplr_event *event, u64 value)
{
	struct task_struct *task = get_pid_task(event->pid, PIDTYPE_PID);
	struct kernel_siginfo info;
	int err = -EPERM;

	if (!task)
		return -ESRCH;
	if (!stplr_event_may_signal(event->cred, task))
		goto put_task;
	clear_siginfo(&info);
	info.si_signo = event->args.signo;
	info.si_code = event->args.code ?: SI_QUEUE;
	info.si_pid = task_tgid_nr_ns(current, task_active_pid_ns(task));
	info.si_value.sival_ptr = u64_to_user_ptr(value);

	info.si_uid = from_kuid_munged(current_user_ns(), event->cred->uid);
	err = send_sig_info(info.si_signo, &info, task);
put_task:
	put_task_struct(task);
	return err;
}

static int stplr_event_notify(const struct stplr_event *event, u64 value)
{
	int err;

	switch (event->args.type) {
	case STPLR_EVENT_PULSE:
		err = stplr_pulse_post(event->target, event->args.priority, event->args.code,
				       value);
		return err == -EBADF ? -ESRCH : err;
	case STPLR_EVENT_EVENTFD:
		stplr_eventfd_signal(event->eventfd);
		return 0;
	case STPLR_EVENT_SIGNAL:
		return stplr_event_signal(event, value);
	default:
		return stplr_event_signal_thread(event, value);
	}
}

/* May this channel deliver the event, to this client? */
static bool stplr_event_allowed(struct stplr_channel *channel, const struct stplr_event *event,
				const struct stplr_event_deliver *args)
{
	if (args->scoid && args->scoid != event->process->scoid)
		return false;
	if (args->flags & STPLR_DELIVER_VALUE && !(event->args.flags & STPLR_EVENT_UPDATE))
		return false;
	if (event->channel)
		return event->channel == channel;
	return stplr_client_known(channel, event->process);
}

/* The channel's server notifies by an event; ENOENT, EACCES, and what comes of it. */
int stplr_event_deliver(struct stplr_channel *channel, const struct stplr_event_deliver *args)
{
	struct stplr_event *event = stplr_event_find(channel->device, args->id);
	u64 value;
	int err;

	if (!event)
		return -ENOENT;
	value = args->flags & STPLR_DELIVER_VALUE ? args->value : event->args.value;
	err = -EACCES;
	if (stplr_event_allowed(channel, event, args))
		err = stplr_event_notify(event, value);
	stplr_event_put(event);
	stplr_dbg(3, "event %u delivered: %d\n", args->id, err);
	return err;
}
