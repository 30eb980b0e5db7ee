// SPDX-License-Identifier: MIT
/*
 * server - prints the lines of client1 and digests the files of client2
 *
 * One thread, one channel, any number of clients: the loop receives a message, does what it asks,
 * and answers. Of a message longer than the buffer the rest stays with its sender and is fetched
 * piece by piece.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stplr.h>

#include "common.h"
#include "protocol.h"
#include "transfers.h"

static const char help[] =
	"Usage: server [OPTION]...\n"
	"Prints the lines that client1 sends, and digests (SHA-256) the files that client2 sends.\n"
	"Runs until SIGINT or SIGTERM.\n"
	"\n"
	"  --device N       use /dev/stplr-N (default 0)\n"
	"  --name NAME      name of the channel (default " DEFAULT_NAME ")\n"
	"  --mode OCTAL     who may connect, as for a file: write bits of owner, group, others\n"
	"                   (default 600)\n"
	"  --buffer BYTES   receive at most so much of a message at once (default 1M)\n"
	"  --clients N      digests under way at a time (default 64)\n"
	"  --reply-receive  answer and receive in one system call (default: two)\n"
	"  --count N        end after N messages (default: no end)\n"
	"  --quiet          print clients' lines only\n"
	"  --help           print this\n";

struct options {
	struct common common;
	unsigned int mode;
	size_t buffer;
	size_t clients;
	bool reply_receive;
};

struct server {
	int channel;
	struct transfers *transfers;
	size_t buffer_size;
	uint8_t *buffer;
	/* Where a message goes: its request, and its payload, or as much of it as fits
	 * @buffer_size. */
	struct request request;
	struct stplr_iovec parts[2];
	uint64_t messages;
	uint64_t bytes;
	uint64_t digests;
};

/* @error: the errno that the client gets instead */
struct answer {
	int error;
	size_t len;
	union {
		struct progress progress;
		struct result result;
	} data;
};

static volatile sig_atomic_t stopping;
static int channel_to_stop;

/*
 * The shutdown ends a receive that has begun and fails one that begins a moment later, so that no
 * signal comes too early or too late. The message in work is still answered.
 */
static void stop(int signal_number)
{
	int error = errno;

	(void)signal_number;
	stopping = 1;
	stplr_channel_shutdown(channel_to_stop);
	errno = error;
}

