// SPDX-License-Identifier: MIT
#include <stplr/thrift/TransportUri.h>

#include <stplr/thrift/ClientStaplerTransport.h>
#include <stplr/thrift/ServerStaplerTransport.h>

#include "Errors.h"

#include <thrift/transport/TServerSocket.h>
#include <thrift/transport/TSocket.h>

#include <stplr.h>

#include <cerrno>
#include <cstdlib>

namespace stplr
{
namespace thrift
{

namespace
{

using apache::thrift::TConfiguration;
using apache::thrift::transport::TServerSocket;
using apache::thrift::transport::TServerTransport;
using apache::thrift::transport::TSocket;
using apache::thrift::transport::TTransport;

enum class Scheme { stapler, activated, unixSocket, tcp };

struct Uri {
	Scheme scheme;
	// A path or a host.
	std::string place;
	int port = 0;
};

Uri parse(const std::string &uri)
{
	const size_t colon = uri.find(':');
	const bool hasScheme = colon != std::string::npos;
	const std::string scheme = hasScheme ? uri.substr(0, colon) : "";
	const std::string rest = hasScheme ? uri.substr(colon + 1) : "";

	if (scheme == "stplr")
		return {Scheme::stapler, rest};
	if (scheme == "activated") {
		if (rest.empty() || rest.find(':') != std::string::npos)
			raise(TTransportException::BAD_ARGS, uri,
			      "activated:NAME wants a name, without a colon");
		return {Scheme::activated, rest};
	}
	if (scheme == "unix") {
		if (rest.empty())
			raise(TTransportException::BAD_ARGS, uri, "unix:PATH wants a path");
		return {Scheme::unixSocket, rest};
	}
	if (scheme != "tcp")
		raise(TTransportException::BAD_ARGS, uri,
		      "a transport is stplr:NAME, activated:NAME, unix:PATH or tcp:HOST:PORT");

	const size_t last = rest.rfind(':');
	const std::string port = last == std::string::npos ? "" : rest.substr(last + 1);
	Uri tcp = {Scheme::tcp, rest.substr(0, last)};

	if (port.empty() || port.size() > 5 ||
	    port.find_first_not_of("0123456789") != std::string::npos ||
	    std::atoi(port.c_str()) > 65535)
		raise(TTransportException::BAD_ARGS, uri, "tcp:HOST:PORT wants a port up to 65535");
	tcp.port = std::atoi(port.c_str());
	if (tcp.place.size() > 2 && tcp.place.front() == '[' && tcp.place.back() == ']')
		tcp.place = tcp.place.substr(1, tcp.place.size() - 2);
	return tcp;
}

StaplerDescriptor activated(const Uri &uri)
{
	const StaplerDescriptor descriptor = StaplerDescriptor::activated(uri.place);

	if (!descriptor)
		raise(TTransportException::NOT_OPEN, "activated:" + uri.place,
		      stplr_strerror("stplr_activated", ENOENT));
	return descriptor;
}

template <typename Transport>
std::shared_ptr<TTransport> withTimeouts(std::shared_ptr<Transport> transport,
					 const ClientTimeouts &timeouts)
{
	transport->setConnTimeout(timeouts.connect);
	transport->setSendTimeout(timeouts.send);
	transport->setRecvTimeout(timeouts.receive);
	return transport;
}

} // namespace

std::shared_ptr<TTransport> makeClientTransport(const std::string &text,
						const ClientTimeouts &timeouts,
						std::shared_ptr<TConfiguration> configuration)
{
	const Uri uri = parse(text);

	switch (uri.scheme) {
	case Scheme::stapler:
		return withTimeouts(std::make_shared<ClientStaplerTransport>(
					    StaplerAddress::parse(text), configuration),
				    timeouts);
	case Scheme::activated:
		return withTimeouts(std::make_shared<ClientStaplerTransport>(
					    activated(uri), StaplerAddress(), configuration),
				    timeouts);
	case Scheme::unixSocket:
		return withTimeouts(std::make_shared<TSocket>(uri.place, configuration), timeouts);
	case Scheme::tcp:
		break;
	}
	if (uri.place.empty())
		raise(TTransportException::BAD_ARGS, text, "tcp:HOST:PORT wants a host");
	return withTimeouts(std::make_shared<TSocket>(uri.place, uri.port, configuration),
			    timeouts);
}

std::shared_ptr<TServerTransport> makeServerTransport(const std::string &text,
						      std::shared_ptr<TConfiguration> configuration)
{
	const Uri uri = parse(text);

	switch (uri.scheme) {
	case Scheme::stapler:
		return std::make_shared<ServerStaplerTransport>(StaplerAddress::parse(text),
								configuration);
	case Scheme::activated:
		return std::make_shared<ServerStaplerTransport>(activated(uri), configuration);
	case Scheme::unixSocket:
		return std::make_shared<TServerSocket>(uri.place);
	case Scheme::tcp:
		break;
	}
	if (uri.place.empty())
		return std::make_shared<TServerSocket>(uri.port);
	return std::make_shared<TServerSocket>(uri.place, uri.port);
}

} // namespace thrift
} // namespace stplr
