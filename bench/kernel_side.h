// SPDX-License-Identifier: MIT
// The kernel's side: the module of tests/module/bench_*.c, and the device by which it is told
// what to do.
#ifndef STPLR_BENCH_KERNEL_SIDE_H
#define STPLR_BENCH_KERNEL_SIDE_H

#include "resource.h"

#include "../tests/module/stplr_bench.h"

#include <cstdint>
#include <string>

namespace bench
{

// Loads the module if it is not there, and then removes it in the end.
class KernelModule
{
public:
	// Throws where there is none for this kernel, or it may not be loaded.
	KernelModule();
	KernelModule(const KernelModule &) = delete;
	~KernelModule();

private:
	bool loaded_ = false;
};

// The device, which one process at a time, and those it forks, can have.
class KernelSide
{
public:
	KernelSide();

	// Once. Returns what the kernel has to say: a family's number.
	int setUp(unsigned way, std::size_t size, const std::string &name = "", int value = 0);

	// The kernel sends, and then sleeps until it has so many acknowledgements; returns what
	// sending took it.
	double send(unsigned way, unsigned count, unsigned flags, std::uint64_t number,
		    unsigned acks = 0)
	{
		bench_send send = {way, count, flags, acks, number, 0};

		if (ioctl(BENCH_SEND, &send))
			throw CallError("ioctl(BENCH_SEND)");
		return static_cast<double>(send.ns);
	}

	// The messages from this one on are the kernel's to receive; it takes so many now, of a way
	// where it does not by itself; returns what that took.
	double expect(std::uint64_t number, unsigned flags, unsigned count = 0)
	{
		bench_expect expect = {};

		expect.number = number;
		expect.flags = flags;
		expect.count = count;
		if (ioctl(BENCH_EXPECT, &expect))
			throw CallError("ioctl(BENCH_EXPECT)");
		received_ = expect.received;
		wrong_ = expect.wrong;
		return static_cast<double>(expect.ns);
	}

	// Throws unless so many have been received, and no wrong one.
	void expectReceived(std::uint64_t count);

	// The kernel has one of the acknowledgements it waits for.
	void acknowledge()
	{
		if (ioctl(BENCH_ACK, nullptr))
			throw CallError("ioctl(BENCH_ACK)");
	}

	int fd() const
	{
		return fd_;
	}

private:
	int ioctl(unsigned long command, void *arg);

	Fd fd_;
	std::uint64_t received_ = 0;
	std::uint64_t wrong_ = 0;
};

} // namespace bench

#endif
