// SPDX-License-Identifier: MIT
/*
 * Events
 *
 * A server can notify a client only by what the client has registered with the kernel, which gives
 * the event a number. QNX's programs need not register: they make an event and send it in a
 * message. So the initialisers register what they make, for every server that the process has a
 * connection to, and keep the number in the event, where the server's library finds it. The value
 * is the server's to send along, so that events which differ in it alone are one to the kernel.
 * What is registered so is kept and used again, until the connection or thread that it notifies
 * goes. What else the program changes in an event is not what the kernel was told: a sum in the
 * event tells the server's library.
 *
 * MsgRegisterEvent() registers an event for one server, as it is.
 *
 * What the kernel cannot do (threads, semaphores, signals with a code) is a pulse to this library's
 * own thread, which does it.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/neutrino.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "channels.h"
#include "coid.h"
#include "device.h"
#include "event.h"
#include "fork.h"
#include "perform.h"
#include "priority.h"
#include "rcvid.h"
#include "result.h"
#include "service.h"
#include "stplr.h"
#include "thread.h"
#include "timeout.h"

/* In place of __sigev_local: the kernel or this library has no room for the event. */
#define NO_ROOM (-1)

/* What makes one event another to the kernel. */
struct content {
	int type, id, code, priority, thread;
	const void *function, *attributes;
};

struct known {
	struct content content;
	uint32_t event; /* the kernel's number */
	int local;      /* service_event_add()'s, or -1 */
	struct known *next;
};

static pthread_mutex_t events_lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static unsigned changes;     /* device_changes, when what is known was registered */
static struct known **lists; /* by their contents' sums */
static unsigned nr_lists, nr_known;

/* What was registered on the device is gone. */
static void forget_all(void)
{
	struct known *entry;
	unsigned i;

	for (i = 0; i < nr_lists; i++) {
		while ((entry = lists[i])) {
			lists[i] = entry->next;
			free(entry);
		}
	}
	nr_known = 0;
}

static void lock_events(void)
{
	pthread_mutex_lock(&events_lock);
	if (changes != device_changes)
		forget_all();
	changes = device_changes;
}

static uint32_t sum_of(const void *address, size_t len)
{
	const unsigned char *bytes = address;
	uint32_t sum = 2166136261U; /* FNV-1a */

	while (len--)
		sum = (sum ^ *bytes++) * 16777619U;
	return sum;
}

/* Of all that is the kernel's to know; the value and the flags may be changed. */
static uint32_t check_of(const struct sigevent *event)
{
	int words[6] = {SIGEV_GET_TYPE(event), event->sigev_id};

	memcpy(words + 2, event->__sigev_room, sizeof(event->__sigev_room));
	return sum_of(words, sizeof(words));
}

static void content_of(const struct sigevent *event, struct content *content)
{
	memset(content, 0, sizeof(*content));
	content->type = SIGEV_GET_TYPE(event);
	switch (content->type) {
	case SIGEV_PULSE:
		content->priority = event->sigev_priority == SIGEV_PULSE_PRIO_INHERIT
					    ? priority_own()
					    : priority_to_kernel(event->sigev_priority);
		content->code = pulse_code(event);
		content->id = event->sigev_coid;
		break;
	case SIGEV_SIGNAL_CODE:
		content->code = event->sigev_code;
		/* fall through */
	case SIGEV_SIGNAL:
		content->id = event->sigev_signo;
		break;
	case SIGEV_SIGNAL_THREAD:
		content->code = event->sigev_code;
		content->id = event->sigev_signo;
		content->thread = event->__sigev_thread;
		break;
	case SIGEV_THREAD:
		content->function = (const void *)event->sigev_notify_function;
		content->attributes = event->sigev_notify_attributes;
		break;
	case SIGEV_SEM:
		content->function = event->sigev_semaphore;
		break;
	}
}

static bool deliverable(int type)
{
	return type == SIGEV_PULSE || type == SIGEV_SIGNAL || type == SIGEV_SIGNAL_CODE ||
	       type == SIGEV_SIGNAL_THREAD || type == SIGEV_THREAD || type == SIGEV_SEM;
}

