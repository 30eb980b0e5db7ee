// SPDX-License-Identifier: GPL-2.0
/*
 * What threads wait for, and what ends that.
 *
 * A client waits for its message to be DONE, a server's thread for the queue to have something.
 * Whoever changes that does so under channel->lock, takes a reference to the thread there, and
 * wakes it after unlocking, so that the woken does not run into the lock (one that looks may):
 *
 *	sleeper					waker
 *	look for a moment
 *	set_current_state(INTERRUPTIBLE)	lock; change what is waited for; unlock
 *	look at what is waited for		full barrier
 *	schedule()				wake_up_process(), if it does not run
 *
 * set_current_state() is a full barrier, too, and so either the sleeper sees the change or the
 * waker sees a thread that sleeps; tests/models/wait_spin.pml has this. All sleeps end with a fatal
 * signal at once and may be frozen.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/freezer.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>
#include <uapi/linux/stplr.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/params.h"
#include "base/spin.h"
#include "base/wake.h"
#include "core/channel.h"
#include "core/connection.h"
#include "core/device.h"
#include "core/life.h"
#include "core/message.h"
#include "core/notice.h"
#include "core/raise.h"
#include "core/receiver.h"
#include "core/wait.h"
#include "trace.h"

/* Is there something to be received? */
static bool stplr_receivable(const struct stplr_channel *channel, bool pulses_only)
{
	if (likely(channel->messages.first && !pulses_only))
		return true;
	return channel->pulses.first || !list_empty(&channel->backlog);
}

/* A look that is due, and what is told of it. */
static __always_inline bool stplr_look(const struct stplr_channel *channel, struct stplr_spin *spin,
				       unsigned int us, const struct task_struct *peer,
				       bool (*over)(const void *what), const void *what)
{
	u64 begin = local_clock();
	bool hit = stplr_spin(spin, begin + us * NSEC_PER_USEC, peer, over, what);

	trace_stplr_spin(channel, begin, hit);
	if (!hit) {
		/* on another processor by now, whose clock may be a little behind */
		s64 ns = max_t(s64, local_clock() - begin, 0);

		stplr_count(&channel->device->counts, STPLR_COUNT_SPINS_IN_VAIN);
		stplr_count_add(&channel->device->counts, STPLR_COUNT_SPINS_NS, ns);
	}
	return hit;
}

static bool stplr_receiver_is_coming(const void *receiver)
{
	return READ_ONCE(((const struct stplr_receiver *)receiver)->coming);
}

/* Looks for a moment, if that is worth it, whether somebody takes the receiver off the list. */
static bool stplr_receiver_spin(const struct stplr_channel *channel, struct stplr_worker *worker,
				const struct stplr_receiver *self, s64 deadline, clockid_t clock)
{
	unsigned int us = stplr_spin_length(channel->spin_us);

	if (worker == &stplr_nobody || !stplr_spin_due(&worker->spin, us) ||
	    !stplr_deadline_beyond(deadline, clock, us))
		return false;
	return stplr_look(channel, &worker->spin, us, NULL, stplr_receiver_is_coming, self);
}

/*
 * Waits, without a lock, until the receiver is taken off the list, a signal comes, or the deadline
 * is over (true). Who takes it off then sees that this thread runs, or wakes it.
 */
static bool stplr_receiver_rest(const struct stplr_channel *channel, struct stplr_worker *worker,
				const struct stplr_receiver *self, s64 deadline, clockid_t clock)
{
	bool expired = false;

	if (stplr_spin_possible() && stplr_receiver_spin(channel, worker, self, deadline, clock))
		return false;
	set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
	if (!stplr_receiver_is_coming(self))
		expired = stplr_sleep(deadline, clock);
	__set_current_state(TASK_RUNNING);
	return expired;
}

/* Waits until the receiver is woken, or the deadline is over (true); likewise with the lock. */
static bool stplr_receiver_sleep(struct stplr_channel *channel, struct stplr_worker *worker,
				 struct stplr_receiver *self, struct hlist_head *receivers,
				 s64 deadline, clockid_t clock)
	__must_hold(&channel->lock)
{
	bool expired = false;

	self->since = jiffies;
	self->coming = false;
	self->for_message = false;
	hlist_add_head(&self->link, receivers);
	worker->receiver = self;
	if (unlikely(stplr_loans_changed(channel))) {
		/* so far it was busy; it may be needed by now */
		spin_unlock(&channel->lock);
		stplr_settle(channel);
	} else {
		spin_unlock(&channel->lock);
		expired = stplr_receiver_rest(channel, worker, self, deadline, clock);
	}
	spin_lock(&channel->lock);
	hlist_del(&self->link);
	worker->receiver = NULL;
	channel->nr_coming -= self->for_message;
	return expired;
}

/*
 * Waits until there is a message or pulse, or only a pulse; or in a listening channel's backlog a
 * connection. Called and left with the lock, which is released meanwhile. A receiver that was
 * taken off the list for a message finds it, or somebody else has taken it.
 */
