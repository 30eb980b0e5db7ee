// SPDX-License-Identifier: MIT
// Rings by their ioctls, and by hand what a library does in their memory: the layout of
// <linux/stplr_ring.h>, letter by letter.
#pragma once

#include <linux/stplr_ring.h>

#include <string>
#include <string_view>

#include "support/calls.h"
#include "support/fd.h"

stplr_rings_create rings_args(std::string_view name, uint32_t rings = 1, uint32_t out_pages = 1,
			      uint32_t in_pages = 1, uint32_t flags = 0);
stplr_ring_attach ring_attach_args(std::string_view name, uint32_t number = STPLR_RING_ANY,
				   int64_t deadline = STPLR_DEADLINE_POLL);
stplr_ring_wait ring_wait_args(uint32_t what, int64_t deadline = STPLR_DEADLINE_NONE,
			       uint32_t room = 8);

long rings_create(int device, const stplr_rings_create &args);
long ring_open(int set, uint32_t number = STPLR_RING_ANY, uint32_t flags = 0,
	       uint32_t *which = nullptr);
long ring_attach(int device, std::string_view name, uint32_t number = STPLR_RING_ANY,
		 int64_t deadline = STPLR_DEADLINE_POLL, uint32_t *which = nullptr);
long rings_attached(int set, stplr_rings_attached &args);
// Which there is, or -errno.
long ring_wait(int fd, uint32_t what, int64_t deadline = STPLR_DEADLINE_NONE, uint32_t room = 8);
long ring_info(int fd, stplr_ring_info &info);
long ring_wake(int fd);
long ring_arm(int fd, uint32_t what);
long ring_end(int fd, long error = 0);
long ring_eventfd(int fd, int eventfd, uint32_t flags = 0);

// A record that was taken.
struct Record {
	long result; // 0, -EAGAIN, or why the ring ended
	uint16_t type = 0;
	uint16_t flags = 0;
	std::string bytes;
};

// An end with all that it can map.
class Ring
{
public:
	explicit Ring(int fd);
	Ring(Ring &&) = delete;
	~Ring();

	int fd() const
	{
		return fd_;
	}
	// Closes the descriptor; the mapping stays.
	void close_fd()
	{
		fd_.reset();
	}
	void unmap();

	// W1 to W5; 0, -EAGAIN, or the kernel's error. Without waking if quiet.
	long put(std::string_view bytes, uint16_t type = 0, uint16_t flags = 0, bool quiet = false);
	// The same, waiting for room.
	long put_waiting(std::string_view bytes, uint16_t type = 0);
	// R1 to R5.
	Record take();
	Record take_waiting();

	// How often it was told to wake, and did.
	unsigned wakes() const
	{
		return wakes_;
	}

	stplr_ring_info info = {};
	volatile stplr_ring_kernel *kernel = nullptr;
	volatile stplr_ring_page *own = nullptr;
	volatile const stplr_ring_page *peer = nullptr;
	char *out = nullptr;
	const char *in = nullptr;

private:
	const volatile uint32_t *flags(bool out_direction, bool data) const;
	void *map(size_t size, int protection, off_t offset);
	long error() const;

	Fd fd_;
	unsigned wakes_ = 0;
	bool creator_ = false;
};

// A set with one open ring, and an end that is attached to it.
struct RingPair {
	RingPair(int device, std::string_view name, uint32_t out_pages = 1, uint32_t in_pages = 1,
		 uint32_t flags = 0);
	Fd set, creator, other;
};
