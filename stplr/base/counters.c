// SPDX-License-Identifier: GPL-2.0
/* The counters' names, and which of them a failed send is. */

#include <linux/errno.h>

#include "base/counters.h"

const char *const stplr_counter_names[STPLR_COUNTERS] = {
	[STPLR_COUNT_SEND_EAGAIN] = "send_eagain",
	[STPLR_COUNT_SEND_ETIMEDOUT] = "send_etimedout",
	[STPLR_COUNT_SEND_EINTR] = "send_eintr",
	[STPLR_COUNT_SEND_ESRCH] = "send_esrch",
	[STPLR_COUNT_SEND_EBADF] = "send_ebadf",
	[STPLR_COUNT_SEND_OTHER] = "send_other",
	[STPLR_COUNT_RECEIVE_FAULTS] = "receive_faults",
	[STPLR_COUNT_REPLY_FAULTS] = "reply_faults",
	[STPLR_COUNT_DATA_FAULTS] = "data_faults",
	[STPLR_COUNT_TOO_LONG] = "too_long",
	[STPLR_COUNT_CHUNKS] = "chunks",
	[STPLR_COUNT_PARKED] = "parked",
	[STPLR_COUNT_RESUMED] = "resumed",
	[STPLR_COUNT_DROPPED] = "dropped",
	[STPLR_COUNT_LOST] = "lost",
	[STPLR_COUNT_SPINS_IN_VAIN] = "spins_in_vain",
	[STPLR_COUNT_SPINS_NS] = "spins_in_vain_ns",
};

void stplr_count_failed_send(struct stplr_counts *counts, int err)
{
	switch (err) {
	case -EAGAIN:
		stplr_count(counts, STPLR_COUNT_SEND_EAGAIN);
		break;
	case -ETIMEDOUT:
		stplr_count(counts, STPLR_COUNT_SEND_ETIMEDOUT);
		break;
	case -EINTR:
	case -ERESTARTSYS:
		stplr_count(counts, STPLR_COUNT_SEND_EINTR);
		break;
	case -ESRCH:
		stplr_count(counts, STPLR_COUNT_SEND_ESRCH);
		break;
	case -EBADF:
		stplr_count(counts, STPLR_COUNT_SEND_EBADF);
		break;
	default:
		stplr_count(counts, STPLR_COUNT_SEND_OTHER);
		break;
	}
}
