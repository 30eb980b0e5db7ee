// SPDX-License-Identifier: MIT
/* QNX's system logger is the system's: syslog(3), which the journal reads, too. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/slog.h>
#include <syslog.h>

#include "log.h"

int syslog_level(int severity)
{
	static const int levels[] = {
		[_SLOG_SHUTDOWN] = LOG_EMERG,  [_SLOG_CRITICAL] = LOG_CRIT, [_SLOG_ERROR] = LOG_ERR,
		[_SLOG_WARNING] = LOG_WARNING, [_SLOG_NOTICE] = LOG_NOTICE, [_SLOG_INFO] = LOG_INFO,
		[_SLOG_DEBUG1] = LOG_DEBUG,    [_SLOG_DEBUG2] = LOG_DEBUG,
	};

	return levels[severity & 7];
}

int vslogf(int code, int severity, const char *format, va_list arguments)
{
	char *text;
	int len = vasprintf(&text, format, arguments);

	if (len < 0)
		return -1;
	syslog(syslog_level(severity), "%u,%d %s", _SLOG_GETMAJOR(code), _SLOG_GETMINOR(code),
	       text);
	free(text);
	return len;
}

int slogf(int code, int severity, const char *format, ...)
{
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vslogf(code, severity, format, arguments);
	va_end(arguments);
	return len;
}
