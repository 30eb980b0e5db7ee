// SPDX-License-Identifier: MIT
/*
 * Timers whose ticks are a signal to everybody
 *
 * A timer ends with the client that started it.
 */
#include <err.h>

#include "names.h"
#include "server.h"
#include "timers.h"

static DBusMessage *answer_start(DBusMessage *call)
{
	dbus_int64_t interval_us, id;

	need(dbus_message_get_args(call, NULL, DBUS_TYPE_INT64, &interval_us, DBUS_TYPE_INVALID));
	id = timers_start(dbus_message_get_sender(call), interval_us);
	return answer_with(call, DBUS_TYPE_INT64, &id, DBUS_TYPE_INVALID);
}

static DBusMessage *answer_stop(DBusMessage *call)
{
	dbus_int64_t id;

	need(dbus_message_get_args(call, NULL, DBUS_TYPE_INT64, &id, DBUS_TYPE_INVALID));
	if (!timers_stop(id))
		return needed(dbus_message_new_error_printf(
			call, ERROR_TIMER, "there is no timer %lld", (long long)id));
	return needed(dbus_message_new_method_return(call));
}

static void send_tick(const struct tick *tick, void *bus)
{
	DBusMessage *signal = needed(dbus_message_new_signal(OBJECT_PATH, TIMER_INTERFACE, "Tick"));
	dbus_int64_t id = tick->id, counter = tick->counter, abstime = tick->abstime_us;

	need(dbus_message_append_args(signal, DBUS_TYPE_INT64, &id, DBUS_TYPE_INT64, &counter,
				      DBUS_TYPE_INT64, &abstime, DBUS_TYPE_INVALID));
	need(dbus_connection_send(bus, signal, NULL));
	dbus_message_unref(signal);
}

static void on_due(DBusConnection *bus)
{
	timers_report(send_tick, bus);
}

static DBusHandlerResult forget_client(DBusConnection *bus, DBusMessage *message, void *user_data)
{
	const char *name, *before, *after;

	(void)bus;
	(void)user_data;
	if (dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged") &&
	    dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &before,
				  DBUS_TYPE_STRING, &after, DBUS_TYPE_INVALID) &&
	    !*after)
		timers_stop_all_of(name);
	return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

/* Once the service is on the bus. */
static void prepare(DBusConnection *bus)
{
	need(dbus_connection_add_filter(bus, forget_client, NULL, NULL));
	dbus_bus_add_match(bus,
			   "type='signal',sender='" DBUS_SERVICE_DBUS
			   "',interface='" DBUS_INTERFACE_DBUS "',member='NameOwnerChanged'",
			   NULL);
}

int main(int argc, char **argv)
{
	static const struct method methods[] = {
		{"Start", "x", "x", answer_start},
		{"Stop", "x", "", answer_stop},
		{0},
	};
	static const struct signal signals[] = {{"Tick", TICK_SIGNATURE}, {0}};
	static const struct interface timer_interface = {
		.name = TIMER_INTERFACE, .methods = methods, .signals = signals};
	static const struct interface *const interfaces[] = {&example_interface, &timer_interface,
							     NULL};
	struct source source = {.fd = timers_open(), .ready = on_due};
	struct service service = {.name = TIMER_INTERFACE,
				  .interfaces = interfaces,
				  .source = &source,
				  .prepare = prepare};

	return server_main(argc, argv, &service, "timer");
}
