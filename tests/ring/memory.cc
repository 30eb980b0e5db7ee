// SPDX-License-Identifier: MIT
#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

namespace
{

constexpr int kFdFirst = 100000;
constexpr int kFdStep = 1000;

// Tests have few rings at a time, and no thread of another one makes any.
std::vector<Memory *> &memories()
{
	static std::vector<Memory *> all;

	return all;
}

Memory *memory_of(int fd)
{
	const size_t index = static_cast<size_t>(fd - kFdFirst) / kFdStep;

	return fd >= kFdFirst && index < memories().size() ? memories()[index] : nullptr;
}

size_t page_size()
{
	return static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

uint32_t load(const uint32_t &word)
{
	return __atomic_load_n(&word, __ATOMIC_SEQ_CST);
}

void set_bits(uint32_t &word, uint32_t bits)
{
	__atomic_fetch_or(&word, bits, __ATOMIC_SEQ_CST);
}

void clear_bits(uint32_t &word, uint32_t bits)
{
	__atomic_fetch_and(&word, ~bits, __ATOMIC_SEQ_CST);
}

[[noreturn]] void give_up(const char *what)
{
	perror(what);
	abort();
}

int fail(int error)
{
	errno = error;
	return -1;
}

} // namespace

Memory::Memory(uint32_t out_bytes, uint32_t in_bytes, uint32_t flags, uint32_t start,
	       unsigned readers)
	: out_bytes_(out_bytes), in_bytes_(in_bytes), flags_(flags),
	  first_fd_(kFdFirst + static_cast<int>(memories().size()) * kFdStep)
{
	kernel_ = static_cast<stplr_ring_kernel *>(pages(page_size(), false));
	for (unsigned end = 0; end <= readers; end++) {
		auto *page = static_cast<stplr_ring_page *>(pages(page_size(), false));

		page->writer.head = start;
		page->reader.tail = start;
		page->writer.oldest[0].position = start;
		page->reader.position = start;
		pages_.push_back(page);
	}
	kernel_->held = start;
	if (flags & STPLR_RINGS_TURNS)
		pages_[0]->writer.turn = 1;
	if (out_bytes)
		out_ = static_cast<unsigned char *>(pages(out_bytes, true));
	if (in_bytes)
		in_ = static_cast<unsigned char *>(pages(in_bytes, true));
	memories().push_back(this);
}

Memory::~Memory()
{
	memories()[static_cast<size_t>(first_fd_ - kFdFirst) / kFdStep] = nullptr;
	for (const auto &[address, size] : regions_)
		munmap(address, size);
}

// With a page before and behind that nobody may touch.
void *Memory::pages(size_t bytes, bool twice)
{
	const size_t guard = page_size(), whole = bytes * (twice ? 2 : 1);
	const int fd = memfd_create("ring", MFD_CLOEXEC);
	char *const around = static_cast<char *>(
		mmap(nullptr, whole + 2 * guard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	if (fd < 0 || around == MAP_FAILED || ftruncate(fd, static_cast<off_t>(bytes)))
		give_up("memory of a ring");
	for (size_t at = 0; at < whole; at += bytes)
		if (mmap(around + guard + at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			 fd, 0) == MAP_FAILED)
			give_up("mmap");
	close(fd);
	regions_.emplace_back(around, whole + 2 * guard);
	return around + guard;
}

void *Memory::map(int fd, unsigned long offset, size_t size)
{
	void *region = nullptr;
	size_t is = page_size();

	switch (offset) {
	case STPLR_RING_MAP_KERNEL:
		region = kernel_;
		break;
	case STPLR_RING_MAP_OWN:
		region = &page(fd);
		break;
	case STPLR_RING_MAP_PEER:
		if (!many() || !is_creator(fd))
			region = &peer_page(fd);
		break;
	case STPLR_RING_MAP_OUT:
		region = is_creator(fd) ? out_ : in_;
		is = 2 * out_bytes(fd);
		break;
	case STPLR_RING_MAP_IN:
		region = is_creator(fd) ? in_ : out_;
		is = 2 * in_bytes(fd);
		break;
	}
	if (!region || size != is) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	mapped++;
	return region;
}

bool Memory::unmap(const void *address)
{
	for (const auto &[region, size] : regions_)
		if (address == static_cast<char *>(region) + page_size()) {
			mapped--;
			return true;
		}
	return false;
}

// Of one to many: how far the reader that is farthest behind is.
uint32_t Memory::slowest() const
{
	const uint32_t head = load(pages_[0]->writer.head);
	uint32_t slowest = head;

	for (size_t reader = 1; reader < pages_.size(); reader++) {
		const uint32_t tail = load(pages_[reader]->reader.tail);

		if (head - tail > head - slowest)
			slowest = tail;
	}
	return slowest;
}

uint32_t Memory::there(int fd, uint32_t what, uint32_t room)
{
	uint32_t there = 0;

	if (what & STPLR_RING_DATA && load(peer_page(fd).writer.head) != load(page(fd).reader.tail))
		there |= STPLR_RING_DATA;
	if (what & STPLR_RING_ROOM) {
		uint32_t tail = load(peer_page(fd).reader.tail);

		if (many()) {
			tail = slowest();
			__atomic_store_n(&kernel_->held, tail, __ATOMIC_SEQ_CST);
		}
		if (room <= out_bytes(fd) - (load(page(fd).writer.head) - tail))
			there |= STPLR_RING_ROOM;
	}
	return there;
}

int Memory::wait(int fd, stplr::ring_wait &args)
{
	stplr_ring_flags &out = is_creator(fd) ? kernel_->out : kernel_->in;
	stplr_ring_flags &in = is_creator(fd) ? kernel_->in : kernel_->out;
	std::unique_lock<std::mutex> guard(lock_);
	timespec now;

	for (bool wanted = false;; wanted = !wanted) {
		if (const uint32_t found = there(fd, args.what, args.room)) {
			args.what = found;
			return 0;
		}
		if (!wanted) {
			if (args.what & STPLR_RING_DATA)
				set_bits(in.data, STPLR_RING_WANTED);
			if (args.what & STPLR_RING_ROOM)
				set_bits(out.room, STPLR_RING_WANTED);
			continue;
		}
		if (ended_with >= 0)
			return fail(ended_with);
		if (args.deadline == STPLR_DEADLINE_POLL)
			return fail(EAGAIN);
		sleeps++;
		if (args.deadline == STPLR_DEADLINE_NONE) {
			changed_.wait(guard);
			continue;
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
		const int64_t left = args.deadline - now.tv_sec * STPLR_SECOND - now.tv_nsec;
		if (left <= 0)
			return fail(ETIMEDOUT);
		changed_.wait_for(guard, std::chrono::nanoseconds(left));
	}
}

int Memory::wake(int fd)
{
	stplr_ring_flags &out = is_creator(fd) ? kernel_->out : kernel_->in;
	stplr_ring_flags &in = is_creator(fd) ? kernel_->in : kernel_->out;
	const std::lock_guard<std::mutex> guard(lock_);

	if (ended_with >= 0)
		return fail(ended_with);
	clear_bits(out.data, STPLR_RING_WANTED);
	clear_bits(in.room, STPLR_RING_WANTED);
	wakes++;
	changed_.notify_all();
	return 0;
}

int Memory::end(int error)
{
	const std::lock_guard<std::mutex> guard(lock_);

	if (error && error != EPROTO)
		return fail(EINVAL);
	if (ended_with >= 0)
		return fail(EPIPE);
	ended_with = error ? error : EPIPE;
	__atomic_store_n(&kernel_->error, static_cast<uint32_t>(ended_with.load()),
			 __ATOMIC_SEQ_CST);
	for (stplr_ring_flags *flags : {&kernel_->out, &kernel_->in}) {
		set_bits(flags->data, STPLR_RING_ENDED);
		set_bits(flags->room, STPLR_RING_ENDED);
	}
	changed_.notify_all();
	return 0;
}

int Memory::info(int fd, stplr::ring_info &info)
{
	info = {};
	info.flags = flags_ | (is_creator(fd) ? STPLR_RING_CREATOR : 0);
	info.out_bytes = out_bytes(fd);
	info.in_bytes = in_bytes(fd);
	info.page_size = static_cast<uint32_t>(page_size());
	return 0;
}

int Memory::control(int fd, unsigned long request, unsigned long argument)
{
	calls++;
	switch (request) {
	case STPLR_RING_INFO:
		return info(fd, *reinterpret_cast<stplr::ring_info *>(argument));
	case STPLR_RING_WAIT:
		return wait(fd, *reinterpret_cast<stplr::ring_wait *>(argument));
	case STPLR_RING_WAKE:
		return wake(fd);
	case STPLR_RING_END:
		return end(static_cast<int>(argument));
	}
	return fail(ENOTTY);
}

// What lib/ring.c calls.
extern "C" {

void *memory_mmap(void *, size_t size, int, int, int fd, off_t offset)
{
	Memory *const memory = memory_of(fd);

	if (!memory) {
		errno = EBADF;
		return MAP_FAILED;
	}
	return memory->map(fd, static_cast<unsigned long>(offset), size);
}

int memory_munmap(void *address, size_t)
{
	for (Memory *memory : memories())
		if (memory && memory->unmap(address))
			return 0;
	return fail(EINVAL);
}

int memory_ioctl(int fd, unsigned long request, ...)
{
	Memory *const memory = memory_of(fd);
	va_list list;

	va_start(list, request);
	const unsigned long argument = va_arg(list, unsigned long);
	va_end(list);
	return memory ? memory->control(fd, request, argument) : fail(EBADF);
}

} // extern "C"
