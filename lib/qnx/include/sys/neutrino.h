/* SPDX-License-Identifier: MIT */
/*
 * QNX's message passing on Linux, through the kernel module stplr (QNX <sys/neutrino.h>)
 *
 * Names, values and errors are those of QNX's documentation; docs/qnx.md tells what is otherwise.
 * Calls whose names end in _r return what the others return, or the negative of an error number,
 * and leave errno alone.
 */
#pragma GCC system_header
#ifndef __STPLR_QNX_SYS_NEUTRINO_H
#define __STPLR_QNX_SYS_NEUTRINO_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sync.h>
#include <sys/netmgr.h>
#include <sys/siginfo.h>
#include <sys/stat.h>
#include <sys/states.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

__BEGIN_DECLS

#define _NTO_VERSION 700

typedef struct iovec iov_t;
typedef int rcvid_t;

#define SETIOV(__iov, __address, __len)                                                            \
	((__iov)->iov_base = (void *)(__address), (__iov)->iov_len = (__len))
#define SETIOV_CONST(__iov, __address, __len) SETIOV(__iov, __address, __len)
#define GETIOVBASE(__iov) ((__iov)->iov_base)
#define GETIOVLEN(__iov) ((__iov)->iov_len)

/* Channels */

#define _NTO_CHF_FIXED_PRIORITY 0x0001
#define _NTO_CHF_UNBLOCK 0x0002
#define _NTO_CHF_THREAD_DEATH 0x0004
#define _NTO_CHF_DISCONNECT 0x0008
#define _NTO_CHF_NET_MSG 0x0010
#define _NTO_CHF_SENDER_LEN 0x0020
#define _NTO_CHF_COID_DISCONNECT 0x0040
#define _NTO_CHF_REPLY_LEN 0x0080
#define _NTO_CHF_PULSE_POOL 0x0100
#define _NTO_CHF_GLOBAL 0x0800
#define _NTO_CHF_PRIVATE 0x1000
#define _NTO_CHF_MSG_PAUSING 0x2000     /* ENOSYS */
#define _NTO_CHF_INHERIT_RUNMASK 0x4000 /* ENOSYS */
#define _NTO_CHF_UNBLOCK_TIMER 0x8000

/* ChannelCreatePulsePool() */
struct nto_channel_config {
	struct sigevent event; /* notified at the first pulse that the pool has no room for */
	unsigned num_pulses;
	unsigned rearm_threshold; /* notify again once no more than this many are queued */
	unsigned options;
	unsigned reserved[3];
};
#define _NTO_CHO_CUSTOM_EVENT 0x0001

extern int ChannelCreate(unsigned __flags);
extern int ChannelCreate_r(unsigned __flags);
extern int ChannelCreatePulsePool(unsigned __flags, const struct nto_channel_config *__config);
extern int ChannelDestroy(int __chid);
extern int ChannelDestroy_r(int __chid);

/* Connections */

#define _NTO_SIDE_CHANNEL 0x40000000
#define _NTO_GLOBAL_CHANNEL 0x40000000

#define _NTO_COF_CLOEXEC 0x0001
#define _NTO_COF_DEAD 0x0002

/* Process 0's channel, which is QNX's process manager: here there is none. */
#define SYSMGR_PID 1
#define SYSMGR_CHID 1
#define SYSMGR_COID _NTO_SIDE_CHANNEL
#define SYSMGR_HANDLE 0

struct _server_info {
	uint32_t nd;
	int32_t srcnd;
	pid_t pid;
	int32_t chid;
	int32_t scoid;
	uint32_t flags; /* _NTO_COF_* */
};

#define __STPLR_QNX_GROUPS 8
struct _cred_info {
	uid_t ruid;
	uid_t euid;
	uid_t suid;
	gid_t rgid;
	gid_t egid;
	gid_t sgid;
	uint32_t ngroups;
	gid_t grouplist[__STPLR_QNX_GROUPS]; /* ConnectClientInfoExt(): all of them */
};

struct _client_info {
	uint32_t nd;
	pid_t pid;
	pid_t sid;
	uint32_t flags;
	struct _cred_info cred;
};

/* ConnectClientInfoExt() gives the groups in any case. */
#define _NTO_CLIENTINFO_GETGROUPS 0x0001

