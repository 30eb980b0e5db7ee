/* SPDX-License-Identifier: MIT */
/* What QNX's severities are to syslog(3) */
#ifndef STPLR_QNX_LOG_H
#define STPLR_QNX_LOG_H

/* Of _SLOG_* or SLOG2_*, which have the same values. */
int syslog_level(int severity);

#endif
