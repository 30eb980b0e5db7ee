/* SPDX-License-Identifier: MIT */
/* The client's end: a flush sends, and brings the reply */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <stplr.h>

#include <thrift/c_glib/transport/thrift_transport.h>

#include "end.h"
#include "one_way.h"

/* PROTOCOL.md: what one queued message may hold. */
static const gsize queued_max = 256 * 1024;

/* Room for a reply where nothing is known of it. */
static const gsize usual_room = 16 * 1024;

/* Of a reply so much is fetched before it is read. */
static const gsize kept_most = 4 * 1024 * 1024;

/* Nanoseconds after which a server with a full backlog is looked for anew: it may have ended. */
static const gint64 look_again = 1000000000;

struct client {
	struct stapler_end end;
	gsize room; /* to offer: as large as the largest reply */
	gsize held; /* bytes that the server still has, by its last reply */
	/* a call that the server has had for a moment and not answered, until that is there: */
	gboolean parked;
	struct stplr_msg_send message;
	struct stapler_buffer sent; /* its bytes */
};

static struct stplr_msg_send message_of(const guint8 *bytes, gsize length)
{
	return (struct stplr_msg_send){
		.send = {.addr = (uintptr_t)bytes, .len = length},
		.send_deadline = STPLR_DEADLINE_NONE,
		.clock = CLOCK_MONOTONIC,
	};
}

/* A signal may come before the server has the message, or after, when the token says that it has:
 * either way the same structure goes on. */
static int send_over_signals(int (*call)(int, struct stplr_msg_send *), int fd,
			     struct stplr_msg_send *message)
{
	int result;

	do
		result = call(fd, message);
	while (result && errno == EINTR);
	return result;
}

static gboolean fail_to_send(struct client *client, gboolean received, GError **error)
{
	switch (errno) {
	case ESRCH:
		if (received)
			return stapler_break(&client->end, error, THRIFT_TRANSPORT_ERROR_RECEIVE,
					     "the server has gone with the call");
		return stapler_break(&client->end, error, THRIFT_TRANSPORT_ERROR_SEND,
				     "the server has gone");
	case ECONNRESET:
		return stapler_break(&client->end, error, THRIFT_TRANSPORT_ERROR_SEND,
				     "the server has gone, and one-way calls with it");
	case EMSGSIZE:
		return stapler_break(&client->end, error,
				     THRIFT_TRANSPORT_ERROR_MAX_MESSAGE_SIZE_REACHED,
				     "the server does not take a call of this size");
	default:
		return stapler_break(&client->end, error,
				     received ? THRIFT_TRANSPORT_ERROR_RECEIVE
					      : THRIFT_TRANSPORT_ERROR_SEND,
				     "the call failed - %s", g_strerror(errno));
	}
}

/* All but the last bytes, up to so many, in messages that only say that more follows. */
static gboolean send_ahead(struct client *client, const guint8 **bytes, gsize *length, gsize last,
			   GError **error)
{
	while (*length > last) {
		gsize piece = MIN(*length - last, client->end.message_max);
		struct stplr_msg_send message = message_of(*bytes, piece);

		if (send_over_signals(stplr_msg_send, client->end.fd, &message))
			return fail_to_send(client, FALSE, error);
		*bytes += piece;
		*length -= piece;
	}
	return TRUE;
}

static gboolean send_one_way(struct client *client, const guint8 *bytes, gsize length,
			     GError **error)
{
	struct stplr_msg_send message;

	if (!send_ahead(client, &bytes, &length, MIN(queued_max, client->end.message_max), error))
		return FALSE;
	message = message_of(bytes, length);
	message.flags = STPLR_SEND_QUEUED;
	if (!send_over_signals(stplr_msg_send, client->end.fd, &message))
		return TRUE;
	if (errno != ENOBUFS && errno != EDQUOT && errno != ENOMEM)
		return fail_to_send(client, FALSE, error);
	if (!send_ahead(client, &bytes, &length, 0, error))
		return FALSE;
	/* Empty: nothing follows. If the server does not hear it, the next call tells why. */
	message = message_of(NULL, 0);
	send_over_signals(stplr_msg_send, client->end.fd, &message);
	return TRUE;
}

