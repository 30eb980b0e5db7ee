/* SPDX-License-Identifier: MIT */
/* The device */
#ifndef STPLR_QNX_DEVICE_H
#define STPLR_QNX_DEVICE_H

#include <stdint.h>

extern uint64_t device_features;
/* The device's descriptor, which is opened at need. */
int device_get(void);
/* The same after a call on it failed: opened anew if the program has closed it; or error. */
int device_again(int error);
/* How often that was so: what was registered with the device before is gone. */
extern _Atomic unsigned device_changes;

#endif
