// SPDX-License-Identifier: MIT
// Memory of every kind that a message may lie in, and patterns that show where its bytes went.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "support/fd.h"

size_t page_size();

// Fills bytes with a pattern in which each position differs and each seed differs.
void fill_pattern(void *bytes, size_t length, uint64_t seed, size_t from = 0);

// Expects the pattern's bytes [from, from + length) at bytes; says where it differs.
bool expect_pattern(const void *bytes, size_t length, uint64_t seed, size_t from = 0);

// Letters, other ones on the next page; what is to be a message's text.
std::string pattern_text(size_t length);

// Expects only poison (kPoison, which poison_bytes() writes).
void poison_bytes(void *bytes, size_t length);
bool expect_poison(const void *bytes, size_t length);

class Mapping
{
public:
	Mapping() = default;
	// Anonymous, private and writable unless said otherwise; fails the test when it cannot be
	// had.
	explicit Mapping(size_t length, int protection = PROT_READ | PROT_WRITE,
			 int flags = MAP_PRIVATE | MAP_ANONYMOUS, int fd = -1, off_t offset = 0);
	Mapping(Mapping &&other) noexcept;
	Mapping &operator=(Mapping &&other) noexcept;
	~Mapping();

	char *data() const
	{
		return data_;
	}
	size_t size() const
	{
		return size_;
	}
	char *end() const
	{
		return data_ + size_;
	}
	// mprotect of [offset, offset + length).
	void protect(int protection, size_t offset, size_t length);

private:
	char *data_ = nullptr;
	size_t size_ = 0;
};

// length bytes between two pages that cannot be touched: at_end() ends where the second begins,
// at_start() starts where the first ends.
class GuardedBuffer
{
public:
	explicit GuardedBuffer(size_t length);

	char *at_start() const
	{
		return start_;
	}
	char *at_end() const
	{
		return end_ - length_;
	}

private:
	size_t length_;
	Mapping mapping_;
	char *start_;
	char *end_;
};

// Memory whose pages answer no fault until provide() does (userfaultfd, for faults in the kernel
// too).
class SilentMemory
{
public:
	explicit SilentMemory(size_t length);
	~SilentMemory();

	char *data() const
	{
		return mapping_.data();
	}
	size_t size() const
	{
		return mapping_.size();
	}
	// Puts pages with these bytes there; wakes who waits for them.
	void provide(size_t offset, const void *bytes, size_t length);
	void provide_zero(size_t offset, size_t length);
	// Whether some thread waits for a page, within the time.
	bool awaited(int timeout_ms);
	// From now on pages are ordinary.
	void stop();

private:
	Fd uffd_;
	Mapping mapping_;
};

// A file in memory of that size.
Fd memory_file(size_t length);
