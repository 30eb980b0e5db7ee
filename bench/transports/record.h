// SPDX-License-Identifier: MIT
// The ends of a transport whose messages keep their boundaries, so that one call moves one message:
// seqpacket and the message queues. What differs is the two calls: a Port has send(bytes, size) and
// receive(bytes, size), both throw.
#ifndef STPLR_BENCH_RECORD_H
#define STPLR_BENCH_RECORD_H

#include "../transport.h"

namespace bench
{

template <typename Port> class RecordClient : public Client
{
public:
	RecordClient(const Port &port, std::size_t size) : port_(port), size_(size), buffers_(size)
	{
	}
	std::byte *outgoing() override
	{
		return buffers_.out.bytes();
	}
	const std::byte *call() override
	{
		port_.send(buffers_.out.bytes(), size_);
		port_.receive(buffers_.in.bytes(), size_);
		return buffers_.in.bytes();
	}

private:
	Port port_;
	std::size_t size_;
	Buffers buffers_;
};

template <typename Port> class RecordServer : public Server
{
public:
	RecordServer(const Port &port, std::size_t size) : port_(port), size_(size), buffers_(size)
	{
	}
	std::byte *outgoing() override
	{
		return buffers_.out.bytes();
	}
	const std::byte *receive() override
	{
		port_.receive(buffers_.in.bytes(), size_);
		return buffers_.in.bytes();
	}
	void reply() override
	{
		port_.send(buffers_.out.bytes(), size_);
	}

private:
	Port port_;
	std::size_t size_;
	Buffers buffers_;
};

inline void expectWhole(std::size_t got, std::size_t size, const char *call)
{
	if (got != size)
		throw std::runtime_error(std::string(call) + ": " + std::to_string(got) + " of " +
					 std::to_string(size) + " bytes");
}

} // namespace bench

#endif
