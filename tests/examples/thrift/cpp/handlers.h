// SPDX-License-Identifier: MIT
// The services.
#ifndef EXAMPLES_THRIFT_HANDLERS_H
#define EXAMPLES_THRIFT_HANDLERS_H

#include "calculator.h"
#include "example.h"
#include "ping.h"
#include "timer.h"

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace stplr
{
namespace examples
{

// The version of all the examples' services.
version_struct exampleVersion();

class ExampleHandler : virtual public exampleIf
{
public:
	explicit ExampleHandler(const std::string &name = "example") : name_(name) {}

	void name(std::string &result) override
	{
		result = name_;
	}

	void version(version_struct &result) override
	{
		result = exampleVersion();
	}

private:
	std::string name_;
};

class PingHandler : virtual public pingIf, public ExampleHandler
{
public:
	// Prints what it is greeted with, unless that would be measured.
	explicit PingHandler(bool quiet) : ExampleHandler("ping"), quiet_(quiet) {}

	void ping(test_struct &result, const test_struct &arg) override;
	void hello(const std::string &text) override;

private:
	bool quiet_;
};

class CalculatorHandler : virtual public calculatorIf, public ExampleHandler
{
public:
	CalculatorHandler() : ExampleHandler("calculator") {}

	int32_t add(int32_t arg1, int32_t arg2) override;
	int32_t subtract(int32_t arg1, int32_t arg2) override;
	int32_t multiply(int32_t arg1, int32_t arg2) override;
	int32_t divide(int32_t arg1, int32_t arg2) override;
};

class TimerHandler : virtual public timerIf, public ExampleHandler
{
public:
	TimerHandler() : ExampleHandler("timer") {}

	timer_id start(int64_t interval_us) override;
	void stop(timer_id id) override;
	void tick(timestamp &result, timer_id id) override;
	// No tick is waited for any more.
	void end();

private:
	struct Timer;

	std::shared_ptr<Timer> find(timer_id id);

	// Guards everything below, and the timers.
	std::mutex mutex_;
	std::condition_variable stopped_;
	std::map<timer_id, std::shared_ptr<Timer>> timers_;
	timer_id last_ = 0;
	bool ended_ = false;
};

} // namespace examples
} // namespace stplr

#endif
