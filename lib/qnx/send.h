/* SPDX-License-Identifier: MIT */
/* What a send takes */
#ifndef STPLR_QNX_SEND_H
#define STPLR_QNX_SEND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/neutrino.h>

/* Whether it is more than QNX takes, of one whose parts the kernel has been able to read. */
bool vector_overflows(const iov_t *iov, size_t parts);

#endif
