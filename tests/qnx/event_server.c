// SPDX-License-Identifier: MIT
/*
 * Takes a client's request, answers at once, and notifies the client later, several times, by the
 * event that came with the request. Ends with the client.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/dispatch.h>

#include "event.h"

#define NOTIFY_TIMES 3

typedef union {
	struct _pulse pulse;
	struct my_msg msg;
} recv_t;

int main(void)
{
	struct sigevent event;
	name_attach_t *attach;
	int rcvid, client = 0, i;
	recv_t recv;

	attach = name_attach(NULL, EVENT_POINT, 0);
	if (attach == NULL) {
		perror("name_attach");
		return EXIT_FAILURE;
	}
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		rcvid = MsgReceive(attach->chid, &recv, sizeof(recv), NULL);
		if (rcvid == -1) {
			perror("MsgReceive");
			return EXIT_FAILURE;
		}
		if (rcvid == 0) {
			if (recv.pulse.code == _PULSE_CODE_DISCONNECT) {
				ConnectDetach(recv.pulse.scoid);
				break;
			}
			continue;
		}
		switch (recv.msg.type) {
		case _IO_CONNECT:
			MsgReply(rcvid, EOK, NULL, 0);
			break;
		case MY_SERV:
			event = recv.msg.event;
			client = rcvid;
			MsgReply(rcvid, EOK, NULL, 0);
			for (i = 0; i < NOTIFY_TIMES; i++) {
				delay(20);
				if (MsgDeliverEvent(client, &event) == -1)
					perror("MsgDeliverEvent");
			}
			break;
		default:
			MsgError(rcvid, ENOSYS);
		}
	}
	/* there is nobody to be notified any more */
	if (MsgDeliverEvent(client, &event) != -1 || errno != ESRCH) {
		fprintf(stderr, "notified a client that has gone\n");
		return EXIT_FAILURE;
	}
	name_detach(attach, 0);
	return EXIT_SUCCESS;
}
