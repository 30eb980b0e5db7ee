/* SPDX-License-Identifier: GPL-2.0 */
/* Copies between kernel memory and the caller's. */
#ifndef STPLR_MEMORY_COPY_H
#define STPLR_MEMORY_COPY_H

#include <linux/uio.h>

/*
 * Up to so many, bytes go through a buffer made for the call: a second copy of a page costs 560
 * instructions and the buffer 200, pinning 1,100 and 300 for each further page (6.1, icount).
 */
#define STPLR_COPY_MAX 4096

/*
 * Kernel memory that bytes pass through. The copies use _copy_to_iter() and
 * _copy_from_iter(): for copy_to_iter() hardened usercopy would look the object up, at some 170
 * instructions for each of the four copies of a round trip. Their bounds are checked here instead,
 * against what was allocated.
 */

size_t stplr_copy_long(u8 *bytes, size_t len, struct iov_iter *iter, const bool *leaving);

static inline size_t stplr_copy_to(const u8 *bytes, size_t len, struct iov_iter *to,
				   const bool *leaving)
{
	return likely(len <= STPLR_COPY_MAX) ? _copy_to_iter(bytes, len, to) :
					       stplr_copy_long((u8 *)bytes, len, to, leaving);
}

static inline size_t stplr_copy_from(u8 *bytes, size_t len, struct iov_iter *from)
{
	return likely(len <= STPLR_COPY_MAX) ? _copy_from_iter(bytes, len, from) :
					       stplr_copy_long(bytes, len, from, NULL);
}

#endif /* STPLR_MEMORY_COPY_H */
