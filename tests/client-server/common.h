/* SPDX-License-Identifier: MIT */
/* What server, client1 and client2 share: options, opening and connecting, errors that say what to
 * do. */
#ifndef COMMON_H
#define COMMON_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

/* Ends the program with "PROGRAM: text" and the status 1. */
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format, ...);

/* Ends the program with "PROGRAM: text", where to find help, and the status 2. */
__attribute__((noreturn, format(printf, 1, 2))) void fail_usage(const char *format, ...);

/* Says where to find help and ends the program with the status 2: getopt_long(3) has said what is
 * wrong. */
__attribute__((noreturn)) void try_help(void);

/**
 * parse_number() - the value of a command line's option, or the end of the program
 * @option: its name, for the error
 * @text: decimal digits, and K, M or G for binary multiples
 * @min: least value allowed
 * @max: greatest value allowed
 */
uint64_t parse_number(const char *option, const char *text, uint64_t min, uint64_t max);

/**
 * struct common - what all three programs can be told
 * @device: N of /dev/stplr-N
 * @name: the server's
 * @count: how often, or 0
 * @quiet: to print less
 */
struct common {
	unsigned int device;
	const char *name;
	uint64_t count;
	bool quiet;
};

/* The numbers of their options, and the first that is a program's own. */
enum { OPTION_DEVICE = 1, OPTION_NAME, OPTION_COUNT, OPTION_QUIET, OPTION_HELP, OPTION_OWN };

/* clang-format off */
#define COMMON_OPTIONS \
	{"device", required_argument, NULL, OPTION_DEVICE}, \
	{"name", required_argument, NULL, OPTION_NAME}, \
	{"count", required_argument, NULL, OPTION_COUNT}, \
	{"quiet", no_argument, NULL, OPTION_QUIET}, \
	{"help", no_argument, NULL, OPTION_HELP}
/* clang-format on */

/* The next option that is the program's own, or -1; the others are seen to. */
int next_option(int argc, char **argv, const struct option *longs, const char *help,
		struct common *common);

/* Opens /dev/stplr-@device, or ends the program. */
int open_device(unsigned int device);

/* Connects to the server @name, waiting for it up to @seconds, or ends the program. */
int connect_to_server(int device, const char *name, unsigned int seconds);

/* What the errno of a failed send says about the server @name. */
const char *send_error(int error);

/* Seconds of CLOCK_MONOTONIC. */
double now(void);

#endif /* COMMON_H */
