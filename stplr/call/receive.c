// SPDX-License-Identifier: GPL-2.0
/*
 * The server's call that takes messages. What it tells of one, the info, goes straight to the
 * caller's memory, before the message is taken for good: a page of it may be missing.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cred.h>
#include <linux/pagemap.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/user_namespace.h>
#include <linux/stplr_kernel.h>
#include <uapi/linux/stplr.h>

#include "base/counters.h"
#include "base/params.h"
#include "base/uninitialized.h"
#include "base/wake.h"
#include "call/pulse.h"
#include "call/receive.h"
#include "core/connection.h"
#include "core/device.h"
#include "core/end.h"
#include "core/life.h"
#include "core/messages.h"
#include "core/patience.h"
#include "core/process.h"
#include "core/pulse.h"
#include "core/raise.h"
#include "core/receiver.h"
#include "core/wait.h"
#include "core/worker.h"
#include "memory/buffer.h"
#include "memory/sides.h"
#include "trace.h"

/* All ids of the first user namespace are themselves; others' are looked up. */
static u32 stplr_uid_in(struct user_namespace *ns, kuid_t uid)
{
	return likely(ns == &init_user_ns) ? __kuid_val(uid) : from_kuid_munged(ns, uid);
}

static u32 stplr_gid_in(struct user_namespace *ns, kgid_t gid)
{
	return likely(ns == &init_user_ns) ? __kgid_val(gid) : from_kgid_munged(ns, gid);
}

/*
 * Who sent a message that is not queued: its client is in its call, has parked it, or abandons it
 * at this moment, dying. Then it may be nobody already; and a task stays as long as RCU is read.
 */
static void stplr_receive_describe_client(const struct stplr_message *message,
					  struct pid_namespace *pid_ns, struct stplr_msg_info *info)
{
	struct task_struct *client;

	rcu_read_lock();
	client = READ_ONCE(message->client);
	if (likely(client)) {
		info->pid = pid_nr_ns(task_tgid(client), pid_ns);
		info->tid = pid_nr_ns(task_pid(client), pid_ns);
	} else {
		client = pid_task(message->parker, PIDTYPE_PID);
		info->pid = client ? pid_nr_ns(task_tgid(client), pid_ns) : 0;
		info->tid = pid_nr_ns(message->parker, pid_ns);
	}
	rcu_read_unlock();
}

/* Describes a message that is being received, or was. */
static void stplr_receive_describe(const struct stplr_message *message, size_t len,
				   struct stplr_msg_info *info)
{
	struct pid_namespace *pid_ns = task_active_pid_ns(current);
	struct user_namespace *user_ns = current_user_ns();

	info->rcvid = message->rcvid;
	info->kind = message->kind;
	info->flags = message->kind == STPLR_KIND_SEND ? STPLR_INFO_NO_REPLY : 0;
	if (len < message->sides.send.len)
		info->flags |= STPLR_INFO_TRUNCATED;
	info->priority = message->entry.priority;
	info->len = len;
	info->src_len = message->sides.send.len;
	info->dst_len = message->sides.reply.room;
	if (unlikely(stplr_connection_kernel(message->connection))) {
		info->flags |= STPLR_INFO_KERNEL;
		info->pid = 0;
		info->tid = 0;
	} else if (likely(!message->queued)) {
		stplr_receive_describe_client(message, pid_ns, info);
	} else {
		info->flags |= STPLR_INFO_QUEUED;
		/* the number of one that is gone may be another's by now */
		info->pid = pid_has_task(message->tgid, PIDTYPE_TGID) ?
				    pid_nr_ns(message->tgid, pid_ns) :
				    0;
		info->tid = pid_has_task(message->tid, PIDTYPE_PID) ?
				    pid_nr_ns(message->tid, pid_ns) :
				    0;
	}
	info->uid = stplr_uid_in(user_ns, message->uid);
	info->gid = stplr_gid_in(user_ns, message->gid);
	info->scoid = message->connection->process->scoid;
	info->coid = message->connection->coid;
	info->cookie = READ_ONCE(message->connection->cookie);
	memset(info->reserved, 0, sizeof(info->reserved));
}

