/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/* What the driver "ticker" and the program "ticks" write into their ring. */
#ifndef TICKER_H
#define TICKER_H

#include <linux/types.h>

#define TICKER_NAME "ticker" /* of the ring set */

/* The bounds of a period, in microseconds, and of a tick's bytes. */
#define TICKER_PERIOD_MIN 50
#define TICKER_PERIOD_MAX 1000000
#define TICKER_SIZE_MIN 32
#define TICKER_SIZE_MAX 8192

/* The types of records. */
enum {
	/* program to driver */
	TICKER_START = 1, /* struct ticker_start; while it runs, too */
	TICKER_STOP,      /* no bytes; while it does not run, too */
	TICKER_DONE,      /* struct ticker_done */
	/* driver to program */
	TICKER_TICK,    /* struct ticker_tick, and bytes, all of them the number's lowest */
	TICKER_TIME,    /* struct ticker_time, for each TICKER_DONE */
	TICKER_STOPPED, /* struct ticker_tick, for each TICKER_STOP: no tick follows */
	TICKER_REFUSED, /* struct ticker_refused: what the program wrote makes no sense */
};

/**
 * struct ticker_start - what is wanted
 * @period: in microseconds
 * @size: of a tick, in bytes
 */
struct ticker_start {
	__u32 period;
	__u32 size;
};

/**
 * struct ticker_done - the program is through with a tick
 * @number: the tick's
 * @time: likewise
 */
struct ticker_done {
	__u64 number;
	__u64 time;
};

/**
 * struct ticker_tick - a tick, which an interrupt has written
 * @number: the first of a ring is 1
 * @dropped: ticks up to this one that found no room, for the program was behind; they have numbers
 * @time: of the interrupt, CLOCK_MONOTONIC
 * @reserved: 0
 */
struct ticker_tick {
	__u64 number;
	__u64 dropped;
	__u64 time;
	__u64 reserved;
};

/**
 * struct ticker_time - what a tick has taken
 * @number: the tick's
 * @ns: from its interrupt until the driver knew that the program was through with it
 */
struct ticker_time {
	__u64 number;
	__u64 ns;
};

/**
 * struct ticker_refused - and why
 * @type: of the record
 * @error: an errno
 */
struct ticker_refused {
	__u32 type;
	__u32 error;
};

#endif
