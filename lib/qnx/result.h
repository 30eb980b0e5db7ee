/* SPDX-License-Identifier: MIT */
/*
 * Functions that can fail return 0 or more, or the negative of an errno, as QNX's calls with _r do.
 */
#ifndef STPLR_QNX_RESULT_H
#define STPLR_QNX_RESULT_H

#include <errno.h>

/* What a call without _r makes of what the one with it returns. */
static inline int outcome(int result)
{
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}

/* What a call of libstplr's or the system's has returned, as this library passes it on. */
static inline int result_of(int returned)
{
	return returned < 0 ? -errno : returned;
}

#endif
