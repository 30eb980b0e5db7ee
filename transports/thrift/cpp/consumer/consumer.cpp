// SPDX-License-Identifier: MIT
// A program of somebody else's: what is installed must compile, link and behave without the module,
// too.
#include <stplr/thrift/ClientStaplerTransport.h>
#include <stplr/thrift/ServerStaplerTransport.h>
#include <stplr/thrift/TransportUri.h>

#include <cstdio>

using apache::thrift::transport::TTransportException;

static TTransportException::TTransportExceptionType failure(const char *uri)
{
	try {
		stplr::thrift::makeClientTransport(uri)->open();
	} catch (const TTransportException &error) {
		std::printf("%s\n", error.what());
		return error.getType();
	}
	return TTransportException::UNKNOWN;
}

int main()
{
	stplr::thrift::ClientStaplerTransport client("nobody");
	stplr::thrift::ServerStaplerTransport server("nobody");

	return client.isOpen() || server.isOpen() ||
	       failure("stplr:nobody") != TTransportException::NOT_OPEN ||
	       failure("stplr:no body") != TTransportException::BAD_ARGS;
}
