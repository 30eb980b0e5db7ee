// SPDX-License-Identifier: MIT
/* libstplr: pulses, and the events that end in one, in an eventfd's count or in a signal */
#include <sys/ioctl.h>

#include "stplr.h"

int stplr_pulse_send(int connection, struct stplr_pulse_send *args)
{
	return ioctl(connection, STPLR_PULSE_SEND, args);
}

int stplr_pulse(int connection, int priority, int code, uint64_t value)
{
	struct stplr_pulse_send args = {.value = value, .priority = priority, .code = code};

	return stplr_pulse_send(connection, &args);
}

int stplr_receive_pulse(int channel, struct stplr_pulse *pulse, struct stplr_msg_info *info)
{
	struct stplr_msg_receive args = {
		.buffer = {.addr = (uintptr_t)pulse, .len = sizeof(*pulse)},
		.deadline = STPLR_DEADLINE_NONE,
		.flags = STPLR_RECEIVE_PULSE,
	};

	if (stplr_msg_receive(channel, &args))
		return -1;
	if (info)
		*info = args.info;
	return 0;
}

int stplr_connect_notify(int connection, struct stplr_connect_notify *args)
{
	return ioctl(connection, STPLR_CONNECT_NOTIFY, args);
}

int stplr_event_register(int fd, struct stplr_event_register *args)
{
	return ioctl(fd, STPLR_EVENT_REGISTER, args);
}

int stplr_event_unregister(int fd, uint32_t id)
{
	return ioctl(fd, STPLR_EVENT_UNREGISTER, &id);
}

int stplr_event_deliver(int channel, struct stplr_event_deliver *args)
{
	return ioctl(channel, STPLR_EVENT_DELIVER, args);
}
