// SPDX-License-Identifier: MIT
/* Finds the server by its name and has it add. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/dispatch.h>
#include <sys/iofunc.h>

#include "name.h"

int main(void)
{
	int server_coid, i, sum;
	my_data_t msg;

	server_coid = name_open(ATTACH_POINT, 0);
	if (server_coid == -1) {
		perror("name_open");
		return EXIT_FAILURE;
	}
	for (i = 0; i < 3; i++) {
		memset(&msg, 0, sizeof(msg));
		msg.hdr.type = MY_ADD;
		msg.a = i;
		msg.b = 40;
		if (MsgSend(server_coid, &msg, sizeof(msg), &sum, sizeof(sum)) == -1) {
			perror("MsgSend");
			return EXIT_FAILURE;
		}
		printf("%d\n", sum);
	}
	/* the system's messages are not this server's */
	msg.hdr.type = _IO_READ;
	if (MsgSend(server_coid, &msg, sizeof(msg), NULL, 0) != -1 || errno != ENOSYS)
		return EXIT_FAILURE;
	name_close(server_coid);
	return EXIT_SUCCESS;
}
