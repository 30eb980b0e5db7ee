// SPDX-License-Identifier: MIT
// One string that picks a service's transport, so that it outgrows the machine by changing a
// string.
#ifndef STPLR_THRIFT_TRANSPORTURI_H
#define STPLR_THRIFT_TRANSPORTURI_H

#include <thrift/transport/TServerTransport.h>
#include <thrift/transport/TTransport.h>

#include <memory>
#include <string>

namespace stplr
{
namespace thrift
{

// Milliseconds; 0 is without a limit.
struct ClientTimeouts {
	int connect = 0;
	int send = 0;
	int receive = 0;
};

/*
 *	stplr:NAME[?device=N&mode=MODE&group=GROUP]
 *	activated:NAME			what the process was started with under this name,
 *					see StaplerDescriptor.h
 *	unix:PATH
 *	tcp:HOST:PORT			HOST may stand in brackets; for a server it may be empty
 *
 * A string that makes no sense: BAD_ARGS, with a text that says why. Nothing is opened; but what is
 * activated is there already, and NOT_OPEN if it is not.
 */
std::shared_ptr<apache::thrift::transport::TTransport>
makeClientTransport(const std::string &uri, const ClientTimeouts &timeouts = {},
		    std::shared_ptr<apache::thrift::TConfiguration> configuration = nullptr);

// The configuration is for the clients' transports; sockets' servers take none in this Thrift.
std::shared_ptr<apache::thrift::transport::TServerTransport>
makeServerTransport(const std::string &uri,
		    std::shared_ptr<apache::thrift::TConfiguration> configuration = nullptr);

} // namespace thrift
} // namespace stplr

#endif
