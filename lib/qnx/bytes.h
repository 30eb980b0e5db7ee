/* SPDX-License-Identifier: MIT */
/* The program's memory, as libstplr takes it */
#ifndef STPLR_QNX_BYTES_H
#define STPLR_QNX_BYTES_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/neutrino.h>

#include "stplr.h"

/* A vector is described by its address and the number of its parts. */
_Static_assert(sizeof(iov_t) == sizeof(struct stplr_iovec) &&
		       offsetof(iov_t, iov_len) == offsetof(struct stplr_iovec, len) &&
		       sizeof(struct _pulse) == sizeof(struct stplr_pulse),
	       "QNX's structures are those of programs with 64-bit pointers");

static inline struct stplr_buffer bytes_at(const void *address, size_t len)
{
	struct stplr_buffer buffer = {.addr = (uintptr_t)address, .len = len};

	return buffer;
}

/* The bytes of a vector; -EOVERFLOW: more than QNX takes. */
static inline ssize_t vector_len(const iov_t *iov, size_t parts)
{
	size_t sum = 0;

	for (; parts; parts--, iov++)
		if (iov->iov_len > INT_MAX || (sum += iov->iov_len) > INT_MAX)
			return -EOVERFLOW;
	return (ssize_t)sum;
}

/* Copies between a vector and len bytes: how many. */
static inline size_t vector_copy(const iov_t *iov, size_t parts, void *bytes, size_t len,
				 bool to_vector)
{
	char *at = bytes;
	size_t done = 0, n;

	for (; parts && done < len; parts--, iov++) {
		n = iov->iov_len < len - done ? iov->iov_len : len - done;
		if (!n)
			continue; /* its address may be anything */
		if (to_vector)
			memcpy(iov->iov_base, at + done, n);
		else
			memcpy(at + done, iov->iov_base, n);
		done += n;
	}
	return done;
}

/* The parts of what is one buffer or a vector; whole has room for the one. */
static inline const iov_t *parts_of(const struct stplr_buffer *buffer, bool vector, iov_t *whole,
				    size_t *parts)
{
	*whole = (iov_t){(void *)(uintptr_t)buffer->addr, buffer->len};
	*parts = vector ? buffer->len : 1;
	return vector ? (const iov_t *)whole->iov_base : whole;
}

#endif
