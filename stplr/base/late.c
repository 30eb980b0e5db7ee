// SPDX-License-Identifier: GPL-2.0
/*
 * What is done late, by a thread of the kernel's: letting go of what is over may take a mutex that
 * others hold, or wait for memory, and a server that receives waits for neither.
 */

#include <linux/errno.h>
#include <linux/workqueue.h>

#include "base/late.h"

static struct workqueue_struct *stplr_late;

int stplr_late_init(void)
{
	stplr_late = alloc_workqueue("stplr", WQ_UNBOUND, 0);
	return stplr_late ? 0 : -ENOMEM;
}

/* All that was queued is done when this returns. */
void stplr_late_exit(void)
{
	destroy_workqueue(stplr_late);
}

/* So is what was queued before this, and the rest goes on. */
void stplr_late_flush(void)
{
	flush_workqueue(stplr_late);
}

void stplr_queue_late(struct work_struct *work)
{
	queue_work(stplr_late, work);
}

void stplr_queue_late_after(struct delayed_work *work, unsigned long ticks)
{
	queue_delayed_work(stplr_late, work, ticks);
}
