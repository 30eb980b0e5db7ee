// SPDX-License-Identifier: MIT
#include "server.h"

#include <stplr/thrift/ServerStaplerTransport.h>
#include <stplr/thrift/TransportUri.h>

#include <thrift/concurrency/ThreadFactory.h>
#include <thrift/concurrency/ThreadManager.h>
#include <thrift/server/TSimpleServer.h>
#include <thrift/server/TThreadPoolServer.h>
#include <thrift/server/TThreadedServer.h>
#include <thrift/transport/TTransportException.h>

#include <pthread.h>
#include <signal.h>

#include <cstdio>
#include <stdexcept>
#include <thread>

namespace stplr
{
namespace examples
{

using namespace apache::thrift::server;
using apache::thrift::concurrency::ThreadFactory;
using apache::thrift::concurrency::ThreadManager;

namespace
{

class Announcer : public TServerEventHandler
{
public:
	explicit Announcer(const std::string &uri) : uri_(uri) {}

	void preServe() override
	{
		std::printf("listening on %s\n", uri_.c_str());
		std::fflush(stdout);
		served = true;
	}

	bool served = false;

private:
	std::string uri_;
};

std::unique_ptr<TServerFramework> makeServer(const ServerOptions &options,
					     std::shared_ptr<apache::thrift::TProcessor> processor)
{
	auto transport = thrift::makeServerTransport(options.wire.transport);
	auto wrapper = options.wire.wrapperFactory();
	auto protocol = options.wire.protocolFactory();

	if (options.deferReplies) {
		auto stapler = std::dynamic_pointer_cast<thrift::ServerStaplerTransport>(transport);

		if (!stapler)
			throw std::runtime_error("--defer-replies is for stplr: only");
		stapler->setDeferReplies(true);
	}
	if (options.server == "simple")
		return std::make_unique<TSimpleServer>(processor, transport, wrapper, protocol);
	if (options.server == "threaded")
		return std::make_unique<TThreadedServer>(processor, transport, wrapper, protocol);

	auto threads = ThreadManager::newSimpleThreadManager(options.threads);

	threads->threadFactory(std::make_shared<ThreadFactory>());
	threads->start();
	return std::make_unique<TThreadPoolServer>(processor, transport, wrapper, protocol,
						   threads);
}

} // namespace

void serve(const ServerOptions &options, std::shared_ptr<apache::thrift::TProcessor> processor,
	   const std::function<void()> &atEnd)
{
	auto announcer = std::make_shared<Announcer>(options.wire.transport);
	sigset_t ends;

	// Every thread inherits the mask, so that the one below gets the signals.
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, nullptr);

	auto server = makeServer(options, processor);
	std::thread stopper([&] {
		int signal;

		sigwait(&ends, &signal);
		if (atEnd)
			atEnd();
		server->stop();
	});

	server->setServerEventHandler(announcer);
	try {
		server->serve();
	} catch (...) {
		stopper.detach();
		throw;
	}
	pthread_kill(stopper.native_handle(), SIGTERM);
	stopper.join();
	if (!announcer->served)
		throw std::runtime_error("the server ended early");
}

} // namespace examples
} // namespace stplr
