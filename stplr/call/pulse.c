// SPDX-License-Identifier: GPL-2.0
/*
 * Pulses sent and received. A receiver copies the first pulse to its program, and then takes it off
 * the queue, if it is still the first: a pulse that could not be copied has never left.
 */

#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/sched/prio.h>
#include <linux/sched/signal.h>
#include <linux/stplr_kernel.h>
#include <uapi/linux/stplr.h>

#include "base/priority.h"
#include "base/wake.h"
#include "call/pulse.h"
#include "call/serve.h"
#include "core/connection.h"
#include "core/end.h"
#include "core/messages.h"
#include "core/notice.h"
#include "core/pool.h"
#include "core/process.h"
#include "core/pulse.h"
#include "core/raise.h"
#include "core/receiver.h"
#include "memory/buffer.h"
#include "trace.h"

/* Receiving */

static void stplr_pulse_describe(const struct stplr_pulse_entry *entry, struct stplr_pulse *pulse,
				 struct stplr_msg_info *info)
{
	*pulse = (struct stplr_pulse){
		.code = entry->code,
		.value = entry->value,
		.scoid = entry->scoid,
	};
	*info = (struct stplr_msg_info){
		.kind = STPLR_KIND_PULSE,
		.flags = entry->kernel ? STPLR_INFO_KERNEL : 0,
		.priority = entry->entry.priority,
		.len = sizeof(*pulse),
		.src_len = sizeof(*pulse),
		.uid = (u32)-1,
		.gid = (u32)-1,
		.scoid = entry->scoid,
		.coid = entry->coid,
		.cookie = entry->cookie,
	};
}

/* Takes the pulse of this age off the queue, if it is still the first. */
static bool stplr_pulse_commit(struct stplr_channel *channel, u64 seq)
{
	enum stplr_pulse_origin origin = STPLR_PULSE_POOL;
	struct stplr_pulse_entry *pulse;
	struct task_struct *other = NULL;
	bool refuse = false;

	spin_lock(&channel->lock);
	pulse = stplr_pulse_first(channel);
	if (pulse && pulse->entry.seq == seq) {
		trace_stplr_pulse(channel, pulse, true);
		origin = pulse->origin;
		stplr_pulse_dequeue(channel, pulse);
	} else {
		pulse = NULL;
	}
	/* this thread may have been woken for a message, whose sender may rely on it */
	if (pulse && channel->messages.first) {
		other = stplr_receiver_pop(channel);
		refuse = stplr_polled_in_vain(channel);
	}
	stplr_unlock_and_settle(channel);
	stplr_wake(other);
	if (refuse)
		stplr_channel_refuse_polled(channel);
	if (pulse)
		stplr_pulse_release(channel, pulse, origin);
	return pulse;
}

/*
 * Receives the first pulse; called with the lock, and left without. 1: another thread took it;
 * EAGAIN: a page was missing: in both cases, look again at what there is.
 */
int stplr_pulse_receive(struct stplr_channel *channel, const struct stplr_user_buffer *buffer,
			struct stplr_msg_info __user *uinfo)
	__releases(&channel->lock)
{
	struct stplr_pulse_entry *entry = stplr_pulse_first(channel);
	struct stplr_pulse pulse;
	struct stplr_msg_info info;
	u64 seq = entry->entry.seq;
	struct iov_iter to;
	size_t missing;

	lockdep_assert_held(&channel->lock);
	stplr_pulse_describe(entry, &pulse, &info);
	spin_unlock(&channel->lock);

	if (buffer->len < sizeof(pulse)) {
		struct stplr_msg_info needed = { .kind = STPLR_KIND_PULSE,
						 .src_len = sizeof(pulse) };

		stplr_receive_leave(channel);
		return copy_to_user(uinfo, &needed, sizeof(needed)) ? -EFAULT : -EMSGSIZE;
	}

	stplr_user_buffer_iter(buffer, ITER_DEST, &to);
	pagefault_disable();
	missing = sizeof(pulse) - _copy_to_iter(&pulse, sizeof(pulse), &to);
	if (!missing && copy_to_user(uinfo, &info, sizeof(info)))
		missing = sizeof(pulse);
	pagefault_enable();
	if (likely(!missing))
		return stplr_pulse_commit(channel, seq) ? 0 : 1;

	/* before it waits for its memory, others may take what there is */
	stplr_receive_leave(channel);
	stplr_user_buffer_iter(buffer, ITER_DEST, &to);
	if (fault_in_iov_iter_writeable(&to, sizeof(pulse)) ||
	    fault_in_safe_writeable((char __user *)uinfo, sizeof(*uinfo)))
		return -EFAULT;
	return signal_pending(current) ? -ERESTARTSYS : -EAGAIN;
}

