// SPDX-License-Identifier: MIT
/*
 * ionotify(): conditions of descriptors, of whatever kind, by poll(2) and epoll(7)
 *
 * Each condition that is waited for has an epoll of its own, which knows the descriptor: so it is
 * known by something that the program cannot close, and that says at once whether the condition was
 * there before. A thread waits for all of those. It is not the library's other one, for looking at
 * a descriptor may block, as long as the program that serves the file takes to answer. What has
 * been closed since is never ready, and goes when its descriptor's number comes again.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/iomsg.h>
#include <sys/neutrino.h>
#include <unistd.h>

#include "coid.h"
#include "descriptor.h"
#include "fork.h"
#include "result.h"
#include "service.h"
#include "thread.h"
#include "verbose.h"

struct waiting {
	int fd;
	unsigned condition;
	uint32_t events; /* with which it is there */
	struct sigevent event;
	uint64_t number;
	int epoll;      /* its own */
	unsigned users; /* the list, and threads that look at it */
	struct waiting *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static struct waiting *list;
static uint64_t last_number;
static int epoll = -1; /* of all; -1: there is no thread yet */

static const struct {
	unsigned condition;
	short poll; /* its events, which are epoll's, too */
	short also; /* a read or a write returns then, too, with an error or nothing */
} conditions[] = {
	{_NOTIFY_COND_INPUT, POLLIN, POLLHUP | POLLERR},
	{_NOTIFY_COND_OUTPUT, POLLOUT, POLLERR},
	{_NOTIFY_COND_OBAND, POLLPRI, 0},
};
#define CONDITIONS (sizeof(conditions) / sizeof(*conditions))

/* With the lock */
static void put(struct waiting *waiting)
{
	if (--waiting->users)
		return;
	close(waiting->epoll);
	free(waiting);
}

/* With the lock: the same as at the last call, or whatever else is there. */
static void remove_waiting(int fd, unsigned condition)
{
	struct waiting **link = &list, *waiting;

	while ((waiting = *link)) {
		if (waiting->fd != fd || waiting->condition != condition) {
			link = &waiting->next;
			continue;
		}
		*link = waiting->next;
		put(waiting);
	}
}

static void perform(const struct waiting *waiting)
{
	pthread_mutex_lock(&service_lock);
	service_perform(&waiting->event, 1);
	pthread_mutex_unlock(&service_lock);
}

/* The one of that number, with a reference; NULL: it was for something that has been done. */
static struct waiting *get(uint64_t number)
{
	struct waiting *waiting;

	pthread_mutex_lock(&lock);
	for (waiting = list; waiting; waiting = waiting->next)
		if (waiting->number == number)
			break;
	if (waiting)
		waiting->users++;
	pthread_mutex_unlock(&lock);
	return waiting;
}

/* Takes one off the list: whether it was there. */
static bool take(struct waiting *waiting)
{
	struct waiting **link;
	bool found;

	pthread_mutex_lock(&lock);
	for (link = &list; *link && *link != waiting; link = &(*link)->next)
		;
	found = *link;
	if (found) {
		*link = waiting->next;
		waiting->users--;
	}
	pthread_mutex_unlock(&lock);
	return found;
}

static int watch(struct waiting *waiting, int how)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.u64 = waiting->number};

	return result_of(epoll_ctl(epoll, how, waiting->epoll, &event));
}

