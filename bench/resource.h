// SPDX-License-Identifier: MIT
// Owners of what the kernel lends: a file descriptor, a mapping.
#ifndef STPLR_BENCH_RESOURCE_H
#define STPLR_BENCH_RESOURCE_H

#include "error.h"

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <utility>

namespace bench
{

class Fd
{
public:
	Fd() = default;
	Fd(int fd, const char *call) : fd_(checked(fd, call)) {}
	Fd(Fd &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
	Fd &operator=(Fd &&other) noexcept
	{
		std::swap(fd_, other.fd_);
		return *this;
	}
	~Fd()
	{
		if (fd_ >= 0)
			close(fd_);
	}
	operator int() const
	{
		return fd_;
	}

private:
	int fd_ = -1;
};

class Mapping
{
public:
	Mapping() = default;
	Mapping(std::size_t size, int protection, int flags, int fd = -1, off_t offset = 0)
		: size_(size),
		  start_(checked(mmap(nullptr, size, protection, flags, fd, offset), "mmap"))
	{
	}
	Mapping(Mapping &&other) noexcept
		: size_(other.size_), start_(std::exchange(other.start_, nullptr))
	{
	}
	Mapping &operator=(Mapping &&other) noexcept
	{
		std::swap(size_, other.size_);
		std::swap(start_, other.start_);
		return *this;
	}
	~Mapping()
	{
		if (start_)
			munmap(start_, size_);
	}
	std::byte *bytes() const
	{
		return static_cast<std::byte *>(start_);
	}
	template <typename Type> Type *as() const
	{
		return static_cast<Type *>(start_);
	}

private:
	std::size_t size_ = 0;
	void *start_ = nullptr;
};

// A message buffer: page aligned and present. Small pages always, or a figure would depend on
// whether khugepaged had come by.
inline Mapping messageBuffer(std::size_t size)
{
	Mapping mapping(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);

	// EINVAL: a kernel without huge pages.
	if (madvise(mapping.bytes(), size, MADV_NOHUGEPAGE) && errno != EINVAL)
		throw CallError("madvise");
	checked(madvise(mapping.bytes(), size, MADV_POPULATE_WRITE),
		"madvise(MADV_POPULATE_WRITE)");
	return mapping;
}

// Memory that the processes forked from here on share.
inline Mapping sharedMemory(std::size_t size)
{
	return Mapping(size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE);
}

// Processors this process may run on.
inline cpu_set_t usableCpus()
{
	cpu_set_t usable;

	checked(sched_getaffinity(0, sizeof(usable), &usable), "sched_getaffinity");
	return usable;
}

inline int usableCpuCount()
{
	const cpu_set_t usable = usableCpus();

	return CPU_COUNT(&usable);
}

// Raises the limit so that this process can open so many more files.
void allowDescriptors(unsigned more);

} // namespace bench

#endif