/* The same for kernel code, which is told of it; false: another thread took it. */
bool stplr_pulse_receive_kernel(struct stplr_channel *channel, struct stplr_received *received)
	__releases(&channel->lock)
{
	struct stplr_pulse_entry *entry = stplr_pulse_first(channel);
	u64 seq = entry->entry.seq;

	lockdep_assert_held(&channel->lock);
	*received = (struct stplr_received){
		.kind = STPLR_KIND_PULSE,
		.priority = entry->entry.priority,
		.scoid = entry->scoid,
		.coid = entry->coid,
		.uid = INVALID_UID,
		.gid = INVALID_GID,
		.code = entry->code,
		.value = entry->value,
	};
	spin_unlock(&channel->lock);
	return stplr_pulse_commit(channel, seq);
}

/* Sending */

static void stplr_pulse_fill(struct stplr_pulse_entry *pulse,
			     struct stplr_connection *connection, int priority, s8 code, u64 value)
{
	kref_get(&connection->ref);
	pulse->connection = connection;
	pulse->entry.priority = priority;
	pulse->origin = STPLR_PULSE_POOL;
	pulse->kernel = false;
	pulse->code = code;
	pulse->value = value;
	pulse->scoid = connection->process->scoid;
	pulse->coid = connection->coid;
	pulse->cookie = READ_ONCE(connection->cookie);
}

/*
 * The priority at which the calling thread's pulse is queued: its own, or another, which in another
 * process's channel is at most what the thread could take itself. There it would be received before
 * all that others send.
 */
int stplr_pulse_priority(const struct stplr_connection *connection, int priority)
{
	int own = stplr_priority_of(current);

	if (priority == STPLR_PRIORITY_OWN)
		return own;
	if (priority <= own || connection->channel->creator->pid == task_tgid(current))
		return priority;
	return min(priority, max(own, stplr_priority_allowed()));
}

/* May the calling process send this code over the connection? */
int stplr_pulse_check(const struct stplr_connection *connection, int priority, int code)
{
	if (priority < STPLR_PRIORITY_OWN || priority > STPLR_PRIORITY_MAX)
		return -EINVAL;
	if (code < S8_MIN || code > S8_MAX)
		return -EINVAL;
	if (code < 0 && connection->channel->creator->pid != task_tgid(current))
		return -EINVAL;
	return 0;
}

/* Sends a pulse over the connection; EAGAIN, ESRCH, EBADF, ENOBUFS, ENOMEM. */
int stplr_pulse_post(struct stplr_connection *connection, int priority, s8 code, u64 value)
{
	struct stplr_channel *channel = connection->channel;
	struct stplr_pulse_entry *pulse;
	int err;

	if (channel->flags & STPLR_CHANNEL_LISTEN)
		return -EINVAL;
	if (unlikely(channel->direct))
		return stplr_serve_pulse(connection, priority, code, value);
	if (unlikely(!READ_ONCE(channel->pool))) {
		err = stplr_pool_make(channel, STPLR_PULSES_DEFAULT, connection->user);
		if (err)
			return err;
	}
	pulse = stplr_pool_take(channel->pool, connection->share, false);
	if (!pulse && READ_ONCE(connection->detached))
		return -EBADF;
	if (!pulse)
		return READ_ONCE(channel->dead) || READ_ONCE(channel->shutdown) ? -ESRCH : -EAGAIN;
	stplr_pulse_fill(pulse, connection, priority, code, value);
	err = stplr_pulse_deliver(channel, connection, pulse);
	if (err)
		stplr_pulse_free(channel, pulse);
	return err;
}

/*
 * The same in any context, over a connection whose channel has its pool, to be queued in a moment.
 * EAGAIN, EBADF; what comes after the channel's end is dropped.
 */
int stplr_pulse_post_atomic(struct stplr_connection *connection, int priority, s8 code, u64 value)
{
	struct stplr_pool *pool = connection->channel->pool;
	struct stplr_pulse_entry *pulse;

	if (READ_ONCE(connection->detached))
		return -EBADF;
	pulse = stplr_pool_take(pool, connection->share, true);
	if (!pulse)
		return -EAGAIN;
	stplr_pulse_fill(pulse, connection, priority, code, value);
	pulse->kernel = true;
	if (llist_add(&pulse->incoming, &pool->incoming))
		irq_work_queue(&pool->irq_work);
	return 0;
}

/* What was sent in that way is queued when this returns; may sleep. */
void stplr_pulse_flush(struct stplr_connection *connection)
{
	struct stplr_pool *pool = connection->channel->pool;
	static DEFINE_MUTEX(one_waits);

	/* of several that wait for one irq_work, a real-time kernel wakes one */
	mutex_lock(&one_waits);
	irq_work_sync(&pool->irq_work);
	mutex_unlock(&one_waits);
	flush_work(&pool->work);
}
