/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Looking for a moment for what a thread waits for, before it sleeps: where it comes soon from
 * another processor, neither a sleep nor a wake-up is needed, which cost several times as much.
 */
#ifndef STPLR_BASE_SPIN_H
#define STPLR_BASE_SPIN_H

#include <linux/cpumask.h>
#include <linux/processor.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/types.h>

/* as long as the module's parameter says */
#define STPLR_SPIN_DEFAULT (-1)

/**
 * struct stplr_spin - what looking has brought those who wait in one place
 * @misses: looks in vain, less those that were not
 * @rest: how many waits do without a look
 *
 * Changed without a lock: what gets lost is a look more or less.
 */
struct stplr_spin {
	u8 misses;
	u8 rest;
};

unsigned int stplr_spin_length(int own);
bool stplr_spin_due(struct stplr_spin *spin, unsigned int us);
bool stplr_spin_alone(void);
bool stplr_spin_worth(const struct task_struct *peer);
void stplr_spin_learn(struct stplr_spin *spin, bool hit);

/* Is there another processor from which anything could come? */
static inline bool stplr_spin_possible(void)
{
	return num_online_cpus() > 1;
}

/*
 * Looks whether it is @over, until @end (by local_clock()) at most, and only as long as nothing
 * else is to be done here and @peer, where that is known, runs or is about to. Was it?
 */
static __always_inline bool stplr_spin(struct stplr_spin *spin, u64 end,
				       const struct task_struct *peer,
				       bool (*over)(const void *what), const void *what)
{
	bool hit;

	while (!(hit = over(what)) && stplr_spin_worth(peer) && local_clock() < end) {
		/* says nothing of how long waits are */
		if (!stplr_spin_alone())
			return over(what);
		cpu_relax();
	}
	stplr_spin_learn(spin, hit);
	return hit;
}

#endif /* STPLR_BASE_SPIN_H */