extern int ConnectAttach(uint32_t __nd, pid_t __pid, int __chid, unsigned __index, int __flags);
extern int ConnectAttach_r(uint32_t __nd, pid_t __pid, int __chid, unsigned __index, int __flags);
extern int ConnectDetach(int __coid);
extern int ConnectDetach_r(int __coid);
extern int ConnectServerInfo(pid_t __pid, int __coid, struct _server_info *__info);
extern int ConnectServerInfo_r(pid_t __pid, int __coid, struct _server_info *__info);
extern int ConnectClientInfo(int __scoid, struct _client_info *__info, int __ngroups);
extern int ConnectClientInfo_r(int __scoid, struct _client_info *__info, int __ngroups);
extern int ConnectClientInfoExt(int __scoid, struct _client_info **__info, int __flags);
extern int ClientInfoExtFree(struct _client_info **__info);
extern int ConnectFlags(pid_t __pid, int __coid, unsigned __mask, unsigned __bits);
extern int ConnectFlags_r(pid_t __pid, int __coid, unsigned __mask, unsigned __bits);

/* Messages */

struct _msg_info {
	uint32_t nd;
	uint32_t srcnd;
	pid_t pid;
	int32_t tid;
	int32_t chid;
	int32_t scoid;
	int32_t coid;
	int16_t priority;
	int16_t flags; /* _NTO_MI_* */
	ssize_t msglen;
	ssize_t srcmsglen;
	ssize_t dstmsglen;
	uint32_t type_id;
	uint32_t reserved;
};

#define _NTO_MI_ENDIAN_BIG 0x0001
#define _NTO_MI_ENDIAN_DIFF 0x0002
#define _NTO_MI_UNBLOCK_REQ 0x0100

extern long MsgSend(int __coid, const void *__smsg, size_t __sbytes, void *__rmsg, size_t __rbytes);
extern long MsgSend_r(int __coid, const void *__smsg, size_t __sbytes, void *__rmsg,
		      size_t __rbytes);
extern long MsgSendnc(int __coid, const void *__smsg, size_t __sbytes, void *__rmsg,
		      size_t __rbytes);
extern long MsgSendnc_r(int __coid, const void *__smsg, size_t __sbytes, void *__rmsg,
			size_t __rbytes);
extern long MsgSendsv(int __coid, const void *__smsg, size_t __sbytes, const iov_t *__riov,
		      size_t __rparts);
extern long MsgSendsv_r(int __coid, const void *__smsg, size_t __sbytes, const iov_t *__riov,
			size_t __rparts);
extern long MsgSendsvnc(int __coid, const void *__smsg, size_t __sbytes, const iov_t *__riov,
			size_t __rparts);
extern long MsgSendsvnc_r(int __coid, const void *__smsg, size_t __sbytes, const iov_t *__riov,
			  size_t __rparts);
extern long MsgSendvs(int __coid, const iov_t *__siov, size_t __sparts, void *__rmsg,
		      size_t __rbytes);
extern long MsgSendvs_r(int __coid, const iov_t *__siov, size_t __sparts, void *__rmsg,
			size_t __rbytes);
extern long MsgSendvsnc(int __coid, const iov_t *__siov, size_t __sparts, void *__rmsg,
			size_t __rbytes);
extern long MsgSendvsnc_r(int __coid, const iov_t *__siov, size_t __sparts, void *__rmsg,
			  size_t __rbytes);
extern long MsgSendv(int __coid, const iov_t *__siov, size_t __sparts, const iov_t *__riov,
		     size_t __rparts);
extern long MsgSendv_r(int __coid, const iov_t *__siov, size_t __sparts, const iov_t *__riov,
		       size_t __rparts);
extern long MsgSendvnc(int __coid, const iov_t *__siov, size_t __sparts, const iov_t *__riov,
		       size_t __rparts);
extern long MsgSendvnc_r(int __coid, const iov_t *__siov, size_t __sparts, const iov_t *__riov,
			 size_t __rparts);

extern rcvid_t MsgReceive(int __chid, void *__msg, size_t __bytes, struct _msg_info *__info);
extern rcvid_t MsgReceive_r(int __chid, void *__msg, size_t __bytes, struct _msg_info *__info);
extern rcvid_t MsgReceivev(int __chid, const iov_t *__iov, size_t __parts,
			   struct _msg_info *__info);
