// SPDX-License-Identifier: MIT
// The ways between the kernel and a process, seen from the process.
#ifndef STPLR_BENCH_KERNEL_WAYS_H
#define STPLR_BENCH_KERNEL_WAYS_H

#include "kernel_side.h"

#include <functional>
#include <memory>
#include <vector>

namespace bench
{

// Where messages of the kernel's come from.
class Receiver
{
public:
	virtual ~Receiver() = default;

	// Waits for so many messages, and has each looked at where it is; nullptr where a way has
	// no bytes, and has checked what it has.
	virtual void receive(unsigned count, std::uint64_t number,
			     const std::function<void(const std::byte *)> &look) = 0;
};

struct FromKernel {
	const char *name;
	unsigned way; // BENCH_...
	std::function<std::unique_ptr<Receiver>(KernelSide &kernel, std::size_t size)> make;
	bool carriesData = true;
};

const std::vector<FromKernel> &waysFromKernel();

// Where messages to the kernel go.
class Sender
{
public:
	virtual ~Sender() = default;

	// Where the next one is to be written.
	virtual std::byte *place() = 0;

	// With `more` another one follows at once.
	virtual void send(bool more) = 0;
};

struct ToKernel {
	const char *name;
	std::function<std::unique_ptr<Sender>(KernelSide &kernel, std::size_t size)> make;
	// The kernel has to be asked to receive: it does not in the sender's thread.
	bool drained = false;
};

const std::vector<ToKernel> &waysToKernel();

} // namespace bench

#endif
