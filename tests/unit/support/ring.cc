// SPDX-License-Identifier: MIT
#include "support/ring.h"

#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

stplr_rings_create rings_args(std::string_view name, uint32_t rings, uint32_t out_pages,
			      uint32_t in_pages, uint32_t flags)
{
	stplr_rings_create args = {};
	args.name = reinterpret_cast<uintptr_t>(name.data());
	args.name_len = name.size();
	args.rings = rings;
	args.out_pages = out_pages;
	args.in_pages = in_pages;
	args.flags = flags;
	return args;
}

stplr_ring_attach ring_attach_args(std::string_view name, uint32_t number, int64_t deadline)
{
	stplr_ring_attach args = {};
	args.name = reinterpret_cast<uintptr_t>(name.data());
	args.name_len = name.size();
	args.number = number;
	args.clock = CLOCK_MONOTONIC;
	args.deadline = deadline;
	return args;
}

stplr_ring_wait ring_wait_args(uint32_t what, int64_t deadline, uint32_t room)
{
	stplr_ring_wait args = {};
	args.what = what;
	args.room = what & STPLR_RING_ROOM ? room : 0;
	args.deadline = deadline;
	args.clock = CLOCK_MONOTONIC;
	return args;
}

long rings_create(int device, const stplr_rings_create &args)
{
	stplr_rings_create copy = args;
	long result = call(device, STPLR_RINGS_CREATE, &copy);
	EXPECT_EQ(0, memcmp(&copy, &args, sizeof(args))) << "inputs changed";
	return result;
}

long ring_open(int set, uint32_t number, uint32_t flags, uint32_t *which)
{
	stplr_ring_open args = {number, flags};
	long result = call(set, STPLR_RING_OPEN, &args);
	if (result < 0)
		EXPECT_EQ(number, args.number) << "a failed open wrote outputs";
	if (which)
		*which = args.number;
	return result;
}

long ring_attach(int device, std::string_view name, uint32_t number, int64_t deadline,
		 uint32_t *which)
{
	stplr_ring_attach args = ring_attach_args(name, number, deadline);
	long result = call(device, STPLR_RING_ATTACH, &args);
	if (result < 0)
		EXPECT_EQ(number, args.number) << "a failed attach wrote outputs";
	if (which)
		*which = args.number;
	return result;
}

long rings_attached(int set, stplr_rings_attached &args)
{
	args.clock = CLOCK_MONOTONIC;
	return call(set, STPLR_RINGS_ATTACHED, &args);
}

long ring_wait(int fd, uint32_t what, int64_t deadline, uint32_t room)
{
	stplr_ring_wait args = ring_wait_args(what, deadline, room);
	long result = call(fd, STPLR_RING_WAIT, &args);
	if (result < 0)
		EXPECT_EQ(what, args.what) << "a failed wait wrote outputs";
	return result < 0 ? result : args.what;
}

long ring_info(int fd, stplr_ring_info &info)
{
	poison(info);
	long result = call(fd, STPLR_RING_INFO, &info);
	if (result < 0)
		EXPECT_TRUE(poisoned(info));
	return result;
}

long ring_wake(int fd)
{
	return call(fd, STPLR_RING_WAKE);
}

long ring_arm(int fd, uint32_t what)
{
	return call(fd, STPLR_RING_ARM, &what);
}

long ring_end(int fd, long error)
{
	return call(fd, STPLR_RING_END, reinterpret_cast<void *>(error));
}

long ring_eventfd(int fd, int eventfd, uint32_t flags)
{
	stplr_ring_eventfd args = {eventfd, flags};
	return call(fd, STPLR_RING_EVENTFD, &args);
}

Ring::Ring(int fd) : fd_(fd)
{
	EXPECT_LE(0, fd) << result_name(fd);
	if (fd < 0 || ring_info(fd, info) < 0)
		return;
	creator_ = info.flags & STPLR_RING_CREATOR;
	size_t page = info.page_size;
	bool many = info.flags & STPLR_RINGS_MANY;
	kernel = static_cast<stplr_ring_kernel *>(map(page, PROT_READ, STPLR_RING_MAP_KERNEL));
	own = static_cast<stplr_ring_page *>(map(page, PROT_READ | PROT_WRITE, STPLR_RING_MAP_OWN));
	if (!(many && creator_))
		peer = static_cast<stplr_ring_page *>(map(page, PROT_READ, STPLR_RING_MAP_PEER));
	if (info.out_bytes)
		out = static_cast<char *>(
			map(2 * info.out_bytes, PROT_READ | PROT_WRITE, STPLR_RING_MAP_OUT));
	if (info.in_bytes)
		in = static_cast<char *>(map(2 * info.in_bytes, PROT_READ, STPLR_RING_MAP_IN));
}

Ring::~Ring()
{
	unmap();
}

