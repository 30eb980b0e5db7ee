/* SPDX-License-Identifier: MIT */
/* What an event says is done, in this process */
#ifndef STPLR_QNX_PERFORM_H
#define STPLR_QNX_PERFORM_H

#include <stdint.h>
#include <string.h>
#include <sys/neutrino.h>

/* Of a pulse's code the low 8 bits count. */
static inline int pulse_code(const struct sigevent *event)
{
	return (int8_t)event->sigev_code;
}

static inline uint64_t sigval_bits(union sigval value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

/* Does what an event says: 0 or -errno; -EAGAIN: later. */
int event_perform(const struct sigevent *event, union sigval value);

#endif
