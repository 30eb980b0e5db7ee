// SPDX-License-Identifier: MIT
#include "support/memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "support/calls.h"

namespace
{

uint64_t pattern_word(uint64_t seed, uint64_t index)
{
	uint64_t word = (index + 1) * 0x9e3779b97f4a7c15u + seed * 0xd1b54a32d192ed03u;

	return word ^ (word >> 29);
}

unsigned char pattern_byte(uint64_t seed, size_t position)
{
	return pattern_word(seed, position / 8) >> (position % 8 * 8);
}

} // namespace

size_t page_size()
{
	return sysconf(_SC_PAGESIZE);
}

void fill_pattern(void *bytes, size_t length, uint64_t seed, size_t from)
{
	unsigned char *to = static_cast<unsigned char *>(bytes);
	size_t i = 0;

	while (i < length) {
		if ((from + i) % 8 == 0 && length - i >= 8) {
			uint64_t word = pattern_word(seed, (from + i) / 8);

			memcpy(to + i, &word, 8);
			i += 8;
		} else {
			to[i] = pattern_byte(seed, from + i);
			i++;
		}
	}
}

bool expect_pattern(const void *bytes, size_t length, uint64_t seed, size_t from)
{
	constexpr size_t kChunk = 1 << 16;
	std::vector<unsigned char> expected(std::min(length, kChunk));
	const unsigned char *got = static_cast<const unsigned char *>(bytes);

	for (size_t at = 0; at < length; at += kChunk) {
		size_t count = std::min(kChunk, length - at);

		fill_pattern(expected.data(), count, seed, from + at);
		if (memcmp(expected.data(), got + at, count) == 0)
			continue;
		size_t i = 0;
		while (expected[i] == got[at + i])
			i++;
		ADD_FAILURE() << "byte " << at + i << " of " << length << " is " << int(got[at + i])
			      << ", not " << int(expected[i]) << " (pattern from " << from << ")";
		return false;
	}
	return true;
}

std::string pattern_text(size_t length)
{
	std::string text(length, 0);

	for (size_t i = 0; i < length; i++)
		text[i] = char('a' + i % 23 + i / 4096 % 3);
	return text;
}

void poison_bytes(void *bytes, size_t length)
{
	memset(bytes, kPoison, length);
}

bool expect_poison(const void *bytes, size_t length)
{
	const unsigned char *got = static_cast<const unsigned char *>(bytes);

	for (size_t i = 0; i < length; i++)
		if (got[i] != kPoison) {
			ADD_FAILURE() << "byte " << i << " of " << length << " was written";
			return false;
		}
	return true;
}

Mapping::Mapping(size_t length, int protection, int flags, int fd, off_t offset) : size_(length)
{
	void *address = mmap(nullptr, length, protection, flags, fd, offset);

	if (address == MAP_FAILED) {
		ADD_FAILURE() << "mmap: " << strerror(errno);
		size_ = 0;
		return;
	}
	data_ = static_cast<char *>(address);
}

Mapping::Mapping(Mapping &&other) noexcept
	: data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0))
{
}

Mapping &Mapping::operator=(Mapping &&other) noexcept
{
	std::swap(data_, other.data_);
	std::swap(size_, other.size_);
	return *this;
}

Mapping::~Mapping()
{
	if (data_)
		munmap(data_, size_);
}

void Mapping::protect(int protection, size_t offset, size_t length)
{
	EXPECT_EQ(0, mprotect(data_ + offset, length, protection)) << strerror(errno);
}

GuardedBuffer::GuardedBuffer(size_t length)
	: length_(length),
	  mapping_((length + page_size() - 1) / page_size() * page_size() + 2 * page_size()),
	  start_(mapping_.data() + page_size()), end_(mapping_.end() - page_size())
{
	mapping_.protect(PROT_NONE, 0, page_size());
	mapping_.protect(PROT_NONE, mapping_.size() - page_size(), page_size());
}

SilentMemory::SilentMemory(size_t length) : mapping_(length)
{
	uffdio_api api = {};
	uffdio_register range = {};

	uffd_.reset(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
	EXPECT_GE(uffd_, 0) << "userfaultfd: " << strerror(errno);
	api.api = UFFD_API;
	EXPECT_EQ(0, ioctl(uffd_, UFFDIO_API, &api));
	range.range.start = reinterpret_cast<uintptr_t>(mapping_.data());
	range.range.len = length;
	range.mode = UFFDIO_REGISTER_MODE_MISSING;
	EXPECT_EQ(0, ioctl(uffd_, UFFDIO_REGISTER, &range)) << strerror(errno);
}

SilentMemory::~SilentMemory()
{
	stop();
}

void SilentMemory::stop()
{
	// Ends the registration; who waits faults again, without us.
	uffd_.reset();
}

void SilentMemory::provide(size_t offset, const void *bytes, size_t length)
{
	Mapping source(length);
	uffdio_copy copy = {};

	memcpy(source.data(), bytes, length);
	copy.dst = reinterpret_cast<uintptr_t>(mapping_.data() + offset);
	copy.src = reinterpret_cast<uintptr_t>(source.data());
	copy.len = length;
	EXPECT_EQ(0, ioctl(uffd_, UFFDIO_COPY, &copy)) << strerror(errno);
}

void SilentMemory::provide_zero(size_t offset, size_t length)
{
	uffdio_zeropage zero = {};

	zero.range.start = reinterpret_cast<uintptr_t>(mapping_.data() + offset);
	zero.range.len = length;
	EXPECT_EQ(0, ioctl(uffd_, UFFDIO_ZEROPAGE, &zero)) << strerror(errno);
}

bool SilentMemory::awaited(int timeout_ms)
{
	pollfd wait = {uffd_, POLLIN, 0};

	return poll(&wait, 1, timeout_ms) == 1;
}

Fd memory_file(size_t length)
{
	Fd file(memfd_create("stplr-test", MFD_CLOEXEC));

	EXPECT_GE(file, 0) << strerror(errno);
	EXPECT_EQ(0, ftruncate(file, length));
	return file;
}
