// SPDX-License-Identifier: MIT
#include <err.h>
#include <inttypes.h>
#include <stdio.h>

#include "client.h"
#include "names.h"
#include "service.h"

struct tick {
	dbus_int64_t id, counter, abstime_us;
};

static DBusMessage *call_of(const char *method, dbus_int64_t argument)
{
	DBusMessage *call = new_call(TIMER_INTERFACE, TIMER_INTERFACE, method);

	need(dbus_message_append_args(call, DBUS_TYPE_INT64, &argument, DBUS_TYPE_INVALID));
	return call;
}

static dbus_int64_t start(DBusConnection *bus, dbus_int64_t interval_us)
{
	DBusMessage *answer;
	dbus_int64_t id;

	dbus_bus_add_match(bus, "type='signal',interface='" TIMER_INTERFACE "',member='Tick'",
			   NULL);
	answer = make_call(bus, call_of("Start", interval_us));
	if (!dbus_message_get_args(answer, NULL, DBUS_TYPE_INT64, &id, DBUS_TYPE_INVALID))
		wrong_reply("start");
	dbus_message_unref(answer);
	return id;
}

static void stop(DBusConnection *bus, dbus_int64_t id)
{
	dbus_message_unref(make_call(bus, call_of("Stop", id)));
}

/* The next tick of the timer; those of others are passed over. */
static struct tick wait_for_tick(DBusConnection *bus, dbus_int64_t id)
{
	struct tick tick;

	for (;;) {
		DBusMessage *message = dbus_connection_pop_message(bus);
		dbus_bool_t mine;

		if (!message) {
			if (!dbus_connection_read_write(bus, -1))
				errx(1, "the message bus has ended");
			continue;
		}
		mine = dbus_message_is_signal(message, TIMER_INTERFACE, "Tick") &&
		       dbus_message_get_args(message, NULL, DBUS_TYPE_INT64, &tick.id,
					     DBUS_TYPE_INT64, &tick.counter, DBUS_TYPE_INT64,
					     &tick.abstime_us, DBUS_TYPE_INVALID) &&
		       tick.id == id;
		dbus_message_unref(message);
		if (mine)
			return tick;
	}
}

static void delays(void *bus, const struct settings *settings, int64_t *delays)
{
	dbus_int64_t id = start(bus, settings->interval_us), counter = 0;

	for (uint64_t i = 0; i < settings->count; i++) {
		struct tick tick = wait_for_tick(bus, id);

		delays[i] = (int64_t)now_ns() - tick.abstime_us * 1000;
		if (tick.counter <= counter)
			wrong_reply("tick");
		counter = tick.counter;
	}
	stop(bus, id);
}

static void show(void *bus, const struct settings *settings)
{
	DBusError error = DBUS_ERROR_INIT;
	dbus_int64_t id;

	(void)settings;
	show_example(bus, TIMER_INTERFACE);
	id = start(bus, 100000);
	printf("timer %" PRIi64 " started: 100 ms\n", (int64_t)id);
	for (int i = 0; i < 5; i++) {
		struct tick tick = wait_for_tick(bus, id);

		printf("tick %" PRIi64 " at %" PRIi64 " us\n", (int64_t)tick.counter,
		       (int64_t)tick.abstime_us);
	}
	stop(bus, id);
	printf("timer %" PRIi64 " stopped\n", (int64_t)id);
	if (try_call(bus, call_of("Stop", id), &error))
		errx(1, "a stopped timer was stopped again");
	printf("Stop %" PRIi64 ": %s: %s\n", (int64_t)id, error.name, error.message);
	dbus_error_free(&error);
}

int main(int argc, char **argv)
{
	static const struct round rounds[] = {
		{.name = "delay", .rpcs = 1, .delays = delays},
		{0},
	};
	static const struct client client = {.service = "timer", .rounds = rounds, .show = show};

	return client_main(argc, argv, &dbus_access, &client);
}
