// SPDX-License-Identifier: MIT
/*
 * client2 - sends files two ways: the server digests each message and replies how far it is
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stplr.h>

#include "common.h"
#include "progress.h"
#include "protocol.h"
#include "sums.h"

static const char help[] =
	"Usage: client2 [OPTION]... [FILE]...\n"
	"Sends each FILE to server, which digests it (SHA-256), and prints the digest as sha256sum "
	"does:\n"
	"'client2 FILE | sha256sum -c' compares the two. Without a FILE, or for -, standard "
	"input.\n"
	"\n"
	"  --check         FILEs are lists as sha256sum prints: send the files they name, and "
	"compare\n"
	"  --size BYTES    payload of a message (default 64K)\n"
	"  --count N       send each FILE N times (default 1)\n"
	"  --device N      use /dev/stplr-N (default 0)\n"
	"  --name NAME     name of the server's channel (default " DEFAULT_NAME ")\n"
	"  --wait SECONDS  how long to wait for a server of that name (default 0)\n"
	"  --quiet         print digests only, no figures and no progress bar\n"
	"  --help          print this\n"
	"\n"
	"Exit status: 0 all sent (and equal); 1 a file unreadable or different, or no server; 2 "
	"usage.\n";

struct options {
	struct common common;
	unsigned int wait;
	size_t size;
	bool check;
};

struct client {
	int connection;
	uint8_t *buffer;
	const struct options *options;
};

/* Sends one request with @len bytes of the buffer; the program ends if the answer is not one of
 * @size bytes. */
static void ask(const struct client *client, enum request_type type, uint64_t offset, size_t len,
		void *answer, size_t size)
{
	struct request request = {.type = type, .offset = offset};
	struct stplr_iovec message[] = {
		stplr_part(&request, sizeof(request)),
		stplr_part(client->buffer, len),
	};
	struct stplr_iovec reply = stplr_part(answer, size);
	struct stplr_reply_info info;
	ssize_t got = stplr_send_receivev(client->connection, message, 2, &reply, 1, &info);

	if (got < 0)
		fail("cannot send: %s", send_error(errno));
	if ((size_t)got != size || info.total != size)
		fail("the server replied %" PRIu64 " bytes where %zu were due",
		     (uint64_t)info.total, size);
}

