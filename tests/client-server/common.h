/* SPDX-License-Identifier: MIT */
/* What server, client1 and client2 share: options, opening and connecting, errors that say what to
 * do. */
#ifndef COMMON_H
#define COMMON_H

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

/* Opens /dev/stplr-@device, or ends the program. */
int open_device(unsigned int device);

/* Connects to the server @name, waiting for it up to @seconds, or ends the program. */
int connect_to_server(int device, const char *name, unsigned int seconds);

/* What the errno of a failed send says about the server @name. */
const char *send_error(int error);

/* Seconds of CLOCK_MONOTONIC. */
double now(void);

#endif /* COMMON_H */
