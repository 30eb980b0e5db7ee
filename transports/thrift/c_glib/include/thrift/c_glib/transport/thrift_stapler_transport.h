/* SPDX-License-Identifier: MIT */
/*
 * ThriftStaplerTransport - a Thrift transport over stplr
 *
 * The client's end of a connection; ThriftStaplerServerTransport makes the server's ends, which are
 * of this type, too. It takes the place of a ThriftSocket:
 *
 *	g_object_new(THRIFT_TYPE_STAPLER_TRANSPORT, "name", "calculator", NULL)
 *
 * Properties (all may be set at construction only):
 *
 *	name			of the server's channel
 *	device			N of /dev/stplr-N, default 0
 *	fd			a connection that was handed in, or an accepted client's channel:
 *				see below
 *	configuration		a ThriftConfiguration, or NULL for the defaults; what this end
 *				takes is bounded by its max-message-size
 *	remainingmessagesize, knowmessagesize
 *				as every transport of Thrift has them
 *
 * Client: flush() sends, and comes back with the reply, which read() then takes. Server: read() and
 * peek() receive, flush() replies. One system call each. flush() of a call that is one way returns
 * at once. Signals do not end any of them.
 *
 * read() gives all the bytes asked for, as ThriftSocket does; at the end of the stream it gives -1
 * with THRIFT_TRANSPORT_ERROR_RECEIVE. close() may be called twice. After it, a client may open()
 * again.
 *
 * fd is a descriptor that was inherited, received over a Unix socket, or got from
 * stplr_activated(3). A connection makes this a client, an accepted client's channel the
 * server's end. open() takes it over, closed on exec from then on. If that fails it stays the
 * caller's: one that is not open, of another kind, another transport's already, has O_NONBLOCK,
 * or was ended. close() closes it, and ends nothing for others who have it; an open() after that
 * is by name.
 *
 * Errors (THRIFT_TRANSPORT_ERROR_*):
 *
 *	CONNECT			no such device or name, or no permission
 *	SEND			the server has gone, without the call
 *	RECEIVE			the other end has closed, or has gone
 *	MAX_MESSAGE_SIZE_REACHED
 *
 * An error that is set already stays as it is: wrappers go on after a failed flush().
 *
 * An object may be used by one thread at a time.
 */
#ifndef THRIFT_STAPLER_TRANSPORT_H
#define THRIFT_STAPLER_TRANSPORT_H

#include <glib-object.h>

#include <thrift/c_glib/transport/thrift_transport.h>

G_BEGIN_DECLS

#define THRIFT_TYPE_STAPLER_TRANSPORT (thrift_stapler_transport_get_type())
#define THRIFT_STAPLER_TRANSPORT(obj)                                                              \
	(G_TYPE_CHECK_INSTANCE_CAST((obj), THRIFT_TYPE_STAPLER_TRANSPORT, ThriftStaplerTransport))
#define THRIFT_IS_STAPLER_TRANSPORT(obj)                                                           \
	(G_TYPE_CHECK_INSTANCE_TYPE((obj), THRIFT_TYPE_STAPLER_TRANSPORT))
#define THRIFT_STAPLER_TRANSPORT_CLASS(c)                                                          \
	(G_TYPE_CHECK_CLASS_CAST((c), THRIFT_TYPE_STAPLER_TRANSPORT, ThriftStaplerTransportClass))
#define THRIFT_IS_STAPLER_TRANSPORT_CLASS(c)                                                       \
	(G_TYPE_CHECK_CLASS_TYPE((c), THRIFT_TYPE_STAPLER_TRANSPORT))
#define THRIFT_STAPLER_TRANSPORT_GET_CLASS(obj)                                                    \
	(G_TYPE_INSTANCE_GET_CLASS((obj), THRIFT_TYPE_STAPLER_TRANSPORT,                           \
				   ThriftStaplerTransportClass))

typedef struct _ThriftStaplerTransport ThriftStaplerTransport;
typedef struct _ThriftStaplerTransportPrivate ThriftStaplerTransportPrivate;

struct _ThriftStaplerTransport {
	ThriftTransport parent;

	/* private */
	ThriftStaplerTransportPrivate *priv;
};

typedef struct _ThriftStaplerTransportClass ThriftStaplerTransportClass;

struct _ThriftStaplerTransportClass {
	ThriftTransportClass parent;
};

/* used by THRIFT_TYPE_STAPLER_TRANSPORT */
GType thrift_stapler_transport_get_type(void);

/**
 * thrift_stapler_transport_get_fd() - the connection's or channel's descriptor, for poll(2)
 * @transport: the transport, which goes on owning it
 *
 * A server's end is readable when a call has come, or the client has gone.
 *
 * Return: the descriptor; THRIFT_INVALID_SOCKET while the transport is closed.
 */
gint thrift_stapler_transport_get_fd(ThriftStaplerTransport *transport);

G_END_DECLS

#endif
