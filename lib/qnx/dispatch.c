// SPDX-License-Identifier: MIT
/*
 * Dispatching: messages by their type and pulses by their code to functions
 *
 * A handle has no channel until it is needed, so that a name can be its channel's own.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/neutrino.h>
#include <unistd.h>

#include "channels.h"
#include "dispatch.h"
#include "result.h"

#define CHANNEL_FLAGS (_NTO_CHF_UNBLOCK | _NTO_CHF_DISCONNECT | _NTO_CHF_COID_DISCONNECT)
/* A pulse to this library itself: dispatch_unblock(). */
#define CODE_UNBLOCK_DISPATCH (-100)
/* Of a context that is for files, at least: a connect message with two paths. */
#define FILES_SIZE (sizeof(struct _io_connect) + 2 * PATH_MAX + 16)

typedef int (*function_t)(message_context_t *ctp, int code, unsigned flags, void *handle);

struct handler {
	bool pulse;
	bool otherwise; /* for what no other is for */
	int low, high;  /* types, or the code */
	function_t function;
	void *handle;
	struct handler *next;
};

struct _dispatch {
	pthread_mutex_t lock; /* guards what follows */
	int chid;             /* 0: none yet */
	bool foreign;         /* the channel is the program's */
	int coid;             /* to it, for dispatch_unblock(); -1: none */
	unsigned size;        /* of a context's buffer */
	unsigned nparts;      /* of a context's vector */
	bool allocated;       /* there are contexts: the size is fixed */
	uint64_t timeout;     /* of dispatch_block(); 0: none */
	struct handler *handlers;
	const struct dispatch_files *files;
};

static dispatch_t *make(int chid, bool foreign)
{
	dispatch_t *dpp = calloc(1, sizeof(*dpp));

	if (!dpp)
		return NULL;
	pthread_mutex_init(&dpp->lock, NULL);
	dpp->chid = chid;
	dpp->foreign = foreign;
	dpp->coid = -1;
	dpp->size = sizeof(resmgr_iomsgs_t) + NAME_MAX;
	dpp->nparts = 1;
	return dpp;
}

dispatch_t *dispatch_create(void)
{
	return make(0, false);
}

dispatch_t *dispatch_create_channel(int chid, unsigned flags)
{
	struct channel *channel = NULL;

	if (chid != -1) {
		channel = channel_get(chid);
		if (!channel) {
			errno = EINVAL;
			return NULL;
		}
		channel_put(channel);
		return make(chid, true);
	}
	chid = ChannelCreate(flags);
	return chid < 0 ? NULL : make(chid, false);
}

int dispatch_chid(dispatch_t *dpp)
{
	int chid;

	pthread_mutex_lock(&dpp->lock);
	chid = dpp->chid;
	pthread_mutex_unlock(&dpp->lock);
	return chid;
}

dispatch_t *dispatch_adopt(dispatch_t *dpp, int chid)
{
	pthread_mutex_lock(&dpp->lock);
	dpp->chid = chid;
	pthread_mutex_unlock(&dpp->lock);
	return dpp;
}

int dispatch_need_channel(dispatch_t *dpp)
{
	int chid;

	pthread_mutex_lock(&dpp->lock);
	if (!dpp->chid) {
		chid = ChannelCreate(CHANNEL_FLAGS);
		if (chid > 0)
			dpp->chid = chid;
	}
	chid = dpp->chid ? dpp->chid : -1;
	pthread_mutex_unlock(&dpp->lock);
	return chid;
}

int dispatch_use_files(dispatch_t *dpp, const struct dispatch_files *files, unsigned nparts,
		       unsigned size)
{
	int ret = 0;

	pthread_mutex_lock(&dpp->lock);
	if (dpp->allocated && (size > dpp->size || nparts > dpp->nparts)) {
		ret = -EINVAL;
	} else {
		dpp->files = files;
		if (!dpp->allocated && dpp->size < FILES_SIZE)
			dpp->size = FILES_SIZE;
		if (size > dpp->size)
			dpp->size = size;
		if (nparts > dpp->nparts)
			dpp->nparts = nparts;
	}
	pthread_mutex_unlock(&dpp->lock);
	return ret;
}

int dispatch_destroy(dispatch_t *dpp)
{
	struct handler *handler;

	if (!dpp)
		return outcome(-EINVAL);
	if (dpp->files)
		dpp->files->end(dpp);
	if (dpp->coid != -1)
		ConnectDetach_r(dpp->coid);
	if (dpp->chid && !dpp->foreign)
		ChannelDestroy_r(dpp->chid);
	while ((handler = dpp->handlers)) {
		dpp->handlers = handler->next;
		free(handler);
	}
	pthread_mutex_destroy(&dpp->lock);
	free(dpp);
	return 0;
}

/* Contexts */

