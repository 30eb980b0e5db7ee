// SPDX-License-Identifier: MIT
/*
 * Notifying clients of a file's conditions
 *
 * Three lists: who waits for input, for output, for what is out of band. A client is notified once,
 * when at least so many bytes are there, and then asks again. A client that polls the file by the
 * system has one place in each list, however often it asks.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/iofunc.h>

#include "event.h"

#define CONDITIONS 3

struct _iofunc_notify_event {
	int rcvid, scoid, coid;
	int count; /* of bytes that it waits for */
	struct sigevent event;
	struct _iofunc_notify_event *next;
};

/* For all lists: who adds and who triggers may be different threads. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const int conditions[CONDITIONS] = {
	(int)_NOTIFY_COND_INPUT,
	(int)_NOTIFY_COND_OUTPUT,
	(int)_NOTIFY_COND_OBAND,
};

/* A program may have set its lists to 0 only. */
static void count_least(iofunc_notify_t *notify)
{
	struct _iofunc_notify_event *event;

	notify->cnt = INT_MAX;
	for (event = notify->list; event; event = event->next)
		if (event->count < notify->cnt)
			notify->cnt = event->count;
}

/* Which are the same client's: of its process, and its open file. */
static bool is_clients(const struct _iofunc_notify_event *event, const resmgr_context_t *ctp)
{
	if (SIGEV_GET_TYPE(&event->event) == SIGEV_FILE_READY)
		return event->coid == ctp->info.coid;
	return event->coid == ctp->info.coid && event->scoid == ctp->info.scoid;
}

static void remove_clients(iofunc_notify_t *notify, const resmgr_context_t *ctp)
{
	struct _iofunc_notify_event **link = &notify->list, *event;

	while ((event = *link)) {
		if (ctp && !is_clients(event, ctp)) {
			link = &event->next;
			continue;
		}
		*link = event->next;
		free(event);
	}
	count_least(notify);
}

static int add(iofunc_notify_t *notify, const resmgr_context_t *ctp, const struct sigevent *event,
	       int count)
{
	struct _iofunc_notify_event *made = malloc(sizeof(*made));

	if (!made)
		return ENOMEM;
	remove_clients(notify, ctp); /* it asks anew */
	*made = (struct _iofunc_notify_event){
		.rcvid = ctp->rcvid,
		.scoid = ctp->info.scoid,
		.coid = ctp->info.coid,
		.count = count,
		.event = *event,
		.next = notify->list,
	};
	notify->list = made;
	count_least(notify);
	return EOK;
}

int iofunc_notify(resmgr_context_t *ctp, io_notify_t *msg, iofunc_notify_t *notify, int trigger,
		  const int *counts, int *armed)
{
	int flags = msg->i.flags, action = msg->i.action, there = flags & trigger, i, ret = EOK;
	struct sigevent event = msg->i.event;
	bool arm;

	if (armed)
		*armed = 0;
	switch (action) {
	case _NOTIFY_ACTION_POLL:
		arm = false;
		break;
	case _NOTIFY_ACTION_POLLARM:
	case _NOTIFY_ACTION_CONDARM:
		arm = !there;
		break;
	case _NOTIFY_ACTION_TRANARM:
		arm = true;
		there = 0;
		break;
	default:
		return EINVAL;
	}
	pthread_mutex_lock(&lock);
	for (i = 0; arm && !ret && i < CONDITIONS; i++)
		if (flags & conditions[i])
			ret = add(&notify[i], ctp, &event, counts ? counts[i] : 1);
	pthread_mutex_unlock(&lock);
	if (ret)
		return ret;
	if (arm && armed)
		*armed = 1;
	msg->o.zero = 0;
	msg->o.flags = (uint32_t)there;
	return _RESMGR_PTR(ctp, &msg->o, sizeof(msg->o));
}

/* The events that are due, of the context's client or (NULL) of all: off the list. */
static struct _iofunc_notify_event *due(iofunc_notify_t *notify, int count,
					const resmgr_context_t *ctp)
{
	struct _iofunc_notify_event **link = &notify->list, *event, *taken = NULL;

	while ((event = *link)) {
		if (event->count > count || (ctp && !is_clients(event, ctp))) {
			link = &event->next;
			continue;
		}
		*link = event->next;
		event->next = taken;
		taken = event;
	}
	count_least(notify);
	return taken;
}

void iofunc_notify_trigger_strict(resmgr_context_t *ctp, iofunc_notify_t *notify, int count,
				  int index)
{
	struct _iofunc_notify_event *event, *next;

	if (index < 0 || index >= CONDITIONS)
		return;
	pthread_mutex_lock(&lock);
	event = due(&notify[index], count, ctp);
	pthread_mutex_unlock(&lock);
	for (; event; event = next) {
		next = event->next;
		if (SIGEV_GET_TYPE(&event->event) != SIGEV_FILE_READY)
			event->event.sigev_value.sival_int |= conditions[index];
		MsgDeliverEvent_r(event->rcvid, &event->event);
		free(event);
	}
}

void iofunc_notify_trigger(iofunc_notify_t *notify, int count, int index)
{
	iofunc_notify_trigger_strict(NULL, notify, count, index);
}

void iofunc_notify_remove_strict(resmgr_context_t *ctp, iofunc_notify_t *notify, int lim)
{
	int i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < lim; i++)
		remove_clients(&notify[i], ctp);
	pthread_mutex_unlock(&lock);
}

void iofunc_notify_remove(resmgr_context_t *ctp, iofunc_notify_t *notify)
{
	iofunc_notify_remove_strict(ctp, notify, CONDITIONS);
}
