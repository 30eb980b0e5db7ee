// SPDX-License-Identifier: MIT
#include "support/thread.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "support/watchdog.h"

namespace
{

std::string task_file(pid_t pid, pid_t tid, const char *name)
{
	std::ifstream file("/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/" +
			   name);
	std::stringstream text;

	text << file.rdbuf();
	return text.str();
}

// As the module's list of blocked threads has it, on whichever device.
bool reply_blocked(pid_t tid)
{
	std::error_code error;

	for (const auto &device :
	     std::filesystem::directory_iterator("/sys/kernel/debug/stplr", error)) {
		std::ifstream file(device.path() / "blocked");

		for (std::string line; getline(file, line);) {
			std::istringstream words(line);
			std::string state;
			pid_t process, thread;

			if (words >> state >> process >> thread && thread == tid &&
			    state == "REPLY")
				return true;
		}
	}
	return false;
}

std::string doing(pid_t pid, pid_t tid)
{
	return "state " + std::string(1, thread_state(pid, tid) ?: '-') + ", syscall " +
	       task_file(pid, tid, "syscall");
}

bool wait_state(pid_t pid, pid_t tid, char state)
{
	bool reached = eventually([=] { return thread_state(pid, tid) == state; });

	EXPECT_TRUE(reached) << "not in state " << state << ": " << doing(pid, tid);
	return reached;
}

bool wait_blocked_in(pid_t pid, pid_t tid, unsigned long request)
{
	bool blocked = eventually([=] { return blocked_in(pid, tid, request); });

	EXPECT_TRUE(blocked) << "not blocked in ioctl " << std::hex << request << ": "
			     << doing(pid, tid);
	return blocked;
}

} // namespace

void sleep_ms(int ms)
{
	timespec time = {ms / 1000, ms % 1000 * 1000000L};

	while (nanosleep(&time, &time) && errno == EINTR)
		;
}

bool eventually(const std::function<bool()> &condition)
{
	timespec start, time;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int pause_us = 100;; pause_us = pause_us < 5000 ? pause_us * 2 : pause_us) {
		if (condition())
			return true;
		clock_gettime(CLOCK_MONOTONIC, &time);
		if ((time.tv_sec - start.tv_sec) * 1000 > kPatienceMs)
			return false;
		usleep(pause_us);
	}
}

bool sometimes(const std::function<bool()> &holds)
{
	for (int attempt = 0; attempt < 5; attempt++)
		if (holds())
			return true;
	return false;
}

char thread_state(pid_t pid, pid_t tid)
{
	std::string stat = task_file(pid, tid, "stat");
	size_t end = stat.rfind(')');

	return end == std::string::npos || end + 2 >= stat.size() ? 0 : stat[end + 2];
}

bool blocked_in(pid_t pid, pid_t tid, unsigned long request)
{
	unsigned long number, fd, command;

	// "running" while it is not asleep.
	if (sscanf(task_file(pid, tid, "syscall").c_str(), "%lu %lx %lx", &number, &fd, &command) !=
	    3)
		return false;
	return number == SYS_ioctl && command == request && thread_state(pid, tid) == 'S';
}

pid_t own_tid()
{
	return syscall(SYS_gettid);
}

Thread::Thread(std::function<long()> body)
	: pid_(getpid()), thread_([this, body = std::move(body)] {
		  tid_ = own_tid();
		  result_ = body();
		  done_ = true;
	  })
{
	while (tid_ == 0)
		usleep(50);
}

Thread::~Thread()
{
	if (!thread_.joinable())
		return;
	while (!done_) {
		signal(SIGUSR1);
		usleep(2000);
	}
	thread_.join();
}

long Thread::join()
{
	if (!eventually([this] { return done(); })) {
		ADD_FAILURE() << "a thread does not end: " << doing(pid_, tid_);
		return -ETIME;
	}
	if (thread_.joinable())
		thread_.join();
	return result_;
}

bool Thread::wait_blocked(unsigned long request)
{
	return wait_blocked_in(pid_, tid_, request);
}

bool Thread::wait_asleep()
{
	return wait_state(pid_, tid_, 'S');
}

