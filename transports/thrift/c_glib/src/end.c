/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <unistd.h>

#include <stplr.h>

#include <thrift/c_glib/thrift_configuration.h>
#include <thrift/c_glib/transport/thrift_transport.h>

#include "end.h"
#include "handed.h"

static void set_error(GError **error, gint code, const gchar *format, va_list list)
	G_GNUC_PRINTF(3, 0);

static void set_error(GError **error, gint code, const gchar *format, va_list list)
{
	if (error && !*error)
		*error = g_error_new_valist(THRIFT_TRANSPORT_ERROR, code, format, list);
}

gboolean stapler_fail(GError **error, gint code, const gchar *format, ...)
{
	va_list list;

	va_start(list, format);
	set_error(error, code, format, list);
	va_end(list);
	return FALSE;
}

gboolean stapler_break(struct stapler_end *end, GError **error, gint code, const gchar *format, ...)
{
	va_list list;

	va_start(list, format);
	if (!end->broken)
		end->broken = g_error_new_valist(THRIFT_TRANSPORT_ERROR, code, format, list);
	va_end(list);
	return stapler_fail(error, end->broken->code, "%s", end->broken->message);
}

gboolean stapler_end_init(struct stapler_end *end, const struct stapler_end_class *class, int fd,
			  GError **error)
{
	const guint64 features = STPLR_FEATURE_TELL | STPLR_FEATURE_PARK;
	struct stplr_version version;

	if (stplr_version(fd, &version))
		return stapler_fail(error, THRIFT_TRANSPORT_ERROR_CONNECT, "stplr's version: %s",
				    g_strerror(errno));
	if ((version.features & features) != features)
		return stapler_fail(error, THRIFT_TRANSPORT_ERROR_CONNECT,
				    "the loaded module stplr is older than this library: install "
				    "both of one release");
	end->class = class;
	end->fd = fd;
	end->message_max = version.message_max;
	end->limit = DEFAULT_MAX_MESSAGE_SIZE;
	return TRUE;
}

void stapler_end_clear(struct stapler_end *end)
{
	if (end->handed)
		stapler_handed_close(end->fd);
	else
		close(end->fd);
	g_clear_error(&end->broken);
	stapler_buffer_free(&end->in);
	stapler_buffer_free(&end->out);
}

struct stapler_end *stapler_end_of_handed(int fd, GError **error)
{
	struct stapler_interrupt *list;
	struct stapler_end *end;
	enum stapler_kind kind;
	gchar *problem = stapler_handed_take(fd, STAPLER_CONNECTION | STAPLER_ACCEPTED, &kind);

	if (problem) {
		stapler_fail(error, THRIFT_TRANSPORT_ERROR_CONNECT, "%s", problem);
		g_free(problem);
		return NULL;
	}
	if (kind == STAPLER_CONNECTION) {
		end = stapler_client_new(fd, error);
	} else {
		/* Nobody interrupts it, who serves just this one. */
		list = stapler_interrupt_new();
		end = stapler_session_new(fd, list, error);
		stapler_interrupt_unref(list);
	}
	if (end)
		end->handed = TRUE;
	else
		stapler_handed_return(fd);
	return end;
}