extern rcvid_t MsgReceivev_r(int __chid, const iov_t *__iov, size_t __parts,
			     struct _msg_info *__info);

extern int MsgReply(rcvid_t __rcvid, long __status, const void *__msg, size_t __bytes);
extern int MsgReply_r(rcvid_t __rcvid, long __status, const void *__msg, size_t __bytes);
extern int MsgReplyv(rcvid_t __rcvid, long __status, const iov_t *__iov, size_t __parts);
extern int MsgReplyv_r(rcvid_t __rcvid, long __status, const iov_t *__iov, size_t __parts);
/* -1 as the error, where an unblock pulse came: what it came for. */
extern int MsgError(rcvid_t __rcvid, int __error);
extern int MsgError_r(rcvid_t __rcvid, int __error);

extern ssize_t MsgRead(rcvid_t __rcvid, void *__msg, size_t __bytes, size_t __offset);
extern ssize_t MsgRead_r(rcvid_t __rcvid, void *__msg, size_t __bytes, size_t __offset);
extern ssize_t MsgReadv(rcvid_t __rcvid, const iov_t *__iov, size_t __parts, size_t __offset);
extern ssize_t MsgReadv_r(rcvid_t __rcvid, const iov_t *__iov, size_t __parts, size_t __offset);
extern ssize_t MsgWrite(rcvid_t __rcvid, const void *__msg, size_t __bytes, size_t __offset);
extern ssize_t MsgWrite_r(rcvid_t __rcvid, const void *__msg, size_t __bytes, size_t __offset);
extern ssize_t MsgWritev(rcvid_t __rcvid, const iov_t *__iov, size_t __parts, size_t __offset);
extern ssize_t MsgWritev_r(rcvid_t __rcvid, const iov_t *__iov, size_t __parts, size_t __offset);

extern int MsgInfo(rcvid_t __rcvid, struct _msg_info *__info);
extern int MsgInfo_r(rcvid_t __rcvid, struct _msg_info *__info);
extern int MsgCurrent(rcvid_t __rcvid);
extern int MsgCurrent_r(rcvid_t __rcvid);
extern int MsgPause(rcvid_t __rcvid, unsigned __cookie); /* ENOSYS */
extern int MsgPause_r(rcvid_t __rcvid, unsigned __cookie);

/* Pulses */

struct _pulse {
	uint16_t type;
	uint16_t subtype;
	int8_t code;
	uint8_t zero[3];
	union sigval value;
	int32_t scoid;
};

#define _PULSE_TYPE 0
#define _PULSE_SUBTYPE 0
#define _PULSE_CODE_UNBLOCK (-32)
#define _PULSE_CODE_DISCONNECT (-33)
#define _PULSE_CODE_THREADDEATH (-34)
#define _PULSE_CODE_COIDDEATH (-35)
#define _PULSE_CODE_NET_ACK (-36)
#define _PULSE_CODE_NET_UNBLOCK (-37)
#define _PULSE_CODE_NET_DETACH (-38)
#define _PULSE_CODE_RESTART (-39)
#define _PULSE_CODE_NORESTART (-40)
#define _PULSE_CODE_UNBLOCK_RESTART (-41)
#define _PULSE_CODE_UNBLOCK_TIMER (-42)
#define _PULSE_CODE_MINAVAIL 0
#define _PULSE_CODE_MAXAVAIL 127

extern int MsgSendPulse(int __coid, int __priority, int __code, int __value);
extern int MsgSendPulse_r(int __coid, int __priority, int __code, int __value);
extern int MsgSendPulsePtr(int __coid, int __priority, int __code, void *__value);
extern int MsgSendPulsePtr_r(int __coid, int __priority, int __code, void *__value);
extern int MsgReceivePulse(int __chid, void *__pulse, size_t __bytes, struct _msg_info *__info);
extern int MsgReceivePulse_r(int __chid, void *__pulse, size_t __bytes, struct _msg_info *__info);
extern int MsgReceivePulsev(int __chid, const iov_t *__iov, size_t __parts,
			    struct _msg_info *__info);
extern int MsgReceivePulsev_r(int __chid, const iov_t *__iov, size_t __parts,
			      struct _msg_info *__info);

