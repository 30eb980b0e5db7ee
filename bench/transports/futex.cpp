// SPDX-License-Identifier: MIT
// Shared memory with a futex each way. The sender copies its message in, as it has it somewhere
// else; the receiver looks at it where it lies, as binder's receiver does: one copy each way. Turn
// is how one side waits for the other.
#include "transports.h"
#include "turn.h"

#include <cstring>

namespace bench
{

namespace
{

template <typename Turn> struct Turns {
	alignas(64) Turn request;
	alignas(64) Turn reply;
};

// What both processes map.
template <typename Turn> struct Shared {
	explicit Shared(std::size_t size)
		: size(size), turns(sharedMemory(sizeof(Turns<Turn>))), request(sharedMemory(size)),
		  reply(sharedMemory(size))
	{
		new (turns.bytes()) Turns<Turn>;
	}

	Turn &requestTurn() const
	{
		return turns.template as<Turns<Turn>>()->request;
	}
	Turn &replyTurn() const
	{
		return turns.template as<Turns<Turn>>()->reply;
	}

	std::size_t size;
	Mapping turns;
	Mapping request;
	Mapping reply;
};

template <typename Turn> class FutexClient : public Client
{
public:
	explicit FutexClient(const Shared<Turn> &shared)
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
	const Shared<Turn> &shared_;
	Mapping out_;
};

template <typename Turn> class FutexServer : public Server
{
public:
	explicit FutexServer(const Shared<Turn> &shared)
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
	const Shared<Turn> &shared_;
	Mapping out_;
};

template <typename Turn> class FutexTransport : public Transport
{
public:
	explicit FutexTransport(std::size_t size) : shared_(size) {}
	std::unique_ptr<Client> client() override
	{
		return std::make_unique<FutexClient<Turn>>(shared_);
	}
	std::unique_ptr<Server> server() override
	{
		return std::make_unique<FutexServer<Turn>>(shared_);
	}

private:
	Shared<Turn> shared_;
};

} // namespace

std::unique_ptr<Transport> makeFutex(std::size_t size)
{
	return std::make_unique<FutexTransport<Turn>>(size);
}

std::unique_ptr<Transport> makeFutexSpin(std::size_t size)
{
	return std::make_unique<FutexTransport<SpinningTurn>>(size);
}

} // namespace bench
