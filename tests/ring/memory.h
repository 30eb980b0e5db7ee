// SPDX-License-Identifier: MIT
// A ring without the module: its memory, and what the kernel would do for its two ends.
//
// lib/ring.c is compiled for these tests with its mmap, munmap and ioctl replaced by the functions
// below. Both ends lie at the same addresses, so that ThreadSanitizer, which goes by addresses,
// sees what they do to each other.
#pragma once

#include <stplr.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <vector>

class Memory
{
public:
	// One direction each way of so many bytes (0: none), and all indices begin at start.
	Memory(uint32_t out_bytes, uint32_t in_bytes, uint32_t flags = 0, uint32_t start = 0,
	       unsigned readers = 1);
	Memory(const Memory &) = delete;
	~Memory();

	// Descriptors of the ends: the creator's, and those that are attached.
	int creator() const
	{
		return first_fd_;
	}
	int attached(unsigned reader = 0) const
	{
		return first_fd_ + 1 + static_cast<int>(reader);
	}

	// The pages, to be written as a malicious peer would.
	stplr_ring_page &page(int fd)
	{
		return *pages_[static_cast<size_t>(fd - first_fd_)];
	}
	stplr_ring_kernel &kernel()
	{
		return *kernel_;
	}
	unsigned char *data(bool out)
	{
		return out ? out_ : in_;
	}

	void *map(int fd, unsigned long offset, size_t size);
	bool unmap(const void *address);
	int control(int fd, unsigned long request, unsigned long argument);

	// What the ends have asked for.
	std::atomic<unsigned> wakes{0};
	std::atomic<unsigned> sleeps{0};
	std::atomic<unsigned> calls{0};
	std::atomic<unsigned> mapped{0};
	std::atomic<int> ended_with{-1};

private:
	bool is_creator(int fd) const
	{
		return fd == first_fd_;
	}
	uint32_t out_bytes(int fd) const
	{
		return is_creator(fd) ? out_bytes_ : in_bytes_;
	}
	uint32_t in_bytes(int fd) const
	{
		return is_creator(fd) ? in_bytes_ : out_bytes_;
	}
	bool many() const
	{
		return flags_ & STPLR_RINGS_MANY;
	}
	stplr_ring_page &peer_page(int fd)
	{
		return is_creator(fd) ? *pages_[1] : *pages_[0];
	}
	void *pages(size_t bytes, bool twice);
	uint32_t slowest() const;
	uint32_t there(int fd, uint32_t what, uint32_t room);
	int wait(int fd, stplr::ring_wait &args);
	int wake(int fd);
	int end(int error);
	int info(int fd, stplr::ring_info &info);

	const uint32_t out_bytes_, in_bytes_, flags_;
	const int first_fd_;
	std::vector<std::pair<void *, size_t>> regions_;
	std::vector<stplr_ring_page *> pages_;
	stplr_ring_kernel *kernel_;
	unsigned char *out_ = nullptr;
	unsigned char *in_ = nullptr;
	std::mutex lock_;
	std::condition_variable changed_;
};
