/* SPDX-License-Identifier: MIT */
/*
 * Lines as sha256sum prints and checks them: "DIGEST  NAME"
 *
 * A name with a backslash, newline or carriage return is written with \\, \n and \r, and the line
 * begins with a backslash.
 */
#ifndef SUMS_H
#define SUMS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "protocol.h"

/* @name: inside the line that was parsed */
struct sum {
	uint8_t digest[DIGEST_SIZE];
	const char *name;
};

/* A name as in such a line, with the backslash in front where it needs one. */
void sum_print_name(FILE *out, const char *name);

void sum_print(FILE *out, const uint8_t digest[DIGEST_SIZE], const char *name);

/* Takes a line apart, changing it; false: it is not one of sha256sum's. */
bool sum_parse(char *line, struct sum *sum);

#endif /* SUMS_H */
