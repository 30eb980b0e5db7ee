// SPDX-License-Identifier: MIT
/*
 * A message that is longer than the server's buffer: a header says how much there is, and the
 * server fetches it in blocks; it writes its answer in two pieces. The client gathers and scatters.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/neutrino.h>

#define LENGTH 100000
#define BLOCK 4096

typedef struct {
	uint16_t type;
	uint16_t subtype;
	uint32_t nbytes;
} header_t;

static int chid;

static void *server(void *unused)
{
	uint32_t sum = 0, offset, i;
	unsigned char block[BLOCK];
	struct _msg_info info;
	header_t header;
	ssize_t got;
	int rcvid;

	(void)unused;
	rcvid = MsgReceive(chid, &header, sizeof(header), &info);
	if (rcvid == -1 || info.msglen != sizeof(header) ||
	    info.srcmsglen != (ssize_t)(sizeof(header) + LENGTH)) {
		fprintf(stderr, "received %zd of %zd\n", info.msglen, info.srcmsglen);
		exit(EXIT_FAILURE);
	}
	for (offset = 0; offset < header.nbytes; offset += got) {
		got = MsgRead(rcvid, block, sizeof(block), sizeof(header) + offset);
		if (got <= 0) {
			perror("MsgRead");
			exit(EXIT_FAILURE);
		}
		for (i = 0; i < got; i++)
			sum += block[i];
	}
	if (MsgRead(rcvid, block, sizeof(block), sizeof(header) + LENGTH) != 0)
		exit(EXIT_FAILURE);
	if (MsgWrite(rcvid, &sum, sizeof(sum), sizeof(header)) != sizeof(sum)) {
		perror("MsgWrite");
		exit(EXIT_FAILURE);
	}
	header.nbytes = sizeof(sum);
	MsgReply(rcvid, 1, &header, sizeof(header));
	return NULL;
}

int main(void)
{
	unsigned char *data = malloc(LENGTH);
	uint32_t expected = 0, sum, i;
	header_t header = {.type = 1, .nbytes = LENGTH}, answer;
	iov_t siov[2], riov[2];
	pthread_t thread;
	int coid;

	for (i = 0; i < LENGTH; i++)
		expected += data[i] = (unsigned char)(i * 7);
	chid = ChannelCreate(_NTO_CHF_SENDER_LEN);
	pthread_create(&thread, NULL, server, NULL);
	coid = ConnectAttach(0, 0, chid, _NTO_SIDE_CHANNEL, 0);

	SETIOV(&siov[0], &header, sizeof(header));
	SETIOV(&siov[1], data, LENGTH);
	SETIOV(&riov[0], &answer, sizeof(answer));
	SETIOV(&riov[1], &sum, sizeof(sum));
	if (MsgSendv(coid, siov, 2, riov, 2) != 1) {
		perror("MsgSendv");
		return EXIT_FAILURE;
	}
	pthread_join(thread, NULL);
	printf("%u of %u\n", sum, expected);
	return sum == expected && answer.nbytes == sizeof(sum) ? EXIT_SUCCESS : EXIT_FAILURE;
}
