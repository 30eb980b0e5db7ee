// SPDX-License-Identifier: MIT
/*
 * A service on the bus: interfaces with methods, an object that has them, and the loop that answers
 *
 * Names and types are checked here, so that a method sees only calls that are well formed. Whatever
 * is wrong with a call becomes a D-Bus error to its caller, and the service lives on.
 */
#ifndef EXAMPLES_DBUS_SERVICE_H
#define EXAMPLES_DBUS_SERVICE_H

#include <dbus/dbus.h>

struct method {
	const char *name;
	const char *in;  /* signature of the arguments */
	const char *out; /* signature of the answer */
	/* The answer, or an error made of the call; the service sends and frees it. */
	DBusMessage *(*answer)(DBusMessage *call);
};

struct signal {
	const char *name;
	const char *signature;
};

struct interface {
	const char *name;
	const struct method *methods; /* up to one without a name */
	const struct signal *signals; /* likewise, or NULL */
};

/* Something besides calls that the service waits for. */
struct source {
	int fd;
	void (*ready)(DBusConnection *bus);
};

struct service {
	const char *name; /* on the bus */
	const struct interface *const *interfaces;
	const struct source *source; /* or NULL */
	/* Called once, on the bus, before the first message; or NULL. */
	void (*prepare)(DBusConnection *bus);
};

/* Serves until the bus ends, which ends the program; or says why it cannot. */
void service_run(DBusConnection *bus, const struct service *service);

/* Makes an answer of libdbus's types and variables, as dbus_message_append_args() takes them. */
DBusMessage *answer_with(DBusMessage *call, int first_type, ...);

/* libdbus reports a lack of memory; the examples end there. */
void *needed(void *memory);
void need(dbus_bool_t success);

#endif
