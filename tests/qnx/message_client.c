// SPDX-License-Identifier: MIT
/* Sends each of its arguments to the server PID CHID, and prints what comes back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/netmgr.h>
#include <sys/neutrino.h>

int main(int argc, char **argv)
{
	char answer[256];
	int coid, status, i;

	if (argc < 3) {
		fprintf(stderr, "usage: message_client PID CHID TEXT...\n");
		return EXIT_FAILURE;
	}
	coid = ConnectAttach(ND_LOCAL_NODE, atoi(argv[1]), atoi(argv[2]), _NTO_SIDE_CHANNEL, 0);
	if (coid == -1) {
		perror("ConnectAttach");
		return EXIT_FAILURE;
	}
	for (i = 3; i < argc; i++) {
		memset(answer, 0, sizeof(answer));
		status = MsgSend(coid, argv[i], strlen(argv[i]), answer, sizeof(answer));
		if (status == -1)
			printf("error: %s\n", strerror(errno));
		else
			printf("%d %s\n", status, answer);
	}
	ConnectDetach(coid);
	return EXIT_SUCCESS;
}
