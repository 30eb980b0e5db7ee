/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <stplr.h>

#include <thrift/c_glib/thrift_configuration.h>
#include <thrift/c_glib/transport/thrift_server_socket.h>
#include <thrift/c_glib/transport/thrift_stapler_server_transport.h>

#include "handed.h"
#include "transport.h"

struct _ThriftStaplerServerTransportPrivate {
	guint device;
	gchar *name;
	guint mode;
	gchar *group;
	guint backlog;
	gint fd;     /* handed in, until it is listened to; or THRIFT_INVALID_SOCKET */
	int channel; /* THRIFT_INVALID_SOCKET while closed */
	struct stapler_interrupt *list;
	struct stapler_place *place; /* of the channel, or of wake, in the list; or NULL */
	/* A channel that was handed in is not this process's to shut down: waiting for its clients
	 * is ended by an eventfd. A fork copies that, and each process is to have its own. */
	gboolean handed;
	int wake;
	pid_t wakes;
};

enum {
	PROP_0,
	PROP_DEVICE,
	PROP_NAME,
	PROP_MODE,
	PROP_GROUP,
	PROP_BACKLOG,
	PROP_FD,
	PROP_CONFIGURATION,
	PROP_REMAINING_MESSAGE_SIZE,
	PROP_KNOW_MESSAGE_SIZE,
};

G_DEFINE_TYPE_WITH_PRIVATE(ThriftStaplerServerTransport, thrift_stapler_server_transport,
			   THRIFT_TYPE_SERVER_TRANSPORT)

static gboolean G_GNUC_PRINTF(3, 4)
	fail(GError **error, ThriftServerSocketError code, const gchar *format, ...)
{
	va_list list;

	va_start(list, format);
	if (error && !*error)
		*error = g_error_new_valist(THRIFT_SERVER_SOCKET_ERROR, code, format, list);
	va_end(list);
	return FALSE;
}

static gboolean find_group(const gchar *text, guint32 *gid)
{
	const struct group *group;
	guint64 number;

	if (g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32 - 1, &number, NULL)) {
		*gid = (guint32)number;
		return TRUE;
	}
	group = getgrnam(text);
	if (group)
		*gid = group->gr_gid;
	return group != NULL;
}

static const gchar *listen_problem(int reason)
{
	switch (reason) {
	case EEXIST:
		return "another server has this name";
	case EINVAL:
		return "a name is 1 to 63 bytes of [A-Za-z0-9._-], or an id as @42; a mode at "
		       "most 0777";
	case EPERM:
		return "this process is not a member of the group";
	default:
		return g_strerror(reason);
	}
}

static gboolean listen_to_handed(ThriftStaplerServerTransportPrivate *priv, GError **error)
{
	enum stapler_kind kind;
	gchar *problem = stapler_handed_take(priv->fd, STAPLER_LISTENING, &kind);

	if (problem) {
		fail(error, THRIFT_SERVER_SOCKET_ERROR_LISTEN, "%s", problem);
		g_free(problem);
		return FALSE;
	}
	priv->handed = TRUE;
	priv->channel = priv->fd;
	priv->fd = THRIFT_INVALID_SOCKET;
	return TRUE;
}

static void forget_wake(ThriftStaplerServerTransportPrivate *priv)
{
	if (!priv->wakes)
		return;
	stapler_interrupt_remove(priv->place);
	close(priv->wake);
	priv->wakes = 0;
}

static gboolean own_wake(ThriftStaplerServerTransportPrivate *priv)
{
	if (priv->wakes == getpid())
		return TRUE;
	forget_wake(priv);
	priv->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (priv->wake < 0)
		return FALSE;
	priv->place = stapler_interrupt_add_wake(priv->list, priv->wake);
	priv->wakes = getpid();
	return TRUE;
}

/* The next client; one whom another process that has the channel takes is waited for on. */
static int accept_of_handed(ThriftStaplerServerTransportPrivate *priv)
{
	struct stplr_channel_accept args = {.deadline = STPLR_DEADLINE_POLL};
	int channel;

	if (!own_wake(priv))
		return -1;
	do {
		struct pollfd fds[] = {{.fd = priv->channel, .events = POLLIN},
				       {.fd = priv->wake, .events = POLLIN}};

		if (poll(fds, G_N_ELEMENTS(fds), -1) < 0)
			return -1;
		if (fds[1].revents) {
			errno = ESHUTDOWN;
			return -1;
		}
		channel = stplr_channel_accept(priv->channel, &args);
	} while (channel < 0 && errno == EAGAIN);
	return channel;
}

