// SPDX-License-Identifier: GPL-2.0
/* The devices by number, for kernel code, which opens no files. */

#include <linux/nospec.h>

#include "core/device.h"

static struct stplr_device *stplr_devices[STPLR_DEVICES_MAX];

/* Before anybody else can use the module. */
void stplr_device_enter(struct stplr_device *device)
{
	stplr_devices[device->index] = device;
}

/* Nobody uses it any more, for who does holds the module. */
void stplr_device_leave(struct stplr_device *device)
{
	stplr_devices[device->index] = NULL;
}

/* /dev/stplr-@index, or NULL. */
struct stplr_device *stplr_device_find(unsigned int index)
{
	if (index >= STPLR_DEVICES_MAX)
		return NULL;
	return stplr_devices[array_index_nospec(index, STPLR_DEVICES_MAX)];
}