static void stop_on_signals(int channel)
{
	struct sigaction action = {.sa_handler = stop};

	channel_to_stop = channel;
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* What a client sends shall not steer the terminal. */
static void print_text(const uint8_t *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		putchar((text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f ? '?' : text[i]);
}

/* Does what a message asks with a piece of its payload; 0 or the errno for the client. */
static int take_payload(struct server *server, const struct stplr_msg_info *info, size_t len,
			struct answer *answer)
{
	if (server->request.type == REQUEST_TEXT) {
		print_text(server->buffer, len);
		return 0;
	}
	server->bytes += len;
	return transfer_add(server->transfers, info, server->buffer, len,
			    &answer->data.progress.digested);
}

/* The payload: what was received with the message, and what is still with the client. */
static int take_all_payload(struct server *server, const struct stplr_msg_info *info,
			    struct answer *answer)
{
	uint64_t offset = info->len;
	size_t len = (size_t)info->len - sizeof(server->request);
	ssize_t got;
	int error;

	for (;;) {
		error = take_payload(server, info, len, answer);
		if (error || offset == info->src_len)
			return error;
		got = stplr_read(server->channel, info->rcvid, server->buffer, server->buffer_size,
				 offset);
		if (got < 0)
			return errno;
		/* A message does not end before its length. */
		if (got == 0)
			return EIO;
		len = (size_t)got;
		offset += len;
	}
}

static int serve_request(struct server *server, const struct stplr_msg_info *info,
			 struct answer *answer)
{
	const struct request *request = &server->request;
	bool empty = info->src_len == sizeof(*request);
	int error;

	if (info->src_len < sizeof(*request) || request->reserved)
		return EBADMSG;
	switch (request->type) {
	case REQUEST_TEXT:
		printf("client %d: ", info->pid);
		error = take_all_payload(server, info, answer);
		putchar('\n');
		return error;
	case REQUEST_START:
		if (!empty)
			return EBADMSG;
		answer->len = sizeof(answer->data.progress);
		return transfer_start(server->transfers, info);
	case REQUEST_DATA:
		answer->len = sizeof(answer->data.progress);
		error = transfer_check(server->transfers, info, request->offset);
		return error ? error : take_all_payload(server, info, answer);
	case REQUEST_FINISH:
		if (!empty)
			return EBADMSG;
		answer->len = sizeof(answer->data.result);
		error = transfer_check(server->transfers, info, request->offset);
		if (!error)
			error = transfer_finish(server->transfers, info, &answer->data.result);
		if (!error)
			server->digests++;
		return error;
	default:
		return EBADMSG;
	}
}

/* Serves a message; returns its rcvid if it is to be answered, else 0. */
static int32_t serve(struct server *server, const struct stplr_msg_info *info,
		     struct answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	answer->error = serve_request(server, info, answer);
	server->messages++;
	if (info->kind == STPLR_KIND_SEND_RECEIVE)
		return info->rcvid;
	/* Nobody waits for an answer, but the sender of a message of which a part was left does
	 * wait. */
	if (info->flags & STPLR_INFO_TRUNCATED)
		stplr_reply(server->channel, info->rcvid, 0, NULL, 0);
	return 0;
}

/*
 * Answers @rcvid if it is not 0, with @answer. That its client did not wait for it is no concern of
 * the server's. Returns whether the server can go on.
 */
static bool reply(struct server *server, int32_t rcvid, const struct answer *answer)
{
	ssize_t ret = 0;

	if (rcvid && answer->error)
		ret = stplr_reply_error(server->channel, rcvid, answer->error);
	else if (rcvid)
		ret = stplr_reply(server->channel, rcvid, 0, &answer->data, answer->len);
	return ret >= 0 || errno == ESRCH;
}

/* The server's loop with one call for each of receive and reply. */
static bool step(struct server *server, int32_t *rcvid, const struct answer *answer,
		 struct stplr_msg_info *info)
{
	if (!reply(server, *rcvid, answer))
		return false;
	*rcvid = 0;
	return stplr_receivev(server->channel, server->parts, 2, info) > 0;
}

/* The same with one call for both. */
static bool step_in_one(struct server *server, int32_t *rcvid, const struct answer *answer,
			struct stplr_msg_info *info)
{
	struct stplr_iovec part = stplr_part(&answer->data, answer->len);

	if (*rcvid && answer->error) {
		if (!reply(server, *rcvid, answer))
			return false;
		*rcvid = 0;
	}
	while (stplr_reply_receivev(server->channel, rcvid, 0, &part, 1, server->parts, 2, info)) {
		if (errno != ESRCH || !*rcvid)
			return false;
		/* The client is gone, the channel is not. */
		*rcvid = 0;
	}
	return true;
}

static void run(struct server *server, const struct options *options)
{
	struct answer answer = {0};
	struct stplr_msg_info info;
	int32_t rcvid = 0;
	bool received;

	while (!options->common.count || server->messages < options->common.count) {
		received = options->reply_receive ? step_in_one(server, &rcvid, &answer, &info)
						  : step(server, &rcvid, &answer, &info);
		if (received)
			rcvid = serve(server, &info, &answer);
		else if (stopping)
			return;
		else if (errno != EINTR)
			fail("cannot go on: %s",
			     errno == ESRCH ? "the channel was destroyed" : strerror(errno));
	}
	reply(server, rcvid, &answer);
}

static struct options parse(int argc, char **argv)
{
	enum { MODE = OPTION_OWN, BUFFER, CLIENTS, REPLY_RECEIVE };
	static const struct option longs[] = {
		COMMON_OPTIONS,
		{"mode", required_argument, NULL, MODE},
		{"buffer", required_argument, NULL, BUFFER},
		{"clients", required_argument, NULL, CLIENTS},
		{"reply-receive", no_argument, NULL, REPLY_RECEIVE},
		{0},
	};
	struct options options = {
		.common = {.name = DEFAULT_NAME},
		.mode = 0600,
		.buffer = 1 << 20,
		.clients = 64,
	};
	char *end;
	int option;

	while ((option = next_option(argc, argv, longs, help, &options.common)) != -1) {
		switch (option) {
		case MODE:
			options.mode = (unsigned int)strtoul(optarg, &end, 8);
			if (*optarg < '0' || *optarg > '7' || *end || !options.mode ||
			    options.mode > 0777)
				fail_usage("--mode: '%s' is not an octal number from 1 to 777",
					   optarg);
			break;
		case BUFFER:
			options.buffer = (size_t)parse_number("--buffer", optarg, 1, 1 << 30);
			break;
		case CLIENTS:
			options.clients = (size_t)parse_number("--clients", optarg, 1, 4096);
			break;
		case REPLY_RECEIVE:
			options.reply_receive = true;
			break;
		}
	}
	if (optind < argc)
		fail_usage("what is '%s'?", argv[optind]);
	return options;
}

static int create_channel(const struct options *options)
{
	struct stplr_channel_create create = {.mode = options->mode};
	int device = open_device(options->common.device);
	int channel = stplr_channel_create(device, options->common.name, &create);

	if (channel >= 0)
		return channel;
	switch (errno) {
	case EEXIST:
		fail("the name '%s' is taken on /dev/stplr-%u: is a server running already? Try "
		     "another --name",
		     options->common.name, options->common.device);
	case EINVAL:
		fail("'%s' is not a name: 1 to %d of the characters A-Z a-z 0-9 . _ -, or an id "
		     "as @42",
		     options->common.name, STPLR_NAME_MAX);
	case EDQUOT:
		fail("this user has as many channels as the module's user_channels allows");
	default:
		fail("cannot create a channel: %s", strerror(errno));
	}
}

int main(int argc, char **argv)
{
	struct options options = parse(argc, argv);
	struct server server = {.buffer_size = options.buffer};

	/* Lines come out as they come in, wherever standard output goes. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	server.buffer = malloc(options.buffer);
	server.transfers = transfers_new(options.clients);
	if (!server.buffer || !server.transfers)
		fail("out of memory: choose a smaller --buffer or --clients");
	server.parts[0] = stplr_part(&server.request, sizeof(server.request));
	server.parts[1] = stplr_part(server.buffer, server.buffer_size);
	server.channel = create_channel(&options);
	stop_on_signals(server.channel);
	if (!options.common.quiet)
		fprintf(stderr, "server: '%s' on /dev/stplr-%u is ready, Ctrl-C ends it\n",
			options.common.name, options.common.device);

	run(&server, &options);

	if (!options.common.quiet)
		fprintf(stderr,
			"server: %" PRIu64 " messages, %" PRIu64 " files digested, %" PRIu64
			" bytes\n",
			server.messages, server.digests, server.bytes);
	transfers_free(server.transfers);
	free(server.buffer);
	return ferror(stdout) ? 1 : 0;
}
