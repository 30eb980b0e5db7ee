// SPDX-License-Identifier: GPL-2.0
/*
 * Pulses: a code and a value, queued beside the messages, for which nobody waits.
 *
 * Those that clients send are of the channel's pool, which is made once; sending allocates nothing,
 * so that kernel code can send in any context. Notices (notice.c) are part of the object of which
 * they speak, and so need no place in a pool.
 *
 * A receiver copies the first pulse to its program, and then takes it off the queue, if it is still
 * the first: a pulse that could not be copied has never left.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/file.h>
#include <linux/pagemap.h>
#include <linux/sched/prio.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include <linux/stplr_kernel.h>

#include "messages.h"
#include "stplr.h"
#include "trace.h"

/* The pool */

static size_t stplr_pool_bytes(unsigned int size)
{
	struct stplr_pool *pool;

	return struct_size(pool, pulses, size);
}

static struct stplr_pulse_entry *stplr_pool_take(struct stplr_pool *pool)
{
	struct stplr_pulse_entry *pulse = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->lock, flags);
	if (pool->free) {
		pulse = pool->free;
		pool->free = pulse->free;
	} else if (pool->nr_fresh) {
		pulse = &pool->pulses[--pool->nr_fresh];
	} else {
		pool->nr_refused++;
	}
	pool->nr_used += !!pulse;
	raw_spin_unlock_irqrestore(&pool->lock, flags);
	return pulse;
}

static void stplr_pool_give(struct stplr_pool *pool, struct stplr_pulse_entry *pulse)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->lock, flags);
	pulse->free = pool->free;
	pool->free = pulse;
	pool->nr_used--;
	raw_spin_unlock_irqrestore(&pool->lock, flags);
}

static void stplr_pool_irq_work(struct irq_work *irq_work);
static void stplr_pool_work(struct work_struct *work);

/* Makes the channel's pool, unless it has one; @payer is charged for it. */
int stplr_pool_make(struct stplr_channel *channel, unsigned int size, struct stplr_user *payer)
{
	struct stplr_pool *pool;
	int err;

	if (READ_ONCE(channel->pool))
		return 0;
	err = stplr_charge_memory(payer, stplr_pool_bytes(size));
	if (err)
		return err;
	pool = kvzalloc(stplr_pool_bytes(size), GFP_KERNEL_ACCOUNT);
	if (!pool) {
		stplr_uncharge_memory(payer, stplr_pool_bytes(size));
		return -ENOMEM;
	}
	pool->payer = stplr_user_hold(payer);
	raw_spin_lock_init(&pool->lock);
	pool->channel = channel;
	pool->size = size;
	pool->nr_fresh = size;
	init_llist_head(&pool->incoming);
	init_irq_work(&pool->irq_work, stplr_pool_irq_work);
	INIT_WORK(&pool->work, stplr_pool_work);

	/* pairs with stplr_pulse_post(): who sees the pool sees all of it */
	if (cmpxchg(&channel->pool, NULL, pool))
		stplr_pool_free(pool);
	return 0;
}

void stplr_pool_free(struct stplr_pool *pool)
{
	if (!pool)
		return;
	WARN_ON(pool->nr_used);
	stplr_uncharge_memory(pool->payer, stplr_pool_bytes(pool->size));
	stplr_user_put(pool->payer);
	kvfree(pool);
}

/* Its queue */

/* Queues a pulse; ESRCH: nothing is received any more. */
int stplr_pulse_queue(struct stplr_channel *channel, struct stplr_pulse_entry *pulse)
{
	lockdep_assert_held(&channel->lock);
	if (unlikely(channel->dead || channel->shutdown))
		return -ESRCH;
	pulse->entry.seq = ++channel->last_seq;
	pulse->queued = true;
	channel->nr_pulses++;
	trace_stplr_pulse(channel, pulse, false);
	stplr_queue_add(&channel->pulses, &pulse->entry);
	return 0;
}

void stplr_pulse_dequeue(struct stplr_channel *channel, struct stplr_pulse_entry *pulse)
{
	lockdep_assert_held(&channel->lock);
	stplr_queue_del(&channel->pulses, &pulse->entry);
	pulse->queued = false;
}

/* Queues a pulse, of the connection's if one is given, and wakes who may receive it. */
int stplr_pulse_deliver(struct stplr_channel *channel, const struct stplr_connection *connection,
			struct stplr_pulse_entry *pulse)
{
	struct task_struct *receiver = NULL;
	int err = 0;

