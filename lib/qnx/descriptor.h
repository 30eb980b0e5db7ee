/* SPDX-License-Identifier: MIT */
/* The descriptors that this library keeps for itself */
#ifndef STPLR_QNX_DESCRIPTOR_H
#define STPLR_QNX_DESCRIPTOR_H

#include <fcntl.h>

/* A copy out of the way, so that programs that count on the lowest descriptors get them; -1. */
static inline int descriptor_copy(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 200);
}

#endif
