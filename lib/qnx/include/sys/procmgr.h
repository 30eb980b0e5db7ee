/* SPDX-License-Identifier: MIT */
/* What programs ask QNX's process manager for (QNX <sys/procmgr.h>) */
#pragma GCC system_header
#ifndef __STPLR_QNX_SYS_PROCMGR_H
#define __STPLR_QNX_SYS_PROCMGR_H

#include <sys/types.h>

__BEGIN_DECLS

#define PROCMGR_DAEMON_NOCHDIR 0x0001
#define PROCMGR_DAEMON_NOCLOSE 0x0002
#define PROCMGR_DAEMON_NODEVNULL 0x0004
#define PROCMGR_DAEMON_KEEPUMASK 0x0008

/*
 * The calling process ends with that status, and a child goes on as a daemon: channels, received
 * messages, timers and events stay with the parent, so it is called before they are made. Another
 * process's id than before, or -1 and errno.
 */
extern int procmgr_daemon(int __status, unsigned __flags);

__END_DECLS
#endif
