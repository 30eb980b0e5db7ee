// SPDX-License-Identifier: MIT
// An io_uring of one thread's, by its system calls alone.
#ifndef STPLR_BENCH_URING_H
#define STPLR_BENCH_URING_H

#include "resource.h"

#include <linux/io_uring.h>

#include <cstdint>

namespace bench
{

class Uring
{
public:
	// Throws Unsupported where the kernel has none, or does not let this user.
	explicit Uring(unsigned entries);

	// The next one that submit() submits: zeroed. Not more of them than entries.
	io_uring_sqe &prepare();

	// Submits these, and waits for so many to be completed.
	void submit(unsigned awaited);

	// The next completed one, or nullptr; done() gives it back.
	const io_uring_cqe *completed() const;
	void done();

private:
	io_uring_params params_ = {};
	Fd fd_;
	Mapping rings_;
	Mapping entries_;
	unsigned prepared_ = 0;
	unsigned tail_ = 0;
	unsigned head_ = 0;
};

} // namespace bench

#endif