/* Fills what the kernel is to do; one that only the process can do gets a number in *local. */
static int describe(const struct sigevent *event, const struct content *content, int owner,
		    struct stplr_event_register *args, int *local)
{
	args->fd = -1;
	switch (content->type) {
	case SIGEV_PULSE:
		args->type = STPLR_EVENT_PULSE;
		args->fd = coid_fd(content->id);
		args->priority = content->priority;
		args->code = content->code;
		return 0;
	case SIGEV_SIGNAL:
		if (sigval_bits(event->sigev_value))
			break; /* the kernel would not put it into si_value */
		args->type = STPLR_EVENT_SIGNAL;
		args->signo = content->id;
		return 0;
	case SIGEV_SIGNAL_THREAD:
		if (content->code > 0 || content->thread != (int)syscall(SYS_gettid))
			break;
		args->type = STPLR_EVENT_SIGNAL_THREAD;
		args->signo = content->id;
		args->code = content->code;
		return 0;
	}
	args->type = STPLR_EVENT_PULSE;
	args->fd = service_connection();
	if (args->fd < 0)
		return args->fd;
	args->priority = priority_own();
	*local = service_event_add(event, owner);
	args->code = *local;
	return *local < 0 ? *local : 0;
}

/* Registers with fd, a connection or the device. */
static int register_with(int fd, int owner, const struct sigevent *event,
			 const struct content *content, bool update, uint32_t *id, int *local)
{
	struct stplr_event_register args = {.flags = update ? STPLR_EVENT_UPDATE : 0};
	int ret;

	*local = -1;
	ret = describe(event, content, owner, &args, local);
	if (ret)
		return ret;
	if (!update)
		args.value = sigval_bits(event->sigev_value);
	ret = result_of(stplr_event_register(fd, &args));
	if (ret && *local >= 0)
		service_event_remove(*local);
	*id = args.id;
	return ret;
}

static struct known **list_of(const struct content *content)
{
	return &lists[sum_of(content, sizeof(*content)) % nr_lists];
}

/* Keeps the lists short; false: there are none. */
static bool make_lists(void)
{
	unsigned size = nr_lists ? nr_lists * 2 : 64, before = nr_lists, i;
	struct known **made, **old = lists, **list, *entry;

	if (nr_known < nr_lists)
		return true;
	made = calloc(size, sizeof(*made));
	if (!made)
		return nr_lists;
	lists = made;
	nr_lists = size;
	for (i = 0; i < before; i++) {
		while ((entry = old[i])) {
			old[i] = entry->next;
			list = list_of(&entry->content);
			entry->next = *list;
			*list = entry;
		}
	}
	free(old);
	return true;
}

static struct known *find(const struct content *content)
{
	struct known *entry;

	for (entry = *list_of(content); entry; entry = entry->next)
		if (!memcmp(&entry->content, content, sizeof(*content)))
			break;
	return entry;
}

/* Registers what was not seen yet: 0 or -errno. */
static int add(int device, const struct sigevent *event, const struct content *content,
	       struct known **added)
{
	struct known *entry = malloc(sizeof(*entry)), **list = list_of(content);
	int ret;

	if (!entry)
		return -ENOMEM;
	ret = register_with(device, -1, event, content, true, &entry->event, &entry->local);
	if (ret) {
		free(entry);
		return ret;
	}
	memcpy(&entry->content, content, sizeof(*content));
	entry->next = *list;
	*list = entry;
	nr_known++;
	*added = entry;
	return 0;
}

/* With events_lock. */
static int know(int device, const struct sigevent *event, const struct content *content,
		struct known **known)
{
	if (!make_lists())
		return -ENOMEM;
	*known = find(content);
	return *known ? 0 : add(device, event, content, known);
}

/* Lets every server notify the process so; without a device nobody can. */
static void allow(struct sigevent *event)
{
	int device = device_get(), saved = errno, type = SIGEV_GET_TYPE(event), ret;
	struct content content;
	struct known *entry;

	event->__sigev_event = 0;
	if (device < 0 || !deliverable(type))
		return;
	content_of(event, &content);
	/* kept apart, for the kernel does it without a value only */
	if (type == SIGEV_SIGNAL)
		content.code = sigval_bits(event->sigev_value) != 0;
	lock_events();
	ret = know(device, event, &content, &entry);
	if (!ret)
		event->__sigev_event = entry->event;
	pthread_mutex_unlock(&events_lock);
	event->__sigev_check = check_of(event);
	/* an initialiser cannot fail: MsgDeliverEvent() tells */
	if (ret == -EDQUOT || ret == -ENOMEM || ret == -EAGAIN)
		event->__sigev_local = NO_ROOM;
	errno = saved;
}

static void forget(struct known *entry)
{
	int device = device_get();

	if (device >= 0)
		stplr_event_unregister(device, entry->event);
	if (entry->local >= 0)
		service_event_remove(entry->local);
	free(entry);
	nr_known--;
}

