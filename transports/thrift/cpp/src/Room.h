// SPDX-License-Identifier: MIT
// Where a client's answers go: little at first, and then as much as they need.
#ifndef STPLR_THRIFT_ROOM_H
#define STPLR_THRIFT_ROOM_H

#include <cstddef>
#include <cstdint>

namespace stplr
{
namespace thrift
{

/*
 * All of it may be memory: a program that locks its memory (mlockall) has every page of it, and one
 * that is short of address space pays for that. What an answer has beyond it stays with the server,
 * and is collected.
 */
class Room
{
public:
	// As small as it ever is.
	static constexpr size_t least = 16 << 10;

	// std::bad_alloc
	Room();
	~Room();
	Room(const Room &) = delete;
	Room &operator=(const Room &) = delete;

	uint8_t *data()
	{
		return data_;
	}
	size_t size() const
	{
		return size_;
	}
	// To so many bytes or, where they are more than are kept, to that; what is there stays, but
	// maybe elsewhere. False: there is no memory, and nothing has changed.
	bool grow(size_t size);
	// The first used bytes held an answer that has been read: gives memory back if there is
	// much that answers do not need.
	void trim(size_t used);

private:
	bool resize(size_t size);

	uint8_t *data_;
	size_t size_;
	unsigned int oversized_ = 0;
};

} // namespace thrift
} // namespace stplr

#endif