int stplr_receiver_wait(struct stplr_channel *channel, struct stplr_worker *worker,
			bool pulses_only, s64 deadline, clockid_t clock)
{
	struct hlist_head *receivers = pulses_only ? &channel->pulse_receivers :
						     &channel->receivers;
	struct stplr_receiver self = { .task = current };
	bool expired = false;

	for (;;) {
		lockdep_assert_held(&channel->lock);
		if (channel->dead)
			return -ESRCH;
		if (fatal_signal_pending(current))
			return -EINTR;
		if (channel->shutdown)
			return -ESHUTDOWN;
		if (stplr_receivable(channel, pulses_only))
			return 0;
		if (channel->peer.closed)
			return -EPIPE;
		if (deadline == STPLR_DEADLINE_POLL)
			return -EAGAIN;
		if (expired)
			return -ETIMEDOUT;
		if (signal_pending(current))
			return -ERESTARTSYS;
		expired = stplr_receiver_sleep(channel, worker, &self, receivers, deadline, clock);
	}
}

/* The client's side */

/* What the calling thread's pending signals will do to it. */
enum stplr_signals {
	STPLR_SIGNALS_NONE, /* stop it, or nothing */
	STPLR_SIGNALS_HANDLE,
	STPLR_SIGNALS_KILL,
};

static enum stplr_signals stplr_signals_pending(void)
{
	enum stplr_signals found = STPLR_SIGNALS_NONE;
	/* its own does not change under a thread */
	struct sighand_struct *sighand = rcu_dereference_raw(current->sighand);
	sigset_t pending;
	int signo;

	if (fatal_signal_pending(current))
		return STPLR_SIGNALS_KILL;

	spin_lock_irq(&sighand->siglock);
	sigorsets(&pending, &current->pending.signal, &current->signal->shared_pending.signal);
	sigandnsets(&pending, &pending, &current->blocked);
	for (signo = 1; signo <= _NSIG; signo++) {
		__sighandler_t handler = sighand->action[signo - 1].sa.sa_handler;

		if (!sigismember(&pending, signo) || handler == SIG_IGN)
			continue;
		if (handler != SIG_DFL) {
			found = max(found, STPLR_SIGNALS_HANDLE);
		} else if (!sig_kernel_ignore(signo) && !sig_kernel_stop(signo) &&
			   !(current->signal->flags & SIGNAL_UNKILLABLE)) {
			found = STPLR_SIGNALS_KILL;
			break;
		}
	}
	spin_unlock_irq(&sighand->siglock);
	return found;
}

static bool stplr_message_is_done(const void *message)
{
	/* pairs with stplr_message_done(), as in stplr_client_wait() */
	return smp_load_acquire(&((const struct stplr_message *)message)->state) == STPLR_DONE;
}

/* The rest of stplr_client_spin_us(). */
unsigned int stplr_client_spin_us_slow(struct stplr_connection *connection, s64 sent, s64 answered,
				       clockid_t clock)
{
	unsigned int us = stplr_spin_length(connection->spin_us);

	if (!stplr_spin_due(&connection->spin, us) || !stplr_deadline_beyond(sent, clock, us) ||
	    !stplr_deadline_beyond(answered, clock, us))
		return 0;
	return us;
}

/* Looks for it for @us at most, as long as @server runs, whose reference is put; NULL is nobody. */
void stplr_client_spin(struct stplr_message *message, struct task_struct *server, unsigned int us)
{
	struct stplr_connection *connection = message->connection;

	if (!server)
		return;
	stplr_look(connection->channel, &connection->spin, us, server, stplr_message_is_done,
		   message);
	put_task_struct(server);
}

/* The client leaves, for it is @killed or it is late. */
static enum stplr_withdrawal stplr_client_leaves(struct stplr_message *message, bool killed)
{
	struct stplr_channel *channel = message->connection->channel;
	enum stplr_withdrawal withdrawal = STPLR_TOO_LATE;

	spin_lock(&channel->lock);
	if (message->state != STPLR_DONE) {
		if (killed)
			trace_stplr_death(STPLR_DEATH_CLIENT, channel, message->connection->coid);
		withdrawal = stplr_message_withdraw(message);
	}
	stplr_unlock_and_settle(channel);
	return withdrawal;
}

/*
 * The server knows that the client wants to be unblocked: now only the end of the message counts,
 * or of the client. Signals that dump core do not wake a killable thread, so it looks once a
 * second.
 */
