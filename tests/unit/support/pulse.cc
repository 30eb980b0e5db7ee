// SPDX-License-Identifier: MIT
#include "support/pulse.h"

#include <gtest/gtest.h>

#include "support/thread.h"

ReceivedPulse receive_pulse(int channel, int64_t deadline, uint32_t flags)
{
	ReceivedPulse received;
	poison(received.pulse);
	stplr_msg_receive args =
		receive_args(buffer(&received.pulse, sizeof(received.pulse)), deadline);
	args.flags = flags;
	args.clock = 1 /* CLOCK_MONOTONIC */;
	received.result = call(channel, STPLR_MSG_RECEIVE, &args);
	received.info = args.info;
	return received;
}

ReceivedPulse await_pulse(int channel)
{
	ReceivedPulse received = receive_pulse(channel, in_ms(kPatienceMs));
	EXPECT_EQ(0, received.result) << result_name(received.result);
	return received;
}

stplr_pulse_send pulse_args(int code, uint64_t value, int priority)
{
	stplr_pulse_send args = {};
	args.code = code;
	args.value = value;
	args.priority = priority;
	return args;
}

long pulse_send(int connection, const stplr_pulse_send &args)
{
	stplr_pulse_send copy = args;
	long result = call(connection, STPLR_PULSE_SEND, &copy);
	EXPECT_EQ(0, __builtin_memcmp(&copy, &args, sizeof(copy))) << "an input was changed";
	return result;
}

long pulse_send(int connection, int code, uint64_t value, int priority)
{
	return pulse_send(connection, pulse_args(code, value, priority));
}
