/* SPDX-License-Identifier: MIT */
/* The process's own thread, which does what QNX's kernel would */
#ifndef STPLR_QNX_SERVICE_H
#define STPLR_QNX_SERVICE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/neutrino.h>

extern pthread_mutex_t service_lock;
/*
 * A number for an event that only the process itself can perform, which a pulse with that code over
 * service_connection() has it do; -EAGAIN when there are too many. It goes with the connection
 * owner, if that is not -1.
 */
int service_event_add(const struct sigevent *event, int owner);
void service_event_remove(int number);
void service_events_forget(int owner);
int service_connection(void);
/* Performs an event that often, now or as soon as it can be; with service_lock. */
void service_perform(const struct sigevent *event, unsigned long times);
/* Sends a pulse over a connection, the caller's, now or as soon as it can be: 0 or -errno. */
int service_send(int connection, int code, int value);
/* Has the thread call that when a timer's descriptor is ready; both with service_lock. */
int service_watch_timer(int fd, void (*expired)(unsigned timer), unsigned timer);
/* What the thread answers who connects to a name that is not its channel's own. */
#define REDIRECT_MAGIC 0x7374706c72716e78ULL
struct redirect {
	uint64_t magic;
	int32_t chid;     /* the channel, of the same process */
	uint32_t connect; /* it wants _IO_CONNECT first */
};

/* Has the thread answer who connects to this listening channel; it owns the descriptor. */
int service_redirect(int fd, int chid, bool connect);
void service_redirect_end(int fd);

#endif
