// SPDX-License-Identifier: MIT
#include "support/sched.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <sstream>

namespace
{

// The kernel's struct sched_attr; glibc has none.
struct SchedAttr {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime;
	uint64_t deadline;
	uint64_t period;
};

constexpr uint64_t kResetOnFork = 1;
constexpr int kDeadline = 6;

void set(pid_t tid, SchedAttr attr)
{
	attr.size = sizeof(attr);
	EXPECT_EQ(0, syscall(SYS_sched_setattr, tid, &attr, 0)) << strerror(errno);
}

} // namespace

std::ostream &operator<<(std::ostream &stream, const Scheduling &scheduling)
{
	return stream << "policy " << scheduling.policy << " nice " << scheduling.nice << " rt "
		      << scheduling.rt << (scheduling.reset_on_fork ? " reset on fork" : "");
}

Scheduling other(int nice)
{
	return {SCHED_OTHER, nice, 0, false};
}

Scheduling fifo(int priority)
{
	return {SCHED_FIFO, 0, priority, false};
}

Scheduling scheduling(pid_t tid)
{
	SchedAttr attr = {};

	EXPECT_EQ(0, syscall(SYS_sched_getattr, tid, &attr, sizeof(attr), 0)) << strerror(errno);
	return {int(attr.policy), attr.nice, int(attr.priority), (attr.flags & kResetOnFork) != 0};
}

void schedule(pid_t tid, const Scheduling &scheduling)
{
	SchedAttr attr = {};

	attr.policy = scheduling.policy;
	attr.flags = scheduling.reset_on_fork ? kResetOnFork : 0;
	attr.nice = scheduling.nice;
	attr.priority = scheduling.rt;
	set(tid, attr);
}

void schedule_deadline(pid_t tid)
{
	SchedAttr attr = {};

	attr.policy = kDeadline;
	attr.runtime = 10'000'000;
	attr.deadline = attr.period = 100'000'000;
	set(tid, attr);
}

int effective_priority(pid_t pid, pid_t tid)
{
	std::ifstream file("/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) +
			   "/stat");
	std::string line, field;

	std::getline(file, line);
	// Behind the name, which may hold anything, the state is the third field.
	std::istringstream fields(line.substr(line.rfind(')') + 1));
	for (int i = 3; i <= 18; i++)
		fields >> field;
	return nice_priority(0) + 20 - std::stoi(field);
}

Bound::Bound(int processor)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(processor, &one);
	EXPECT_EQ(0, sched_getaffinity(0, sizeof(before_), &before_));
	EXPECT_EQ(0, sched_setaffinity(0, sizeof(one), &one)) << strerror(errno);
}

Bound::~Bound()
{
	sched_setaffinity(0, sizeof(before_), &before_);
}

Worker::Worker() : thread_([this] { return work(); }) {}

Worker::Worker(const Scheduling &scheduling) : Worker()
{
	schedule(tid(), scheduling);
}

Worker::~Worker()
{
	std::lock_guard<std::mutex> lock(mutex_);
	ending_ = true;
	changed_.notify_all();
}

long Worker::work()
{
	std::unique_lock<std::mutex> lock(mutex_);

	for (;;) {
		changed_.wait(lock, [this] { return busy_ || ending_; });
		if (!busy_)
			return 0;
		lock.unlock();
		job_();
		lock.lock();
		busy_ = false;
		changed_.notify_all();
	}
}

void Worker::start(std::function<void()> job)
{
	std::lock_guard<std::mutex> lock(mutex_);

	EXPECT_FALSE(busy_);
	job_ = std::move(job);
	busy_ = true;
	changed_.notify_all();
}

bool Worker::finish()
{
	std::unique_lock<std::mutex> lock(mutex_);
	bool done = changed_.wait_for(lock, std::chrono::milliseconds(kPatienceMs),
				      [this] { return !busy_; });

	EXPECT_TRUE(done) << "a thread does not end what it does";
	return done;
}

bool Worker::run(std::function<void()> job)
{
	start(std::move(job));
	return finish();
}
