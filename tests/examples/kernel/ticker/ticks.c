// SPDX-License-Identifier: MIT
// The program to the driver "ticker": takes its ticks, in whatever way is asked for, and tells what
// the way from the interrupt to here and back to the driver has taken.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <stplr.h>

#include "ticker.h"

static const char usage[] =
	"Usage: ticks [OPTION...]\n"
	"Has the driver \"ticker\" tick, takes so many ticks, and prints how long the round trip "
	"was: from the driver's\n"
	"interrupt, which writes a tick, over this program, which is told, takes it and says so, "
	"back to the driver. Ends\n"
	"with status 1 if a tick is missing that the driver does not say it has dropped, or is "
	"another one than it wrote.\n\n"
	"  --period US   a tick every so many microseconds, 50 to 1000000 (default 1000)\n"
	"  --size B      bytes of a tick, 32 to 8192 (default 1024)\n"
	"  --count N     ticks to take (default 1000)\n"
	"  --runs N      start and stop so many times (default 1)\n"
	"  --told HOW    how the program is told of a tick (default wait):\n"
	"                  wait     it sleeps in stplr_ring_wait(), or in read(2) with --data "
	"copy\n"
	"                  spin     it looks for 100 microseconds, then sleeps\n"
	"                  poll     by poll(2) on the ring's descriptor\n"
	"                  eventfd  by an eventfd of its own\n"
	"  --data HOW    how it gets the bytes: place, in the ring, or copy, by read(2) (default "
	"place)\n"
	"  --done HOW    how it tells the driver that it is through (default ring):\n"
	"                  ring     by the record alone, which wakes the driver where it sleeps\n"
	"                  ioctl    by stplr_ring_wake()\n"
	"                  eventfd  by an eventfd that wakes the driver\n"
	"  --timeout S   how long to wait for the driver, and for a free ring (default 5)\n"
	"  --device N    of /dev/stplr-N (default 0)\n"
	"  --help        this text\n";

enum told { TOLD_WAIT, TOLD_SPIN, TOLD_POLL, TOLD_EVENTFD };
enum data { DATA_PLACE, DATA_COPY };
enum done { DONE_RING, DONE_IOCTL, DONE_EVENTFD };

static const char *const told_names[] = {"wait", "spin", "poll", "eventfd", NULL};
static const char *const data_names[] = {"place", "copy", NULL};
static const char *const done_names[] = {"ring", "ioctl", "eventfd", NULL};

struct options {
	uint32_t period;
	uint32_t size;
	uint64_t count;
	uint64_t runs;
	enum told told;
	enum data data;
	enum done done;
	uint64_t timeout;
	unsigned int device;
};

// What came of a run.
struct outcome {
	struct ticker_tick last;
	uint64_t taken;
	uint64_t *times; // sorted in the end
	uint64_t timed;
	bool started; // a tick has come
	bool stopped;
};

struct ticks {
	const struct options *options;
	struct stplr_ring ring;
	int told; // eventfds, or -1
	int done;
	unsigned char *read; // what read(2) gave, whole records of it
	size_t read_len;
	size_t read_at;
	unsigned char *tick; // the program's own copy
};

#define READ_SIZE (4 * (sizeof(struct stplr_ring_copy) + TICKER_SIZE_MAX))

static int fail(const char *what)
{
	fprintf(stderr, "ticks: %s: %s\n", what,
		errno == EPIPE || errno == ESHUTDOWN ? "the driver has gone" : strerror(errno));
	return -1;
}

static int wrong(const char *what, uint64_t number)
{
	fprintf(stderr, "ticks: tick %" PRIu64 ": %s\n", number, what);
	return -1;
}

// Being told

// Sleeps until there is something to read, or something else has happened; -1: it has ended, or
// nothing comes.
static int await(struct ticks *ticks)
{
	const int patience = 10000; // milliseconds; a period is at most a tenth of that
	struct pollfd file = {.fd = ticks->ring.fd, .events = POLLIN};
	uint64_t times;
	int found;

	if (ticks->told >= 0)
		file.fd = ticks->told;
	else if (ticks->options->told != TOLD_POLL)
		return stplr_ring_wait(&ticks->ring, STPLR_RING_DATA, 0,
				       patience * STPLR_MILLISECOND) < 0
			       ? fail("waiting for a tick")
			       : 0;
	found = poll(&file, 1, patience);
	if (!found)
		errno = ETIMEDOUT;
	if (found <= 0)
		return fail("waiting for a tick");
	if (ticks->told >= 0 && read(ticks->told, &times, sizeof(times)) < 0 && errno != EAGAIN)
		return fail("reading the eventfd");
	return 0;
}

