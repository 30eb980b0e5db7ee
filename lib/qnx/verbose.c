// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "environment.h"
#include "verbose.h"

void explain(atomic_flag *said, const char *format, ...)
{
	int saved = errno;
	va_list arguments;

	if (environment_wants("STPLR_QNX_VERBOSE") && !atomic_flag_test_and_set(said)) {
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
