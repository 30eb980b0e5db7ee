/* SPDX-License-Identifier: MIT */
/*
 * Plays the other side of a vector on plain stplr: the wire's lines, against a runtime's transport
 * that its own program drives by the others. README.md has the lines.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <stplr.h>

enum { WORDS_MAX = 64 };

static const char *file_name;
static int line_number;
static size_t message_max;

#define die(...)                                                                                   \
	do {                                                                                       \
		fprintf(stderr, "%s:%d: ", file_name, line_number);                                \
		fprintf(stderr, __VA_ARGS__);                                                      \
		fputc('\n', stderr);                                                               \
		exit(1);                                                                           \
	} while (0)

struct bytes {
	unsigned char *data;
	size_t length;
};

static void append(struct bytes *bytes, const void *data, size_t length, size_t times)
{
	unsigned char *more = realloc(bytes->data, bytes->length + length * times + 1);

	if (!more)
		die("no memory");
	bytes->data = more;
	while (times--) {
		memcpy(bytes->data + bytes->length, data, length);
		bytes->length += length;
	}
}

/* N, MAX, MAX-N */
static size_t count(const char *text)
{
	const bool from_max = !strncmp(text, "MAX", 3);
	char *end = (char *)text;
	const size_t number =
		text[3] || !from_max ? strtoul(text + (from_max ? 4 : 0), &end, 10) : 0;

	if (from_max && text[3] && text[3] != '-')
		die("no count: %s", text);
	return from_max ? message_max - number : number;
}

/* HEX or HEX*COUNT */
static void parse_word(struct bytes *bytes, const char *word)
{
	unsigned char part[4096];
	const char *times = strchr(word, '*');
	const size_t digits = times ? (size_t)(times - word) : strlen(word);

	if (digits % 2 || digits / 2 > sizeof(part))
		die("no bytes: %s", word);
	for (size_t i = 0; i < digits / 2; i++) {
		unsigned int value;

		if (sscanf(word + 2 * i, "%2x", &value) != 1)
			die("no bytes: %s", word);
		part[i] = value;
	}
	append(bytes, part, digits / 2, times ? count(times + 1) : 1);
}

static struct bytes parse_bytes(char **words)
{
	struct bytes bytes = {NULL, 0};

	append(&bytes, "", 0, 0);
	for (; *words; words++)
		parse_word(&bytes, *words);
	return bytes;
}

static void expect_bytes(const struct bytes *expected, const void *data, size_t length)
{
	if (length != expected->length)
		die("%zu bytes came, not %zu", length, expected->length);
	if (memcmp(expected->data, data, length))
		die("other bytes came");
}

static bool next_line(FILE *file, char **words)
{
	static char *line;
	static size_t size;
	char *rest;
	int n = 0;

	while (getline(&line, &size, file) > 0) {
		line_number++;
		rest = line;
		n = 0;
		while (n < WORDS_MAX && (words[n] = strtok_r(rest, " \n", &rest)))
			n++;
		if (n == WORDS_MAX)
			die("more words than %d", WORDS_MAX - 1);
		if (n && words[0][0] != '#')
			return true;
	}
	return false;
}

/* The message that waits for its reply's line. */
struct pending {
	bool two_way;
	struct bytes bytes;
	size_t room;
	int32_t rcvid;
};

/* A client against the server that is tested. */

static void client_message(int connection, char **words, struct pending *pending)
{
	const char *kind = words[1];
	char **hex = words + 2;

	pending->room = message_max;
	if (*hex && !strncmp(*hex, "room=", 5))
		pending->room = count(*hex++ + 5);
	pending->bytes = parse_bytes(hex);
	pending->two_way = !strcmp(kind, "two-way");
	if (pending->two_way)
		return; /* sent when its reply's line tells what is to come */
	if (!strcmp(kind, "queued")
		    ? stplr_send_queued(connection, pending->bytes.data, pending->bytes.length)
		    : stplr_send(connection, pending->bytes.data, pending->bytes.length))
		die("%s", strerror(errno));
	free(pending->bytes.data);
}

