// SPDX-License-Identifier: MIT
/* What QNX's C library has beside messages, and programs that pass messages use */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/netmgr.h>
#include <sys/neutrino.h>
#include <sys/syspage.h>
#include <time.h>
#include <unistd.h>

#include "result.h"

void nsec2timespec(struct timespec *time, uint64_t ns)
{
	time->tv_sec = (time_t)(ns / 1000000000);
	time->tv_nsec = (long)(ns % 1000000000);
}

uint64_t timespec2nsec(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec;
}

uint64_t ClockCycles(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return timespec2nsec(&time);
}

/* Handlers interrupt calls, and stay. */
__sighandler_t signal(int signo, __sighandler_t handler)
{
	struct sigaction action, before;

	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	sigemptyset(&action.sa_mask);
	return sigaction(signo, &action, &before) ? SIG_ERR : before.sa_handler;
}

unsigned int delay(unsigned int milliseconds)
{
	struct timespec time, left = {0, 0};

	nsec2timespec(&time, (uint64_t)milliseconds * 1000000);
	if (!nanosleep(&time, &left))
		return 0;
	return (unsigned int)((timespec2nsec(&left) + 999999) / 1000000);
}

/* Nodes */

int netmgr_ndtostr(unsigned flags, int nd, char *name, size_t size)
{
	char host[256];
	size_t len;

	(void)flags;
	if (nd != ND_LOCAL_NODE)
		return outcome(-ENOSYS);
	if (gethostname(host, sizeof(host)))
		return -1;
	host[sizeof(host) - 1] = 0;
	len = strlen(host) + 1;
	if (len > size)
		return outcome(-ERANGE);
	memcpy(name, host, len);
	return (int)len;
}

int netmgr_strtond(const char *name, char **end)
{
	char host[256];

	if (gethostname(host, sizeof(host)))
		return -1;
	host[sizeof(host) - 1] = 0;
	if (strcmp(name, host) && strcmp(name, "localhost"))
		return outcome(-ENOSYS);
	if (end)
		*end = (char *)name + strlen(name);
	return ND_LOCAL_NODE;
}

int netmgr_remote_nd(int remote, int nd)
{
	return remote == ND_LOCAL_NODE && nd == ND_LOCAL_NODE ? ND_LOCAL_NODE : outcome(-ENOSYS);
}
