// SPDX-License-Identifier: MIT
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "measure.h"

_Noreturn void wrong_reply(const char *call)
{
	errx(1, "%s: the reply is not what it must be", call);
}

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Options */

static void print_help(const char *program, const struct access *access,
		       const struct client *client)
{
	const struct round *round;

	printf("Usage: %s [--%s ADDRESS] [--round NAME --count N [OPTION...]]\n\n"
	       "A client of the service %s: shows what it does, or calls it in rounds, compares "
	       "every\nreply with what it must be, and prints what that took as a line of JSON.\n\n"
	       "%s",
	       program, access->option, client->service, access->help);
	if (client->rounds) {
		printf("  --round NAME         ");
		for (round = client->rounds; round->name; round++)
			printf("%s%s", round == client->rounds ? "" : ", ", round->name);
		puts("\n  --count N            how many rounds (default 1)\n"
		     "  --clients M          so many connections, each with a thread and N rounds "
		     "(default 1)\n"
		     "  --size BYTES         of ping's binary_value, of hello's text (default: a "
		     "few)\n"
		     "  --interval US        of the timer whose delay is measured (default "
		     "100000)");
	}
	if (access->wrappers)
		puts("  --wrapper NAME       buffered (default) or framed, as the server\n"
		     "  --protocol NAME      binary (default) or compact, as the server");
	puts("  -h, --help           this text");
}

static _Noreturn void usage_error(const char *program)
{
	fprintf(stderr, "See %s --help\n", program);
	exit(2);
}

static uint64_t number(const char *program, const char *option, const char *text, uint64_t most)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || !value || value > most) {
		fprintf(stderr, "%s: --%s takes a number from 1 to %" PRIu64 ", not '%s'\n",
			program, option, most, text);
		usage_error(program);
	}
	return value;
}

static const char *choice(const char *program, const char *option, const char *text,
			  const char *const *choices)
{
	for (; choices && *choices; choices++)
		if (!strcmp(text, *choices))
			return *choices;
	fprintf(stderr, "%s: --%s does not take '%s'\n", program, option, text);
	usage_error(program);
}

static struct settings parse(int argc, char **argv, const struct access *access,
			     const struct client *client)
{
	const struct option options[] = {
		{access->option, required_argument, NULL, 't'},
		{"round", required_argument, NULL, 'r'},
		{"count", required_argument, NULL, 'n'},
		{"size", required_argument, NULL, 's'},
		{"clients", required_argument, NULL, 'c'},
		{"interval", required_argument, NULL, 'i'},
		{"help", no_argument, NULL, 'h'},
		{access->wrappers ? "wrapper" : NULL, required_argument, NULL, 'w'},
		{"protocol", required_argument, NULL, 'p'},
		{0},
	};
	struct settings settings = {.count = 1, .size = 64, .clients = 1, .interval_us = 100000};
	int option, index = 0;

	if (access->wrappers) {
		settings.wrapper = access->wrappers[0];
		settings.protocol = access->protocols[0];
	}
	while ((option = getopt_long(argc, argv, "h", options, &index)) != -1) {
		const char *name = options[index].name;

		switch (option) {
		case 't':
			settings.address = optarg;
			break;
		case 'r':
			settings.round = optarg;
			break;
		case 'n':
			settings.count = number(argv[0], name, optarg, 1000000000);
			break;
		case 's':
			settings.size = number(argv[0], name, optarg, 64 << 20);
			break;
		case 'c':
			settings.clients = number(argv[0], name, optarg, 1000);
			break;
		case 'i':
			settings.interval_us = number(argv[0], name, optarg, 1000000000);
			break;
		case 'w':
			settings.wrapper = choice(argv[0], name, optarg, access->wrappers);
			break;
		case 'p':
			settings.protocol = choice(argv[0], name, optarg, access->protocols);
			break;
		case 'h':
			print_help(argv[0], access, client);
			exit(0);
		default:
			usage_error(argv[0]);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "%s: unexpected argument '%s'\n", argv[0], argv[optind]);
		usage_error(argv[0]);
	}
	return settings;
}

static const struct round *find_round(const char *program, const struct client *client,
				      const char *name)
{
	for (const struct round *round = client->rounds; round && round->name; round++)
		if (!strcmp(name, round->name))
			return round;
	fprintf(stderr, "%s: the service %s has no round '%s'\n", program, client->service, name);
	usage_error(program);
}

/* Measuring */

struct worker {
	const struct access *access;
	const struct settings *settings;
	const struct round *round;
	uint64_t begin_ns, end_ns;
	pthread_t thread;
};

