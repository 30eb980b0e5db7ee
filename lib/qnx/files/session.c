// SPDX-License-Identifier: MIT
/* Sessions, and the thread that takes what the kernel asks */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "call.h"
#include "mount.h"
#include "nodes.h"
#include "own.h"
#include "session.h"

pthread_mutex_t files_lock = PTHREAD_MUTEX_INITIALIZER; /* guards what session.h says, and this */
pthread_cond_t files_quiet = PTHREAD_COND_INITIALIZER;
static struct session *sessions;
static struct session *served; /* whom the thread is at */
static int epoll = -1;
static int wake = -1; /* an eventfd: there is another interrupt */

/*
 * A client that a signal has hit as it waits. The manager is told, as soon as the kernel's request
 * is done with that said so. Where the client is being killed, it need not wait for ever for what
 * the manager makes of it.
 */
struct interrupt {
	const struct file_host *host;
	int rcvid;
	bool told;
	int64_t killed_ms; /* when that was first seen; 0: it is not */
};

#define LOOK_MS 100
#define GRACE_MS 1000

/* With files_lock, as what is above: the thread looks at them, any may add one. */
static struct interrupt *interrupts;
static size_t nr_interrupts, room_interrupts;

void session_interrupted(const struct session *session, int rcvid)
{
	struct interrupt *grown;

	pthread_mutex_lock(&files_lock);
	if (nr_interrupts == room_interrupts) {
		grown = realloc(interrupts, (room_interrupts * 2 + 16) * sizeof(*grown));
		if (!grown)
			goto unlock; /* the client goes on waiting */
		interrupts = grown;
		room_interrupts = room_interrupts * 2 + 16;
	}
	interrupts[nr_interrupts++] = (struct interrupt){.host = session->host, .rcvid = rcvid};
	eventfd_write(wake, 1);
unlock:
	pthread_mutex_unlock(&files_lock);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Whether a thread is to die as soon as it leaves the kernel, if it can be seen. */
static bool killed(pid_t tid)
{
	char path[32], line[128];
	unsigned long pending = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	file = fopen(path, "re");
	if (!file)
		return true;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "SigPnd: %lx", &pending) == 1)
			break;
	fclose(file);
	return pending & 1UL << (SIGKILL - 1);
}

/* Of a request that is the close of a file: it goes its way, but its client need not wait for that.
 */
static bool let_closer_go(int rcvid)
{
	const struct session *session;
	struct call *call = NULL;
	bool gone;

	pthread_mutex_lock(&files_lock);
	for (session = sessions; session && !call; session = session->next)
		for (call = session->calls; call; call = call->next)
			if (call->request.request.rcvid == rcvid)
				break;
	gone = call && call_let_closer_go(call);
	pthread_mutex_unlock(&files_lock);
	return gone;
}

/* Whether the interrupt is over. */
static bool look_at(struct interrupt *interrupt)
{
	pid_t tid = interrupt->host->waits(interrupt->rcvid);

	if (tid < 0 || let_closer_go(interrupt->rcvid))
		return true;
	if (!interrupt->told) {
		interrupt->told = true;
		interrupt->host->unblock(interrupt->rcvid);
	}
	if (!interrupt->killed_ms && killed(tid))
		interrupt->killed_ms = now_ms();
	if (!interrupt->killed_ms || now_ms() < interrupt->killed_ms + GRACE_MS)
		return false;
	interrupt->host->end(interrupt->rcvid, EINTR);
	return true;
}

/* For how long there is nothing to look at, in milliseconds; -1: until there is another one. */
static int look_at_interrupts(void)
{
	struct interrupt interrupt;
	size_t i = 0;
	bool over;

	pthread_mutex_lock(&files_lock);
	while (i < nr_interrupts) {
		interrupt = interrupts[i];
		pthread_mutex_unlock(&files_lock);
		over = look_at(&interrupt);
		pthread_mutex_lock(&files_lock);
		/* more may have come behind it */
		interrupts[i] = over ? interrupts[--nr_interrupts] : interrupt;
		i += !over;
	}
	pthread_mutex_unlock(&files_lock);
	return i ? LOOK_MS : -1;
}

static void destroy(struct session *session)
{
	session->host->gone(session->attached);
	nodes_free(session->nodes);
	free(session->buffer.mem);
	free(session->path);
	free(session);
}

bool session_get(struct session *session)
{
	bool alive;

	pthread_mutex_lock(&files_lock);
	alive = !session->ended;
	if (alive)
		session->users++;
	pthread_mutex_unlock(&files_lock);
	return alive;
}

void session_put(struct session *session)
{
	bool last;

	pthread_mutex_lock(&files_lock);
	last = !--session->users;
	pthread_mutex_unlock(&files_lock);
	if (last)
		destroy(session);
}

/* One request. Without more to come from there, it is not asked again. */
static void serve(struct session *session)
{
	int n = fuse_session_receive_buf(session->fuse, &session->buffer);

	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n <= 0) {
		/* unmounted by somebody else: the path is gone, though the program has it */
		epoll_ctl(epoll, EPOLL_CTL_DEL, fuse_session_fd(session->fuse), NULL);
		return;
	}
	fuse_session_process_buf(session->fuse, &session->buffer);
}

