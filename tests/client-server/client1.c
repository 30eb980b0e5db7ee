// SPDX-License-Identifier: MIT
/*
 * client1 - sends lines one way: each send returns when the server has the line
 */
#define _GNU_SOURCE

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stplr.h>

#include "common.h"
#include "protocol.h"

static const char help[] =
	"Usage: client1 [OPTION]... [LINE]...\n"
	"Sends each LINE to server, which prints it; without a LINE, those of standard input.\n"
	"\n"
	"  --device N      use /dev/stplr-N (default 0)\n"
	"  --name NAME     name of the server's channel (default " DEFAULT_NAME ")\n"
	"  --wait SECONDS  how long to wait for a server of that name (default 0)\n"
	"  --count N       send each line N times (default 1)\n"
	"  --quiet         do not tell how many were sent\n"
	"  --help          print this\n";

struct options {
	struct common common;
	unsigned int wait;
};

static void send_line(int connection, const char *line, size_t len)
{
	struct request request = {.type = REQUEST_TEXT};
	struct stplr_iovec parts[] = {
		stplr_part(&request, sizeof(request)),
		stplr_part(line, len),
	};

	if (stplr_sendv(connection, parts, 2))
		fail("cannot send: %s", send_error(errno));
}

static struct options parse(int argc, char **argv)
{
	enum { WAIT = OPTION_OWN };
	static const struct option longs[] = {
		COMMON_OPTIONS,
		{"wait", required_argument, NULL, WAIT},
		{0},
	};
	struct options options = {.common = {.name = DEFAULT_NAME, .count = 1}};

	while (next_option(argc, argv, longs, help, &options.common) == WAIT)
		options.wait = (unsigned int)parse_number("--wait", optarg, 0, 1 << 30);
	return options;
}

int main(int argc, char **argv)
{
	struct options options = parse(argc, argv);
	int device = open_device(options.common.device);
	int connection = connect_to_server(device, options.common.name, options.wait);
	uint64_t sent = 0, i;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	double begin = now(), seconds;
	int n;

	for (n = optind; n < argc; n++)
		for (i = 0; i < options.common.count; i++, sent++)
			send_line(connection, argv[n], strlen(argv[n]));
	while (optind == argc && (len = getline(&line, &size, stdin)) > 0) {
		if (line[len - 1] == '\n')
			len--;
		for (i = 0; i < options.common.count; i++, sent++)
			send_line(connection, line, (size_t)len);
	}
	free(line);
	if (ferror(stdin))
		fail("standard input: %s", strerror(errno));
	seconds = now() - begin;
	if (!options.common.quiet)
		fprintf(stderr, "client1: %" PRIu64 " messages sent and received, %.0f a second\n",
			sent, seconds > 0 ? (double)sent / seconds : 0.0);
	return 0;
}
