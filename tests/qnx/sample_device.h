/* SPDX-License-Identifier: MIT */
/* The sample device's commands */
#ifndef SAMPLE_DEVICE_H
#define SAMPLE_DEVICE_H

#include <devctl.h>

#define SAMPLE_WRITES __DIOF(_DCMD_MISC, 1, int) /* how often it was written */
#define SAMPLE_ADD __DIOTF(_DCMD_MISC, 2, int)   /* adds to that */
#define SAMPLE_FORGET __DION(_DCMD_MISC, 3)

#endif
