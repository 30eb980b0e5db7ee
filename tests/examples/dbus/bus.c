// SPDX-License-Identifier: MIT
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus.h"

/* The private bus: its folder, which only this user may enter, and its address. */
struct place {
	char folder[PATH_MAX];
	char address[PATH_MAX + 32];
};

static struct place private_place(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	struct place place;
	struct stat status;
	int length;

	if (runtime && *runtime)
		length = snprintf(place.folder, sizeof(place.folder), "%s/stplr-examples", runtime);
	else
		length = snprintf(place.folder, sizeof(place.folder), "/tmp/stplr-examples-%u",
				  (unsigned int)geteuid());
	if (length >= (int)sizeof(place.folder))
		errx(1, "XDG_RUNTIME_DIR is too long");
	if (mkdir(place.folder, 0700) && errno != EEXIST)
		err(1, "cannot make %s", place.folder);
	if (lstat(place.folder, &status))
		err(1, "%s", place.folder);
	if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() || status.st_mode & 022)
		errx(1, "%s is not a folder that only this user may write to: remove it",
		     place.folder);
	snprintf(place.address, sizeof(place.address), "unix:path=%s/bus", place.folder);
	return place;
}

static DBusConnection *connect_to(const char *address, DBusError *error)
{
	DBusConnection *bus = dbus_connection_open_private(address, error);

	if (!bus)
		return NULL;
	if (!dbus_bus_register(bus, error)) {
		dbus_connection_close(bus);
		dbus_connection_unref(bus);
		return NULL;
	}
	return bus;
}

/* Returns once the daemon listens; it dies with this process. */
static void start_daemon(const char *address)
{
	char option[PATH_MAX + 64], line[PATH_MAX + 128];
	FILE *printed;
	int ready[2];
	pid_t parent = getpid(), child;

	snprintf(option, sizeof(option), "--address=%s", address);
	if (pipe2(ready, O_CLOEXEC))
		err(1, "pipe");
	child = fork();
	if (child < 0)
		err(1, "fork");
	if (!child) {
		char print[32];

		/* If the parent has died before prctl() no signal will come. */
		if (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != parent)
			_exit(1);
		fcntl(ready[1], F_SETFD, 0);
		snprintf(print, sizeof(print), "--print-address=%d", ready[1]);
		execlp("dbus-daemon", "dbus-daemon", "--session", "--nofork", "--nopidfile",
		       "--nosyslog", option, print, NULL);
		err(1, "cannot run dbus-daemon (Debian's package dbus-daemon)");
	}
	close(ready[1]);
	printed = fdopen(ready[0], "r");
	if (!printed || !fgets(line, sizeof(line), printed))
		errx(1, "dbus-daemon did not start");
	fclose(printed);
}

static const char *public_address(const char *address)
{
	if (!address)
		address = getenv("DBUS_SESSION_BUS_ADDRESS");
	return address && *address ? address : NULL;
}

static DBusConnection *join_public(const char *address)
{
	DBusError error = DBUS_ERROR_INIT;
	DBusConnection *bus = connect_to(address, &error);

	if (!bus)
		errx(1, "no message bus at %s: %s", address, error.message);
	return bus;
}

DBusConnection *bus_join_or_start(const char *address)
{
	DBusError error = DBUS_ERROR_INIT;
	DBusConnection *bus;
	struct place place;
	char lock[PATH_MAX + 32];
	int fd;

	if (public_address(address))
		return join_public(public_address(address));
	place = private_place();
	snprintf(lock, sizeof(lock), "%s/lock", place.folder);
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX))
		err(1, "%s", lock);
	bus = connect_to(place.address, NULL);
	if (!bus) {
		start_daemon(place.address);
		bus = connect_to(place.address, &error);
	}
	if (!bus)
		errx(1, "no message bus at %s: %s", place.address, error.message);
	close(fd);
	return bus;
}

DBusConnection *bus_join(const char *address)
{
	DBusConnection *bus;
	struct place place;

	if (public_address(address))
		return join_public(public_address(address));
	place = private_place();
	bus = connect_to(place.address, NULL);
	if (!bus)
		errx(1, "no session bus, and no private one at %s: start a server first",
		     place.address);
	return bus;
}
