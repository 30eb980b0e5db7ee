// SPDX-License-Identifier: MIT
// BPF's ring buffer: the kernel runs a program of the process's, which writes into it.
#ifndef STPLR_BENCH_KERNEL_BPF_H
#define STPLR_BENCH_KERNEL_BPF_H

#include "kernel_ways.h"

namespace bench
{

class BpfReceiver : public Receiver
{
public:
	// Throws Unsupported where the kernel has no BPF, or does not let this user.
	BpfReceiver(KernelSide &kernel, std::size_t size);
	void receive(unsigned count, std::uint64_t number, const Look &look) override;

private:
	// The next record's header, once it is whole; sleeps until it is.
	const std::byte *await();

	std::size_t size_;
	std::size_t bytes_; // of the ring buffer
	Fd map_;
	Mapping own_;  // the consumer's index
	Mapping peer_; // the producer's index, and then the data, twice
	unsigned long at_ = 0;
};

} // namespace bench

#endif
