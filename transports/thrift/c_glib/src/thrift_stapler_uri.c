/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include <stplr.h>

#include <thrift/c_glib/transport/thrift_server_socket.h>
#include <thrift/c_glib/transport/thrift_socket.h>
#include <thrift/c_glib/transport/thrift_stapler_server_transport.h>
#include <thrift/c_glib/transport/thrift_stapler_transport.h>
#include <thrift/c_glib/transport/thrift_stapler_uri.h>

struct address {
	enum { STPLR, ACTIVATED, UNIX, TCP } kind;
	gchar *name; /* of the channel, of the descriptor, the socket's path, or the host */
	gchar *group;
	guint64 device;
	guint64 mode;
	guint64 port;
	int fd;
};

static void clear(struct address *address)
{
	g_clear_pointer(&address->name, g_free);
	g_clear_pointer(&address->group, g_free);
}

static gboolean G_GNUC_PRINTF(2, 3) refuse(GError **error, const gchar *format, ...)
{
	va_list list;

	va_start(list, format);
	if (error && !*error)
		*error = g_error_new_valist(THRIFT_TRANSPORT_ERROR, THRIFT_TRANSPORT_ERROR_UNKNOWN,
					    format, list);
	va_end(list);
	return FALSE;
}

/* Digits alone, and no more than longest: GLib would let a vertical tab and zeros stand before. */
static gboolean parse_number(const gchar *text, guint base, gsize longest, guint64 min, guint64 max,
			     guint64 *number)
{
	return strlen(text) <= longest && strspn(text, "0123456789") == strlen(text) &&
	       g_ascii_string_to_unsigned(text, base, min, max, number, NULL);
}

static gboolean parse_option(const gchar *option, struct address *address, guint *seen,
			     GError **error)
{
	static const gchar *const keys[] = {"device=", "mode=", "group="};
	const gchar *value;
	guint key;

	for (key = 0; key < G_N_ELEMENTS(keys); key++)
		if (g_str_has_prefix(option, keys[key]))
			break;
	if (key == G_N_ELEMENTS(keys))
		return refuse(error, "'%s' is not device=N, mode=MODE or group=GROUP", option);
	if (*seen & 1U << key)
		return refuse(error, "%s is there twice", keys[key]);
	*seen |= 1U << key;
	value = option + strlen(keys[key]);
	switch (key) {
	case 0:
		if (!parse_number(value, 10, 10, 0, G_MAXUINT - 1, &address->device))
			return refuse(error, "'%s': a device is a number", option);
		return TRUE;
	case 1:
		if (!parse_number(value, 8, 4, 1, 0777, &address->mode))
			return refuse(error, "'%s': a mode is octal, from 1 to 777", option);
		return TRUE;
	default:
		if (!*value)
			return refuse(error, "'%s': a group has a name or a number", option);
		address->group = g_strdup(value);
		return TRUE;
	}
}

static gboolean parse_options(const gchar *options, struct address *address, GError **error)
{
	gchar **all = g_strsplit(options, "&", -1);
	gboolean good = TRUE;
	guint seen = 0;

	for (gchar **option = all; good && *option; option++)
		good = parse_option(*option, address, &seen, error);
	if (!*all)
		good = refuse(error, "nothing stands behind the question mark");
	g_strfreev(all);
	return good;
}