/* Those that notify the connection of that descriptor, or that thread. */
static void forget_those_of(int type, int number)
{
	struct known **link, *entry;
	unsigned i;

	for (i = 0; i < nr_lists; i++) {
		for (link = &lists[i]; (entry = *link);) {
			const struct content *content = &entry->content;

			if (content->type == type &&
			    number == (type == SIGEV_PULSE ? coid_fd(content->id)
							   : content->thread)) {
				*link = entry->next;
				forget(entry);
			} else {
				link = &entry->next;
			}
		}
	}
}

void events_forget_connection(int fd)
{
	int saved = errno;

	lock_events();
	forget_those_of(SIGEV_PULSE, fd);
	pthread_mutex_unlock(&events_lock);
	service_events_forget(fd);
	errno = saved;
}

static void forget_thread(int tid)
{
	lock_events();
	forget_those_of(SIGEV_SIGNAL_THREAD, tid);
	pthread_mutex_unlock(&events_lock);
}

/* The initialisers of <sys/siginfo.h> */

static void start(struct sigevent *event, int type)
{
	memset(event, 0, sizeof(*event));
	event->sigev_notify = type;
}

void stplr_qnx_sigevent(struct sigevent *event, int type, int id, int code, int priority,
			long value)
{
	start(event, type);
	event->sigev_signo = id;
	event->sigev_code = (short)code;
	event->sigev_priority = (short)priority;
	event->sigev_value.sival_long = value;
	if (type == SIGEV_SIGNAL_THREAD) {
		event->__sigev_thread = (int)syscall(SYS_gettid);
		thread_seen(); /* forget_thread() */
	}
	allow(event);
}

void stplr_qnx_sigevent_thread(struct sigevent *event, void (*function)(union sigval), long value,
			       pthread_attr_t *attributes)
{
	start(event, SIGEV_THREAD);
	event->sigev_notify_function = function;
	event->sigev_notify_attributes = attributes;
	event->sigev_value.sival_long = value;
	allow(event);
}

void stplr_qnx_sigevent_semaphore(struct sigevent *event, void *semaphore)
{
	start(event, SIGEV_SEM);
	event->sigev_semaphore = semaphore;
	allow(event);
}

/* The server's side */

static int deliver_on(struct channel *channel, uint32_t scoid, const struct sigevent *event)
{
	struct stplr_event_deliver args = {.id = event->__sigev_event, .scoid = scoid};

	/* One that was registered as it is keeps its value. */
	if (!(event->sigev_notify & SIGEV_FLAG_HANDLE) ||
	    event->sigev_notify & SIGEV_FLAG_UPDATEABLE) {
		args.flags = STPLR_DELIVER_VALUE;
		args.value = sigval_bits(event->sigev_value);
	}
	return result_of(stplr_event_deliver(channel->fd, &args));
}

static bool client_gone(struct channel *channel, uint32_t scoid)
{
	struct stplr_client_info info = {.scoid = scoid};

	return stplr_client_info(channel->fd, &info) && errno == ESRCH;
}

/* The rcvid tells the channel and the client, unless it is forgotten: then any channel will do. */
static int deliver(int rcvid, const struct sigevent *event)
{
	struct channel *channel = NULL;
	uint32_t serial, scoid = rcvid_client(rcvid, &channel, &serial);
	int ret = -ESRCH, chid = 0;

	if (scoid) {
		channel = channel_get_again(channel, serial);
		if (!channel)
			return -ESRCH;
		ret = deliver_on(channel, scoid, event);
		if (ret == -EACCES && client_gone(channel, scoid))
			ret = -ESRCH;
		channel_put(channel);
		return ret;
	}
	while ((channel = channel_next(chid))) {
		ret = deliver_on(channel, 0, event);
		chid = channel->chid;
		channel_put(channel);
		if (ret != -EACCES && ret != -ENOENT)
			break;
	}
	return ret;
}

/*
 * Whether the kernel knows the event as it is: 0 or an error. It does not know one that was made
 * without an initialiser, or where there is no device, or was changed since. MsgRegisterEvent()'s
 * is what it was then, whatever it says now.
 */
static int known_so(const struct sigevent *event)
{
	if (event->sigev_notify & SIGEV_FLAG_HANDLE)
		return event->__sigev_event ? 0 : -EINVAL;
	if (event->__sigev_check != check_of(event))
		return -EINVAL;
	if (event->__sigev_event)
		return 0;
	return event->__sigev_local == NO_ROOM ? -EAGAIN : -EINVAL;
}

void (*event_file_ready)(uint32_t file);

