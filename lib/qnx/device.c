// SPDX-License-Identifier: MIT
/* The device that everything goes through */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "descriptor.h"
#include "device.h"
#include "fork.h"
#include "stplr.h"
#include "verbose.h"

#define FEATURES_NEEDED (STPLR_FEATURE_MESSAGES | STPLR_FEATURE_PULSES)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int device = -1;
uint64_t device_features;
_Atomic unsigned device_changes;

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

static int device_open(void)
{
	struct stplr_version version;
	static atomic_flag said = ATOMIC_FLAG_INIT;
	unsigned number;
	char why[256];
	int fd, high;

	if (device_number(&number)) {
		explain(&said, "STPLR_DEVICE is to be like 1, stplr-1 or /dev/stplr-1");
		return -EINVAL;
	}
	fd = stplr_open_why(number, 0, why, sizeof(why));
	if (fd < 0) {
		explain(&said, "%s", why);
		return errno == ENOENT || errno == ENXIO ? -ENODEV : -errno;
	}
	if (stplr_version(fd, &version) ||
	    (version.features & FEATURES_NEEDED) != FEATURES_NEEDED) {
		explain(&said,
			"the module on device %u has no pulses: it is older than this library",
			number);
		close(fd);
		return -EPROTONOSUPPORT;
	}
	high = descriptor_copy(fd);
	if (high >= 0) {
		close(fd);
		fd = high;
	}
	device_features = version.features;
	fork_watch();
	return fd;
}

int device_get(void)
{
	int fd = device;

	if (fd >= 0)
		return fd;
	pthread_mutex_lock(&lock);
	fd = device;
	if (fd < 0) {
		fd = device_open();
		if (fd >= 0)
			device = fd;
	}
	pthread_mutex_unlock(&lock);
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
	pthread_mutex_lock(&lock);
	if (device == fd) {
		device = -1;
		device_changes++;
	}
	pthread_mutex_unlock(&lock);
	return device_get();
}

static void forget(void)
{
	if (device >= 0)
		close(device);
	device = -1;
}

__attribute__((constructor)) static void prepare(void)
{
	fork_take_part(FORK_DEVICE, &lock, forget);
}
