// SPDX-License-Identifier: MIT
/* Three servers in a row, each the client of the next; the last adds up what they have done. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/neutrino.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEPTH 3

struct request {
	int level;
	int value;
};

/* Serves until its client goes away; next is the pid and chid to ask, or 0. */
static int serve(int report, pid_t next_pid, int next_chid)
{
	struct request request;
	int chid, coid = -1, rcvid, where[2];
	long status;

	chid = ChannelCreate(0);
	where[0] = getpid();
	where[1] = chid;
	if (write(report, where, sizeof(where)) != sizeof(where))
		return EXIT_FAILURE;
	if (next_pid)
		coid = ConnectAttach(0, next_pid, next_chid, _NTO_SIDE_CHANNEL, 0);
	for (;;) {
		rcvid = MsgReceive(chid, &request, sizeof(request), NULL);
		if (rcvid <= 0)
			return EXIT_FAILURE;
		request.level++;
		request.value *= 2;
		status = request.level;
		if (coid != -1)
			status =
				MsgSend(coid, &request, sizeof(request), &request, sizeof(request));
		if (status == -1)
			MsgError(rcvid, EIO);
		else
			MsgReply(rcvid, status, &request, sizeof(request));
		if (request.value == 0)
			return EXIT_SUCCESS;
	}
}

int main(void)
{
	int report[2], where[2] = {0, 0}, i, coid, status, failed = 0;
	struct request request;

	if (pipe(report))
		return EXIT_FAILURE;
	for (i = 0; i < DEPTH; i++) {
		switch (fork()) {
		case -1:
			return EXIT_FAILURE;
		case 0:
			_exit(serve(report[1], where[0], where[1]));
		}
		if (read(report[0], where, sizeof(where)) != sizeof(where))
			return EXIT_FAILURE;
	}
	coid = ConnectAttach(0, where[0], where[1], _NTO_SIDE_CHANNEL, 0);
	for (i = 5; i >= 0; i--) {
		request.level = 0;
		request.value = i;
		status = MsgSend(coid, &request, sizeof(request), &request, sizeof(request));
		printf("%d: %d servers, %d\n", i, status, request.value);
		if (status != DEPTH || request.value != i << DEPTH)
			failed = 1;
	}
	while (wait(&status) > 0)
		failed |= status;
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
