/* SPDX-License-Identifier: MIT */
/* Events, in this process */
#ifndef STPLR_QNX_EVENT_H
#define STPLR_QNX_EVENT_H

#include <pthread.h>
#include <stdint.h>
#include <sys/neutrino.h>

extern pthread_mutex_t events_lock;
/* Of a pulse's code the low 8 bits count. */
static inline int pulse_code(const struct sigevent *event)
{
	return (int8_t)event->sigev_code;
}

/* Does what an event says, in this process: 0 or -errno; -EAGAIN: later. */
int event_perform(const struct sigevent *event, union sigval value);
/* The descriptor's connection is gone, or is another one. */
void events_forget_connection(int fd);
/* That thread of the process ends. */
void events_forget_thread(int tid);
/* What was registered on the device is gone; with events_lock. */
void events_forget(void);

#endif
