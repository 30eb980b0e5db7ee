// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "../../common/values.h"
#include "client.h"
#include "gen/timer.h"

static timer_id start(gpointer client, gint64 interval_us)
{
	GError *error = NULL;
	timer_id id;

	must(timer_client_start(client, &id, interval_us, &error), "start", error);
	if (id == NO_TIMER)
		wrong_reply("start");
	return id;
}

static void stop(gpointer client, timer_id id)
{
	GError *error = NULL;

	must(timer_client_stop(client, id, &error), "stop", error);
}

static void delays(void *connection, const struct settings *settings, int64_t *delays)
{
	gpointer client = client_of(connection, TYPE_TIMER_CLIENT);
	timer_id id = start(client, settings->interval_us);

	for (uint64_t i = 0; i < settings->count; i++) {
		timestamp *tick = g_object_new(TYPE_TIMESTAMP, NULL);
		GError *error = NULL;

		must(timer_client_tick(client, &tick, id, &error), "tick", error);
		delays[i] = (int64_t)now_ns() - tick->abstime * 1000;
		if (tick->counter != (gint64)i + 1)
			wrong_reply("tick");
		g_object_unref(tick);
	}
	stop(client, id);
}

static void show(void *connection, const struct settings *settings)
{
	gpointer client = client_of(connection, TYPE_TIMER_CLIENT);
	timestamp *tick = g_object_new(TYPE_TIMESTAMP, NULL);
	timer_id id;
	GError *error = NULL;

	(void)settings;
	show_example(client);
	id = start(client, 100000);
	printf("timer %" G_GINT64_FORMAT " started: 100 ms\n", id);
	for (int i = 0; i < 5; i++) {
		must(timer_client_tick(client, &tick, id, &error), "tick", error);
		printf("tick %" G_GINT64_FORMAT " at %" G_GINT64_FORMAT " us\n", tick->counter,
		       tick->abstime);
	}
	stop(client, id);
	printf("timer %" G_GINT64_FORMAT " stopped\n", id);
	show_failure(timer_client_tick(client, &tick, id, &error), "tick of a stopped timer",
		     &error);
	g_object_unref(tick);
}

int main(int argc, char **argv)
{
	static const struct round rounds[] = {
		{.name = "delay", .rpcs = 1, .delays = delays},
		{0},
	};
	static const struct client client = {.service = "timer", .rounds = rounds, .show = show};

	return client_main(argc, argv, &thrift_access, &client);
}
