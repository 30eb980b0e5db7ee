// SPDX-License-Identifier: MIT
/* Connections: coids are descriptors, marked where a side channel was asked for. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/neutrino.h>
#include <unistd.h>

#include "channels.h"
#include "coid.h"
#include "connection.h"
#include "device.h"
#include "event.h"
#include "fork.h"
#include "result.h"
#include "stplr.h"
#include "timeout.h"
#include "verbose.h"

/* What is known of a descriptor that became a connection here. */
struct entry {
	int coid; /* 0: none (a side channel of descriptor 0 has the mark) */
	bool used;
	unsigned forks; /* fork_count then: a connection older than a fork is shared */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the table */
static struct entry *entries;
static int nr_entries;

/* Has the connection's end told to the channel, or to nobody. */
static void report(int fd, int coid, const struct channel *channel)
{
	struct stplr_connect_notify args = {.channel = -1};
	union sigval value;

	if (channel) {
		memset(&value, 0, sizeof(value));
		value.sival_int = coid;
		args.channel = channel->fd;
		args.priority = STPLR_PRIORITY_OWN;
		memcpy(&args.value, &value, sizeof(value));
	}
	stplr_connect_notify(fd, &args);
}

/* The end of one that has ended already was told, or there was nobody to be told. */
void connections_report(struct channel *channel)
{
	struct stplr_connect_info info;
	int fd;

	pthread_mutex_lock(&lock);
	for (fd = 0; fd < nr_entries; fd++)
		if (entries[fd].used && !stplr_connect_info(fd, &info) &&
		    !(info.flags & STPLR_CONNECT_ENDED))
			report(fd, entries[fd].coid, channel);
	pthread_mutex_unlock(&lock);
}

static int enter(int fd, int coid)
{
	struct entry *grown;
	int room;

	if (fd >= nr_entries) {
		room = fd * 2 + 16;
		grown = realloc(entries, (size_t)room * sizeof(*grown));
		if (!grown)
			return -EAGAIN;
		memset(grown + nr_entries, 0, (size_t)(room - nr_entries) * sizeof(*grown));
		entries = grown;
		nr_entries = room;
	}
	entries[fd] = (struct entry){.coid = coid, .used = true, .forks = fork_count};
	return 0;
}

int connection_add(int fd, unsigned index, int flags)
{
	bool side = index & _NTO_SIDE_CHANNEL;
	int lowest = (int)(index & ~(unsigned)_NTO_SIDE_CHANNEL), moved, coid, ret;
	struct channel *told;

	if (fd < lowest) {
		moved = fcntl(fd, F_DUPFD_CLOEXEC, lowest);
		close(fd);
		if (moved < 0)
			return errno == EINVAL ? -EINVAL : -EAGAIN;
		fd = moved;
	}
	/* As in QNX, a side channel ends with exec in any case. */
	if (!side && !(flags & _NTO_COF_CLOEXEC))
		fcntl(fd, F_SETFD, 0);
	coid = side ? fd | _NTO_SIDE_CHANNEL : fd;

	events_forget_connection(fd); /* of one that was closed past this library */
	pthread_mutex_lock(&lock);
	ret = enter(fd, coid);
	pthread_mutex_unlock(&lock);
	if (ret) {
		close(fd);
		return ret;
	}
	told = channel_for_deaths();
	if (told) {
		report(fd, coid, told);
		channel_put(told);
	}
	return coid;
}

/* QNX's clients lend their priority to whoever serves them. */
int connect_lending(int device, const char *name, pid_t pid, int chid, int64_t deadline)
{
	struct stplr_connect_attach options = {
		.flags = device_features & STPLR_FEATURE_INHERITANCE ? STPLR_CONNECT_LEND : 0,
		.pid = pid,
		.chid = chid,
		.clock = CLOCK_MONOTONIC,
		.deadline = deadline,
	};

	return stplr_connect_attach(device, name, &options);
}

int ConnectAttach_r(uint32_t nd, pid_t pid, int chid, unsigned index, int flags)
{
	int device, fd;

	timeout_clear();
	if (nd)
		return REFUSED("node %u: there is none but ND_LOCAL_NODE", nd);
	if (flags & ~_NTO_COF_CLOEXEC || index & 0x80000000)
		return -EINVAL;
	device = device_get();
	if (device < 0)
		return device;
	fd = connect_lending(device, NULL, pid, chid, STPLR_DEADLINE_POLL);
	if (fd < 0) {
		device = device_again(errno);
		if (device >= 0) {
			fd = connect_lending(device, NULL, pid, chid, STPLR_DEADLINE_POLL);
			device = fd < 0 ? -errno : 0;
		}
	}
	if (fd >= 0)
		return connection_add(fd, index, flags);
	switch (-device) {
	case EDQUOT:
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return -EAGAIN;
	}
	return device;
}

int ConnectAttach(uint32_t nd, pid_t pid, int chid, unsigned index, int flags)
{
	return outcome(ConnectAttach_r(nd, pid, chid, index, flags));
}

int ConnectDetach_r(int coid)
{
	struct stplr_connect_info info;
	bool shared = true;
	int fd = coid_fd(coid);

	timeout_clear();
	/* A client that a server was told has gone: there is nothing to free. */
	if (coid > 0 && !(coid & _NTO_SIDE_CHANNEL) && coid & SCOID_MARK)
		return 0;
	if (stplr_connect_info(fd, &info))
		return -EINVAL;
	events_forget_connection(fd);
	pthread_mutex_lock(&lock);
	if (fd < nr_entries && entries[fd].used) {
		shared = entries[fd].forks != fork_count;
		entries[fd].used = false;
	}
	pthread_mutex_unlock(&lock);
	/* Threads that are blocked on it wake, but not those of a parent or child. */
	if (!shared)
		stplr_connect_detach(fd);
	close(fd);
	return 0;
}

int ConnectDetach(int coid)
{
	return outcome(ConnectDetach_r(coid));
}

/* The connection with that coid, or the next above (side channels come last); -EINVAL. */
static int known_coid(int coid, int *fd)
{
	int found = -EINVAL, i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < nr_entries; i++) {
		if (entries[i].used && entries[i].coid >= coid &&
		    (found < 0 || entries[i].coid < found)) {
			found = entries[i].coid;
			*fd = i;
		}
	}
	pthread_mutex_unlock(&lock);
	return found;
}

