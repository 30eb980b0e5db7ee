// SPDX-License-Identifier: MIT
/* MsgSendPulse() */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/neutrino.h>

#include "coid.h"
#include "priority.h"
#include "result.h"
#include "stplr.h"
#include "timeout.h"

static int send_pulse(int coid, int priority, int code, union sigval value)
{
	int saved = errno, ret;
	uint64_t bits;

	timeout_clear();
	if (priority < -1 || priority > 255 || code < INT8_MIN || code > INT8_MAX)
		return -EINVAL;
	memcpy(&bits, &value, sizeof(value));
	ret = result_of(stplr_pulse(coid_fd(coid), priority_to_kernel(priority), code, bits));
	errno = saved;
	switch (ret) {
	case -ENOTTY:
		return -EBADF;
	case -ENOMEM:
	case -ENOBUFS:
		return -EAGAIN;
	}
	return ret;
}

int MsgSendPulse_r(int coid, int priority, int code, int value)
{
	union sigval bits;

	memset(&bits, 0, sizeof(bits));
	bits.sival_int = value;
	return send_pulse(coid, priority, code, bits);
}

int MsgSendPulse(int coid, int priority, int code, int value)
{
	return outcome(MsgSendPulse_r(coid, priority, code, value));
}

int MsgSendPulsePtr_r(int coid, int priority, int code, void *value)
{
	union sigval bits = {.sival_ptr = value};

	return send_pulse(coid, priority, code, bits);
}

int MsgSendPulsePtr(int coid, int priority, int code, void *value)
{
	return outcome(MsgSendPulsePtr_r(coid, priority, code, value));
}
