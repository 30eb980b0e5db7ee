// SPDX-License-Identifier: MIT
// Pulses, and the notices that come as such, as a test sees them.
#pragma once

#include <cstdint>

#include "support/calls.h"
#include "support/ipc.h"

// What came of a receive that may give a pulse.
struct ReceivedPulse {
	long result;
	stplr_msg_info info;
	stplr_pulse pulse;
};

// Receives pulses only, unless told otherwise by flags; does not wait unless told otherwise.
ReceivedPulse receive_pulse(int channel, int64_t deadline = STPLR_DEADLINE_POLL,
			    uint32_t flags = STPLR_RECEIVE_PULSE);

// The next pulse, for which it waits as long as a test does.
ReceivedPulse await_pulse(int channel);

stplr_pulse_send pulse_args(int code, uint64_t value = 0, int priority = STPLR_PRIORITY_OWN);
long pulse_send(int connection, const stplr_pulse_send &args);
long pulse_send(int connection, int code, uint64_t value = 0, int priority = STPLR_PRIORITY_OWN);
