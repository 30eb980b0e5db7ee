// SPDX-License-Identifier: MIT
/* What QNX's process manager does for a process itself */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/procmgr.h>
#include <sys/stat.h>
#include <unistd.h>

int procmgr_daemon(int status, unsigned flags)
{
	pid_t pid = fork();
	int null;

	if (pid < 0)
		return -1;
	if (pid)
		_exit(status);
	if (setsid() < 0)
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