/* Events */

extern int MsgDeliverEvent(rcvid_t __rcvid, const struct sigevent *__event);
extern int MsgDeliverEvent_r(rcvid_t __rcvid, const struct sigevent *__event);
extern int MsgVerifyEvent(rcvid_t __rcvid, const struct sigevent *__event);
extern int MsgVerifyEvent_r(rcvid_t __rcvid, const struct sigevent *__event);
extern int MsgRegisterEvent(struct sigevent *__event, int __coid);
extern int MsgRegisterEvent_r(struct sigevent *__event, int __coid);
extern int MsgUnregisterEvent(const struct sigevent *__event);
extern int MsgUnregisterEvent_r(const struct sigevent *__event);

/* Timeouts of the next message call; those of other calls are refused: ENOSYS. */

#define _NTO_TIMEOUT_SEND (1 << STATE_SEND)
#define _NTO_TIMEOUT_RECEIVE (1 << STATE_RECEIVE)
#define _NTO_TIMEOUT_REPLY (1 << STATE_REPLY)
#define _NTO_TIMEOUT_SIGSUSPEND (1 << STATE_SIGSUSPEND)
#define _NTO_TIMEOUT_SIGWAITINFO (1 << STATE_SIGWAITINFO)
#define _NTO_TIMEOUT_NANOSLEEP (1 << STATE_NANOSLEEP)
#define _NTO_TIMEOUT_MUTEX (1 << STATE_MUTEX)
#define _NTO_TIMEOUT_CONDVAR (1 << STATE_CONDVAR)
#define _NTO_TIMEOUT_JOIN (1 << STATE_JOIN)
#define _NTO_TIMEOUT_INTR (1 << STATE_INTR)
#define _NTO_TIMEOUT_SEM (1 << STATE_SEM)

extern int TimerTimeout(clockid_t __clock, int __flags, const struct sigevent *__notify,
			const uint64_t *__time, uint64_t *__old);
extern int TimerTimeout_r(clockid_t __clock, int __flags, const struct sigevent *__notify,
			  const uint64_t *__time, uint64_t *__old);

/* Threads: how they are scheduled. Priorities are those of <sched.h>; tids are Linux's. */

struct _sched_info {
	int priority_min;
	int priority_max;
	uint64_t interval; /* of SCHED_RR, in nanoseconds */
	int priority_priv; /* those from here on want privilege */
};

/* The policy. */
extern int SchedGet(pid_t __pid, int __tid, struct sched_param *__param);
extern int SchedGet_r(pid_t __pid, int __tid, struct sched_param *__param);
extern int SchedSet(pid_t __pid, int __tid, int __policy, const struct sched_param *__param);
extern int SchedSet_r(pid_t __pid, int __tid, int __policy, const struct sched_param *__param);
extern int SchedInfo(pid_t __pid, int __policy, struct _sched_info *__info);
extern int SchedInfo_r(pid_t __pid, int __policy, struct _sched_info *__info);
extern int SchedYield(void);
extern int SchedYield_r(void);

#define _NTO_TCTL_IO 1      /* x86's ports: CAP_SYS_RAWIO; what is not named here is ENOSYS */
#define _NTO_TCTL_RUNMASK 4 /* data is the mask of processors, as a pointer */
#define _NTO_TCTL_RUNMASK_GET_AND_SET 6 /* data points to a mask; 0: only get */
#define _NTO_TCTL_NAME 11
#define _NTO_TCTL_IO_PRIV 14

struct _thread_name {
	int new_name_len; /* of the name in name_buf to be set; -1: it is only asked for */
	int name_buf_len; /* what there is room for: the name that was before goes there */
	char name_buf[];
};

extern int ThreadCtl(int __command, void *__data);
extern int ThreadCtl_r(int __command, void *__data);

/* Clocks and timers */

struct _clockperiod {
	unsigned long nsec;
	long fract; /* 0 */
};

struct _itimer {
	uint64_t nsec;
	uint64_t interval_nsec;
};

extern int ClockTime(clockid_t __clock, const uint64_t *__set, uint64_t *__before);
extern int ClockTime_r(clockid_t __clock, const uint64_t *__set, uint64_t *__before);
extern int ClockPeriod(clockid_t __clock, const struct _clockperiod *__set,
		       struct _clockperiod *__before, int __reserved);
