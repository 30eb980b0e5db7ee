// SPDX-License-Identifier: MIT
/*
 * Requests of files
 *
 * A request is known by its number from request_init() until it is answered; users count who looks
 * at it just then, so that its maker gets it back when nobody does any more. Its maker is the first
 * of them, until it is posted: it may be ended before. The pulse that names it may come after it is
 * over: then it names nothing.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/neutrino.h>

#include "bytes.h"
#include "channels.h"
#include "fork.h"
#include "request.h"
#include "service.h"

#define BUCKETS 256

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static struct request *buckets[BUCKETS];
static unsigned last;

static struct request **place_of(int rcvid)
{
	struct request **place = &buckets[rcvid % BUCKETS];

	while (*place && (*place)->rcvid != rcvid)
		place = &(*place)->next;
	return place;
}

void request_init(struct request *request)
{
	request->users = 1; /* its maker, until request_post() */
	request->received = request->answered = false;
	request->channel = NULL;
	request->reply_len = 0;
	pthread_mutex_lock(&lock);
	do
		request->rcvid = (int)(REQUEST_MARK | (++last & (REQUEST_MARK - 1)));
	while (*place_of(request->rcvid));
	request->next = buckets[request->rcvid % BUCKETS];
	buckets[request->rcvid % BUCKETS] = request;
	pthread_mutex_unlock(&lock);
}

struct request *request_get(int rcvid)
{
	struct request *request;

	if (rcvid <= 0 || !(rcvid & REQUEST_MARK))
		return NULL;
	pthread_mutex_lock(&lock);
	request = *place_of(rcvid);
	if (request)
		request->users++;
	pthread_mutex_unlock(&lock);
	return request;
}

void request_put(struct request *request)
{
	bool over;
	int state;

	pthread_mutex_lock(&lock);
	over = !--request->users && request->answered;
	pthread_mutex_unlock(&lock);
	if (!over)
		return;
	/* an answer is no place to be cancelled in, though a file's is written by calls that are */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	request->done(request, request->error, request->status,
		      request->error ? 0 : request->reply_len);
	pthread_setcancelstate(state, NULL);
}

/* What take() has given: it is answered, and let go of. */
static void answer(struct request *request)
{
	int state;

	if (request->error) {
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
		request->failed(request, request->error);
		pthread_setcancelstate(state, NULL);
	}
	request_put(request);
}

/* By whom it is answered, and with what error: with a reference, once. */
static struct request *take(int rcvid, bool queued_only, int error)
{
	struct request *request, **place;

	pthread_mutex_lock(&lock);
	place = place_of(rcvid);
	request = *place;
	if (request && queued_only && request->received)
		request = NULL;
	if (request) {
		*place = request->next;
		request->users++;
		request->answered = true;
		request->error = error;
		request->status = 0;
	}
	pthread_mutex_unlock(&lock);
	return request;
}

void request_end(int rcvid, int error)
{
	struct request *request = take(rcvid, false, error);

	if (request)
		answer(request);
}

bool request_failed(const struct request *request)
{
	bool failed;

	pthread_mutex_lock(&lock);
	failed = request->answered && request->error;
	pthread_mutex_unlock(&lock);
	return failed;
}

void request_post(struct request *request, int chid, int connection)
{
	int rcvid = request->rcvid;
	AUTO_CHANNEL channel = channel_get(chid);

	pthread_mutex_lock(&lock);
	request->channel = channel;
	request->info.chid = chid;
	pthread_mutex_unlock(&lock);
	/* whoever destroys the channel from now on ends it, or has made this fail */
	if (!channel || service_send(connection, PULSE_REQUEST, rcvid))
		request_end(rcvid, ENODEV);
	request_put(request);
}

/* The number of a request of the channel's; -1: there is none. */
static int next_of(const struct channel *channel)
{
	const struct request *request = NULL;
	int i, rcvid;

	pthread_mutex_lock(&lock);
	for (i = 0; i < BUCKETS && !request; i++)
		for (request = buckets[i]; request; request = request->next)
			if (request->channel == channel)
				break;
	rcvid = request ? request->rcvid : -1;
	pthread_mutex_unlock(&lock);
	return rcvid;
}

void request_end_channel(const struct channel *channel)
{
	int rcvid;

	while ((rcvid = next_of(channel)) >= 0)
		request_end(rcvid, ENODEV);
}

void request_unblock(int rcvid, int connection)
{
	struct request *request = take(rcvid, true, EINTR);

	if (request) {
		answer(request);
		return;
	}
	request = request_get(rcvid);
	if (!request)
		return;
	pthread_mutex_lock(&lock);
	request->info.flags |= _NTO_MI_UNBLOCK_REQ;
	pthread_mutex_unlock(&lock);
	request_put(request);
	service_send(connection, PULSE_REQUEST_UNBLOCK, rcvid);
}

bool request_waits(int rcvid)
{
	bool waits;

	pthread_mutex_lock(&lock);
	waits = *place_of(rcvid);
	pthread_mutex_unlock(&lock);
	return waits;
}

int request_receive(int rcvid, const iov_t *iov, size_t parts, struct _msg_info *info)
{
	struct request *request = request_get(rcvid);
	size_t n;

	if (!request)
		return -ESRCH;
	pthread_mutex_lock(&lock);
	request->received = true;
	pthread_mutex_unlock(&lock);
	n = vector_copy(iov, parts, (char *)request->message, request->len, true);
	request->info.msglen = (ssize_t)n;
	request->info.srcmsglen = (ssize_t)request->len;
	request->info.dstmsglen = (ssize_t)request->room_len;
	if (info)
		*info = request->info;
	request_put(request);
	return rcvid;
}

ssize_t request_read(int rcvid, const iov_t *iov, size_t parts, size_t offset)
{
	struct request *request = request_get(rcvid);
	size_t n = 0;

	if (!request)
		return -ESRCH;
	if (offset < request->len)
		n = vector_copy(iov, parts, (char *)request->message + offset,
				request->len - offset, true);
	request_put(request);
	return (ssize_t)n;
}

/* So far there are bytes in the room. */
static void written(struct request *request, size_t end)
{
	pthread_mutex_lock(&lock);
	if (end > request->reply_len)
		request->reply_len = end;
	pthread_mutex_unlock(&lock);
}

ssize_t request_write(int rcvid, const iov_t *iov, size_t parts, size_t offset)
{
	struct request *request = request_get(rcvid);
	size_t n = 0;

	if (!request)
		return -ESRCH;
	if (offset < request->room_len) {
		n = vector_copy(iov, parts, (char *)request->room + offset,
				request->room_len - offset, false);
		written(request, offset + n);
	}
	request_put(request);
	return (ssize_t)n;
}

int request_reply(int rcvid, int error, long status, const iov_t *iov, size_t parts)
{
	struct request *request = take(rcvid, false, error);

	if (!request)
		return -ESRCH;
	request->status = status;
	if (!error)
		written(request, vector_copy(iov, parts, request->room, request->room_len, false));
	answer(request);
	return 0;
}

int request_info(int rcvid, struct _msg_info *info)
{
	struct request *request = request_get(rcvid);

	if (!request)
		return -ESRCH;
	pthread_mutex_lock(&lock);
	*info = request->info;
	pthread_mutex_unlock(&lock);
	request_put(request);
	return 0;
}

/* In a child: they are its parent's to answer. */
static void forget(void)
{
	memset(buckets, 0, sizeof(buckets));
}

__attribute__((constructor)) static void prepare(void)
{
	fork_take_part(FORK_REQUESTS, &lock, forget);
}
