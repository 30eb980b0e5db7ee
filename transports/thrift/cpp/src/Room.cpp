// SPDX-License-Identifier: MIT
#include "Room.h"

#include "Patience.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace stplr
{
namespace thrift
{

Room::Room() : size_(least)
{
	void *memory =
		mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		throw std::bad_alloc();
	data_ = static_cast<uint8_t *>(memory);
}

Room::~Room()
{
	munmap(data_, size_);
}

bool Room::resize(size_t size)
{
	void *memory = mremap(data_, size_, size, MREMAP_MAYMOVE);

	if (memory == MAP_FAILED)
		return false;
	data_ = static_cast<uint8_t *>(memory);
	size_ = size;
	return true;
}

bool Room::grow(size_t size)
{
	// In doubles, for answers that are each a little longer than the one before.
	const size_t needed = std::min((size + least - 1) / least * least, keptMost);
	const size_t generous = std::min(std::max(needed, 2 * size_), keptMost);

	return needed <= size_ || resize(generous) || resize(needed);
}

void Room::trim(size_t used)
{
	if (size_ == least)
		return;
	if (used > size_ / 4)
		oversized_ = 0;
	else if (++oversized_ > patience && resize((used / least + 1) * least))
		oversized_ = 0;
}

} // namespace thrift
} // namespace stplr
