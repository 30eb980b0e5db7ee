/* SPDX-License-Identifier: MIT */
/* The program's memory, as libstplr takes it */
#ifndef STPLR_QNX_BYTES_H
#define STPLR_QNX_BYTES_H

#include <stddef.h>
#include <stdint.h>
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

#endif
