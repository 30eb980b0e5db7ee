/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <thrift/c_glib/thrift_configuration.h>
#include <thrift/c_glib/transport/thrift_stapler_transport.h>

#include "transport.h"

struct _ThriftStaplerTransportPrivate {
	guint device;
	gchar *name;             /* NULL: a server's end, which cannot be opened again */
	gint fd;                 /* handed in, until it is opened; or THRIFT_INVALID_SOCKET */
	struct stapler_end *end; /* NULL while closed */
};

enum {
	PROP_0,
	PROP_DEVICE,
	PROP_NAME,
	PROP_FD,
	PROP_CONFIGURATION,
	PROP_REMAINING_MESSAGE_SIZE,
	PROP_KNOW_MESSAGE_SIZE,
};

G_DEFINE_TYPE_WITH_PRIVATE(ThriftStaplerTransport, thrift_stapler_transport, THRIFT_TYPE_TRANSPORT)

/* The end, told of the limit that holds now; NULL with an error set if there is none to use. */
static struct stapler_end *usable_end(ThriftTransport *transport, gint code, GError **error)
{
	struct stapler_end *end = THRIFT_STAPLER_TRANSPORT(transport)->priv->end;

	if (!end) {
		stapler_fail(error, code, "the transport is not open");
		return NULL;
	}
	if (end->broken) {
		stapler_fail(error, end->broken->code,
			     "the connection has failed before, close it: %s",
			     end->broken->message);
		return NULL;
	}
	end->limit = transport->configuration ? (gsize)transport->configuration->maxMessageSize_
					      : DEFAULT_MAX_MESSAGE_SIZE;
	return end;
}

static gboolean transport_is_open(ThriftTransport *transport)
{
	return THRIFT_STAPLER_TRANSPORT(transport)->priv->end != NULL;
}

static gboolean transport_open(ThriftTransport *transport, GError **error)
{
	ThriftStaplerTransportPrivate *priv = THRIFT_STAPLER_TRANSPORT(transport)->priv;

	if (priv->end)
		return stapler_fail(error, THRIFT_TRANSPORT_ERROR_CONNECT,
				    "the transport is open already");
	if (priv->fd != THRIFT_INVALID_SOCKET) {
		priv->end = stapler_end_of_handed(priv->fd, error);
		if (priv->end)
			priv->fd = THRIFT_INVALID_SOCKET;
	} else if (priv->name) {
		priv->end = stapler_client_open(priv->device, priv->name, error);
	} else {
		stapler_fail(error, THRIFT_TRANSPORT_ERROR_CONNECT,
			     "no name to connect to: set the property 'name', or 'fd'");
	}
	return priv->end != NULL;
}

static gboolean transport_close(ThriftTransport *transport, GError **error)
{
	ThriftStaplerTransportPrivate *priv = THRIFT_STAPLER_TRANSPORT(transport)->priv;
	struct stapler_end *end = priv->end;

	(void)error;
	priv->end = NULL;
	if (end)
		end->class->close(end);
	return TRUE;
}

static gboolean transport_peek(ThriftTransport *transport, GError **error)
{
	struct stapler_end *end = THRIFT_STAPLER_TRANSPORT(transport)->priv->end;
	GError *reason = NULL;

	if (!end)
		return FALSE;
	if (stapler_buffer_length(&end->in))
		return TRUE;
	end = usable_end(transport, THRIFT_TRANSPORT_ERROR_RECEIVE, error);
	if (!end)
		return FALSE;
	if (end->class->fill(end, &reason))
		return TRUE;
	/* That a stream has ended is an answer. */
	if (end->broken)
		stapler_fail(error, reason->code, "%s", reason->message);
	g_clear_error(&reason);
	return FALSE;
}

static gint32 transport_read(ThriftTransport *transport, gpointer buf, guint32 len, GError **error)
{
	ThriftTransportClass *class = THRIFT_TRANSPORT_GET_CLASS(transport);
	struct stapler_end *end = THRIFT_STAPLER_TRANSPORT(transport)->priv->end;
	guint32 got = 0;
	GError *too_long = NULL;

	if (!class->checkReadBytesAvailable(transport, len, &too_long)) {
		stapler_fail(error, too_long->code, "%s", too_long->message);
		g_clear_error(&too_long);
		return -1;
	}
	while (got < len) {
		gsize now;

		if (!end || !stapler_buffer_length(&end->in)) {
			end = usable_end(transport, THRIFT_TRANSPORT_ERROR_RECEIVE, error);
			if (!end || !end->class->fill(end, error))
				return -1;
		}
		now = MIN(len - got, stapler_buffer_length(&end->in));
		memcpy((guint8 *)buf + got, stapler_buffer_first(&end->in), now);
		stapler_buffer_taken(&end->in, now);
		got += now;
	}
	return (gint32)got;
}

static gboolean transport_read_end(ThriftTransport *transport, GError **error)
{
	(void)transport;
	(void)error;
	return TRUE;
}

static gboolean transport_write(ThriftTransport *transport, const gpointer buf, const guint32 len,
				GError **error)
{
	struct stapler_end *end = usable_end(transport, THRIFT_TRANSPORT_ERROR_SEND, error);

	if (!end)
		return FALSE;
	if (!stapler_buffer_append(&end->out, buf, len))
		return stapler_fail(error, THRIFT_TRANSPORT_ERROR_SEND, "no memory to write to");
	return TRUE;
}

