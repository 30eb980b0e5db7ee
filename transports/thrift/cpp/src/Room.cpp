// SPDX-License-Identifier: MIT
#include "Room.h"

#include <sys/mman.h>

#include <new>

namespace stplr
{
namespace thrift
{

// Faulting memory in again costs more than an answer's copy, so what is usual is kept.
static constexpr size_t kept = 4 << 20;

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
	if (used > kept)
		madvise(data_ + kept, size_ - kept, MADV_DONTNEED);
}

} // namespace thrift
} // namespace stplr
