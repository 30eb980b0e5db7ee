/* SPDX-License-Identifier: GPL-2.0 */
/* What is counted where it happens. */
#ifndef STPLR_BASE_COUNTERS_H
#define STPLR_BASE_COUNTERS_H

#include <linux/atomic.h>

/* Never on the way of a round trip without trouble. */
enum stplr_counter {
	STPLR_COUNT_SEND_EAGAIN,
	STPLR_COUNT_SEND_ETIMEDOUT,
	STPLR_COUNT_SEND_EINTR,
	STPLR_COUNT_SEND_ESRCH,
	STPLR_COUNT_SEND_EBADF,
	STPLR_COUNT_SEND_OTHER,
	STPLR_COUNT_RECEIVE_FAULTS,
	STPLR_COUNT_REPLY_FAULTS,
	STPLR_COUNT_DATA_FAULTS,
	STPLR_COUNT_TOO_LONG,
	STPLR_COUNT_CHUNKS,
	STPLR_COUNT_PARKED,
	STPLR_COUNT_RESUMED,
	STPLR_COUNT_DROPPED,
	STPLR_COUNT_LOST,
	STPLR_COUNT_SPINS_IN_VAIN,
	STPLR_COUNT_SPINS_NS,
	STPLR_COUNTERS
};

/**
 * struct stplr_counts - what happens seldom, on one device
 * @of: how often, by enum stplr_counter
 */
struct stplr_counts {
	atomic_long_t of[STPLR_COUNTERS];
};

extern const char *const stplr_counter_names[STPLR_COUNTERS];

static inline void stplr_count(struct stplr_counts *counts, enum stplr_counter counter)
{
	atomic_long_inc(&counts->of[counter]);
}

static inline void stplr_count_add(struct stplr_counts *counts, enum stplr_counter counter,
				   unsigned long n)
{
	atomic_long_add(n, &counts->of[counter]);
}

void stplr_count_failed_send(struct stplr_counts *counts, int err);

#endif /* STPLR_BASE_COUNTERS_H */
