/* SPDX-License-Identifier: MIT */
/* What programs ask QNX's process manager for (QNX <sys/procmgr.h>) */
#pragma GCC system_header
#ifndef __STPLR_QNX_SYS_PROCMGR_H
#define __STPLR_QNX_SYS_PROCMGR_H

#include <stdint.h>
#include <sys/neutrino.h>
#include <sys/types.h>

__BEGIN_DECLS

#define PROCMGR_DAEMON_NOCHDIR 0x0001
#define PROCMGR_DAEMON_NOCLOSE 0x0002
#define PROCMGR_DAEMON_NODEVNULL 0x0004
#define PROCMGR_DAEMON_KEEPUMASK 0x0008

/*
 * The calling process ends with that status, and a child goes on as a daemon, with another id. A
 * process that has channels already, which a child would not have, goes on itself, in the
 * foreground and with its descriptors. The process's id, or -1 and errno.
 */
extern int procmgr_daemon(int __status, unsigned __flags);

/* What a process may do: each is joined with for whom, and what becomes of it. */
enum {
	PROCMGR_AID_EOL, /* ends the list */
	PROCMGR_AID_ABLE_CREATE,
	PROCMGR_AID_ABLE_PRIV,
	PROCMGR_AID_CHILD_NEWAPP,
	PROCMGR_AID_CHROOT,
	PROCMGR_AID_CLOCKPERIOD,
	PROCMGR_AID_CLOCKSET,
	PROCMGR_AID_CONFSET,
	PROCMGR_AID_CONNECTION,
	PROCMGR_AID_CPUMODE_SET,
	PROCMGR_AID_EVENT,
	PROCMGR_AID_FORK,
	PROCMGR_AID_GETID,
	PROCMGR_AID_HIGH_WATER_MARK,
	PROCMGR_AID_INTERRUPT,
	PROCMGR_AID_INTERRUPTEVENT,
	PROCMGR_AID_IO,
	PROCMGR_AID_KEYDATA,
	PROCMGR_AID_MAP_FIXED,
	PROCMGR_AID_MEM_ADD,
	PROCMGR_AID_MEM_GLOBAL,
	PROCMGR_AID_MEM_LOCK,
	PROCMGR_AID_MEM_PEER,
	PROCMGR_AID_MEM_PHYS,
	PROCMGR_AID_MEM_SPECIAL,
	PROCMGR_AID_PATHSPACE,
	PROCMGR_AID_PATH_TRUST,
	PROCMGR_AID_PGRP,
	PROCMGR_AID_PRIORITY,
	PROCMGR_AID_PROT_EXEC,
	PROCMGR_AID_PROT_WRITE_AND_EXEC,
	PROCMGR_AID_PUBLIC_CHANNEL,
	PROCMGR_AID_QNET,
	PROCMGR_AID_RCONSTRAINT,
	PROCMGR_AID_REBOOT,
	PROCMGR_AID_RLIMIT,
	PROCMGR_AID_RLIMIT_PEER,
	PROCMGR_AID_RSRCDBMGR,
	PROCMGR_AID_RUNSTATE,
	PROCMGR_AID_RUNSTATE_BURST,
	PROCMGR_AID_SCHEDULE,
	PROCMGR_AID_SESSION,
	PROCMGR_AID_SETGID,
	PROCMGR_AID_SETUID,
	PROCMGR_AID_SIGNAL,
	PROCMGR_AID_SPAWN,
	PROCMGR_AID_SPAWN_SETGID,
	PROCMGR_AID_SPAWN_SETUID,
	PROCMGR_AID_SRANDOM,
	PROCMGR_AID_SWAP,
	PROCMGR_AID_TIMER,
	PROCMGR_AID_TRACE,
	PROCMGR_AID_UMASK,
	PROCMGR_AID_V86,
	PROCMGR_AID_WAIT,
	PROCMGR_AID_XPROCESS_DEBUG,
	PROCMGR_AID_XPROCESS_MEM_READ,
	PROCMGR_AID_XPROCESS_QUERY
};

#define PROCMGR_ADN_ROOT 0x00010000
#define PROCMGR_ADN_NONROOT 0x00020000
#define PROCMGR_AOP_ALLOW 0x00100000
#define PROCMGR_AOP_DENY 0x00200000
#define PROCMGR_AOP_LOCK 0x00400000
#define PROCMGR_AOP_INHERIT_YES 0x00800000
#define PROCMGR_AOP_INHERIT_NO 0x01000000
#define PROCMGR_AOP_SUBRANGE 0x02000000 /* two 64-bit numbers follow, the first and the last */

/*
 * EOK or an error's number. What a process may do, its user and capabilities(7) say here: a list
 * that only allows changes nothing, and one that denies is ENOSYS.
 */
extern int procmgr_ability(pid_t __pid, unsigned __first, ...);
extern int procmgr_ability_create(const char *__name, unsigned __flags); /* -ENOSYS */
extern int procmgr_ability_lookup(const char *__name);                   /* -ENOSYS */

/* ENOSYS */
#define PROCMGR_EVENT_SYNC 0x00000001
#define PROCMGR_EVENT_PATHSPACE 0x00000002
#define PROCMGR_EVENT_DAEMON_DEATH 0x00000004
#define PROCMGR_EVENT_PROCESS_CREATE 0x00000008
#define PROCMGR_EVENT_PROCESS_DEATH 0x00000010
extern int procmgr_event_notify(unsigned __flags, const struct sigevent *__event);
extern int procmgr_event_trigger(unsigned __flags);
extern int procmgr_guardian(pid_t __pid);

__END_DECLS
#endif
