// SPDX-License-Identifier: MIT
// Runs the attacks, and counts: a line for each, and "N passed, N failed" last.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "attack.h"
#include "support/leftovers.h"
#include "support/watchdog.h"

namespace
{

std::string mark;

// Instead of GoogleTest's own printer, which knows no attacks that work today.
class Report : public testing::EmptyTestEventListener
{
public:
	int passed = 0, failed = 0;

private:
	void OnTestStart(const testing::TestInfo &) override
	{
		mark.clear();
		text_.clear();
	}
	void OnTestPartResult(const testing::TestPartResult &result) override
	{
		const char *file = result.file_name() ? result.file_name() : "";
		if (!result.failed() && !result.skipped())
			return;
		text_ += std::string("    ") + file + ":" + std::to_string(result.line_number()) +
			 ": " + result.message() + "\n";
		// A child's come to nobody else.
		if (getpid() != self_ && mark.empty())
			fputs(text_.c_str(), stderr);
	}
	void OnTestEnd(const testing::TestInfo &test) override
	{
		const testing::TestResult &result = *test.result();
		std::string name = std::string(test.test_suite_name()) + "." + test.name();

		if (result.Skipped()) {
			printf("skipped %s\n%s", name.c_str(), text_.c_str());
		} else if (result.Failed() && !mark.empty()) {
			passed++;
			printf("known   %s: missing: %s\n", name.c_str(), mark.c_str());
		} else if (!result.Failed() && mark.empty()) {
			passed++;
			printf("ok      %s\n", name.c_str());
		} else if (result.Failed()) {
			failed++;
			printf("FAILED  %s\n%s", name.c_str(), text_.c_str());
		} else {
			failed++;
			printf("FAILED  %s: does not work any more: take its works_today() away "
			       "(%s)\n",
			       name.c_str(), mark.c_str());
		}
		if (getenv("ATTACK_TIMES"))
			printf("        %lld ms\n%s", (long long)result.elapsed_time(),
			       text_.c_str());
		fflush(stdout);
	}

	const pid_t self_ = getpid();
	std::string text_;
};

} // namespace

void works_today(const std::string &what_is_missing)
{
	mark = what_is_missing;
}

int main(int argc, char **argv)
{
	// as the set-uid program that an attacker executes: root's from here on, as su(1) is
	if (argc == 2 && !strcmp(argv[1], "sleep")) {
		if (setresgid(0, 0, 0) || setresuid(0, 0, 0))
			return 1;
		pause();
	}
	testing::InitGoogleTest(&argc, argv);
	signal(SIGPIPE, SIG_IGN);
	// Thread's destructor interrupts system calls with it.
	struct sigaction interrupt = {};
	interrupt.sa_handler = [](int) {};
	sigaction(SIGUSR1, &interrupt, nullptr);

	testing::TestEventListeners &listeners = testing::UnitTest::GetInstance()->listeners();
	Report *report = new Report;
	delete listeners.Release(listeners.default_result_printer());
	// Of the ends of a test it is told last: what was left behind counts, too.
	listeners.Append(report);
	watchdog_start();
	leftovers_watch();
	int status = RUN_ALL_TESTS();
	int passed = report->passed, failed = report->failed;
	printf("%d passed, %d failed\n", passed, failed);
	return passed + failed == 0 ? status : failed != 0;
}
