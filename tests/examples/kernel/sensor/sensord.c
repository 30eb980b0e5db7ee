// SPDX-License-Identifier: MIT
// The program to the driver "sensor": takes its readings, sets its pace, decides about alarms; or
// asks it.
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <stplr.h>

#include "sensor.h"

static const char usage[] =
	"Usage: sensord [OPTION...]\n"
	"Takes the readings of the driver \"sensor\", which finds this program by its name. Ends "
	"after so many, with status 1\n"
	"if one is missing that the driver does not say it has dropped.\n\n"
	"  --ask           ask the driver for its latest reading, print it, and end\n"
	"  --count N       readings to take (default 0: no end)\n"
	"  --device N      of /dev/stplr-N (default 0)\n"
	"  --every N       print every Nth (default 100; 0: none)\n"
	"  --period US     ask for one every so many microseconds, 100 to 1000000 (default: as it "
	"is)\n"
	"  --help          this text\n";

struct options {
	bool ask;
	uint64_t count;
	uint64_t every;
	unsigned int device;
	uint32_t period;
};

static int fail(const char *what)
{
	fprintf(stderr, "sensord: %s: %s\n", what, strerror(errno));
	return 1;
}

static uint64_t number(const char *option, const char *text, uint64_t least, uint64_t most)
{
	char *end;

	errno = 0;
	uint64_t value = strtoull(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || (value && value < least) ||
	    value > most) {
		fprintf(stderr, "sensord: --%s %s: must be 0, or %" PRIu64 " to %" PRIu64 "\n",
			option, text, least, most);
		exit(2);
	}
	return value;
}

static void print(const struct sensor_reading *reading)
{
	printf("reading %" PRIu64 ": value %" PRId64 ", every %u us, %" PRIu64 " dropped so far\n",
	       (uint64_t)reading->number, (int64_t)reading->value, reading->period,
	       (uint64_t)reading->dropped);
}

// Asks the driver, as any server.
static int ask(int device)
{
	struct sensor_reading reading = {.what = SENSOR_ASK};
	struct stplr_reply_info info;
	int connection = stplr_connect(device, SENSOR_NAME, STPLR_DEADLINE_POLL);

	if (connection < 0)
		return fail("the driver is not there");
	ssize_t len =
		stplr_call(connection, &reading, sizeof(reading), &reading, sizeof(reading), &info);
	if (len != sizeof(reading))
		return fail("asking the driver");
	print(&reading);
	return 0;
}

// Readings come in order, and the driver counts those that it had no place for.
static bool follows(const struct sensor_reading *last, const struct sensor_reading *reading)
{
	if (reading->number - last->number == 1 + reading->dropped - last->dropped)
		return true;
	fprintf(stderr, "sensord: reading %" PRIu64 " follows reading %" PRIu64 "\n",
		(uint64_t)reading->number, (uint64_t)last->number);
	return false;
}

static int serve(int device, const struct options *options)
{
	struct sensor_setting setting = {.period = options->period};
	struct sensor_reading reading, last = {0};
	struct stplr_msg_info info;
	uint64_t count = 0, alarms = 0;
	uint32_t coid = 0;

	// its mode does not matter to a driver, and nobody else is to connect
	int channel = stplr_channel_create(device, SENSORD_NAME, NULL);
	if (channel < 0)
		return fail("making the channel " SENSORD_NAME);
	while (!options->count || count < options->count) {
		int32_t rcvid = stplr_receive(channel, &reading, sizeof(reading), &info);
		if (rcvid < 0)
			return fail("receiving");
		if (info.kind != STPLR_KIND_SEND_RECEIVE)
			continue;
		// the name is root's, who may connect, too
		if (!(info.flags & STPLR_INFO_KERNEL) || info.len < sizeof(reading)) {
			stplr_reply_error(channel, rcvid, EPERM);
			continue;
		}
		if (reading.what == SENSOR_ALARM) {
			alarms++;
			stplr_reply(channel, rcvid, SENSOR_RESET, NULL, 0);
			continue;
		}
		// another connection is a driver that was loaded anew
		if (info.coid == coid && !follows(&last, &reading))
			return 1;
		coid = info.coid;
		last = reading;
		if (options->every && count % options->every == 0)
			print(&reading);
		count++;
		stplr_reply(channel, rcvid, 0, &setting, sizeof(setting));
	}
	printf("%" PRIu64 " readings, %" PRIu64 " alarms\n", count, alarms);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{"ask", no_argument, NULL, 'a'},
		{"count", required_argument, NULL, 'c'},
		{"device", required_argument, NULL, 'd'},
		{"every", required_argument, NULL, 'e'},
		{"period", required_argument, NULL, 'p'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct options options = {.every = 100};
	char why[256];

	for (int option; (option = getopt_long(argc, argv, "h", names, NULL)) != -1;) {
		switch (option) {
		case 'a':
			options.ask = true;
			break;
		case 'c':
			options.count = number("count", optarg, 1, UINT64_MAX);
			break;
		case 'd':
			options.device = (unsigned int)number("device", optarg, 0, 63);
			break;
		case 'e':
			options.every = number("every", optarg, 1, UINT64_MAX);
			break;
		case 'p':
			options.period = (uint32_t)number("period", optarg, SENSOR_PERIOD_MIN,
							  SENSOR_PERIOD_MAX);
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "sensord: no argument is expected: %s\n", argv[optind]);
		return 2;
	}

	int device = stplr_open_why(options.device, 0, why, sizeof(why));
	if (device < 0) {
		fprintf(stderr, "sensord: %s\n", why);
		return 1;
	}
	return options.ask ? ask(device) : serve(device, &options);
}