int MsgDeliverEvent_r(rcvid_t rcvid, const struct sigevent *event)
{
	int type, ret, saved = errno;

	timeout_clear();
	if (!event)
		return -EFAULT;
	type = SIGEV_GET_TYPE(event);
	if (type == SIGEV_FILE_READY && event_file_ready) {
		event_file_ready((uint32_t)event->sigev_value.sival_int);
		return 0;
	}
	if (rcvid < 0 || (!deliverable(type) && type != SIGEV_NONE))
		return -EINVAL;
	if (type == SIGEV_NONE)
		return 0;
	if (rcvid)
		ret = known_so(event);
	else
		ret = event_perform(event, event->sigev_value);
	if (rcvid && !ret)
		ret = deliver(rcvid, event);
	errno = saved;
	return ret == -ENOENT ? -ESRCH : ret;
}

int MsgDeliverEvent(rcvid_t rcvid, const struct sigevent *event)
{
	return outcome(MsgDeliverEvent_r(rcvid, event));
}

int MsgVerifyEvent_r(rcvid_t rcvid, const struct sigevent *event)
{
	struct stplr_connect_info info;
	struct received received;
	int type, ret;

	timeout_clear();
	if (!event)
		return -EFAULT;
	type = SIGEV_GET_TYPE(event);
	if (type < SIGEV_NONE || type > SIGEV_SEM)
		return -EINVAL;
	if ((type == SIGEV_SIGNAL || type == SIGEV_SIGNAL_CODE || type == SIGEV_SIGNAL_THREAD) &&
	    (event->sigev_signo < 1 || event->sigev_signo > SIGRTMAX))
		return -EINVAL;
	if (rcvid) {
		ret = rcvid_find(rcvid, &received);
		if (!ret)
			channel_put(received.channel);
		return ret;
	}
	if (type != SIGEV_PULSE)
		return 0;
	if (stplr_connect_info(coid_fd(event->sigev_coid), &info))
		return -ESRCH;
	return info.flags & STPLR_CONNECT_ENDED ? -EBADF : 0;
}

int MsgVerifyEvent(rcvid_t rcvid, const struct sigevent *event)
{
	return outcome(MsgVerifyEvent_r(rcvid, event));
}

/* Registering for one server */

int MsgRegisterEvent_r(struct sigevent *event, int coid)
{
	int fd = coid == -1 ? device_get() : coid_fd(coid), saved = errno, local, ret;
	struct content content;
	uint32_t id;

	timeout_clear();
	if (!event)
		return -EFAULT;
	if (fd < 0)
		return coid == -1 ? fd : -EBADF;
	if (!deliverable(SIGEV_GET_TYPE(event)))
		return -EINVAL;
	if (SIGEV_GET_TYPE(event) == SIGEV_SIGNAL_THREAD && !event->__sigev_thread)
		event->__sigev_thread = (int)syscall(SYS_gettid);
	content_of(event, &content);
	ret = register_with(fd, fd, event, &content, event->sigev_notify & SIGEV_FLAG_UPDATEABLE,
			    &id, &local);
	errno = saved;
	if (ret)
		return ret == -ENOTTY ? -EBADF : ret == -EDQUOT ? -EAGAIN : ret;
	event->sigev_notify |= SIGEV_FLAG_HANDLE;
	event->__sigev_event = id;
	event->__sigev_registrar = coid == -1 ? -1 : fd;
	event->__sigev_local = local + 1;
	return 0;
}

int MsgRegisterEvent(struct sigevent *event, int coid)
{
	return outcome(MsgRegisterEvent_r(event, coid));
}

int MsgUnregisterEvent_r(const struct sigevent *event)
{
	int fd, saved = errno, ret;

	timeout_clear();
	if (!event)
		return -EFAULT;
	if (!(event->sigev_notify & SIGEV_FLAG_HANDLE))
		return -ESRCH;
	fd = event->__sigev_registrar == -1 ? device_get() : event->__sigev_registrar;
	ret = result_of(stplr_event_unregister(fd, event->__sigev_event));
	if (!ret && event->__sigev_local > 0)
		service_event_remove(event->__sigev_local - 1);
	errno = saved;
	return ret ? -ESRCH : 0;
}

int MsgUnregisterEvent(const struct sigevent *event)
{
	return outcome(MsgUnregisterEvent_r(event));
}

__attribute__((constructor)) static void prepare(void)
{
	static struct thread_end end = {.function = forget_thread};

	fork_take_part(FORK_EVENTS, &events_lock, forget_all);
	thread_at_end(&end);
}
