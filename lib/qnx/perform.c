// SPDX-License-Identifier: MIT
/* Events of this process: what the kernel does not do for them is done here. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/neutrino.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "coid.h"
#include "perform.h"
#include "priority.h"
#include "result.h"
#include "stplr.h"

static int queue_signal(const struct sigevent *event, int thread, int code, union sigval value)
{
	siginfo_t info;
	long ret;

	memset(&info, 0, sizeof(info));
	info.si_signo = event->sigev_signo;
	info.si_code = code;
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value = value;
	ret = thread ? syscall(SYS_rt_tgsigqueueinfo, getpid(), thread, info.si_signo, &info)
		     : syscall(SYS_rt_sigqueueinfo, getpid(), info.si_signo, &info);
	return result_of((int)ret);
}

struct call {
	void (*function)(union sigval);
	union sigval value;
};

static void *call_in_thread(void *argument)
{
	struct call call = *(struct call *)argument;
	sigset_t none;

	free(argument);
	/* the thread that made this one blocks all */
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	call.function(call.value);
	return NULL;
}

static int run_thread(const struct sigevent *event, union sigval value)
{
	struct call *call = malloc(sizeof(*call));
	pthread_t thread;
	int error;

	if (!call)
		return -EAGAIN;
	call->function = event->sigev_notify_function;
	call->value = value;
	error = pthread_create(&thread, event->sigev_notify_attributes, call_in_thread, call);
	if (error) {
		free(call);
		return -error;
	}
	pthread_detach(thread); /* fails where the attributes have said so already */
	return 0;
}

int event_perform(const struct sigevent *event, union sigval value)
{
	int ret;

	switch (SIGEV_GET_TYPE(event)) {
	case SIGEV_NONE:
		return 0;
	case SIGEV_PULSE:
		ret = result_of(stplr_pulse(coid_fd(event->sigev_coid),
					    priority_to_kernel(event->sigev_priority),
					    pulse_code(event), sigval_bits(value)));
		if (ret == -ENOMEM || ret == -ENOBUFS)
			return -EAGAIN;
		return ret == -ENOTTY ? -EBADF : ret;
	case SIGEV_SIGNAL:
		return queue_signal(event, 0, SI_QUEUE, value);
	case SIGEV_SIGNAL_CODE:
		return queue_signal(event, 0, event->sigev_code, value);
	case SIGEV_SIGNAL_THREAD:
		return queue_signal(event, event->__sigev_thread, event->sigev_code, value);
	case SIGEV_THREAD:
		return run_thread(event, value);
	case SIGEV_SEM:
		return result_of(sem_post(event->sigev_semaphore));
	}
	return -EINVAL;
}
