// SPDX-License-Identifier: MIT
/* What QNX's process manager does for a process itself */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/procmgr.h>
#include <sys/stat.h>
#include <unistd.h>

#include "channels.h"
#include "result.h"
#include "verbose.h"

static bool has_channels(void)
{
	struct channel *channel = channel_next(0);

	if (channel)
		channel_put(channel);
	return channel;
}

/* A child would have no channels, nor the paths that are served by them: then it is this process.
 */
static int become_daemon(int status, unsigned *flags)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;
	pid_t pid;

	if (has_channels()) {
		explain(&said, "procmgr_daemon: there are channels already, so the process stays "
			       "what it is, in the foreground");
		*flags |= PROCMGR_DAEMON_NOCLOSE;
		return 0;
	}
	pid = fork();
	if (pid > 0)
		_exit(status);
	return pid < 0 || setsid() < 0 ? -1 : 0;
}

int procmgr_daemon(int status, unsigned flags)
{
	int null;

	if (become_daemon(status, &flags))
		return -1;
	if (!(flags & PROCMGR_DAEMON_NOCHDIR) && chdir("/"))
		return -1;
	if (!(flags & PROCMGR_DAEMON_KEEPUMASK))
		umask(0);
	if (!(flags & PROCMGR_DAEMON_NOCLOSE))
		closefrom(STDERR_FILENO + 1);
	if (!(flags & PROCMGR_DAEMON_NODEVNULL)) {
		null = open("/dev/null", O_RDWR);
		if (null < 0)
			return -1;
		for (int fd = 0; fd <= STDERR_FILENO; fd++)
			dup2(null, fd);
		if (null > STDERR_FILENO)
			close(null);
	}
	return getpid();
}

int procmgr_ability(pid_t pid, unsigned first, ...)
{
	unsigned ability = first;
	va_list list;
	int ret = EOK;

	if (pid && pid != getpid())
		return -REFUSED("procmgr_ability() is for the calling process only");
	va_start(list, first);
	for (; ability != PROCMGR_AID_EOL; ability = va_arg(list, unsigned)) {
		if (ability & PROCMGR_AOP_DENY)
			ret = -REFUSED("abilities cannot be denied: see capabilities(7), "
				       "seccomp(2)");
		if (ability & PROCMGR_AOP_SUBRANGE) {
			va_arg(list, uint64_t);
			va_arg(list, uint64_t);
		}
	}
	va_end(list);
	return ret;
}

int procmgr_ability_create(const char *name, unsigned flags)
{
	(void)name;
	(void)flags;
	return -ENOSYS;
}

int procmgr_ability_lookup(const char *name)
{
	(void)name;
	return -ENOSYS;
}

int procmgr_event_notify(unsigned flags, const struct sigevent *event)
{
	(void)flags;
	(void)event;
	return outcome(REFUSED("the process manager's events: see inotify(7), pidfd_open(2)"));
}

int procmgr_event_trigger(unsigned flags)
{
	(void)flags;
	return outcome(-ENOSYS);
}

int procmgr_guardian(pid_t pid)
{
	(void)pid;
	return outcome(-ENOSYS);
}
