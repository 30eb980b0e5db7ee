// SPDX-License-Identifier: GPL-2.0
/*
 * Clients that wait for a moment only, and then leave what the server has to it: STPLR_SEND_PARK.
 *
 * Most answers come within the moment, and to set a timer and take it back costs a tenth of a
 * round trip. So a message's timer is left to run when its answer comes, and looks, once it fires,
 * at what the message is by then: DONE, another send that is not received yet or has not waited so
 * long, or one that has. It fires once a moment at most, and where nothing is received not at all.
 *
 * It fires in a softirq, maybe on top of who holds channel->lock. So it only tries for the lock,
 * and else again with the next tick. Without SMP there is no lock to be found taken: what it looks
 * at is there before the state is RECEIVED.
 */

#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/sched/task.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

#include "base/compat.h"
#include "base/wake.h"
#include "core/channel.h"
#include "core/connection.h"
#include "core/message.h"
#include "core/patience.h"

/* STPLR_SEND_PARK promises at least 10 ms; of the jiffy that runs now something has passed. */
#define STPLR_PATIENCE (msecs_to_jiffies(10) + 1)

/* With the server, which has had it since message->since, and somebody waits. */
static bool stplr_patience_wanted(const struct stplr_message *message)
{
	return message->received && message->state != STPLR_DONE && message->impatient &&
	       message->client;
}

static void stplr_patience_over(struct timer_list *timer)
{
	struct stplr_message *message = container_of(timer, struct stplr_message, patience);
	struct stplr_channel *channel = message->connection->channel;
	struct task_struct *client = NULL;

	if (!spin_trylock(&channel->lock)) {
		mod_timer(timer, jiffies + 1);
		return;
	}
	if (stplr_patience_wanted(message)) {
		unsigned long over = message->since + STPLR_PATIENCE;

		if (time_before(jiffies, over)) {
			mod_timer(timer, over);
		} else {
			/* pairs with stplr_client_wait(), as stplr_message_done() does */
			WRITE_ONCE(message->overdue, true);
			client = get_task_struct(message->client);
		}
	}
	spin_unlock(&channel->lock);
	stplr_wake(client);
}

void stplr_patience_init(struct stplr_message *message)
{
	timer_setup(&message->patience, stplr_patience_over, 0);
}

/* The server has it from now on: its client waits a moment. */
void stplr_patience_begin(struct stplr_message *message)
{
	lockdep_assert_held(&message->connection->channel->lock);
	/* one of an earlier send looks again when this one's moment is over */
	if (!timer_pending(&message->patience))
		mod_timer(&message->patience, jiffies + STPLR_PATIENCE);
}

/* Before the message, which is DONE, is freed. Waits for a timer that runs, which is short. */
void stplr_patience_end(struct stplr_message *message)
{
	stplr_timer_delete_sync(&message->patience);
}
