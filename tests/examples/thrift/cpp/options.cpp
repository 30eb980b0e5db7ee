// SPDX-License-Identifier: MIT
#include "options.h"

#include <stplr/thrift/TransportUri.h>

#include <CLI/CLI.hpp>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/protocol/TCompactProtocol.h>
#include <thrift/protocol/TJSONProtocol.h>
#include <thrift/transport/TBufferTransports.h>

#include <cstdio>
#include <exception>

namespace stplr
{
namespace examples
{

using namespace apache::thrift::protocol;
using namespace apache::thrift::transport;

std::shared_ptr<TTransportFactory> Wire::wrapperFactory() const
{
	if (wrapper == "buffered")
		return std::make_shared<TBufferedTransportFactory>();
	if (wrapper == "framed")
		return std::make_shared<TFramedTransportFactory>();
	return std::make_shared<TTransportFactory>();
}

std::shared_ptr<TProtocolFactory> Wire::protocolFactory() const
{
	if (protocol == "binary")
		return std::make_shared<TBinaryProtocolFactory>();
	if (protocol == "compact")
		return std::make_shared<TCompactProtocolFactory>();
	return std::make_shared<TJSONProtocolFactory>();
}

std::shared_ptr<TProtocol> Wire::connect() const
{
	auto wrapped = wrapperFactory()->getTransport(thrift::makeClientTransport(transport));

	wrapped->open();
	return protocolFactory()->getProtocol(wrapped);
}

namespace
{

void addWire(CLI::App &app, Wire &wire, const std::string &service)
{
	wire.transport = "stplr:" + service;
	app.add_option("--transport", wire.transport,
		       "stplr:NAME[?device=N&mode=MODE&group=GROUP], activated:NAME, unix:PATH or "
		       "tcp:HOST:PORT")
		->type_name("URI")
		->capture_default_str();
	app.add_option("--wrapper", wire.wrapper)
		->check(CLI::IsMember({"buffered", "framed", "none"}))
		->capture_default_str();
	app.add_option("--protocol", wire.protocol)
		->check(CLI::IsMember({"binary", "compact", "json"}))
		->capture_default_str();
}

void parse(CLI::App &app, int argc, char **argv)
{
	try {
		app.parse(argc, argv);
	} catch (const CLI::ParseError &error) {
		std::exit(app.exit(error) ? 2 : 0);
	}
}

} // namespace

ServerOptions parseServer(int argc, char **argv, const std::string &service)
{
	CLI::App app("The example service " + service + ", until SIGTERM or SIGINT.");
	ServerOptions options;

	addWire(app, options.wire, service);
	app.add_option("--server", options.server, "Thrift's server class")
		->check(CLI::IsMember({"simple", "threaded", "pool"}))
		->capture_default_str();
	app.add_option("--threads", options.threads, "of --server pool")
		->check(CLI::Range(1, 1000))
		->capture_default_str();
	app.add_flag("--defer-replies", options.deferReplies,
		     "stplr only: answer and receive in one system call");
	app.add_flag("--quiet", options.quiet, "do not print what hello says");
	parse(app, argc, argv);
	return options;
}

ClientOptions parseClient(int argc, char **argv, const std::string &service,
			  const ClientUsage &usage)
{
	CLI::App app("A client of the example service " + service +
		     ". Without --round it shows what the service does; with it, it measures.");
	ClientOptions options;

	addWire(app, options.wire, service);
	if (!usage.words.empty())
		app.add_option(usage.words, options.words, usage.help);
	if (service == "timer")
		app.add_option("--interval", options.interval, "of the timer")
			->type_name("US")
			->check(CLI::Range(int64_t(1), int64_t(3600) * 1000000))
			->capture_default_str();
	if (!usage.rounds.empty()) {
		CLI::Option *round = app.add_option("--round", options.round, "measure this")
					     ->check(CLI::IsMember(usage.rounds));

		app.add_option("--count", options.count, "how many rounds")
			->type_name("N")
			->check(CLI::Range(int64_t(1), int64_t(1000000000)))
			->needs(round);
		round->needs("--count");
		app.add_option("--size", options.size, "of ping's binary_value, hello's text")
			->type_name("BYTES")
			->check(CLI::Range(int64_t(0), int64_t(64) << 20))
			->capture_default_str();
		app.add_option("--clients", options.clients, "threads with a connection each")
			->type_name("M")
			->check(CLI::Range(1, 1000))
			->capture_default_str();
	}
	parse(app, argc, argv);
	return options;
}

int run(const char *program, void (*work)(int, char **), int argc, char **argv)
{
	try {
		work(argc, argv);
		return 0;
	} catch (const std::exception &error) {
		std::fprintf(stderr, "%s: %s\n", program, error.what());
		return 1;
	}
}

} // namespace examples
} // namespace stplr
