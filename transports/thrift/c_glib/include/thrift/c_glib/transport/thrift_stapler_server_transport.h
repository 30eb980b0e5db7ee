/* SPDX-License-Identifier: MIT */
/*
 * ThriftStaplerServerTransport - a Thrift server transport over stplr
 *
 * It takes the place of a ThriftServerSocket:
 *
 *	g_object_new(THRIFT_TYPE_STAPLER_SERVER_TRANSPORT, "name", "calculator", NULL)
 *
 * Properties (all may be set at construction only):
 *
 *	name			of the channel, free again once it is closed: 1 to 63 bytes of
 *				[A-Za-z0-9._-], or an id as @42
 *	device			N of /dev/stplr-N, default 0
 *	mode			who may connect, as for a Unix socket's file, default 0600
 *	group			the name's group, by name or number; default: the process's own
 *	backlog			how many clients may wait to be accepted, default 128
 *	fd			a listening channel that was handed in: see below
 *	configuration		a ThriftConfiguration, or NULL for the defaults; the transports that
 *				accept() gives have it, too
 *	remainingmessagesize, knowmessagesize
 *				as every server transport of Thrift has them
 *
 * fd is a descriptor that was inherited, received over a Unix socket, or got from
 * stplr_activated(3). listen() takes it over, closed on exec from then on; if that fails
 * (LISTEN) it stays the caller's. The channel has its own name, mode and backlog, and goes on
 * for others who have it: close() closes the descriptor, and to be interrupted ends this
 * transport's accept().
 *
 * accept() gives a ThriftStaplerTransport and the one reference to it; or NULL with
 * THRIFT_SERVER_SOCKET_ERROR_ACCEPT, which a signal causes, too: that is how a handler that calls
 * thrift_server_stop() ends a server. (It must be set without SA_RESTART.) Calls being served go on
 * over signals, so a server that is to stop with clients connected wants
 * thrift_stapler_server_transport_interrupt() as well. close() may be called twice.
 */
#ifndef THRIFT_STAPLER_SERVER_TRANSPORT_H
#define THRIFT_STAPLER_SERVER_TRANSPORT_H

#include <glib-object.h>

#include <thrift/c_glib/transport/thrift_server_transport.h>

G_BEGIN_DECLS

#define THRIFT_TYPE_STAPLER_SERVER_TRANSPORT (thrift_stapler_server_transport_get_type())
#define THRIFT_STAPLER_SERVER_TRANSPORT(obj)                                                       \
	(G_TYPE_CHECK_INSTANCE_CAST((obj), THRIFT_TYPE_STAPLER_SERVER_TRANSPORT,                   \
				    ThriftStaplerServerTransport))
#define THRIFT_IS_STAPLER_SERVER_TRANSPORT(obj)                                                    \
	(G_TYPE_CHECK_INSTANCE_TYPE((obj), THRIFT_TYPE_STAPLER_SERVER_TRANSPORT))
#define THRIFT_STAPLER_SERVER_TRANSPORT_CLASS(c)                                                   \
	(G_TYPE_CHECK_CLASS_CAST((c), THRIFT_TYPE_STAPLER_SERVER_TRANSPORT,                        \
				 ThriftStaplerServerTransportClass))
#define THRIFT_IS_STAPLER_SERVER_TRANSPORT_CLASS(c)                                                \
	(G_TYPE_CHECK_CLASS_TYPE((c), THRIFT_TYPE_STAPLER_SERVER_TRANSPORT))
#define THRIFT_STAPLER_SERVER_TRANSPORT_GET_CLASS(obj)                                             \
	(G_TYPE_INSTANCE_GET_CLASS((obj), THRIFT_TYPE_STAPLER_SERVER_TRANSPORT,                    \
				   ThriftStaplerServerTransportClass))

typedef struct _ThriftStaplerServerTransport ThriftStaplerServerTransport;
typedef struct _ThriftStaplerServerTransportPrivate ThriftStaplerServerTransportPrivate;

struct _ThriftStaplerServerTransport {
	ThriftServerTransport parent;

	/* private */
	ThriftStaplerServerTransportPrivate *priv;
};

typedef struct _ThriftStaplerServerTransportClass ThriftStaplerServerTransportClass;

struct _ThriftStaplerServerTransportClass {
	ThriftServerTransportClass parent;
};

/* used by THRIFT_TYPE_STAPLER_SERVER_TRANSPORT */
GType thrift_stapler_server_transport_get_type(void);

/**
 * thrift_stapler_server_transport_interrupt() - let a server end that serves clients
 * @transport: the server transport
 *
 * accept() fails from now on, and the transports it gave come to the end of their streams: calls
 * that were received can still be answered, others are not taken. May be called from a signal
 * handler, and from any thread.
 */
void thrift_stapler_server_transport_interrupt(ThriftStaplerServerTransport *transport);

/**
 * thrift_stapler_server_transport_get_fd() - the listening channel's descriptor, for poll(2)
 * @transport: the server transport, which goes on owning it
 *
 * Return: the descriptor; THRIFT_INVALID_SOCKET before listen() and after close().
 */
gint thrift_stapler_server_transport_get_fd(ThriftStaplerServerTransport *transport);

G_END_DECLS

#endif
