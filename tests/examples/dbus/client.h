// SPDX-License-Identifier: MIT
/* What the four clients have in common: getting on the bus, making calls, the calls that each
 * service answers */
#ifndef EXAMPLES_DBUS_CLIENT_H
#define EXAMPLES_DBUS_CLIENT_H

#include <dbus/dbus.h>

#include "../common/measure.h"

/* The connection is a DBusConnection. */
extern const struct access dbus_access;

/* A call of a method of the service that has this interface (its bus name, too). */
DBusMessage *new_call(const char *service, const char *interface, const char *method);

/* Make the call and free it: the answer, or NULL with an error; or the answer, or the program's
 * end. */
DBusMessage *try_call(DBusConnection *bus, DBusMessage *call, DBusError *error);
DBusMessage *make_call(DBusConnection *bus, DBusMessage *call);

/* Sends a call that asks for no reply, and frees it. */
void send_call(DBusConnection *bus, DBusMessage *call);

/* Calls Name and Version, and checks them. */
void check_example(DBusConnection *bus, const char *service, const char *name);

/* Prints them. */
void show_example(DBusConnection *bus, const char *service);

#endif