/* Whether the descriptor is known to be the connection of another coid. */
static bool is_another(int coid)
{
	int fd = coid_fd(coid);
	bool another;

	pthread_mutex_lock(&lock);
	another = fd < nr_entries && entries[fd].used && entries[fd].coid != coid;
	pthread_mutex_unlock(&lock);
	return another;
}

int ConnectServerInfo_r(pid_t pid, int coid, struct _server_info *info)
{
	struct stplr_connect_info answer;
	int fd, found;

	timeout_clear();
	if ((pid && pid != getpid()) || coid < 0)
		return -EINVAL;
	/* one that a parent made is not in the table */
	if (!is_another(coid) && !stplr_connect_info(coid_fd(coid), &answer))
		found = coid;
	else
		for (;; coid = found + 1) {
			found = known_coid(coid, &fd);
			if (found < 0)
				return found;
			if (!stplr_connect_info(fd, &answer) &&
			    (info || !(answer.flags & STPLR_CONNECT_ENDED)))
				break;
		}
	if (!info)
		return answer.flags & STPLR_CONNECT_ENDED
			       ? ConnectServerInfo_r(pid, found + 1, NULL)
			       : found;
	memset(info, 0, sizeof(*info));
	info->pid = answer.pid;
	info->chid = answer.chid;
	info->scoid = (int)(answer.coid | SCOID_MARK);
	if (fcntl(coid_fd(found), F_GETFD) & FD_CLOEXEC)
		info->flags |= _NTO_COF_CLOEXEC;
	if (answer.flags & STPLR_CONNECT_ENDED)
		info->flags |= _NTO_COF_DEAD;
	return found;
}

int ConnectServerInfo(pid_t pid, int coid, struct _server_info *info)
{
	return outcome(ConnectServerInfo_r(pid, coid, info));
}

int ConnectFlags_r(pid_t pid, int coid, unsigned mask, unsigned bits)
{
	struct stplr_connect_info info;
	int fd = coid_fd(coid), before;

	timeout_clear();
	if ((pid && pid != getpid()) || stplr_connect_info(fd, &info))
		return -EINVAL;
	if (mask & ~(unsigned)_NTO_COF_CLOEXEC)
		return -EINVAL;
	before = fcntl(fd, F_GETFD);
	if (before < 0)
		return -EINVAL;
	if (mask)
		fcntl(fd, F_SETFD, bits & _NTO_COF_CLOEXEC ? FD_CLOEXEC : 0);
	return (before & FD_CLOEXEC ? _NTO_COF_CLOEXEC : 0) |
	       (info.flags & STPLR_CONNECT_ENDED ? _NTO_COF_DEAD : 0);
}

int ConnectFlags(pid_t pid, int coid, unsigned mask, unsigned bits)
{
	return outcome(ConnectFlags_r(pid, coid, mask, bits));
}

/* In a child they are shared; but who is told of their ends was the parent's. */
__attribute__((constructor)) static void prepare(void)
{
	fork_take_part(FORK_CONNECTIONS, &lock, NULL);
}