bool Thread::wait_killable()
{
	return wait_state(pid_, tid_, 'D');
}

bool Thread::wait_received()
{
	bool received = eventually([this] { return reply_blocked(tid_); });

	EXPECT_TRUE(received) << doing(pid_, tid_);
	return received;
}

void Thread::signal(int number)
{
	syscall(SYS_tgkill, pid_, tid_.load(), number);
}

Child::Child(Body body)
{
	int down[2], up[2];

	if (pipe2(down, O_CLOEXEC) || pipe2(up, O_CLOEXEC))
		abort();
	fflush(nullptr);
	pid_t parent = getpid();
	pid_ = fork();
	if (pid_ < 0)
		abort();
	if (pid_ == 0) {
		bool failed_before = testing::Test::HasFailure();

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		// 0: the parent is in another pid namespace.
		if (getppid() != parent && getppid() != 0)
			_exit(99);
		child_ = true;
		close(down[1]);
		close(up[0]);
		in_ = down[0];
		out_ = up[1];
		int status = body(*this);

		fflush(nullptr);
		_exit(testing::Test::HasFailure() && !failed_before ? 100 : status);
	}
	close(down[0]);
	close(up[1]);
	in_ = up[0];
	out_ = down[1];
	watchdog_add_child(pid_);
}

Child::~Child()
{
	if (!reaped_) {
		::kill(pid_, SIGKILL);
		wait();
	}
	close(in_);
	close(out_);
}

void Child::tell(int64_t value)
{
	if (write(out_, &value, sizeof(value)) == sizeof(value))
		return;
	if (child_)
		_exit(98);
	ADD_FAILURE() << "nobody to tell: " << strerror(errno);
}

bool Child::spoke(int timeout_ms)
{
	pollfd wait = {in_, POLLIN, 0};

	return ::poll(&wait, 1, timeout_ms) == 1 && (wait.revents & POLLIN);
}

int64_t Child::hear()
{
	int64_t value;

	if (child_) {
		ssize_t bytes;

		while ((bytes = read(in_, &value, sizeof(value))) < 0 && errno == EINTR)
			;
		if (bytes != sizeof(value))
			_exit(97);
		return value;
	}
	if (!spoke(kPatienceMs) || read(in_, &value, sizeof(value)) != sizeof(value)) {
		ADD_FAILURE() << "a child does not speak: " << doing(pid_, pid_);
		return -1;
	}
	return value;
}

void Child::kill(int signal)
{
	::kill(pid_, signal);
}

int Child::wait()
{
	int status = -1;

	if (reaped_)
		return -1;
	if (!eventually([&] { return waitpid(pid_, &status, WNOHANG) == pid_; })) {
		ADD_FAILURE() << "a child does not end: " << doing(pid_, pid_);
		return -1;
	}
	reaped_ = true;
	watchdog_remove_child(pid_);
	return status;
}

void Child::expect_success()
{
	int status = wait();

	EXPECT_TRUE(WIFEXITED(status)) << "the child was killed by signal " << WTERMSIG(status);
	if (WIFEXITED(status))
		EXPECT_EQ(0, WEXITSTATUS(status));
}

bool Child::wait_blocked(unsigned long request)
{
	return wait_blocked_in(pid_, pid_, request);
}

bool Child::wait_asleep()
{
	return wait_state(pid_, pid_, 'S');
}

bool Child::wait_killable()
{
	return wait_state(pid_, pid_, 'D');
}

bool in_time_namespace(std::initializer_list<const char *> offsets,
		       const std::function<void()> &body)
{
	constexpr int kNone = 77;
	Child outer([&](Child &) {
		if (unshare(CLONE_NEWTIME) && errno == EINVAL)
			return kNone;
		for (const char *offset : offsets) {
			std::ofstream file("/proc/self/timens_offsets");
			file << offset << std::endl;
			EXPECT_TRUE(file.good()) << offset;
		}
		// Not who makes it is in it, but its children.
		Child inner([&](Child &) {
			body();
			return 0;
		});
		inner.expect_success();
		return 0;
	});
	int status = outer.wait();

	if (WIFEXITED(status) && WEXITSTATUS(status) == kNone)
		return false;
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
	return true;
}
