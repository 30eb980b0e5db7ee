// SPDX-License-Identifier: MIT
/*
 * Priorities
 *
 * QNX's ordinary thread has 10, and larger is better; so has one of nice 0 here, and the real-time
 * priorities 11 to 99 are QNX's as they are. The kernel's module counts 0 to 39 for the nice values
 * 19 to -20 and 41 to 139 for real-time 1 to 99.
 */
#include <sched.h>
#include <sys/resource.h>

#include "qnx.h"

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

int setprio(pid_t pid, int priority)
{
	struct sched_param param = {.sched_priority = 0};
	int before = getprio(pid), policy;

	if (before < 0)
		return -1;
	if (priority < 1 || priority > REALTIME_MAX)
		return outcome(-EINVAL);
	if (priority <= ORDINARY) {
		if (sched_setscheduler(pid, SCHED_OTHER, &param) ||
		    setpriority(PRIO_PROCESS, (id_t)pid, 19 - priority_to_kernel(priority)))
			return -1;
		return before;
	}
	policy = policy_of(pid);
	param.sched_priority = priority;
	if (sched_setscheduler(pid, policy == SCHED_FIFO ? SCHED_FIFO : SCHED_RR, &param))
		return -1;
	return before;
}