static int stplr_client_wait_unblocked(struct stplr_message *message, bool *left)
{
	enum stplr_withdrawal withdrawal;

	for (;;) {
		set_current_state(TASK_KILLABLE | TASK_FREEZABLE);
		/* pairs with stplr_message_done(), as in stplr_client_wait() */
		if (smp_load_acquire(&message->state) == STPLR_DONE)
			break;
		if (stplr_signals_pending() == STPLR_SIGNALS_KILL) {
			__set_current_state(TASK_RUNNING);
			withdrawal = stplr_client_leaves(message, true);
			*left = withdrawal == STPLR_ABANDONED;
			return withdrawal == STPLR_TOO_LATE ? 0 : -EINTR;
		}
		schedule_timeout(HZ);
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

/* The client takes its message back for @err; 0: that came too late. */
static int stplr_client_withdraw(struct stplr_message *message, int err, bool *left)
{
	switch (stplr_message_withdraw(message)) {
	case STPLR_TAKEN_BACK:
		return err;
	case STPLR_ABANDONED:
		*left = true;
		return -EINTR;
	default:
		return 0;
	}
}

/*
 * A signal came, or a timer, for @fired or the message's patience. What that means depends on how
 * far the message is: 0 go on waiting, or an error. Then the message is out of the server's reach;
 * or @left there: parked, with a @token, or abandoned. On a channel with the unblock flag, -EAGAIN:
 * the server was told instead, and the client waits for what it answers.
 */
static int stplr_client_interrupted(struct stplr_message *message,
				    const struct stplr_msg_send *args, s64 fired, u64 *token,
				    bool *left)
{
	struct stplr_channel *channel = message->connection->channel;
	bool told = channel->flags & STPLR_CHANNEL_UNBLOCK;
	enum stplr_signals signals = told ? stplr_signals_pending() : STPLR_SIGNALS_NONE;
	struct task_struct *receiver = NULL;
	bool received, expired;
	s64 deadline;
	int err = 0;

	spin_lock(&channel->lock);
	if (message->state == STPLR_DONE)
		goto unlock;

	received = message->state != STPLR_QUEUED && message->state != STPLR_RECEIVING;
	deadline = received ? args->reply_deadline : args->send_deadline;
	expired = fired != STPLR_DEADLINE_NONE && fired == deadline;
	if (fatal_signal_pending(current) || (received && signals == STPLR_SIGNALS_KILL)) {
		trace_stplr_death(STPLR_DEATH_CLIENT, channel, message->connection->coid);
		stplr_client_withdraw(message, -EINTR, left);
		err = -EINTR;
	} else if (received && told && (expired || signals == STPLR_SIGNALS_HANDLE)) {
		receiver = stplr_unblock_request(message);
		err = -EAGAIN;
	} else if (expired) {
		err = stplr_client_withdraw(message, -ETIMEDOUT, left);
	} else if (message->overdue && received) {
		*token = stplr_message_park(message);
		*left = true;
		err = -EINPROGRESS;
	} else if (signal_pending(current) && received) {
		*token = stplr_message_park(message);
		*left = true;
		err = -ERESTARTSYS;
	} else if (signal_pending(current)) {
		err = stplr_client_withdraw(message, -ERESTARTSYS, left);
	}
unlock:
	stplr_unlock_and_settle(channel);
	stplr_wake(receiver);
	if (err == -EAGAIN)
		stplr_channel_wake_pollers(channel);
	stplr_dbg(4, "interrupted: %d\n", err);
	return err;
}

/*
 * Waits until the message is DONE (0, see message->result), or withdrawn, or @left to others:
 * abandoned or, with a token, parked (an error).
 */
int stplr_client_wait(struct stplr_message *message, const struct stplr_msg_send *args, u64 *token,
		      bool *left)
{
	s64 fired = STPLR_DEADLINE_NONE;
	int err;

	for (;;) {
		enum stplr_message_state state;
		s64 deadline;

		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		/* pairs with stplr_message_done(): DONE comes after all else the server writes */
		state = smp_load_acquire(&message->state);
		if (state == STPLR_DONE)
			break;
		if (unlikely(signal_pending(current) || fired != STPLR_DEADLINE_NONE ||
			     READ_ONCE(message->overdue))) {
			__set_current_state(TASK_RUNNING);
			err = stplr_client_interrupted(message, args, fired, token, left);
			if (err == -EAGAIN)
				return stplr_client_wait_unblocked(message, left);
			if (err)
				return err;
			fired = STPLR_DEADLINE_NONE;
			continue;
		}
		deadline = state == STPLR_QUEUED || state == STPLR_RECEIVING ? args->send_deadline :
									       args->reply_deadline;
		if (stplr_sleep(deadline, args->clock))
			fired = deadline;
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

/*
 * The same for kernel code: until the message is DONE (0), or was withdrawn: ETIMEDOUT, or EINTR,
 * for the thread is killed.
 */
int stplr_client_wait_kernel(struct stplr_message *message, s64 deadline)
{
	bool expired = false;

	for (;;) {
		set_current_state(TASK_KILLABLE | TASK_FREEZABLE);
		/* pairs with stplr_message_done(), as in stplr_client_wait() */
		if (smp_load_acquire(&message->state) == STPLR_DONE)
			break;
		if (fatal_signal_pending(current) || expired) {
			bool killed = fatal_signal_pending(current);

			__set_current_state(TASK_RUNNING);
			if (stplr_client_leaves(message, killed) == STPLR_TOO_LATE)
				return 0;
			return killed ? -EINTR : -ETIMEDOUT;
		}
		expired = stplr_sleep(deadline, CLOCK_MONOTONIC);
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}