static gboolean parse_stplr(const gchar *text, struct address *address, GError **error)
{
	const gchar *options = strchr(text, '?');
	gsize length = options ? (gsize)(options - text) : strlen(text);
	guint32 id;

	address->kind = STPLR;
	address->name = g_strndup(text, length);
	address->mode = 0600;
	if (stplr_name_id(address->name, &id) &&
	    (!length || length > 63 ||
	     strspn(address->name,
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") != length))
		return refuse(error,
			      "'%s': a name is 1 to 63 bytes of [A-Za-z0-9._-], or an id as @42",
			      address->name);
	return !options || parse_options(options + 1, address, error);
}

static gboolean parse_activated(const gchar *name, struct address *address, GError **error)
{
	address->kind = ACTIVATED;
	address->name = g_strdup(name);
	if (!*name || strchr(name, ':'))
		return refuse(error, "activated:NAME needs a name, without a colon");
	address->fd = stplr_activated(name);
	return address->fd >= 0 || refuse(error, "%s", stplr_strerror("stplr_activated", errno));
}

static gboolean parse_unix(const gchar *path, struct address *address, GError **error)
{
	address->kind = UNIX;
	address->name = g_strdup(path);
	return *path || refuse(error, "unix:PATH needs a path");
}

static gboolean parse_tcp(const gchar *text, struct address *address, GError **error)
{
	const gchar *colon = strrchr(text, ':');

	if (!colon || !parse_number(colon + 1, 10, 5, 1, 65534, &address->port))
		return refuse(error, "tcp:HOST:PORT needs a port from 1 to 65534");
	address->kind = TCP;
	address->name = g_strndup(text, colon - text);
	return TRUE;
}

static gboolean parse(const gchar *uri, struct address *address, GError **error)
{
	GError *problem = NULL;
	gboolean good;

	if (g_str_has_prefix(uri, "stplr:"))
		good = parse_stplr(uri + strlen("stplr:"), address, &problem);
	else if (g_str_has_prefix(uri, "activated:"))
		good = parse_activated(uri + strlen("activated:"), address, &problem);
	else if (g_str_has_prefix(uri, "unix:"))
		good = parse_unix(uri + strlen("unix:"), address, &problem);
	else if (g_str_has_prefix(uri, "tcp:"))
		good = parse_tcp(uri + strlen("tcp:"), address, &problem);
	else
		good = refuse(&problem,
			      "it is not stplr:NAME, activated:NAME, unix:PATH or tcp:HOST:PORT");
	if (good)
		return TRUE;
	refuse(error, "transport '%s': %s", uri, problem->message);
	g_clear_error(&problem);
	clear(address);
	return FALSE;
}

ThriftTransport *thrift_stapler_uri_transport(const gchar *uri, GError **error)
{
	struct address address = {0};
	gpointer transport;

	if (!parse(uri, &address, error))
		return NULL;
	if (!*address.name) {
		refuse(error, "transport '%s': tcp:HOST:PORT needs a host", uri);
		clear(&address);
		return NULL;
	}
	if (address.kind == STPLR)
		transport = g_object_new(THRIFT_TYPE_STAPLER_TRANSPORT, "name", address.name,
					 "device", (guint)address.device, NULL);
	else if (address.kind == ACTIVATED)
		transport = g_object_new(THRIFT_TYPE_STAPLER_TRANSPORT, "fd", address.fd, NULL);
	else if (address.kind == UNIX)
		transport = g_object_new(THRIFT_TYPE_SOCKET, "path", address.name, NULL);
	else
		transport = g_object_new(THRIFT_TYPE_SOCKET, "hostname", address.name, "port",
					 (guint)address.port, NULL);
	clear(&address);
	return transport;
}

ThriftServerTransport *thrift_stapler_uri_server_transport(const gchar *uri, GError **error)
{
	struct address address = {0};
	gpointer transport;

	if (!parse(uri, &address, error))
		return NULL;
	if (address.kind == STPLR)
		transport = g_object_new(THRIFT_TYPE_STAPLER_SERVER_TRANSPORT, "name", address.name,
					 "device", (guint)address.device, "mode",
					 (guint)address.mode, "group", address.group, NULL);
	else if (address.kind == ACTIVATED)
		transport =
			g_object_new(THRIFT_TYPE_STAPLER_SERVER_TRANSPORT, "fd", address.fd, NULL);
	else if (address.kind == UNIX)
		transport = g_object_new(THRIFT_TYPE_SERVER_SOCKET, "path", address.name, NULL);
	else
		transport =
			g_object_new(THRIFT_TYPE_SERVER_SOCKET, "port", (guint)address.port, NULL);
	clear(&address);
	return transport;
}