/* Fills the buffer, so that messages are of the size asked for, whatever read(2) gives. */
static ssize_t fill(const struct client *client, int file)
{
	size_t len = 0;
	ssize_t got;

	while (len < client->options->size) {
		got = read(file, client->buffer + len, client->options->size - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

static void tell(const char *name, uint64_t bytes, uint64_t messages, double seconds)
{
	double least = seconds > 1e-9 ? seconds : 1e-9;

	fprintf(stderr,
		"%s: %" PRIu64 " bytes in %" PRIu64
		" messages, %.3f s: %.0f messages a second, %.1f MiB/s\n",
		name, bytes, messages, seconds, (double)messages / least,
		(double)bytes / least / (1 << 20));
}

static bool send_open_file(const struct client *client, int file, const char *name,
			   struct result *result)
{
	struct progress_bar bar;
	struct progress progress;
	struct stat about;
	uint64_t offset = 0, messages = 2;
	double begin = now();
	ssize_t len;

	bar = progress_begin(
		name, !fstat(file, &about) && S_ISREG(about.st_mode) ? (uint64_t)about.st_size : 0);
	ask(client, REQUEST_START, 0, 0, &progress, sizeof(progress));
	while ((len = fill(client, file)) > 0) {
		ask(client, REQUEST_DATA, offset, (size_t)len, &progress, sizeof(progress));
		offset += (uint64_t)len;
		messages++;
		if (progress.digested != offset)
			fail("the server has %" PRIu64 " bytes of %s where %" PRIu64 " were sent",
			     progress.digested, name, offset);
		if (!client->options->common.quiet)
			progress_at(&bar, offset);
	}
	progress_end(&bar);
	if (len < 0) {
		fprintf(stderr, "client2: %s: %s\n", name, strerror(errno));
		return false;
	}
	ask(client, REQUEST_FINISH, offset, 0, result, sizeof(*result));
	if (result->digested != offset)
		fail("the server digested %" PRIu64 " bytes of %s where %" PRIu64 " were sent",
		     result->digested, name, offset);
	if (!client->options->common.quiet)
		tell(name, offset, messages, now() - begin);
	return true;
}

/* False, with a line on standard error, if the file cannot be read; @result is the server's
 * otherwise. */
static bool send_file(const struct client *client, const char *name, struct result *result)
{
	bool is_stdin = !strcmp(name, "-");
	int file = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	bool sent;

	if (file < 0) {
		fprintf(stderr, "client2: %s: %s\n", name, strerror(errno));
		return false;
	}
	sent = send_open_file(client, file, name, result);
	if (!is_stdin)
		close(file);
	return sent;
}

/* Prints the digest of a file as often as asked for; whether all went well. */
static bool digest_file(const struct client *client, const char *name)
{
	struct result result;
	uint64_t i;

	for (i = 0; i < client->options->common.count; i++) {
		if (!send_file(client, name, &result))
			return false;
		sum_print(stdout, result.digest, name);
	}
	return true;
}

/* Sends the files that a list names and compares; whether all were equal. */
static bool check_list(const struct client *client, const char *list_name)
{
	bool is_stdin = !strcmp(list_name, "-");
	FILE *list = is_stdin ? stdin : fopen(list_name, "re");
	unsigned long equal = 0, bad = 0, number = 0;
	struct result result;
	struct sum sum;
	char *line = NULL;
	size_t size = 0;
	bool ok;

	if (!list) {
		fprintf(stderr, "client2: %s: %s\n", list_name, strerror(errno));
		return false;
	}
	while (getline(&line, &size, list) > 0) {
		number++;
		if (!sum_parse(line, &sum)) {
			fprintf(stderr, "client2: %s:%lu: not a line of sha256sum's\n", list_name,
				number);
			bad++;
			continue;
		}
		ok = send_file(client, sum.name, &result) &&
		     !memcmp(result.digest, sum.digest, sizeof(sum.digest));
		sum_print_name(stdout, sum.name);
		puts(ok ? ": OK" : ": FAILED");
		*(ok ? &equal : &bad) += 1;
	}
	free(line);
	if (ferror(list)) {
		fprintf(stderr, "client2: %s: %s\n", list_name, strerror(errno));
		bad++;
	}
	if (!is_stdin)
		fclose(list);
	if (!equal && !bad)
		fprintf(stderr, "client2: %s: no line of sha256sum's in it\n", list_name);
	return equal && !bad;
}

static struct options parse(int argc, char **argv)
{
	enum { CHECK = OPTION_OWN, SIZE, WAIT };
	static const struct option longs[] = {
		COMMON_OPTIONS,
		{"check", no_argument, NULL, CHECK},
		{"size", required_argument, NULL, SIZE},
		{"wait", required_argument, NULL, WAIT},
		{0},
	};
	struct options options = {.common = {.name = DEFAULT_NAME, .count = 1}, .size = 64 << 10};
	int option;

	while ((option = next_option(argc, argv, longs, help, &options.common)) != -1) {
		switch (option) {
		case CHECK:
			options.check = true;
			break;
		case SIZE:
			options.size = (size_t)parse_number("--size", optarg, 1, 1 << 30);
			break;
		case WAIT:
			options.wait = (unsigned int)parse_number("--wait", optarg, 0, 1 << 30);
			break;
		}
	}
	return options;
}

static void refuse_size_beyond_module(int device, size_t size)
{
	struct stplr_version version;

	if (!stplr_version(device, &version) && size + sizeof(struct request) > version.message_max)
		fail_usage("--size: the module takes messages of at most %" PRIu64
			   " bytes, %zu of which are the request",
			   (uint64_t)version.message_max, sizeof(struct request));
}

int main(int argc, char **argv)
{
	static char *stdin_only[] = {"-"};
	struct options options = parse(argc, argv);
	struct client client = {.options = &options};
	char **files = optind < argc ? argv + optind : stdin_only;
	int n = optind < argc ? argc - optind : 1;
	int device = open_device(options.common.device);
	bool ok = true;
	int i;

	refuse_size_beyond_module(device, options.size);
	client.connection = connect_to_server(device, options.common.name, options.wait);
	client.buffer = malloc(options.size);
	if (!client.buffer)
		fail("out of memory: choose a smaller --size");
	for (i = 0; i < n; i++)
		ok &= options.check ? check_list(&client, files[i])
				    : digest_file(&client, files[i]);
	free(client.buffer);
	if (fflush(stdout) || ferror(stdout))
		fail("standard output: %s", strerror(errno));
	return ok ? 0 : 1;
}
