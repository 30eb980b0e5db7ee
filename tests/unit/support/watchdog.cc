// SPDX-License-Identifier: MIT
#include "support/watchdog.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <thread>

namespace
{

std::atomic<int> seconds_left;
std::atomic<const char *> current_suite{""};
std::atomic<const char *> current_test{""};
std::mutex children_lock;
std::set<pid_t> children;

int number_from(const char *variable, int otherwise)
{
	const char *text = getenv(variable);
	int value = text ? atoi(text) : 0;

	return value > 0 ? value : otherwise;
}

void show_threads(pid_t pid)
{
	std::error_code error;

	for (const auto &task :
	     std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", error)) {
		fprintf(stderr, "-- process %d thread %s\n", pid, task.path().filename().c_str());
		for (const char *name : {"stat", "syscall", "stack"}) {
			std::ifstream file(task.path() / name);
			std::stringstream text;

			text << file.rdbuf();
			fprintf(stderr, "%s\n", text.str().c_str());
		}
	}
}

[[noreturn]] void bite()
{
	fprintf(stderr, "watchdog: %s.%s does not end\n", current_suite.load(),
		current_test.load());
	show_threads(getpid());
	std::lock_guard<std::mutex> guard(children_lock);
	for (pid_t pid : children)
		show_threads(pid);
	for (pid_t pid : children)
		kill(pid, SIGKILL);
	_exit(124);
}

class Watch : public testing::EmptyTestEventListener
{
	void OnTestStart(const testing::TestInfo &test) override
	{
		current_suite = test.test_suite_name();
		current_test = test.name();
		seconds_left = number_from("STPLR_TEST_TIMEOUT", 90) * test_repeat();
	}
};

} // namespace

int test_repeat()
{
	return number_from("STPLR_TEST_REPEAT", 1);
}

void watchdog_start()
{
	seconds_left = number_from("STPLR_TEST_TIMEOUT", 90);
	testing::UnitTest::GetInstance()->listeners().Append(new Watch);
	std::thread([] {
		// A test's signals are not for this thread: each would cost it a second.
		sigset_t all;
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, nullptr);
		while (seconds_left-- > 0)
			sleep(1);
		bite();
	}).detach();
}

void watchdog_add_child(pid_t pid)
{
	std::lock_guard<std::mutex> guard(children_lock);
	children.insert(pid);
}

void watchdog_remove_child(pid_t pid)
{
	std::lock_guard<std::mutex> guard(children_lock);
	children.erase(pid);
}
