/* SPDX-License-Identifier: MIT */
/* What server and client have in common */
#ifndef STPLR_QNX_SEND_H
#define STPLR_QNX_SEND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/neutrino.h>

/* MsgError(rcvid, -1): what the client was to be unblocked for, which only it knows. */
#define WIRE_UNBLOCKED 511

/* Whether it is more than QNX takes, of one whose parts the kernel has been able to read. */
bool vector_overflows(const iov_t *iov, size_t parts);

#endif