dispatch_context_t *dispatch_context_alloc(dispatch_t *dpp)
{
	dispatch_context_t *ctp;
	unsigned size, nparts;

	if (!dpp) {
		errno = EINVAL;
		return NULL;
	}
	if (dispatch_need_channel(dpp) < 0)
		return NULL;
	pthread_mutex_lock(&dpp->lock);
	size = dpp->size;
	nparts = dpp->nparts;
	dpp->allocated = true;
	pthread_mutex_unlock(&dpp->lock);
	ctp = calloc(1, sizeof(*ctp) + (nparts - 1) * sizeof(iov_t));
	if (ctp)
		ctp->message_context.msg = calloc(1, size);
	if (!ctp || !ctp->message_context.msg) {
		free(ctp);
		errno = ENOMEM;
		return NULL;
	}
	ctp->message_context.dpp = dpp;
	ctp->message_context.msg_max_size = size;
	return ctp;
}

void dispatch_context_free(dispatch_context_t *ctp)
{
	if (!ctp)
		return;
	free(ctp->message_context.msg);
	free(ctp);
}

int dispatch_timeout(dispatch_t *dpp, struct timespec *time)
{
	if (!dpp || (time && (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec > 999999999)))
		return outcome(-EINVAL);
	pthread_mutex_lock(&dpp->lock);
	dpp->timeout = time ? timespec2nsec(time) : 0;
	pthread_mutex_unlock(&dpp->lock);
	return 0;
}

dispatch_context_t *dispatch_block(dispatch_context_t *ctp)
{
	message_context_t *context = &ctp->message_context;
	dispatch_t *dpp = context->dpp;
	uint64_t timeout;
	int chid;

	pthread_mutex_lock(&dpp->lock);
	timeout = dpp->timeout;
	chid = dpp->chid;
	pthread_mutex_unlock(&dpp->lock);
	if (timeout)
		TimerTimeout_r(CLOCK_MONOTONIC, _NTO_TIMEOUT_RECEIVE, NULL, &timeout, NULL);
	context->rcvid = MsgReceive(chid, context->msg, context->msg_max_size, &context->info);
	if (context->rcvid < 0)
		return NULL;
	if (!context->rcvid && context->msg->pulse.code == CODE_UNBLOCK_DISPATCH) {
		errno = EINTR;
		return NULL;
	}
	context->status = 0;
	context->offset = 0;
	context->size = context->rcvid ? (unsigned)context->info.msglen : sizeof(struct _pulse);
	return ctp;
}

/* One thread that is blocked, or that blocks next, comes out of dispatch_block(). */
void dispatch_unblock(dispatch_context_t *ctp)
{
	dispatch_t *dpp = ctp->message_context.dpp;

	pthread_mutex_lock(&dpp->lock);
	if (dpp->coid == -1)
		dpp->coid = ConnectAttach(0, 0, dpp->chid, _NTO_SIDE_CHANNEL, _NTO_COF_CLOEXEC);
	if (dpp->coid != -1)
		MsgSendPulse_r(dpp->coid, -1, CODE_UNBLOCK_DISPATCH, 0);
	pthread_mutex_unlock(&dpp->lock);
}

/* Handlers */

static int attach(dispatch_t *dpp, const struct handler *wanted, unsigned size)
{
	struct handler *handler, *other;
	int ret = 0;

	handler = malloc(sizeof(*handler));
	if (!handler)
		return -ENOMEM;
	*handler = *wanted;
	pthread_mutex_lock(&dpp->lock);
	for (other = dpp->handlers; other; other = other->next)
		if (other->pulse == wanted->pulse && other->otherwise == wanted->otherwise &&
		    (wanted->otherwise ||
		     (other->low <= wanted->high && wanted->low <= other->high)))
			ret = -EINVAL;
	if (size > dpp->size && dpp->allocated)
		ret = -EINVAL;
	if (!ret) {
		if (size > dpp->size)
			dpp->size = size;
		handler->next = dpp->handlers;
		dpp->handlers = handler;
	}
	pthread_mutex_unlock(&dpp->lock);
	if (ret)
		free(handler);
	return ret;
}

static int detach(dispatch_t *dpp, bool pulse, bool otherwise, int low, int high)
{
	struct handler **link, *handler;
	int ret = -EINVAL;

	if (!dpp)
		return -EINVAL;
	pthread_mutex_lock(&dpp->lock);
	for (link = &dpp->handlers; (handler = *link); link = &handler->next) {
		if (handler->pulse == pulse && handler->otherwise == otherwise &&
		    (otherwise || (handler->low == low && handler->high == high))) {
			*link = handler->next;
			free(handler);
			ret = 0;
			break;
		}
	}
	pthread_mutex_unlock(&dpp->lock);
	return ret;
}

int message_attach(dispatch_t *dpp, message_attr_t *attr, int low, int high, function_t func,
		   void *handle)
{
	struct handler handler = {
		.otherwise = attr && attr->flags & MSG_FLAG_DEFAULT_FUNC,
		.low = low,
		.high = high,
		.function = func,
		.handle = handle,
	};

	if (!dpp || !func || (!handler.otherwise && (low < 0 || high < low || high > UINT16_MAX)))
		return outcome(-EINVAL);
	return outcome(attach(dpp, &handler, attr ? attr->msg_max_size : 0));
}

