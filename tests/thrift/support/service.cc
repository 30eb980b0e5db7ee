// SPDX-License-Identifier: MIT
#include "support/service.h"

#include <thrift/concurrency/ThreadFactory.h>
#include <thrift/processor/TMultiplexedProcessor.h>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/protocol/TCompactProtocol.h>
#include <thrift/protocol/TJSONProtocol.h>
#include <thrift/protocol/TMultiplexedProtocol.h>
#include <thrift/protocol/TVirtualProtocol.h>
#include <thrift/server/TSimpleServer.h>
#include <thrift/server/TThreadPoolServer.h>
#include <thrift/server/TThreadedServer.h>
#include <thrift/transport/TBufferTransports.h>

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <future>

#include "support/thread.h"

// There only in a program with the sanitizer.
extern "C" void __asan_init() __attribute__((weak));

namespace tests
{

using namespace apache::thrift;
using namespace apache::thrift::protocol;
using namespace apache::thrift::server;
using namespace apache::thrift::transport;

const std::vector<std::string> &wrappers()
{
	static const std::vector<std::string> names = {"buffered", "framed", "none"};

	return names;
}

const std::vector<std::string> &protocols()
{
	static const std::vector<std::string> names = {"binary", "old", "compact", "json",
						       "multiplexed"};

	return names;
}

static std::shared_ptr<TTransportFactory> wrapperFactory(const Wire &wire)
{
	if (wire.wrapper == "buffered")
		return std::make_shared<TBufferedTransportFactory>();
	if (wire.wrapper == "framed")
		return std::make_shared<TFramedTransportFactory>();
	return std::make_shared<TTransportFactory>();
}

namespace
{

// Thrift 0.17 ends the process, by an assertion, at an i8 of more than 255.
class JsonProtocol : public TVirtualProtocol<JsonProtocol, TJSONProtocol>
{
public:
	explicit JsonProtocol(std::shared_ptr<TTransport> transport) : TVirtualProtocol(transport)
	{
	}

	uint32_t readByte(int8_t &byte)
	{
		int16_t number;
		const uint32_t read = readI16(number);

		if (number < INT8_MIN || number > INT8_MAX)
			throw TProtocolException(TProtocolException::INVALID_DATA, "no i8");
		byte = number;
		return read;
	}
};

class JsonProtocolFactory : public TProtocolFactory
{
public:
	std::shared_ptr<TProtocol> getProtocol(std::shared_ptr<TTransport> transport) override
	{
		return std::make_shared<JsonProtocol>(transport);
	}
};

} // namespace

static std::shared_ptr<TProtocolFactory> protocolFactory(const Wire &wire, int32_t stringLimit = 0,
							 int32_t containerLimit = 0)
{
	if (wire.protocol == "compact")
		return std::make_shared<TCompactProtocolFactory>(stringLimit, containerLimit);
	if (wire.protocol == "json")
		return std::make_shared<JsonProtocolFactory>();
	return std::make_shared<TBinaryProtocolFactory>(stringLimit, containerLimit, false,
							wire.protocol != "old");
}

std::shared_ptr<TTransport> Wire::wrap(std::shared_ptr<TTransport> transport) const
{
	return wrapperFactory(*this)->getTransport(transport);
}

std::shared_ptr<TProtocol> Wire::speak(std::shared_ptr<TTransport> wrapped) const
{
	auto spoken = protocolFactory(*this)->getProtocol(wrapped);

	if (protocol == "multiplexed")
		return std::make_shared<TMultiplexedProtocol>(spoken, "suite");
	return spoken;
}

suite::every_type everything()
{
	suite::inner one, two;
	suite::every_type value;

	one.number = 1;
	two.number = 2;
	two.__set_text("zw\u00f6lf \"\\");
	value.bool_value = true;
	value.i8_value = -128;
	value.i16_value = 32767;
	value.i32_value = -2147483647 - 1;
	value.i64_value = INT64_MAX;
	value.double_value = -1.0 / 3;
	value.string_value = "text with \"quotes\" and \\";
	value.binary_value = std::string("\0\1\x80\xff", 4);
	value.enum_value = suite::colour::GREEN;
	value.struct_value = two;
	value.list_value = {INT64_MIN, 0, 1};
	value.set_value = {3, 2, 1};
	value.map_value = {{"one", one}, {"", two}};
	value.nest_value = {{"a", {{{1, {"x", "y"}}, {2, {}}}, {}}}, {"b", {}}};
	return value;
}

int32_t Handler::noted()
{
	std::lock_guard<std::mutex> lock(mutex_);

	return notes_.size();
}

void Handler::echo(suite::every_type &result, const suite::every_type &value)
{
	result = value;
}

void Handler::pick(suite::choice &result, const suite::choice &value)
{
	result = value;
}

void Handler::blob(std::string &result, const std::string &bytes)
{
	result = bytes;
}

void Handler::make(std::string &result, const int32_t size)
{
	result.assign(size, 'm');
}

int32_t Handler::add(const int32_t a, const int32_t b)
{
	return a + b;
}

void Handler::refuse(const int32_t code)
{
	suite::refused refused;
	suite::broken broken;

	switch (code) {
	case 1:
		refused.code = code;
		refused.why = "because";
		throw refused;
	case 2:
		broken.part = "all of it";
		throw broken;
	case 3:
		throw std::runtime_error("not declared");
	}
}

void Handler::nap(const int32_t ms)
{
	sleep_ms(ms);
}

void Handler::note(const int32_t number, const int32_t nap_ms, const std::string &)
{
	if (nap_ms)
		sleep_ms(nap_ms);
	std::lock_guard<std::mutex> lock(mutex_);

	notes_.push_back(number);
}

void Handler::notes(std::vector<int32_t> &result)
{
	std::lock_guard<std::mutex> lock(mutex_);

	result = notes_;
}

StaplerAddress newAddress()
{
	static std::atomic<int> last{0};

	return StaplerAddress("suite-" + std::to_string(getpid()) + "-" + std::to_string(++last));
}

namespace
{

// Tells when clients may connect; what was to be told is told, too.
class Ready : public TServerEventHandler
{
public:
	explicit Ready(std::shared_ptr<TServerEventHandler> next) : next_(next) {}