static void *work(void *argument)
{
	struct worker *worker = argument;
	const struct round *round = worker->round;
	const struct settings *settings = worker->settings;
	void *connection = worker->access->connect(settings);

	round->run(connection, settings, settings->count);
	worker->begin_ns = now_ns();
	for (uint64_t i = 0; i < settings->count; i++)
		round->run(connection, settings, i);
	if (round->finish)
		round->finish(connection, settings);
	worker->end_ns = now_ns();
	worker->access->disconnect(connection);
	return NULL;
}

static void print_result(const struct access *access, const struct settings *settings,
			 uint64_t rpcs, const char *figures)
{
	printf("{\"round\":\"%s\",\"count\":%" PRIu64
	       ",\"clients\":%u,\"size\":%zu,\"rpcs\":%" PRIu64 ",%s,\"transport\":\"%s\"",
	       settings->round, settings->count, settings->clients, settings->size, rpcs, figures,
	       access->name ? access->name : settings->address);
	if (access->wrappers)
		printf(",\"wrapper\":\"%s\",\"protocol\":\"%s\"", settings->wrapper,
		       settings->protocol);
	puts("}");
}

/* What is made at the first use, and in C/GLib's generated code not safely by several threads. */
static void use_once(const struct access *access, const struct settings *settings,
		     const struct round *round)
{
	void *connection = access->connect(settings);

	round->run(connection, settings, settings->count);
	access->disconnect(connection);
}

/* Nobody waits for the others: a server may serve one client after the other. */
static void measure(const struct access *access, const struct settings *settings,
		    const struct round *round)
{
	struct worker *workers = calloc(settings->clients, sizeof(*workers));
	uint64_t begin_ns = UINT64_MAX, end_ns = 0;
	char figures[64];
	int error;

	if (!workers)
		errx(1, "out of memory");
	if (settings->clients > 1)
		use_once(access, settings, round);
	for (unsigned int i = 0; i < settings->clients; i++) {
		workers[i] = (struct worker){access, settings, round, 0, 0, 0};
		if (settings->clients == 1) {
			work(&workers[i]);
			continue;
		}
		error = pthread_create(&workers[i].thread, NULL, work, &workers[i]);
		if (error)
			errx(1, "cannot start a thread: %s", strerror(error));
	}
	for (unsigned int i = 0; i < settings->clients; i++) {
		if (settings->clients > 1)
			pthread_join(workers[i].thread, NULL);
		if (workers[i].begin_ns < begin_ns)
			begin_ns = workers[i].begin_ns;
		if (workers[i].end_ns > end_ns)
			end_ns = workers[i].end_ns;
	}
	free(workers);
	snprintf(figures, sizeof(figures), "\"ns\":%" PRIu64, end_ns - begin_ns);
	print_result(access, settings,
		     (settings->count * round->rpcs + !!round->finish) * settings->clients,
		     figures);
}

static int compare(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

static void measure_delays(const struct access *access, const struct settings *settings,
			   const struct round *round)
{
	uint64_t count = settings->count;
	int64_t *delays = calloc(count, sizeof(*delays));
	void *connection = access->connect(settings);
	double sum = 0;
	char figures[160];

	if (!delays)
		errx(1, "out of memory");
	round->delays(connection, settings, delays);
	access->disconnect(connection);
	for (uint64_t i = 0; i < count; i++)
		sum += delays[i];
	qsort(delays, count, sizeof(*delays), compare);
	snprintf(figures, sizeof(figures),
		 "\"interval_us\":%" PRIi64 ",\"mean_ns\":%.0f,\"p50_ns\":%" PRIi64
		 ",\"p99_ns\":%" PRIi64,
		 settings->interval_us, sum / count, delays[count / 2], delays[count * 99 / 100]);
	free(delays);
	print_result(access, settings, count * round->rpcs, figures);
}

int client_main(int argc, char **argv, const struct access *access, const struct client *client)
{
	struct settings settings = parse(argc, argv, access, client);
	const struct round *round = NULL;
	char address[64];
	void *connection;

	if (!settings.address && !access->name) {
		snprintf(address, sizeof(address), "stplr:%s", client->service);
		settings.address = address;
	}
	if (settings.round)
		round = find_round(argv[0], client, settings.round);
	if (!round) {
		connection = access->connect(&settings);
		client->show(connection, &settings);
		access->disconnect(connection);
	} else if (round->delays) {
		measure_delays(access, &settings, round);
	} else {
		measure(access, &settings, round);
	}
	if (fflush(stdout) || ferror(stdout))
		err(1, "standard output");
	return 0;
}
