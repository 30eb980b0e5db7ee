/* SPDX-License-Identifier: MIT */
/* The server's end: reading receives, a flush replies */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <stplr.h>

#include <thrift/c_glib/transport/thrift_transport.h>

#include "end.h"

/* What is received at once; of longer messages the rest is fetched. */
static const gsize usual_room = 64 * 1024;

/* Nanoseconds that a client is waited for to collect the rest of a reply. */
static const gint64 collect_patience = 100000000;

struct session {
	struct stapler_end end;
	struct stapler_place *place;
	gint32 rcvid;               /* of a two-way message that is not answered; 0: none */
	gsize client_room;          /* its sender's, for the answer */
	gboolean one_way;           /* what came last: nobody waits for an answer */
	gboolean more;              /* of the client's flush is to come: somebody may wait yet */
	gsize taken;                /* bytes of the client's flush so far */
	struct stapler_buffer held; /* answers that did not fit, or have nobody waiting yet */
	gsize held_before;          /* how much was held when the client's flush began */
};

/* The error is the client's. */
static gboolean refuse(struct session *session, const struct stplr_msg_info *info, int reason)
{
	stplr_reply_error(session->end.fd, info->rcvid, reason);
	return FALSE;
}

/* Answers with what is held, as much as the client has room for. */
static gboolean reply(struct session *session, gint32 rcvid, gsize room, gboolean *gone,
		      GError **error)
{
	gsize length = stapler_buffer_length(&session->held);
	gsize now = MIN(MIN(length, room), session->end.message_max);

	if (stplr_reply(session->end.fd, rcvid, (gint32)(length - now),
			stapler_buffer_first(&session->held), now) >= 0) {
		stapler_buffer_taken(&session->held, now);
		return TRUE;
	}
	/* A client that does not wait any more is no fault of the server's. */
	*gone = errno == ESRCH;
	if (*gone)
		return TRUE;
	return stapler_break(&session->end, error, THRIFT_TRANSPORT_ERROR_SEND,
			     "failed to reply - %s", g_strerror(errno));
}

/* The answer to the call that waits. If its client has given up, what answers it, now or later, is
 * of no use; what was held before is. */
static gboolean answer(struct session *session, GError **error)
{
	gint32 rcvid = session->rcvid;
	gboolean gone = FALSE;

	session->rcvid = 0;
	if (!reply(session, rcvid, session->client_room, &gone, error))
		return FALSE;
	if (gone) {
		session->one_way = TRUE;
		stapler_buffer_cut(&session->held, session->held_before);
	}
	return TRUE;
}

/* Hands over what is held; a client that has given up may ask again. */
static gboolean answer_collect(struct session *session, const struct stplr_msg_info *info,
			       GError **error)
{
	gboolean gone;

	return reply(session, info->rcvid, info->dst_len, &gone, error);
}

/* Lets a client go that waits for an answer it will not get. */
static gboolean release(struct session *session, GError **error)
{
	return !session->rcvid || answer(session, error);
}

static gboolean end_of_stream(struct session *session, GError **error)
{
	switch (errno) {
	case EPIPE:
		return stapler_fail(error, THRIFT_TRANSPORT_ERROR_RECEIVE,
				    "end of stream: the client has closed");
	case ESHUTDOWN:
		return stapler_fail(error, THRIFT_TRANSPORT_ERROR_RECEIVE,
				    "end of stream: the server was interrupted");
	default:
		return stapler_break(&session->end, error, THRIFT_TRANSPORT_ERROR_RECEIVE,
				     "failed to receive - %s", g_strerror(errno));
	}
}

/* What of a message did not fit at first. */
static gboolean fetch_rest(struct session *session, const struct stplr_msg_info *info,
			   GError **error)
{
	gsize rest = info->src_len - info->len;
	guint8 *room = stapler_buffer_room(&session->end.in, rest, NULL);
	ssize_t got;

	if (!room) {
		refuse(session, info, ENOMEM);
		return stapler_break(&session->end, error, THRIFT_TRANSPORT_ERROR_RECEIVE,
				     "no memory for a call of %" G_GSIZE_FORMAT " bytes",
				     (gsize)info->src_len);
	}
	do
		got = stplr_read(session->end.fd, info->rcvid, room, rest, info->len);
	while (got < 0 && errno == EINTR);
	if (got < 0 || (gsize)got != rest)
		return stapler_break(&session->end, error, THRIFT_TRANSPORT_ERROR_RECEIVE,
				     "failed to receive all of a call - %s",
				     got < 0 ? g_strerror(errno) : "the client has gone");
	stapler_buffer_added(&session->end.in, rest);
	return TRUE;
}

static gboolean accept_size(struct session *session, const struct stplr_msg_info *info,
			    GError **error)
{
	if (info->src_len <= session->end.limit &&
	    session->taken <= session->end.limit - info->src_len) {
		session->taken += info->src_len;
		return TRUE;
	}
	refuse(session, info, EMSGSIZE);
	stplr_channel_destroy(session->end.fd);
	return stapler_break(&session->end, error, THRIFT_TRANSPORT_ERROR_MAX_MESSAGE_SIZE_REACHED,
			     "a call is larger than max-message-size, %" G_GSIZE_FORMAT,
			     session->end.limit);
}