/*
 * Copies a message and its description to the calling thread without waiting for any page of its.
 */
static bool stplr_receive_copy(const struct stplr_message *message, size_t len, struct iov_iter *to,
			       struct stplr_msg_info __user *uinfo)
{
	struct stplr_msg_info info;
	bool ok;

	if (stplr_send_side_copy(&message->sides, 0, len, to) != len)
		return false;
	stplr_receive_describe(message, len, &info);
	pagefault_disable();
	ok = !copy_to_user(uinfo, &info, sizeof(info));
	pagefault_enable();
	return ok;
}

/* Brings in what is missing of the calling thread's memory. */
static int stplr_receive_fault_in(const struct iov_iter *to, size_t missing,
				  struct stplr_msg_info __user *uinfo)
{
	if (missing && fault_in_iov_iter_writeable(to, missing) == missing)
		return -EFAULT;
	if (fault_in_safe_writeable((char __user *)uinfo, sizeof(*uinfo)))
		return -EFAULT;
	return signal_pending(current) ? -ERESTARTSYS : 0;
}

/*
 * The receiver gives the message its place back, and sees to its own memory. Another may be able
 * to take it; a sender that relied on a waiting receiver does not wait for this one. True if there
 * is nothing to be put back any more, which may be why it was not copied to its end. Called with
 * the lock, and left without.
 */
static bool stplr_receive_put_back(struct stplr_channel *channel, struct stplr_message *message)
	__releases(&channel->lock)
{
	struct task_struct *client, *other;
	bool gone;
	int err;

	lockdep_assert_held(&channel->lock);
	other = stplr_receiver_pop(channel);
	err = stplr_message_gone(message);
	gone = err;
	if (!err && channel->shutdown)
		err = -ESRCH;
	if (!err && channel->nr_polled >= channel->nr_coming)
		err = message->poll;
	if (err) {
		stplr_message_ending(message, err);
	} else {
		channel->nr_put_back++;
		stplr_message_let_go(channel, message);
		WRITE_ONCE(message->state, STPLR_QUEUED);
		stplr_message_enqueue(channel, message);
	}
	client = stplr_message_transfer_out(message);
	stplr_unlock_and_wake(channel, client);
	stplr_wake(other);
	stplr_channel_wake_pollers(channel);
	return gone;
}

/*
 * The message was copied: now it is to be answered, or done, or gone meanwhile (an error). Called
 * with the lock, and left without.
 */
static __always_inline int stplr_receive_commit(struct stplr_channel *channel,
						struct stplr_message *message,
						struct pid *receiver, size_t len)
	__releases(&channel->lock)
{
	struct task_struct *client;
	int err;

	lockdep_assert_held(&channel->lock);
	err = stplr_message_gone(message);
	message->sides.send.consumed = len;
	if (unlikely(err)) {
		stplr_message_ending(message, err);
	} else if (message->kind == STPLR_KIND_SEND && len == message->sides.send.len) {
		stplr_message_ending(message, 0);
	} else {
		/* in this order: see core/patience.c */
		WRITE_ONCE(message->since, jiffies);
		WRITE_ONCE(message->received, true);
		stplr_message_set_receiver(message, receiver);
		WRITE_ONCE(message->state, STPLR_RECEIVED);
		if (unlikely(message->impatient))
			stplr_patience_begin(message);
		message->drain |= message->wake_on_receive;
		stplr_received_add(channel, message);
	}
	client = stplr_message_transfer_out(message);
	stplr_unlock_and_wake(channel, client);
	stplr_channel_check_held(channel);
	return err;
}

/* A message that does not fit and must not be cut: only the length needed is told. */
static int stplr_receive_too_long(struct stplr_channel *channel, size_t needed,
				  struct stplr_msg_info __user *uinfo)
{
	struct stplr_msg_info info = { .src_len = needed };

	stplr_count(&channel->device->counts, STPLR_COUNT_TOO_LONG);
	return copy_to_user(uinfo, &info, sizeof(info)) ? -EFAULT : -EMSGSIZE;
}

