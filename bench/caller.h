// SPDX-License-Identifier: MIT
// One of many clients of stplr: each of its messages has a number that no other has, and so has the
// answer.
#ifndef STPLR_BENCH_CALLER_H
#define STPLR_BENCH_CALLER_H

#include "resource.h"

#include <linux/stplr.h>

#include <cstdint>
#include <vector>

namespace bench
{

inline std::uint64_t messageNumber(unsigned caller, std::uint32_t round)
{
	return static_cast<std::uint64_t>(caller) << 32 | round << 1;
}

// Whose message this is, and its number; throws where it did not arrive whole.
std::uint64_t arrivedNumber(const std::byte *message, std::size_t got, std::size_t size);

inline std::uint64_t callerOf(std::uint64_t number)
{
	return number >> 32;
}

void writeAnswer(std::byte *message, std::size_t size, std::uint64_t number);

class Caller
{
public:
	// Messages of at least 16 bytes.
	Caller(Fd connection, unsigned id, std::size_t size);

	// Sends the next message and waits for its answer. False: the channel has ended.
	bool call();

private:
	Fd connection_;
	unsigned id_;
	std::uint32_t round_ = 0;
	std::vector<std::byte> request_;
	std::vector<std::byte> reply_;
	stplr_msg_send send_;
};

} // namespace bench

#endif
