// SPDX-License-Identifier: MIT
// Address space for answers, of which only what was used takes memory.
#ifndef STPLR_THRIFT_ROOM_H
#define STPLR_THRIFT_ROOM_H

#include <cstddef>
#include <cstdint>

namespace stplr
{
namespace thrift
{

/*
 * A client offers room for the longest message at each call; the kernel looks at what answers have
 * needed lately, not at what is offered. So each answer arrives whole, in one call.
 */
class Room
{
public:
	// std::bad_alloc
	explicit Room(size_t size);
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
	// The first used bytes held an answer that has been read: gives memory back if there is
	// much that answers do not need.
	void trim(size_t used);

private:
	uint8_t *data_;
	size_t size_;
	// So many bytes may have memory.
	size_t touched_ = 0;
	unsigned int oversized_ = 0;
};

} // namespace thrift
} // namespace stplr

#endif
