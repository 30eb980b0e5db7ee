// SPDX-License-Identifier: MIT
// Shared memory with a futex each way. The sender copies its message in, as it has it somewhere
// else; the receiver looks at it where it lies, as binder's receiver does: one copy each way.
#include "transports.h"
#include "turn.h"

#include <cstring>

namespace bench
{

namespace
{

struct Turns {
	alignas(64) Turn request;
	alignas(64) Turn reply;
};

// What both processes map.
struct Shared {
	explicit Shared(std::size_t size)
		: size(size), turns(sharedMemory(sizeof(Turns))), request(sharedMemory(size)),
		  reply(sharedMemory(size))
	{
		new (turns.bytes()) Turns;
	}

	Turn &requestTurn() const
	{
		return turns.as<Turns>()->request;
	}
	Turn &replyTurn() const
	{
		return turns.as<Turns>()->reply;
	}

	std::size_t size;
	Mapping turns;
	Mapping request;
	Mapping reply;
};

class FutexClient : public Client
{
public:
	explicit FutexClient(const Shared &shared)
		: shared_(shared), out_(messageBuffer(shared.size))
	{
	}
	std::byte *outgoing() override
	{
		return out_.bytes();
	}
	const std::byte *call() override
	{
		memcpy(shared_.request.bytes(), out_.bytes(), shared_.size);
		shared_.requestTurn().give();
		shared_.replyTurn().take();
		return shared_.reply.bytes();
	}

private:
	const Shared &shared_;
	Mapping out_;
};

class FutexServer : public Server
{
public:
	explicit FutexServer(const Shared &shared)
		: shared_(shared), out_(messageBuffer(shared.size))
	{
	}
	std::byte *outgoing() override
	{
		return out_.bytes();
	}
	const std::byte *receive() override
	{
		shared_.requestTurn().take();
		return shared_.request.bytes();
	}
	void reply() override
	{
		memcpy(shared_.reply.bytes(), out_.bytes(), shared_.size);
		shared_.replyTurn().give();
	}

private:
	const Shared &shared_;
	Mapping out_;
};

class FutexTransport : public Transport
{
public:
	explicit FutexTransport(std::size_t size) : shared_(size) {}
	std::unique_ptr<Client> client() override
	{
		return std::make_unique<FutexClient>(shared_);
	}
	std::unique_ptr<Server> server() override
	{
		return std::make_unique<FutexServer>(shared_);
	}

private:
	Shared shared_;
};

} // namespace

std::unique_ptr<Transport> makeFutex(std::size_t size)
{
	return std::make_unique<FutexTransport>(size);
}

} // namespace bench
