// SPDX-License-Identifier: MIT
// A way for two processes to exchange a request and a reply.
//
// Who calls what: a process of its own for each row makes the Transport and keeps it until both
// ends are gone. It forks the server, which makes its Server, and then the client, which makes its
// Client once the server is ready. So the constructor of a Transport makes what both ends inherit
// (descriptors, queues, shared memory), and may change limits and namespaces: they go with the row.
#ifndef STPLR_BENCH_TRANSPORT_H
#define STPLR_BENCH_TRANSPORT_H

#include "resource.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace bench
{

// Both message buffers that belong to a process. A transport that can hand out a message where it
// lies in memory does not use `in`.
struct Buffers {
	explicit Buffers(std::size_t size) : out(messageBuffer(size)), in(messageBuffer(size)) {}

	Mapping out;
	Mapping in;
};

class Client
{
public:
	virtual ~Client() = default;

	// Where the next request is to be written.
	virtual std::byte *outgoing() = 0;

	// Sends the request, waits for the reply; the reply is valid until the next call.
	virtual const std::byte *call() = 0;
};

class Server
{
public:
	virtual ~Server() = default;

	// Where the next reply is to be written.
	virtual std::byte *outgoing() = 0;

	// Waits for a request; it is valid until the reply.
	virtual const std::byte *receive() = 0;

	virtual void reply() = 0;

	virtual const std::byte *replyReceive()
	{
		reply();
		return receive();
	}
};

class Transport
{
public:
	virtual ~Transport() = default;
	virtual std::unique_ptr<Client> client() = 0;
	virtual std::unique_ptr<Server> server() = 0;
};

struct TransportKind {
	const char *name;
	const char *method;
	// Throws Unsupported if messages of this size cannot be sent here.
	std::function<std::unique_ptr<Transport>(std::size_t size)> make;
	// Otherwise its ends check what they exchange themselves.
	bool carriesData = true;
	// Part of what "all" means; the others are there to be named.
	bool inAll = true;
};

const std::vector<TransportKind> &transportKinds();

// nullptr if there is none of that name.
const TransportKind *findTransport(const std::string &name);

} // namespace bench

#endif
