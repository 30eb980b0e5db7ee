// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "verbose.h"

static bool asked(void)
{
	const char *value = secure_getenv("STPLR_QNX_VERBOSE");

	return value && *value && !(*value == '0' && !value[1]);
}

void explain(atomic_flag *said, const char *format, ...)
{
	int saved = errno;
	va_list arguments;

	if (asked() && !atomic_flag_test_and_set(said)) {
		flockfile(stderr);
		fprintf(stderr, "%s: stplr-qnx: ", program_invocation_short_name);
		va_start(arguments, format);
		vfprintf(stderr, format, arguments);
		va_end(arguments);
		fputc('\n', stderr);
		funlockfile(stderr);
	}
	errno = saved;
}