static void client_reply(int connection, char **words, struct pending *pending)
{
	const bool fails = !strcmp(words[0], "error");
	unsigned char *room = malloc(pending->room + 1);
	struct stplr_reply_info info;
	ssize_t got;

	if (!room)
		die("no memory");
	got = stplr_send_receive(connection, pending->bytes.data, pending->bytes.length, room,
				 pending->room, &info);
	if (fails) {
		if (got >= 0 || errno != EMSGSIZE)
			die("no %s", words[1]);
	} else {
		struct bytes expected = parse_bytes(words + 2);

		if (got < 0)
			die("%s", strerror(errno));
		expect_bytes(&expected, room, got);
		if (info.status != atoi(words[1]))
			die("the status is %d, not %s", info.status, words[1]);
		free(expected.data);
	}
	free(pending->bytes.data);
	free(room);
}

/* A server against the client that is tested. */

static void server_message(int channel, char **words, struct pending *pending)
{
	struct bytes expected = parse_bytes(words + 2);
	unsigned char *buffer = malloc(message_max);
	struct stplr_msg_info info;
	const char *kind;

	if (!buffer)
		die("no memory");
	while (stplr_receive(channel, buffer, message_max, &info) < 0)
		if (errno != EINTR)
			die("%s", strerror(errno));
	kind = info.kind == STPLR_KIND_SEND_RECEIVE ? "two-way"
	       : info.flags & STPLR_INFO_QUEUED     ? "queued"
						    : "one-way";
	if (strcmp(kind, words[1]))
		die("a message came %s", kind);
	expect_bytes(&expected, buffer, info.len);
	pending->rcvid = info.rcvid;
	free(expected.data);
	free(buffer);
}

static void server_reply(int channel, char **words, struct pending *pending)
{
	struct bytes answer = parse_bytes(words + 2);

	if (strcmp(words[0], "error") ? stplr_reply(channel, pending->rcvid, atoi(words[1]),
						    answer.data, answer.length) < 0
				      : stplr_reply_error(channel, pending->rcvid, EMSGSIZE))
		die("%s", strerror(errno));
	free(answer.data);
}

static void play(FILE *file, int fd, bool server)
{
	struct pending pending = {0};
	char *words[WORDS_MAX];

	while (next_line(file, words)) {
		if (!strcmp(words[0], "message"))
			(server ? server_message : client_message)(fd, words, &pending);
		else if (!strcmp(words[0], "reply") || !strcmp(words[0], "error"))
			(server ? server_reply : client_reply)(fd, words, &pending);
	}
}

static int open_end(const char *name, bool server)
{
	char why[256];
	const int device = stplr_open_why(0, 0, why, sizeof(why));
	struct stplr_channel_create options = {.flags = STPLR_CHANNEL_LISTEN};
	struct stplr_version version;
	int fd;

	if (device < 0)
		die("%s", why);
	if (stplr_version(device, &version))
		die("%s", strerror(errno));
	message_max = version.message_max;
	if (!server) {
		fd = stplr_connect_timeout(device, name, 10 * STPLR_SECOND);
	} else {
		const int channel = stplr_channel_create(device, name, &options);

		if (channel < 0)
			die("%s: %s", name, strerror(errno));
		puts("listening");
		fflush(stdout);
		fd = stplr_accept(channel, NULL);
		close(channel);
	}
	if (fd < 0)
		die("%s: %s", name, strerror(errno));
	close(device);
	return fd;
}

int main(int argc, char **argv)
{
	bool server;
	FILE *file;

	if (argc != 4 || (strcmp(argv[1], "client") && strcmp(argv[1], "server"))) {
		fprintf(stderr,
			"usage: %s client|server NAME FILE\n"
			"plays that side of the vector in FILE, on the channel NAME of "
			"/dev/stplr-0\n",
			argv[0]);
		return 2;
	}
	server = !strcmp(argv[1], "server");
	file_name = argv[3];
	file = fopen(file_name, "r");
	if (!file)
		die("%s", strerror(errno));
	play(file, open_end(argv[2], server), server);
	fclose(file);
	return 0;
}
