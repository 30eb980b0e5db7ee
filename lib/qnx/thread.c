// SPDX-License-Identifier: MIT
/*
 * Threads, and what is done when they end
 *
 * Known are the threads that <pthread.h>'s pthread_create() has made, and those that have sent or
 * received, or made an event for themselves; a key of theirs is destroyed when they end.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/neutrino.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hardware.h"
#include "result.h"
#include "thread.h"

extern int real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			       void *(*start)(void *), void *arg) __asm__("pthread_create");

static struct thread_end *ends;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static __thread bool seen __attribute__((tls_model("initial-exec")));

static void end(void *unused)
{
	int tid = (int)syscall(SYS_gettid);
	struct thread_end *told;

	(void)unused;
	for (told = ends; told; told = told->next)
		told->function(tid);
}

static void make_key(void)
{
	pthread_key_create(&key, end);
}

void thread_seen(void)
{
	if (seen)
		return;
	seen = true;
	pthread_once(&once, make_key);
	pthread_setspecific(key, &key);
}

void thread_at_end(struct thread_end *told)
{
	told->next = ends;
	ends = told;
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

int thread_start(void *(*function)(void *))
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	error = real_pthread_create(&thread, &attr, function, NULL);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

/* ThreadCtl() */

static int set_processors(unsigned long mask)
{
	cpu_set_t set;
	int cpu;

	CPU_ZERO(&set);
	for (cpu = 0; cpu < (int)sizeof(mask) * 8; cpu++)
		if (mask >> cpu & 1)
			CPU_SET(cpu, &set);
	return result_of(sched_setaffinity(0, sizeof(set), &set));
}

static int exchange_processors(unsigned *mask)
{
	unsigned before = 0;
	cpu_set_t set;
	int cpu, ret;

	if (sched_getaffinity(0, sizeof(set), &set))
		return -errno;
	for (cpu = 0; cpu < (int)sizeof(*mask) * 8; cpu++)
		if (CPU_ISSET(cpu, &set))
			before |= 1U << cpu;
	ret = *mask ? set_processors(*mask) : 0;
	if (!ret)
		*mask = before;
	return ret;
}

/* The kernel's names have 15 bytes. */
static int exchange_name(struct _thread_name *name)
{
	char before[16], set[16] = "";
	int len = name->new_name_len, error;

	if (len < -1 || len >= (int)sizeof(set) || name->name_buf_len < len)
		return -EINVAL;
	error = pthread_getname_np(pthread_self(), before, sizeof(before));
	if (!error && len >= 0) {
		memcpy(set, name->name_buf, (size_t)len);
		error = pthread_setname_np(pthread_self(), set);
	}
	if (!error && name->name_buf_len > 0)
		strlcpy(name->name_buf, before, (size_t)name->name_buf_len);
	return -error;
}

int ThreadCtl_r(int command, void *data)
{
	int saved = errno, ret = -ENOSYS;

	if (command == _NTO_TCTL_RUNMASK)
		ret = set_processors((unsigned long)data);
	else if (command == _NTO_TCTL_RUNMASK_GET_AND_SET)
		ret = data ? exchange_processors(data) : -EFAULT;
	else if (command == _NTO_TCTL_NAME)
		ret = data ? exchange_name(data) : -EFAULT;
	else if (command == _NTO_TCTL_IO || command == _NTO_TCTL_IO_PRIV)
		ret = hardware_ports();
	errno = saved;
	return ret;
}

int ThreadCtl(int command, void *data)
{
	return outcome(ThreadCtl_r(command, data));
}
