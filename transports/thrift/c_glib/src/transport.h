/* SPDX-License-Identifier: MIT */
/* What ThriftStaplerServerTransport makes its transports with */
#ifndef STAPLER_TRANSPORT_H
#define STAPLER_TRANSPORT_H

#include <thrift/c_glib/transport/thrift_stapler_transport.h>

#include "end.h"

/* An open transport that owns the end. configuration may be NULL. */
ThriftTransport *stapler_transport_new(struct stapler_end *end, ThriftConfiguration *configuration);

#endif
