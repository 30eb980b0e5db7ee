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

Room::Room(size_t size) : size_(size)
{
	void *memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		throw std::bad_alloc();
	data_ = static_cast<uint8_t *>(memory);
}

Room::~Room()
{
	munmap(data_, size_);
}

void Room::trim(size_t used)
{
	touched_ = std::max(touched_, used);
	if (!isOversize(touched_, used, oversized_))
		return;

	// What is used is kept as far as it may be.
	const size_t kept = std::max(keptAlways, std::min(used & ~(keptAlways - 1), keptMost));

	if (kept < size_)
		madvise(data_ + kept, size_ - kept, MADV_DONTNEED);
	touched_ = kept;
}

} // namespace thrift
} // namespace stplr