/* Puts what came in reply behind what waits to be read. */
static gboolean take_reply(struct client *client, GError **error)
{
	const struct stplr_msg_send *message = &client->message;

	if (message->status < 0 || message->reply_total != message->reply_len)
		return stapler_break(&client->end, error, THRIFT_TRANSPORT_ERROR_RECEIVE,
				     "the server does not speak Thrift over stplr");
	if (message->reply_len > client->end.limit ||
	    (gsize)message->status > client->end.limit - message->reply_len)
		return stapler_break(
			&client->end, error, THRIFT_TRANSPORT_ERROR_MAX_MESSAGE_SIZE_REACHED,
			"a reply of %" G_GSIZE_FORMAT
			" bytes is larger than max-message-size, %" G_GSIZE_FORMAT,
			(gsize)(message->reply_len + message->status), client->end.limit);
	stapler_buffer_added(&client->end.in, message->reply_len);
	client->held = message->status;
	client->room =
		MIN(MAX(client->room, message->reply_len + client->held), client->end.message_max);
	return TRUE;
}

/* The message that is under way, to its reply; or parked, if that may be. */
static gboolean await_reply(struct client *client, GError **error)
{
	struct stplr_msg_send *message = &client->message;

	client->parked = FALSE;
	if (!send_over_signals(stplr_msg_send_receive, client->end.fd, message))
		return take_reply(client, error);
	if (errno != EINPROGRESS)
		return fail_to_send(client, message->status == 1, error);
	client->parked = TRUE;
	return TRUE;
}

static gboolean exchange(struct client *client, const guint8 *bytes, gsize length, guint32 flags,
			 GError **error)
{
	struct stplr_msg_send *message = &client->message;
	gsize room;
	guint8 *reply = stapler_buffer_room(&client->end.in, MIN(client->room, kept_most), &room);

	if (!reply) /* a little will do: the rest comes in parts */
		reply = stapler_buffer_room(&client->end.in, usual_room, &room);
	if (!reply)
		/* A part of the call may have been sent, or of the reply be missing. */
		return stapler_break(&client->end, error, THRIFT_TRANSPORT_ERROR_RECEIVE,
				     "no memory for a reply of %" G_GSIZE_FORMAT " bytes",
				     usual_room);
	*message = message_of(bytes, length);
	message->reply.addr = (uintptr_t)reply;
	message->reply.len = room;
	message->reply_deadline = STPLR_DEADLINE_NONE;
	message->flags = STPLR_SEND_TELL | flags;
	return await_reply(client, error);
}

/* What the server still has of the reply, as far as there is memory, while it minds the call. */
static gboolean collect(struct client *client, GError **error)
{
	while (client->held && !client->parked &&
	       stapler_buffer_length(&client->end.in) < kept_most) {
		gsize before = stapler_buffer_length(&client->end.in);

		if (!exchange(client, NULL, 0, 0, error))
			return stapler_break(&client->end, error, THRIFT_TRANSPORT_ERROR_RECEIVE,
					     "the rest of a reply is missing");
		if (stapler_buffer_length(&client->end.in) == before)
			break;
	}
	return TRUE;
}

/* Takes up the call that was left with the server. */
static gboolean resume(struct client *client, GError **error)
{
	gboolean done;

	client->message.flags &= ~STPLR_SEND_PARK;
	done = await_reply(client, error) && collect(client, error);
	stapler_buffer_drop(&client->sent);
	return done;
}

/* While others wait to be read the place of a reply may change. */
static guint32 may_park(const struct client *client)
{
	return stapler_buffer_length(&client->end.in) ? 0 : STPLR_SEND_PARK;
}

