// SPDX-License-Identifier: MIT
// Two eventfds: the cost of waking and being woken, without any data. The counter is a number that
// both sides know to come next, and both check it.
#include "transports.h"

#include <sys/eventfd.h>

namespace bench
{

namespace
{

class Counter
{
public:
	Counter() : fd_(eventfd(0, EFD_CLOEXEC), "eventfd") {}

	void post(std::uint64_t value) const
	{
		if (write(fd_, &value, sizeof(value)) != sizeof(value))
			throw CallError("write(eventfd)");
	}

	void expect(std::uint64_t value) const
	{
		std::uint64_t got;

		if (read(fd_, &got, sizeof(got)) != sizeof(got))
			throw CallError("read(eventfd)");
		if (got != value)
			throw std::runtime_error("read(eventfd): got " + std::to_string(got) +
						 " where " + std::to_string(value) + " was due");
	}

private:
	Fd fd_;
};

class EventfdClient : public Client
{
public:
	EventfdClient(const Counter &requests, const Counter &replies)
		: requests_(requests), replies_(replies)
	{
	}
	std::byte *outgoing() override
	{
		return nullptr;
	}
	const std::byte *call() override
	{
		++round_;
		requests_.post(2 * round_);
		replies_.expect(2 * round_ + 1);
		return nullptr;
	}

private:
	const Counter &requests_;
	const Counter &replies_;
	std::uint64_t round_ = 0;
};

class EventfdServer : public Server
{
public:
	EventfdServer(const Counter &requests, const Counter &replies)
		: requests_(requests), replies_(replies)
	{
	}
	std::byte *outgoing() override
	{
		return nullptr;
	}
	const std::byte *receive() override
	{
		requests_.expect(2 * ++round_);
		return nullptr;
	}
	void reply() override
	{
		replies_.post(2 * round_ + 1);
	}

private:
	const Counter &requests_;
	const Counter &replies_;
	std::uint64_t round_ = 0;
};

class EventfdTransport : public Transport
{
public:
	std::unique_ptr<Client> client() override
	{
		return std::make_unique<EventfdClient>(requests_, replies_);
	}
	std::unique_ptr<Server> server() override
	{
		return std::make_unique<EventfdServer>(requests_, replies_);
	}

private:
	Counter requests_;
	Counter replies_;
};

} // namespace

std::unique_ptr<Transport> makeEventfd(std::size_t)
{
	return std::make_unique<EventfdTransport>();
}

} // namespace bench
