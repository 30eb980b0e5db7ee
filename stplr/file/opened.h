/* SPDX-License-Identifier: GPL-2.0 */
/* An open device. */
#ifndef STPLR_FILE_OPENED_H
#define STPLR_FILE_OPENED_H

#include "core/device.h"

/**
 * struct stplr_opened - an open device
 * @device: which
 * @events: registered on it
 */
struct stplr_opened {
	struct stplr_device *device;
	struct stplr_event_owner events;
};

#endif /* STPLR_FILE_OPENED_H */