	spin_lock(&channel->lock);
	/* under the lock: nothing of a client's follows the notice that it is gone */
	if (connection && connection->detached)
		err = -EBADF;
	if (!err)
		err = stplr_pulse_queue(channel, pulse);
	if (!err)
		receiver = stplr_pulse_receiver(channel);
	spin_unlock(&channel->lock);
	if (err)
		return err;
	stplr_wake(receiver);
	stplr_channel_wake_pollers(channel);
	return 0;
}

/*
 * A pulse that is in no queue any more; @origin was read under the lock, since an unblock notice
 * may be gone with its message.
 */
static void stplr_pulse_release(struct stplr_channel *channel, struct stplr_pulse_entry *pulse,
				enum stplr_pulse_origin origin)
{
	if (origin == STPLR_PULSE_POOL)
		stplr_pool_give(channel->pool, pulse);
	else
		stplr_notice_release(pulse, origin);
}

/* Nothing is received any more: drops what is queued. */
void stplr_pulses_end(struct stplr_channel *channel)
{
	enum stplr_pulse_origin origin = STPLR_PULSE_POOL;
	struct stplr_pulse_entry *pulse;

	do {
		spin_lock(&channel->lock);
		pulse = stplr_pulse_first(channel);
		if (pulse) {
			origin = pulse->origin;
			stplr_pulse_dequeue(channel, pulse);
		}
		spin_unlock(&channel->lock);
		if (pulse)
			stplr_pulse_release(channel, pulse, origin);
		cond_resched();
	} while (pulse);
}

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
	spin_unlock(&channel->lock);
	stplr_wake(other);
	if (refuse)
		stplr_channel_end_queued(channel, true);
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

/* Sending */

static void stplr_pulse_fill(struct stplr_pulse_entry *pulse,
			     const struct stplr_connection *connection, int priority, s8 code,
			     u64 value)
{
	pulse->entry.priority = priority;
	pulse->origin = STPLR_PULSE_POOL;
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
	if (unlikely(!READ_ONCE(channel->pool))) {
		err = stplr_pool_make(channel, STPLR_PULSES_DEFAULT, connection->user);
		if (err)
			return err;
	}
	pulse = stplr_pool_take(channel->pool);
	if (!pulse && READ_ONCE(connection->detached))
		return -EBADF;
	if (!pulse)
		return READ_ONCE(channel->dead) || READ_ONCE(channel->shutdown) ? -ESRCH : -EAGAIN;
	stplr_pulse_fill(pulse, connection, priority, code, value);
	err = stplr_pulse_deliver(channel, connection, pulse);
	if (err)
		stplr_pool_give(channel->pool, pulse);
	return err;
}

long stplr_pulse_ioctl(struct stplr_connection *connection, const void __user *arg,
		       unsigned int size)
{
	struct stplr_pulse_send args;
	int err;

	err = stplr_args_get(&args, sizeof(args), arg, size);
	if (err)
		return err;
	if (args.flags || args.reserved)
		return -EINVAL;
	err = stplr_pulse_check(connection, args.priority, args.code);
	if (!err)
		err = stplr_pulse_post(connection, stplr_pulse_priority(connection, args.priority),
				       args.code, args.value);
	stplr_dbg(3, "pulse %d on connection %u: %d\n", args.code, connection->coid, err);
	return err;
}

/*
 * Kernel code that sends, see <linux/stplr_kernel.h>. Where it runs, channel->lock may be held by
 * whom it interrupted. So the pulse is left to an irq_work, which queues it if it gets the lock,
 * and otherwise leaves it to a worker. On PREEMPT_RT an irq_work is a thread, and may wait.
 */

/* Queues a batch of what has come; called with the lock, left without. True if there is more. */
static bool stplr_incoming_take(struct stplr_pool *pool)
	__releases(&pool->channel->lock)
{
	struct stplr_wake_batch batch = { .count = 0 };
	struct stplr_channel *channel = pool->channel;
	unsigned int n;
	bool more;

	lockdep_assert_held(&channel->lock);
	if (!pool->taken)
		pool->taken = llist_reverse_order(llist_del_all(&pool->incoming));
	for (n = 0; pool->taken && n < STPLR_WAKE_BATCH; n++) {
		struct stplr_pulse_entry *pulse;

		pulse = llist_entry(pool->taken, struct stplr_pulse_entry, incoming);
		pool->taken = pool->taken->next;
		if (stplr_pulse_queue(channel, pulse))
			stplr_pool_give(pool, pulse);
		else
			stplr_wake_add(&batch, stplr_pulse_receiver(channel));
	}
	more = pool->taken || !llist_empty(&pool->incoming);
	spin_unlock(&channel->lock);

	stplr_wake_all(&batch);
	stplr_channel_wake_pollers(channel);
	return more;
}