static void *run(void *unused)
{
	struct epoll_event event;
	struct waiting *waiting;

	(void)unused;
	pthread_setname_np(pthread_self(), "stplr-qnx-ready");
	for (;;) {
		if (epoll_wait(epoll, &event, 1, -1) != 1)
			continue;
		waiting = get(event.data.u64);
		if (!waiting)
			continue;
		/* somebody else may have read it since, or it is a hang-up that says nothing of it
		 */
		if (epoll_wait(waiting->epoll, &event, 1, 0) != 1 ||
		    !(event.events & waiting->events))
			watch(waiting, EPOLL_CTL_MOD);
		else if (take(waiting))
			perform(waiting);
		pthread_mutex_lock(&lock);
		put(waiting);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

/* With the lock */
static int start(void)
{
	int made, ret;

	if (epoll >= 0)
		return 0;
	made = epoll_create1(EPOLL_CLOEXEC);
	if (made < 0)
		return -errno;
	epoll = descriptor_copy(made);
	close(made);
	if (epoll < 0)
		return -errno;
	ret = thread_start(run);
	if (ret) {
		close(epoll);
		epoll = -1;
	}
	return ret;
}

/*
 * An epoll that is ready when the condition is there, and when the descriptor has been hung up: so
 * once for each time that something changes. With transition, only for what changes after now.
 */
static int make_epoll(int fd, short events, bool transition)
{
	struct epoll_event event = {.events = (uint32_t)events | EPOLLET};
	int made = epoll_create1(EPOLL_CLOEXEC), ret;

	if (made < 0)
		return -errno;
	ret = descriptor_copy(made);
	if (ret < 0)
		ret = -errno;
	close(made);
	if (ret < 0)
		return ret;
	made = ret;
	if (!epoll_ctl(made, EPOLL_CTL_ADD, fd, &event)) {
		if (transition)
			epoll_wait(made, &event, 1, 0);
		return made;
	}
	ret = errno == EPERM ? REFUSED("ionotify: descriptor %d is always ready", fd) : -errno;
	close(made);
	return ret;
}

static int arm(int fd, size_t i, const struct sigevent *event, bool transition)
{
	struct waiting *waiting = calloc(1, sizeof(*waiting));
	int ret;

	if (!waiting)
		return -ENOMEM;
	ret = make_epoll(fd, conditions[i].poll, transition);
	if (ret < 0) {
		free(waiting);
		return ret;
	}
	*waiting = (struct waiting){
		.fd = fd,
		.condition = conditions[i].condition,
		.events = (uint32_t)(conditions[i].poll | conditions[i].also),
		.event = *event,
		.epoll = ret,
		.users = 2,
	};
	pthread_mutex_lock(&lock);
	ret = start();
	if (ret) {
		waiting->users = 1;
	} else {
		remove_waiting(fd, waiting->condition);
		waiting->number = ++last_number;
		waiting->next = list;
		list = waiting;
	}
	pthread_mutex_unlock(&lock);
	/* without the lock: it looks at the descriptor */
	if (!ret) {
		ret = watch(waiting, EPOLL_CTL_ADD);
		if (ret)
			take(waiting);
	}
	pthread_mutex_lock(&lock);
	put(waiting);
	pthread_mutex_unlock(&lock);
	return ret;
}

/* Which of the conditions are there, or an error. */
static int poll_conditions(int fd, unsigned flags)
{
	struct pollfd poll_fd = {.fd = fd};
	int there = 0;
	size_t i;

	for (i = 0; i < CONDITIONS; i++)
		if (flags & conditions[i].condition)
			poll_fd.events |= conditions[i].poll;
	if (poll(&poll_fd, 1, 0) < 0)
		return -errno;
	if (fd < 0 || poll_fd.revents & POLLNVAL)
		return -EBADF;
	for (i = 0; i < CONDITIONS; i++)
		if (flags & conditions[i].condition &&
		    poll_fd.revents & (conditions[i].poll | conditions[i].also))
			there |= (int)conditions[i].condition;
	return there;
}

static bool can_be_performed(const struct sigevent *event)
{
	switch (SIGEV_GET_TYPE(event)) {
	case SIGEV_NONE:
	case SIGEV_PULSE:
	case SIGEV_SIGNAL:
	case SIGEV_SIGNAL_CODE:
	case SIGEV_SIGNAL_THREAD:
	case SIGEV_THREAD:
	case SIGEV_SEM:
		return true;
	}
	return false;
}

static int notify(int fd, int action, unsigned flags, const struct sigevent *event)
{
	const unsigned known = _NOTIFY_COND_INPUT | _NOTIFY_COND_OUTPUT | _NOTIFY_COND_OBAND;
	int there = poll_conditions(fd, flags), ret = 0;
	size_t i;

	if (there < 0)
		return there;
	if (action < _NOTIFY_ACTION_POLL || action > _NOTIFY_ACTION_CONDARM || !(flags & known) ||
	    flags & ~known || (event && !can_be_performed(event)))
		return -EINVAL;
	if (action == _NOTIFY_ACTION_POLL)
		return there;
	if (event && action != _NOTIFY_ACTION_TRANARM && there)
		return there;
	ret = event ? service_connection() : 0;
	for (i = 0; ret >= 0 && i < CONDITIONS; i++) {
		if (!(flags & conditions[i].condition))
			continue;
		if (event) {
			ret = arm(fd, i, event, action == _NOTIFY_ACTION_TRANARM);
		} else {
			pthread_mutex_lock(&lock);
			remove_waiting(fd, conditions[i].condition);
			pthread_mutex_unlock(&lock);
		}
	}
	if (ret < 0)
		return ret;
	return event ? 0 : there;
}

int ionotify(int fd, int action, int flags, const struct sigevent *event)
{
	int saved = errno, ret = notify(fd, action, (unsigned)flags, event);

	errno = saved;
	return outcome(ret);
}

/* In a child, whose thread this is not. */
static void forget(void)
{
	struct waiting *waiting;

	while ((waiting = list)) {
		list = waiting->next;
		close(waiting->epoll);
		free(waiting);
	}
	if (epoll >= 0)
		close(epoll);
	epoll = -1;
}

__attribute__((constructor)) static void prepare(void)
{
	fork_take_part(FORK_NOTIFY, &lock, forget);
}
