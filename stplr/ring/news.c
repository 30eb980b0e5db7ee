// SPDX-License-Identifier: GPL-2.0
/* Who has attached to a set's rings: its creator waits for it, and is told of each once. */

#include <linux/list.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/stplr_ring.h>
#include <linux/wait.h>

#include "base/clock.h"
#include "core/device.h"
#include "ring/news.h"
#include "ring/ring.h"

/* Its set's creator is to be told of it. */
void stplr_ring_news_add(struct stplr_ring_end *end)
{
	struct stplr_rings *set = end->ring->set;

	lockdep_assert_held(&set->device->registry);
	end->untold = true;
	WRITE_ONCE(set->nr_untold, set->nr_untold + 1);
	WRITE_ONCE(set->nr_came, set->nr_came + 1);
	wake_up_poll(&set->news, EPOLLIN | EPOLLRDNORM);
}

/* Not any more, if it was. */
void stplr_ring_news_drop(struct stplr_ring_end *end)
{
	struct stplr_rings *set = end->ring->set;

	lockdep_assert_held(&set->device->registry);
	if (end->untold)
		WRITE_ONCE(set->nr_untold, set->nr_untold - 1);
	end->untold = false;
}

/* Nobody is to be told of who has attached to it: others may. */
void stplr_ring_news_forget(struct stplr_ring *ring)
{
	struct stplr_ring_end *end;

	lockdep_assert_held(&ring->set->device->registry);
	list_for_each_entry(end, &ring->attached, link)
		stplr_ring_news_drop(end);
}

static struct stplr_ring_end *stplr_ring_untold(const struct stplr_ring *ring, u32 number)
{
	struct stplr_ring_end *end;

	list_for_each_entry(end, &ring->attached, link) {
		if (end->untold && (number == STPLR_RING_ANY || number == end->number))
			return end;
	}
	return NULL;
}

/* Tells of one, once; false: there is none. */
static bool stplr_rings_tell_news(struct stplr_rings *set, u32 number,
				  struct stplr_rings_news *news)
{
	struct stplr_ring_end *end = NULL;
	unsigned int i;

	mutex_lock(&set->device->registry);
	/* ends come and go under the registry */
	for (i = 0; i < set->nr_slots && set->nr_untold && !end; i++) {
		if (set->slots[i])
			end = stplr_ring_untold(set->slots[i], number);
	}
	if (end) {
		stplr_ring_news_drop(end);
		news->number = end->number;
		news->pid = get_pid(end->pid);
		news->uid = end->uid;
		news->gid = end->gid;
	}
	mutex_unlock(&set->device->registry);
	return end;
}

/* Waits until there is somebody to tell of; EINVAL, EAGAIN, ETIMEDOUT, ERESTARTSYS. */
int stplr_rings_wait_news(struct stplr_rings *set, u32 number, s64 deadline, clockid_t clock,
			  struct stplr_rings_news *news)
{
	bool expired = false;
	DEFINE_WAIT(wait);
	int err = 0;

	if (number != STPLR_RING_ANY && number >= set->count)
		return -EINVAL;
	if (stplr_rings_tell_news(set, number, news))
		return 0;
	if (deadline == STPLR_DEADLINE_POLL)
		return -EAGAIN;
	for (;;) {
		unsigned int before = READ_ONCE(set->nr_came);

		if (stplr_rings_tell_news(set, number, news))
			break;
		err = expired ? -ETIMEDOUT : signal_pending(current) ? -ERESTARTSYS : 0;
		if (err)
			break;
		prepare_to_wait(&set->news, &wait, TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		if (READ_ONCE(set->nr_came) == before)
			expired = stplr_sleep(deadline, clock);
		finish_wait(&set->news, &wait);
	}
	return err;
}

/* What was told of in vain is to be told of again, if it still is there. */
void stplr_rings_untell(struct stplr_rings *set, u32 number)
{
	unsigned int slot = set->flags & STPLR_RINGS_MANY ? 0 : number;
	struct stplr_ring_end *end;

	mutex_lock(&set->device->registry);
	if (set->slots[slot]) {
		list_for_each_entry(end, &set->slots[slot]->attached, link) {
			if (end->number == number && !end->untold)
				stplr_ring_news_add(end);
		}
	}
	mutex_unlock(&set->device->registry);
}
