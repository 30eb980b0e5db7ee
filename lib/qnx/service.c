// SPDX-License-Identifier: MIT
/*
 * The library's own thread
 *
 * It is made when it is first needed, and does what must be done beside the program's threads:
 * pulses of timers, events that the kernel cannot perform, pulses that found a full queue and must
 * not be lost, and the answers of names that are not their channel's own. It blocks all signals,
 * and runs before all others where that is allowed, for its turns are short and timers are to be
 * exact. It waits in epoll, where everything has a descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/neutrino.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bytes.h"
#include "coid.h"
#include "device.h"
#include "fork.h"
#include "perform.h"
#include "result.h"
#include "service.h"
#include "stplr.h"
#include "thread.h"

#define LOCAL_MAX 128 /* codes of pulses */
#define REDIRECT_MAX 64
#define CLIENTS_MAX 64
#define RETRY_MS 1
#define PRIORITY 98

/* What a descriptor is for, in the upper half of epoll's data; the lower is the timer's number. */
enum { WATCH_WAKE, WATCH_CHANNEL, WATCH_TIMER, WATCH_NAME, WATCH_CLIENT };

/* Something that could not be done yet. */
struct pending {
	struct sigevent event;
	unsigned long times;
	bool close; /* the event's connection, after */
	struct pending *next;
};

struct local {
	struct sigevent event;
	bool used;
	int owner;
};

/* A name's listening channel, or one of its clients that has not asked yet; and what it is told. */
struct redirected {
	int fd; /* 0: free */
	struct redirect answer;
};

pthread_mutex_t service_lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static bool running;
static int epoll = -1, wake = -1, channel = -1, connection = -1;
static struct local locals[LOCAL_MAX];
static struct redirected redirects[REDIRECT_MAX];
static struct redirected clients[CLIENTS_MAX];
static unsigned next_client; /* where the next one goes; who is there still has had its time */
static struct pending *pendings;
static void (*timer_expired)(unsigned timer);

static int watch(int fd, unsigned kind, unsigned number)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)kind << 32 | number};

	return result_of(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

/* Doing what could not be done */

static int add_pending(const struct sigevent *event, unsigned long times, bool close)
{
	struct pending **last = &pendings, *entry;
	uint64_t one = 1;

	for (; (entry = *last); last = &entry->next) {
		if (!close && !entry->close && !memcmp(&entry->event, event, sizeof(*event))) {
			entry->times += times;
			return 0;
		}
	}
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->event = *event;
	entry->times = times;
	entry->close = close;
	*last = entry;
	if (write(wake, &one, sizeof(one)) < 0)
		one = 0; /* it is awake */
	return 0;
}

void service_perform(const struct sigevent *event, unsigned long times)
{
	for (; times; times--) {
		if (event_perform(event, event->sigev_value) == -EAGAIN) {
			add_pending(event, times, false);
			return;
		}
	}
}

static void perform_pending(void)
{
	struct pending **link = &pendings, *entry;
	int ret;

	while ((entry = *link)) {
		do
			ret = event_perform(&entry->event, entry->event.sigev_value);
		while (ret != -EAGAIN && --entry->times);
		if (ret == -EAGAIN) {
			link = &entry->next;
			continue;
		}
		if (entry->close)
			close(coid_fd(entry->event.sigev_coid));
		*link = entry->next;
		free(entry);
	}
}

/* The thread's turns */

static void take_pulses(void)
{
	struct stplr_pulse pulse;
	struct stplr_msg_receive args = {
		.buffer = bytes_at(&pulse, sizeof(pulse)),
		.flags = STPLR_RECEIVE_PULSE,
		.deadline = STPLR_DEADLINE_POLL,
	};
	struct sigevent event;

	while (!stplr_msg_receive(channel, &args)) {
		if (pulse.code < 0 || !locals[pulse.code].used)
			continue;
		event = locals[pulse.code].event;
		memcpy(&event.sigev_value, &pulse.value, sizeof(event.sigev_value));
		service_perform(&event, 1);
	}
}

static struct redirected *redirect_of(int fd)
{
	int i;

	for (i = 0; i < REDIRECT_MAX; i++)
		if (redirects[i].fd == fd)
			return &redirects[i];
	return NULL;
}

static void end_client(struct redirected *client)
{
	if (client->fd)
		close(client->fd);
	client->fd = 0;
}

/* Its question has come, or it has gone. */
static void answer_client(struct redirected *client)
{
	struct stplr_msg_receive receive = {.deadline = STPLR_DEADLINE_POLL};
	struct stplr_msg_reply reply = {.reply = bytes_at(&client->answer, sizeof(client->answer))};

	if (!client->fd)
		return; /* it was another's place meanwhile */
	if (!stplr_msg_receive(client->fd, &receive)) {
		reply.rcvid = receive.info.rcvid;
		stplr_msg_reply(client->fd, &reply);
	} else if (errno == EAGAIN) {
		return;
	}
	end_client(client);
}

static void accept_clients(int fd)
{
	struct stplr_channel_accept args = {.deadline = STPLR_DEADLINE_POLL};
	const struct redirected *name = redirect_of(fd);
	struct redirected *client;
	int accepted;

	if (!name)
		return; /* ended since */
	while ((accepted = stplr_channel_accept(fd, &args)) >= 0) {
		client = &clients[next_client++ % CLIENTS_MAX];
		end_client(client);
		*client = (struct redirected){.fd = accepted, .answer = name->answer};
		if (watch(accepted, WATCH_CLIENT, (unsigned)(client - clients)))
			end_client(client);
	}
}

static void prepare_thread(void)
{
	struct sched_param param = {.sched_priority = PRIORITY};
	struct rlimit limit;

	pthread_setname_np(pthread_self(), "stplr-qnx");
	if (!sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param))
		return;
	if (getrlimit(RLIMIT_RTPRIO, &limit) || !limit.rlim_cur)
		return;
	if (limit.rlim_cur < PRIORITY)
		param.sched_priority = (int)limit.rlim_cur;
	sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param);
}

