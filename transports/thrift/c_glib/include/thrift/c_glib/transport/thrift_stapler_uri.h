/* SPDX-License-Identifier: MIT */
/*
 * One string picks the transport, so that a service outgrows the machine by changing a string:
 *
 *	stplr:NAME[?device=N&mode=MODE&group=GROUP]
 *	activated:NAME		what the process was started with, see stplr_activated(3)
 *	unix:PATH
 *	tcp:HOST:PORT
 *
 * Client and server take the same string. A client ignores mode and group. A ThriftServerSocket
 * listens on all addresses, whatever HOST is; a server's may be empty.
 */
#ifndef THRIFT_STAPLER_URI_H
#define THRIFT_STAPLER_URI_H

#include <thrift/c_glib/transport/thrift_server_transport.h>
#include <thrift/c_glib/transport/thrift_transport.h>

G_BEGIN_DECLS

/**
 * thrift_stapler_uri_transport() - a client's transport
 * @uri: see above
 * @error: says what is wrong with it (THRIFT_TRANSPORT_ERROR_UNKNOWN)
 *
 * Return: a new transport, not opened; NULL with @error set.
 */
ThriftTransport *thrift_stapler_uri_transport(const gchar *uri, GError **error);

/**
 * thrift_stapler_uri_server_transport() - a server's transport
 * @uri: see above
 * @error: says what is wrong with it (THRIFT_TRANSPORT_ERROR_UNKNOWN)
 *
 * Return: a new server transport, not listening; NULL with @error set.
 */
ThriftServerTransport *thrift_stapler_uri_server_transport(const gchar *uri, GError **error);

G_END_DECLS

#endif
