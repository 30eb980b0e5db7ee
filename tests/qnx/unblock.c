// SPDX-License-Identifier: MIT
/*
 * A client that a signal hits while the server works on its message: the server is told, and
 * decides. The first time it answers all the same, the second time it lets the client go.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/neutrino.h>

static int chid;
static volatile sig_atomic_t alarms;

static void on_alarm(int signo)
{
	(void)signo;
	alarms++;
}

static void *server(void *unused)
{
	union {
		struct _pulse pulse;
		int number;
	} msg;
	int rcvid, waiting = 0, round = 0;
	struct _msg_info info;

	(void)unused;
	for (;;) {
		rcvid = MsgReceive(chid, &msg, sizeof(msg), NULL);
		if (rcvid == -1)
			return NULL;
		if (rcvid > 0) {
			waiting = rcvid; /* it is kept waiting */
			round++;
			continue;
		}
		if (msg.pulse.code != _PULSE_CODE_UNBLOCK || msg.pulse.value.sival_int != waiting) {
			fprintf(stderr, "pulse %d for %d, not for %d\n", msg.pulse.code,
				msg.pulse.value.sival_int, waiting);
			exit(EXIT_FAILURE);
		}
		/* is it still waiting for that? */
		if (MsgInfo(waiting, &info) == -1 || !(info.flags & _NTO_MI_UNBLOCK_REQ)) {
			fprintf(stderr, "no request to unblock\n");
			exit(EXIT_FAILURE);
		}
		if (round == 1)
			MsgReply(waiting, 17, NULL, 0);
		else
			MsgError(waiting, EINTR);
	}
}

int main(void)
{
	sigset_t alarm_set;
	pthread_t thread;
	int coid, number = 1;
	long status;

	chid = ChannelCreate(_NTO_CHF_UNBLOCK);
	coid = ConnectAttach(0, 0, chid, _NTO_SIDE_CHANNEL, 0);
	signal(SIGALRM, on_alarm);
	sigemptyset(&alarm_set);
	sigaddset(&alarm_set, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm_set, NULL);
	pthread_create(&thread, NULL, server, NULL);
	pthread_sigmask(SIG_UNBLOCK, &alarm_set, NULL);

	alarm(1);
	status = MsgSend(coid, &number, sizeof(number), NULL, 0);
	printf("status %ld after %d signals\n", status, (int)alarms);
	if (status != 17 || alarms != 1)
		return EXIT_FAILURE;

	alarm(1);
	status = MsgSend(coid, &number, sizeof(number), NULL, 0);
	printf("status %ld after %d signals\n", status, (int)alarms);
	if (status != -1 || errno != EINTR || alarms != 2)
		return EXIT_FAILURE;

	ChannelDestroy(chid);
	pthread_join(thread, NULL);
	return EXIT_SUCCESS;
}
