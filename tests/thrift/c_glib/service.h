// SPDX-License-Identifier: MIT
// The tests' service under Thrift's simple server, with any wrapper and protocol, and clients of
// it.
#pragma once

#include <memory>
#include <string>

#include "handler.h"
#include "support.h"

enum class Wrapper { kNone, kBuffered, kFramed };
enum class Protocol { kBinary, kCompact };

// What both sides agree on.
struct Wire {
	Wire(Wrapper wrapper, Protocol protocol, bool multiplexed = false)
		: wrapper(wrapper), protocol(protocol), multiplexed(multiplexed)
	{
	}
	// NoneBinary, FramedCompactMultiplexed, ...
	std::string name() const;

	const Wrapper wrapper;
	const Protocol protocol;
	const bool multiplexed;
};

// Serves from its construction to its end.
class Service
{
public:
	explicit Service(const Wire &wire, ThriftConfiguration *limits = nullptr);
	~Service();

	const std::string &name() const
	{
		return name_;
	}
	const Wire &wire() const
	{
		return wire_;
	}

private:
	Wire wire_;
	std::string name_ = own_name();
	Ref<GObject> handler_, processor_, multiplexer_, wrappers_, protocols_, server_;
	Ref<ThriftServerTransport> transport_;
	std::unique_ptr<Thread> thread_;
};

// The layers above a transport, with the generated client on top.
class Calls
{
public:
	Calls(ThriftTransport *transport, const Wire &wire);

	ThriftProtocol *protocol() const
	{
		return THRIFT_PROTOCOL(multiplexed_ ? multiplexed_.get() : protocol_.get());
	}
	suiteIf *get() const
	{
		return SUITE_IF(client_.get());
	}
	// The sum, or -1 where the call fails.
	int add(int a, int b) const;

private:
	Ref<GObject> wrapped_, protocol_, multiplexed_, client_;
};

// A client that is connected.
class Client
{
public:
	explicit Client(const Service &service);
	~Client();

	const Calls *operator->() const
	{
		return &calls_;
	}

private:
	Ref<ThriftTransport> transport_;
	Calls calls_;
};
