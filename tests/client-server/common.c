// SPDX-License-Identifier: MIT
#define _GNU_SOURCE

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <stplr.h>

#include "common.h"

static void complain(const char *format, va_list list)
{
	fflush(stdout);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, format, list);
	fputc('\n', stderr);
}

void fail(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	complain(format, list);
	va_end(list);
	exit(1);
}

void try_help(void)
{
	fprintf(stderr, "Try '%s --help'.\n", program_invocation_short_name);
	exit(2);
}

void fail_usage(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	complain(format, list);
	va_end(list);
	try_help();
}

uint64_t parse_number(const char *option, const char *text, uint64_t min, uint64_t max)
{
	static const char units[] = "KMG";
	unsigned long long value;
	const char *unit;
	unsigned int shift = 0;
	char *end;

	/* strtoull() takes signs and spaces, too. */
	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9')
		fail_usage("%s: '%s' is not a number", option, text);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		shift = 10 * (unsigned int)(unit - units + 1);
		end++;
	}
	if (*end)
		fail_usage("%s: '%s' is not a number", option, text);
	if (errno || value > UINT64_MAX >> shift || value << shift < min || value << shift > max)
		fail_usage("%s: '%s' is not from %" PRIu64 " to %" PRIu64, option, text, min, max);
	return value << shift;
}

int next_option(int argc, char **argv, const struct option *longs, const char *help,
		struct common *common)
{
	int option;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (option) {
		case OPTION_DEVICE:
			common->device =
				(unsigned int)parse_number("--device", optarg, 0, UINT32_MAX);
			break;
		case OPTION_NAME:
			common->name = optarg;
			break;
		case OPTION_COUNT:
			common->count = parse_number("--count", optarg, 1, UINT64_MAX);
			break;
		case OPTION_QUIET:
			common->quiet = true;
			break;
		case OPTION_HELP:
			fputs(help, stdout);
			exit(0);
		case '?':
			try_help();
		default:
			return option;
		}
	}
	return -1;
}

int open_device(unsigned int device)
{
	char why[256];
	int fd = stplr_open_why(device, 0, why, sizeof(why));

	if (fd < 0)
		fail("%s", why);
	return fd;
}

int connect_to_server(int device, const char *name, unsigned int seconds)
{
	int fd = stplr_connect(device, name, stplr_deadline((int64_t)seconds * 1000000000));

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
	case ETIMEDOUT:
		fail("no server has the name '%s' on this device: start build/bin/server, or wait "
		     "for it with --wait",
		     name);
	case EACCES:
		fail("'%s' is not open to this user: the server's --mode says who may connect",
		     name);
	case EINVAL:
		fail("'%s' is not a name: 1 to %d of the characters A-Z a-z 0-9 . _ -, or an id "
		     "as @42",
		     name, STPLR_NAME_MAX);
	default:
		fail("cannot connect to '%s': %s", name, strerror(errno));
	}
}

const char *send_error(int error)
{
	switch (error) {
	case ESRCH:
		return "the server has ended";
	case EBADMSG:
		return "the server does not understand the message: it is not this demo's server";
	case EBUSY:
		return "the server has as many clients as it can follow: try again later";
	case ESTALE:
		return "the server gave up this transfer: it was idle too long";
	case EMSGSIZE:
		return "longer than the module's messages may be: choose a smaller --size";
	default:
		return strerror(error);
	}
}

double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}
