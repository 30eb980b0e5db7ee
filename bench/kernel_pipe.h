// SPDX-License-Identifier: MIT
// A pipe, of which the kernel has one end, and relay's file in debugfs: bytes that read(2) takes,
// those of several messages at once.
#ifndef STPLR_BENCH_KERNEL_PIPE_H
#define STPLR_BENCH_KERNEL_PIPE_H

#include "kernel_ways.h"

namespace bench
{

// Messages that follow each other, with nothing between them.
class StreamReceiver : public Receiver
{
public:
	void receive(unsigned count, std::uint64_t number, const Look &look) override;

protected:
	explicit StreamReceiver(std::size_t size)
		: size_(size), buffer_(messageBuffer(size * BENCH_SLOTS))
	{
	}

	// Waits; then what there is, up to so many bytes.
	virtual std::size_t read(std::byte *to, std::size_t room) = 0;

private:
	std::size_t size_;
	Mapping buffer_;
};

// With room for all that may be on their way.
struct Pipe {
	// The kernel has this end of it.
	enum Kernels { out, in };

	Pipe(KernelSide &kernel, std::size_t size, Kernels end);

	Fd in_;
	Fd out_;
};

class PipeReceiver : public StreamReceiver
{
public:
	PipeReceiver(KernelSide &kernel, std::size_t size)
		: StreamReceiver(size), pipe_(kernel, size, Pipe::out)
	{
	}

private:
	std::size_t read(std::byte *to, std::size_t room) override;

	Pipe pipe_;
};

class RelayReceiver : public StreamReceiver
{
public:
	// Throws Unsupported where there is no debugfs.
	RelayReceiver(KernelSide &kernel, std::size_t size);

private:
	std::size_t read(std::byte *to, std::size_t room) override;

	std::size_t size_;
	Fd fd_;
};

// The kernel is asked to read.
class PipeSender : public Sender
{
public:
	PipeSender(KernelSide &kernel, std::size_t size)
		: size_(size), buffer_(messageBuffer(size)), pipe_(kernel, size, Pipe::in)
	{
	}
	std::byte *place() override
	{
		return buffer_.bytes();
	}
	void send(bool more) override;

private:
	std::size_t size_;
	Mapping buffer_;
	Pipe pipe_;
};

} // namespace bench

#endif
