// SPDX-License-Identifier: GPL-2.0
/* The module's devices. */

#include "core/device.h"

struct stplr_device *stplr_devices[STPLR_DEVICES_MAX];
