// SPDX-License-Identifier: MIT
/* libstplr: ids of 32 bits, which are names in a spelling of their own */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stplr.h"

const char *stplr_id_name(uint32_t id, char name[STPLR_NAME_MAX + 1])
{
	snprintf(name, STPLR_NAME_MAX + 1, STPLR_ID_NAME, id);
	return name;
}

int stplr_name_id(const char *name, uint32_t *id)
{
	char right[STPLR_NAME_MAX + 1];
	unsigned long long value;

	/* whatever was made of the text: only what is written the same again is a name */
	value = name && *name == '@' ? strtoull(name + 1, NULL, 10) : 0;
	if (!name || value > UINT32_MAX || strcmp(name, stplr_id_name((uint32_t)value, right))) {
		errno = EINVAL;
		return -1;
	}
	*id = (uint32_t)value;
	return 0;
}
