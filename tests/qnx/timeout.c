// SPDX-License-Identifier: MIT
/* A client that does not wait for ever, neither to be received nor to be answered. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/neutrino.h>
#include <time.h>

static int chid;

/* Receives one message, and answers it when it is too late. */
static void *server(void *unused)
{
	int rcvid, number;

	(void)unused;
	rcvid = MsgReceive(chid, &number, sizeof(number), NULL);
	delay(300);
	if (MsgReply(rcvid, EOK, NULL, 0) != -1 || errno != ESRCH) {
		fprintf(stderr, "the client was still there\n");
		exit(EXIT_FAILURE);
	}
	return NULL;
}

static void expect_timeout(const char *what, long result, uint64_t since, unsigned least_ms)
{
	uint64_t ms = (ClockCycles() - since) / 1000000;

	printf("%s: %ld %s\n", what, result, result == -1 ? "timeout" : "");
	if (result != -1 || errno != ETIMEDOUT || ms < least_ms) {
		fprintf(stderr, "%s: result %ld, errno %d, %u ms\n", what, result, errno,
			(unsigned)ms);
		exit(EXIT_FAILURE);
	}
}

int main(void)
{
	struct sigevent event;
	struct timespec time;
	uint64_t timeout, start;
	pthread_t thread;
	int coid, number = 1;

	chid = ChannelCreate(0);
	coid = ConnectAttach(0, 0, chid, _NTO_SIDE_CHANNEL, 0);
	SIGEV_UNBLOCK_INIT(&event);

	timeout = 100 * 1000000;
	start = ClockCycles();
	TimerTimeout(CLOCK_MONOTONIC, _NTO_TIMEOUT_SEND | _NTO_TIMEOUT_REPLY, &event, &timeout,
		     NULL);
	expect_timeout("send", MsgSend(coid, &number, sizeof(number), NULL, 0), start, 100);

	/* no time at all: only if somebody is there */
	start = ClockCycles();
	TimerTimeout(CLOCK_MONOTONIC, _NTO_TIMEOUT_SEND | _NTO_TIMEOUT_REPLY, NULL, NULL, NULL);
	expect_timeout("poll", MsgSend(coid, &number, sizeof(number), NULL, 0), start, 0);

	start = ClockCycles();
	TimerTimeout(CLOCK_MONOTONIC, _NTO_TIMEOUT_RECEIVE, NULL, &timeout, NULL);
	expect_timeout("receive", MsgReceive(chid, &number, sizeof(number), NULL), start, 100);

	pthread_create(&thread, NULL, server, NULL);
	time.tv_sec = 0;
	time.tv_nsec = 100 * 1000000;
	start = ClockCycles();
	timer_timeout(CLOCK_MONOTONIC, _NTO_TIMEOUT_REPLY, &event, &time, NULL);
	expect_timeout("reply", MsgSend(coid, &number, sizeof(number), NULL, 0), start, 100);
	pthread_join(thread, NULL);
	return EXIT_SUCCESS;
}
