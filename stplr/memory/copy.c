// SPDX-License-Identifier: GPL-2.0
/* Copies of more than a page. */

#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "memory/copy.h"

/*
 * Copies between kernel memory and the caller's, by the direction of @iter; how many bytes went.
 * Gives way now and then, and ends early for a caller that dies, and once @leaving is set.
 */
size_t stplr_copy_long(u8 *bytes, size_t len, struct iov_iter *iter, const bool *leaving)
{
	size_t done = 0;

	for (;;) {
		size_t n = min_t(size_t, len - done, SZ_64K);
		size_t copied;

		if (iov_iter_rw(iter) == ITER_DEST)
			copied = _copy_to_iter(bytes + done, n, iter);
		else
			copied = _copy_from_iter(bytes + done, n, iter);
		done += copied;
		if (done == len || copied < n)
			return done;
		cond_resched();
		if (fatal_signal_pending(current) || (leaving && READ_ONCE(*leaving)))
			return done;
	}
}
