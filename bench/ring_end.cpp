// SPDX-License-Identifier: MIT
#include "ring_end.h"

namespace bench
{

Fd createRings(int device, const std::string &name, unsigned outPages, unsigned inPages)
{
	struct stplr_rings_create options = {};

	options.rings = 1;
	options.out_pages = outPages;
	options.in_pages = inPages;

	const int set = stplr_rings_create(device, name.c_str(), &options);

	if (set < 0 && errno == ENOTTY)
		throw Unsupported("the module has no rings");
	return Fd(set, "stplr_rings_create");
}

Fd openRing(int set)
{
	return Fd(stplr_ring_open(set, nullptr), "stplr_ring_open");
}

Fd attachRing(int device, const std::string &name)
{
	return Fd(
		stplr_ring_attach_timeout(device, name.c_str(), STPLR_RING_ANY, 10 * STPLR_SECOND),
		"stplr_ring_attach_timeout");
}

void awaitRing(stplr_ring *ring, unsigned what, std::size_t size, const char *call)
{
	if (errno != EAGAIN)
		throw CallError(call);
	checked(stplr_ring_wait(ring, what, size, -1), "stplr_ring_wait");
}

RingEnd::RingEnd(Fd fd, unsigned spin) : fd_(std::move(fd))
{
	checked(stplr_ring_map(&ring_, fd_), "stplr_ring_map");
	ring_.spin = spin;
}

} // namespace bench
