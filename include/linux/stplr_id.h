/* SPDX-License-Identifier: GPL-2.0 */
/* Names of peers that agree on a number, for servers, links and rings of kernel code. */
#ifndef _LINUX_STPLR_ID_H
#define _LINUX_STPLR_ID_H

#include <linux/kernel.h>
#include <linux/types.h>
#include <uapi/linux/stplr.h>

/**
 * stplr_id_name() - the name of an id
 * @id: any
 * @name: gets it
 *
 * The same that stplr_id_name() of the library gives programs.
 *
 * Context: any. Return: @name.
 */
static inline const char *stplr_id_name(u32 id, char name[STPLR_NAME_MAX + 1])
{
	snprintf(name, STPLR_NAME_MAX + 1, STPLR_ID_NAME, id);
	return name;
}

#endif /* _LINUX_STPLR_ID_H */
