// SPDX-License-Identifier: MIT
// Threads whose first exception is that of all.
#ifndef STPLR_BENCH_THREADS_H
#define STPLR_BENCH_THREADS_H

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace bench
{

class Threads
{
public:
	Threads() = default;
	Threads(const Threads &) = delete;
	~Threads()
	{
		join();
	}
	template <typename Body> void add(Body body)
	{
		threads_.emplace_back([this, body] {
			try {
				body();
			} catch (...) {
				const std::lock_guard<std::mutex> lock(mutex_);

				if (!failure_)
					failure_ = std::current_exception();
				changed_.notify_all();
			}
		});
	}
	bool failed() const
	{
		const std::lock_guard<std::mutex> lock(mutex_);

		return failure_ != nullptr;
	}
	// Until one has.
	void awaitFailure()
	{
		std::unique_lock<std::mutex> lock(mutex_);

		changed_.wait(lock, [this] { return failure_ != nullptr; });
	}
	void join()
	{
		for (std::thread &thread : threads_)
			thread.join();
		threads_.clear();
	}
	void rethrow()
	{
		join();
		if (failure_)
			std::rethrow_exception(failure_);
	}

private:
	std::vector<std::thread> threads_;
	mutable std::mutex mutex_;
	std::condition_variable changed_;
	std::exception_ptr failure_;
};

} // namespace bench

#endif
