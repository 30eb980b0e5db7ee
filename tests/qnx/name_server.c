// SPDX-License-Identifier: MIT
/* A server with a name, which knows its clients: it ends when the last of N has left. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/dispatch.h>
#include <sys/iofunc.h>

#include "name.h"

int main(int argc, char **argv)
{
	int clients = argc > 1 ? atoi(argv[1]) : 1, rcvid, sum;
	name_attach_t *attach;
	my_data_t msg;

	attach = name_attach(NULL, ATTACH_POINT, 0);
	if (attach == NULL) {
		perror("name_attach");
		return EXIT_FAILURE;
	}
	printf("ready\n");
	fflush(stdout);

	while (clients > 0) {
		rcvid = MsgReceive(attach->chid, &msg, sizeof(msg), NULL);
		if (rcvid == -1) {
			perror("MsgReceive");
			return EXIT_FAILURE;
		}
		if (rcvid == 0) {
			switch (msg.hdr.code) {
			case _PULSE_CODE_DISCONNECT:
				/* a client has closed all its connections, or died */
				ConnectDetach(msg.hdr.scoid);
				printf("disconnect\n");
				clients--;
				break;
			case _PULSE_CODE_UNBLOCK:
				MsgError(msg.hdr.value.sival_int, EINTR);
				break;
			default:
				printf("pulse %d\n", msg.hdr.code);
			}
			continue;
		}
		if (msg.hdr.type == _IO_CONNECT) {
			/* name_open(), where a global name service runs, or STPLR_QNX_CONNECT is
			 * set */
			printf("connect\n");
			MsgReply(rcvid, EOK, NULL, 0);
			continue;
		}
		if (msg.hdr.type > _IO_BASE && msg.hdr.type <= _IO_MAX) {
			MsgError(rcvid, ENOSYS);
			continue;
		}
		if (msg.hdr.type != MY_ADD) {
			MsgError(rcvid, EBADMSG);
			continue;
		}
		sum = msg.a + msg.b;
		printf("%d + %d\n", msg.a, msg.b);
		MsgReply(rcvid, EOK, &sum, sizeof(sum));
	}
	name_detach(attach, 0);
	return EXIT_SUCCESS;
}