/* The first message is the worker's, to be copied; called with the lock. */
static __always_inline void stplr_receive_take(struct stplr_channel *channel,
					       struct stplr_message *message,
					       struct stplr_worker *worker)
{
	lockdep_assert_held(&channel->lock);
	stplr_message_dequeue(channel, message);
	WRITE_ONCE(message->state, STPLR_RECEIVING);
	message->transfers++;
	stplr_message_take(message, worker);
	message->rcvid = stplr_rcvid_next(channel);
	trace_stplr_receive(message);
}

/*
 * Before the lock is released after that: was this thread woken for another, whose sender relies on
 * it? Then that is to be told (stplr_channel_refuse_polled()).
 */
static __always_inline void stplr_receive_unlock(struct stplr_channel *channel)
	__releases(&channel->lock)
{
	bool refuse = stplr_polled_in_vain(channel);

	stplr_unlock_and_settle(channel);
	if (unlikely(refuse))
		stplr_channel_refuse_polled(channel);
}

/*
 * Receives a message or pulse, which @uinfo is told of, or waits for one. Of @args only what
 * comes before its info is looked at.
 */
int stplr_receive(struct stplr_channel *channel, const struct stplr_msg_receive *args,
		  struct stplr_msg_info __user *uinfo)
{
	bool pulses_only = args->flags & STPLR_RECEIVE_PULSE;
	struct stplr_user_buffer buffer STPLR_UNINITIALIZED;
	unsigned int faults = 0;
	bool told = false;
	int err;

	if (channel->flags & STPLR_CHANNEL_LISTEN)
		return -EINVAL;
	err = stplr_user_buffer_import(&buffer, &args->buffer, args->flags & STPLR_RECEIVE_VECTOR,
				       args->flags & STPLR_RECEIVE_REGISTERED, &channel->buffers,
				       true);
	if (err)
		return err;

	for (;;) {
		struct stplr_message *message;
		struct stplr_worker *worker;
		struct iov_iter to;
		size_t len;
		bool copied;

		spin_lock(&channel->lock);
		worker = stplr_worker_enter(channel);
		err = stplr_receiver_wait(channel, worker, pulses_only, args->deadline,
					  args->clock);
		if (err) {
			stplr_unlock_and_settle(channel);
			if (err == -EINTR)
				stplr_receive_leave(channel);
			break;
		}
		if (unlikely(channel->pulses.first) && stplr_pulse_is_next(channel, pulses_only)) {
			err = stplr_pulse_receive(channel, &buffer, uinfo);
			if (!err)
				break;
			told = true;
			if (err > 0)
				continue;
			if (err == -EAGAIN && faults++ < STPLR_FAULT_TRIES)
				continue;
			if (err == -EAGAIN)
				err = -EFAULT;
			break;
		}
		message = stplr_entry_message(channel->messages.first);
		len = message->sides.send.len;
		if (len > buffer.len && args->flags & STPLR_RECEIVE_NO_TRUNC) {
			spin_unlock(&channel->lock);
			stplr_receive_leave(channel);
			err = stplr_receive_too_long(channel, len, uinfo);
			break;
		}
		len = min(len, buffer.len);
		stplr_receive_take(channel, message, worker);

		stplr_user_buffer_iter(&buffer, ITER_DEST, &to);
		if (likely(stplr_send_side_short(&message->sides.send, len, buffer.nr_parts) &&
			   !stplr_polled_in_vain(channel))) {
			copied = stplr_receive_copy(message, len, &to, uinfo);
		} else {
			stplr_receive_unlock(channel);
			copied = stplr_receive_copy(message, len, &to, uinfo);
			spin_lock(&channel->lock);
		}
		if (likely(copied)) {
			trace_stplr_copy(message, false, len);
			err = stplr_receive_commit(channel, message, task_tgid(current), len);
			told |= err;
			if (!err || err == -ESRCH)
				break;
			continue; /* its client has gone meanwhile: on to the next */
		}
		trace_stplr_copy(message, false, -EFAULT);
		if (stplr_receive_put_back(channel, message))
			continue;
		stplr_count(&channel->device->counts, STPLR_COUNT_RECEIVE_FAULTS);
		stplr_dbg(4, "receive on channel %d: a page is missing\n", channel->chid);
		err = -EFAULT;
		if (faults++ < STPLR_FAULT_TRIES)
			err = stplr_receive_fault_in(&to, len - (buffer.len - iov_iter_count(&to)),
						     uinfo);
		if (err) {
			stplr_receive_leave(channel);
			break;
		}
	}

