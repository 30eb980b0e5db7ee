// SPDX-License-Identifier: MIT
// Rings for the benchmarks: a set with one ring, and the mapped ends of it.
#ifndef STPLR_BENCH_RING_END_H
#define STPLR_BENCH_RING_END_H

#include "resource.h"

#include <stplr.h>

#include <string>

namespace bench
{

// Throws Unsupported where the module has no rings.
Fd createRings(int device, const std::string &name, unsigned outPages, unsigned inPages);
Fd openRing(int set);
Fd attachRing(int device, const std::string &name);

// Ends the call's EAGAIN by waiting, and throws where it cannot.
void awaitRing(stplr_ring *ring, unsigned what, std::size_t size, const char *call);

class RingEnd
{
public:
	// Keeps the descriptor; sleeps at once where there is nothing to do, or looks so long
	// before.
	explicit RingEnd(Fd fd, unsigned spin = 0);
	RingEnd(const RingEnd &) = delete;
	~RingEnd()
	{
		stplr_ring_unmap(&ring_);
	}
	operator stplr_ring *()
	{
		return &ring_;
	}

	// Where the next record is to be written, and where it was; these wait.
	std::byte *reserve(std::size_t size)
	{
		void *place;

		while (!(place = stplr_ring_reserve(&ring_, size)))
			awaitRing(&ring_, STPLR_RING_ROOM, size, "stplr_ring_reserve");
		return static_cast<std::byte *>(place);
	}
	const std::byte *peek(std::size_t size)
	{
		stplr_ring_copy record;
		const void *bytes;

		while (!(bytes = stplr_ring_peek(&ring_, &record)))
			awaitRing(&ring_, STPLR_RING_DATA, 0, "stplr_ring_peek");
		checkLength(record.record.len, size);
		return static_cast<const std::byte *>(bytes);
	}
	void commit(std::size_t size, unsigned how = 0)
	{
		if (stplr_ring_commit(&ring_, size, 0, how))
			throw CallError("stplr_ring_commit");
	}
	void release(unsigned how = 0)
	{
		if (stplr_ring_release(&ring_, how))
			throw CallError("stplr_ring_release");
	}
	void write(const std::byte *bytes, std::size_t size, unsigned how = 0)
	{
		while (stplr_ring_write(&ring_, bytes, size, 0, how))
			awaitRing(&ring_, STPLR_RING_ROOM, size, "stplr_ring_write");
	}
	void read(std::byte *bytes, std::size_t size, unsigned how = 0)
	{
		memcpy(bytes, peek(size), size);
		release(how);
	}

private:
	static void checkLength(std::size_t length, std::size_t size)
	{
		if (length != size)
			throw std::runtime_error("a record of another length than was written");
	}

	Fd fd_;
	stplr_ring ring_;
};

} // namespace bench

#endif