static gboolean server_listen(ThriftServerTransport *transport, GError **error)
{
	ThriftStaplerServerTransportPrivate *priv =
		THRIFT_STAPLER_SERVER_TRANSPORT(transport)->priv;
	struct stplr_channel_create options = {
		.flags = STPLR_CHANNEL_LISTEN, .mode = priv->mode, .backlog = priv->backlog};
	gchar why[256];
	int device, reason;

	if (priv->channel != THRIFT_INVALID_SOCKET)
		return fail(error, THRIFT_SERVER_SOCKET_ERROR_LISTEN,
			    "the server transport listens already");
	if (priv->fd != THRIFT_INVALID_SOCKET)
		return listen_to_handed(priv, error);
	if (!priv->name)
		return fail(error, THRIFT_SERVER_SOCKET_ERROR_BIND,
			    "no name to listen on: set the property 'name', or 'fd'");
	if (priv->group) {
		options.flags |= STPLR_CHANNEL_GROUP;
		if (!find_group(priv->group, &options.gid))
			return fail(error, THRIFT_SERVER_SOCKET_ERROR_BIND,
				    "there is no group '%s'", priv->group);
	}
	device = stplr_open_why(priv->device, 0, why, sizeof(why));
	if (device < 0)
		return fail(error, THRIFT_SERVER_SOCKET_ERROR_SOCKET, "%s", why);
	priv->channel = stplr_channel_create(device, priv->name, &options);
	reason = errno;
	close(device);
	if (priv->channel < 0) {
		priv->channel = THRIFT_INVALID_SOCKET;
		return fail(error, THRIFT_SERVER_SOCKET_ERROR_BIND,
			    "failed to listen on '%s' on /dev/stplr-%u - %s", priv->name,
			    priv->device, listen_problem(reason));
	}
	priv->place = stapler_interrupt_add(priv->list, priv->channel);
	return TRUE;
}

static ThriftTransport *server_accept(ThriftServerTransport *transport, GError **error)
{
	ThriftStaplerServerTransportPrivate *priv =
		THRIFT_STAPLER_SERVER_TRANSPORT(transport)->priv;
	struct stapler_end *end;
	GError *reason = NULL;
	int channel;

	if (priv->channel == THRIFT_INVALID_SOCKET) {
		fail(error, THRIFT_SERVER_SOCKET_ERROR_ACCEPT,
		     "the server transport does not listen");
		return NULL;
	}
	channel = priv->handed ? accept_of_handed(priv) : stplr_accept(priv->channel, NULL);
	if (channel < 0) {
		fail(error, THRIFT_SERVER_SOCKET_ERROR_ACCEPT, "failed to accept a client - %s",
		     errno == ESHUTDOWN ? "the server was interrupted" : g_strerror(errno));
		return NULL;
	}
	end = stapler_session_new(channel, priv->list, &reason);
	if (!end) {
		close(channel);
		fail(error, THRIFT_SERVER_SOCKET_ERROR_ACCEPT, "%s", reason->message);
		g_clear_error(&reason);
		return NULL;
	}
	return stapler_transport_new(end, transport->configuration);
}

static gboolean server_close(ThriftServerTransport *transport, GError **error)
{
	ThriftStaplerServerTransportPrivate *priv =
		THRIFT_STAPLER_SERVER_TRANSPORT(transport)->priv;

	(void)error;
	if (priv->channel == THRIFT_INVALID_SOCKET)
		return TRUE;
	if (priv->handed) {
		forget_wake(priv);
		stapler_handed_close(priv->channel);
		priv->handed = FALSE;
	} else {
		stapler_interrupt_remove(priv->place);
		close(priv->channel);
	}
	priv->channel = THRIFT_INVALID_SOCKET;
	return TRUE;
}