static gboolean client_flush(struct stapler_end *end, GError **error)
{
	struct client *client = (struct client *)end;
	const guint8 *bytes = stapler_buffer_first(&end->out);
	gsize length = stapler_buffer_length(&end->out);
	gboolean sent;

	if (!length)
		return TRUE;
	/* The kernel gives calls to the server one after the other. */
	if (client->parked && !resume(client, error))
		sent = FALSE;
	else if (stapler_is_one_way(bytes, length))
		sent = send_one_way(client, bytes, length, error);
	else
		sent = send_ahead(client, &bytes, &length, (length - 1) % end->message_max + 1,
				  error) &&
		       exchange(client, bytes, length, may_park(client), error) &&
		       collect(client, error);
	if (client->parked) {
		/* Until its reply is there the server may read of it. */
		struct stapler_buffer empty = client->sent;

		client->sent = end->out;
		end->out = empty;
	} else {
		stapler_buffer_drop(&end->out);
	}
	return sent;
}

/* Collects what the server holds. */
static gboolean client_fill(struct stapler_end *end, GError **error)
{
	struct client *client = (struct client *)end;

	if (client->parked && !resume(client, error))
		return FALSE;
	if (stapler_buffer_length(&end->in))
		return TRUE;
	if (!exchange(client, NULL, 0, 0, error))
		return FALSE;
	if (!stapler_buffer_length(&end->in) && client->held)
		return stapler_break(end, error, THRIFT_TRANSPORT_ERROR_RECEIVE,
				     "the server holds a reply and does not give it");
	if (!stapler_buffer_length(&end->in))
		return stapler_fail(error, THRIFT_TRANSPORT_ERROR_RECEIVE,
				    "end of stream: the server owes no reply");
	return TRUE;
}

static void client_close(struct stapler_end *end)
{
	struct client *client = (struct client *)end;

	/* A forked child's copy may keep the connection: the server is not to reach this memory. */
	if (client->parked) {
		client->message.reply_deadline = 1; /* is long past */
		client->message.flags &= ~STPLR_SEND_PARK;
		send_over_signals(stplr_msg_send_receive, end->fd, &client->message);
	}
	stapler_end_clear(end);
	stapler_buffer_free(&client->sent);
	g_free(client);
}

static const struct stapler_end_class client_class = {
	.fill = client_fill,
	.flush = client_flush,
	.close = client_close,
};

static int connect_to(guint number, const gchar *name, GError **error)
{
	gchar why[256];
	int device = stplr_open_why(number, 0, why, sizeof(why));
	int connection;

	if (device < 0) {
		stapler_fail(error, THRIFT_TRANSPORT_ERROR_CONNECT, "%s", why);
		return -1;
	}
	/* Where its backlog is full, a server is waited for as by connect(2). */
	do {
		connection = stplr_connect(device, name, STPLR_DEADLINE_POLL);
		if (connection < 0 && errno == EAGAIN)
			connection = stplr_connect(device, name, stplr_deadline(look_again));
	} while (connection < 0 && (errno == EINTR || errno == ETIMEDOUT));
	if (connection < 0)
		stapler_fail(
			error, THRIFT_TRANSPORT_ERROR_CONNECT,
			"failed to connect to '%s' on /dev/stplr-%u - %s", name, number,
			errno == ENOENT ? "nobody serves this name"
			: errno == EINVAL
				? "not a name: 1 to 63 bytes of [A-Za-z0-9._-], or an id as @42"
				: g_strerror(errno));
	close(device);
	return connection;
}

struct stapler_end *stapler_client_new(int connection, GError **error)
{
	struct client *client = g_new0(struct client, 1);

	client->room = usual_room;
	if (stapler_end_init(&client->end, &client_class, connection, error))
		return &client->end;
	g_free(client);
	return NULL;
}

struct stapler_end *stapler_client_open(guint device, const gchar *name, GError **error)
{
	struct stapler_end *end;
	int fd = connect_to(device, name, error);

	if (fd < 0)
		return NULL;
	end = stapler_client_new(fd, error);
	if (!end)
		close(fd);
	return end;
}
