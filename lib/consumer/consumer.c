// SPDX-License-Identifier: MIT
/*
 * Built in C (and, included from consumer.cc, in C++) against the installed library. Needs no
 * module: it uses what must work, or fail in the documented way, without one.
 */
#include <stplr.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: failed: %s (%s)\n", __FILE__, __LINE__,            \
				#condition, strerror(errno));                                      \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

int main(void)
{
	/* Both the call and the structure of the same name can be used. */
	struct stplr_version version;
	struct stplr_channel_create options;
	struct stplr_msg_info info;
	struct stplr_iovec part;
	struct stplr_rings_create rings;
	struct stplr_ring ring;
	char why[200] = "?";
	int32_t rcvid = 7;
	char byte = 0;
	int fd;

	memset(&options, 0, sizeof(options));
	fd = open("/dev/null", O_RDWR);
	CHECK(fd >= 0);
	CHECK(stplr_version(fd, &version) == -1 && errno == ENOTTY);
	CHECK(stplr_check_version(fd, why, sizeof(why)) == -1 && errno == ENOTTY);
	CHECK(strstr(why, "does not belong to stplr"));
	CHECK(stplr_channel_create(fd, "name", &options) == -1 && errno == ENOTTY);
	CHECK(stplr_channel_create(fd, "", NULL) == -1 && errno == EINVAL);
	CHECK(stplr_connect(fd, "name", stplr_deadline(1)) == -1 && errno == ENOTTY);
	CHECK(stplr_connect(fd, "", STPLR_DEADLINE_POLL) == -1 && errno == EINVAL);
	CHECK(stplr_connect_timeout(fd, "name", STPLR_SECOND) == -1 && errno == ENOTTY);
	CHECK(stplr_send(fd, "x", 1) == -1 && errno == ENOTTY);
	CHECK(stplr_send_receive(fd, "x", 1, &byte, 1, NULL) == -1 && errno == ENOTTY);
	CHECK(stplr_call(fd, "x", 1, &byte, 1, 2 * STPLR_SECOND) == -1 && errno == ENOTTY);
	CHECK(!strcmp(stplr_strerror("stplr_call", errno), "not a connection"));
	CHECK(stplr_receive(fd, &byte, 1, &info) == -1 && errno == ENOTTY);
	CHECK(stplr_receive_timeout(fd, &byte, 1, &info, 0) == -1 && errno == ENOTTY);
	CHECK(stplr_reply_error(fd, 1, 0) == -1 && errno == EINVAL);
	CHECK(stplr_reply_receive(fd, &rcvid, 0, NULL, 0, &byte, 1, &info) == -1 &&
	      errno == ENOTTY);
	CHECK(rcvid == 7);
	memset(&rings, 0, sizeof(rings));
	CHECK(stplr_rings_create(fd, "name", &rings) == -1 && errno == ENOTTY);
	CHECK(stplr_rings_create(fd, NULL, &rings) == -1 && errno == EINVAL);
	CHECK(stplr_ring_attach_timeout(fd, "name", STPLR_RING_ANY, 0) == -1 && errno == ENOTTY);
	CHECK(stplr_ring_map(&ring, fd) == -1 && errno == ENOTTY);
	CHECK(!stplr_ring_reserve(&ring, 1) && errno == EINVAL);
	CHECK(stplr_ring_write(&ring, "x", 1, 0, 0) == -1 && errno == EINVAL);
	CHECK(stplr_ring_read(&ring, &byte, 1, NULL) == -1 && errno == EINVAL);
	stplr_ring_unmap(&ring);
	close(fd);
	CHECK(stplr_send(fd, "x", 1) == -1 && errno == EBADF);

	CHECK(stplr_open_why(0, 1, why, sizeof(why)) == -1 && errno == EINVAL);
	CHECK(stplr_open_why(4294967295U, 0, why, sizeof(why)) == -1 && errno == ENOENT);
	CHECK(strstr(why, "modprobe stplr devices=4294967296"));
	/* What is loaded has to go first. */
	CHECK(!strstr(why, "rmmod") == !!access("/sys/module/stplr", F_OK));

	part = stplr_part(&byte, 1);
	CHECK(part.len == 1);
	CHECK(stplr_deadline(-5) == STPLR_DEADLINE_NONE);
	CHECK(stplr_deadline(0) == STPLR_DEADLINE_POLL);
	CHECK(stplr_deadline(INT64_MAX) == INT64_MAX);
	CHECK(stplr_deadline(1) < stplr_deadline(3600 * STPLR_SECOND));
	return 0;
}
