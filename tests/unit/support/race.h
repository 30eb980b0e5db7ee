// SPDX-License-Identifier: MIT
// Two events at about the same moment, on two processors.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>

// Runs two events a round, each in a thread of its own that is bound to a processor of its own.
// They meet at a barrier and then start apart: by a random time, of either sign, up to twice what
// the slower of them has lately taken, or least_ns. So over some rounds each comes before the
// other, and in the middle of it at every place.
class Race
{
public:
	explicit Race(unsigned seed = 1, int64_t least_ns = 0);
	Race(Race &&) = delete;
	~Race();

	using Event = std::function<long()>;
	struct Results {
		long first, second;
	};
	Results run(Event first, Event second);

	// The outcomes that are to come, how a round came out, whether all have come; check() fails
	// if one has not, and says how often each came.
	void expect(std::initializer_list<const char *> outcomes);
	void count(const std::string &outcome)
	{
		counts_[outcome]++;
	}
	bool all_seen() const;
	void check() const;

private:
	struct Side {
		Event event;
		int64_t delay_ns = 0;
		int64_t took_ns = 0;
		long result = 0;
		bool done = true;
		std::thread thread;
	};
	void run_side(int number);

	Side sides_[2];
	std::mutex lock_;
	std::condition_variable changed_;
	bool stop_ = false;
	std::atomic<int> at_barrier_{0};
	const int64_t least_ns_;
	int64_t usual_ns_ = 20000;
	std::mt19937 random_;
	std::map<std::string, int> counts_;
};