static void stplr_pool_work(struct work_struct *work)
{
	struct stplr_pool *pool = container_of(work, struct stplr_pool, work);

	do {
		cond_resched();
		spin_lock(&pool->channel->lock);
	} while (stplr_incoming_take(pool));
}

static void stplr_pool_irq_work(struct irq_work *irq_work)
{
	struct stplr_pool *pool = container_of(irq_work, struct stplr_pool, irq_work);
	bool locked = true;

	/* without SMP there is no lock to be found taken by whom this interrupts */
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		spin_lock(&pool->channel->lock);
	else
		locked = IS_ENABLED(CONFIG_SMP) && spin_trylock(&pool->channel->lock);
	if (!locked || stplr_incoming_take(pool))
		queue_work(system_highpri_wq, &pool->work);
}

/**
 * stplr_source_get() - let kernel code send pulses over a connection of the calling process
 * @fd: the connection
 *
 * Context: process. Return: a source, to be given back by stplr_source_put(); or an ERR_PTR: EBADF,
 * ENOTTY, EINVAL (its channel listens), ENOBUFS, ENOMEM.
 */
struct stplr_source *stplr_source_get(int fd)
{
	struct stplr_connection *connection = stplr_connection_fdget(fd);
	int err;

	if (IS_ERR(connection))
		return ERR_CAST(connection);
	err = connection->channel->flags & STPLR_CHANNEL_LISTEN ? -EINVAL : 0;
	if (!err)
		err = stplr_pool_make(connection->channel, STPLR_PULSES_DEFAULT, connection->user);
	if (err) {
		stplr_connection_put(connection);
		return ERR_PTR(err);
	}
	return (struct stplr_source *)connection;
}
EXPORT_SYMBOL_GPL(stplr_source_get);

/**
 * stplr_source_pulse() - send a pulse
 * @source: from stplr_source_get()
 * @priority: 0 to 140, as in struct stplr_msg_info
 * @code: -128 to 127
 * @value: for the receiver
 *
 * Context: any but NMI, with any lock but those of a scheduler's run queue. Return: 0; EAGAIN: the
 * channel's pool is used up (it is counted); EBADF: the connection was detached; EINVAL: @priority.
 * Pulses to a channel that ends are dropped.
 */
int stplr_source_pulse(struct stplr_source *source, int priority, s8 code, u64 value)
{
	struct stplr_connection *connection = (struct stplr_connection *)source;
	struct stplr_pool *pool = connection->channel->pool;
	struct stplr_pulse_entry *pulse;

	if (priority < 0 || priority > STPLR_PRIORITY_MAX)
		return -EINVAL;
	if (READ_ONCE(connection->detached))
		return -EBADF;
	pulse = stplr_pool_take(pool);
	if (!pulse)
		return -EAGAIN;
	stplr_pulse_fill(pulse, connection, priority, code, value);
	if (llist_add(&pulse->incoming, &pool->incoming))
		irq_work_queue(&pool->irq_work);
	return 0;
}
EXPORT_SYMBOL_GPL(stplr_source_pulse);

/**
 * stplr_source_put() - no more pulses are sent
 * @source: from stplr_source_get(); nobody is in a call with it
 *
 * Context: process; may sleep. What was sent is queued when it returns.
 */
void stplr_source_put(struct stplr_source *source)
{
	struct stplr_connection *connection = (struct stplr_connection *)source;
	struct stplr_pool *pool = connection->channel->pool;
	static DEFINE_MUTEX(one_waits);

	/* of several that wait for one irq_work, a real-time kernel wakes one */
	mutex_lock(&one_waits);
	irq_work_sync(&pool->irq_work);
	mutex_unlock(&one_waits);
	flush_work(&pool->work);
	stplr_connection_put(connection);
}
EXPORT_SYMBOL_GPL(stplr_source_put);
