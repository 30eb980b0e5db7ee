// SPDX-License-Identifier: MIT
/*
 * Mounting
 *
 * A mount outlives the process that serves it, and so would a mount point that was made for it. So
 * a process watches: it waits for the end of a socket whose peer this one holds open, however this
 * one ends, and then takes both away, unless it was told that this one has. It is a shell in a
 * session of its own, which does not take part in what this process's terminal says, nor in its
 * wait().
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mount.h"
#include "own.h"

/* $1 the path, $2 how it is removed after: rmdir, rm, or : */
static const char script[] = "exec 3<&0\n"
			     "{\n"
			     "	trap '' INT QUIT HUP TERM\n"
			     "	read -r nothing <&3 && exit\n"
			     "	[ -e \"$1\" ] && exit\n"
			     "	umount -l -- \"$1\" 2>&- || fusermount3 -quz -- \"$1\" 2>&-\n"
			     "	$2 -- \"$1\" 2>&-\n"
			     "} &\n";

extern char **environ;

/* How long a dead manager's watcher may take, and how often that is looked at. */
#define STALE_MS 5000
#define STALE_LOOKS 500

/*
 * How a mount point that was made for a mount looks: as nobody makes one by hand. So a manager that
 * comes between a dead one's watcher's two steps knows it, and has its own watcher remove it.
 */
#define MADE_FOLDER (S_ISVTX | S_IRWXU)
#define MADE_FILE (S_ISVTX | S_IRUSR | S_IWUSR)

static int watch(struct session *session, const char *remove)
{
	char *argv[] = {
		(char *)"sh",   (char *)"-c", (char *)script, (char *)"stplr-qnx", session->path,
		(char *)remove, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, defaults;
	int ends[2], status, error;
	pid_t pid;

	if (own_socketpair(ends))
		return -errno;
	sigemptyset(&none);
	sigfillset(&defaults);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	error = posix_spawn(&pid, "/bin/sh", &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	own_close(ends[0]);
	if (error) {
		own_close(ends[1]);
		return -error;
	}
	/* it has left the watcher behind; a program that waits for any child may have had it */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	session->watcher = ends[1];
	return 0;
}

/*
 * Looks at the path. A manager that has died just now may have left its mount behind, which its
 * watcher is about to take away; where there is none, root can.
 */
static int look_at(const char *path, struct stat *stat)
{
	const struct timespec moment = {.tv_nsec = STALE_MS * 1000000L / STALE_LOOKS};
	int i;

	for (i = 0; lstat(path, stat); i++) {
		if (errno != ENOTCONN && errno != ECONNABORTED)
			return -errno;
		if (i > STALE_LOOKS || (i == STALE_LOOKS && umount2(path, MNT_DETACH)))
			return -ENOTCONN;
		nanosleep(&moment, NULL);
	}
	return 0;
}

/* Was it made by make_point()? */
static bool is_made(const struct stat *stat)
{
	if (stat->st_uid != geteuid())
		return false;
	if (S_ISDIR(stat->st_mode))
		return (stat->st_mode & ALLPERMS) == MADE_FOLDER;
	return (stat->st_mode & ALLPERMS) == MADE_FILE && !stat->st_size;
}

/* A file or folder to mount on, made if there is none. */
static int make_point(struct session *session, bool folder)
{
	struct statx mount;
	struct stat stat;
	int fd, ret = look_at(session->path, &stat);

	if (!ret) {
		/* another manager's, or somebody's file system */
		if (!statx(AT_FDCWD, session->path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0,
			   &mount) &&
		    mount.stx_attributes & STATX_ATTR_MOUNT_ROOT)
			return -EBUSY;
		session->made = is_made(&stat);
		if (folder)
			return S_ISDIR(stat.st_mode) ? 0 : -ENOTDIR;
		return S_ISREG(stat.st_mode) ? 0 : S_ISDIR(stat.st_mode) ? -EISDIR : -EEXIST;
	}
	if (ret != -ENOENT)
		return ret;
	session->made = true;
	if (folder)
		return mkdir(session->path, MADE_FOLDER) ? -errno : 0;
	fd = open(session->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, MADE_FILE);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static void remove_point(struct session *session)
{
	if (session->made && rmdir(session->path) && errno == ENOTDIR)
		unlink(session->path);
}

/* fusermount3 asks root's file whether users may let others in. */
bool mount_for_all(void)
{
	char *line = NULL;
	bool found = false;
	size_t size = 0;
	FILE *file;

	if (!geteuid())
		return true;
	file = fopen("/etc/fuse.conf", "re");
	if (!file)
		return false;
	while (!found && getline(&line, &size, file) > 0)
		found = !strncmp(line + strspn(line, " \t"), "user_allow_other", 16);
	free(line);
	fclose(file);
	return found;
}

static void unmount(struct session *session)
{
	struct pollfd kernel = {.fd = fuse_session_fd(session->fuse)};
	/* what is mounted there now, if somebody else has unmounted it, is not ours */
	bool mounted = poll(&kernel, 1, 0) != 1 || !(kernel.revents & POLLERR);

	own_end(kernel.fd);
	if (mounted)
		fuse_session_unmount(session->fuse);
	remove_point(session);
}

static int mount_on(struct session *session)
{
	int ret = own_opening();

	if (ret)
		return ret;
	errno = 0;
	if (fuse_session_mount(session->fuse, session->path))
		ret = errno ? -errno : -EPERM;
	own_opened(ret ? -1 : fuse_session_fd(session->fuse));
	return ret;
}

int mount_make(struct session *session, bool folder)
{
	int tries = 2, ret;

	do {
		ret = make_point(session, folder);
		if (ret)
			return ret;
		ret = mount_on(session);
		if (!ret)
			break;
		remove_point(session);
		/* a dead manager's watcher has taken it away since */
	} while (ret == -ENOENT && --tries);
	if (ret)
		return ret;
	ret = watch(session, !session->made ? ":" : folder ? "rmdir" : "rm -f");
	if (!ret)
		return 0;
	unmount(session);
	return ret;
}

/* It is gone at once, also from who has a file of it open. */
void mount_end(struct session *session)
{
	unmount(session);
	if (session->watcher < 0)
		return;
	/* if it has been killed it does nothing either */
	send(session->watcher, "\n", 1, MSG_NOSIGNAL);
	own_close(session->watcher);
	session->watcher = -1;
}
