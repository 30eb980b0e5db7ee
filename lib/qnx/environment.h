/* SPDX-License-Identifier: MIT */
/* What whoever runs the program wants of this library */
#ifndef STPLR_QNX_ENVIRONMENT_H
#define STPLR_QNX_ENVIRONMENT_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Is the variable there, and neither empty nor 0? */
static inline bool environment_wants(const char *variable)
{
	const char *value = secure_getenv(variable);

	return value && *value && strcmp(value, "0") != 0;
}

#endif
