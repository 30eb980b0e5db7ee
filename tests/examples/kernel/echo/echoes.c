// SPDX-License-Identifier: MIT
// The program to the drivers "echo" and "echo2": writes records into their channels, and sees that
// each comes back.
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <stplr.h>

#include "echo.h"

static const char usage[] =
	"Usage: echoes [OPTION...]\n"
	"Writes records into channels of the driver \"echo\", checks that they come back, in their "
	"order and whole, and\n"
	"prints how many that were a second. Ends with status 1 if one does not, or the driver "
	"goes.\n\n"
	"  --how HOW     how the program waits (default wait):\n"
	"                  wait   a thread for each channel, which looks a moment and then sleeps\n"
	"                  poll   one thread, which looks at one channel after the other and never "
	"sleeps\n"
	"                  async  one thread, which epoll(7) tells where there is something to do\n"
	"  --channels N  use so many at once, 1 to 64 (default 1)\n"
	"  --channel N   use this one (default: any that is free)\n"
	"  --size B      bytes of a record (default 64)\n"
	"  --count N     records, in each channel (default 10000)\n"
	"  --window N    of these, on their way at a time (default 16)\n"
	"  --timeout S   how long to wait for the driver, and for a free channel (default 5)\n"
	"  --name NAME   the driver's ring set (default echo)\n"
	"  --device N    of /dev/stplr-N (default 0)\n"
	"  --help        this text\n";

enum how { HOW_WAIT, HOW_POLL, HOW_ASYNC };
static const char *const how_names[] = {"wait", "poll", "async", NULL};

#define CHANNELS_MAX 64

struct options {
	enum how how;
	unsigned int channels;
	uint32_t channel;
	size_t size;
	uint64_t count;
	uint64_t window;
	uint64_t timeout;
	const char *name;
	unsigned int device;
};

struct channel {
	const struct options *options;
	struct stplr_ring ring;
	uint64_t written;
	uint64_t read;
	pthread_t thread;
	int status; // 0, or -1 and it was said why
};

static int fail(const char *what)
{
	fprintf(stderr, "echoes: %s: %s\n", what,
		errno == ESHUTDOWN ? "the driver was shut down"
		: errno == EPIPE   ? "the driver has gone"
				   : strerror(errno));
	return -1;
}

// Each channel on its own

static bool done(const struct channel *channel)
{
	return channel->read == channel->options->count;
}

// A byte of a record: others in each record, and at each place.
static unsigned char pattern(uint64_t number, size_t at)
{
	return (unsigned char)(number * 31 + at * 7);
}

// Writes as many as may be on their way; how many that were, or -1.
static int write_some(struct channel *channel)
{
	const struct options *options = channel->options;
	int count = 0;

	while (channel->written < options->count &&
	       channel->written - channel->read < options->window) {
		unsigned char *bytes = stplr_ring_reserve(&channel->ring, options->size);

		// with some on their way there is room as soon as these have come back
		if (!bytes && errno == EAGAIN && channel->written > channel->read)
			break;
		// what has come back the driver releases a moment later
		if (!bytes && errno == EAGAIN) {
			if (stplr_ring_wait(&channel->ring, STPLR_RING_ROOM, options->size, -1) < 0)
				return fail("waiting for room");
			continue;
		}
		if (!bytes)
			return fail("room for a record");
		for (size_t at = 0; at < options->size; at++)
			bytes[at] = pattern(channel->written, at);
		if (stplr_ring_commit(&channel->ring, options->size, (uint16_t)channel->written, 0))
			return fail("writing a record");
		channel->written++;
		count++;
	}
	return count;
}

