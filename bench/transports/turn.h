// SPDX-License-Identifier: MIT
// A word that two processes pass a turn over: one side takes, the other gives.
#ifndef STPLR_BENCH_TURN_H
#define STPLR_BENCH_TURN_H

#include "../resource.h"
#include "../stopwatch.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdint>

namespace bench
{

// A futex, and the two things one does with it.
class FutexWord
{
public:
	void wake()
	{
		checked(syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0),
			"futex(FUTEX_WAKE)");
	}

	// Sleeps if this is its value; returns for no reason, too.
	void wait(std::uint32_t value)
	{
		if (syscall(SYS_futex, &word, FUTEX_WAIT, value, nullptr, nullptr, 0) &&
		    errno != EAGAIN && errno != EINTR)
			throw CallError("futex(FUTEX_WAIT)");
	}

	static_assert(std::atomic<std::uint32_t>::is_always_lock_free);
	std::atomic<std::uint32_t> word{0};
};

// Who takes sleeps at once, who gives wakes always.
class Turn
{
public:
	// Everything written before is visible to who takes.
	void give()
	{
		turn_.word.store(1, std::memory_order_release);
		turn_.wake();
	}

	void take()
	{
		while (turn_.word.load(std::memory_order_acquire) == 0)
			turn_.wait(0);
		turn_.word.store(0, std::memory_order_relaxed);
	}

private:
	FutexWord turn_;
};

// Who takes looks for a moment before it sleeps, and who gives wakes only one that does.
class SpinningTurn
{
public:
	// How long it looks, in ns.
	static constexpr double moment = 50000;

	// A: the giver's only step, which ends `nobody` or `sleeper`, whichever it finds.
	void give()
	{
		if (turn_.word.exchange(given, std::memory_order_release) == sleeper)
			turn_.wake();
	}

	void take()
	{
		if (!look())
			sleep();
		turn_.word.store(nobody, std::memory_order_relaxed);
	}

private:
	enum : std::uint32_t { nobody, given, sleeper };

	// Looks between two readings of the clock, which may be a system call.
	static constexpr int looks = 16;

	bool isGiven() const
	{
		return turn_.word.load(std::memory_order_acquire) == given;
	}

	static void pauseBriefly()
	{
#if defined(__x86_64__) || defined(__i386__)
		__builtin_ia32_pause();
#elif defined(__aarch64__)
		__asm__ volatile("yield");
#endif
	}

	bool look() const
	{
		if (isGiven())
			return true;
		// With one processor nobody gives while this looks.
		if (!spins_)
			return false;

		const double end = clockNow() + moment;

		do
			for (int at = 0; at < looks; at++) {
				if (isGiven())
					return true;
				pauseBriefly();
			}
		while (clockNow() < end);
		return false;
	}

	// B: the sleeper's announcement. If A is before it, it fails, and nobody sleeps; if A is
	// behind it, A wakes. A wake-up that comes before the wait finds `given`, and so does the
	// wait.
	void sleep()
	{
		std::uint32_t seen = nobody;

		turn_.word.compare_exchange_strong(seen, sleeper, std::memory_order_relaxed);
		while (!isGiven())
			turn_.wait(sleeper);
	}

	FutexWord turn_;
	bool spins_ = usableCpuCount() > 1;
};

} // namespace bench

#endif