// Taking records

// The next record in the ring, where it lies; 0: there is none; -1: it has ended.
static int next_in_place(struct ticks *ticks, struct stplr_ring_record *record, const void **bytes)
{
	struct stplr_ring_copy copy;

	*bytes = stplr_ring_peek(&ticks->ring, &copy);
	*record = copy.record;
	if (*bytes)
		return 1;
	return errno == EAGAIN ? 0 : fail("looking into the ring");
}

// The next one that read(2) gives, several at a time.
static int next_copy(struct ticks *ticks, struct stplr_ring_record *record, const void **bytes)
{
	struct stplr_ring_copy copy;

	if (ticks->read_at == ticks->read_len) {
		ssize_t n = read(ticks->ring.fd, ticks->read, READ_SIZE);

		if (n < 0)
			return errno == EAGAIN ? 0 : fail("reading the ring");
		ticks->read_len = (size_t)n;
		ticks->read_at = 0;
	}
	memcpy(&copy, ticks->read + ticks->read_at, sizeof(copy));
	*record = copy.record;
	*bytes = ticks->read + ticks->read_at + sizeof(copy);
	ticks->read_at += sizeof(copy) + (copy.record.len + 7U) / 8 * 8;
	return 1;
}

static int next(struct ticks *ticks, struct stplr_ring_record *record, const void **bytes)
{
	if (ticks->options->data == DATA_COPY)
		return next_copy(ticks, record, bytes);
	return next_in_place(ticks, record, bytes);
}

// What next() gave is not needed any more.
static int release(struct ticks *ticks)
{
	if (ticks->options->data == DATA_PLACE && stplr_ring_release(&ticks->ring, 0))
		return fail("releasing a record");
	return 0;
}

// Telling the driver

static int write_record(struct ticks *ticks, uint16_t type, const void *bytes, size_t len,
			enum done how)
{
	const uint64_t once = 1;

	while (stplr_ring_write(&ticks->ring, bytes, len, type,
				how == DONE_RING ? 0 : STPLR_RING_NO_WAKEUP)) {
		if (errno != EAGAIN)
			return fail("writing to the driver");
		if (stplr_ring_wait(&ticks->ring, STPLR_RING_ROOM, len, 10 * STPLR_SECOND) < 0)
			return fail("waiting for room");
	}
	if (how == DONE_IOCTL && stplr_ring_wake(ticks->ring.fd))
		return fail("waking the driver");
	if (how == DONE_EVENTFD && write(ticks->done, &once, sizeof(once)) < 0)
		return fail("waking the driver by the eventfd");
	return 0;
}

// What the driver says

static int take_tick(struct ticks *ticks, struct outcome *outcome, const void *bytes, size_t len)
{
	struct ticker_tick tick;
	struct ticker_done done;

	if (len != ticks->options->size)
		return wrong("another size than was asked for", outcome->last.number + 1);
	memcpy(ticks->tick, bytes, len);
	memcpy(&tick, ticks->tick, sizeof(tick));
	for (size_t i = sizeof(tick); i < len; i++)
		if (ticks->tick[i] != (unsigned char)tick.number)
			return wrong("other bytes than the driver writes", tick.number);
	if (tick.number - outcome->last.number != 1 + tick.dropped - outcome->last.dropped)
		return wrong("some before it are missing", tick.number);
	outcome->last = tick;
	outcome->taken++;
	done.number = tick.number;
	done.time = tick.time;
	return write_record(ticks, TICKER_DONE, &done, sizeof(done), ticks->options->done);
}

