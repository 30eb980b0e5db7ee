// SPDX-License-Identifier: MIT
// How threads are scheduled, in the numbers of struct stplr_msg_info.priority.
#pragma once

#include <sched.h>
#include <sys/types.h>
#include <unistd.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <ostream>

#include "support/thread.h"

constexpr int nice_priority(int nice)
{
	return 19 - nice;
}

constexpr int rt_priority(int priority)
{
	return 40 + priority;
}

struct Scheduling {
	int policy = SCHED_OTHER;
	int nice = 0;
	int rt = 0;
	bool reset_on_fork = false;

	bool operator==(const Scheduling &other) const
	{
		return policy == other.policy && nice == other.nice && rt == other.rt &&
		       reset_on_fork == other.reset_on_fork;
	}
};

std::ostream &operator<<(std::ostream &stream, const Scheduling &scheduling);

Scheduling other(int nice);
Scheduling fifo(int priority);

// Of a thread; 0 is the calling one. These fail the test when they cannot.
Scheduling scheduling(pid_t tid);
void schedule(pid_t tid, const Scheduling &scheduling);
void schedule_deadline(pid_t tid);

// What the scheduler goes by, whatever raised it: from /proc/PID/task/TID/stat.
int effective_priority(pid_t pid, pid_t tid);

// Binds the calling thread to a processor, and the threads that it makes meanwhile.
class Bound
{
public:
	explicit Bound(int processor);
	Bound(Bound &&) = delete;
	~Bound();

private:
	cpu_set_t before_;
};

// A thread that does what it is given, one after the other.
class Worker
{
public:
	Worker();
	explicit Worker(const Scheduling &scheduling);
	~Worker();

	// Begins with the job; finish() waits for its end.
	void start(std::function<void()> job);
	bool finish();
	bool run(std::function<void()> job);

	pid_t tid() const
	{
		return thread_.tid();
	}
	bool wait_blocked(unsigned long request)
	{
		return thread_.wait_blocked(request);
	}
	Scheduling scheduling() const
	{
		return ::scheduling(tid());
	}
	int priority() const
	{
		return effective_priority(getpid(), tid());
	}

private:
	long work();

	std::mutex mutex_;
	std::condition_variable changed_;
	std::function<void()> job_;
	bool busy_ = false;
	bool ending_ = false;
	Thread thread_;
};