/* A message says who waits for the answers to the calls of its flush. */
static void note_kind(struct session *session, const struct stplr_msg_info *info)
{
	if (!session->more)
		session->held_before = stapler_buffer_length(&session->held);
	session->one_way = info->kind != STPLR_KIND_SEND_RECEIVE;
	session->more = session->one_way && info->src_len && !(info->flags & STPLR_INFO_QUEUED);
	if (session->more)
		return;
	session->taken = 0; /* a flush ends here */
	if (session->one_way)
		stapler_buffer_cut(&session->held, session->held_before);
}

/* A message has come: the rest of it, and who waits for its answer. */
static gboolean take(struct session *session, const struct stplr_msg_info *info, GError **error)
{
	if (info->kind == STPLR_KIND_PULSE)
		return TRUE; /* not of the stream */
	if (!accept_size(session, info, error))
		return FALSE;
	stapler_buffer_added(&session->end.in, info->len);
	if (info->flags & STPLR_INFO_TRUNCATED && !fetch_rest(session, info, error))
		return FALSE;
	note_kind(session, info);
	if (session->one_way)
		return TRUE;
	if (!info->src_len)
		return answer_collect(session, info, error);
	session->rcvid = info->rcvid;
	session->client_room = info->dst_len;
	stapler_interrupt_busy(session->place, TRUE);
	return TRUE;
}

static gboolean receive(struct session *session, GError **error)
{
	struct stplr_msg_info info;
	gsize size;
	guint8 *room = stapler_buffer_room(&session->end.in, usual_room, &size);

	if (!room)
		return stapler_fail(error, THRIFT_TRANSPORT_ERROR_RECEIVE, "no memory");
	while (stplr_receive(session->end.fd, room, size, &info) < 0)
		if (errno != EINTR)
			return end_of_stream(session, error);
	return take(session, &info, error);
}

/* A client that has got a part of its reply collects the rest at once, and is to have it whatever
 * the server does next. One that does otherwise is not waited for long. */
static gboolean await_collect(struct session *session, GError **error)
{
	while (stapler_buffer_length(&session->held) && !session->rcvid &&
	       !stapler_buffer_length(&session->end.in)) {
		struct stplr_msg_info info;
		gsize size;
		guint8 *room = stapler_buffer_room(&session->end.in, usual_room, &size);

		if (!room)
			return TRUE;
		if (stplr_receive_timeout(session->end.fd, room, size, &info, collect_patience) <
		    0) {
			if (errno == EINTR)
				continue;
			return TRUE; /* the next read sees why */
		}
		if (!take(session, &info, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean session_fill(struct stapler_end *end, GError **error)
{
	struct session *session = (struct session *)end;

	/* C/GLib's processors write an exception of a one-way call and do not flush it. */
	if (session->one_way)
		stapler_buffer_drop(&end->out);
	if (!release(session, error) || !await_collect(session, error))
		return FALSE;
	if (stapler_buffer_length(&end->in))
		return TRUE;
	stapler_interrupt_busy(session->place, FALSE);
	do
		if (!receive(session, error))
			return FALSE;
	while (!stapler_buffer_length(&end->in));
	return TRUE;
}

/* Whether so much for the client leaves no more than the limit once it has what it has room for. */
static gboolean may_hold(const struct session *session, gsize length)
{
	gsize now = session->rcvid ? MIN(session->client_room, session->end.message_max) : 0;

	return length <= now || length - now <= session->end.limit;
}

static gboolean session_flush(struct stapler_end *end, GError **error)
{
	struct session *session = (struct session *)end;
	gsize length = stapler_buffer_length(&end->out);

	if (!length)
		return TRUE;
	if (session->one_way && !session->more) {
		stapler_buffer_drop(&end->out);
		return TRUE;
	}
	if (!may_hold(session, stapler_buffer_length(&session->held) + length))
		return stapler_break(end, error, THRIFT_TRANSPORT_ERROR_MAX_MESSAGE_SIZE_REACHED,
				     "replies that a client has not fetched are larger than "
				     "max-message-size, %" G_GSIZE_FORMAT,
				     end->limit);
	if (!stapler_buffer_length(&session->held)) {
		/* Nothing has to come first: the bytes need not be copied. */
		struct stapler_buffer empty = session->held;

		session->held = end->out;
		end->out = empty;
	} else {
		if (!stapler_buffer_append(&session->held, stapler_buffer_first(&end->out), length))
			return stapler_break(end, error, THRIFT_TRANSPORT_ERROR_SEND, "no memory");
		stapler_buffer_drop(&end->out);
	}
	return !session->rcvid || (answer(session, error) && await_collect(session, error));
}

static void session_close(struct stapler_end *end)
{
	struct session *session = (struct session *)end;

	release(session, NULL);
	stapler_interrupt_remove(session->place);
	stapler_buffer_free(&session->held);
	stapler_end_clear(end);
	g_free(session);
}

static const struct stapler_end_class session_class = {
	.fill = session_fill,
	.flush = session_flush,
	.close = session_close,
};

struct stapler_end *stapler_session_new(int channel, struct stapler_interrupt *list, GError **error)
{
	struct session *session = g_new0(struct session, 1);

	if (!stapler_end_init(&session->end, &session_class, channel, error)) {
		g_free(session);
		return NULL;
	}
	session->place = stapler_interrupt_add(list, channel);
	return &session->end;
}
