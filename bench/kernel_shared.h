// SPDX-License-Identifier: MIT
// Memory of a driver's that the process maps, and an eventfd: as a driver of one's own would have
// it.
#ifndef STPLR_BENCH_KERNEL_SHARED_H
#define STPLR_BENCH_KERNEL_SHARED_H

#include "kernel_ways.h"

namespace bench
{

// What both have.
class SharedRing
{
protected:
	SharedRing(KernelSide &kernel, std::size_t size);
	std::byte *slot(std::uint32_t at) const
	{
		return memory_.bytes() + BENCH_SHARED_SLOTS + at % BENCH_SLOTS * stride_;
	}
	bench_shared &shared() const
	{
		return *memory_.as<bench_shared>();
	}

	Fd event_;

private:
	std::size_t stride_;
	Mapping memory_;
};

class SharedReceiver : public Receiver, SharedRing
{
public:
	SharedReceiver(KernelSide &kernel, std::size_t size) : SharedRing(kernel, size) {}
	void receive(unsigned count, std::uint64_t number, const Look &look) override;

private:
	// Messages that are there; sleeps until there are some.
	std::uint32_t await();

	std::uint32_t tail_ = 0;
};

// The kernel is asked to take them.
class SharedSender : public Sender, SharedRing
{
public:
	SharedSender(KernelSide &kernel, std::size_t size) : SharedRing(kernel, size) {}
	std::byte *place() override
	{
		return slot(head_);
	}
	void send(bool more) override;

private:
	std::uint32_t head_ = 0;
};

} // namespace bench

#endif
