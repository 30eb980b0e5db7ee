// SPDX-License-Identifier: MIT
#include "handlers.h"

#include "timer_constants.h"

#include <chrono>
#include <cstdio>
#include <stdexcept>

namespace stplr
{
namespace examples
{

version_struct exampleVersion()
{
	version_struct version;

	version.major = 1;
	version.minor = 0;
	version.micro = 0;
	return version;
}

void PingHandler::ping(test_struct &result, const test_struct &arg)
{
	result = arg;
	result.op = operation::PONG;
}

void PingHandler::hello(const std::string &text)
{
	if (quiet_)
		return;
	std::printf("%s\n", text.c_str());
	std::fflush(stdout);
}

// What a handler throws reaches the client as an application exception with its text.
static int32_t result(int64_t value)
{
	if (value != static_cast<int32_t>(value))
		throw std::overflow_error("the result is no i32");
	return value;
}

int32_t CalculatorHandler::add(int32_t arg1, int32_t arg2)
{
	return result(int64_t(arg1) + arg2);
}

int32_t CalculatorHandler::subtract(int32_t arg1, int32_t arg2)
{
	return result(int64_t(arg1) - arg2);
}

int32_t CalculatorHandler::multiply(int32_t arg1, int32_t arg2)
{
	return result(int64_t(arg1) * arg2);
}

int32_t CalculatorHandler::divide(int32_t arg1, int32_t arg2)
{
	if (!arg2)
		throw std::domain_error("division by zero");
	return result(int64_t(arg1) / arg2);
}

namespace
{

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

// A client that never stops its timers is not to use the server up.
constexpr size_t timersMax = 10000;
// Longer ones could not be counted on.
constexpr int64_t intervalMax = int64_t(86400) * 1000000;

} // namespace

struct TimerHandler::Timer {
	Clock::time_point begin;
	int64_t interval;
	int64_t reported = 0;
	bool stopped = false;
};

timer_id TimerHandler::start(int64_t interval_us)
{
	if (interval_us <= 0)
		return g_timer_constants.INVALID_TIMER;
	if (interval_us > intervalMax)
		throw std::out_of_range("an interval has at most " + std::to_string(intervalMax) +
					" microseconds");

	std::lock_guard<std::mutex> lock(mutex_);
	auto timer = std::make_shared<Timer>();

	if (timers_.size() >= timersMax)
		throw std::runtime_error("there are too many timers: stop some");
	timer->begin = Clock::now();
	timer->interval = interval_us;
	timers_[++last_] = timer;
	return last_;
}

std::shared_ptr<TimerHandler::Timer> TimerHandler::find(timer_id id)
{
	auto found = timers_.find(id);

	if (found == timers_.end())
		throw std::invalid_argument("there is no timer " + std::to_string(id));
	return found->second;
}

void TimerHandler::stop(timer_id id)
{
	std::lock_guard<std::mutex> lock(mutex_);

	find(id)->stopped = true;
	timers_.erase(id);
	stopped_.notify_all();
}

void TimerHandler::tick(timestamp &result, timer_id id)
{
	std::unique_lock<std::mutex> lock(mutex_);
	auto timer = find(id);
	const int64_t counter = ++timer->reported;
	const auto end = timer->begin + counter * microseconds(timer->interval);

	stopped_.wait_until(lock, end, [&] { return timer->stopped || ended_; });
	if (ended_)
		throw std::runtime_error("the service ends");
	if (timer->stopped)
		throw std::runtime_error("timer " + std::to_string(id) + " was stopped");
	result.counter = counter;
	result.abstime = std::chrono::duration_cast<microseconds>(end.time_since_epoch()).count();
}

void TimerHandler::end()
{
	std::lock_guard<std::mutex> lock(mutex_);

	ended_ = true;
	stopped_.notify_all();
}

} // namespace examples
} // namespace stplr
