// SPDX-License-Identifier: MIT
// main() of every test program.
#include <gtest/gtest.h>
#include <signal.h>

#include "support/leftovers.h"
#include "support/watchdog.h"

int main(int argc, char **argv)
{
	struct sigaction ignore = {};

	testing::InitGoogleTest(&argc, argv);
	signal(SIGPIPE, SIG_IGN);
	// Thread's destructor interrupts system calls with it.
	ignore.sa_handler = [](int) {};
	sigaction(SIGUSR1, &ignore, nullptr);
	watchdog_start();
	leftovers_watch();
	return RUN_ALL_TESTS();
}
