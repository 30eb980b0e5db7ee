// SPDX-License-Identifier: MIT
/*
 * Priorities
 *
 * QNX's ordinary thread has 10, and larger is better; so has one of nice 0 here, and the real-time
 * priorities 11 to 99 are QNX's as they are. The kernel's module counts 0 to 39 for the nice values
 * 19 to -20 and 41 to 139 for real-time 1 to 99.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/neutrino.h>
#include <sys/resource.h>

#include "priority.h"
#include "result.h"
#include "stplr.h"

extern int real_pthread_getschedparam(pthread_t thread, int *policy,
				      struct sched_param *param) __asm__("pthread_getschedparam");

#define ORDINARY 10
#define ORDINARY_KERNEL 19
#define REALTIME_KERNEL 40
#define REALTIME_MAX 99

int priority_to_kernel(int priority)
{
	if (priority < 0)
		return priority == -1 ? STPLR_PRIORITY_OWN : priority;
	if (priority == 0) /* is the idle thread's */
		priority = 1;
	if (priority <= ORDINARY)
		return priority * ORDINARY_KERNEL / ORDINARY;
	return REALTIME_KERNEL + (priority < REALTIME_MAX ? priority : REALTIME_MAX);
}

int priority_from_kernel(int priority)
{
	if (priority < ORDINARY_KERNEL) {
		priority = (priority * ORDINARY + ORDINARY_KERNEL - 1) / ORDINARY_KERNEL;
		return priority ? priority : 1;
	}
	if (priority <= REALTIME_KERNEL + ORDINARY)
		return ORDINARY;
	priority -= REALTIME_KERNEL;
	return priority < REALTIME_MAX ? priority : REALTIME_MAX;
}

/* Without the flag that children do not inherit it, which a lent priority has. */
static int policy_of(pid_t pid)
{
	int policy = sched_getscheduler(pid);

	return policy < 0 ? policy : policy & ~SCHED_RESET_ON_FORK;
}

static int kernel_priority(pid_t pid)
{
	int policy = policy_of(pid), nice;
	struct sched_param param;

	if (policy < 0 || sched_getparam(pid, &param))
		return -errno;
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return REALTIME_KERNEL + param.sched_priority;
	errno = 0;
	nice = getpriority(PRIO_PROCESS, (id_t)pid);
	if (nice == -1 && errno)
		return -errno;
	return 19 - nice;
}

int priority_own(void)
{
	int priority = kernel_priority(0);

	return priority < 0 ? ORDINARY_KERNEL : priority;
}

int getprio(pid_t pid)
{
	int priority = kernel_priority(pid);

	return priority < 0 ? outcome(priority) : priority_from_kernel(priority);
}

/* The C library keeps what it knows, and a priority that is lent it does not know. */
int pthread_getschedparam(pthread_t thread, int *restrict policy,
			  struct sched_param *restrict param)
{
	if (!pthread_equal(thread, pthread_self()))
		return real_pthread_getschedparam(thread, policy, param);
	if (sched_getparam(0, param))
		return errno;
	*policy = policy_of(0);
	return 0;
}

/* With SCHED_NOCHANGE real-time threads keep their policy, and others become SCHED_RR's. */
static int set_priority(pid_t id, int policy, int priority)
{
	struct sched_param param = {.sched_priority = 0};
	int before = policy_of(id);

	if (before < 0)
		return -errno;
	if (priority < 1 || priority > REALTIME_MAX)
		return -EINVAL;
	if (policy == SCHED_NOCHANGE)
		policy = before == SCHED_FIFO ? SCHED_FIFO : SCHED_RR;
	if (policy != SCHED_FIFO && policy != SCHED_RR && policy != SCHED_OTHER)
		return -EINVAL;
	if (priority <= ORDINARY) {
		if (sched_setscheduler(id, SCHED_OTHER, &param) ||
		    setpriority(PRIO_PROCESS, (id_t)id, 19 - priority_to_kernel(priority)))
			return -errno;
		return 0;
	}
	if (policy == SCHED_OTHER)
		policy = SCHED_RR;
	param.sched_priority = priority;
	return result_of(sched_setscheduler(id, policy, &param));
}

int setprio(pid_t pid, int priority)
{
	int before = getprio(pid), ret;

	if (before < 0)
		return -1;
	ret = set_priority(pid, SCHED_NOCHANGE, priority);
	return ret ? outcome(ret) : before;
}

/* QNX's kernel calls */

/* A thread of that process; tid 0: the first, or in this process the calling one. */
static int thread_of(pid_t pid, int tid)
{
	char path[64];

	if (pid < 0 || tid < 0)
		return -EINVAL;
	if (!tid)
		return pid == getpid() ? 0 : pid;
	snprintf(path, sizeof(path), "/proc/%d/task/%d", pid ? pid : getpid(), tid);
	return access(path, F_OK) ? -ESRCH : tid;
}

int SchedGet_r(pid_t pid, int tid, struct sched_param *param)
{
	int id = thread_of(pid, tid), saved = errno, priority;

	priority = id < 0 ? id : kernel_priority(id);
	errno = saved;
	if (priority < 0)
		return priority;
	if (param)
		param->sched_priority = priority_from_kernel(priority);
	return policy_of(id);
}

int SchedGet(pid_t pid, int tid, struct sched_param *param)
{
	return outcome(SchedGet_r(pid, tid, param));
}

int SchedSet_r(pid_t pid, int tid, int policy, const struct sched_param *param)
{
	int id = thread_of(pid, tid), saved = errno, ret;

	if (id < 0)
		return id;
	if (!param)
		return -EFAULT;
	ret = set_priority(id, policy, param->sched_priority);
	errno = saved;
	return ret;
}

int SchedSet(pid_t pid, int tid, int policy, const struct sched_param *param)
{
	return outcome(SchedSet_r(pid, tid, policy, param));
}

/* sched_rr_get_interval() tells it of SCHED_RR's threads only. */
static uint64_t round_robin_ms(void)
{
	FILE *file = fopen("/proc/sys/kernel/sched_rr_timeslice_ms", "re");
	unsigned ms = 0;

	if (file) {
		if (fscanf(file, "%u", &ms) != 1)
			ms = 0;
		fclose(file);
	}
	return ms;
}

int SchedInfo_r(pid_t pid, int policy, struct _sched_info *info)
{
	struct rlimit allowed;

	if (policy != SCHED_FIFO && policy != SCHED_RR && policy != SCHED_OTHER)
		return -EINVAL;
	if (pid < 0 || (pid && kill(pid, 0) && errno == ESRCH))
		return -ESRCH;
	memset(info, 0, sizeof(*info));
	info->priority_min = 1;
	info->priority_max = policy == SCHED_OTHER ? ORDINARY : REALTIME_MAX;
	if (policy == SCHED_RR)
		info->interval = round_robin_ms() * 1000000;
	info->priority_priv = ORDINARY + 1;
	if (!getrlimit(RLIMIT_RTPRIO, &allowed) && allowed.rlim_cur > ORDINARY)
		info->priority_priv = allowed.rlim_cur < REALTIME_MAX ? (int)allowed.rlim_cur + 1
								      : REALTIME_MAX + 1;
	return 0;
}

int SchedInfo(pid_t pid, int policy, struct _sched_info *info)
{
	return outcome(SchedInfo_r(pid, policy, info));
}

int SchedYield_r(void)
{
	return sched_yield();
}

int SchedYield(void)
{
	return sched_yield();
}
