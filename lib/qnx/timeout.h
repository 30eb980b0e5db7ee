/* SPDX-License-Identifier: MIT */
/* The timeout of the next call */
#ifndef STPLR_QNX_TIMEOUT_H
#define STPLR_QNX_TIMEOUT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/neutrino.h>
#include <time.h>

struct timeout {
	bool armed;
	int64_t send, receive, reply; /* deadlines, or STPLR_DEADLINE_NONE */
	clockid_t clock;
	struct sigevent notify; /* SIGEV_UNBLOCK: the call ends with ETIMEDOUT */
};

/* Takes the timeout that TimerTimeout() has set for this call; false if there is none. */
bool timeout_take(struct timeout *timeout);
/* For calls that no timeout is for: there is none for the next any more. */
void timeout_clear(void);

#endif
