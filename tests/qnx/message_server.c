// SPDX-License-Identifier: MIT
/* The simplest server: says where it can be reached, and gives each text back in capitals. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/neutrino.h>

int main(void)
{
	char text[256], answer[256];
	struct _msg_info info;
	int chid, rcvid, i;

	chid = ChannelCreate(0);
	if (chid == -1) {
		perror("ChannelCreate");
		return EXIT_FAILURE;
	}
	printf("%d %d\n", getpid(), chid);
	fflush(stdout);

	for (;;) {
		rcvid = MsgReceive(chid, text, sizeof(text) - 1, &info);
		if (rcvid == -1) {
			perror("MsgReceive");
			return EXIT_FAILURE;
		}
		text[info.msglen] = '\0';
		if (!strcmp(text, "quit")) {
			MsgReply(rcvid, EOK, NULL, 0);
			break;
		}
		if (!text[0]) {
			MsgError(rcvid, EBADMSG);
			continue;
		}
		for (i = 0; text[i]; i++)
			answer[i] = toupper((unsigned char)text[i]);
		answer[i] = '\0';
		if (MsgReply(rcvid, i, answer, i + 1) == -1)
			perror("MsgReply");
	}
	ChannelDestroy(chid);
	return EXIT_SUCCESS;
}
