// SPDX-License-Identifier: MIT
/*
 * _NTO_CHF_THREAD_DEATH: a pulse when a thread of the process dies
 *
 * Known are the threads that <pthread.h>'s pthread_create() has made, and those that have sent or
 * received, or made an event for themselves; a key of theirs is destroyed when they end.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "qnx.h"

extern int real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			       void *(*start)(void *), void *arg) __asm__("pthread_create");

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static __thread bool seen __attribute__((tls_model("initial-exec")));

static void tell_death(void *unused)
{
	int tid = (int)syscall(SYS_gettid), chid = 0, fd;
	struct channel *channel;

	(void)unused;
	events_forget_thread(tid);
	while ((channel = channel_next(chid))) {
		chid = channel->chid;
		fd = channel->death_fd;
		if (fd >= 0)
			fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		channel_put(channel);
		if (fd >= 0)
			service_send(fd, _PULSE_CODE_THREADDEATH, tid);
	}
}

static void make_key(void)
{
	pthread_key_create(&key, tell_death);
}

void thread_seen(void)
{
	if (seen)
		return;
	seen = true;
	pthread_once(&once, make_key);
	pthread_setspecific(key, &key);
}

struct start {
	void *(*start)(void *);
	void *argument;
};

static void *run(void *argument)
{
	struct start start = *(struct start *)argument;

	free(argument);
	thread_seen();
	return start.start(start.argument);
}

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attr,
		   void *(*function)(void *), void *restrict argument)
{
	struct start *start = malloc(sizeof(*start));
	pthread_t id;
	int error;

	if (!start)
		return EAGAIN;
	start->start = function;
	start->argument = argument;
	error = real_pthread_create(thread ? thread : &id, attr, run, start);
	if (error)
		free(start);
	return error;
}
