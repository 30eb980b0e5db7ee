// SPDX-License-Identifier: MIT
/*
 * main() of the clients: options; a demonstration of the service, or rounds of calls and what they
 * took, as tests/examples/README.md says
 */
#ifndef EXAMPLES_MEASURE_H
#define EXAMPLES_MEASURE_H

#include <stddef.h>
#include <stdint.h>

struct settings {
	const char *address; /* of the server; NULL: the default */
	const char *wrapper;
	const char *protocol;
	const char *round; /* NULL: a demonstration */
	uint64_t count;
	size_t size;
	unsigned int clients;
	int64_t interval_us;
};

/* How to reach a server: what all clients of one kind have in common. */
struct access {
	const char *option;          /* the address's, without dashes */
	const char *help;            /* its lines in the list of options */
	const char *const *wrappers; /* up to NULL, the default first; or NULL */
	const char *const *protocols;
	/* What the JSON says was used; NULL: what was given. */
	const char *name;
	/* Ends the program if it cannot be done. */
	void *(*connect)(const struct settings *settings);
	void (*disconnect)(void *connection);
};

struct round {
	const char *name;
	unsigned int rpcs; /* calls it makes */
	/* Makes the calls and checks what they return; number tells one round from another. */
	void (*run)(void *connection, const struct settings *settings, uint64_t number);
	/* A call more at the end, or NULL. */
	void (*finish)(void *connection, const struct settings *settings);
	/* Instead of run: count delays in nanoseconds. */
	void (*delays)(void *connection, const struct settings *settings, int64_t *delays);
};

struct client {
	const char *service;
	const struct round *rounds; /* up to one without a name; may be NULL */
	void (*show)(void *connection, const struct settings *settings);
};

int client_main(int argc, char **argv, const struct access *access, const struct client *client);

/* Ends the program: a reply was not what it must be. */
_Noreturn void wrong_reply(const char *call);

uint64_t now_ns(void);

#endif
