// SPDX-License-Identifier: MIT
// The programs' command lines, and the Thrift objects that they choose.
#ifndef EXAMPLES_THRIFT_OPTIONS_H
#define EXAMPLES_THRIFT_OPTIONS_H

#include <thrift/protocol/TProtocol.h>
#include <thrift/transport/TTransport.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace stplr
{
namespace examples
{

// What both sides must agree on.
struct Wire {
	std::string transport;
	std::string wrapper = "buffered";
	std::string protocol = "binary";

	std::shared_ptr<apache::thrift::transport::TTransportFactory> wrapperFactory() const;
	std::shared_ptr<apache::thrift::protocol::TProtocolFactory> protocolFactory() const;
	// A protocol on a transport that is open.
	std::shared_ptr<apache::thrift::protocol::TProtocol> connect() const;
};

struct ServerOptions {
	Wire wire;
	std::string server = "threaded";
	int threads = 4;
	bool deferReplies = false;
	bool quiet = false;
};

struct ClientOptions {
	Wire wire;
	// What to do with the service by hand.
	std::vector<std::string> words;
	int64_t interval = 100000;
	// Or what to measure.
	std::string round;
	int64_t count = 0;
	int64_t size = 64;
	int clients = 1;
};

// What a client can do besides being called without a word.
struct ClientUsage {
	std::string words;
	std::string help;
	std::vector<std::string> rounds;
};

// These end the program when they were asked for help, or cannot make sense of the arguments.
ServerOptions parseServer(int argc, char **argv, const std::string &service);
ClientOptions parseClient(int argc, char **argv, const std::string &service,
			  const ClientUsage &usage);

// Runs a program's work; what it throws is printed, and the status then is 1.
int run(const char *program, void (*work)(int, char **), int argc, char **argv);

} // namespace examples
} // namespace stplr

#endif
