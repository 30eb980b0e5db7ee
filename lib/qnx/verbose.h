/* SPDX-License-Identifier: MIT */
/* Reasons in words */
#ifndef STPLR_QNX_VERBOSE_H
#define STPLR_QNX_VERBOSE_H

#include <errno.h>
#include <stdatomic.h>

/*
 * A line on standard error, for who has asked for such by STPLR_QNX_VERBOSE, of what errno has no
 * words for; unless it was said before. Keeps errno.
 */
void explain(atomic_flag *said, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));

/* What is refused with ENOSYS says why once. */
#define REFUSED(...)                                                                               \
	({                                                                                         \
		static atomic_flag said_ = ATOMIC_FLAG_INIT;                                       \
		explain(&said_, __VA_ARGS__);                                                      \
		-ENOSYS;                                                                           \
	})

#endif
