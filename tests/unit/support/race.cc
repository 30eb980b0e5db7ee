// SPDX-License-Identifier: MIT
#include "support/race.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <time.h>

#include <algorithm>

#include "support/calls.h"
#include "support/sched.h"

namespace
{

// Never so long that a round costs much.
constexpr int64_t kMostNs = 3000000;

} // namespace

Race::Race(unsigned seed, int64_t least_ns) : least_ns_(least_ns), random_(seed)
{
	for (int i = 0; i < 2; i++)
		sides_[i].thread = std::thread([this, i] { run_side(i); });
}

Race::~Race()
{
	{
		std::lock_guard<std::mutex> guard(lock_);
		stop_ = true;
	}
	changed_.notify_all();
	for (Side &side : sides_)
		side.thread.join();
}

void Race::run_side(int number)
{
	Side &side = sides_[number];

	Bound processor(number % int(std::thread::hardware_concurrency()));
	for (;;) {
		{
			std::unique_lock<std::mutex> guard(lock_);
			changed_.wait(guard, [&] { return stop_ || !side.done; });
			if (stop_)
				return;
		}
		at_barrier_++;
		while (at_barrier_ < 2)
			sched_yield();
		int64_t start = now(CLOCK_MONOTONIC) + side.delay_ns;
		while (now(CLOCK_MONOTONIC) < start)
			;
		side.result = side.event();
		side.took_ns = now(CLOCK_MONOTONIC) - start;
		{
			std::lock_guard<std::mutex> guard(lock_);
			side.done = true;
		}
		changed_.notify_all();
	}
}

Race::Results Race::run(Event first, Event second)
{
	const int64_t most = std::max(2 * usual_ns_, least_ns_);
	std::uniform_int_distribution<int64_t> offset(-most, most);
	int64_t second_later = offset(random_);
	std::unique_lock<std::mutex> guard(lock_);

	sides_[0].event = std::move(first);
	sides_[1].event = std::move(second);
	sides_[0].delay_ns = std::max<int64_t>(0, -second_later);
	sides_[1].delay_ns = std::max<int64_t>(0, second_later);
	sides_[0].done = sides_[1].done = false;
	at_barrier_ = 0;
	changed_.notify_all();
	changed_.wait(guard, [this] { return sides_[0].done && sides_[1].done; });
	int64_t slower = std::max(sides_[0].took_ns, sides_[1].took_ns);
	usual_ns_ = std::min((usual_ns_ * 7 + slower) / 8, kMostNs);
	return {sides_[0].result, sides_[1].result};
}

void Race::expect(std::initializer_list<const char *> outcomes)
{
	for (const char *outcome : outcomes)
		counts_[outcome] = 0;
}

bool Race::all_seen() const
{
	return std::all_of(counts_.begin(), counts_.end(),
			   [](const auto &count) { return count.second > 0; });
}

void Race::check() const
{
	std::string all;

	for (const auto &[outcome, times] : counts_)
		all += (all.empty() ? "" : ", ") + outcome + ": " + std::to_string(times);
	testing::Test::RecordProperty("outcomes", all);
	EXPECT_TRUE(all_seen()) << all;
}
