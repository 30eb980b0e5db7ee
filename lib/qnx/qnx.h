/* SPDX-License-Identifier: MIT */
/*
 * libstplr-qnx: what its files share
 *
 * A call of QNX's is a call of libstplr's on a descriptor. In between are
 *
 *	coid	the connection's descriptor; with _NTO_SIDE_CHANNEL if it was asked for
 *(connection.c) chid	the kernel's number of the channel, which leads to its descriptor
 *(channel.c) rcvid	this library's number of a received message, which leads to the channel and
 *the kernel's rcvid, for calls such as MsgReply() name no channel (rcvid.c) scoid	the kernel's
 *number of the client process, marked so that none is a coid, too
 *
 * Functions that can fail return 0 or more, or the negative of an errno, as the calls with _r do.
 *
 * Locks, none of which is held while a call blocks, in the order in which two may be held:
 * device_lock, channels_lock, connections_lock, events_lock, service_lock. What every message needs
 * (channels, rcvids, timeouts) is found without locks, so that signal handlers may make calls.
 */
#ifndef STPLR_QNX_H
#define STPLR_QNX_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/neutrino.h>

#include "stplr.h"

/* What a call without _r makes of what the one with it returns. */
static inline int outcome(int result)
{
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}

/* What a call of libstplr's or the system's has returned, as this library passes it on. */
static inline int result_of(int returned)
{
	return returned < 0 ? -errno : returned;
}

/* device.c */

extern uint64_t device_features;
/* The device's descriptor, which is opened at need. */
int device_get(void);
/* The same after a call on it failed: opened anew if the program has closed it; or error. */
int device_again(int error);
/* How many forks lie behind this process, its own and its parents'. */
extern unsigned fork_count;

/* channel.c */

struct channel {
	_Atomic uint64_t state; /* serial number, users, whether it is alive */
	int fd;
	int chid;
	unsigned flags; /* _NTO_CHF_* */
	int death_fd;   /* with _NTO_CHF_THREAD_DEATH: a connection to it; or -1 */
	struct channel *next;
};

extern pthread_mutex_t channels_lock;
/* A channel that stays until channel_put(), or NULL. */
struct channel *channel_get(int chid);
/* The same for one that was seen before: NULL if it is another by now. */
struct channel *channel_get_again(struct channel *channel, uint32_t serial);
uint32_t channel_serial(const struct channel *channel);
void channel_put(struct channel *channel);
static inline void channel_put_at(struct channel **channel)
{
	if (*channel)
		channel_put(*channel);
}
#define AUTO_CHANNEL __attribute__((cleanup(channel_put_at))) struct channel *

/* ChannelCreate() with a name, which may be NULL, and a pool of that many pulses. */
int channel_create(unsigned flags, const char *name, unsigned pulses);
/* The next channel of the process with a number above chid, with a reference; or NULL. */
struct channel *channel_next(int chid);
/* A channel that is told of servers' ends, with a reference; or NULL. */
struct channel *channel_for_deaths(void);
void channels_forget(void);

/* connection.c */

/* Bits of scoids; no descriptor is that large. */
#define SCOID_MARK 0x20000000

static inline int coid_fd(int coid)
{
	return coid & ~_NTO_SIDE_CHANNEL;
}

extern pthread_mutex_t connections_lock;
/* A coid for a new connection, which is closed on failure. */
int connection_add(int fd, unsigned index, int flags);
/* Has all connections report to a channel that is told of servers' ends, or to none. */
void connections_report(struct channel *channel);
void connections_forget(void);

/* rcvid.c */

struct received {
	struct channel *channel; /* with a reference */
	int32_t rcvid;           /* the kernel's */
	uint32_t scoid;          /* the kernel's */
};

/* A number for a message that was received. */
int rcvid_add(struct channel *channel, const struct stplr_msg_info *info);
/* What a number stands for, with a reference to the channel: 0, -ESRCH. */
int rcvid_find(int rcvid, struct received *received);
/* The number that was given to the kernel's rcvid. */
int rcvid_of(struct channel *channel, int32_t kernel_rcvid);
/* The message was answered. */
void rcvid_remove(int rcvid);
/* The channel is gone. */
void rcvid_remove_channel(struct channel *channel);
/* To which client a number belonged, answered or not: 0 if that is forgotten. */
uint32_t rcvid_client(int rcvid, struct channel **channel, uint32_t *serial);
void rcvids_forget(void);

/* priority.c */

/* QNX's priority, 0 to 255 or -1 (the thread's own), as the kernel's; and back. */
int priority_to_kernel(int priority);
int priority_from_kernel(int priority);
/* The calling thread's, as the kernel's. */
int priority_own(void);

/* timeout.c */

struct timeout {
	bool armed;
	int64_t send, receive, reply; /* deadlines, or STPLR_DEADLINE_NONE */
	clockid_t clock;
	struct sigevent notify; /* SIGEV_UNBLOCK: the call ends with ETIMEDOUT */
};

/* Takes the timeout that TimerTimeout() has set for this call; false if there is none. */
bool timeout_take(struct timeout *timeout);
/* A timer that notifies otherwise than by ending the call: start and end it. */
int timeout_start(const struct timeout *timeout, int64_t deadline, timer_t *timer);
void timeout_end(timer_t timer);
/* For calls that no timeout is for: there is none for the next any more. */
void timeout_clear(void);

/* event.c */

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

/* service.c */

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
/* Sends a pulse over a connection, which it closes, until that succeeds. */
void service_send(int connection, int code, int value);
/* Has the thread watch a timer's descriptor; with service_lock. */
int service_watch_timer(int fd, unsigned timer);
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
void service_forget(void);

/* timer.c: called with service_lock */

void timer_expired(unsigned timer);
void timers_forget(void);

/* thread.c */

/* The calling thread may receive or send: its death is to be told. */
void thread_seen(void);

/* send.c */

/* Ends a message that the server has: 0 if it was answered meanwhile, or -1 and errno. */
int send_drop(int fd, struct stplr_msg_send *args);
/* Whether it is more than QNX takes, of one whose parts the kernel has been able to read. */
bool vector_overflows(const iov_t *iov, size_t parts);

/* cancel.c */

int cancellable_send(int connection, struct stplr_msg_send *args);
int cancellable_receive(int channel, struct stplr_msg_receive *args);

/* A vector is described by its address and the number of its parts. */
_Static_assert(sizeof(iov_t) == sizeof(struct stplr_iovec) &&
		       offsetof(iov_t, iov_len) == offsetof(struct stplr_iovec, len) &&
		       sizeof(struct _pulse) == sizeof(struct stplr_pulse),
	       "QNX's structures are those of programs with 64-bit pointers");

static inline struct stplr_buffer bytes_at(const void *address, size_t len)
{
	struct stplr_buffer buffer = {.addr = (uintptr_t)address, .len = len};

	return buffer;
}

#endif
