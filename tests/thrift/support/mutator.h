// SPDX-License-Identifier: MIT
// Makes of valid calls some with a few things wrong, the same each time.
#pragma once

#include <algorithm>
#include <fstream>
#include <random>
#include <string>

namespace tests
{

class Mutator
{
public:
	explicit Mutator(bool framed) : framed_(framed) {}

	std::string operator()(std::string bytes)
	{
		// Mostly the method's name is left alone, and so is the frame's length right.
		const bool reaches = random(10) < 7;
		const size_t begin = reaches ? std::min<size_t>(bytes.size(), 28) : 0;

		for (size_t n = 1 + random(4); n; n--)
			mutate(bytes, begin);
		if (framed_ && reaches)
			for (int i = 0; i < 4; i++)
				bytes[i] = (bytes.size() - 4) >> (24 - 8 * i);
		return bytes;
	}

private:
	size_t random(size_t below)
	{
		return std::uniform_int_distribution<size_t>(0, below - 1)(engine_);
	}

	void mutate(std::string &bytes, size_t begin)
	{
		static const char telling[] = {0,  1,  2,    11,         12,
					       13, 15, 0x7f, char(0x80), char(0xff)};

		if (bytes.size() <= begin)
			return;
		const size_t where = begin + random(bytes.size() - begin);

		switch (random(6)) {
		case 0:
			bytes[where] ^= 1 << random(8);
			break;
		case 1:
			bytes[where] = random(256);
			break;
		case 2:
			bytes[where] = telling[random(sizeof(telling))];
			break;
		case 3:
			bytes.resize(where);
			break;
		case 4:
			bytes.erase(where, 1 + random(8));
			break;
		default:
			bytes.insert(where, bytes.substr(random(bytes.size()), 1 + random(16)));
		}
	}

	bool framed_;
	// The same calls each time.
	std::mt19937 engine_{20261120};
};

// The most memory that this process has had, in KiB.
inline long peakMemory()
{
	std::ifstream status("/proc/self/status");
	std::string line;

	while (std::getline(status, line))
		if (line.compare(0, 6, "VmHWM:") == 0)
			return std::stol(line.substr(6));
	return 0;
}

} // namespace tests
