// SPDX-License-Identifier: MIT
/* spawnl() and its siblings, by posix_spawn(3) */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "result.h"

static pid_t start(bool search, const char *file, char *const argv[], char *const envp[])
{
	int error;
	pid_t pid;

	error = search ? posix_spawnp(&pid, file, NULL, NULL, argv, envp)
		       : posix_spawn(&pid, file, NULL, NULL, argv, envp);
	return error ? -error : pid;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status;
}

/* As a grandchild, whose parent has ended: it is nobody's to wait for here. */
static pid_t start_alone(bool search, const char *file, char *const argv[], char *const envp[])
{
	pid_t pid = -EAGAIN, between;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	between = fork();
	if (!between) {
		pid = start(search, file, argv, envp);
		_exit(write(ends[1], &pid, sizeof(pid)) != sizeof(pid));
	}
	close(ends[1]);
	if (between > 0) {
		if (read(ends[0], &pid, sizeof(pid)) != sizeof(pid))
			pid = -EAGAIN;
		wait_for(between);
	}
	close(ends[0]);
	return pid;
}

static int spawn_as(int mode, bool search, const char *file, char *const argv[], char *const envp[])
{
	char *const *environment = envp ? envp : environ;
	pid_t pid;

	if (!file || !argv || !argv[0])
		return outcome(-EINVAL);
	switch (mode) {
	case P_OVERLAY:
		return search ? execvpe(file, argv, environment) : execve(file, argv, environment);
	case P_NOWAITO:
		return outcome(start_alone(search, file, argv, environment));
	case P_NOWAIT:
		return outcome(start(search, file, argv, environment));
	case P_WAIT:
		pid = start(search, file, argv, environment);
		return outcome(pid < 0 ? pid : wait_for(pid));
	}
	return outcome(-EINVAL);
}

int spawnv(int mode, const char *path, char *const argv[])
{
	return spawn_as(mode, false, path, argv, NULL);
}

int spawnve(int mode, const char *path, char *const argv[], char *const envp[])
{
	return spawn_as(mode, false, path, argv, envp);
}

int spawnvp(int mode, const char *file, char *const argv[])
{
	return spawn_as(mode, true, file, argv, NULL);
}

int spawnvpe(int mode, const char *file, char *const argv[], char *const envp[])
{
	return spawn_as(mode, true, file, argv, envp);
}

/* The arguments as a vector; behind them is the environment, if it is wanted. */
static int spawn_list(int mode, bool search, bool with_environment, const char *file,
		      const char *arg0, va_list arguments)
{
	size_t count = 1, i;
	va_list copy;

	va_copy(copy, arguments);
	while (arg0 && va_arg(copy, char *))
		count++;
	va_end(copy);

	char *argv[count + 1], *const *envp = NULL;

	argv[0] = (char *)arg0;
	for (i = 1; arg0 && i <= count; i++)
		argv[i] = va_arg(arguments, char *);
	if (arg0 && with_environment)
		envp = va_arg(arguments, char *const *);
	return spawn_as(mode, search, file, argv, envp);
}

#define LISTS(name, search, with_environment)                                                      \
	int name(int mode, const char *file, const char *arg0, ...)                                \
	{                                                                                          \
		va_list arguments;                                                                 \
		int ret;                                                                           \
                                                                                                   \
		va_start(arguments, arg0);                                                         \
		ret = spawn_list(mode, search, with_environment, file, arg0, arguments);           \
		va_end(arguments);                                                                 \
		return ret;                                                                        \
	}

LISTS(spawnl, false, false)
LISTS(spawnle, false, true)
LISTS(spawnlp, true, false)
LISTS(spawnlpe, true, true)
