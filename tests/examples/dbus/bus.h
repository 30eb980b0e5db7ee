// SPDX-License-Identifier: MIT
/*
 * Getting on a message bus
 *
 * Which one: the address given, else the session bus ($DBUS_SESSION_BUS_ADDRESS), else a private
 * dbus-daemon at an address of this user's, which the first server starts and which ends with it.
 */
#ifndef EXAMPLES_DBUS_BUS_H
#define EXAMPLES_DBUS_BUS_H

#include <dbus/dbus.h>

/* Both end the program with a line that says why if it cannot be done. */

/* Connects, after starting the private bus where it is the one and does not run. */
DBusConnection *bus_join_or_start(const char *address);

/* Connects to a bus that runs. */
DBusConnection *bus_join(const char *address);

#endif