static gboolean transport_write_end(ThriftTransport *transport, GError **error)
{
	(void)transport;
	(void)error;
	return TRUE;
}

static gboolean transport_flush(ThriftTransport *transport, GError **error)
{
	struct stapler_end *end = usable_end(transport, THRIFT_TRANSPORT_ERROR_SEND, error);

	return end && end->class->flush(end, error);
}

static void transport_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
	ThriftTransport *base = THRIFT_TRANSPORT(object);
	ThriftStaplerTransportPrivate *priv = THRIFT_STAPLER_TRANSPORT(object)->priv;

	switch (id) {
	case PROP_DEVICE:
		g_value_set_uint(value, priv->device);
		break;
	case PROP_NAME:
		g_value_set_string(value, priv->name);
		break;
	case PROP_FD:
		g_value_set_int(value, priv->fd);
		break;
	case PROP_CONFIGURATION:
		g_value_set_object(value, base->configuration);
		break;
	case PROP_REMAINING_MESSAGE_SIZE:
		g_value_set_long(value, base->remainingMessageSize_);
		break;
	case PROP_KNOW_MESSAGE_SIZE:
		g_value_set_long(value, base->knowMessageSize_);
		break;
	default:
		G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
	}
}

static void transport_set_property(GObject *object, guint id, const GValue *value,
				   GParamSpec *pspec)
{
	ThriftTransport *base = THRIFT_TRANSPORT(object);
	ThriftStaplerTransportPrivate *priv = THRIFT_STAPLER_TRANSPORT(object)->priv;

	switch (id) {
	case PROP_DEVICE:
		priv->device = g_value_get_uint(value);
		break;
	case PROP_NAME:
		priv->name = g_value_dup_string(value);
		break;
	case PROP_FD:
		priv->fd = g_value_get_int(value);
		break;
	case PROP_CONFIGURATION:
		/* The base class drops this reference. */
		base->configuration = g_value_dup_object(value);
		break;
	case PROP_REMAINING_MESSAGE_SIZE:
		base->remainingMessageSize_ = g_value_get_long(value);
		break;
	case PROP_KNOW_MESSAGE_SIZE:
		base->knowMessageSize_ = g_value_get_long(value);
		break;
	default:
		G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
	}
}

static void transport_finalize(GObject *object)
{
	transport_close(THRIFT_TRANSPORT(object), NULL);
	g_free(THRIFT_STAPLER_TRANSPORT(object)->priv->name);
	G_OBJECT_CLASS(thrift_stapler_transport_parent_class)->finalize(object);
}

static void thrift_stapler_transport_init(ThriftStaplerTransport *transport)
{
	transport->priv = thrift_stapler_transport_get_instance_private(transport);
	transport->priv->fd = THRIFT_INVALID_SOCKET;
}

static void thrift_stapler_transport_class_init(ThriftStaplerTransportClass *class)
{
	ThriftTransportClass *base = THRIFT_TRANSPORT_CLASS(class);
	GObjectClass *object = G_OBJECT_CLASS(class);
	const GParamFlags flags =
		G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

	object->get_property = transport_get_property;
	object->set_property = transport_set_property;
	object->finalize = transport_finalize;
	g_object_class_install_property(
		object, PROP_DEVICE,
		g_param_spec_uint("device", "device", "N of /dev/stplr-N", 0, G_MAXUINT, 0, flags));
	g_object_class_install_property(
		object, PROP_NAME,
		g_param_spec_string("name", "name", "Name of the server's channel", NULL, flags));
	g_object_class_install_property(
		object, PROP_FD,
		g_param_spec_int("fd", "fd", "A connection or accepted channel that was handed in",
				 G_MININT, G_MAXINT, THRIFT_INVALID_SOCKET, flags));
	g_object_class_install_property(object, PROP_CONFIGURATION,
					g_param_spec_object("configuration", "configuration",
							    "Thrift's configuration",
							    THRIFT_TYPE_CONFIGURATION, flags));
	g_object_class_install_property(
		object, PROP_REMAINING_MESSAGE_SIZE,
		g_param_spec_long("remainingmessagesize", "remainingmessagesize",
				  "Remaining size of the message", 0, G_MAXINT32,
				  DEFAULT_MAX_MESSAGE_SIZE, flags));
	g_object_class_install_property(
		object, PROP_KNOW_MESSAGE_SIZE,
		g_param_spec_long("knowmessagesize", "knowmessagesize", "Known size of the message",
				  0, G_MAXINT32, DEFAULT_MAX_MESSAGE_SIZE, flags));
	base->is_open = transport_is_open;
	base->open = transport_open;
	base->close = transport_close;
	base->peek = transport_peek;
	base->read = transport_read;
	base->read_end = transport_read_end;
	base->write = transport_write;
	base->write_end = transport_write_end;
	base->flush = transport_flush;
}

gint thrift_stapler_transport_get_fd(ThriftStaplerTransport *transport)
{
	g_return_val_if_fail(THRIFT_IS_STAPLER_TRANSPORT(transport), THRIFT_INVALID_SOCKET);
	return transport->priv->end ? transport->priv->end->fd : THRIFT_INVALID_SOCKET;
}

ThriftTransport *stapler_transport_new(struct stapler_end *end, ThriftConfiguration *configuration)
{
	ThriftStaplerTransport *transport =
		g_object_new(THRIFT_TYPE_STAPLER_TRANSPORT, "configuration", configuration, NULL);

	transport->priv->end = end;
	return THRIFT_TRANSPORT(transport);
}
