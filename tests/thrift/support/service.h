// SPDX-License-Identifier: MIT
// The tests' service under any of Thrift's servers, wrappers and protocols, and clients of it.
#pragma once

#include <stplr/thrift/ClientStaplerTransport.h>
#include <stplr/thrift/ServerStaplerTransport.h>

#include <gtest/gtest.h>
#include <thrift/TProcessor.h>
#include <thrift/concurrency/ThreadManager.h>
#include <thrift/protocol/TProtocol.h>
#include <thrift/server/TServerFramework.h>
#include <thrift/transport/TTransportException.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "suite.h"

namespace tests
{

using apache::thrift::protocol::TProtocol;
using apache::thrift::transport::TTransport;
using apache::thrift::transport::TTransportException;
using stplr::thrift::AcceptedStaplerTransport;
using stplr::thrift::ClientStaplerTransport;
using stplr::thrift::ServerStaplerTransport;
using stplr::thrift::StaplerAddress;
using stplr::thrift::StaplerDescriptor;

// What both sides agree on.
struct Wire {
	// buffered, framed, none
	std::string wrapper = "buffered";
	// binary, old (binary that is not strict), compact, json, multiplexed
	std::string protocol = "binary";

	std::shared_ptr<TTransport> wrap(std::shared_ptr<TTransport> transport) const;
	// For a client: a multiplexed one names the service.
	std::shared_ptr<TProtocol> speak(std::shared_ptr<TTransport> wrapped) const;
};

const std::vector<std::string> &wrappers();
const std::vector<std::string> &protocols();

// A value that uses every type.
suite::every_type everything();

class Handler : public suite::suiteIf
{
public:
	int32_t noted() override;
	void echo(suite::every_type &result, const suite::every_type &value) override;
	void pick(suite::choice &result, const suite::choice &value) override;
	void blob(std::string &result, const std::string &bytes) override;
	void make(std::string &result, const int32_t size) override;
	int32_t add(const int32_t a, const int32_t b) override;
	void refuse(const int32_t code) override;
	void nap(const int32_t ms) override;
	void note(const int32_t number, const int32_t nap_ms, const std::string &ballast) override;
	void notes(std::vector<int32_t> &result) override;

private:
	std::mutex mutex_;
	std::vector<int32_t> notes_;
};

// A name that no other service has.
StaplerAddress newAddress();

// Serves from its construction to its end.
class Service
{
public:
	struct Options {
		// simple, threaded, pool
		std::string server = "threaded";
		Wire wire;
		StaplerAddress address = newAddress();
		// A listening channel, instead of one with that address.
		StaplerDescriptor channel;
		bool deferReplies = false;
		bool interruptableChildren = true;
		int maxMessageSize = 100 << 20;
		// To watch or wrap what is called.
		std::shared_ptr<apache::thrift::TProcessorEventHandler> events;
		std::shared_ptr<apache::thrift::server::TServerEventHandler> serverEvents;
		int32_t stringLimit = 0;
		int32_t containerLimit = 0;
	};

	Service() : Service(Options()) {}
	explicit Service(const Options &options);
	~Service();

	// Stops it, and waits for it. False if it did not stop within the time.
	bool stop();

	const StaplerAddress &address() const
	{
		return options_.address;
	}
	const Wire &wire() const
	{
		return options_.wire;
	}
	ServerStaplerTransport &transport()
	{
		return *transport_;
	}
	Handler &handler()
	{
		return *handler_;
	}
	int64_t clients() const
	{
		return server_->getConcurrentClientCount();
	}

private:
	Options options_;
	std::shared_ptr<Handler> handler_;
	std::shared_ptr<ServerStaplerTransport> transport_;
	std::shared_ptr<apache::thrift::server::TServerFramework> server_;
	std::atomic<bool> ended_{false};
	std::thread thread_;
};

// A client with all its layers.
struct Client {
	// Opens it.
	explicit Client(Service &service) : Client(service.address(), service.wire()) {}
	Client(const StaplerAddress &address, const Wire &wire, int maxMessageSize = 100 << 20);
	// On a transport that may be open.
	Client(std::shared_ptr<ClientStaplerTransport> transport, const Wire &wire);

	suite::suiteClient *operator->()
	{
		return &calls;
	}

	std::shared_ptr<ClientStaplerTransport> transport;
	std::shared_ptr<TTransport> wrapped;
	std::shared_ptr<TProtocol> protocol;
	suite::suiteClient calls;
};

// The type of the transport exception that the call throws; -1 for none. Its text goes to what.
int failure(const std::function<void()> &call, std::string *what = nullptr);

#define EXPECT_FAILURE(type, call)                                                                 \
	EXPECT_EQ(int(TTransportException::type), tests::failure([&] { call; }))

// Whether this program has the sanitizer, whose memory is not to be used up.
bool isSanitized();

// Milliseconds that a call takes.
int64_t elapsed(const std::function<void()> &call);

} // namespace tests