static void server_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
	ThriftServerTransport *base = THRIFT_SERVER_TRANSPORT(object);
	ThriftStaplerServerTransportPrivate *priv = THRIFT_STAPLER_SERVER_TRANSPORT(object)->priv;

	switch (id) {
	case PROP_DEVICE:
		g_value_set_uint(value, priv->device);
		break;
	case PROP_NAME:
		g_value_set_string(value, priv->name);
		break;
	case PROP_MODE:
		g_value_set_uint(value, priv->mode);
		break;
	case PROP_GROUP:
		g_value_set_string(value, priv->group);
		break;
	case PROP_BACKLOG:
		g_value_set_uint(value, priv->backlog);
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

static void server_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
	ThriftServerTransport *base = THRIFT_SERVER_TRANSPORT(object);
	ThriftStaplerServerTransportPrivate *priv = THRIFT_STAPLER_SERVER_TRANSPORT(object)->priv;

	switch (id) {
	case PROP_DEVICE:
		priv->device = g_value_get_uint(value);
		break;
	case PROP_NAME:
		priv->name = g_value_dup_string(value);
		break;
	case PROP_MODE:
		priv->mode = g_value_get_uint(value);
		break;
	case PROP_GROUP:
		priv->group = g_value_dup_string(value);
		break;
	case PROP_BACKLOG:
		priv->backlog = g_value_get_uint(value);
		break;
	case PROP_FD:
		priv->fd = g_value_get_int(value);
		break;
	case PROP_CONFIGURATION:
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

static void server_finalize(GObject *object)
{
	ThriftServerTransport *base = THRIFT_SERVER_TRANSPORT(object);
	ThriftStaplerServerTransportPrivate *priv = THRIFT_STAPLER_SERVER_TRANSPORT(object)->priv;

	server_close(base, NULL);
	stapler_interrupt_unref(priv->list);
	g_free(priv->name);
	g_free(priv->group);
	g_clear_object(&base->configuration);
	G_OBJECT_CLASS(thrift_stapler_server_transport_parent_class)->finalize(object);
}

static void thrift_stapler_server_transport_init(ThriftStaplerServerTransport *transport)
{
	transport->priv = thrift_stapler_server_transport_get_instance_private(transport);
	transport->priv->fd = THRIFT_INVALID_SOCKET;
	transport->priv->channel = THRIFT_INVALID_SOCKET;
	transport->priv->list = stapler_interrupt_new();
}

static void install_properties(GObjectClass *object)
{
	const GParamFlags flags =
		G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

	g_object_class_install_property(
		object, PROP_DEVICE,
		g_param_spec_uint("device", "device", "N of /dev/stplr-N", 0, G_MAXUINT, 0, flags));
	g_object_class_install_property(
		object, PROP_NAME,
		g_param_spec_string("name", "name", "Name of the channel", NULL, flags));
	g_object_class_install_property(
		object, PROP_MODE,
		g_param_spec_uint("mode", "mode", "Who may connect, as for a Unix socket's file", 0,
				  0777, 0600, flags));
	g_object_class_install_property(object, PROP_GROUP,
					g_param_spec_string("group", "group",
							    "The name's group, by name or number",
							    NULL, flags));
	g_object_class_install_property(
		object, PROP_BACKLOG,
		g_param_spec_uint("backlog", "backlog", "How many clients may wait to be accepted",
				  1, STPLR_BACKLOG_MAX, 128, flags));
	g_object_class_install_property(
		object, PROP_FD,
		g_param_spec_int("fd", "fd", "A listening channel that was handed in", G_MININT,
				 G_MAXINT, THRIFT_INVALID_SOCKET, flags));
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
}

static void thrift_stapler_server_transport_class_init(ThriftStaplerServerTransportClass *class)
{
	ThriftServerTransportClass *base = THRIFT_SERVER_TRANSPORT_CLASS(class);
	GObjectClass *object = G_OBJECT_CLASS(class);

	object->get_property = server_get_property;
	object->set_property = server_set_property;
	object->finalize = server_finalize;
	install_properties(object);
	base->listen = server_listen;
	base->accept = server_accept;
	base->close = server_close;
}

void thrift_stapler_server_transport_interrupt(ThriftStaplerServerTransport *transport)
{
	stapler_interrupt_all(transport->priv->list);
}

gint thrift_stapler_server_transport_get_fd(ThriftStaplerServerTransport *transport)
{
	g_return_val_if_fail(THRIFT_IS_STAPLER_SERVER_TRANSPORT(transport), THRIFT_INVALID_SOCKET);
	return transport->priv->channel;
}
