// SPDX-License-Identifier: MIT
#include "handlers.h"
#include "server.h"

using namespace stplr::examples;

static void work(int argc, char **argv)
{
	auto timers = std::make_shared<TimerHandler>();

	serve(parseServer(argc, argv, "timer"), std::make_shared<timerProcessor>(timers),
	      [timers] { timers->end(); });
}

int main(int argc, char **argv)
{
	return run("thrift-timer-server", work, argc, argv);
}
