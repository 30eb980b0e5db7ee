// SPDX-License-Identifier: MIT
// Commands to the driver by io_uring: as many as are due with one system call.
#ifndef STPLR_BENCH_KERNEL_URING_H
#define STPLR_BENCH_KERNEL_URING_H

#include "kernel_ways.h"
#include "uring.h"

namespace bench
{

// What both have: a buffer for each command.
class UringCommands
{
protected:
	UringCommands(KernelSide &kernel, std::size_t size);
	std::byte *buffer(unsigned at) const
	{
		return buffers_.bytes() + at * stride_;
	}
	void prepare(unsigned command, unsigned at);

	// Submits what was prepared, waits for it, and has each looked at, in the order of their
	// completion.
	void complete(unsigned count, const std::function<void(unsigned at)> &look);

private:
	int device_;
	std::size_t size_;
	std::size_t stride_;
	Mapping buffers_;
	Uring uring_{BENCH_SLOTS};
};

class UringReceiver : public Receiver, UringCommands
{
public:
	UringReceiver(KernelSide &kernel, std::size_t size) : UringCommands(kernel, size) {}
	void receive(unsigned count, std::uint64_t number, const Look &look) override;
};

class UringSender : public Sender, UringCommands
{
public:
	UringSender(KernelSide &kernel, std::size_t size) : UringCommands(kernel, size) {}
	std::byte *place() override
	{
		return buffer(prepared_);
	}
	void send(bool more) override;

private:
	unsigned prepared_ = 0;
};

} // namespace bench

#endif