// Checks those that have come back; how many that were, or -1.
static int read_some(struct channel *channel)
{
	const struct options *options = channel->options;
	int count = 0;

	for (; !done(channel); count++) {
		struct stplr_ring_copy record;
		const unsigned char *bytes = stplr_ring_peek(&channel->ring, &record);
		size_t at = 0;

		if (!bytes && errno == EAGAIN)
			break;
		if (!bytes)
			return fail("reading a record");
		if (record.record.len == options->size)
			while (at < options->size && bytes[at] == pattern(channel->read, at))
				at++;
		if (at < options->size || record.record.len != options->size ||
		    record.record.type != (uint16_t)channel->read) {
			fprintf(stderr, "echoes: record %" PRIu64 " came back as another one\n",
				channel->read);
			return -1;
		}
		if (stplr_ring_release(&channel->ring, 0))
			return fail("releasing a record");
		channel->read++;
	}
	return count;
}

// All that can be done without waiting; whether that was anything, or -1.
static int step(struct channel *channel)
{
	int read = read_some(channel), written;

	if (read < 0)
		return -1;
	written = write_some(channel);
	return written < 0 ? -1 : read || written;
}

// The ways to wait

static void *wait_thread(void *arg)
{
	struct channel *channel = arg;

	while (!done(channel)) {
		int did = step(channel);

		if (!did && stplr_ring_wait(&channel->ring, STPLR_RING_DATA, 0, -1) < 0)
			did = fail("waiting for the driver");
		if (did < 0) {
			channel->status = -1;
			break;
		}
	}
	return NULL;
}

static int run_wait(struct channel *channels, unsigned int count)
{
	unsigned int started = 0;
	int status = 0;

	for (; started < count; started++) {
		errno = pthread_create(&channels[started].thread, NULL, wait_thread,
				       &channels[started]);
		if (errno) {
			status = fail("a thread");
			break;
		}
	}
	for (unsigned int i = 0; i < started; i++) {
		pthread_join(channels[i].thread, NULL);
		if (channels[i].status)
			status = -1;
	}
	return status;
}

static int run_poll(struct channel *channels, unsigned int count)
{
	unsigned int left;

	do {
		bool idle = true;

		left = 0;
		for (unsigned int i = 0; i < count; i++) {
			int did = step(&channels[i]);

			if (did < 0)
				return -1;
			idle &= !did;
			left += !done(&channels[i]);
		}
		if (idle)
			sched_yield();
	} while (left);
	return 0;
}

static int run_async(struct channel *channels, unsigned int count)
{
	struct epoll_event events[CHANNELS_MAX];
	unsigned int left = count;
	int status = -1;
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll < 0)
		return fail("epoll_create1");
	for (unsigned int i = 0; i < count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &channels[i]};

		if (epoll_ctl(epoll, EPOLL_CTL_ADD, channels[i].ring.fd, &event)) {
			fail("epoll_ctl");
			goto close_epoll;
		}
		// the first records; from then on what comes back makes room for more
		if (step(&channels[i]) < 0)
			goto close_epoll;
		left -= done(&channels[i]);
	}
	while (left) {
		int ready = epoll_wait(epoll, events, CHANNELS_MAX, -1);

		if (ready < 0 && errno != EINTR) {
			fail("epoll_wait");
			goto close_epoll;
		}
		for (int i = 0; i < ready; i++) {
			struct channel *channel = events[i].data.ptr;
			bool before = done(channel);

			if (step(channel) < 0)
				goto close_epoll;
			left -= !before && done(channel);
		}
	}
	status = 0;
close_epoll:
	close(epoll);
	return status;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int run(struct channel *channels, const struct options *options)
{
	static int (*const ways[])(struct channel *, unsigned int) = {run_wait, run_poll,
								      run_async};
	const double start = seconds();

	if (ways[options->how](channels, options->channels))
		return -1;
	printf("%u x %" PRIu64 " records of %zu B there and back (%s): %.0f a second\n",
	       options->channels, options->count, options->size, how_names[options->how],
	       options->channels * (double)options->count / (seconds() - start));
	return 0;
}

// Coming and going

