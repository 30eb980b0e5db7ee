// SPDX-License-Identifier: MIT
// The raw ioctls the benchmarks share: the device, a channel with a name, a connection to it.
#ifndef STPLR_BENCH_STPLR_CALLS_H
#define STPLR_BENCH_STPLR_CALLS_H

#include "resource.h"

#include <linux/stplr.h>

#include <string>

namespace bench
{

// Throws Unsupported where there is no module, or another one than this program was built for.
Fd openStplr();

// A name that no other run on this machine has.
std::string stplrChannelName();

// With a pool for so many pulses, or the default one.
Fd createStplrChannel(int device, const std::string &name, unsigned pulses = 0, unsigned flags = 0);
Fd attachStplr(int device, const std::string &name);

// A send structure for messages of one size each way; usable again and again.
struct stplr_msg_send stplrSend(std::byte *request, std::byte *reply, std::size_t size);

// Registers the memory with a connection or channel, for writing too if `write`; returns what names
// it there. Throws Unsupported where the module cannot, or memory may not be locked.
stplr_buffer registerStplrBuffer(int fd, const std::byte *start, std::size_t size, bool write);

inline stplr_buffer stplrBuffer(const std::byte *start, std::size_t size)
{
	return {reinterpret_cast<std::uintptr_t>(start), size};
}

} // namespace bench

#endif