extern int ClockPeriod_r(clockid_t __clock, const struct _clockperiod *__set,
			 struct _clockperiod *__before, int __reserved);
/* The clock of the time that a process or thread has run; -1 and ESRCH. */
extern int ClockId(pid_t __pid, int __tid);
extern int ClockId_r(pid_t __pid, int __tid);
extern int TimerCreate(clockid_t __clock, const struct sigevent *__event);
extern int TimerDestroy(int __id);
extern int TimerSettime(int __id, int __flags, const struct _itimer *__value,
			struct _itimer *__before);

/* Interrupts: ENOSYS; docs/qnx.md says what there is instead. */

#define _NTO_INTR_FLAGS_END 0x01
#define _NTO_INTR_FLAGS_PROCESS 0x04
#define _NTO_INTR_FLAGS_TRK_MSK 0x08

typedef struct intrspin {
	volatile unsigned value;
} intrspin_t;

extern int InterruptAttach(int __intr, const struct sigevent *(*__handler)(void *__area, int __id),
			   const void *__area, int __size, unsigned __flags);
extern int InterruptAttach_r(int __intr,
			     const struct sigevent *(*__handler)(void *__area, int __id),
			     const void *__area, int __size, unsigned __flags);
extern int InterruptAttachEvent(int __intr, const struct sigevent *__event, unsigned __flags);
extern int InterruptAttachEvent_r(int __intr, const struct sigevent *__event, unsigned __flags);
extern int InterruptDetach(int __id);
extern int InterruptDetach_r(int __id);
extern int InterruptWait(int __flags, const uint64_t *__timeout);
extern int InterruptWait_r(int __flags, const uint64_t *__timeout);
extern int InterruptMask(int __intr, int __id);
extern int InterruptUnmask(int __intr, int __id);
/* They set errno, and keep nothing from running. */
extern void InterruptDisable(void);
extern void InterruptEnable(void);
extern void InterruptLock(intrspin_t *__spinlock);
extern void InterruptUnlock(intrspin_t *__spinlock);

/* Mutexes, semaphores and condition variables, by pthread_mutex_lock() and its siblings */

#define _NTO_SYNC_MUTEX_FREE 0
#define _NTO_SYNC_SEM 1
#define _NTO_SYNC_COND 2

/* NULL as the attributes: a mutex whose owner inherits priorities. All may be used by processes. */
extern int SyncTypeCreate(unsigned __type, sync_t *__sync, const struct _sync_attr *__attr);
extern int SyncTypeCreate_r(unsigned __type, sync_t *__sync, const struct _sync_attr *__attr);
/* Nothing is freed by it: what it is of need not be known. */
extern int SyncDestroy(sync_t *__sync);
extern int SyncDestroy_r(sync_t *__sync);
extern int SyncMutexLock(sync_t *__mutex);
extern int SyncMutexLock_r(sync_t *__mutex);
extern int SyncMutexUnlock(sync_t *__mutex);
extern int SyncMutexUnlock_r(sync_t *__mutex);
extern int SyncMutexEvent(sync_t *__mutex, const struct sigevent *__event); /* ENOSYS */
extern int SyncMutexEvent_r(sync_t *__mutex, const struct sigevent *__event);
extern int SyncMutexRevive(sync_t *__mutex); /* ENOSYS */
extern int SyncMutexRevive_r(sync_t *__mutex);
extern int SyncCondvarWait(sync_t *__condvar, sync_t *__mutex);
extern int SyncCondvarWait_r(sync_t *__condvar, sync_t *__mutex);
extern int SyncCondvarSignal(sync_t *__condvar, int __all);
extern int SyncCondvarSignal_r(sync_t *__condvar, int __all);
extern int SyncSemPost(sync_t *__semaphore);
extern int SyncSemPost_r(sync_t *__semaphore);
extern int SyncSemWait(sync_t *__semaphore, int __poll);
extern int SyncSemWait_r(sync_t *__semaphore, int __poll);

/* Nanoseconds since some moment; <sys/syspage.h> tells how many make a second. */
extern uint64_t ClockCycles(void);

__END_DECLS
#endif
