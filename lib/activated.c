// SPDX-License-Identifier: MIT
/*
 * libstplr: descriptors that a process was started with
 *
 * systemd's convention, which others keep, too: LISTEN_PID says for which process the variables are
 * (they are inherited by those that it starts), LISTEN_FDS how many descriptors there are, from 3
 * on, and LISTEN_FDNAMES what they are called.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stplr.h"

#define FIRST 3

/* What systemd calls those without a name. */
#define NO_NAME "unknown"

/* Digits alone, from 1 to @most; 0: it is none. */
static long number(const char *text, long most)
{
	char *end;
	long value;

	if (!text || !isdigit((unsigned char)*text))
		return 0;
	errno = 0;
	value = strtol(text, &end, 10);
	return *end || errno || value > most ? 0 : value;
}

/* Which of @count has the name, of names that are separated by colons; NULL is any. */
static long find(const char *names, long count, const char *name)
{
	size_t len = name ? strlen(name) : 0;
	long found = -1, at;

	for (at = 0; at < count; at++) {
		const char *this = names;
		size_t here = strcspn(this, ":");

		names += here;
		if (!name || (here == len && !memcmp(this, name, len))) {
			if (found >= 0) {
				errno = ENOTUNIQ;
				return -1;
			}
			found = at;
		}
		/* As many names as descriptors, and no more. */
		if (at + 1 < count ? *names++ != ':' : *names != '\0') {
			errno = EINVAL;
			return -1;
		}
	}
	if (found < 0)
		errno = ENOENT;
	return found;
}

/* The same where none has a name of its own. */
static long find_unnamed(long count, const char *name)
{
	if (name && strcmp(name, NO_NAME)) {
		errno = ENOENT;
		return -1;
	}
	if (count > 1) {
		errno = ENOTUNIQ;
		return -1;
	}
	return 0;
}

int stplr_activated(const char *name)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	long process, count, at;
	int fd, flags;

	if (!pid || !fds) {
		errno = ENOENT;
		return -1;
	}
	process = number(pid, INT_MAX);
	count = number(fds, INT_MAX - FIRST);
	if (!process || !count) {
		errno = EINVAL;
		return -1;
	}
	if (process != getpid()) {
		errno = ENOENT;
		return -1;
	}
	at = names ? find(names, count, name) : find_unnamed(count, name);
	if (at < 0)
		return -1;
	fd = FIRST + (int)at;
	flags = fcntl(fd, F_GETFD);
	if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC))
		return -1;
	return fd;
}
