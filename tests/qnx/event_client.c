// SPDX-License-Identifier: MIT
/*
 * Asks the server to be notified: by a pulse, by a registered pulse, by a signal, by a signal with
 * a code and a value, or by a thread, as its argument says.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/dispatch.h>
#include <sys/netmgr.h>

#include "event.h"

#define MY_PULSE_CODE (_PULSE_CODE_MINAVAIL + 5)
#define TIMES 3

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t called = PTHREAD_COND_INITIALIZER;
static int calls;

static void on_event(union sigval value)
{
	pthread_mutex_lock(&lock);
	if (value.sival_int == 123)
		calls++;
	pthread_cond_signal(&called);
	pthread_mutex_unlock(&lock);
}

static int wait_pulse(int chid)
{
	struct _pulse pulse;

	if (MsgReceivePulse(chid, &pulse, sizeof(pulse), NULL) == -1)
		return -1;
	return pulse.code == MY_PULSE_CODE ? pulse.value.sival_int : -1;
}

static int wait_signal(void)
{
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN);
	switch (sigwaitinfo(&set, &info)) {
	case -1:
		return -1;
	case SIGUSR1:
		return 123; /* no value */
	}
	return info.si_code == SI_MINAVAIL ? info.si_value.sival_int : -1;
}

static int wait_thread(int number)
{
	pthread_mutex_lock(&lock);
	while (calls < number)
		pthread_cond_wait(&called, &lock);
	pthread_mutex_unlock(&lock);
	return 123;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "pulse";
	int server_coid, self_coid, chid, i, value = -1;
	struct my_msg msg;
	sigset_t set;

	memset(&msg, 0, sizeof(msg));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);

	chid = ChannelCreate(_NTO_CHF_PRIVATE);
	self_coid = ConnectAttach(ND_LOCAL_NODE, 0, chid, _NTO_SIDE_CHANNEL, 0);
	server_coid = name_open(EVENT_POINT, 0);
	if (server_coid == -1) {
		perror("name_open");
		return EXIT_FAILURE;
	}
	if (!strcmp(how, "signal"))
		SIGEV_SIGNAL_INIT(&msg.event, SIGUSR1);
	else if (!strcmp(how, "code"))
		SIGEV_SIGNAL_CODE_INIT(&msg.event, SIGRTMIN, 123, SI_MINAVAIL);
	else if (!strcmp(how, "thread"))
		SIGEV_THREAD_INIT(&msg.event, on_event, 123, NULL);
	else
		SIGEV_PULSE_INIT(&msg.event, self_coid, SIGEV_PULSE_PRIO_INHERIT, MY_PULSE_CODE,
				 123);
	if (!strcmp(how, "registered") && MsgRegisterEvent(&msg.event, server_coid) == -1) {
		perror("MsgRegisterEvent");
		return EXIT_FAILURE;
	}

	msg.type = MY_SERV;
	if (MsgSend(server_coid, &msg, sizeof(msg), NULL, 0) != 0) {
		perror("MsgSend");
		return EXIT_FAILURE;
	}
	for (i = 1; i <= TIMES; i++) {
		if (!strcmp(how, "signal") || !strcmp(how, "code"))
			value = wait_signal();
		else if (!strcmp(how, "thread"))
			value = wait_thread(i);
		else
			value = wait_pulse(chid);
		if (value != 123) {
			fprintf(stderr, "event %d: value %d\n", i, value);
			return EXIT_FAILURE;
		}
		printf("event\n");
	}
	if (!strcmp(how, "registered") && MsgUnregisterEvent(&msg.event) == -1) {
		perror("MsgUnregisterEvent");
		return EXIT_FAILURE;
	}
	name_close(server_coid);
	return EXIT_SUCCESS;
}