void *Ring::map(size_t size, int protection, off_t offset)
{
	void *at = mmap(nullptr, size, protection, MAP_SHARED, fd_, offset);
	EXPECT_NE(MAP_FAILED, at) << strerror(errno) << " at " << offset;
	return at == MAP_FAILED ? nullptr : at;
}

void Ring::unmap()
{
	size_t page = info.page_size;
	if (kernel)
		munmap(const_cast<stplr_ring_kernel *>(kernel), page);
	if (own)
		munmap(const_cast<stplr_ring_page *>(own), page);
	if (peer)
		munmap(const_cast<stplr_ring_page *>(peer), page);
	if (out)
		munmap(out, 2 * info.out_bytes);
	if (in)
		munmap(const_cast<char *>(in), 2 * info.in_bytes);
	kernel = nullptr;
	own = nullptr;
	peer = nullptr;
	out = nullptr;
	in = nullptr;
}

const volatile uint32_t *Ring::flags(bool out_direction, bool data) const
{
	const volatile stplr_ring_flags *direction =
		out_direction == creator_ ? &kernel->out : &kernel->in;
	return data ? &direction->data : &direction->room;
}

long Ring::error() const
{
	return -static_cast<long>(kernel->error);
}

long Ring::put(std::string_view bytes, uint16_t type, uint16_t record_flags, bool quiet)
{
	uint32_t need = 8 + (bytes.size() + 7) / 8 * 8, head = own->writer.head;
	const volatile uint32_t *data = flags(true, true);
	bool many = info.flags & STPLR_RINGS_MANY;

	if (*data & STPLR_RING_ENDED)
		return error();
	uint32_t tail = __atomic_load_n(many ? &kernel->held : &peer->reader.tail,
					__ATOMIC_ACQUIRE); // W1
	if (info.out_bytes - (head - tail) < need)
		return -EAGAIN;
	char *at = out + head % info.out_bytes;
	stplr_ring_record record = {static_cast<uint32_t>(bytes.size()), type, record_flags};
	memcpy(at, &record, sizeof(record)); // W2
	memcpy(at + 8, bytes.data(), bytes.size());
	own->writer.records = own->writer.records + 1;
	if (record_flags & STPLR_RING_TURN)
		own->writer.turn = 0;
	__atomic_store_n(&own->writer.head, head + need, __ATOMIC_RELEASE); // W3
	if (quiet)
		return 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST); // W4
	if (*data) {                             // W5
		wakes_++;
		EXPECT_EQ(0, ring_wake(fd_));
	}
	return 0;
}

long Ring::put_waiting(std::string_view bytes, uint16_t type)
{
	for (;;) {
		long result = put(bytes, type);
		if (result != -EAGAIN)
			return result;
		result = ring_wait(fd_, STPLR_RING_ROOM, STPLR_DEADLINE_NONE,
				   8 + (bytes.size() + 7) / 8 * 8);
		if (result < 0)
			return result;
	}
}

Record Ring::take()
{
	const volatile uint32_t *room = flags(false, false);
	uint32_t tail = own->reader.tail, ended = *room & STPLR_RING_ENDED;
	uint32_t head = __atomic_load_n(&peer->writer.head, __ATOMIC_ACQUIRE); // R1
	Record taken = {};

	if (head == tail) {
		taken.result = ended ? error() : -EAGAIN;
		return taken;
	}
	EXPECT_LE(head - tail, info.in_bytes);
	stplr_ring_record record;
	const char *at = in + tail % info.in_bytes;
	memcpy(&record, at, sizeof(record)); // R2
	EXPECT_LE(record.len + 8, head - tail);
	taken.bytes.assign(at + 8, record.len);
	taken.type = record.type;
	taken.flags = record.flags;
	if (record.flags & STPLR_RING_TURN)
		own->writer.turn = 1;
	own->reader.records = own->reader.records + 1;
	__atomic_store_n(&own->reader.tail, tail + 8 + (record.len + 7) / 8 * 8,
			 __ATOMIC_RELEASE);      // R3
	__atomic_thread_fence(__ATOMIC_SEQ_CST); // R4
	if (*room) {                             // R5
		wakes_++;
		EXPECT_EQ(0, ring_wake(fd_));
	}
	return taken;
}

Record Ring::take_waiting()
{
	for (;;) {
		Record taken = take();
		if (taken.result != -EAGAIN)
			return taken;
		taken.result = ring_wait(fd_, STPLR_RING_DATA);
		if (taken.result < 0)
			return taken;
	}
}

RingPair::RingPair(int device, std::string_view name, uint32_t out_pages, uint32_t in_pages,
		   uint32_t flags)
	: set(rings_create(device, rings_args(name, 1, out_pages, in_pages, flags))),
	  creator(ring_open(set)), other(ring_attach(device, name))
{
	EXPECT_LE(0, set);
	EXPECT_LE(0, creator);
	EXPECT_LE(0, other);
}
