// SPDX-License-Identifier: MIT
// Threads and processes that tests can watch: are they blocked, and where?
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <initializer_list>
#include <string>
#include <thread>

// How long a test waits for what must happen: far longer than it takes, since machines can be slow.
constexpr int kPatienceMs = 40000;

// Polls until condition() holds; false when it does not within kPatienceMs.
bool eventually(const std::function<bool()> &condition);

// Whether this holds at one of a few attempts: for what is quick unless the machine has much else
// to do.
bool sometimes(const std::function<bool()> &holds);

void sleep_ms(int ms);

// Whether a thread sleeps interruptibly inside ioctl(..., request, ...).
bool blocked_in(pid_t pid, pid_t tid, unsigned long request);

// The state letter of /proc/PID/task/TID/stat, or 0 when there is no such thread.
char thread_state(pid_t pid, pid_t tid);

pid_t own_tid();

class Thread
{
public:
	explicit Thread(std::function<long()> body);
	Thread(Thread &&) = delete;
	// Ends the body's system calls by signals until it returns.
	~Thread();

	pid_t tid() const
	{
		return tid_;
	}
	bool done() const
	{
		return done_;
	}
	// The body's result. Fails the test when it does not come.
	long join();
	// Waits until the thread is asleep in that ioctl; says what it does instead on failure.
	// After what must not wake it, too: whoever wakes a thread has done so when its own call
	// returns, and one that was woken goes on, however slow the machine, and does not fall
	// asleep there again.
	bool wait_blocked(unsigned long request);
	// Waits until the thread is asleep anywhere.
	bool wait_asleep();
	// The same where no signal but one that kills wakes it.
	bool wait_killable();
	// Waits until a server has received what the thread sends, and not answered it.
	bool wait_received();
	void signal(int number);

private:
	std::atomic<pid_t> tid_{0};
	std::atomic<bool> done_{false};
	pid_t pid_;
	long result_ = 0;
	std::thread thread_;
};

// A forked process with a pipe in each direction. It dies with the test program. Its body returns
// the exit status; a failed expectation in it makes that 100.
class Child
{
public:
	using Body = std::function<int(Child &)>;

	explicit Child(Body body);
	Child(Child &&) = delete;
	// Kills and reaps what is still there.
	~Child();

	pid_t pid() const
	{
		return pid_;
	}
	// One value to, or from, the other end; hear() exits or fails when nothing comes.
	void tell(int64_t value);
	int64_t hear();
	// Whether something can be heard already.
	bool spoke(int timeout_ms = 0);

	void kill(int signal);
	// The wait status, or -1 when it does not end.
	int wait();
	// Expects the process to end by itself with status 0.
	void expect_success();
	bool wait_blocked(unsigned long request);
	bool wait_asleep();
	bool wait_killable();

private:
	pid_t pid_;
	bool reaped_ = false;
	bool child_ = false;
	int in_ = -1;
	int out_ = -1;
};

// Runs the body in a process of a new time namespace, with such lines of offsets ("monotonic 100000
// 0"); a failed expectation in it fails the test. False: the kernel has no time namespaces.
bool in_time_namespace(std::initializer_list<const char *> offsets,
		       const std::function<void()> &body);