	void preServe() override
	{
		if (next_)
			next_->preServe();
		ready.set_value();
	}
	void *createContext(std::shared_ptr<TProtocol> in, std::shared_ptr<TProtocol> out) override
	{
		return next_ ? next_->createContext(in, out) : nullptr;
	}
	void deleteContext(void *context, std::shared_ptr<TProtocol> in,
			   std::shared_ptr<TProtocol> out) override
	{
		if (next_)
			next_->deleteContext(context, in, out);
	}
	void processContext(void *context, std::shared_ptr<TTransport> transport) override
	{
		if (next_)
			next_->processContext(context, transport);
	}

	std::promise<void> ready;

private:
	std::shared_ptr<TServerEventHandler> next_;
};

std::shared_ptr<TServerFramework> newServer(const Service::Options &options,
					    std::shared_ptr<TProcessor> processor,
					    std::shared_ptr<TServerTransport> transport)
{
	auto wrapper = wrapperFactory(options.wire);
	auto protocol = protocolFactory(options.wire, options.stringLimit, options.containerLimit);

	if (options.server == "simple")
		return std::make_shared<TSimpleServer>(processor, transport, wrapper, protocol);
	if (options.server == "threaded")
		return std::make_shared<TThreadedServer>(processor, transport, wrapper, protocol);

	auto threads = concurrency::ThreadManager::newSimpleThreadManager(4);

	threads->threadFactory(std::make_shared<concurrency::ThreadFactory>());
	threads->start();
	return std::make_shared<TThreadPoolServer>(processor, transport, wrapper, protocol,
						   threads);
}

} // namespace

Service::Service(const Options &options) : options_(options), handler_(new Handler)
{
	std::shared_ptr<TProcessor> processor(new suite::suiteProcessor(handler_));
	auto ready = std::make_shared<Ready>(options.serverEvents);

	processor->setEventHandler(options.events);
	if (options.wire.protocol == "multiplexed") {
		auto all = std::make_shared<TMultiplexedProcessor>();

		all->registerProcessor("suite", processor);
		processor = all;
	}
	auto configuration = std::make_shared<TConfiguration>(options.maxMessageSize);

	if (options.channel)
		transport_ =
			std::make_shared<ServerStaplerTransport>(options.channel, configuration);
	else
		transport_ =
			std::make_shared<ServerStaplerTransport>(options.address, configuration);
	options_.address = transport_->getAddress();
	transport_->setDeferReplies(options.deferReplies);
	transport_->setInterruptableChildren(options.interruptableChildren);
	server_ = newServer(options, processor, transport_);
	server_->setServerEventHandler(ready);
	thread_ = std::thread([this] {
		server_->serve();
		ended_ = true;
	});
	if (ready->ready.get_future().wait_for(std::chrono::seconds(30)) !=
	    std::future_status::ready)
		ADD_FAILURE() << "the server does not begin";
}

Service::~Service()
{
	EXPECT_TRUE(stop()) << "the server does not end";
}

bool Service::stop()
{
	if (!thread_.joinable())
		return true;
	server_->stop();
	if (!eventually([this] { return ended_.load(); }))
		return false;
	thread_.join();
	return true;
}

static std::shared_ptr<ClientStaplerTransport> newTransport(const StaplerAddress &address,
							    int maxMessageSize)
{
	return std::make_shared<ClientStaplerTransport>(
		address, std::make_shared<TConfiguration>(maxMessageSize));
}

Client::Client(const StaplerAddress &address, const Wire &wire, int maxMessageSize)
	: Client(newTransport(address, maxMessageSize), wire)
{
}

Client::Client(std::shared_ptr<ClientStaplerTransport> own, const Wire &wire)
	: transport(own), wrapped(wire.wrap(transport)), protocol(wire.speak(wrapped)),
	  calls(protocol)
{
	wrapped->open();
}

int failure(const std::function<void()> &call, std::string *what)
{
	try {
		call();
	} catch (const TTransportException &error) {
		if (what)
			*what = error.what();
		return error.getType();
	}
	return -1;
}

bool isSanitized()
{
	return reinterpret_cast<const void *>(__asan_init);
}

int64_t elapsed(const std::function<void()> &call)
{
	const auto begin = std::chrono::steady_clock::now();

	call();
	return std::chrono::duration_cast<std::chrono::milliseconds>(
		       std::chrono::steady_clock::now() - begin)
		.count();
}

} // namespace tests
