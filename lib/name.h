/* SPDX-License-Identifier: MIT */
/* Names as the module takes them: an address and a length. */
#ifndef STPLR_NAME_H
#define STPLR_NAME_H

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <linux/stplr.h>

/* No name has the length 0, so an empty one is refused here; one that is too long is cut to what
 * the module refuses. */
static inline int set_name(const char *name, __u64 *address, __u32 *len)
{
	if (name && !*name) {
		errno = EINVAL;
		return -1;
	}
	*address = (uintptr_t)name;
	*len = name ? (__u32)strnlen(name, STPLR_NAME_MAX + 1) : 0;
	return 0;
}

#endif