static void *run(void *unused)
{
	struct epoll_event event;
	struct session *session;
	eventfd_t count;

	(void)unused;
	pthread_setname_np(pthread_self(), "stplr-qnx-files");
	for (;;) {
		if (epoll_wait(epoll, &event, 1, look_at_interrupts()) != 1)
			continue;
		if (!event.data.ptr) {
			eventfd_read(wake, &count);
			continue;
		}
		pthread_mutex_lock(&files_lock);
		/* it may have ended since */
		for (session = sessions; session; session = session->next)
			if (session == event.data.ptr)
				break;
		served = session;
		pthread_mutex_unlock(&files_lock);
		if (!session)
			continue;
		serve(session);
		pthread_mutex_lock(&files_lock);
		served = NULL;
		pthread_cond_broadcast(&files_quiet);
		pthread_mutex_unlock(&files_lock);
	}
	return NULL;
}

static void close_all(void)
{
	if (epoll >= 0)
		close(epoll);
	if (wake >= 0)
		close(wake);
	epoll = wake = -1;
}

/* With files_lock: the thread is made when it is first needed. */
static int start_thread(const struct file_host *host)
{
	struct epoll_event event = {.events = EPOLLIN};
	int ret;

	if (epoll >= 0)
		return 0;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (epoll < 0 || wake < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &event))
		ret = -errno;
	else
		ret = host->start_thread(run);
	if (ret)
		close_all();
	return ret;
}

int session_start(struct session *session)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = session};
	int fd = fuse_session_fd(session->fuse), ret;

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	pthread_mutex_lock(&files_lock);
	ret = start_thread(session->host);
	if (!ret && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		ret = -errno;
	if (!ret) {
		session->users = 1;
		session->next = sessions;
		sessions = session;
	}
	pthread_mutex_unlock(&files_lock);
	return ret;
}

/*
 * With files_lock: a call that the kernel waits for, or any, except one that has ended but for the
 * handler that it is in; NULL: there is none.
 */
static struct call *next_call(const struct session *session, bool any, bool not_ended)
{
	struct call *call;

	for (call = session->calls; call; call = call->next)
		if ((call->fuse || (any && !(call->ended && call->request.connect))) &&
		    !(not_ended && call->ended))
			break;
	return call;
}

/*
 * Who waits for an answer gets ENODEV, and who closes a file success, which the manager is still to
 * hear of, if it is not gone; with files_lock, which is let go meanwhile. Another thread may be
 * about to answer one, and to make another of it.
 */
static void end_calls(struct session *session, bool any)
{
	struct call *call;

	while (next_call(session, any, false)) {
		int rcvid;

		call = next_call(session, any, true);
		if (!call) {
			pthread_cond_wait(&files_quiet, &files_lock);
			continue;
		}
		if (!any && call_let_closer_go(call))
			continue;
		call->ended = true;
		rcvid = call->request.request.rcvid;
		pthread_mutex_unlock(&files_lock);
		session->host->end(rcvid, ENODEV);
		pthread_mutex_lock(&files_lock);
	}
}

static void close_files(struct session *session, bool orphaned)
{
	struct open_file *file;

	while ((file = session->files)) {
		session->files = file->next;
		pthread_mutex_unlock(&files_lock);
		if (orphaned)
			file_free(file);
		else
			file_close(session, NULL, file);
		pthread_mutex_lock(&files_lock);
	}
}

void session_end(struct session *session, bool orphaned)
{
	struct session **link = &sessions;
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	pthread_mutex_lock(&files_lock);
	while (*link && *link != session)
		link = &(*link)->next;
	if (*link)
		*link = session->next;
	epoll_ctl(epoll, EPOLL_CTL_DEL, fuse_session_fd(session->fuse), NULL);
	while (served == session)
		pthread_cond_wait(&files_quiet, &files_lock);
	/* nothing is asked any more, nor is it told that the files are closed: they are */
	end_calls(session, orphaned);
	close_files(session, orphaned);
	session->ended = true;
	pthread_mutex_unlock(&files_lock);
	if (session->device)
		own_end(fuse_session_fd(session->fuse));
	else
		mount_end(session);
	fuse_session_destroy(session->fuse);
	session_put(session);
	pthread_setcancelstate(state, NULL);
}

void session_file_ready(uint32_t number)
{
	struct session *session;
	struct open_file *file;
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	pthread_mutex_lock(&files_lock);
	for (session = sessions; session; session = session->next)
		for (file = session->files; file; file = file->next)
			if (file->number == number && file->poll) {
				fuse_lowlevel_notify_poll(file->poll);
				fuse_pollhandle_destroy(file->poll);
				file->poll = NULL;
			}
	pthread_mutex_unlock(&files_lock);
	pthread_setcancelstate(state, NULL);
}

/* The files are the parent's, and so are their ends with the kernel. */
void sessions_forget(void)
{
	own_forget();
	sessions = NULL;
	served = NULL;
	nr_interrupts = 0;
	close_all();
}
