// SPDX-License-Identifier: MIT
// What messages carry, so that their far end can tell that they are the right ones and whole.
//
// A timed round writes and verifies a stamp at both ends of each message: enough to catch a lost,
// stale, short or foreign message, and cheap enough not to be what is measured. Rounds before and
// after the timing fill and verify every byte, with a pattern that is another one each round and
// direction.
#ifndef STPLR_BENCH_PAYLOAD_H
#define STPLR_BENCH_PAYLOAD_H

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bench
{

// One number for each message of a run; requests are even, replies odd.
inline std::uint64_t requestNumber(std::uint64_t round)
{
	return round << 1;
}
inline std::uint64_t replyNumber(std::uint64_t round)
{
	return round << 1 | 1;
}

inline void writeStamp(std::byte *message, std::size_t size, std::uint64_t number)
{
	const std::uint64_t both[2] = {number, number};

	if (size < sizeof(both)) {
		memcpy(message, both, size);
		return;
	}
	memcpy(message, &number, sizeof(number));
	memcpy(message + size - sizeof(number), &number, sizeof(number));
}

inline bool hasStamp(const std::byte *message, std::size_t size, std::uint64_t number)
{
	const std::uint64_t both[2] = {number, number};

	if (size < sizeof(both))
		return memcmp(message, both, size) == 0;
	return memcmp(message, &number, sizeof(number)) == 0 &&
	       memcmp(message + size - sizeof(number), &number, sizeof(number)) == 0;
}

void fillPattern(std::byte *message, std::size_t size, std::uint64_t number);
bool hasPattern(const std::byte *message, std::size_t size, std::uint64_t number);

} // namespace bench

#endif