static int take(struct ticks *ticks, struct outcome *outcome,
		const struct stplr_ring_record *record, const void *bytes)
{
	struct ticker_refused refused;
	struct ticker_time time;

	switch (record->type) {
	case TICKER_TICK:
		return take_tick(ticks, outcome, bytes, record->len);
	case TICKER_TIME:
		memcpy(&time, bytes, sizeof(time));
		if (outcome->timed < ticks->options->count)
			outcome->times[outcome->timed++] = time.ns;
		return 0;
	case TICKER_STOPPED:
		memcpy(&outcome->last, bytes, sizeof(outcome->last));
		outcome->stopped = true;
		return 0;
	case TICKER_REFUSED:
		memcpy(&refused, bytes, sizeof(refused));
		errno = (int)refused.error;
		return fail("the driver refuses");
	default:
		fprintf(stderr, "ticks: a record of type %u: is this the driver's version?\n",
			record->type);
		return -1;
	}
}

// Takes what there is, and sleeps for one more.
static int take_more(struct ticks *ticks, struct outcome *outcome)
{
	struct stplr_ring_record record;
	const void *bytes;
	int found = next(ticks, &record, &bytes);

	// who sleeps by an eventfd says so first, and looks once more
	if (!found && ticks->told >= 0) {
		if (stplr_ring_arm(ticks->ring.fd, STPLR_RING_DATA))
			return fail("asking for the eventfd");
		found = next(ticks, &record, &bytes);
	}
	if (!found)
		return await(ticks);
	if (found < 0 || take(ticks, outcome, &record, bytes))
		return -1;
	return release(ticks);
}

static int compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

static void report(const struct options *options, struct outcome *outcome, uint64_t dropped)
{
	double sum = 0;

	printf("%" PRIu64 " ticks of %u B, one every %u us (told by %s, data by %s, done by %s): "
	       "%" PRIu64 " dropped\n",
	       outcome->taken, options->size, options->period, told_names[options->told],
	       data_names[options->data], done_names[options->done], dropped);
	if (!outcome->timed)
		return;
	qsort(outcome->times, outcome->timed, sizeof(*outcome->times), compare);
	for (uint64_t i = 0; i < outcome->timed; i++)
		sum += (double)outcome->times[i];
	printf("round trip, us: mean %.1f", sum / (double)outcome->timed / 1000);
	for (int percent = 50; percent < 100; percent += percent == 50 ? 40 : 9)
		printf(", %d %% %.1f", percent,
		       (double)outcome->times[outcome->timed * (unsigned int)percent / 100] / 1000);
	printf(", most %.1f\n", (double)outcome->times[outcome->timed - 1] / 1000);
	fflush(stdout);
}

// Start, so many ticks, stop.
static int run(struct ticks *ticks, struct outcome *outcome)
{
	const struct options *options = ticks->options;
	const struct ticker_start start = {.period = options->period, .size = options->size};
	const uint64_t dropped = outcome->last.dropped;

	outcome->taken = 0;
	outcome->timed = 0;
	outcome->stopped = false;
	if (write_record(ticks, TICKER_START, &start, sizeof(start), DONE_RING))
		return -1;
	while (outcome->taken < options->count)
		if (take_more(ticks, outcome))
			return -1;
	if (write_record(ticks, TICKER_STOP, NULL, 0, DONE_RING))
		return -1;
	// those that were on their way, and the times of the last ones
	while (!outcome->stopped)
		if (take_more(ticks, outcome))
			return -1;
	report(options, outcome, outcome->last.dropped - dropped);
	return 0;
}

// The ways that were chosen

static int set_up(struct ticks *ticks)
{
	const struct options *options = ticks->options;
	int flags = fcntl(ticks->ring.fd, F_GETFL);

	ticks->tick = malloc(options->size);
	ticks->read = malloc(READ_SIZE);
	if (!ticks->tick || !ticks->read)
		return fail("a tick's memory");
	if (options->told == TOLD_SPIN)
		ticks->ring.spin = 100000;
	else
		ticks->ring.spin = 0;
	// a read(2) that waits is a way to be told
	if (options->data == DATA_COPY && options->told != TOLD_WAIT &&
	    fcntl(ticks->ring.fd, F_SETFL, flags | O_NONBLOCK))
		return fail("fcntl");
	if (options->told == TOLD_EVENTFD) {
		ticks->told = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (ticks->told < 0 || stplr_ring_eventfd(ticks->ring.fd, ticks->told, 0))
			return fail("an eventfd to be told by");
	}
	if (options->done == DONE_EVENTFD) {
		ticks->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (ticks->done < 0 ||
		    stplr_ring_eventfd(ticks->ring.fd, ticks->done, STPLR_RING_EVENTFD_WAKES))
			return fail("an eventfd to tell by");
	}
	return 0;
}

