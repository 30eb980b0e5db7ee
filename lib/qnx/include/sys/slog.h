/* SPDX-License-Identifier: MIT */
/* The system logger (QNX <sys/slog.h>): here syslog(3) */
#pragma GCC system_header
#ifndef __STPLR_QNX_SYS_SLOG_H
#define __STPLR_QNX_SYS_SLOG_H

#include <features.h>
#include <stdarg.h>
#include <sys/slogcodes.h>

__BEGIN_DECLS

#define _SLOG_SHUTDOWN 0
#define _SLOG_CRITICAL 1
#define _SLOG_ERROR 2
#define _SLOG_WARNING 3
#define _SLOG_NOTICE 4
#define _SLOG_INFO 5
#define _SLOG_DEBUG1 6
#define _SLOG_DEBUG2 7

#define _SLOG_SETCODE(__major, __minor) ((__major) << 12 | (__minor))
#define _SLOG_GETMAJOR(__code) ((unsigned)(__code) >> 12)
#define _SLOG_GETMINOR(__code) ((__code)&0xfff)

/* The message's length, or -1 and errno. The code is logged in front, as MAJOR,MINOR. */
extern int slogf(int __code, int __severity, const char *__format, ...)
	__attribute__((__format__(__printf__, 3, 4)));
extern int vslogf(int __code, int __severity, const char *__format, va_list __arguments)
	__attribute__((__format__(__printf__, 3, 0)));

__END_DECLS
#endif