static void *serve(void *unused)
{
	struct epoll_event events[16];
	uint64_t count;
	int n, i;

	(void)unused;
	prepare_thread();
	pthread_mutex_lock(&service_lock);
	for (;;) {
		int timeout = pendings ? RETRY_MS : -1;

		pthread_mutex_unlock(&service_lock);
		n = epoll_wait(epoll, events, sizeof(events) / sizeof(*events), timeout);
		pthread_mutex_lock(&service_lock);
		perform_pending();
		for (i = 0; i < n; i++) {
			unsigned number = (unsigned)events[i].data.u64;

			switch (events[i].data.u64 >> 32) {
			case WATCH_WAKE:
				while (read(wake, &count, sizeof(count)) > 0)
					;
				break;
			case WATCH_CHANNEL:
				take_pulses();
				break;
			case WATCH_TIMER:
				timer_expired(number);
				break;
			case WATCH_NAME:
				accept_clients((int)number);
				break;
			case WATCH_CLIENT:
				answer_client(&clients[number]);
				break;
			}
		}
	}
	return NULL;
}

static void close_all(void)
{
	int *fds[] = {&epoll, &wake, &channel, &connection}, saved = errno;
	size_t i;

	for (i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
	errno = saved;
}

/* With service_lock; the device is open already, where device_get() can be expected to succeed. */
static int start(void)
{
	struct stplr_channel_create options = {
		.flags = STPLR_CHANNEL_CREATOR | STPLR_CHANNEL_PRIVATE,
		.pulses = 1024,
	};
	int device = device_get(), ret;

	if (running)
		return 0;
	if (device < 0)
		return device;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	channel = stplr_channel_create(device, NULL, &options);
	if (channel >= 0)
		connection = stplr_connect_pid(device, 0, options.chid);
	if (epoll < 0 || wake < 0 || channel < 0 || connection < 0)
		ret = -errno;
	else if (!(ret = watch(wake, WATCH_WAKE, 0)) && !(ret = watch(channel, WATCH_CHANNEL, 0)))
		ret = thread_start(serve);
	if (ret)
		close_all();
	running = !ret;
	return ret;
}

int service_connection(void)
{
	int ret;

	device_get();
	pthread_mutex_lock(&service_lock);
	ret = start();
	if (!ret)
		ret = connection;
	pthread_mutex_unlock(&service_lock);
	return ret;
}

int service_event_add(const struct sigevent *event, int owner)
{
	int number;

	pthread_mutex_lock(&service_lock);
	for (number = 0; number < LOCAL_MAX && locals[number].used; number++)
		;
	if (number < LOCAL_MAX)
		locals[number] = (struct local){.event = *event, .used = true, .owner = owner};
	else
		number = -EAGAIN;
	pthread_mutex_unlock(&service_lock);
	return number;
}

void service_event_remove(int number)
{
	pthread_mutex_lock(&service_lock);
	if (number >= 0 && number < LOCAL_MAX)
		locals[number].used = false;
	pthread_mutex_unlock(&service_lock);
}

void service_events_forget(int owner)
{
	int number;

	pthread_mutex_lock(&service_lock);
	for (number = 0; number < LOCAL_MAX; number++)
		if (locals[number].used && locals[number].owner == owner)
			locals[number].used = false;
	pthread_mutex_unlock(&service_lock);
}

int service_send(int fd, int code, int value)
{
	struct sigevent event;
	int copy, ret;

	memset(&event, 0, sizeof(event));
	event.sigev_notify = SIGEV_PULSE;
	event.sigev_coid = fd;
	event.sigev_code = (short)code;
	event.sigev_priority = SIGEV_PULSE_PRIO_INHERIT;
	event.sigev_value.sival_int = value;
	ret = event_perform(&event, event.sigev_value);
	if (ret != -EAGAIN)
		return ret;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return -errno;
	event.sigev_coid = copy;
	pthread_mutex_lock(&service_lock);
	ret = start();
	if (!ret)
		ret = add_pending(&event, 1, true);
	pthread_mutex_unlock(&service_lock);
	if (ret)
		close(copy);
	return ret;
}

int service_watch_timer(int fd, void (*expired)(unsigned timer), unsigned timer)
{
	int ret = start();

	timer_expired = expired;
	return ret ? ret : watch(fd, WATCH_TIMER, timer);
}

int service_redirect(int fd, int chid, bool connect)
{
	struct redirect answer = {.magic = REDIRECT_MAGIC, .chid = chid, .connect = connect};
	struct redirected *free_one;
	int ret;

	device_get();
	pthread_mutex_lock(&service_lock);
	ret = start();
	free_one = redirect_of(0);
	if (!ret)
		ret = free_one ? watch(fd, WATCH_NAME, (unsigned)fd) : -EAGAIN;
	if (ret)
		close(fd);
	else
		*free_one = (struct redirected){.fd = fd, .answer = answer};
	pthread_mutex_unlock(&service_lock);
	return ret;
}

void service_redirect_end(int fd)
{
	struct redirected *name;

	pthread_mutex_lock(&service_lock);
	name = redirect_of(fd);
	if (name) {
		name->fd = 0;
		close(fd);
	}
	pthread_mutex_unlock(&service_lock);
}

/* In a child, which has no such thread. */
static void forget(void)
{
	struct pending *entry;
	int i;

	for (i = 0; i < REDIRECT_MAX; i++)
		if (redirects[i].fd)
			close(redirects[i].fd);
	memset(redirects, 0, sizeof(redirects));
	for (i = 0; i < CLIENTS_MAX; i++)
		end_client(&clients[i]);
	memset(locals, 0, sizeof(locals));
	while ((entry = pendings)) {
		pendings = entry->next;
		if (entry->close)
			close(coid_fd(entry->event.sigev_coid));
		free(entry);
	}
	close_all();
	running = false;
}

__attribute__((constructor)) static void prepare(void)
{
	fork_take_part(FORK_SERVICE, &service_lock, forget);
}
