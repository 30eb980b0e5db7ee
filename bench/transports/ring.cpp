// SPDX-License-Identifier: MIT
// A ring: request and reply are written and read in place, and whoever waits sleeps.
#include "../ring_end.h"
#include "../stplr_calls.h"
#include "transports.h"

namespace bench
{

namespace
{

class RingClient : public Client
{
public:
	RingClient(Fd end, std::size_t size) : end_(std::move(end)), size_(size) {}
	std::byte *outgoing() override
	{
		return end_.reserve(size_);
	}
	const std::byte *call() override
	{
		if (taken_)
			end_.release();
		end_.commit(size_);
		taken_ = true;
		return end_.peek(size_);
	}

private:
	RingEnd end_;
	std::size_t size_;
	bool taken_ = false;
};

class RingServer : public Server
{
public:
	RingServer(Fd end, std::size_t size) : end_(std::move(end)), size_(size) {}
	std::byte *outgoing() override
	{
		return end_.reserve(size_);
	}
	const std::byte *receive() override
	{
		return end_.peek(size_);
	}
	void reply() override
	{
		end_.release();
		end_.commit(size_);
	}

private:
	RingEnd end_;
	std::size_t size_;
};

class RingTransport : public Transport
{
public:
	explicit RingTransport(std::size_t size) : size_(size) {}
	std::unique_ptr<Client> client() override
	{
		return std::make_unique<RingClient>(std::move(end_), size_);
	}
	std::unique_ptr<Server> server() override
	{
		return std::make_unique<RingServer>(attachRing(device_, name_), size_);
	}

private:
	// Room for two records of this size.
	unsigned pages() const
	{
		unsigned pages = 1;

		while (pages * std::size_t(4096) < 2 * size_ + 64)
			pages *= 2;
		return pages;
	}

	std::size_t size_;
	Fd device_ = openStplr();
	std::string name_ = stplrChannelName();
	Fd set_ = createRings(device_, name_, pages(), pages());
	Fd end_ = openRing(set_);
};

} // namespace

std::unique_ptr<Transport> makeRing(std::size_t size)
{
	if (size > STPLR_RING_BYTES_MAX / 4)
		throw Unsupported("a ring takes no two records of this size");
	return std::make_unique<RingTransport>(size);
}

} // namespace bench
