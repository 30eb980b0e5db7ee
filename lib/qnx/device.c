// SPDX-License-Identifier: MIT
/* The device that everything goes through, and what a fork does to all that this library keeps. */
#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "connection.h"
#include "device.h"
#include "event.h"
#include "qnx.h"
#include "rcvid.h"
#include "service.h"
#include "timeout.h"
#include "timer.h"

/* So that programs that count on the lowest descriptors get them. */
#define DESCRIPTOR_LOW 200

#define FEATURES_NEEDED (STPLR_FEATURE_MESSAGES | STPLR_FEATURE_PULSES)

static pthread_mutex_t device_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int device = -1;
uint64_t device_features;
unsigned fork_count;

/* STPLR_DEVICE: "2", "stplr-2" or "/dev/stplr-2"; nothing: 0. */
static int device_number(unsigned *number)
{
	const char *text = secure_getenv("STPLR_DEVICE");
	char *end;

	*number = 0;
	if (!text || !*text)
		return 0;
	if (!strncmp(text, "/dev/", 5))
		text += 5;
	if (!strncmp(text, "stplr-", 6))
		text += 6;
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	*number = (unsigned)strtoul(text, &end, 10);
	return *end ? -EINVAL : 0;
}

/* A fork takes all locks first, so that the child finds nothing half done. */

static void fork_prepare(void)
{
	pthread_mutex_lock(&device_lock);
	pthread_mutex_lock(&channels_lock);
	pthread_mutex_lock(&connections_lock);
	pthread_mutex_lock(&events_lock);
	pthread_mutex_lock(&service_lock);
	fork_count++;
}

static void fork_unlock(void)
{
	pthread_mutex_unlock(&service_lock);
	pthread_mutex_unlock(&events_lock);
	pthread_mutex_unlock(&connections_lock);
	pthread_mutex_unlock(&channels_lock);
	pthread_mutex_unlock(&device_lock);
}

/* Channels, timers and events are the parent's; connections are shared. */
static void fork_child(void)
{
	service_forget();
	timers_forget();
	events_forget();
	rcvids_forget();
	channels_forget();
	connections_forget();
	timeout_clear();
	if (device >= 0)
		close(device);
	device = -1;
	fork_unlock();
}

static void register_fork(void)
{
	pthread_atfork(fork_prepare, fork_unlock, fork_child);
}

static int device_open(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct stplr_version version;
	unsigned number;
	int fd, high;

	if (device_number(&number))
		return -EINVAL;
	fd = stplr_open(number, 0);
	if (fd < 0)
		return errno == ENOENT || errno == ENXIO ? -ENODEV : -errno;
	if (stplr_version(fd, &version) ||
	    (version.features & FEATURES_NEEDED) != FEATURES_NEEDED) {
		close(fd);
		return -EPROTONOSUPPORT;
	}
	high = fcntl(fd, F_DUPFD_CLOEXEC, DESCRIPTOR_LOW);
	if (high >= 0) {
		close(fd);
		fd = high;
	}
	device_features = version.features;
	pthread_once(&once, register_fork);
	return fd;
}

int device_get(void)
{
	int fd = device;

	if (fd >= 0)
		return fd;
	pthread_mutex_lock(&device_lock);
	fd = device;
	if (fd < 0) {
		fd = device_open();
		if (fd >= 0)
			device = fd;
	}
	pthread_mutex_unlock(&device_lock);
	return fd;
}

int device_again(int error)
{
	struct stplr_version version;
	int fd = device, ret;

	if (error != EBADF && error != ENOTTY)
		return -error;
	/* A daemon closes all that it does not know, and opens something else there. */
	ret = stplr_version(fd, &version);
	if (!ret)
		return -error;
	pthread_mutex_lock(&device_lock);
	if (device == fd)
		device = -1;
	pthread_mutex_unlock(&device_lock);
	pthread_mutex_lock(&events_lock);
	events_forget();
	pthread_mutex_unlock(&events_lock);
	return device_get();
}
