/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/* What the driver "sensor" and the program "sensord" say to each other. */
#ifndef SENSOR_H
#define SENSOR_H

#include <linux/types.h>

#define SENSOR_NAME "sensor"   /* the driver serves */
#define SENSORD_NAME "sensord" /* the program serves */

/* The bounds of a period, in microseconds. */
#define SENSOR_PERIOD_MIN 100
#define SENSOR_PERIOD_MAX 1000000

enum {
	SENSOR_READING = 1, /* driver to program, posted: answered with a struct sensor_setting */
	SENSOR_ALARM,       /* driver to program, called: the status says what to do */
	SENSOR_ASK,         /* program to driver, called: answered with a struct sensor_reading */
};

/* What an alarm is answered with. */
enum {
	SENSOR_GO_ON,
	SENSOR_RESET, /* the value starts from 0 again */
};

/**
 * struct sensor_reading - a value, and every message begins with one
 * @what: SENSOR_READING, SENSOR_ALARM, SENSOR_ASK
 * @period: in microseconds
 * @number: the first is 1
 * @dropped: readings before this one that were not posted, as the program was behind
 * @value: it
 * @time: when it was taken, CLOCK_MONOTONIC
 */
struct sensor_reading {
	__u32 what;
	__u32 period;
	__u64 number;
	__u64 dropped;
	__s64 value;
	__u64 time;
};

/**
 * struct sensor_setting - what the program wants
 * @period: of readings, in microseconds; 0: as it is
 */
struct sensor_setting {
	__u32 period;
	__u32 reserved;
};

#endif