int message_detach(dispatch_t *dpp, int low, int high, int flags)
{
	return outcome(detach(dpp, false, flags & MSG_FLAG_DEFAULT_FUNC, low, high));
}

int message_connect(dispatch_t *dpp, int flags)
{
	int chid;

	if (!dpp || flags & ~MSG_FLAG_SIDE_CHANNEL)
		return outcome(-EINVAL);
	chid = dispatch_need_channel(dpp);
	return chid < 0 ? -1
			: ConnectAttach(0, 0, chid, (unsigned)(flags & _NTO_SIDE_CHANNEL),
					_NTO_COF_CLOEXEC);
}

/* A code that no handler has. */
static int attach_free_code(dispatch_t *dpp, struct handler *handler)
{
	int code, ret = -EAGAIN;

	for (code = _PULSE_CODE_MAXAVAIL; code >= _PULSE_CODE_MINAVAIL; code--) {
		handler->low = handler->high = code;
		ret = attach(dpp, handler, 0);
		if (ret != -EINVAL)
			return ret ? ret : code;
	}
	return -EAGAIN;
}

int pulse_attach(dispatch_t *dpp, int flags, int code, function_t func, void *handle)
{
	struct handler handler = {
		.pulse = true,
		.otherwise = flags & MSG_FLAG_DEFAULT_FUNC,
		.low = code,
		.high = code,
		.function = func,
		.handle = handle,
	};
	int ret;

	if (!dpp || !func || flags & ~(MSG_FLAG_ALLOC_PULSE | MSG_FLAG_DEFAULT_FUNC))
		return outcome(-EINVAL);
	if (flags & MSG_FLAG_ALLOC_PULSE)
		return outcome(attach_free_code(dpp, &handler));
	if (code < INT8_MIN || code > INT8_MAX)
		return outcome(-EINVAL);
	ret = attach(dpp, &handler, 0);
	if (ret)
		return outcome(ret);
	return handler.otherwise ? 0 : code; /* which may be less than 0 */
}

int pulse_detach(dispatch_t *dpp, int code, int flags)
{
	return outcome(detach(dpp, true, flags & MSG_FLAG_DEFAULT_FUNC, code, code));
}

static bool find(dispatch_t *dpp, bool pulse, int number, struct handler *found)
{
	struct handler *handler;
	bool any = false;

	pthread_mutex_lock(&dpp->lock);
	for (handler = dpp->handlers; handler; handler = handler->next) {
		if (handler->pulse != pulse)
			continue;
		if (handler->otherwise ? any : number < handler->low || number > handler->high)
			continue;
		*found = *handler;
		any = true;
		if (!handler->otherwise)
			break;
	}
	pthread_mutex_unlock(&dpp->lock);
	return any;
}

static const struct dispatch_files *files_of(dispatch_t *dpp)
{
	const struct dispatch_files *files;

	pthread_mutex_lock(&dpp->lock);
	files = dpp->files;
	pthread_mutex_unlock(&dpp->lock);
	return files;
}

static int handle_pulse(message_context_t *ctp)
{
	const struct _pulse *pulse = &ctp->msg->pulse;
	const struct dispatch_files *files;
	struct handler handler;

	if (find(ctp->dpp, true, pulse->code, &handler)) {
		handler.function(ctp, pulse->code, 0, handler.handle);
		return 0;
	}
	switch (pulse->code) {
	case _PULSE_CODE_UNBLOCK:
		files = files_of(ctp->dpp);
		if (files && files->unblock(ctp))
			break;
		/* nobody else would ever unblock the client */
		MsgError_r(pulse->value.sival_int, -1);
		break;
	case _PULSE_CODE_DISCONNECT:
		ConnectDetach_r(pulse->scoid);
		break;
	}
	return 0;
}

int dispatch_handler(dispatch_context_t *context)
{
	message_context_t *ctp = &context->message_context;
	const struct dispatch_files *files;
	struct handler handler;
	int result;

	if (!ctp->rcvid)
		return handle_pulse(ctp);
	files = files_of(ctp->dpp);
	if (files && files->handle(ctp, &result))
		return outcome(result);
	if (ctp->info.msglen >= (ssize_t)sizeof(ctp->msg->type)) {
		/* a default function is for the program's messages, not for name_open()'s */
		if (find(ctp->dpp, false, ctp->msg->type, &handler) &&
		    !(handler.otherwise && ctp->msg->type == _IO_CONNECT)) {
			handler.function(ctp, ctp->msg->type, 0, handler.handle);
			return 0;
		}
		if (ctp->msg->type == _IO_CONNECT) /* name_open() */
			return outcome(MsgReply_r(ctp->rcvid, EOK, NULL, 0));
	}
	if (files && files->other(ctp, &result))
		return outcome(result);
	MsgError_r(ctp->rcvid, ENOSYS);
	return outcome(-ENOSYS);
}
