// SPDX-License-Identifier: MIT
/*
 * Descriptors that no forked child keeps: a set of numbers
 *
 * fork() takes files_lock, so no child comes between a descriptor and its entry here. Where a
 * library opens it, which may fork itself, the lock cannot be held: a child of just then looks for
 * it among all that it has.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "own.h"
#include "session.h"

/* /dev/fuse's, in all kernels */
#define FUSE_MAJOR 10
#define FUSE_MINOR 229

/* With files_lock */
static int *fds;
static size_t nr_fds, room_fds;
static unsigned openings;
static int nothing = -1; /* an eventfd, which takes the place of what is ended */

/* With files_lock: so that two more can be entered, and ended. */
static bool reserve(void)
{
	int *grown;

	if (nothing < 0)
		nothing = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (nothing < 0)
		return false;
	if (nr_fds + openings + 2 <= room_fds)
		return true;
	grown = realloc(fds, (room_fds * 2 + 16) * sizeof(*grown));
	if (!grown)
		return false;
	fds = grown;
	room_fds = room_fds * 2 + 16;
	return true;
}

/* With files_lock, and a place */
static void enter(int fd)
{
	fds[nr_fds++] = fd;
}

/* With files_lock */
static void remove_entry(int fd)
{
	size_t i;

	for (i = 0; i < nr_fds; i++)
		if (fds[i] == fd)
			fds[i] = fds[--nr_fds];
}

int own_open(const char *path)
{
	int fd = -1;

	pthread_mutex_lock(&files_lock);
	if (reserve()) {
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0)
			enter(fd);
	}
	pthread_mutex_unlock(&files_lock);
	return fd;
}

int own_socketpair(int ends[2])
{
	int ret = -1;

	pthread_mutex_lock(&files_lock);
	if (reserve()) {
		ret = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
		if (!ret) {
			enter(ends[0]);
			enter(ends[1]);
		}
	}
	pthread_mutex_unlock(&files_lock);
	return ret;
}

void own_close(int fd)
{
	pthread_mutex_lock(&files_lock);
	remove_entry(fd);
	close(fd);
	pthread_mutex_unlock(&files_lock);
}

int own_opening(void)
{
	int ret = 0;

	pthread_mutex_lock(&files_lock);
	if (reserve())
		openings++;
	else
		ret = -errno;
	pthread_mutex_unlock(&files_lock);
	return ret;
}

void own_opened(int fd)
{
	pthread_mutex_lock(&files_lock);
	openings--;
	if (fd >= 0) {
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		enter(fd);
	}
	pthread_mutex_unlock(&files_lock);
}

void own_end(int fd)
{
	pthread_mutex_lock(&files_lock);
	remove_entry(fd);
	dup3(nothing, fd, O_CLOEXEC);
	pthread_mutex_unlock(&files_lock);
}

static bool is_fuse(int fd)
{
	struct stat stat;

	return !fstat(fd, &stat) && S_ISCHR(stat.st_mode) &&
	       stat.st_rdev == makedev(FUSE_MAJOR, FUSE_MINOR);
}

/* One that has been opened, and is not entered yet, cannot be told from others of that kind. */
static void close_unknown(void)
{
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;

	if (!folder)
		return;
	while ((entry = readdir(folder)))
		if (is_fuse(atoi(entry->d_name)))
			close(atoi(entry->d_name));
	closedir(folder);
}

void own_forget(void)
{
	if (openings)
		close_unknown();
	while (nr_fds)
		close(fds[--nr_fds]);
	if (nothing >= 0)
		close(nothing);
	nothing = -1;
	openings = 0;
}
