// SPDX-License-Identifier: MIT
/*
 * Built in C (and, included from qnx.cc, in C++) against the installed libstplr-qnx, with the
 * system's headers before QNX's and, with AFTER defined, after them. Needs no module.
 */
#ifndef AFTER
#include <errno.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#endif

#include <atomic.h>
#include <hw/inout.h>
#include <process.h>
#include <sync.h>
#include <sys/dispatch.h>
#include <sys/iofunc.h>
#include <sys/iomgr.h>
#include <sys/iomsg.h>
#include <sys/netmgr.h>
#include <sys/neutrino.h>
#include <sys/procmgr.h>
#include <sys/resmgr.h>
#include <sys/siginfo.h>
#include <sys/slog.h>
#include <sys/slog2.h>
#include <sys/states.h>
#include <sys/syspage.h>

#include <aio.h>
#include <errno.h>
#include <mqueue.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: failed: %s (%s)\n", __FILE__, __LINE__,            \
				#condition, strerror(errno));                                      \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

static void on_event(union sigval value)
{
	sem_post((sem_t *)value.sival_ptr);
}

static void *thread(void *argument)
{
	return argument;
}

static void on_alarm(int signo)
{
	(void)signo;
}

int main(void)
{
	struct sigevent event;
	struct itimerspec time;
	union sigval value;
	struct _pulse pulse;
	siginfo_t info;
	io_devctl_t devctl;
	io_msg_t message;
	pthread_t id;
	iov_t iov[2];
	timer_t timer;
	sem_t semaphore;
	char byte = 0;
	sync_t mutex;
	void *result;
	int memory;

	/* no device of that number: calls that need one say so */
	setenv("STPLR_DEVICE", "63", 1);
	CHECK(ChannelCreate(0) == -1 && errno == ENODEV);
	CHECK(name_open("nobody", 0) == -1 && errno == ENODEV);
	CHECK(!name_attach(NULL, "nobody", 0) && errno == ENODEV);
	CHECK(ChannelDestroy_r(1) == -EINVAL);
	CHECK(MsgReceive_r(1, &byte, 1, NULL) == -ESRCH);
	CHECK(MsgReply_r(1, EOK, NULL, 0) == -ESRCH);
	CHECK(MsgError(1, ESRVRFAULT) == -1 && errno == ESRCH);
	SETIOV(&iov[0], &byte, 1);
	SETIOV(&iov[1], "text", 4);
	CHECK(GETIOVLEN(&iov[1]) == 4);
	SETIOV_CONST(&iov[1], "text", 4);
	CHECK(MsgSendv(-1, iov, 2, NULL, 0) == -1 && errno == EBADF);
	CHECK(TimerTimeout(CLOCK_MONOTONIC, _NTO_TIMEOUT_SEM, NULL, NULL, NULL) == -1 &&
	      errno == ENOSYS);

	/* one union for pulses, events and signals */
	memset(&info, 0, sizeof(info));
	value.sival_long = 7;
	pulse.value = value;
	info.si_value = pulse.value;
	event.sigev_value = info.si_value;
	CHECK(event.sigev_value.sival_int == 7);

	SIGEV_NONE_INIT(&event);
	CHECK(event.sigev_notify == SIGEV_NONE && SIGEV_NONE == 0);
	SIGEV_PULSE_INIT(&event, 5, SIGEV_PULSE_PRIO_INHERIT, 6, &byte);
	CHECK(event.sigev_notify == SIGEV_PULSE && event.sigev_coid == 5 && event.sigev_code == 6 &&
	      event.sigev_priority == -1 && event.sigev_value.sival_ptr == &byte);
	SIGEV_PULSE_INIT(&event, 5, 10, 6, -3);
	CHECK(event.sigev_value.sival_int == -3);
	SIGEV_SIGNAL_CODE_INIT(&event, SIGUSR1, 3, SI_MINAVAIL);
	CHECK(event.sigev_signo == SIGUSR1 && event.sigev_code == SI_MINAVAIL);

	/* timers of the system's kinds work without the module, and so do handlers and threads */
	sem_init(&semaphore, 0, 0);
	SIGEV_SIGNAL_INIT(&event, SIGALRM);
	CHECK(signal(SIGALRM, on_alarm) == SIG_DFL);
	CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	memset(&time, 0, sizeof(time));
	time.it_value.tv_nsec = 10000000;
	CHECK(timer_settime(timer, 0, &time, NULL) == 0);
	while (sem_wait(&semaphore) == 0)
		;
	CHECK(errno == EINTR); /* the handler interrupts */
	CHECK(timer_delete(timer) == 0 && timer_delete(timer) == -1);
	SIGEV_THREAD_INIT(&event, on_event, &semaphore, NULL);
	CHECK(MsgDeliverEvent(0, &event) == 0);
	CHECK(sem_wait(&semaphore) == 0);
	CHECK(pthread_create(&id, NULL, thread, &event) == 0);
	CHECK(pthread_join(id, &result) == 0 && result == &event);
	CHECK(delay(1) == 0 && getprio(0) > 0 && gettid() == getpid());
	message.i.type = _IO_MSG;
	CHECK(message.i.type > _IO_BASE && message.i.type <= _IO_MAX);
	devctl.i.nbytes = sizeof(devctl);
	CHECK(_DEVCTL_DATA(devctl.i) == &devctl.i + 1 && _IOMGR_PRIVATE_BASE < UINT16_MAX);
	CHECK(SyncTypeCreate(_NTO_SYNC_MUTEX_FREE, &mutex, NULL) == 0);
	CHECK(SyncMutexLock(&mutex) == 0 && SyncMutexUnlock(&mutex) == 0 &&
	      SyncDestroy(&mutex) == 0);
	CHECK(spawnlp(P_WAIT, "true", "true", NULL) == 0);
	memory = shm_open(SHM_ANON, O_RDWR, 0);
	CHECK(memory >= 0 && shm_ctl(memory, SHMCTL_ANON, 0, 1) == 0 && close(memory) == 0);
	CHECK(procmgr_ability(0, PROCMGR_AOP_ALLOW | PROCMGR_AID_IO, PROCMGR_AID_EOL) == EOK);
	CHECK(InterruptWait(0, NULL) == -1 && errno == ENOSYS);
	CHECK(_syspage_ptr->num_cpu > 0);
	CHECK(ClockCycles() / SYSPAGE_ENTRY(qtime)->cycles_per_sec > 0);
	return 0;
}