static int run_all(int device, const struct options *options)
{
	struct ticks ticks = {.options = options, .told = -1, .done = -1};
	struct outcome outcome = {0};
	int status = -1;
	int end = stplr_ring_attach_timeout(device, TICKER_NAME, STPLR_RING_ANY,
					    (int64_t)options->timeout * STPLR_SECOND);

	if (end < 0) {
		if (errno == ETIMEDOUT || errno == ENOENT || errno == EAGAIN)
			fprintf(stderr,
				"ticks: the driver is not there, or all of its rings are in "
				"use: insmod ticker.ko\n");
		else
			fail("attaching to a ring of the driver's");
		return -1;
	}
	if (stplr_ring_map(&ticks.ring, end)) {
		fail("mapping the ring");
		goto close_end;
	}
	outcome.times = calloc(options->count, sizeof(*outcome.times));
	if (!outcome.times) {
		fail("memory for so many times");
		goto unmap;
	}
	status = set_up(&ticks);
	for (uint64_t i = 0; !status && i < options->runs; i++)
		status = run(&ticks, &outcome);
	if (ticks.told >= 0)
		close(ticks.told);
	if (ticks.done >= 0)
		close(ticks.done);
	free(ticks.tick);
	free(ticks.read);
	free(outcome.times);
unmap:
	stplr_ring_unmap(&ticks.ring);
close_end:
	close(end);
	return status;
}

// The command line

static uint64_t number(const char *option, const char *text, uint64_t least, uint64_t most)
{
	char *end;

	errno = 0;
	uint64_t value = strtoull(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || value < least || value > most) {
		fprintf(stderr, "ticks: --%s %s: must be %" PRIu64 " to %" PRIu64 "\n", option,
			text, least, most);
		exit(2);
	}
	return value;
}

static unsigned int choice(const char *option, const char *text, const char *const *names)
{
	for (unsigned int i = 0; names[i]; i++)
		if (!strcmp(text, names[i]))
			return i;
	fprintf(stderr, "ticks: --%s %s: must be one of", option, text);
	for (; *names; names++)
		fprintf(stderr, " %s", *names);
	fputc('\n', stderr);
	exit(2);
}

static void parse(struct options *options, int argc, char **argv)
{
	static const struct option names[] = {
		{"period", required_argument, NULL, 'p'},
		{"size", required_argument, NULL, 's'},
		{"count", required_argument, NULL, 'c'},
		{"runs", required_argument, NULL, 'r'},
		{"told", required_argument, NULL, 't'},
		{"data", required_argument, NULL, 'a'},
		{"done", required_argument, NULL, 'o'},
		{"timeout", required_argument, NULL, 'w'},
		{"device", required_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};

	for (int option; (option = getopt_long(argc, argv, "h", names, NULL)) != -1;) {
		switch (option) {
		case 'p':
			options->period = (uint32_t)number("period", optarg, TICKER_PERIOD_MIN,
							   TICKER_PERIOD_MAX);
			break;
		case 's':
			options->size =
				(uint32_t)number("size", optarg, TICKER_SIZE_MIN, TICKER_SIZE_MAX);
			break;
		case 'c':
			options->count = number("count", optarg, 1, 100000000);
			break;
		case 'r':
			options->runs = number("runs", optarg, 1, UINT64_MAX);
			break;
		case 't':
			options->told = choice("told", optarg, told_names);
			break;
		case 'a':
			options->data = choice("data", optarg, data_names);
			break;
		case 'o':
			options->done = choice("done", optarg, done_names);
			break;
		case 'w':
			options->timeout = number("timeout", optarg, 0, 1000000);
			break;
		case 'd':
			options->device = (unsigned int)number("device", optarg, 0, 63);
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			exit(2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "ticks: no argument is expected: %s\n", argv[optind]);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct options options = {
		.period = 1000, .size = 1024, .count = 1000, .runs = 1, .timeout = 5};
	char why[256];

	parse(&options, argc, argv);
	int device = stplr_open_why(options.device, 0, why, sizeof(why));
	if (device < 0) {
		fprintf(stderr, "ticks: %s\n", why);
		return 1;
	}
	return run_all(device, &options) ? 1 : 0;
}
