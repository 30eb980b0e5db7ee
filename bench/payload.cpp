// SPDX-License-Identifier: MIT
#include "payload.h"

#include <algorithm>

namespace bench
{

namespace
{

// The word at an index of a message's pattern: a bijective mixer, so that no two places or messages
// look alike.
std::uint64_t patternWord(std::uint64_t number, std::uint64_t index)
{
	std::uint64_t word = (number << 32) + index + 1;

	word *= 0x9e3779b97f4a7c15;
	word ^= word >> 32;
	word *= 0xd6e8feb86659fd93;
	return word ^ word >> 32;
}

} // namespace

void fillPattern(std::byte *message, std::size_t size, std::uint64_t number)
{
	for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
		const std::uint64_t word = patternWord(number, at);

		memcpy(message + at, &word, std::min(sizeof(word), size - at));
	}
}

bool hasPattern(const std::byte *message, std::size_t size, std::uint64_t number)
{
	for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
		const std::uint64_t word = patternWord(number, at);

		if (memcmp(message + at, &word, std::min(sizeof(word), size - at)) != 0)
			return false;
	}
	return true;
}

} // namespace bench