static int attach(struct channel *channel, int device)
{
	const struct options *options = channel->options;
	int end = stplr_ring_attach_timeout(device, options->name, options->channel,
					    (int64_t)options->timeout * STPLR_SECOND);

	if (end < 0) {
		if (errno == ETIMEDOUT || errno == ENOENT || errno == EAGAIN) {
			fprintf(stderr,
				"echoes: there is no driver \"%s\", or no channel is free: "
				"insmod echo.ko\n",
				options->name);
			return -1;
		}
		return fail("attaching to a channel");
	}
	if (stplr_ring_map(&channel->ring, end)) {
		fail("mapping a channel");
		close(end);
		return -1;
	}
	return 0;
}

static void detach(struct channel *channel)
{
	int end = channel->ring.fd;

	stplr_ring_unmap(&channel->ring);
	close(end);
}

static int run_attached(int device, const struct options *options)
{
	static struct channel channels[CHANNELS_MAX];
	unsigned int attached;
	int status = 0;

	for (attached = 0; attached < options->channels; attached++) {
		channels[attached].options = options;
		status = attach(&channels[attached], device);
		if (status)
			break;
	}
	if (!status)
		status = run(channels, options);
	while (attached--)
		detach(&channels[attached]);
	return status;
}

// The command line

static uint64_t number(const char *option, const char *text, uint64_t least, uint64_t most)
{
	char *end;

	errno = 0;
	uint64_t value = strtoull(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || value < least || value > most) {
		fprintf(stderr, "echoes: --%s %s: must be %" PRIu64 " to %" PRIu64 "\n", option,
			text, least, most);
		exit(2);
	}
	return value;
}

static enum how choose_how(const char *text)
{
	for (unsigned int i = 0; how_names[i]; i++)
		if (!strcmp(text, how_names[i]))
			return (enum how)i;
	fprintf(stderr, "echoes: --how %s: must be wait, poll or async\n", text);
	exit(2);
}

static void parse(struct options *options, int argc, char **argv)
{
	static const struct option names[] = {
		{"how", required_argument, NULL, 'h'},
		{"channels", required_argument, NULL, 'm'},
		{"channel", required_argument, NULL, 'n'},
		{"size", required_argument, NULL, 's'},
		{"count", required_argument, NULL, 'c'},
		{"window", required_argument, NULL, 'w'},
		{"timeout", required_argument, NULL, 't'},
		{"name", required_argument, NULL, 'a'},
		{"device", required_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'H'},
		{0},
	};

	for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
		switch (option) {
		case 'h':
			options->how = choose_how(optarg);
			break;
		case 'm':
			options->channels =
				(unsigned int)number("channels", optarg, 1, CHANNELS_MAX);
			break;
		case 'n':
			options->channel = (uint32_t)number("channel", optarg, 0, CHANNELS_MAX - 1);
			break;
		case 's':
			options->size = number("size", optarg, 0, 1 << 20);
			break;
		case 'c':
			options->count = number("count", optarg, 1, UINT64_MAX);
			break;
		case 'w':
			options->window = number("window", optarg, 1, UINT64_MAX);
			break;
		case 't':
			options->timeout = number("timeout", optarg, 0, 1000000);
			break;
		case 'a':
			options->name = optarg;
			break;
		case 'd':
			options->device = (unsigned int)number("device", optarg, 0, 63);
			break;
		case 'H':
			fputs(usage, stdout);
			exit(0);
		default:
			exit(2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "echoes: no argument is expected: %s\n", argv[optind]);
		exit(2);
	}
	if (options->channel != STPLR_RING_ANY && options->channels > 1) {
		fprintf(stderr, "echoes: --channel is one channel, --channels several\n");
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct options options = {
		.channels = 1,
		.channel = STPLR_RING_ANY,
		.size = 64,
		.count = 10000,
		.window = 16,
		.timeout = 5,
		.name = ECHO_NAME,
	};
	char why[256];

	parse(&options, argc, argv);
	int device = stplr_open_why(options.device, 0, why, sizeof(why));
	if (device < 0) {
		fprintf(stderr, "echoes: %s\n", why);
		return 1;
	}
	return run_attached(device, &options) ? 1 : 0;
}