	stplr_user_buffer_free(&buffer);
	/* closed meanwhile: to receive has made this thread a busy one again, which ends so */
	if (unlikely(err))
		stplr_channel_check_held(channel);

	/* Told of a message that went at the last moment, and of no other: it is taken back. */
	if (unlikely(told && err && err != -EMSGSIZE) && clear_user(uinfo, sizeof(*uinfo)))
		return -EFAULT;
	return err;
}

/* The same as kernel code is told. */
static void stplr_receive_describe_kernel(const struct stplr_message *message,
					  struct stplr_received *received)
{
	*received = (struct stplr_received){
		.rcvid = message->rcvid,
		.kind = message->kind,
		.flags = message->queued && !message->posted ? STPLR_REQUEST_QUEUED : 0,
		.priority = message->entry.priority,
		.scoid = message->connection->process->scoid,
		.coid = message->connection->coid,
		.uid = message->uid,
		.gid = message->gid,
		.len = message->sides.send.len,
		.room = message->sides.reply.room,
	};
}

/*
 * The same for a thread of kernel code, into its memory; how many bytes, and @received says of
 * what; or what stplr_receiver_wait() says.
 */
ssize_t stplr_receive_kernel(struct stplr_channel *channel, s64 deadline, void *bytes, size_t room,
			     struct stplr_received *received)
{
	for (;;) {
		struct kvec kernel = { .iov_base = bytes };
		struct stplr_message *message;
		struct stplr_worker *worker;
		struct iov_iter to;
		size_t len, copied;
		int err;

		spin_lock(&channel->lock);
		worker = stplr_worker_enter(channel);
		err = stplr_receiver_wait(channel, worker, false, deadline, CLOCK_MONOTONIC);
		if (err) {
			stplr_unlock_and_settle(channel);
			if (err == -EINTR)
				stplr_receive_leave(channel);
			return err;
		}
		if (channel->pulses.first && stplr_pulse_is_next(channel, false)) {
			if (stplr_pulse_receive_kernel(channel, received))
				return 0;
			continue; /* another thread took it */
		}
		message = stplr_entry_message(channel->messages.first);
		len = min(message->sides.send.len, room);
		stplr_receive_take(channel, message, worker);
		stplr_receive_unlock(channel);

		kernel.iov_len = len;
		iov_iter_kvec(&to, ITER_DEST, &kernel, 1, len);
		stplr_receive_describe_kernel(message, received);
		/* kernel memory is always there: a short copy is of one whose client leaves */
		copied = stplr_send_side_copy(&message->sides, 0, len, &to);
		spin_lock(&channel->lock);
		if (copied != len) {
			stplr_receive_put_back(channel, message);
			cond_resched();
			continue;
		}
		trace_stplr_copy(message, false, len);
		err = stplr_receive_commit(channel, message, NULL, len);
		if (!err)
			return len;
		if (err == -ESRCH)
			return err;
	}
}

/* The info of a message that the calling process has received, with the rcvid there; ESRCH. */
int stplr_receive_info(struct stplr_channel *channel, struct stplr_msg_info *info)
{
	struct stplr_message *message;

	spin_lock(&channel->lock);
	message = stplr_received_find(channel, task_tgid(current), info->rcvid);
	if (message) {
		stplr_receive_describe(message, message->sides.send.consumed, info);
		if (message->unblocking)
			info->flags |= STPLR_INFO_UNBLOCK;
	}
	spin_unlock(&channel->lock);
	return message ? 0 : -ESRCH;
}
