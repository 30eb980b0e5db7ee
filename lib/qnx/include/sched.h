/* SPDX-License-Identifier: MIT */
/* The system's <sched.h>, and QNX's calls for a process's priority. */
#pragma GCC system_header
#include_next <sched.h>

#ifndef __STPLR_QNX_SCHED_H
#define __STPLR_QNX_SCHED_H
#include <features.h>
#include <sys/types.h>

/* The C library's structure has one priority, which is the one that counts. */
#define sched_curpriority sched_priority
#define SCHED_NOCHANGE 100

__BEGIN_DECLS
/*
 * Priorities are 1 to 99. Those from 11 on are the real-time ones of SCHED_FIFO and SCHED_RR; 10 is
 * what ordinary threads have, less the more nice they are.
 */
extern int getprio(pid_t __pid);
extern int setprio(pid_t __pid, int __priority);
__END_DECLS
#endif
