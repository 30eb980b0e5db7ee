// SPDX-License-Identifier: MIT
// A futex that two processes pass a turn over: one side takes, the other gives.
#ifndef STPLR_BENCH_TURN_H
#define STPLR_BENCH_TURN_H

#include "../error.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdint>

namespace bench
{

class Turn
{
public:
	// Everything written before is visible to who takes.
	void give()
	{
		turn_.store(1, std::memory_order_release);
		checked(syscall(SYS_futex, &turn_, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0),
			"futex(FUTEX_WAKE)");
	}

	void take()
	{
		while (turn_.load(std::memory_order_acquire) == 0)
			if (syscall(SYS_futex, &turn_, FUTEX_WAIT, 0, nullptr, nullptr, 0) &&
			    errno != EAGAIN && errno != EINTR)
				throw CallError("futex(FUTEX_WAIT)");
		turn_.store(0, std::memory_order_relaxed);
	}

private:
	static_assert(std::atomic<std::uint32_t>::is_always_lock_free);
	std::atomic<std::uint32_t> turn_{0};
};

} // namespace bench

#endif
