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

	using Look = std::function<void(const std::byte *)>;

	// Waits for so many messages, and has each looked at where it is; a way that has no bytes
	// has checked what it has.
	virtual void receive(unsigned count, std::uint64_t number, const Look &look) = 0;
};

// All who receive a message: mostly one.
using Receivers = std::vector<std::unique_ptr<Receiver>>;

struct FromKernel {
	const char *name;
	unsigned way; // BENCH_...
	std::function<Receivers(KernelSide &kernel, std::size_t size)> make;
	bool carriesData = true;
	unsigned readers = 1;
};

const std::vector<FromKernel> &waysFromKernel();

// Throws where a message has another length than was sent.
void checkSize(std::size_t got, std::size_t size);

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
